// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The standard library's mdspan, which needs C++23.
#include <mdspan>

#include <array>

namespace lib {
using namespace std;
inline constexpr const char* name = "the standard library";
template <class V>
auto& element(const V& v, const std::array<int, 2>& at) {
  return v[at[0], at[1]];
}
}  // namespace lib

#include "tests/compile/mdspan/program.hpp"

int main() { return run(); }
