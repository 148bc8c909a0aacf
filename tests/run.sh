#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Builds and runs tilery's tests. Nothing has to be done before: what is missing is installed.
#
#   tests/run.sh                      all tests of this machine, but for the long ones
#   tests/run.sh --long               those too
#   tests/run.sh --filter REGEX       only tests whose name matches; only their programs are built, each suite by itself
#   tests/run.sh --compiler NAME      nvcc (with g++, the default where there is one), g++ or clang++
#   tests/run.sh --sanitize           host tests under AddressSanitizer and UBSan
#   tests/run.sh --build-only         builds and runs nothing
#   tests/run.sh --slowest N          prints, before the summary, the N tests that took longest to compile and run
#
# For a GPU on another machine: build here, take the repository and build/gpu/bin there, run there. Running needs no
# compiler, no CMake and no network.
#
#   tests/run.sh --gpu --build-only   stripped programs for sm_90a in build/gpu/bin
#   tests/run.sh --gpu --run          runs them, smallest first, each in its own process; ends in a table
#   tests/run.sh --gpu                both
#
#   --arch NAME      the GPU architecture to build for (default 90a)
#   --timeout S      seconds that each GPU suite may take (default 120)
#   --logs FOLDER    where the GPU suites' logs go (default build/gpu/logs)
#
# TILERY_BUILD moves the build folder, TILERY_JOBS sets how many compilers and tests run at once.

set -euo pipefail

# shellcheck source=cmake/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/setup.sh"
# shellcheck source=cmake/setup/googletest.sh
source "$tilery_root/cmake/setup/googletest.sh"
# shellcheck source=cmake/setup/ctest.sh
source "$tilery_root/cmake/setup/ctest.sh"

compiler='' filter='' logs='' sanitize=no long=no gpu=no do_build=yes do_run=yes slowest=0 arch=90a limit=120

value_of() { [[ $# -ge 2 && -n $2 ]] || give_up "$1 needs a value (see tests/run.sh --help)"; }
number_of() { [[ ${2-} =~ ^[1-9][0-9]*$ ]] || give_up "$1 needs a whole number (see tests/run.sh --help)"; }

while (($# > 0)); do
  case $1 in
    --help | -h) usage "${BASH_SOURCE[0]}" && exit ;;
    --sanitize) sanitize=yes ;;
    --long) long=yes ;;
    --gpu) gpu=yes ;;
    --build-only) do_run=no ;;
    --run) do_build=no ;;
    --compiler) value_of "$@" && compiler=$2 && shift ;;
    --filter) value_of "$@" && filter=$2 && shift ;;
    --slowest) number_of "$@" && slowest=$2 && shift ;;
    --arch) value_of "$@" && arch=$2 && shift ;;
    --timeout) number_of "$@" && limit=$2 && shift ;;
    --logs) value_of "$@" && logs=$2 && shift ;;
    *) give_up "$1 is no option of tests/run.sh (see tests/run.sh --help)" ;;
  esac
  shift
done

[[ $arch =~ ^[0-9]+[af]?(-real)?$ ]] || give_up "--arch $arch is no GPU architecture; 90a is one (see tests/run.sh --help)"
[[ -z $filter ]] || { grep -qE -- "$filter" <<<'' || (($? == 1)); } 2>/dev/null ||
  give_up "--filter $filter is no regular expression"
case $compiler in
  '' | nvcc | g++ | clang++) ;; # installed where they are missing
  *) command -v "$compiler" >/dev/null || give_up "--compiler $compiler was asked for, but there is no such program" ;;
esac
[[ -z $logs || $do_run == no ]] || need_writable "$logs" --logs

# Ends the script with the names that there are, which come from standard input.
no_match() { give_up "no test's name matches $filter; there are: $(paste -s -d ' ')"; }

