#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# predict: a checkpoint classifies the test images of IDX files, the same images as PNG files, and single pictures, each
# as the trainer has said. And what it refuses.
#   predict.sh PREDICT TRAINER DIGITS_AS_PNG DATA FOLDER OPTION...
set -euo pipefail

predict=$1 trainer=$2 as_png=$3 data=$4 folder=$5
shift 5
rm -rf "$folder"
mkdir -p "$folder"
fail() {
  echo "$*"
  tail -n 5 "$folder/said"
  exit 1
}
"$trainer" --data "$data" --executor cpu --output "$folder/run" "$@" >"$folder/said" 2>&1 || fail "the trainer must train"
accuracy=$(tail -n 1 "$folder/said")
[[ $accuracy == "test accuracy: 0."* ]] || fail "the trainer must say its accuracy"
"$as_png" "$data" "$folder/png"
model=$folder/run/model.safetensors

for images in "$data" "$folder/png"; do
  "$predict" "$model" --data "$images" --confusion "$folder/confusion.svg" >"$folder/said" 2>&1 ||
    fail "predict must classify the test images of $images"
  [[ $(tail -n 1 "$folder/said") == "$accuracy" ]] || fail "predict must have the trainer's $accuracy"
  [[ $(grep -c ' right$' "$folder/said") == 10 ]] || fail "predict must have a line for each of 10 classes"
done
[[ -s $folder/confusion.svg ]] || fail "predict must draw its confusions"

# As single pictures, in PNG's folder of each class: as many are right.
"$predict" "$model" --best 2 "$folder"/png/test/*/*.png >"$folder/said" 2>&1 || fail "predict must classify pictures"
right=$(sed -n 's/.*\/\([0-9]\)\/[0-9]*\.png: \1 [0-9.]* %, [0-9] [0-9.]* %$/&/p' "$folder/said" | wc -l)
all=$(wc -l <"$folder/said")
[[ $accuracy == "test accuracy: $(awk "BEGIN { printf \"%.4f\", $right / $all }")" ]] ||
  fail "$right of $all pictures are right, but the trainer says $accuracy"
# A negative is another picture.
some=("$folder"/png/test/3/*.png)
"$predict" "$model" "${some[0]}" >"$folder/said"
"$predict" "$model" --negative "${some[0]}" >"$folder/negative"
! cmp -s "$folder/said" "$folder/negative" || fail "--negative must change what is seen"

refused() {
  if "${@:2}" >"$folder/said" 2>&1; then fail "${*:2} must be refused"; fi
  grep -qE -- "^predict: $1" "$folder/said" || fail "predict must say: $1"
}
refused 'The PNG file .*filters.png has [0-9]+ x [0-9]+ pixels, but the network of .* takes 8 x 8' \
  "$predict" "$model" "$folder/run/filters.png"
refused 'The PNG file .*said does not begin with' "$predict" "$model" "$folder/said"
refused 'The safetensors file .*filters.png ' "$predict" "$folder/run/filters.png" "${some[0]}"
rm -r "$folder"/png/train/9 "$folder"/png/test/9
refused 'The data set .* has other classes than the data set .*, with which' "$predict" "$model" --data "$folder/png"
LC_ALL=C sed 's/\("network":"\)[a-z]/\1X/' "$model" >"$folder/unknown" # as long as it was
refused 'The checkpoint .*unknown is of a network \"X[a-z_]*\", but must be of' "$predict" "$folder/unknown" "${some[0]}"
echo "predict says what the trainer says"
