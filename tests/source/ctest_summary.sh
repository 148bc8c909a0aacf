#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The tables that tests/run.sh puts before CTest's summary: the dearest tests, the families, the reasons of those skipped,
# the summary itself, and the status 0, however many tests there are. And what a filter of tests has built.
#   ctest_summary.sh FOLDER
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
source "$here/../../cmake/setup/ctest.sh"
print_table() { tr '\t' ' '; } # the columns' alignment is not what is tested

folder=$1
mkdir -p "$folder/Testing/Temporary"
printf '# ninja log v5\n0\t3000\t0\tCMakeFiles/dear.dir/dear.cpp.o\t0\n3000\t3500\t0\tbin/dear\t0\n' >"$folder/.ninja_log"
printf 'dear\tgemm\nabsent\trows (softmax)\ncheap_1\trows (softmax)\ncheap_2\trows (softmax)\n' >"$folder/families.txt"
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

Seconds by family:
family seconds compiling running share
gemm 5.5 3.5 2.0 100 %
rows (softmax) 0.0 0.0 0.0 0 %

Skipped:
  absent: no GPU here

100% tests passed, 0 tests failed out of 9002'
if ! diff <(tail -n 14 "$folder/got.txt") <(printf '%s\n' "$expected"); then
  echo "the summary (above, <) is not what it should be (>)"
  exit 1
fi
echo "the summary of 9002 tests is as expected"

# A program, a test that runs two, one whose program does not run here, and a script that needs none.
ninja() { printf '%s\n' 'bin/softmax_test: CXX_EXECUTABLE_LINKER' 'softmax_test: phony' 'bin/gemm_test: CXX' 'gemm_gpu_test: phony' \
  'units/a.o: CXX' 'all: phony'; }
ctest() { printf 'Test project /x\n  Test  #1: softmax\n  Test #12: symbols\n  Test #13: gemm_gpu\n  Test #14: readme\n\nTotal Tests: 4\n'; }
here_is=$(cd "$folder" && pwd)
mkdir -p "$folder/tests"
cat >"$folder/tests/CTestTestfile.cmake" <<COMMANDS
add_test([=[softmax]=] "$here_is/bin/softmax_test")
add_test([=[gemm]=] "$here_is/bin/gemm_test")
set_tests_properties([=[gemm]=] PROPERTIES  TIMEOUT "300")
add_test([=[symbols]=] "/bin/bash" "symbols.sh" "$here_is/units/a.o" "a b")
add_test([=[gemm_gpu]=] "printf" "gemm_gpu: Skipped")
add_test([=[readme]=] "readme.sh" "/elsewhere/all")
COMMANDS
got=$(targets_of_tests "$folder" -R any | tr '\n' ' ')
if [[ $got != "softmax_test gemm_gpu_test bin/softmax_test units/a.o " ]]; then
  echo "a filter must build the programs of its tests alone, not: $got"
  exit 1
fi
echo "a filter builds what its tests need"