build_gpu_tests() {
  local folder=$tilery_build/gpu
  local -a programs=() matching=()
  # shellcheck disable=SC2086  # a list of words
  prepare_machine nvcc $packages_to_build $packages_for_tests binutils
  need_cuda nvcc
  tell_cmake_about_cuda
  # "-real" leaves the PTX out: machine code for one architecture, arch=compute_90a,code=sm_90a.
  configure "$folder" -DCMAKE_BUILD_TYPE=Release -DTILERY_GPU_ONLY=ON -DTILERY_TESTS=ON -DTILERY_EXAMPLES=OFF \
    -DTILERY_BENCHMARKS=OFF "-DCMAKE_CUDA_ARCHITECTURES=${arch%-real}-real" "${cuda_arguments[@]}"
  if [[ -n $filter ]]; then
    mapfile -t programs < <(ninja -C "$folder" -t targets all | sed -n 's/^bin\/\([^/]*\): .*/\1/p')
    mapfile -t matching < <(printf '%s\n' "${programs[@]}" | grep -E -- "$filter")
    ((${#matching[@]} > 0)) || no_match < <(printf '%s\n' "${programs[@]}")
  fi
  build "$folder" "${matching[@]/#/bin/}"
  ninja -C "$folder" -t cleandead >/dev/null # programs of tests that are no more
  make_portable "$folder/bin"
}

if [[ $gpu == yes ]]; then
  [[ $do_build == no ]] || build_gpu_tests
  [[ $do_run == no ]] || run_googletests "$tilery_build/gpu/bin" "${logs:-$tilery_build/gpu/logs}" "$limit" "$filter"
  exit
fi

folder=$tilery_build/tests
[[ -z $compiler ]] || folder=$tilery_build/tests-$compiler
[[ $sanitize == no ]] || folder=$tilery_build/sanitize${compiler:+-$compiler}
[[ -z $filter ]] || folder+=-apart # each suite a program
arguments=(-DTILERY_TESTS=ON -DTILERY_EXAMPLES=ON -DTILERY_BENCHMARKS=OFF)

cuda=headers needed="$packages_to_build $packages_for_tests"
case $compiler in
  '') [[ $sanitize == yes ]] || cuda=compiler ;;
  nvcc) cuda=nvcc ;;
  clang*) needed+=" $packages_for_clang" ;;
esac
# shellcheck disable=SC2046,SC2086  # lists of words
prepare_machine $cuda $needed wanting $(wanted_for_tests)
need_cuda $cuda
case $compiler in
  '' | nvcc) arguments+=(-DCMAKE_CXX_COMPILER=g++) ;;
  *) arguments+=("-DCMAKE_CXX_COMPILER=$compiler") ;;
esac
# The sanitizers and the compilers that are not nvcc's host see the kernels as C++.
[[ $sanitize == no && ($compiler == '' || $compiler == nvcc) ]] || nvcc=
[[ $sanitize == no ]] || arguments+=(-DTILERY_SANITIZE=ON)
[[ -z $filter ]] || arguments+=(-DTILERY_SUITES_APART=ON)
tell_cmake_about_cuda
arguments+=("${cuda_arguments[@]}")

excluded='^long$'
[[ $long == no ]] || excluded=
[[ $sanitize == no ]] || excluded=${excluded:+$excluded|}'^gpu$'
chosen=(${excluded:+-LE "$excluded"} ${filter:+-R "$filter"})

if [[ $do_build == yes ]]; then
  configure "$folder" "${arguments[@]}"
  targets=()
  if [[ -n $filter ]]; then
    [[ -n $(tests_in "$folder" "${chosen[@]}") ]] || no_match < <(tests_in "$folder" ${excluded:+-LE "$excluded"})
    mapfile -t targets < <(targets_of_tests "$folder" "${chosen[@]}")
  fi
  # A filter may match tests alone that need no program.
  [[ -n $filter && ${#targets[@]} == 0 ]] || build "$folder" "${targets[@]}"
fi
[[ $do_run == yes ]] || exit 0

jobs=$(jobs_at_once)
say "running the tests, $jobs at once"
ctest --test-dir "$folder" --output-on-failure --no-tests=error -j "$jobs" "${chosen[@]}" </dev/null |
  summarize_ctest "$slowest" "$folder"
