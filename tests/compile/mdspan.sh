#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Ops take the mdspans of a library: compiles tests/compile/mdspan/LIBRARY.cpp and runs it. Skipped, with the reason,
# where no compiler of this machine has the library.
#
#   mdspan.sh std|cuda|kokkos WORK_FOLDER COMPILER ARGUMENT...

set -euo pipefail

library=$1 work=$2
shift 2
compile=("$@")
here=$(dirname "${BASH_SOURCE[0]}")
mkdir -p "$work"

# Whether a compiler finds the library's header.
has_header() { echo "#include <$1>" | "${@:2}" -x c++ -fsyntax-only - 2>/dev/null; }

case $library in
  std) # C++23: libstdc++ has it from GCC 16 on, libc++ from clang 18 on
    arguments=("${compile[@]:1}") found=
    for compiler in "${compile[0]}" clang++ clang++-{25,24,23,22,21,20,19,18}; do
      for flags in "-std=c++23" "-std=c++23 -stdlib=libc++"; do
        command -v "$compiler" >/dev/null || continue
        # shellcheck disable=SC2206  # a list of words
        compile=("$compiler" "${arguments[@]}" $flags)
        has_header mdspan "${compile[@]}" && echo '#include <mdspan>
          int main() { return std::dextents<int, 2>(0, 0).extent(0); }' | "${compile[@]}" -x c++ - -o "$work/probe" 2>/dev/null && found=yes && break 2
      done
    done
    [[ $found == yes ]] || { printf 'mdspan_std: Skipped\nno compiler here has <mdspan> (Debian: clang-19 libc++-19-dev)\n' && exit; }
    ;;
  kokkos) has_header mdspan/mdspan.hpp "${compile[@]}" || { printf "mdspan_kokkos: Skipped\nKokkos' mdspan is not installed\n" && exit; } ;;
  cuda) has_header cuda/std/mdspan "${compile[@]}" || { printf 'mdspan_cuda: Skipped\nthe CUDA headers here have no libcu++\n' && exit; } ;;
esac

echo "${compile[0]} ${compile[*]: -1}"
"${compile[@]}" -O1 -pthread -DTILERY_KEEP_LOOPS "$here/mdspan/$library.cpp" -o "$work/$library"
"$work/$library"
