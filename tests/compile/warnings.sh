#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# A consumer's warnings: every public header and a call of each op, included with -I as a project's own headers are,
# compile without a word under strict warnings that are errors.
#
#   warnings.sh INCLUDE_FOLDER WORK_FOLDER FILE... -- COMPILER ARGUMENT...

set -euo pipefail

include=$1 work=$2
shift 2
rm -rf "$work"
mkdir -p "$work"
files=()
while [[ $1 != -- ]]; do files+=("$1") && shift; done
shift
compile=("$@" "-I$include" -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Werror)

for header in "$include"/tilery/*.hpp; do printf '#include <tilery/%s>\n' "$(basename "$header")"; done >"$work/all.cpp"
status=0
printf '%s\n' "$work/all.cpp" "${files[@]}" | xargs -P "$(nproc)" -I{} "${compile[@]}" -c {} -o /dev/null >"$work/log" 2>&1 || status=$?
head -n 40 "$work/log"
echo "$((${#files[@]} + 1)) files in ${SECONDS} s"
[[ $status == 0 && ! -s $work/log ]]
