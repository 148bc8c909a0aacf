#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Compares the virtual GPU with a real one: its findings in the planted kernels with those of NVIDIA's compute-sanitizer
# (memcheck, racecheck, initcheck, synccheck), its sectors and wavefronts with the counters of Nsight Compute. Prints two
# tables and writes benchmarks/results/GPU/virtual_gpu.json.
#
#   tests/run.sh --gpu --build-only   on a machine with a compiler; take the repository and build/gpu/bin to the GPU
#   tests/hardware/compare.sh         there; needs no compiler, no CMake and no network, but NVIDIA's two tools
#
#   --programs FOLDER   where the programs are (default build/gpu/bin/hardware)
#   --logs FOLDER       where what the tools print goes (default build/gpu/logs/hardware)
#   --result FILE       the file to write instead
#   --timeout S         seconds that each run of a tool may take (default 60)
#
# Where there is no GPU, no program, or neither tool it says so and ends with the status 77. Where one of the tools is
# missing, or may not read the GPU's counters, the other half is compared.

set -euo pipefail

# shellcheck source=cmake/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../cmake/setup.sh"

bin=$tilery_build/gpu/bin/hardware logs=$tilery_build/gpu/logs/hardware result='' limit=60

skip() {
  printf 'tilery: %s\n' "$*" >&2
  exit 77
}
value_of() { [[ $# -ge 2 && -n $2 ]] || give_up "$1 needs a value (see tests/hardware/compare.sh --help)"; }

while (($# > 0)); do
  case $1 in
    --help | -h) usage "${BASH_SOURCE[0]}" && exit ;;
    --programs) value_of "$@" && bin=$2 && shift ;;
    --logs) value_of "$@" && logs=$2 && shift ;;
    --result) value_of "$@" && result=$2 && shift ;;
    --timeout) value_of "$@" && limit=$2 && shift ;;
    *) give_up "$1 is no option of tests/hardware/compare.sh (see tests/hardware/compare.sh --help)" ;;
  esac
  shift
done

# find_tool NAME FOLDER...: prints the path of a tool of the CUDA toolkit, or nothing.
find_tool() {
  local name=$1 folder
  shift
  command -v "$name" && return
  for folder in "$@"; do
    [[ ! -x $folder/$name ]] || { printf '%s\n' "$folder/$name" && return; }
  done
}
# The version number in what a tool says of itself.
version_in() { "$@" 2>/dev/null | sed -n 's/.*[Vv]ersion \([0-9][0-9.]*\).*/\1/p' | head -n 1 || true; }

gpu=$(gpu_in_words name,driver_version)
[[ -n $gpu ]] || skip "there is no GPU here to compare the virtual one with"
for file in hardware_planted hardware_patterns hardware_join virtual_gpu.json; do
  [[ -r $bin/$file ]] ||
    skip "there is no $file in ${bin#"$PWD/"}; build it with: tests/run.sh --gpu --build-only"
done
cuda=${CUDA_HOME:-/usr/local/cuda}
sanitizer=$(find_tool compute-sanitizer "$cuda/bin" "$cuda/compute-sanitizer")
ncu=$(find_tool ncu "$cuda/bin" /opt/nvidia/nsight-compute/*)
[[ -n $sanitizer || -n $ncu ]] || skip "neither compute-sanitizer nor ncu is here; both come with the CUDA toolkit"

name=${gpu%%, *}
short=${name#NVIDIA }
short=${short//[^A-Za-z0-9]/_}
result=${result:-$tilery_root/benchmarks/results/${short,,}/virtual_gpu.json}
mkdir -p "$logs" "$(dirname "$result")"
rm -f "$logs"/*.{mem,race,init,sync}check.log "$logs"/{machine.txt,patterns.txt,ncu.csv,planted.tsv,patterns.tsv}

{
  printf '%s\n' "date=$(date -u +%F)" "gpu=$name" "driver=${gpu#*, }"
  printf '%s\n' "git_revision=$(git -C "$tilery_root" rev-parse --short=12 HEAD 2>/dev/null || true)"
  [[ -z $sanitizer ]] || printf '%s\n' "compute_sanitizer=$(version_in "$sanitizer" --version)"
  [[ -z $ncu ]] || printf '%s\n' "ncu=$(version_in "$ncu" --version)"
} >"$logs/machine.txt"

# sanitize TOOL KERNEL [twin]
sanitize() {
  local tool=$1 kernel=$2 twin=${3-} log
  local -a options=()
  log=$logs/$kernel${twin:+.$twin}.$tool.log
  # Older ones check global memory only.
  if [[ $tool == initcheck && $("$sanitizer" --help 2>&1 || true) == *initcheck-address-space* ]]; then
    options=(--initcheck-address-space all)
  fi
  run_program "$limit" "$log" "$sanitizer" --tool "$tool" "${options[@]}" "$bin/hardware_planted" "$kernel" \
    ${twin:+"$twin"}
  printf 'status: %s\n' "$program_status" >>"$log"
}

run_sanitizer() {
  local kernel tool number=0
  local -a kernels
  mapfile -t kernels < <("$bin/hardware_join" kernels "$bin/virtual_gpu.json")
  for kernel in "${kernels[@]}"; do
    number=$((number + 1))
    say "[$number/${#kernels[@]}] compute-sanitizer: $kernel and its twin"
    for tool in memcheck racecheck initcheck synccheck; do
      sanitize "$tool" "$kernel"
      sanitize "$tool" "$kernel" twin
    done
  done
}

# The clocks stay as they are: counts do not depend on them, and to lock them asks for more rights.
run_profiler() {
  say "Nsight Compute: the access patterns"
  run_program "$((10 * limit))" "$logs/patterns.txt" "$ncu" --clock-control none --kernel-name regex:trampoline --csv \
    --log-file "$logs/ncu.csv" --metrics "$("$bin/hardware_join" metrics)" "$bin/hardware_patterns"
  if grep -qs ERR_NVGPUCTRPERM "$logs/ncu.csv" "$logs/patterns.txt"; then
    say "Nsight Compute may not read the GPU's counters here (ERR_NVGPUCTRPERM), so the patterns are not compared"
  elif ((program_status != 0)); then
    say "Nsight Compute failed ($(why_ended "$program_status")), so the patterns are not compared; it said:"
    tail -qn 3 "$logs"/{ncu.csv,patterns.txt} 2>/dev/null || true
  else
    return 0
  fi
  rm -f "$logs/ncu.csv"
}

say "the virtual GPU beside an $name"
if [[ -n $sanitizer ]]; then run_sanitizer; else say "there is no compute-sanitizer here: faults are not compared"; fi
if [[ -n $ncu ]]; then run_profiler; else say "there is no ncu here: the patterns are not compared"; fi

summary=$("$bin/hardware_join" "$bin/virtual_gpu.json" "$logs" "$result")
printf '\n'
print_table <"$logs/planted.tsv"
printf '\n'
print_table <"$logs/patterns.tsv"
printf '\n%s\n' "$summary"
say "written: ${result#"$PWD/"}"
