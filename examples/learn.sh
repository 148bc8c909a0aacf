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
  local cuda=headers
  ! gpu_is_visible || cuda=compiler
  # shellcheck disable=SC2086  # lists of words
  prepare_machine $cuda $packages_to_build $packages_for_examples
  need_cuda $cuda
  tell_cmake_about_cuda
  configure "$folder" -DCMAKE_BUILD_TYPE=Release -DTILERY_TESTS=OFF -DTILERY_BENCHMARKS=OFF -DTILERY_EXAMPLES=ON \
    -DCMAKE_CXX_COMPILER=g++ "${cuda_arguments[@]}"
  build "$folder" "$1"
  echo
}

# check_lesson COURSE NUMBER OPTION...: options are checked before anything is installed or built.
check_lesson() {
  local course=$1 number=${2-}
  [[ $number != --help && $number != -h ]] || { usage "${BASH_SOURCE[0]}" && exit; }
  [[ $number =~ ^[1-9]$ && -n $(compgen -G "$lessons/${course}_${number}_*.hpp") ]] ||
    give_up "it is: examples/learn.sh $course N, with N from 1 to $(compgen -G "$lessons/${course}_[0-9]_*.hpp" | wc -l)"
  shift 2
  while (($# > 0)); do
    case $1 in
      --help | -h) usage "${BASH_SOURCE[0]}" && exit ;;
      --size | --arch | --html) [[ -n ${2-} && $2 != --* ]] || give_up "$1 needs a value (see examples/learn.sh --help)" ;;
      --*) give_up "$1 is no option of a lesson (see examples/learn.sh --help)" ;;
    esac
    [[ $1 != --html ]] || need_writable "$(dirname "$2")" --html
    shift
  done
}

case ${1-} in
  '') usage "${BASH_SOURCE[0]}" && list ;;
  --help | -h) usage "${BASH_SOURCE[0]}" ;;
  gemm | softmax)
    check_lesson "$@"
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
