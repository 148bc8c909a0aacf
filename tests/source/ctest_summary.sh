#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The table that tests/run.sh puts before CTest's summary: the dearest tests, the reasons of those skipped, the summary
# itself, and the status 0, however many tests there are.
#   ctest_summary.sh FOLDER
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
source "$here/../../cmake/setup/ctest.sh"
print_table() { tr '\t' ' '; } # the columns' alignment is not what is tested

folder=$1
mkdir -p "$folder/Testing/Temporary"
printf '# ninja log v5\n0\t3000\t0\tCMakeFiles/dear.dir/dear.cpp.o\t0\n3000\t3500\t0\tbin/dear\t0\n' >"$folder/.ninja_log"
printf '9/9 Testing: absent\na_test.cpp:7: Skipped\nno GPU here\n' >"$folder/Testing/Temporary/LastTest.log"

# More lines than a pipe holds: a reader that left early would end its writer.
{
  for test in {1..9000}; do printf '%d/9001 Test #%d: cheap_%d .... Passed 0.01 sec\n' "$test" "$test" "$test"; done
  printf '9001/9001 Test #9001: dear .... Passed 2.00 sec\n'
  printf '9002/9002 Test #9002: absent .... ***Skipped 0.00 sec\n'
  printf '\n100%% tests passed, 0 tests failed out of 9002\n'
} | summarize_ctest 2 "$folder" >"$folder/got.txt"

expected='The 2 tests that took most seconds:
test seconds compiling running share
dear 5.5 3.5 2.0 6 %
absent 0.0 - 0.0 0 %

Skipped:
  absent: no GPU here

100% tests passed, 0 tests failed out of 9002'
if ! diff <(tail -n 9 "$folder/got.txt") <(printf '%s\n' "$expected"); then
  echo "the summary (above, <) is not what it should be (>)"
  exit 1
fi
echo "the summary of 9002 tests is as expected"
