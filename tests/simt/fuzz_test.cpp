// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A few thousand random programs: the virtual GPU tells of a race where PTX's memory model has one, and only there.
#include "tests/simt/fuzz.hpp"

TEST(fuzz, finds_the_races_that_an_oracle_finds) { fuzz::run_programs(3000); }
