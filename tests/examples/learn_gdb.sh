#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The gdb sessions in the README of the course: each command is given to gdb, and each line that the README shows must be
# said by it. Ends with 77, skipped, where there is no gdb, where it may not run programs, or where it cannot call their
# functions, as the condition of a breakpoint does: gdb 13 does not know the registers of a CPU with AMX.
#   learn_gdb.sh PROGRAM README.md
set -euo pipefail

program=$1 readme=$2

skip() { printf 'learn_gdb: Skipped\n%s\n' "$*" && exit 77; }  # as GoogleTest says it
command -v gdb >/dev/null || skip "gdb is not installed"
gdb -nx -batch -ex 'run' --args "$(command -v true)" 2>&1 | grep 'exited normally' >/dev/null ||
  skip "gdb may not run programs here"
timeout 60 gdb -nx -batch -ex 'set debuginfod enabled off' -ex 'break main' -ex 'run' \
  -ex 'print ((int (*)(int)) abs)(-3)' --args "$program" 2>&1 </dev/null | grep -F '$1 = 3' >/dev/null ||
  skip "gdb cannot call functions of a program here"

# Runs the session that has been read, and compares.
commands=() arguments=() shown=() sessions=0
finish() {
  ((${#arguments[@]} > 0)) || return 0
  local output line
  output=$(gdb -nx -batch -ex 'set debuginfod enabled off' "${commands[@]}" --args "$program" "${arguments[@]}" 2>&1)
  for line in "${shown[@]}"; do
    [[ $output == *"$line"* ]] || {
      printf 'gdb does not say "%s", but:\n%s\n' "$line" "$output"
      exit 1
    }
  done
  sessions=$((sessions + 1)) commands=() arguments=() shown=()
}

inside=no
while IFS= read -r line; do
  case $line in
    '```'*) finish && inside=no ;;
    '$ gdb --args '*) inside=yes && read -ra arguments <<<"${line#'$ gdb --args '* }" ;;
    '(gdb) '*) commands+=(-ex "${line#'(gdb) '}") ;;
    *) [[ $inside == no ]] || shown+=("$line") ;;
  esac
done <"$readme"
((sessions == 2)) || { echo "the README has $sessions sessions with gdb; it must have 2" && exit 1; }
echo "$sessions sessions with gdb said what the README shows"
