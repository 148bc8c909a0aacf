// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The random programs of fuzz_test.cpp, more of them.
#include "tests/simt/fuzz.hpp"

TEST(fuzz_long, finds_the_races_that_an_oracle_finds) { fuzz::run_programs(100000); }
