#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Compares the virtual GPU with a real one: its findings in the planted kernels with those of NVIDIA's compute-sanitizer
# (memcheck, racecheck, initcheck, synccheck), its sectors and wavefronts with the counters of Nsight Compute, of single
# accesses (patterns by name, many requests by rule and at random) and of the ops' kernels. Prints tables and writes
# benchmarks/results/GPU/virtual_gpu.json and, of the requests, virtual_gpu_requests.csv.
#
#   tests/run.sh --gpu --build-only   on a machine with a compiler; take the repository and build/gpu/bin to the GPU
#   tests/hardware/compare.sh         there; needs no compiler, no CMake and no network, but NVIDIA's two tools
#
#   --programs FOLDER   where the programs are (default build/gpu/bin/hardware)
#   --logs FOLDER       where what the tools print goes (default build/gpu/logs/hardware)
#   --result FILE       the file to write instead, which ends in .json
#   --timeout S         seconds that each run of a tool may take (default 60); Nsight Compute may take ten times as long
#
# On an H200 it takes some two and a half minutes, most of it the requests.
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
version_in() { "$@" 2>/dev/null | sed -n 's/.*[Vv]ersion \([0-9][0-9.]*\).*/\1/p' | sed -n 1p || true; }

gpu=$(gpu_in_words name,driver_version)
[[ -n $gpu ]] || skip "there is no GPU here to compare the virtual one with"
for file in hardware_{planted,patterns,requests,ops,join} virtual_gpu.json; do
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
rm -f "$logs"/*.{mem,race,init,sync}check.log "$logs"/{patterns,requests,ops}.{txt,csv} "$logs"/*.tsv "$logs/machine.txt"

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
  [[ $tool != initcheck || $sanitizer_help != *initcheck-address-space* ]] || options=(--initcheck-address-space all)
  # The tool talks with the program that it runs through the first free port of some.
  [[ $sanitizer_help != *--port* ]] || options+=(--port "${port_of[$tool]}")
  run_program "$limit" "$log" "$sanitizer" --tool "$tool" "${options[@]}" "$bin/hardware_planted" "$kernel" \
    ${twin:+"$twin"}
  printf 'status: %s\n' "$program_status" >>"$log"
}

# The four tools at once: each run takes seconds to start and microseconds on the GPU.
run_sanitizer() {
  local kernel tool number=0 sanitizer_help
  local -a kernels
  local -A port_of=([memcheck]=49152 [racecheck]=49252 [initcheck]=49352 [synccheck]=49452)
  sanitizer_help=$("$sanitizer" --help 2>&1 || true)
  mapfile -t kernels < <("$bin/hardware_join" kernels "$bin/virtual_gpu.json")
  for kernel in "${kernels[@]}"; do
    number=$((number + 1))
    say "[$number/${#kernels[@]}] compute-sanitizer: $kernel and its twin"
    for tool in "${!port_of[@]}"; do
      { sanitize "$tool" "$kernel" && sanitize "$tool" "$kernel" twin; } &
    done
    wait
  done
}

# The counters of what a program launches: profile PROGRAM. Fails where no counter may be read. The clocks stay as they
# are: counts do not depend on them, and to lock them asks for more rights.
profile() {
  local program=$1 may_read=yes
  say "Nsight Compute: the $program"
  run_program "$((10 * limit))" "$logs/$program.txt" "$ncu" --clock-control none --kernel-name regex:trampoline --csv \
    --log-file "$logs/$program.csv" --metrics "$("$bin/hardware_join" metrics)" "$bin/hardware_$program"
  ((program_status != 0)) || return 0
  if grep -qs ERR_NVGPUCTRPERM "$logs/$program".{csv,txt}; then
    may_read=no
    say "Nsight Compute may not read the GPU's counters here (ERR_NVGPUCTRPERM), so accesses are not compared"
  else
    say "Nsight Compute failed ($(why_ended "$program_status")), so the $program are not compared; it said:"
    tail -qn 3 "$logs/$program".{csv,txt} 2>/dev/null || true
  fi
  rm -f "$logs/$program.csv"
  [[ $may_read == yes ]]
}

run_profiler() {
  local program
  for program in patterns ops requests; do
    profile "$program" || break
  done
}

say "the virtual GPU beside an $name"
if [[ -n $sanitizer ]]; then run_sanitizer; else say "there is no compute-sanitizer here: faults are not compared"; fi
if [[ -n $ncu ]]; then run_profiler; else say "there is no ncu here: accesses are not compared"; fi

summary=$("$bin/hardware_join" "$bin/virtual_gpu.json" "$logs" "${result%.json}")
for table in planted patterns ops requests; do
  printf '\n'
  print_table <"$logs/$table.tsv"
done
printf '\n%s\n' "$summary"
say "written: ${result#"$PWD/"}"
