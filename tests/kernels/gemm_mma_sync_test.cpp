// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The GEMM on tensor cores with policies of the caller: sizes that no tile divides, every width of copies, refusals,
// the same bits under every schedule; and the rules of its policy.
#include "tests/gemm_reference.hpp"
#include "tests/layouts.hpp"

#include <tilery/gemm.hpp>

#include <string_view>

namespace {

using namespace tilery;
using namespace tilery_tests;

constexpr gemm_mma_sync_policy two_stages{.block = {64, 64, 32}, .warp = {32, 32}, .stages = 2};
constexpr gemm_mma_sync_policy four_elements{.block = {64, 64, 32},
                                             .warp = {32, 32},
                                             .stages = 3,
                                             .a = along::outer,
                                             .b = along::k,
                                             .vector = 4};
constexpr gemm_mma_sync_policy two_elements{.block = {64, 64, 32},
                                            .warp = {32, 32},
                                            .stages = 4,
                                            .a = along::k,
                                            .b = along::k,
                                            .vector = 2,
                                            .c_vector = 1};
constexpr gemm_mma_sync_policy wide{.block = {128, 64, 32},
                                    .warp = {64, 32},
                                    .stages = 3,
                                    .a = along::outer,
                                    .b = along::outer,
                                    .raster_rows = 1};
constexpr gemm_mma_sync_policy any_strides{.block = {32, 64, 64},
                                           .warp = {16, 64},
                                           .stages = 2,
                                           .a = along::any,
                                           .b = along::any,
                                           .vector = 1,
                                           .c_vector = 1};

struct shape {
  int m, n, k;
};

template <class Executor>
class gemm_mma_sync_on : public on_executor<Executor> {
public:
  void SetUp() override {
    on_executor<Executor>::SetUp();
    if (!this->IsSkipped() && !has_features(this->executor.target(), features::mma_f16))
      GTEST_SKIP() << "mma.sync needs sm_80";
  }

