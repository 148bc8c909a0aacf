// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMMs with few rows or few columns: every layout and alignment of the long operand, either side of C, several tiles,
// shared tiles, batches and groups; what they read, and what the policy refuses.
#include "tests/gemm_reference.hpp"
#include "tests/layouts.hpp"

#include <tilery/gemm_batched.hpp>
#include <tilery/gemm_grouped.hpp>

#include <cstring>

namespace {

using namespace tilery;
using namespace tilery_tests;

template <class T>
inline constexpr gemm_skinny_policy policy_for = gemm_skinny_table<T>::candidates[0];

template <class Executor>
class gemm_skinny_on : public on_executor<Executor> {
public:
  /// C = relu(alpha A B + beta C + bias) through policy P, beside the exact sums.
  template <gemm_skinny_policy P, class T, class R>
  void check(int m, int n, int k, layout a_layout, layout b_layout, layout c_layout) {
    SCOPED_TRACE(testing::Message() << m << " x " << n << " x " << k << " " << element<T>::name << ", A "
                                    << name_of(a_layout) << ", B " << name_of(b_layout) << ", C " << name_of(c_layout));
    constexpr gemm_factors f = {.alpha = 0.5, .beta = -1};
    const auto a_values = draw_values<T>(static_cast<std::size_t>(m) * k),
               b_values = draw_values<T>(static_cast<std::size_t>(k) * n);
    const auto c_values = draw_values<R>(static_cast<std::size_t>(m) * n);
    const auto bias_values = draw_values<float>(static_cast<std::size_t>(n));
    const auto a = place(*this, a_values, m, k, a_layout), b = place(*this, b_values, k, n, b_layout);
    const auto c = place(*this, c_values, m, n, c_layout);
    const auto bias = this->put(bias_values);
    gemm<P>(this->executor, a.read(), b.read(), c.view, epilogue::bias(bias) | epilogue::relu(), f);
    const auto got = gather(*this, c);
    worst_error worst;
    const double unit = std::is_same_v<T, double> ? 0x1p-53 : 0x1p-24;
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j) {
        const exact_product exact(a_values, b_values, n, k, i, j);
        const double old = f.beta * as_double(c_values[i * n + j]);
        const double sum = f.alpha * exact.sum + old + bias_values[j], want = sum > 0 ? sum : 0;
        worst.compare(as_double(got[i * n + j]), want,
                      (k + 2) * unit * exact.magnitude * f.alpha + 4 * unit * (std::fabs(old) + 2) +
                          (std::is_same_v<R, accumulator_t<T>> ? 0 : unit_roundoff<R>() * want + 0x1p-25));
      }
    EXPECT_LE(worst.value(), 1);
  }
};
TYPED_TEST_SUITE(gemm_skinny_on, gpus);

TYPED_TEST(gemm_skinny_on, is_right_for_each_layout_of_both_operands) {
  for (const layout a : layouts)
    for (const layout b : layouts) {
      this->template check<policy_for<float>, float, float>(100, 5, 300, a, b, layout::dense);
      this->template check<policy_for<float>, float, float>(7, 68, 300, a, b, layout::odd);
      this->template check<policy_for<bf16>, bf16, bf16>(72, 3, 600, a, b, layout::dense);
      this->template check<policy_for<half>, half, float>(9, 48, 600, a, b, layout::column_major);
      this->template check<policy_for<double>, double, double>(40, 3, 140, a, b, layout::spread);
    }
}

// One row, one column, the short side full, more than one tile of it, neither side short, a k of less than a pack.
TYPED_TEST(gemm_skinny_on, is_right_at_the_edges) {
  const auto check = [&](int m, int n, int k) {
    this->template check<policy_for<float>, float, float>(m, n, k, layout::dense, layout::dense, layout::dense);
    this->template check<policy_for<float>, float, float>(m, n, k, layout::dense, layout::column_major, layout::dense);
    this->template check<policy_for<bf16>, bf16, bf16>(m, n, k, layout::column_major, layout::dense, layout::dense);
  };
  check(1, 1, 1);
  check(1, 33, 0);
  check(1, 64, 3);
  check(64, 1, 257);
  check(16, 32, 8);
  check(32, 16, 511);
  check(17, 40, 64);
  check(70, 35, 40);
  check(16, 16, 1000);
}

