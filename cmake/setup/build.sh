# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154  # tilery_root and tilery_build come from cmake/setup.sh
#
# Configuring and building out of source: configuring is quiet, building shows its count and seconds.

# As many at once as there are cores, and 1.5 GB of memory for each.
jobs_at_once() {
  local cores available name value
  cores=$(nproc)
  while read -r name value _; do
    [[ $name != MemAvailable: ]] || available=$value
  done </proc/meminfo
  local fit=$((${available:-0} / 1500000))
  ((fit >= 1)) || fit=1
  echo "${TILERY_JOBS:-$((cores < fit ? cores : fit))}"
}

# configure FOLDER CMAKE-ARGUMENT...: starts afresh where the arguments are not those of the last time.
configure() {
  local folder=$1 told=$1/.told
  shift
  local -a arguments=(-S "$tilery_root" -B "$folder" -G Ninja --no-warn-unused-cli "$@")
  mkdir -p "$folder"
  printf '%s\n' "${arguments[@]}" >"$told.now"
  cmp -s "$told.now" "$told" || arguments+=(--fresh)
  say "configuring ${folder#"$PWD/"}"
  logged "$folder/configure.log" cmake "${arguments[@]}" ||
    give_up "CMake could not configure ${folder#"$PWD/"}; all it said is in ${folder#"$PWD/"}/configure.log"
  mv "$told.now" "$told"
}

# build FOLDER [TARGET...]
build() {
  local folder=$1 jobs
  shift
  jobs=$(jobs_at_once)
  say "building ${folder#"$PWD/"} with $jobs jobs"
  NINJA_STATUS='[%f/%t %es] ' cmake --build "$folder" --parallel "$jobs" ${1+--target "$@"} ||
    give_up "building ${folder#"$PWD/"} failed; the compiler's message is above"
}
