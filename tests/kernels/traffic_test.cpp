// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the kernels move, as the virtual GPU counts it: each input as often as the tiling says, whole sectors on aligned
// operands, no bank conflict in a mainloop, as many operations as the formula has.
#include "tests/kernels/gemm_traffic.hpp"

#include <tilery/column_sum.hpp>
#include <tilery/optimizer.hpp>
#include <tilery/softmax.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;

template <class T>
class gemm_traffic : public testing::Test {};
using elements = testing::Types<float, double, half, bf16, tf32, int8, fp8_e4m3>;
TYPED_TEST_SUITE(gemm_traffic, elements);

// The selector's tiles for few of them; the large ones are traffic_large_test's.
TYPED_TEST(gemm_traffic, moves_what_the_tiling_says) {
  using T = TypeParam;
  const int m = 256, n = 256, k = sizeof(T) == 1 ? 128 : 64;
  for (const bool a_transposed : {false, true})
    for (const bool b_transposed : {false, true}) {
      gemm_problem problem;
      problem.m = m, problem.n = n, problem.k = k, problem.target = arch::sm_90;
      problem.a = {a_transposed ? along::outer : along::k, 16 / static_cast<int>(sizeof(T))};
      problem.b = {b_transposed ? along::k : along::outer, 16 / static_cast<int>(sizeof(T))};
      problem.c_vector = sizeof(T) == 8 ? 2 : 4;
      const tile_mnk block = ops::with_gemm_table<T, T, virtual_gpu>(problem, {}, [&]<class Table>() {
        return Table::candidates[Table::choose(problem).index].block;
      });
      expect_traffic_of_tiles<T>(m, n, k, a_transposed, b_transposed, block,
                                 [](const auto& gpu, const auto& a, const auto& b, const auto& c, gemm_factors f) {
                                   gemm(gpu, a, b, c, epilogue::none(), f);
                                 });
    }
}

// The long operand is read once, in whole sectors, contiguous along k or along its outer dimension, whichever side of C
// is the short one.
TEST(traffic, few_rows_or_columns_on_tensor_cores_read_the_long_operand_once) {
  const int few = 16, many = 256, k = 512;
  for (const bool long_along_k : {false, true})
    for (const bool few_rows : {false, true}) {
      SCOPED_TRACE(testing::Message() << "long along k " << long_along_k << ", few rows " << few_rows);
      const auto profiles = profiles_of([&](const virtual_gpu& gpu) {
        const buffer<bf16, 2> wide(gpu, long_along_k ? many : k, long_along_k ? k : many), narrow(gpu, few, k);
        const buffer<bf16, 2> c(gpu, few_rows ? few : many, few_rows ? many : few);
        fill_zero(gpu, wide), fill_zero(gpu, narrow);
        const auto w = long_along_k ? wide.view() : transposed(wide.view());  // (many, k)
        const auto a = few_rows ? narrow.view() : w, b = transposed(few_rows ? w : narrow.view());
        gemm<gemm_mma_sync_table<bf16>::candidates[gemm_mma_sync_table<bf16>::few]>(gpu, a, b, c);
      });
      ASSERT_EQ(profiles.size(), 1u);
      const launch_profile& p = profiles[0];
      const std::int64_t blocks = many / 128;
      EXPECT_EQ(sum_of(p, site_kind::async_copy, &site_profile::bytes), (many + blocks * few) * 2 * k);
      EXPECT_EQ(sum_of(p, site_kind::async_copy, &site_profile::sectors),
                sum_of(p, site_kind::async_copy, &site_profile::fewest_sectors));
      EXPECT_EQ(sum_of(p, site_kind::shared_load, &site_profile::wavefronts, "load fragments"),
                sum_of(p, site_kind::shared_load, &site_profile::fewest_wavefronts, "load fragments"));
    }
}

