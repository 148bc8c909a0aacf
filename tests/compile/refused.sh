#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Languages and options that the headers refuse: each public header ends the compilation with one sentence, and nothing
# follows it.
#
#   refused.sh INCLUDE_FOLDER WORK_FOLDER COMPILER ARGUMENT...

set -euo pipefail

include=$1 work=$2
shift 2
compile=("$@" "-I$include")
rm -rf "$work"
mkdir -p "$work"
failures=0
fail() {
  echo "FAILED: $1"
  head -n 8 "$work/log" | sed 's/^/  | /'
  failures=$((failures + 1))
}

# refuses HEADER SENTENCE OPTION...
refuses() {
  local header=$1 sentence=$2 count
  shift 2
  if echo "#include <tilery/$header>" | "${compile[@]}" "$@" -fsyntax-only -x c++ - >"$work/log" 2>&1; then
    fail "$header compiles with $*"
  fi
  count=$(grep -cE '(^|: )(fatal )?error:' "$work/log" || true)
  if ! grep -E '(^|: )error:' "$work/log" | head -n 1 | grep -qF -- "$sentence"; then
    fail "the first error of $header with $* must be: $sentence"
  elif ((count != 2)); then
    fail "$header with $* must end after the sentence and the file that does not exist, not after $count errors"
  fi
}

headers=0
for file in "$include"/tilery/*.hpp; do
  refuses "$(basename "$file")" "tilery: C++20 is needed; compile with -std=c++20 or a later standard" -std=c++17
  headers=$((headers + 1))
done

sentence="make softmax wrong; compile without them"
options=(-ffast-math -Ofast -ffinite-math-only)
# Clang has no macro for these (versions 14 and 18): the executors find them.
silent=("-fassociative-math -fno-signed-zeros -fno-trapping-math" -funsafe-math-optimizations)
for option in "${options[@]}"; do refuses softmax.hpp "$sentence" "$option"; done
for option in "${silent[@]}"; do
  read -r -a words <<<"$option"
  if [[ $("${compile[@]}" "${words[@]}" -E -dM -x c++ - </dev/null 2>/dev/null) == *__ASSOCIATIVE_MATH__* ]]; then
    refuses softmax.hpp "$sentence" "${words[@]}"
    continue
  fi
  cat >"$work/run.cpp" <<'PROGRAM'
#include <tilery/cpu.hpp>
#include <cstring>
int main() {
  try {
    tilery::cpu executor;
  } catch (const tilery::error& e) {
    return std::strstr(e.what(), "cpu: this program is compiled with -fassociative-math or") ? 0 : 2;
  }
  return 1;
}
PROGRAM
  "${compile[@]}" "${words[@]}" -O2 "$work/run.cpp" -pthread -o "$work/run" >"$work/log" 2>&1 || fail "run.cpp with $option"
  "$work/run" || fail "the cpu must refuse $option at run time"
done

# Options that change nothing that the library relies on.
for option in -fno-math-errno -fno-trapping-math -fno-signed-zeros -freciprocal-math; do
  echo '#include <tilery/softmax.hpp>' | "${compile[@]}" "$option" -fsyntax-only -x c++ - >"$work/log" 2>&1 || fail "$option"
done

# What no compiler here is: macros say that it is. Compilers define them themselves, and warn.
refuses softmax.hpp "tilery: MSVC and clang-cl are not supported" -D_MSC_VER=1940
if [[ $("${compile[@]}" -E -dM -x c++ - </dev/null) == *__clang__* ]]; then
  refuses softmax.hpp "tilery: this clang is too old" -U__clang_major__ -D__clang_major__=13
else
  refuses softmax.hpp "tilery: this g++ is too old" -U__GNUC__ -D__GNUC__=11
fi
refuses softmax.hpp "tilery: this nvcc is too old" -D__CUDACC_VER_MAJOR__=12 -D__CUDACC_VER_MINOR__=3

((failures == 0)) && echo "$headers headers and ${#options[@]} + ${#silent[@]} options are refused in a sentence, in ${SECONDS} s"
