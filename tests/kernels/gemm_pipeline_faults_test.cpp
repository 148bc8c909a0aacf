// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A pipeline of asynchronous copies and tensor cores, built from the tile pieces, with one planted fault each: the
// virtual GPU reports it at the lines where it is, under every schedule; without a fault it is clean and right.
#include "tests/draw.hpp"
#include "tests/planted.hpp"

#include <tilery/kernels/gemm/params.hpp>
#include <tilery/policies/gemm_mma_sync.hpp>
#include <tilery/tile/operand_tile.hpp>
#include <tilery/tile/staged_store.hpp>

#include <cmath>

namespace {

using namespace tilery;
using namespace tilery_tests;

// One block of two warps; six tiles along k go through three stages.
constexpr gemm_mma_sync_policy policy{.block = {32, 64, 32}, .warp = {32, 32}, .stages = 3};
constexpr int m = policy.block.m, n = policy.block.n, k = 6 * policy.block.k;
using params = gemm_params<half, half, float, float, epilogue::none>;

enum class planted {
  nothing,
  dropped_wait,            // waits for one group too few
  no_commit,               // the copies belong to no group, and no wait is theirs
  no_barrier,              // a lane waits for its own copies alone
  stage_off_by_one,        // refills the stage that is read
  barrier_behind_refill,   // refills what others may still read
  no_last_wait,            // the sums are staged in memory that copies are on their way to
  no_last_barrier,         // ... in memory that the copies of others have come to
  no_sync_before_reading,  // of the staged rows
  no_sync_after_reading,
  swizzled_once,  // B's tile is written with its chunks permuted and read without
  not_swizzled,   // B's tile has its chunks in order: right, and slow
};

/// Where in the kernel's text things are done, noted as it runs.
struct {
  int copy, load, stage, unstage;
} line_of;

/// B's tile without the permutation of its chunks.
struct plain_tile {
  static constexpr bool k_major = false;
  alignas(128) half elements[policy.block.k * n];  // (k, n)
  smem_ptr<half> at(int row, int chunk) { return smem_ptr<half>(elements + row * n + 8 * chunk); }
};

template <planted Fault>
struct pipeline {
  static constexpr const char* name = "pipeline";
  static constexpr int threads = policy.threads();
  static constexpr features needs = features::copy_async;
  static constexpr bool allows_one_lane = false;
  static constexpr int stages = policy.stages;

  using a_copy = tile::operand_copy<panel<half>, m, policy.block.k, along::k, 8, threads>;
  using b_copy = tile::operand_copy<panel<half>, n, policy.block.k, along::outer, 8, threads>;
  using rows = tile::stage_rows<policy, float, 16>;
  using sums_of = tile::mma_sums<policy, half, half>;
  struct stage {
    typename a_copy::shared a;
    typename b_copy::shared b;
  };
  union shared {
    stage ring[stages];
    rows sums[threads / 32];
  };

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared& smem) {
    a_copy a(lane, p.a, 0);
    b_copy b(lane, p.b, 0);
    const auto fill = [&](stage& to, int tile) {
      const where here{__FILE__, line_of.copy = __LINE__};
      a.start(lane, p.a, to.a, 0, 1, here);
      if constexpr (Fault == planted::not_swizzled) {
        auto& plain = reinterpret_cast<plain_tile&>(to.b);
        for (int i = lane.rank(); i < policy.block.k * n / 8; i += threads)
          atoms::copy_async_if<16>(lane, plain.at(i / (n / 8), i % (n / 8)),
                                   p.b.data + (tile * policy.block.k * n + 8 * i), tile * policy.block.k < k, here);
      } else {
        b.start(lane, p.b, to.b, 0, 1, here);
      }
      if (Fault != planted::no_commit) atoms::commit_copies(lane);
      a.advance(p.a), b.advance(p.b);
    };
    sums_of sums;
    tile::mma_step<policy, half, half> operands;
    for (int i = 0; i < stages - 1; ++i) fill(smem.ring[i], i);
    for (int tile = 0; tile < k / policy.block.k; ++tile) {
      const int refilled = Fault == planted::stage_off_by_one ? tile : tile + stages - 1;
      atoms::wait_copies<Fault == planted::dropped_wait ? stages - 1 : stages - 2>(lane);
      if (Fault == planted::barrier_behind_refill) fill(smem.ring[refilled % stages], tile + stages - 1);
      if (Fault != planted::no_barrier) lane.sync_block();
      if (Fault != planted::barrier_behind_refill) fill(smem.ring[refilled % stages], tile + stages - 1);
      stage& now = smem.ring[tile % stages];
      for (int step = 0; step < policy.block.k / 16; ++step) {
        const where here{__FILE__, line_of.load = __LINE__};
        if constexpr (Fault == planted::swizzled_once || Fault == planted::not_swizzled)
          operands.load(lane, now.a, reinterpret_cast<plain_tile&>(now.b), step, here);
        else
          operands.load(lane, now.a, now.b, step, here);
        sums.multiply(lane, operands);
      }
    }
    if (Fault != planted::no_last_wait) atoms::wait_copies<0>(lane);
    if (Fault != planted::no_last_barrier) lane.sync_block();
    store(lane, p, smem.sums[lane.warp()], sums);
  }

