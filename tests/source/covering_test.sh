#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# tests/covering.sh: a complete table passes; where rows are taken away it names the missing pairs, and the rows that it
# prints complete the table again; rules are kept; broken lines are refused.
#   covering_test.sh TABLE FOLDER
set -euo pipefail

covering=$(dirname "${BASH_SOURCE[0]}")/../covering.sh
table=$1 folder=$2
mkdir -p "$folder"
failures=0
fail() {
  echo "FAILED: $*"
  sed 's/^/  | /' "$folder/said"
  failures=$((failures + 1))
}
# check STATUS TEXT...: the status for $folder/table, and what must be said.
check() {
  local status=0 text expected=$1
  shift
  "$covering" "$folder/table" >"$folder/said" || status=$?
  [[ $status == "$expected" ]] || fail "the status is $status; it must be $expected"
  for text in "$@"; do grep -qF -- "$text" "$folder/said" || fail "covering.sh must say: $text"; done
}

small='#: column a  a1 a2
#: column b  b1 b2
#: column c  c1 c2
a1 b1 c1
a1 b2 c2  # a comment
a2 b1 c2'
printf '%s\na2 b2 c1\n' "$small" >"$folder/table"
check 0 "4 rows, 12 pairs that there can be, 0 of them missing"
printf '%s\n' "$small" >"$folder/table"
check 1 "no row has a2 with b2" "no row has a2 with c1" "no row has b2 with c1" $'rows that cover these pairs:\na2  b2  c1'
[[ $(sed -n '/^rows/,$p' "$folder/said" | wc -l) == 3 ]] || fail "one row covers the three pairs"
# What a rule excludes is not missing, and no printed row breaks a rule.
printf '%s\n#: never a2 b2\n' "$small" >"$folder/table"
check 1 "11 pairs that there can be, 2 of them missing" "a2  b1  c1" "a1  b2  c1"
printf '%s\n#: never a2 b2,b1 c1\n' "$small" >"$folder/table"
check 1 "11 pairs that there can be, 2 of them missing" "no row has a2 with b2" "no row has b2 with c1" "a2  b2  c2" "a1  b2  c1"

# The table without the rows of some words.
grep -vE '^(bf16 .*split_k|f32 .*batched|[a-z].* amax )' "$table" >"$folder/table"
check 1 "no row has bf16 with split_k" "no row has f32 with batched" "no row has s8 with amax" "no row has TT with amax"
sed -n '/^rows that cover/,$p' "$folder/said" | sed '1d;$d' >>"$folder/table"
check 0 "0 of them missing"

while read -r sentence && read -r line; do
  printf '%s\n%s\n' "$small" "$line" >"$folder/table"
  check 2 "$folder/table:7: $sentence"
done <<'LINES'
a row has 3 words, not 2
a2 b2
b1 is no value of the column a
b1 a2 c1
no column has the value b3
#: never a2 b3
b2 is a value of two columns
#: column d  b2
a description is a column or a never line, not always
#: always a1
LINES
printf '#: never a1 b1\n%s\n' "$small" >"$folder/table"
check 2 "no column has the value a1"
printf '%s\n' "${small/a1 b1/$'#: never a1 b1,b2 c1\na1 b1'}" >"$folder/table"
check 2 "a never line excludes this row"

((failures == 0)) && echo "covering.sh tells what is missing"
