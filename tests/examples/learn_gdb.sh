#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The recipes of examples/learn/README.md, "With gdb", in gdb's batch mode. 77: skipped, there is no gdb.
#   learn_gdb.sh PROGRAM SOLUTION_1
set -euo pipefail

program=$1 solution=$2

skip() { echo "skipped: $*" && exit 77; }
command -v gdb >/dev/null || skip "gdb is not installed"
gdb -nx -batch -ex 'run' --args /bin/true 2>&1 | grep -q 'exited normally' || skip "gdb may not run programs here"

# session GDB-ARGUMENT... -- PROGRAM-ARGUMENT...
session() {
  local -a asks=()
  while [[ $1 != -- ]]; do asks+=(-ex "$1") && shift; done
  shift
  gdb -nx -batch -ex 'set debuginfod enabled off' "${asks[@]}" --args "$program" "$@" 2>&1
}
# says TEXT REGEX
says() { grep -Eq -- "$2" <<<"$1" || { printf 'gdb does not say %s:\n%s\n' "$2" "$1" && exit 1; }; }

barrier=$(grep -n -m 1 'lane.sync_block' "$solution" | cut -d : -f 1)

# One lane of one block: its values, a step over the barrier, at which all other lanes run, and what came of it.
output=$(session "break solutions/exercise_1.hpp:$barrier if lane.rank() == 37 && lane.block().x == 2" 'run' \
  'print column' 'next' 'print lane.rank()' 'next' 'print other == smem.row.elements[218]' \
  'print p.x.columns' -- check 1 --solution)
says "$output" '1 = 37$'
says "$output" '2 = 37$'
says "$output" '3 = true$'
says "$output" '4 = 256$'
echo "$output" | tail -n 8

# The first fault, where it happens, and the lane's variables there.
output=$(session 'catch throw' 'run' 'frame function learn::exercises::exercise_1::run' 'info locals' -- \
  check 1 --stop-at-first)
says "$output" 'float other = lane.load'
says "$output" '^column = 0$'
echo "$output" | tail -n 6
