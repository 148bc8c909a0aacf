// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the kernels move, as the virtual GPU counts it: each input as often as the tiling says, whole sectors on aligned
// operands, no bank conflict in a mainloop, as many operations as the formula has.
#include <tilery/column_sum.hpp>
#include <tilery/gemm.hpp>
#include <tilery/optimizer.hpp>
#include <tilery/softmax.hpp>
#include <tilery/virtual_gpu.hpp>

#include <gtest/gtest.h>
#include <cstring>
#include <vector>

namespace {

using namespace tilery;

/// Runs an op on aligned buffers and returns its launches' profiles; faults fail the test.
template <class Call>
std::vector<launch_profile> profiles_of(const Call& call, arch on = arch::sm_90) {
  launch_report report;
  call(virtual_gpu(on, {.report = &report}));
  for (const fault& f : report.faults) ADD_FAILURE() << f.text();
  return report.profiles;
}

/// The sum of a count over the sites of a kind inside a step ("" for all).
std::int64_t sum_of(const launch_profile& p, site_kind kind, std::int64_t site_profile::*what, const char* step = "") {
  std::int64_t sum = 0;
  for (const site_profile& s : p.sites)
    if (s.kind == kind && (!*step || std::strcmp(s.site.step, step) == 0)) sum += s.*what;
  return sum;
}

template <class T>
class gemm_traffic : public testing::Test {};
using elements = testing::Types<float, double, half, bf16, tf32, int8>;
TYPED_TEST_SUITE(gemm_traffic, elements);

TYPED_TEST(gemm_traffic, moves_what_the_tiling_says) {
  using T = TypeParam;
  using R = std::conditional_t<std::is_same_v<T, tf32> || std::is_same_v<T, int8>, accumulator_t<T>, T>;
  const int m = 256, n = 256, k = sizeof(T) == 1 ? 128 : 64;
  for (const bool a_transposed : {false, true})
    for (const bool b_transposed : {false, true}) {
      SCOPED_TRACE(testing::Message() << "A " << a_transposed << ", B " << b_transposed);
      tile_mnk block{};
      const auto profiles = profiles_of([&](const virtual_gpu& gpu) {
        const buffer<T, 2> a(gpu, a_transposed ? k : m, a_transposed ? m : k),
            b(gpu, b_transposed ? n : k, b_transposed ? k : n);
        const buffer<R, 2> c(gpu, m, n);
        fill_zero(gpu, a), fill_zero(gpu, b);
        const auto av = a.view(), bv = b.view();
        const auto left = a_transposed ? transposed(av) : av, right = b_transposed ? transposed(bv) : bv;
        gemm(gpu, left, right, c);
        const gemm_problem problem = ops::describe_gemm(left, right, c.view(), gpu.target());
        block = ops::with_gemm_table<T, T, virtual_gpu>(problem, {}, [&]<class Table>() {
          return Table::candidates[Table::choose(problem).index].block;
        });
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
}

// The long operand is read once, in whole sectors, along k or across it, whichever side of C is the short one.
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
