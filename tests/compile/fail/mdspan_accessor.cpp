// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: an mdspan whose accessor changes elements (scaled, conjugated) or has no plain pointer cannot be an operand
#include "operands.hpp"

// As an mdspan, with an accessor; tests/compile/mdspan has the real ones.
template <class Reference>
struct span_of_floats {
  struct accessor_type {
    using reference = Reference;
    using data_handle_type = float*;
  };
  using element_type = float;
  static constexpr int rank() { return 2; }
  int extent(int) const { return 0; }
  int stride(int) const { return 1; }
  float* data_handle() const { return nullptr; }
};

#ifdef BROKEN
void use() { tilery::softmax(tilery::cpu(), span_of_floats<float>(), c); }
#else
void use() { tilery::softmax(tilery::cpu(), span_of_floats<float&>(), c); }
#endif
