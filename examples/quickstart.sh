#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Trains a small network on real images and shows it. Nothing has to be done before: what is missing is installed.
#
#   examples/quickstart.sh                     Fashion-MNIST, from Debian's package; else handwritten digits
#   examples/quickstart.sh --epochs 3 ...      with options of the program, train_mlp:
#
#   --seed N           of the weights, of the order of the images, and of crop and flip
#   --epochs N         passes over the training images
#   --batch N          images a step
#   --steps N          ends after so many steps (0: after the epochs)
#   --rate X           highest learning rate of AdamW
#   --decay X          weight decay of AdamW
#   --crop N           moves each training image by up to N pixels
#   --flip WORD        mirrors half of the training images: yes, no, or auto (where the data set allows it)
#   --data FOLDER      the four IDX files, gzipped or not, or a folder of PNGs for each class
#   --output FOLDER    where the weights, the curve and the pictures go (default build/quickstart/run)
#   --executor NAME    auto, cuda, cpu or virtual
#   --threads N        of the host (0: all)
#   --resume           goes on with the training in the output folder, as it began
#   --dry-run          says what would be trained, and ends
#
# The program is built for the GPU where one is visible (or with --executor cuda), else for the CPU alone. Ctrl-C ends
# training; the training so far is saved.

set -euo pipefail

# shellcheck source=cmake/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/setup.sh"

folder=$tilery_build/quickstart

# Options are checked before anything is installed or built.
output=$folder/run own_data='' executor='' passed_on=()
is_number() { [[ $2 =~ ^[0-9]+$ ]] || give_up "$1 $2 is no whole number (see examples/quickstart.sh --help)"; }
while (($# > 0)); do
  option=${1%%=*}
  case $option in
    --help | -h) usage "${BASH_SOURCE[0]}" && exit ;;
    --dry-run | --resume) passed_on+=("$1") && shift && continue ;;
    --seed | --epochs | --batch | --steps | --rate | --decay | --crop | --flip | --data | --output | --executor | --threads) ;;
    *) give_up "$1 is no option of examples/quickstart.sh (see examples/quickstart.sh --help)" ;;
  esac
  if [[ $1 == *=* ]]; then value=${1#*=}; else value=${2-} && shift; fi
  [[ -n $value ]] || give_up "$option needs a value (see examples/quickstart.sh --help)"
  (($# == 0)) || shift
  case $option in
    --seed | --steps | --threads | --crop) is_number "$option" "$value" ;;
    --epochs | --batch)
      is_number "$option" "$value"
      ((10#$value > 0)) || give_up "$option $value must be at least 1"
      ;;
    --rate) [[ $value =~ ^[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?$ ]] || give_up "--rate $value is no number above 0" ;;
    --decay) [[ $value =~ ^[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?$ ]] || give_up "--decay $value is no number from 0 on" ;;
    --flip) [[ $value =~ ^(auto|yes|no)$ ]] || give_up "--flip $value: it must be auto, yes or no" ;;
    --data) own_data=$value ;;
    --output) output=$value && continue ;;
    --executor) executor=$value ;;
  esac
  passed_on+=("$option" "$value")
done
case $executor in
  '' | auto | cpu | virtual) ;;
  cuda) gpu_is_visible || give_up "--executor cuda: no GPU is visible here (neither /dev/nvidiactl nor /dev/dxg)" ;;
  *) give_up "--executor $executor: it must be auto, cuda, cpu or virtual" ;;
esac
[[ -z $own_data || -r $own_data ]] || give_up "--data $own_data: there is no such folder that can be read"
need_writable "$output" --output

# Fashion-MNIST is worth having, not worth failing for, and asked for once.
images=()
[[ -n $own_data || -e $folder/.without_fashion_mnist ]] || images=(wanting dataset-fashion-mnist)
cuda=headers
case $executor in
  cuda) cuda=nvcc ;;
  '' | auto) ! gpu_is_visible || cuda=compiler ;;
esac

# shellcheck disable=SC2086  # lists of words
prepare_machine $cuda $packages_to_build $packages_for_examples "${images[@]}"
if ((${#images[@]} > 0)) && ! package_is_there dataset-fashion-mnist; then
  mkdir -p "$folder"
  touch "$folder/.without_fashion_mnist"
  say "no Fashion-MNIST ($install_trouble): training on the digits of this repository;" \
    "to have it: $(install_command dataset-fashion-mnist) && rm ${folder#"$PWD/"}/.without_fashion_mnist"
fi
need_cuda $cuda
tell_cmake_about_cuda
configure "$folder" -DCMAKE_BUILD_TYPE=Release -DTILERY_TESTS=OFF -DTILERY_BENCHMARKS=OFF -DTILERY_EXAMPLES=ON \
  -DCMAKE_CXX_COMPILER=g++ "${cuda_arguments[@]}"
build "$folder" train_mlp

program=$(find "$folder" -name train_mlp -type f -perm -u+x -print -quit)
[[ -n $program ]] || give_up "train_mlp was built, but is not in ${folder#"$PWD/"}"

say "training; afterwards $output has"
printf '  %-20s %s\n' curve.svg 'the learning curve, for a browser' curve.csv 'its numbers' \
  confusion.svg 'what the test images are taken for' filters.png 'the filters of the first layer' \
  model.safetensors 'the weights, for --resume and predict'
exec "$program" --output "$output" "${passed_on[@]}" # its last line, the test accuracy, stays the last