constexpr gemm_skinny_policy with_parts(gemm_skinny_policy p, int k_parts) {
  p.k_parts = k_parts;
  return p;
}
constexpr gemm_skinny_policy alone = with_parts(policy_for<float>, 1), in_three = with_parts(policy_for<float>, 3),
                             streamed = with_parts(policy_for<bf16>, stream_k),
                             doubles_in_two = with_parts(policy_for<double>, 2);

TYPED_TEST(gemm_skinny_on, is_right_when_blocks_share_a_tile) {
  for (const layout b : {layout::dense, layout::column_major}) {
    this->template check<alone, float, float>(5, 70, 900, layout::dense, b, layout::dense);
    this->template check<in_three, float, float>(5, 70, 900, layout::dense, b, layout::dense);
    this->template check<in_three, float, float>(70, 35, 900, layout::dense, b, layout::dense);
    this->template check<streamed, bf16, float>(3, 70, 2100, layout::dense, b, layout::dense);
    this->template check<doubles_in_two, double, double>(70, 8, 300, layout::dense, b, layout::dense);
  }
}

// One thing is not aligned, and all else is: where the operand begins, its rows, its extent, the next of a batch.
TYPED_TEST(gemm_skinny_on, is_right_whatever_is_not_aligned) {
  struct how {
    int offset, row, k;
    std::int64_t batch;
  };
  const int few = 3, many = 40, batches = 2;
  for (const how h : {how{1, 304, 304, 304 * 40}, how{2, 304, 304, 304 * 40}, how{0, 305, 304, 305 * 40},
                      how{0, 304, 301, 304 * 40}, how{0, 304, 304, 304 * 40 + 1}, how{0, 304, 304, 304 * 40}}) {
    SCOPED_TRACE(testing::Message() << h.offset << ", " << h.row << ", " << h.k << ", " << h.batch);
    const auto size = static_cast<std::size_t>(h.offset + batches * h.batch);
    const auto long_values = draw_values<float>(size), short_values = draw_values<float>(size);
    const auto long_side = this->put(long_values), short_side = this->put(short_values);
    const auto tall = this->put(std::vector<float>(static_cast<std::size_t>(batches) * few * many)),
               flat = this->put(std::vector<float>(static_cast<std::size_t>(batches) * few * many));
    const auto rows_of = [&](const auto& from, int rows) {
      tensor_view<const float, 3> v(from.data_handle() + h.offset, batches, rows, h.k);
      v.strides[0] = h.batch, v.strides[1] = h.row;
      return v;
    };
    const auto columns_of = [&](const auto& from, int columns) {
      auto v = rows_of(from, columns);
      std::swap(v.extents[1], v.extents[2]), std::swap(v.strides[1], v.strides[2]);
      return v;
    };
    gemm_batched<policy_for<float>>(this->executor, rows_of(long_side, many), columns_of(short_side, few),
                                    tensor_view<float, 3>(tall.data_handle(), batches, many, few));
    gemm_batched<policy_for<float>>(this->executor, rows_of(short_side, few), columns_of(long_side, many),
                                    tensor_view<float, 3>(flat.data_handle(), batches, few, many));
    const auto got = this->get(tall), got_flat = this->get(flat);
    worst_error worst;
    for (int b = 0; b < batches; ++b)
      for (int i = 0; i < many; ++i)
        for (int j = 0; j < few; ++j) {
          double sum = 0, magnitude = 0;
          for (int x = 0; x < h.k; ++x) {
            const double product = double{long_values[h.offset + b * h.batch + i * h.row + x]} *
                                   short_values[h.offset + b * h.batch + j * h.row + x];
            sum += product, magnitude += std::fabs(product);
          }
          worst.compare(got[(b * many + i) * few + j], sum, (h.k + 2) * 0x1p-24 * magnitude);
          worst.compare(got_flat[(b * few + j) * many + i], sum, (h.k + 2) * 0x1p-24 * magnitude);
        }
    EXPECT_LE(worst.value(), 1);
  }
}

TYPED_TEST(gemm_skinny_on, gives_the_same_bits_each_time) {
  const int n = 96, k = 5000;
  const auto a = this->put(draw_values<float>(k)), b = this->put(draw_values<float>(static_cast<std::size_t>(k) * n));
  const auto c = this->put(std::vector<float>(n));
  std::vector<float> first;
  for (int i = 0; i < 4; ++i) {
#ifdef __CUDACC__
    const auto& executor = this->executor;
#else
    const virtual_gpu executor(arch::sm_90, {.seed = static_cast<std::uint64_t>(i)});  // blocks come in another order
#endif
    gemm(executor, matrix(a.data_handle(), 1, k), matrix(b.data_handle(), k, n), matrix(c.data_handle(), 1, n));
    const auto got = this->get(c);
    if (i == 0) first = got;
    EXPECT_EQ(std::memcmp(got.data(), first.data(), n * sizeof(float)), 0) << i;
  }
}

