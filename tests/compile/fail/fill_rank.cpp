// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: fill: a tensor must have 1 to 5 dimensions
#include "operands.hpp"

// As an mdspan.
template <int Rank>
struct span_of_rank {
  static constexpr int rank() { return Rank; }
  int extent(int) const { return 0; }
  int stride(int) const { return 1; }
  float* data_handle() const { return nullptr; }
};

#ifdef BROKEN
void use() { tilery::fill(tilery::cpu(), span_of_rank<6>(), 1); }
#else
void use() { tilery::fill(tilery::cpu(), span_of_rank<5>(), 1); }
#endif
