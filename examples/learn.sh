#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The first steps of a course in GPU programming, on any laptop. Nothing has to be done before: what is missing is
# installed. examples/learn/README.md tells more.
#
#   examples/learn.sh                             lists the lessons and the exercises
#   examples/learn.sh gemm 3                      runs a lesson: its result, its profile, and the step before beside it
#   examples/learn.sh gemm 3 --html page.html     writes the kernel's source with its costs, too
#   examples/learn.sh gemm 3 --size 100 200 50    other sizes: m, n, k (softmax: rows, columns); --arch sm_80
#   examples/learn.sh exercise check 3            says what is still wrong with examples/learn/exercises/exercise_3.hpp
#   examples/learn.sh exercise check 3 --solution the same for the solution
#
# Kernels run on the virtual GPU. Where a GPU is visible, lessons run there as well.

set -euo pipefail

# shellcheck source=cmake/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/setup.sh"

folder=$tilery_build/learn
lessons=$tilery_root/examples/learn

# The first sentence of a file's opening comment: "GEMM, step 1: a lane computes one element of C."
title_of() {
  local line
  while read -r line; do
    case $line in
      *SPDX*) ;;
      '// '*) printf '%s\n' "${line#'// '}" && return ;;
    esac
  done <"$1"
}

list() {
  local file name
  for file in "$lessons"/{gemm,softmax}_[0-9]_*.hpp; do
    name=${file##*/}
    name=${name%%_*}\ $(tr -dc '0-9' <<<"${name}")
    printf '  %-20s %s\n' "$name" "$(title_of "$file")"
  done
  for file in "$lessons"/exercises/exercise_*.hpp; do
    printf '  %-20s %s\n' "exercise check $(tr -dc '0-9' <<<"${file##*/}")" "$(title_of "$file")"
  done
}

# prepare TARGET: the program of this name, built quietly where nothing has changed.
prepare() {
  # shellcheck disable=SC2086  # lists of words
  need_packages $packages_to_build $packages_for_examples
  if gpu_is_visible; then need_cuda compiler; else need_cuda headers; fi
  tell_cmake_about_cuda
  configure "$folder" -DCMAKE_BUILD_TYPE=Release -DTILERY_TESTS=OFF -DTILERY_BENCHMARKS=OFF -DTILERY_EXAMPLES=ON \
    -DCMAKE_CXX_COMPILER=g++ "${cuda_arguments[@]}"
  build "$folder" "$1"
  echo
}

case ${1-} in
  '') usage "${BASH_SOURCE[0]}" && list ;;
  --help | -h) usage "${BASH_SOURCE[0]}" ;;
  gemm | softmax)
    prepare learn
    exec "$folder/bin/learn" "$@"
    ;;
  exercise)
    [[ ${2-} == check && ${3-} == [1-5] ]] ||
      give_up "it is: examples/learn.sh exercise check N, with N from 1 to 5"
    shift
    prepare "learn_exercise_$2"
    exec "$folder/bin/learn_exercise_$2" "$@"
    ;;
  *) give_up "$1 is no course (see examples/learn.sh --help)" ;;
esac