  /// As tile::store_through, without its names of steps.
  template <class Lane>
  TILERY_SIMT static void store(Lane lane, const params& p, rows& staged, const sums_of& sums) {
    using shape = typename sums_of::shape;
    constexpr int quads = policy.warp.n / 4;
    for (int i = 0; i < sums_of::m; ++i) {
      for (int j = 0; j < sums_of::n; ++j)
        for (int r = 0; r < shape::c_registers; r += 2) {
          const auto to = atoms::fragment_place<shape::c>(lane.warp_rank(), r);
          pack<float, 2> pair;
          pair.set(0, sums.tile[i][j].r[r]), pair.set(1, sums.tile[i][j].r[r + 1]);
          lane.store(staged.at(to.row, shape::n * j + to.column), pair, {__FILE__, line_of.stage = __LINE__});
        }
      if (Fault != planted::no_sync_before_reading) lane.sync_warp();
      for (int q = lane.warp_rank(); q < shape::m * quads; q += 32) {
        const where here{__FILE__, line_of.unstage = __LINE__};
        const auto quad = lane.load(staged.at(q / quads, q % quads * 4), width<4>, here);
        lane.store(p.c.at(shape::m * i + q / quads, lane.warp() * policy.warp.n + q % quads * 4), quad);
      }
      if (Fault != planted::no_sync_after_reading) lane.sync_warp();
    }
  }
};

/// What a launch on drawn matrices reports, and how far C is from the product.
struct outcome {
  launch_report report;
  double off = 0;
};

template <planted Fault>
outcome run_pipeline(std::uint64_t seed) {
  static const auto a = draw_values<half>(m * k), b = draw_values<half>(k * n);
  std::vector<float> c(m * n, NAN);
  const auto av = matrix(a.data(), m, k), bv = matrix(b.data(), k, n);
  const auto cv = matrix(c.data(), m, n);
  outcome result;
  launch<pipeline<Fault>>(virtual_gpu(arch::sm_90, {.report = &result.report, .seed = seed}), {1},
                          params{{gmem_ptr<const half>(a.data()), m, k, k, 1},
                                 {gmem_ptr<const half>(b.data()), n, k, 1, n},
                                 {gmem_ptr<float>(c.data()), m, n, n, 1},
                                 1,
                                 0,
                                 {}},
                          {reads("A", av), reads("B", bv), writes("C", cv)});
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) {
      double sum = 0;
      for (int q = 0; q < k; ++q) sum += as_double(a[i * k + q]) * as_double(b[q * n + j]);
      const double off = std::fabs(c[i * n + j] - sum);
      result.off = std::isnan(off) ? INFINITY : std::max(result.off, off);
    }
  return result;
}
constexpr double right = 1e-3;  // k = 192 products of at most 1, summed in float

