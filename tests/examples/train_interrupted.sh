#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Ctrl-C ends training: the trainer says that it stopped and what it has saved, and its status says which signal it was.
#   train_interrupted.sh TRAINER DATA FOLDER
set -euo pipefail

program=$1 data=$2 folder=$3
rm -rf "$folder"
mkdir -p "$folder"
status=0
# The signal comes long before the last epoch. Only a program in the foreground is not told to ignore it.
timeout --preserve-status --signal=INT 5 "$program" --data "$data" --executor cpu --threads 1 --epochs 100000 \
  --output "$folder/run" >"$folder/said" 2>&1 || status=$?
sentence="^stopped by Ctrl-C after step [0-9]+ of [0-9]+; saved: the weights so far in .*/model\.safetensors, the learning curve in .*/curve\.csv; --resume goes on from there$"
if ((status != 130)) || ! grep -qE "$sentence" "$folder/said"; then
  echo "the trainer must say that it stopped and end with status 130, not $status:"
  tail -n 20 "$folder/said"
  exit 1
fi
[[ $(tail -n 1 "$folder/said") == "test accuracy: 0."* ]] || { echo "the test accuracy must stay the last line" && exit 1; }
for file in model.safetensors curve.csv; do
  [[ -s $folder/run/$file ]] || { echo "$file was not saved" && exit 1; }
done
echo "interrupted, said and saved"
