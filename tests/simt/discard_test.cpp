// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// lane.discard: a stage that is not refilled as a whole keeps values of the tile before. Poisoned, they are NaN and
// reported; kernels that refill all that they read run clean, the library's rings among them.
#include "tests/planted.hpp"

#include <tilery/gemm.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;

/// Sums 96 values by tiles of 64: the second tile is short, and its tail must be filled with zeros.
template <bool Wrong>
struct sums_by_tiles : planted_base {
  struct shared {
    shared_array<float, 64> tile;
  };
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    float sum = 0;
    for (int first = 0; first < 96; first += 64) {
      const bool inside = first + lane.rank() < 96;
      if (inside) lane.store(smem.tile.at(lane.rank()), lane.load(p.in + (first + lane.rank())));
      if (!Wrong && !inside) lane.store(smem.tile.at(lane.rank()), 0.0f);
      lane.sync_block();
      sum += (lines.now = __LINE__, lane.load(smem.tile.at(63 - lane.rank())));
      lane.discard(smem.tile.at(0), 64);
      lane.sync_block();
    }
    lane.store(p.out + lane.rank(), sum);
  }
};
template <bool Wrong>
launch_report run_sums(bool poisons, std::vector<float>& out, std::uint64_t seed = 0) {
  std::vector<float> in(96, 1.0f);
  launch_report report;
  launch<sums_by_tiles<Wrong>>(virtual_gpu(arch::sm_90, {.report = &report, .poison_discarded = poisons, .seed = seed}),
                               {1}, planted_params{gmem_ptr<const float>(in.data()), gmem_ptr<float>(out.data()), {}},
                               {reads("in", vector(in.data(), 96)), writes("out", vector(out.data(), 64))});
  return report;
}
TEST(discard, a_stale_tail_is_nan_and_reported) {
  for (const std::uint64_t seed : {0, 1, 2, 3}) {
    std::vector<float> out(64);
    EXPECT_EQ(text_of(run_sums<true>(false, out, seed)), "") << "without the option nobody can tell";
    EXPECT_EQ(out[0], 2.0f) << "a value of the tile before";
    const launch_report wrong = run_sums<true>(true, out, seed);
    ASSERT_EQ(wrong.faults.size(), 1u) << text_of(wrong);
    EXPECT_EQ(wrong.faults[0].kind, fault_kind::uninitialised);
    EXPECT_EQ(wrong.faults[0].now.site.line.line, lines.now);
    EXPECT_EQ(wrong.faults[0].count, 32);
    EXPECT_GE(wrong.faults[0].offset, 128);
    EXPECT_NE(text_of(wrong).find(
                  "no lane of this block has written these bytes since the block began or since these bytes were "
                  "discarded"),
              std::string::npos)
        << text_of(wrong);
    EXPECT_TRUE(out[0] != out[0]);
    EXPECT_EQ(text_of(run_sums<false>(true, out, seed)), "");
    EXPECT_EQ(out[0], 1.0f);
    EXPECT_EQ(out[63], 2.0f);
  }
}

template <bool Wrong>
struct discards_too_much : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    lines.now = __LINE__, lane.discard(smem.x.at(Wrong ? 255 : 254), 2);
    lane.sync_block();
  }
};
TEST(discard, is_of_shared_memory) {
  for (const bool wrong : {true, false}) {
    launch_report report;
    const virtual_gpu gpu(arch::sm_90, {.report = &report, .poison_discarded = true});
    if (wrong)
      launch<discards_too_much<true>>(gpu, {1}, planted_params{});
    else
      launch<discards_too_much<false>>(gpu, {1}, planted_params{});
    EXPECT_EQ(report.faults.size(), wrong ? 1u : 0u) << text_of(report);
    if (wrong) {
      EXPECT_EQ(report.faults[0].kind, fault_kind::out_of_bounds);
      EXPECT_EQ(report.faults[0].now.site.line.line, lines.now);
      EXPECT_EQ(report.faults[0].offset, 1020);
    }
  }
}

template <auto P, class T, int K>
void gemm_runs_clean() {
  constexpr int m = 65, n = 40, k = K;
  std::vector<T> a(m * k), b(k * n), c(m * n), poisoned(m * n);
  for (int i = 0; i < m * k; ++i) a[static_cast<std::size_t>(i)] = convert<T>(static_cast<float>(i % 7 - 3));
  for (int i = 0; i < k * n; ++i) b[static_cast<std::size_t>(i)] = convert<T>(static_cast<float>(i % 5 - 2));
  const auto run = [&](const auto& gpu, std::vector<T>& to) {
    gemm<P>(gpu, matrix(a.data(), m, k), matrix(b.data(), k, n), matrix(to.data(), m, n));
  };
  run(unchecked_virtual_gpu(), c);
  launch_report report;
  run(virtual_gpu(arch::sm_90, {.report = &report, .poison_discarded = true}), poisoned);
  EXPECT_EQ(text_of(report), "");
  for (std::size_t i = 0; i < c.size(); ++i) ASSERT_EQ(convert<float>(c[i]), convert<float>(poisoned[i])) << i;
}
TEST(discard, the_rings_of_gemm_refill_all_that_they_read) {
  gemm_runs_clean<gemm_simt_policy{.block = {32, 32, 8}, .lane = {4, 4}, .vector = 1, .c_vector = 1}, float, 75>();
  constexpr gemm_mma_sync_policy copies{.block = {32, 32, 32}, .warp = {16, 16}, .stages = 4};
  gemm_runs_clean<copies, bf16, 200>();
  gemm_runs_clean<gemm_mma_sync_policy{.block = {32, 32, 32},
                                       .warp = {16, 16},
                                       .stages = 3,
                                       .a = along::any,
                                       .b = along::any,
                                       .vector = 1,
                                       .c_vector = 1},
                  bf16, 75>();
}

}  // namespace
