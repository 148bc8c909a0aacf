#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# A training that is stopped by Ctrl-C, killed, and resumed, on another number of threads, has the weights, moments and
# learning curve of one that went through, to the bit. And what --resume refuses.
#   train_resumed.sh TRAINER DATA FOLDER OPTION...
set -euo pipefail

program=$1 data=$2 folder=$3
shift 3
rm -rf "$folder"
mkdir -p "$folder"
fail() {
  echo "$*"
  tail -n 5 "$folder/said" 2>/dev/null
  exit 1
}
train() { "$program" --data "$data" --executor cpu "$@"; }

begin=$EPOCHREALTIME
train --threads 1 --output "$folder/whole" "$@" >"$folder/said" 2>&1 || fail "the training must go through"
end=$EPOCHREALTIME
third=$(((${end/./} - ${begin/./}) / 3)) # in microseconds

interruptions=0 kills=0 status=0
options=("$@")
for ((run = 1; run <= 20; ++run)); do
  # The second run is killed, without a chance to save; later ones have more time each, so that a slow one comes along.
  signal=INT
  ((run != 2)) || signal=KILL
  limit=$((third * (run < 4 ? 1 : run - 2)))
  status=0
  timeout --preserve-status --signal=$signal "$((limit / 1000000)).$(printf %06d $((limit % 1000000)))" \
    "$program" --data "$data" --executor cpu --threads 2 --output "$folder/parts" "${options[@]}" >"$folder/said" 2>&1 ||
    status=$?
  case $status in
    0) break ;;
    130) interruptions=$((interruptions + 1)) ;;
    137) kills=$((kills + 1)) ;;
    *) fail "a stopped training must end with status 130 or 137, not $status" ;;
  esac
  [[ ! -e $folder/parts/model.safetensors ]] || options=(--resume)
done
((status == 0)) || fail "the resumed training never came to its end"
((interruptions > 0 && kills > 0)) || fail "$interruptions interruptions and $kills kills: there must be one of each"

for file in model.safetensors confusion.svg filters.png; do
  cmp "$folder/whole/$file" "$folder/parts/$file" || fail "$file differs after $interruptions interruptions and $kills kills"
done
diff <(cut -d , -f 1-4 "$folder/whole/curve.csv") <(cut -d , -f 1-4 "$folder/parts/curve.csv") >/dev/null ||
  fail "the learning curves differ in more than their seconds"
# A training that is complete is tested once more, and nothing changes.
train --threads 1 --output "$folder/parts" --resume >"$folder/said" 2>&1 || fail "a complete training can be resumed"
cmp "$folder/whole/model.safetensors" "$folder/parts/model.safetensors"
[[ $(tail -n 1 "$folder/said") == "test accuracy: 0."* ]] || fail "the test accuracy must be the last line"

refused() {
  if "${@:2}" >"$folder/said" 2>&1; then fail "${*:2} must be refused"; fi
  grep -qE -- "$1" "$folder/said" || fail "the trainer must say: $1"
}
refused 'model.safetensors cannot be opened: No such file or directory' train --output "$folder/nothing" --resume
refused '--resume excludes --(epochs|crop)|--(epochs|crop) excludes --resume' train --output "$folder/parts" --resume --epochs 3
mkdir "$folder/other"
cp "$data"/* "$folder/other"
cp "$data"/t10k-labels-idx1-ubyte.gz "$folder/other/train-labels-idx1-ubyte.gz"
cp "$data"/t10k-images-idx3-ubyte.gz "$folder/other/train-images-idx3-ubyte.gz"
refused 'is of a training on .*, but the images of .* are others; --data must name' \
  "$program" --data "$folder/other" --executor cpu --output "$folder/parts" --resume
echo "the same after $interruptions interruptions and $kills kills"
