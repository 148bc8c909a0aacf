// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Kokkos' mdspan, the reference implementation, where its headers are installed.
#include <mdspan/mdspan.hpp>

#include <array>

namespace lib {
using namespace Kokkos;
using std::array;
inline constexpr const char* name = "Kokkos";
template <class V>
auto& element(const V& v, const std::array<int, 2>& at) {
  return v(at[0], at[1]);
}
}  // namespace lib

#include "tests/compile/mdspan/program.hpp"

int main() { return run(); }
