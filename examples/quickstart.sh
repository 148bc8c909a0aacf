#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Trains a small network on real images and shows it. Nothing has to be done before: what is missing is installed.
#
#   examples/quickstart.sh                     Fashion-MNIST, from Debian's package; else handwritten digits
#   examples/quickstart.sh --epochs 3 ...      options go to the program; train_mlp's own --help follows below
#   examples/quickstart.sh --output FOLDER     where the curve and the weights go (default build/quickstart/run)
#
# The program is built for the GPU where one is visible (or with --executor cuda), else for the CPU alone.

set -euo pipefail

# shellcheck source=cmake/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/setup.sh"

folder=$tilery_build/quickstart

# option_among NAME ARGUMENT...: the value that the arguments give an option, or nothing.
option_among() {
  local name=$1 value=
  shift
  while (($# > 0)); do
    case $1 in
      "$name") value=${2-} ;;
      "$name="*) value=${1#*=} ;;
    esac
    shift
  done
  printf '%s' "$value"
}
output=$(option_among --output "$@")
own_data=$(option_among --data "$@")
executor=$(option_among --executor "$@")
wants_help=no
[[ " $* " != *" --help "* && " $* " != *" -h "* ]] || wants_help=yes
[[ $wants_help == no ]] || { usage "${BASH_SOURCE[0]}" && echo; }

# Fashion-MNIST is worth having, not worth failing for, and asked for once.
fetch_images() {
  [[ -z $own_data && ! -e $folder/.without_fashion_mnist ]] || return 0
  want_packages dataset-fashion-mnist && return
  mkdir -p "$folder"
  touch "$folder/.without_fashion_mnist"
  say "no Fashion-MNIST ($install_trouble): training on the digits of this repository;" \
    "to have it: $(install_command dataset-fashion-mnist) && rm ${folder#"$PWD/"}/.without_fashion_mnist"
}

# shellcheck disable=SC2086  # lists of words
need_packages $packages_to_build $packages_for_examples
fetch_images
if [[ $executor == cuda ]] || { [[ -z $executor ]] && gpu_is_visible; }; then
  need_cuda compiler
else
  need_cuda headers
fi
tell_cmake_about_cuda
configure "$folder" -DCMAKE_BUILD_TYPE=Release -DTILERY_TESTS=OFF -DTILERY_BENCHMARKS=OFF -DTILERY_EXAMPLES=ON \
  -DCMAKE_CXX_COMPILER=g++ "${cuda_arguments[@]}"
build "$folder" train_mlp

program=$(find "$folder" -name train_mlp -type f -perm -u+x -print -quit)
[[ -n $program ]] || give_up "train_mlp was built, but is not in ${folder#"$PWD/"}"

[[ $wants_help == no ]] || exec "$program" --help
[[ -n $output ]] || { output=$folder/run && set -- --output "$output" "$@"; }
mkdir -p "$output"
say "training; afterwards $output has"
printf '  %-20s %s\n' curve.svg 'the learning curve, for a browser' curve.csv 'its numbers' \
  model.safetensors 'the weights'
exec "$program" "$@" # its last line, the test accuracy, stays the last
