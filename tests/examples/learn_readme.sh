#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The numbers in the tables of the course's README are what the lessons print.
#   learn_readme.sh LEARN README.md
set -euo pipefail

learn=$1 readme=$2 status=0 rows=0
while IFS= read -r line; do
  [[ $line =~ ^'| `'(gemm|softmax)_([0-9])_ ]] || continue
  rows=$((rows + 1))
  output=$("$learn" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}")
  while IFS= read -r number; do
    [[ $output == *" $number"* ]] || {
      printf '%s %s does not print %s\n' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "$number"
      status=1
    }
  done < <(grep -oE '[0-9]+(,[0-9]{3})+|[0-9.]+ us' <<<"$line")
done <"$readme"
((rows == 10)) || { echo "the README has $rows rows of lessons; it must have 10" && exit 1; }
exit "$status"
