#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The README's C++ blocks are whole programs: each is compiled and run, and must return 0.
#   readme.sh README.md FOLDER COMPILER [FLAGS...]   (flags that begin with -l go behind the source)
set -euo pipefail

readme=$1 folder=$2
shift 2
mkdir -p "$folder"
rm -f "$folder"/block_*
awk -v folder="$folder" '
  /^```cpp$/ { inside = 1; ++n; next }
  /^```$/    { inside = 0; next }
  inside     { print > (folder "/block_" n ".cpp") }' "$readme"

compile=() libraries=()
for flag in "$@"; do
  if [[ $flag == -l* || $flag == *.so || $flag == *.a ]]; then libraries+=("$flag"); else compile+=("$flag"); fi
done

count=0
for block in "$folder"/block_*.cpp; do
  [[ -e $block ]] || { echo "no C++ block found in $readme" && exit 1; }
  "${compile[@]}" "$block" -o "${block%.cpp}" "${libraries[@]}"
  "${block%.cpp}"
  count=$((count + 1))
done
echo "$count blocks of the README compiled and ran"
