// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: column_sum_policy.column_lanes must divide threads
#include "operands.hpp"

#ifdef BROKEN
constexpr tilery::column_sum_policy mine{.threads = 256, .column_lanes = 48};
#else
constexpr tilery::column_sum_policy mine{.threads = 256, .column_lanes = 64};
#endif

using kernel = tilery::column_sum_kernel<mine, float, float, float>;

void use(const kernel::params& p) { tilery::launch<kernel>(gpu(), kernel::blocks(p), p); }
