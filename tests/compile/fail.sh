#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What must not compile does not, and the compiler says why; the same file without its mistake compiles.
#
#   fail.sh WORK_FOLDER CASE... -- COMPILER ARGUMENT...
#
# A broken policy's sentence is in the first line of g++'s message, below the chain of includes. The sentence of a case
# named epilogue_*, activation_* or conv_* is the first error, few errors follow it, and a line of the case is quoted; for
# conv_* no error follows it.
#
# A case is a file that is compiled twice, once with BROKEN defined. What the compiler must then say is in its second
# line: // expect: TEXT. All right ones are compiled together, each in a namespace of its own; where that fails, one by
# one, so that it is known which.

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

# All cases include the same headers: a C++ compiler reads them in advance for the broken ones.
shared=$(realpath "$(dirname "${cases[0]}")/operands.hpp")
broken=("${compile[@]}" -DBROKEN)
if [[ ${compile[0]##*/} != nvcc ]]; then
  echo "#include \"$shared\"" >"$work/shared.hpp"
  "${broken[@]}" -x c++-header "$work/shared.hpp" -o "$work/shared.hpp.gch"
  compile+=(-fsyntax-only)
  broken+=(-fsyntax-only -include "$work/shared.hpp")
fi

{
  echo "#include \"$shared\""
  for file in "${cases[@]}"; do
    echo "namespace $(basename "$file" .cpp)_right {"
    echo "#include \"$(realpath "$file")\""
    echo "}"
  done
} >"$work/right.cpp"

# The sentence of a broken case, or what is wrong; of right ones, what is wrong.
check_broken() {
  local name expected log strict=no most=3
  name=$(basename "$1" .cpp)
  log=$work/$name.broken
  expected=$(sed -n '2s/^\/\/ expect: //p' "$1")
  if [[ $name =~ ^(epilogue|activation|conv)_ && ! $expected =~ ^[a-z_]+_policy\. ]]; then strict=yes; fi
  [[ $name != conv_* ]] || most=1
  if [[ -z $expected ]]; then
    echo "$name: its second line must be // expect: TEXT"
  elif "${broken[@]}" "$1" >"$log" 2>&1; then
    echo "$name: the broken one compiles"
  elif ! grep -qF -- "$expected" "$log"; then
    echo "$name: the compiler must say \"$expected\", but it says:"
    head -n 20 "$log"
  elif [[ ${compile[0]##*/} == g++* && $expected =~ ^[a-z_]+_policy\. ]] && ! grep -vE '^(In file included| +from )' "$log" |
    sed -n 1p | grep -qF -- "$expected"; then
    echo "$name: the first line must say \"$expected\", but it says:"
    grep -vE '^(In file included| +from )' "$log" | sed -n 1,3p
  elif [[ $strict == yes ]] && ! grep -m 1 -E 'error( #[0-9]+)?: ' "$log" | grep -qF -- "$expected"; then
    echo "$name: the first error must say \"$expected\", but it says:"
    grep -m 1 -E 'error( #[0-9]+)?: ' "$log"
  elif [[ $strict == yes ]] && (($(grep -cE 'error( #[0-9]+)?: ' "$log") > most)); then
    echo "$name: at most $most errors must follow from the mistake, but these do:"
    grep -E 'error( #[0-9]+)?: ' "$log"
  elif [[ $strict == yes ]] && ! grep -qF -- "$name.cpp" "$log"; then
    echo "$name: the compiler must quote a line of $name.cpp, but it says:"
    head -n 20 "$log"
  else
    echo "$name: \"$expected\""
    return
  fi
  return 1
}
check_right() {
  local file name
  "${compile[@]}" "$work/right.cpp" >"$work/right.log" 2>&1 && return
  for file in "${cases[@]}"; do
    name=$(basename "$file" .cpp)
    "${compile[@]}" "$file" >"$work/$name.right" 2>&1 && continue
    echo "$name: the right one does not compile:"
    head -n 20 "$work/$name.right"
  done
  echo "the right ones together:"
  head -n 20 "$work/right.log"
  return 1
}

status=0 running=0
check_right >"$work/right.says" &
running=1
for file in "${cases[@]}"; do
  ((running < $(nproc))) || { wait -n || status=1; running=$((running - 1)); }
  check_broken "$file" >"$work/$(basename "$file").says" &
  running=$((running + 1))
done
while ((running > 0)); do wait -n || status=1; running=$((running - 1)); done
cat "$work"/*.says
echo "${#cases[@]} cases with ${compile[0]##*/} in ${SECONDS} s"
exit $status
