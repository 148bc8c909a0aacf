// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// libcu++'s mdspan, which comes with the CUDA headers.
#include <cuda/std/array>
#include <cuda/std/mdspan>

#include <array>

namespace lib {
using namespace cuda::std;
inline constexpr const char* name = "CUDA";
template <class V>
auto& element(const V& v, const std::array<int, 2>& at) {
  return v(at[0], at[1]);
}
}  // namespace lib

#include "tests/compile/mdspan/program.hpp"

int main() { return run(); }
