#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What must not compile does not, and the compiler says why; the same file without its mistake compiles.
#
#   fail.sh WORK_FOLDER CASE... -- COMPILER ARGUMENT...
#
# A case is a file that is compiled twice, the second time with BROKEN defined. What the compiler must then say is in its
# second line: // expect: TEXT

set -euo pipefail

work=$1
shift
cases=()
while [[ $1 != -- ]]; do cases+=("$1") && shift; done
shift
compile=("$@")
((${#cases[@]} > 0)) || { echo "no cases" && exit 1; }
rm -rf "$work"
mkdir -p "$work"

# All cases include the same headers: a C++ compiler reads them in advance.
shared=$(realpath "$(dirname "${cases[0]}")/operands.hpp")
if [[ ${compile[0]##*/} != nvcc ]]; then
  echo "#include \"$shared\"" >"$work/shared.hpp"
  "${compile[@]}" -x c++-header "$work/shared.hpp" -o "$work/shared.hpp.gch"
  compile+=(-fsyntax-only -include "$work/shared.hpp")
fi

# check FILE: prints a line, and more where something is wrong.
check() {
  local file=$1 name expected log
  name=$(basename "$1" .cpp)
  log=$work/$name
  expected=$(sed -n '2s/^\/\/ expect: //p' "$file")
  if [[ -z $expected ]]; then
    echo "$name: its second line must be // expect: TEXT"
  elif ! "${compile[@]}" "$file" >"$log.right" 2>&1; then
    echo "$name: the right one does not compile:"
    head -n 20 "$log.right"
  elif "${compile[@]}" -DBROKEN "$file" >"$log.broken" 2>&1; then
    echo "$name: the broken one compiles"
  elif ! grep -qF -- "$expected" "$log.broken"; then
    echo "$name: the compiler must say \"$expected\", but it says:"
    head -n 20 "$log.broken"
  else
    echo "$name: \"$expected\""
    return
  fi
  return 1
}

status=0 running=0
for file in "${cases[@]}"; do
  ((running < $(nproc))) || { wait -n || status=1; running=$((running - 1)); }
  check "$file" >"$work/$(basename "$file").says" &
  running=$((running + 1))
done
while ((running > 0)); do wait -n || status=1; running=$((running - 1)); done
cat "$work"/*.says
echo "${#cases[@]} cases with ${compile[0]##*/} in ${SECONDS} s"
exit $status