TEST(traffic, softmax_reads_and_writes_once_in_whole_sectors) {
  for (const int columns : {64, 1024, 4096}) {
    const auto profiles = profiles_of([&](const virtual_gpu& gpu) {
      const buffer<float, 2> x(gpu, 8, columns), y(gpu, 8, columns);
      fill_zero(gpu, x);
      softmax(gpu, x, y);
    });
    ASSERT_EQ(profiles.size(), 1u);
    const std::int64_t bytes = 8 * std::int64_t{columns} * 4;
    EXPECT_EQ(profiles[0].unique_bytes_read, bytes);
    EXPECT_EQ(sum_of(profiles[0], site_kind::global_load, &site_profile::sectors) * 32, bytes) << columns;
    EXPECT_EQ(sum_of(profiles[0], site_kind::global_store, &site_profile::sectors) * 32, bytes) << columns;
    EXPECT_EQ(profiles[0].total(&site_profile::wavefronts), profiles[0].total(&site_profile::fewest_wavefronts));
  }
}

TEST(traffic, softmax_reads_odd_rows_in_packs) {
  // Each row begins elsewhere between two aligned addresses. 50257 is GPT-2's vocabulary; a row as long is read twice.
  for (const int columns : {1023, 8191, 50257}) {
    SCOPED_TRACE(columns);
    const int rows = 4, reads = columns > 8192 ? 2 : 1;
    const auto profiles = profiles_of([&](const virtual_gpu& gpu) {
      const buffer<float, 2> x(gpu, rows, columns), y(gpu, rows, columns);
      fill_zero(gpu, x);
      softmax(gpu, x, y);
    });
    ASSERT_EQ(profiles.size(), 1u);
    const launch_profile& p = profiles[0];
    const std::int64_t bytes = std::int64_t{rows} * columns * 4;
    EXPECT_EQ(p.unique_bytes_read, (bytes + 31) / 32 * 32);
    EXPECT_EQ(p.unique_bytes_written, (bytes + 31) / 32 * 32);
    // A request of a warp is 128 floats; a row has one more for its edges, and the last one may be smaller.
    const std::int64_t requests = rows * (pieces(columns, 128) + 1);
    // A row's first and last sector may hold a pack and edges, or a neighbour's elements.
    const std::int64_t sectors = bytes / 32 + rows * 4;
    EXPECT_EQ(sum_of(p, site_kind::global_load, &site_profile::bytes), reads * bytes);
    EXPECT_LE(sum_of(p, site_kind::global_load, &site_profile::requests), reads * requests);
    EXPECT_LE(sum_of(p, site_kind::global_load, &site_profile::sectors), reads * sectors);
    EXPECT_EQ(sum_of(p, site_kind::global_store, &site_profile::bytes), bytes);
    EXPECT_LE(sum_of(p, site_kind::global_store, &site_profile::requests), requests);
    EXPECT_LE(sum_of(p, site_kind::global_store, &site_profile::sectors), sectors);
  }
}

TEST(traffic, column_sum_reads_once) {
  const auto profiles = profiles_of([](const virtual_gpu& gpu) {
    const buffer<float, 2> x(gpu, 64, 256);
    const buffer<float> y(gpu, 256);
    fill_zero(gpu, x);
    column_sum(gpu, x, y);
  });
  EXPECT_EQ(sum_of(profiles.at(0), site_kind::global_load, &site_profile::sectors) * 32, 64 * 256 * 4);
}

TEST(traffic, adam_reads_four_arrays_and_writes_three) {
  const auto profiles = profiles_of([](const virtual_gpu& gpu) {
    const buffer<float> w(gpu, 4096), dw(gpu, 4096), m(gpu, 4096), v(gpu, 4096);
    for (const auto* b : {&w, &dw, &m, &v}) fill_zero(gpu, *b);
    adam(gpu, w, dw, m, v, {});
  });
  ASSERT_EQ(profiles.size(), 1u);
  EXPECT_EQ(sum_of(profiles[0], site_kind::global_load, &site_profile::sectors) * 32, 4 * 4096 * 4);
  EXPECT_EQ(sum_of(profiles[0], site_kind::global_store, &site_profile::sectors) * 32, 3 * 4096 * 4);
}

}  // namespace
