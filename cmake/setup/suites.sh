# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2034  # program_status and program_seconds are for the caller
#
# Running programs one after another, each in its own process with its own time limit and log, and printing tables.
# Bash and coreutils only: this also runs on a machine that has nothing else.

# run_program SECONDS LOG COMMAND...: leaves the exit status in program_status and the time in program_seconds.
run_program() {
  local limit=$1 log=$2 begin end
  shift 2
  begin=${EPOCHREALTIME/[^0-9]/}
  program_status=0
  { timeout --kill-after=10 "$limit" "$@" >"$log" 2>&1 </dev/null; } 2>/dev/null || program_status=$?
  end=${EPOCHREALTIME/[^0-9]/}
  local tenths=$(((end - begin + 50000) / 100000))
  ((program_status != 137 || tenths < 10 * limit)) || program_status=124 # it ignored the first signal
  program_seconds=$((tenths / 10)).$((tenths % 10))
}

# What an exit status says, where it says anything: why_ended STATUS
why_ended() {
  case $1 in
    124) echo "ran out of time" ;;
    126 | 127) echo "could not be started" ;;
    134) echo "aborted" ;;
    136) echo "floating-point exception" ;;
    137) echo "was killed" ;;
    139) echo "segmentation fault" ;;
    *) if (($1 > 128)); then echo "ended by signal $(($1 - 128))"; else echo "exit status $1"; fi ;;
  esac
}

# Names of the suites in BIN that match REGEX, smallest first.
listed_suites() {
  local bin=$1 regex=${2-} name
  [[ -r $bin/suites.txt ]] || return 1
  while read -r name _; do
    [[ -z $regex || $name =~ $regex ]] && printf '%s\n' "$name"
  done <"$bin/suites.txt"
  return 0
}

# Prints rows of tab-separated cells from standard input with aligned columns.
print_table() {
  local line column
  local -a lines cells widths=()
  mapfile -t lines
  for line in "${lines[@]}"; do
    IFS=$'\x1f' read -r -a cells <<<"${line//$'\t'/$'\x1f'}"
    for column in "${!cells[@]}"; do
      ((${#cells[column]} <= ${widths[column]:-0})) || widths[column]=${#cells[column]}
    done
  done
  for line in "${lines[@]}"; do
    IFS=$'\x1f' read -r -a cells <<<"${line//$'\t'/$'\x1f'}"
    local text=
    for column in "${!cells[@]}"; do
      printf -v text '%s  %-*s' "$text" "${widths[column]}" "${cells[column]}"
    done
    printf '%s\n' "${text%"${text##*[! ]}"}"
  done
}

# The GPU's name, driver and clocks in one line, or nothing.
#   gpu_in_words [FIELDS]
gpu_in_words() {
  command -v nvidia-smi >/dev/null || return 0
  nvidia-smi --query-gpu="${1:-name,driver_version,clocks.sm,clocks.mem,clocks.max.sm,power.limit}" \
    --format=csv,noheader 2>/dev/null | sed -n 1p || true
}
