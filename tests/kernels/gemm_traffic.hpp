// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a GEMM moves, as the virtual GPU counts it, against what its tiling says: each operand's bytes, whole sectors,
// no bank conflict in the loop over k, as many operations as the formula has.
#pragma once

#include "tests/profiles.hpp"

#include <tilery/gemm.hpp>

namespace tilery_tests {

using namespace tilery;

/// C (m x n) = A B through `call(gpu, a, b, c, factors)`, on aligned operands of T that lie so, in blocks of this tile.
template <class T, class Call>
void expect_traffic_of_tiles(int m, int n, int k, bool a_transposed, bool b_transposed, tile_mnk block,
                             const Call& call) {
  using R = std::conditional_t<sizeof(T) == 1 || std::is_same_v<T, tf32>, accumulator_t<T>, T>;
  SCOPED_TRACE(testing::Message() << element<T>::name << ", A " << a_transposed << ", B " << b_transposed);
  const gemm_factors factors = is_fp8<T> ? gemm_factors{.scale_a = 1, .scale_b = 1} : gemm_factors{};
  const auto profiles = profiles_of([&](const virtual_gpu& gpu) {
    const buffer<T, 2> a(gpu, a_transposed ? k : m, a_transposed ? m : k),
        b(gpu, b_transposed ? n : k, b_transposed ? k : n);
    const buffer<R, 2> c(gpu, m, n);
    fill_zero(gpu, a), fill_zero(gpu, b);
    const auto av = a.view(), bv = b.view();
    call(gpu, a_transposed ? transposed(av) : av, b_transposed ? transposed(bv) : bv, c.view(), factors);
  });
  ASSERT_EQ(profiles.size(), 1u);
  const launch_profile& p = profiles[0];
  constexpr bool tensor_cores = has_mma_sync<T>;
  constexpr compute_unit multiplies = [] {
    if constexpr (tensor_cores) return atoms::mma_shape<T>::on;
    return fma_unit<T>;
  }();
  constexpr site_kind loading = tensor_cores ? site_kind::async_copy : site_kind::global_load;
  const char* const load_step = tensor_cores ? "copy tiles" : "fetch a tile";
  EXPECT_EQ(p.operations(multiplies), std::int64_t{m} * n * k);
  const std::int64_t operands = (m + n) * std::int64_t{k} * static_cast<std::int64_t>(sizeof(T));
  EXPECT_EQ(p.unique_bytes_read, operands);
  EXPECT_EQ(p.unique_bytes_written, std::int64_t{m} * n * static_cast<std::int64_t>(sizeof(R)));
  // Each row of blocks reads all of B, each column all of A.
  EXPECT_EQ(sum_of(p, loading, &site_profile::bytes, load_step),
            k * static_cast<std::int64_t>(sizeof(T)) *
                (std::int64_t{m} * pieces(n, block.n) + std::int64_t{n} * pieces(m, block.m)));
  EXPECT_GE(pieces(n, block.n) * pieces(m, block.m), 2);
  EXPECT_EQ(sum_of(p, loading, &site_profile::sectors), sum_of(p, loading, &site_profile::fewest_sectors));
  EXPECT_EQ(sum_of(p, site_kind::global_store, &site_profile::sectors) * 32, p.unique_bytes_written);
  EXPECT_GT(sum_of(p, site_kind::shared_load, &site_profile::wavefronts, "load fragments"), 0);
  EXPECT_EQ(sum_of(p, site_kind::shared_load, &site_profile::wavefronts, "load fragments"),
            sum_of(p, site_kind::shared_load, &site_profile::fewest_wavefronts, "load fragments"));
  if constexpr (std::is_same_v<T, float> || tensor_cores) {
    EXPECT_EQ(sum_of(p, site_kind::shared_store, &site_profile::wavefronts),
              sum_of(p, site_kind::shared_store, &site_profile::fewest_wavefronts));
  }
}

}  // namespace tilery_tests
