#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Checks a pairwise covering table: each two values of different columns must be together in some row. Prints the pairs
# that no row has, and rows that cover them; the status is then 1.
#
#   covering.sh TABLE
#
# A row of the table is a line of as many words as there are columns. A # begins a comment; lines with #: describe the
# table:
#   #: column NAME VALUE...    the next column and its values
#   #: never VALUES...         no row has a value of each of these lists, which are values joined by commas
#
# A pair that the `never` lines exclude from every row is not missing. The printed rows are chosen greedily: few, but not
# always the fewest.

set -euo pipefail

awk '
  function fail(text) { print FILENAME ":" FNR ": " text; failed = 1; exit 2 }

  # True if the values chosen so far break a rule.
  function is_never(chosen,    r, l, found, column) {
    for (r = 1; r <= rules; ++r) {
      for (l = 1; l <= lists[r]; ++l) {
        found = 0
        for (column = 1; column <= columns; ++column)
          if (chosen[column] != "" && (r, l, chosen[column]) in rule) found = 1
        if (!found) break
      }
      if (l > lists[r]) return 1
    }
    return 0
  }
  function key(i, one, j, other) { return i < j ? i SUBSEP one SUBSEP j SUBSEP other : j SUBSEP other SUBSEP i SUBSEP one }

  # Fills the empty columns of a row, first with the values that cover most pairs. Returns 0 if the rules allow none.
  function complete(chosen,    column, v, tried, best, most, gain, other) {
    for (column = 1; column <= columns && chosen[column] != ""; ++column);
    if (column > columns) return 1
    split("", tried)
    while (1) {
      best = ""; most = -1
      for (v = 1; v <= count[column]; ++v) {
        if (value[column, v] in tried) continue
        gain = 0
        for (other = 1; other <= columns; ++other)
          if (chosen[other] != "" && (key(column, value[column, v], other, chosen[other]) in missing)) ++gain
        if (gain > most) { most = gain; best = value[column, v] }
      }
      if (most < 0) break
      tried[best]
      chosen[column] = best
      if (!is_never(chosen) && complete(chosen)) return 1
    }
    chosen[column] = ""
    return 0
  }
  function start(chosen, i, one, j, other,    column) {
    for (column = 1; column <= columns; ++column) chosen[column] = ""
    chosen[i] = one; chosen[j] = other
    return !is_never(chosen) && complete(chosen)
  }

  $1 == "#:" && $2 == "column" {
    if (NF < 4) fail("a column has a name and values")
    name[++columns] = $3
    for (i = 4; i <= NF; ++i) {
      if (($i) in column_of) fail($i " is a value of two columns")
      column_of[$i] = columns
      value[columns, ++count[columns]] = $i
    }
    next
  }
  $1 == "#:" && $2 == "never" {
    ++rules
    for (i = 3; i <= NF; ++i) {
      ++lists[rules]
      parts = split($i, part, ",")
      for (p = 1; p <= parts; ++p) {
        if (!(part[p] in column_of)) fail("no column has the value " part[p])
        rule[rules, lists[rules], part[p]]
      }
    }
    next
  }
  $1 == "#:" { fail("a description is a column or a never line, not " $2) }
  { sub(/#.*/, "") }
  NF == 0 { next }
  {
    if (NF != columns) fail("a row has " columns " words, not " NF)
    for (i = 1; i <= NF; ++i)
      if (column_of[$i] != i) fail($i " is no value of the column " name[i])
      else row[i] = $i
    if (is_never(row)) fail("a never line excludes this row")
    for (i = 1; i <= NF; ++i)
      for (j = i + 1; j <= NF; ++j) has[key(i, $i, j, $j)]
    ++rows
  }
  END {
    if (failed) exit 2
    for (i = 1; i <= columns; ++i)
      for (j = i + 1; j <= columns; ++j)
        for (a = 1; a <= count[i]; ++a)
          for (b = 1; b <= count[j]; ++b) {
            pair = key(i, value[i, a], j, value[j, b])
            ++pairs
            if (pair in has) continue
            if (!start(row, i, value[i, a], j, value[j, b])) { ++excluded; continue }
            missing[pair]
            list[++missed] = i " " value[i, a] " " j " " value[j, b]
          }
    for (m = 1; m <= missed; ++m) {
      split(list[m], word, " ")
      print "no row has " word[2] " with " word[4]
    }
    if (missed > 0) print "rows that cover these pairs:"
    for (m = 1; m <= missed; ++m) {
      split(list[m], word, " ")
      if (!(key(word[1], word[2], word[3], word[4]) in missing)) continue
      start(row, word[1], word[2], word[3], word[4])
      line = ""
      for (i = 1; i <= columns; ++i) {
        line = line row[i] (i < columns ? "  " : "")
        for (j = i + 1; j <= columns; ++j) delete missing[key(i, row[i], j, row[j])]
      }
      print line
    }
    print rows + 0 " rows, " pairs - excluded " pairs that there can be, " missed + 0 " of them missing"
    exit missed > 0
  }' "$1"
