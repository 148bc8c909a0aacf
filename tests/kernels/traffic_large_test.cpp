// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the large tiles of every table move, as gemm_traffic.hpp counts it; the selector takes them for problems that
// would be long on the virtual GPU.
#include "tests/kernels/gemm_traffic.hpp"

namespace {

using namespace tilery;
using namespace tilery_tests;

template <class T>
class large_traffic : public testing::Test {};
using elements = testing::Types<float, half, bf16, tf32, int8, fp8_e4m3>;
TYPED_TEST_SUITE(large_traffic, elements);

/// Candidate I of the table that float and the tensor cores' types have, whose first ones are large.
template <class T, std::size_t I>
constexpr auto large = [] {
  if constexpr (has_mma_sync<T>)
    return gemm_mma_sync_table<T>::candidates[I];
  else
    return gemm_simt_table<T>::candidates[I];
}();

TYPED_TEST(large_traffic, moves_what_the_tiling_says) {
  using T = TypeParam;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    const auto check = [&]<auto P>() {
      const bool a_transposed = P.a == along::outer, b_transposed = P.b == along::k;
      const auto with = [&](bool a, bool b) {
        expect_traffic_of_tiles<T>(2 * P.block.m, 2 * P.block.n, 4 * P.block.k, a, b, P.block,
                                   [](const auto& gpu, const auto& x, const auto& y, const auto& c, gemm_factors f) {
                                     gemm<P>(gpu, x, y, c, epilogue::none(), f);
                                   });
      };
      with(a_transposed, b_transposed);
      if (!a_transposed && !b_transposed) with(true, true);  // by C's transpose
    };
    (check.template operator()<large<T, I>>(), ...);
  }
  (std::make_index_sequence<3>{});
}

}  // namespace