// The default calls; NaN stays in its row.
TYPED_TEST(gemm_skinny_on, is_what_few_rows_or_columns_get) {
  const int m = 4, n = 40, k = 384, batches = 3;
  auto a_values = draw_values<float>(static_cast<std::size_t>(batches) * m * k);
  a_values[k] = NAN;
  const auto b_values = draw_values<float>(static_cast<std::size_t>(batches) * k * n);
  const auto a = this->put(a_values), b = this->put(b_values);
  const auto c = this->put(std::vector<float>(static_cast<std::size_t>(batches) * m * n)),
             grouped = this->put(std::vector<float>(static_cast<std::size_t>(batches) * m * n));
  const std::string why = explain_gemm(this->executor, matrix(a.data_handle(), m, k), matrix(b.data_handle(), k, n),
                                       matrix(c.data_handle(), m, n))
                              .c_str();
  EXPECT_NE(why.find("gemm_skinny"), std::string::npos) << why;
  gemm_batched(this->executor, tensor_view<const float, 3>(a.data_handle(), batches, m, k),
               tensor_view<const float, 3>(b.data_handle(), batches, k, n),
               tensor_view<float, 3>(c.data_handle(), batches, m, n));
  std::vector<gemm_member<const float, const float, float>> members;
  for (int i = 0; i < batches; ++i) {
    const float *from_a = a.data_handle() + i * m * k, *from_b = b.data_handle() + i * k * n;
    members.push_back({matrix(from_a, m, k), matrix(from_b, k, n), matrix(grouped.data_handle() + i * m * n, m, n)});
  }
  const std::span<const gemm_member<const float, const float, float>> all(members);
  gemm_grouped(this->executor, all);
  EXPECT_NE(std::string(explain_gemm_grouped(this->executor, all).c_str()).find("gemm_skinny"), std::string::npos);
  const auto got = this->get(c), from_group = this->get(grouped);
  EXPECT_EQ(std::memcmp(got.data(), from_group.data(), got.size() * sizeof(float)), 0);
  worst_error worst;
  for (int batch = 0; batch < batches; ++batch)
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j) {
        const float is = got[(batch * m + i) * n + j];
        if (batch == 0 && i == 1) {
          EXPECT_TRUE(std::isnan(is));
          continue;
        }
        double sum = 0, magnitude = 0;
        for (int x = 0; x < k; ++x) {
          const double one = double{a_values[(batch * m + i) * k + x]} * b_values[(batch * k + x) * n + j];
          sum += one, magnitude += std::fabs(one);
        }
        worst.compare(is, sum, (k + 2) * 0x1p-24 * magnitude);
      }
  EXPECT_LE(worst.value(), 1);
}

#ifndef __CUDACC__  // no GPU is needed
TEST(gemm_skinny_policy, says_which_rule_is_broken) {
  const auto rule = [](gemm_skinny_policy p) { return std::string(broken_rule(p, 4) ? broken_rule(p, 4) : ""); };
  EXPECT_EQ(rule({}), "");
  EXPECT_NE(rule({.block = {64, 16, 256}}).find("block.m must be 32"), std::string::npos);
  EXPECT_NE(rule({.lane_k = 6}).find("lane_k must be a power of two"), std::string::npos);
  EXPECT_NE(rule({.block = {32, 16, 40}}).find("block.k must be a multiple of 4 lane_k"), std::string::npos);
  EXPECT_NE(rule({.block = {32, 12, 256}}).find("block.n must be a multiple of 8"), std::string::npos);
  EXPECT_NE(rule({.block = {32, 16, 96}}).find("block.n must be a multiple of the warps"), std::string::npos);
  EXPECT_NE(rule({.k_parts = -2}).find("k_parts must be stream_k"), std::string::npos);
  EXPECT_NE(rule({.lowest = arch::cpu}).find("must be a GPU's arch"), std::string::npos);
  EXPECT_NE(rule({.block = {32, 32, 1024}}).find("must fit the shared memory"), std::string::npos);
  EXPECT_EQ(broken_rule(policy_for<double>, 8), nullptr);
  EXPECT_EQ(broken_rule(policy_for<float>, 4), nullptr);
  EXPECT_EQ(broken_rule(policy_for<bf16>, 2), nullptr);
  EXPECT_STREQ(
      broken_rule(gemm_skinny_policy{.lane_k = 4}, 2),
      "gemm_skinny_policy.lane_k must be a power of two, at least 4 and 16 bytes of elements, because a lane reads "
      "packs along k");
}

