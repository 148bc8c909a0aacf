#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Every public header and some files compile without a word from the compiler: as one unit, each file in a namespace of
# its own, so that what they share is read and optimised once.
#
#   one_unit.sh INCLUDE_FOLDER WORK_FOLDER FILE... -- COMPILER ARGUMENT...

set -euo pipefail

include=$1 work=$2
shift 2
rm -rf "$work"
mkdir -p "$work"
files=()
while [[ $1 != -- ]]; do files+=("$1") && shift; done
shift
compile=("$@" "-I$include")
for folder in $(dirname "${files[@]}" | sort -u); do compile+=(-iquote "$folder"); done

{
  for header in "$include"/tilery/*.hpp; do printf '#include <tilery/%s>\n' "$(basename "$header")"; done
  sed -n '/^#include /p' "${files[@]}" | sort -u
  for file in "${files[@]}"; do
    printf 'namespace of_%s {\n#include "%s"\n}\n' "$(basename "$file" .cpp)" "$(realpath "$file")"
  done
} >"$work/all.cpp"
status=0
"${compile[@]}" "$work/all.cpp" >"$work/log" 2>&1 || status=$?
head -n 40 "$work/log"
echo "all headers and ${#files[@]} files in ${SECONDS} s"
[[ $status == 0 && ! -s $work/log ]]