/// One of the kinds is reported between the two lines, in either order. What else follows has to do with the first.
template <planted Fault, class... Kinds>
void expect_reported(const int& culprit, const int& victim, Kinds... kinds) {
  for (const std::uint64_t seed : {0, 1, 2, 3, 4}) {
    const outcome wrong = run_pipeline<Fault>(seed);
    int found = 0;
    for (const fault& f : wrong.report.faults) {
      const int now = f.now.site.kernel_line.line, before = f.before.site.kernel_line.line;
      found += ((f.kind == kinds) || ...) && std::minmax({now, before}) == std::minmax({culprit, victim});
      EXPECT_TRUE(!f.has_before() || now == culprit || before == culprit) << "seed " << seed << ": " << f.text();
    }
    EXPECT_GT(found, 0) << "seed " << seed << ", lines " << culprit << " and " << victim << ":\n"
                        << text_of(wrong.report);
  }
}

TEST(gemm_pipeline, without_a_fault_is_clean_and_right) {
  for (const std::uint64_t seed : {0, 1, 2, 3, 4}) {
    const outcome o = run_pipeline<planted::nothing>(seed);
    EXPECT_EQ(text_of(o.report), "") << "seed " << seed;
    EXPECT_LT(o.off, right) << "seed " << seed;
  }
}

TEST(gemm_pipeline, reports_a_wait_that_is_missing) {
  expect_reported<planted::dropped_wait>(line_of.copy, line_of.load, fault_kind::missing_wait);
  expect_reported<planted::no_commit>(line_of.copy, line_of.load, fault_kind::missing_wait);
  expect_reported<planted::no_last_wait>(line_of.copy, line_of.stage, fault_kind::missing_wait);
}

TEST(gemm_pipeline, reports_a_barrier_that_is_missing) {
  expect_reported<planted::no_barrier>(line_of.copy, line_of.load, fault_kind::race, fault_kind::missing_wait);
  expect_reported<planted::barrier_behind_refill>(line_of.copy, line_of.load, fault_kind::race,
                                                  fault_kind::missing_wait);
  expect_reported<planted::no_last_barrier>(line_of.copy, line_of.stage, fault_kind::race, fault_kind::missing_wait);
}

TEST(gemm_pipeline, reports_a_stage_that_is_refilled_while_it_is_read) {
  expect_reported<planted::stage_off_by_one>(line_of.copy, line_of.load, fault_kind::race, fault_kind::missing_wait);
}

TEST(gemm_pipeline, reports_rows_that_are_staged_without_a_sync) {
  expect_reported<planted::no_sync_before_reading>(line_of.stage, line_of.unstage, fault_kind::race);
  expect_reported<planted::no_sync_after_reading>(line_of.stage, line_of.unstage, fault_kind::race);
}

// A wrong swizzle breaks no rule of memory: it shows in the values, or in what the profile says of the loads.
TEST(gemm_pipeline, a_wrong_swizzle_shows) {
  const outcome disagree = run_pipeline<planted::swizzled_once>(0);
  EXPECT_EQ(text_of(disagree.report), "");
  EXPECT_GT(disagree.off, 0.1) << "chunks of other columns were multiplied";

  const auto wavefronts = [](const outcome& o) {
    std::int64_t sum = 0, fewest = 0;
    for (const site_profile& s : o.report.profiles.at(0).sites)
      if (s.kind == site_kind::shared_load && s.site.kernel_line.line == line_of.load)
        sum += s.wavefronts, fewest += s.fewest_wavefronts;
    return std::pair(sum, fewest);
  };
  const outcome swizzled = run_pipeline<planted::nothing>(0);
  const auto [with, fewest_with] = wavefronts(swizzled);
  const outcome plain = run_pipeline<planted::not_swizzled>(0);
  const auto [without, fewest_without] = wavefronts(plain);
  EXPECT_EQ(text_of(plain.report), "");
  EXPECT_LT(plain.off, right);
  EXPECT_EQ(fewest_with, fewest_without);
  EXPECT_EQ(with, fewest_with);
  // Each warp loads 32 x 32 of A and of B a tile, a wavefront for each 8 x 8; rows of B are 128 bytes apart, and eight
  // of them without the permutation are eight wavefronts.
  EXPECT_EQ(fewest_with, 2 * 6 * (16 + 16));
  EXPECT_EQ(without, 2 * 6 * (16 + 8 * 16));
}

}  // namespace