  /// C = alpha A B + beta C, to the bound that `gemm` documents.
  template <auto P, class T, class R>
  void check(shape s, layout a_layout, layout b_layout, layout c_layout, gemm_factors f = {}) {
    const auto a_values = draw_values<T>(static_cast<std::size_t>(s.m) * s.k),
               b_values = draw_values<T>(static_cast<std::size_t>(s.k) * s.n);
    auto c_values = draw_values<R>(static_cast<std::size_t>(s.m) * s.n);
    if (f.beta == 0) c_values.back() = convert<R>(static_cast<float>(NAN));
    const auto a = place(*this, a_values, s.m, s.k, a_layout), b = place(*this, b_values, s.k, s.n, b_layout);
    const auto c = place(*this, c_values, s.m, s.n, c_layout);
    gemm<P>(this->executor, a.read(), b.read(), c.view, {}, f);
    const auto got = gather(*this, c);
    worst_error worst;
    for (int i = 0; i < s.m; ++i)
      for (int j = 0; j < s.n; ++j) {
        const exact_product exact(a_values, b_values, s.n, s.k, i, j);
        const double old = f.beta == 0 ? 0 : f.beta * as_double(c_values[i * s.n + j]);
        const double want = f.alpha * exact.sum + old;
        const double bound = (s.k + 2) * 0x1p-22 * exact.magnitude * std::fabs(f.alpha) +
                             4 * 0x1p-24 * (std::fabs(old) + std::fabs(want)) +
                             (std::is_same_v<R, float> ? 0 : unit_roundoff<R>() * std::fabs(want) + 0x1p-25);
        worst.compare(as_double(got[i * s.n + j]), want, bound);
      }
    EXPECT_LE(worst.value(), 1) << s.m << " x " << s.n << " x " << s.k << " " << element<T>::name << ", A "
                                << name_of(a_layout) << ", B " << name_of(b_layout) << ", C " << name_of(c_layout)
                                << ", alpha " << f.alpha << ", beta " << f.beta << "; " << describe(P);
  }
};
TYPED_TEST_SUITE(gemm_mma_sync_on, gpus);

constexpr layout row_major = layout::dense, column_major = layout::column_major;

// Each shape is cut by tiles in its own way: one element, less than a block, a block and a bit, several blocks, and as
// many steps of k as fill the ring and turn it.
TYPED_TEST(gemm_mma_sync_on, is_right_with_two_stages) {
  for (const shape s : {shape{1, 8, 8}, {67, 72, 24}, {64, 64, 32}, {129, 136, 4 * 32 + 8}}) {
    this->template check<two_stages, half, half>(s, row_major, row_major, row_major);
    this->template check<two_stages, half, half>(s, row_major, layout::padded, layout::padded,
                                                 {.alpha = -1.5, .beta = 0.5});
  }
}
TYPED_TEST(gemm_mma_sync_on, is_right_with_copies_of_four_elements) {
  for (const shape s : {shape{4, 4, 4}, {68, 76, 20}, {132, 60, 5 * 32 - 4}})
    this->template check<four_elements, bf16, float>(s, column_major, column_major, row_major,
                                                     {.alpha = 2, .beta = s.m == 68 ? -1.0 : 0.0});
}
TYPED_TEST(gemm_mma_sync_on, is_right_with_copies_of_two_elements) {
  for (const shape s : {shape{1, 1, 2}, {65, 67, 6 * 32 - 2}, {7, 130, 34}}) {
    this->template check<two_elements, half, half>(s, row_major, column_major, row_major);
    this->template check<two_elements, half, half>(s, row_major, column_major, layout::spread, {.beta = 1});
  }
}
TYPED_TEST(gemm_mma_sync_on, is_right_with_wider_blocks_of_columns) {
  for (const shape s : {shape{8, 8, 1}, {136, 72, 31}, {264, 200, 5 * 32 + 1}})
    this->template check<wide, bf16, bf16>(s, column_major, row_major, row_major, {.beta = s.k == 31 ? 2.0 : 0.0});
}
TYPED_TEST(gemm_mma_sync_on, is_right_for_any_strides) {
  for (const shape s : {shape{1, 1, 1}, {33, 65, 63}, {64, 64, 64}, {47, 131, 4 * 64 + 1}}) {
    this->template check<any_strides, half, float>(s, layout::spread, layout::odd, layout::odd);
    this->template check<any_strides, half, float>(s, column_major, layout::spread, layout::spread,
                                                   {.alpha = 0.5, .beta = 1});
  }
}

TYPED_TEST(gemm_mma_sync_on, of_an_empty_sum_still_scales) {
  const auto c = place(*this, std::vector<half>(12 * 8, convert<half>(3.0f)), 12, 8, row_major);
  gemm<two_stages>(this->executor, matrix<const half>(nullptr, 12, 0), matrix<const half>(nullptr, 0, 8), c.view, {},
                   {.beta = 2});
  for (const half& x : gather(*this, c)) EXPECT_EQ(as_double(x), 6);
}

TYPED_TEST(gemm_mma_sync_on, says_why_a_policy_cannot_serve) {
  const auto at = [&](layout how, int rows, int columns) {
    return place(*this, draw_values<half>(static_cast<std::size_t>(rows) * columns), rows, columns, how);
  };
  const auto a = at(row_major, 40, 24), b = at(row_major, 24, 72);
  const auto c = place(*this, std::vector<half>(40 * 72, convert<half>(7.0f)), 40, 72, row_major);
  const auto& x = this->executor;
  EXPECT_REFUSED(gemm<two_stages>(x, at(column_major, 40, 24).view, b.view, c.view),
                 "gemm: A and B must have the policy's layouts");
  EXPECT_REFUSED(gemm<two_stages>(x, a.view, at(column_major, 24, 72).view, c.view),
                 "gemm: A and B must have the policy's layouts");
  EXPECT_REFUSED(gemm<two_stages>(x, at(layout::odd, 40, 24).view, b.view, c.view),
                 "gemm: A and B must be aligned for the policy's accesses");
  EXPECT_REFUSED(gemm<two_stages>(x, at(row_major, 40, 20).view, at(row_major, 20, 72).view, c.view),
                 "gemm: A and B must be aligned for the policy's accesses");
  EXPECT_REFUSED(gemm<two_stages>(x, a.view, b.view, at(layout::odd, 40, 72).view),
                 "gemm: C must be aligned for the policy's stores");
  EXPECT_REFUSED(gemm<two_stages>(x, a.view, b.view, at(column_major, 40, 72).view),
                 "gemm: C must be aligned for the policy's stores");
#ifndef __CUDACC__
  EXPECT_REFUSED(gemm<two_stages>(virtual_gpu(arch::sm_75), a.view, b.view, c.view),
                 "gemm: the policy is for a later arch than this device");
#endif
  for (const half& value : gather(*this, c)) ASSERT_EQ(as_double(value), 7) << "nothing was written";
}

#ifndef __CUDACC__

/// The bits of C for one drawn problem on each machine.
template <auto P, class T>
void expect_same_bits(shape s, along a_along, along b_along) {
  const auto a = draw_values<T>(static_cast<std::size_t>(s.m) * s.k),
             b = draw_values<T>(static_cast<std::size_t>(s.k) * s.n);
  const auto bits_on = [&](const auto& gpu) {
    std::vector<float> c(static_cast<std::size_t>(s.m) * s.n, NAN);
    auto av = matrix(a.data(), s.m, s.k), bv = matrix(b.data(), s.k, s.n);
    if (a_along == along::outer) av = transposed(matrix(a.data(), s.k, s.m));
    if (b_along == along::k) bv = transposed(matrix(b.data(), s.n, s.k));
    gemm<P>(gpu, av, bv, matrix(c.data(), s.m, s.n));
    std::vector<std::uint32_t> bits;
    for (const float x : c) bits.push_back(reinterpret<std::uint32_t>(x));
    return bits;
  };
  const auto want = bits_on(virtual_gpu(arch::sm_90));
  for (std::uint64_t seed = 1; seed <= 5; ++seed)
    EXPECT_EQ(bits_on(virtual_gpu(arch::sm_90, {.seed = seed})), want) << "seed " << seed;
  EXPECT_EQ(bits_on(unchecked_virtual_gpu()), want);
  EXPECT_EQ(bits_on(unchecked_virtual_gpu(arch::sm_80, {.threads = 2})), want);
}
// Digits of a row and a column that belong to a lane, and the rest: wherever they are parted, the offset is the same.
template <class Tile>
void offsets_are_the_same_from_any_part() {
  int wrong = 0;
  for (int row = 0; row < 128; ++row)
    for (int column = 0; column < 128; ++column)
      for (const int of_row : {0, 3, 12, 31, 96})
        for (const int of_column : {0, 7, 64, 71, 127})
          wrong += Tile::offset_beside(Tile::offset_of(row & of_row, column & of_column), row & ~of_row,
                                       column & ~of_column) != Tile::offset_of(row, column);
  EXPECT_EQ(wrong, 0);
}
TEST(swizzled_tile, offsets_from_one_another) {
  offsets_are_the_same_from_any_part<tile::operand_tile<int8, 128, 128, along::outer>>();
  offsets_are_the_same_from_any_part<tile::operand_tile<int8, 128, 128, along::k>>();
  offsets_are_the_same_from_any_part<tile::operand_tile<float, 128, 128, along::outer>>();
  offsets_are_the_same_from_any_part<tile::swizzled_tile<half, 128, 128>>();
}

TEST(gemm_mma_sync, has_the_same_bits_under_every_schedule) {
  expect_same_bits<two_stages, half>({70, 72, 5 * 32 + 8}, along::k, along::outer);
  expect_same_bits<four_elements, bf16>({68, 132, 6 * 32 + 4}, along::outer, along::k);
}

// --- the rules

constexpr bool breaks(gemm_mma_sync_policy p, std::string_view sentence, int element_bytes = 2) {
  const char* const rule = broken_rule(p, element_bytes);
  return rule && std::string_view(rule).find(sentence) != std::string_view::npos;
}
static_assert(!broken_rule(gemm_mma_sync_policy{}, 2));
static_assert(breaks({.math = multiply_as::tf32}, "math is for float alone"));
static_assert(breaks({}, "math must be tf32 or tf32x3 for float", 4));
static_assert(breaks({.block = {128, 128, 0}}, "must be positive"));
static_assert(breaks({.warp = {-64, 64}}, "must be positive"));
static_assert(breaks({.warp = {8, 64}}, "warp must be a multiple of 16"));
static_assert(breaks({.block = {128, 72, 64}, .warp = {64, 72}}, "warp must be a multiple of 16"));
static_assert(breaks({.block = {128, 128, 64}, .warp = {64, 48}}, "block must be a multiple of warp"));
static_assert(breaks({.block = {128, 128, 16}}, "block.k must be a multiple of 64 bytes"));
static_assert(breaks({.block = {128, 128, 96}}, "power of two along the contiguous dimension"));
static_assert(breaks({.block = {128, 96, 64}, .warp = {64, 48}}, "power of two along the contiguous dimension"));
static_assert(!broken_rule(gemm_mma_sync_policy{.block = {96, 96, 64}, .warp = {48, 48}, .b = along::k}, 2));
static_assert(breaks({.stages = 1}, "stages must be at least 2"));
static_assert(breaks({.vector = 16}, "vector must be at most 16 bytes"));
static_assert(breaks({.vector = 3}, "vector and c_vector must be powers of two"));
static_assert(breaks({.vector = 0}, "vector and c_vector must be powers of two"));
static_assert(breaks({.b = along::any}, "a and b must both be along::any, or neither, where vector is more than 1"));
constexpr gemm_mma_sync_policy looked_up(gemm_mma_sync_policy p) { return p.laid_out(along::any, along::any); }
static_assert(!broken_rule(looked_up({.block = {64, 64, 64}, .warp = {32, 32}}), 2));
static_assert(breaks(looked_up({.block = {64, 96, 64}, .warp = {32, 48}}),
                     "power of two along the contiguous dimension"));
static_assert(!broken_rule(looked_up({.block = {48, 128, 64}, .warp = {48, 32}, .few = true}), 2), "elements along k");
static_assert(breaks({.few = true}, "few needs a and b along::any and vector above 1"));
static_assert(breaks({.a = along::any, .b = along::any, .vector = 1, .few = true}, "few needs a and b along::any"));
static_assert(breaks({.c_vector = 8}, "c_vector must be 1, or 4 (double: 2)"));
static_assert(breaks({.raster_rows = 0}, "raster_rows must be at least 1"));
static_assert(breaks({.lowest = arch::sm_75}, "lowest must be sm_80 or later"));
static_assert(breaks({.lowest = arch::cpu}, "lowest must be sm_80 or later"));
static_assert(breaks({.block = {256, 256, 32}, .warp = {32, 32}}, "at most 1024 threads (32 warps)"));
static_assert(breaks({.block = {16, 512, 32}, .warp = {16, 512}}, "multiple of the 16-byte chunks"));
static_assert(breaks({.stages = 6}, "must fit the shared memory"));
static_assert(!broken_rule(gemm_mma_sync_policy{.stages = 6, .lowest = arch::sm_90}, 2));

// The selector never picks what cannot serve.
constexpr bool serves_every_problem() {
  for (const arch target : {arch::sm_80, arch::sm_86, arch::sm_89, arch::sm_90, arch::sm_100, arch::sm_120})
    for (const along a : {along::k, along::outer, along::any})
      for (const along b : {along::k, along::outer, along::any})
        for (const int vectors : {1, 2, 4, 8})
          for (const int c_vector : {1, 2, 4, 8})
            for (const tile_mn c : {tile_mn{512, 512}, tile_mn{9, 512}, tile_mn{512, 16}}) {
              gemm_problem p{c.m, c.n, 512, {a, a == along::any ? 1 : vectors}, {b, b == along::any ? 1 : vectors}};
              p.c_vector = c_vector, p.target = target;
              const gemm_mma_sync_policy& picked =
                  gemm_mma_sync_table<bf16>::candidates[gemm_mma_sync_table<bf16>::choose(p).index];
              if (misfit(picked, p) || broken_rule(picked, 2)) return false;
            }
  return true;
}
static_assert(serves_every_problem());

#endif

}  // namespace