constexpr gemm_problem of(int m, int n, int k) {
  gemm_problem p;
  p.m = m, p.n = n, p.k = k, p.target = arch::sm_90;
  return p;
}
static_assert(gemm_skinny_table<float>::serves(of(1, 4096, 4096)));
static_assert(gemm_skinny_table<float>::serves(of(4096, 16, 4096)));
static_assert(!gemm_skinny_table<float>::serves(of(4096, 17, 4096)), "two tiles would read the long operand twice");
static_assert(!gemm_skinny_table<float>::serves(of(4096, 1, 127)), "k too short for half of the warps");
static_assert(gemm_skinny_table<float>::serves(of(1, 4096, 128)) && gemm_skinny_table<bf16>::serves(of(8, 4096, 256)));
static_assert(!gemm_skinny_table<double>::serves(of(4096, 9, 4096)));
static_assert(!gemm_skinny_table<half>::serves(of(9, 4096, 4096)), "tensor cores are faster");
static_assert(gemm_skinny_table<float>::serves(of(1, 50304, 256)) &&
              !gemm_skinny_table<float>::serves(of(1, 50304, 255)));
static_assert(!gemm_skinny_table<bf16>::serves(of(1, 50304, 1024)), "many blocks of two turns, beside tensor cores");
static_assert(gemm_skinny_table<bf16>::serves(of(1, 50304, 2048)));

TEST(gemm_skinny_work, is_shared_where_tiles_are_few_and_k_is_long) {
  const auto blocks = [](int m, int n, int k) { return work_of(policy_for<float>, of(m, n, k), 4, 4).blocks; };
  EXPECT_EQ(blocks(1, 4096, 4096), 128) << "nearly a tile for each multiprocessor";
  EXPECT_EQ(blocks(4096, 16, 4096), 128) << "either side";
  EXPECT_EQ(blocks(8, 1024, 4096), 32 * 4);
  EXPECT_EQ(blocks(8, 1024, 1024), 32) << "k too short to share";
  EXPECT_EQ(blocks(8, 5120, 5120), 132) << "160 tiles: as many blocks as run at a time share their steps";
}

// Both operands come once, in whole sectors; what the warps hold in shared memory meets no bank twice.
TEST(gemm_skinny_traffic, reads_each_operand_once) {
  for (const bool few_rows : {false, true})
    for (const bool transposed_a : {false, true})
      for (const bool transposed_b : {false, true}) {
        SCOPED_TRACE(testing::Message() << few_rows << transposed_a << transposed_b);
        const int m = few_rows ? 16 : 64, n = few_rows ? 64 : 16, k = 512;
        launch_report report;
        const virtual_gpu gpu(arch::sm_90, {.report = &report});
        const buffer<float, 2> a(gpu, transposed_a ? k : m, transposed_a ? m : k),
            b(gpu, transposed_b ? n : k, transposed_b ? k : n), c(gpu, m, n);
        fill_zero(gpu, a), fill_zero(gpu, b);
        report = {};
        gemm<alone>(gpu, transposed_a ? transposed(a.view()) : a.view(), transposed_b ? transposed(b.view()) : b.view(),
                    c);
        for (const fault& f : report.faults) ADD_FAILURE() << f.text();
        ASSERT_EQ(report.profiles.size(), 1u);
        const launch_profile& p = report.profiles[0];
        std::int64_t sectors = 0, fewest = 0, wavefronts = 0, fewest_wavefronts = 0;
        for (const site_profile& s : p.sites) {
          if (s.kind == site_kind::global_load) sectors += s.sectors, fewest += s.fewest_sectors;
          if (s.kind == site_kind::shared_load || s.kind == site_kind::shared_store)
            wavefronts += s.wavefronts, fewest_wavefronts += s.fewest_wavefronts;
        }
        EXPECT_EQ(sectors, fewest);
        EXPECT_EQ(wavefronts, fewest_wavefronts);
        const int tiles = 2;  // each reads the short operand
        EXPECT_EQ(sectors * 32, 4 * (64 * k + tiles * 16 * k));
        EXPECT_EQ(p.operations(compute_unit::fma_f32), std::int64_t{m} * n * k);
      }
}
#endif

}  // namespace
