// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rules of mbarriers and of warp-wide instructions that no access breaks: bytes that nobody expected, counts that an
// mbarrier cannot hold, instructions to which the lanes of a warp come from two sides of a branch.
#include "tests/planted.hpp"

#include <tilery/atoms/copy_bulk.hpp>
#include <tilery/atoms/matrix_move.hpp>
#include <tilery/atoms/mma_sync.hpp>
#include <tilery/atoms/named_barrier.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;
using namespace tilery::atoms;

struct staged : planted_base {
  struct shared {
    shared_array<float, 256> stage;
    mbarrier full, empty;
  };
};
template <class Lane>
TILERY_SIMT void init_one(Lane lane, mbarrier& barrier, int arrivals) {
  if (lane.rank() == 0) {
    init(lane, barrier, arrivals);
    fence_proxy(lane);
  }
  lane.sync_block();
}

// --- bytes that nobody expects

/// The copy first, then the arrival that forgets its bytes.
template <bool Wrong>
struct forgets_the_bytes : staged {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    init_one(lane, smem.full, 1);
    if (lane.rank() == 0) {
      lines.before = __LINE__, copy_bulk(lane, smem.stage.at(0), p.in, 256, smem.full);
      lines.now = __LINE__;
      Wrong ? arrive(lane, smem.full, {__FILE__, lines.now})
            : arrive_and_expect(lane, smem.full, 256, {__FILE__, lines.now});
    }
    wait(lane, smem.full, 0);
    lane.store(p.out + lane.rank(), lane.load(smem.stage.at(lane.rank())));
  }
};
/// In a barrier's second phase.
template <bool Wrong>
struct forgets_them_later : staged {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    init_one(lane, smem.full, 1);
    for (int k = 0; k < 2; ++k) {
      if (lane.rank() == 0) {
        lines.before = __LINE__, copy_bulk(lane, smem.stage.at(k * 64), p.in + k * 64, 256, smem.full);
        lines.now = __LINE__;
        Wrong&& k == 1 ? arrive(lane, smem.full, {__FILE__, lines.now})
                       : arrive_and_expect(lane, smem.full, 256, {__FILE__, lines.now});
      }
      wait(lane, smem.full, k);
      lane.store(p.out + (k * 64 + lane.rank()), lane.load(smem.stage.at(k * 64 + lane.rank())));
      lane.sync_block();
    }
  }
};
/// Two warps fill halves of a stage; one of them forgets.
template <bool Wrong>
struct one_producer_forgets : staged {
  static constexpr int threads = 96;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    init_one(lane, smem.full, 2);
    if (lane.rank() == 0) {
      arrive_and_expect(lane, smem.full, 128);
      copy_bulk(lane, smem.stage.at(0), p.in, 128, smem.full);
    }
    if (lane.rank() == 32) {
      copy_bulk(lane, smem.stage.at(32), p.in + 32, 128, smem.full);
      Wrong ? arrive(lane, smem.full) : arrive_and_expect(lane, smem.full, 128);
    }
    if (lane.warp() == 2) {
      wait(lane, smem.full, 0);
      lane.store(p.out + lane.warp_rank(), lane.load(smem.stage.at(32 + lane.warp_rank())));
    }
  }
};
TEST(barrier_rules, bytes_of_a_copy_must_be_expected) {
  expect_fault<forgets_the_bytes>(fault_kind::barrier_misuse,
                                  "copies transfer 256 bytes more than the phase of the mbarrier expects");
  expect_fault<forgets_the_bytes>(fault_kind::barrier_misuse, "arrive_and_expect");
  expect_fault<forgets_them_later>(fault_kind::barrier_misuse,
                                   "copies transfer 256 bytes more than the phase of the mbarrier expects");
  for (const std::uint64_t seed : {0, 1, 2, 3, 4, 5, 6, 7}) {  // under some, the other's copy comes a phase too late
    const launch_report wrong = report_of<one_producer_forgets<true>>(seed);
    ASSERT_FALSE(wrong.faults.empty()) << seed;
    for (const fault& f : wrong.faults)
      EXPECT_TRUE(f.kind == fault_kind::barrier_misuse || f.kind == fault_kind::missing_wait) << f.text();
    EXPECT_EQ(text_of(report_of<one_producer_forgets<false>>(seed)), "") << seed;
  }
  EXPECT_NE(text_of(report_of<one_producer_forgets<true>>(0)).find("arrive_and_expect"), std::string::npos);
  const launch_report report = report_of<forgets_the_bytes<true>>(0);
  EXPECT_EQ(report.faults.at(0).now.lane, 0);
  EXPECT_EQ(report.faults.at(0).before.lane, 0);
}

/// Fewer bytes are expected than come.
template <bool Wrong>
struct expects_too_few : staged {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    init_one(lane, smem.full, 1);
    if (lane.rank() == 5) {
      lines.before = __LINE__, arrive_and_expect(lane, smem.full, Wrong ? 128 : 256);
      lines.now = __LINE__, copy_bulk(lane, smem.stage.at(0), p.in, 256, smem.full);
    }
    wait(lane, smem.full, 0);
    lane.store(p.out + lane.rank(), lane.load(smem.stage.at(lane.rank())));
  }
};
TEST(barrier_rules, no_more_bytes_come_than_were_expected) {
  expect_fault<expects_too_few>(fault_kind::barrier_misuse, "128 bytes more than the phase of the mbarrier expects");
}

// --- counts that an mbarrier holds: 1 to 2^20 - 1 arrivals, at most 2^20 - 1 bytes

template <int Arrivals>
struct counts_arrivals : staged {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    if (lane.rank() == 7) lines.now = __LINE__, init(lane, smem.full, Arrivals);
  }
};
template <bool Wrong>
using no_arrivals = counts_arrivals<Wrong ? 0 : 1>;
template <bool Wrong>
using below_no_arrivals = counts_arrivals<Wrong ? -1 : 64>;
template <bool Wrong>
using too_many_arrivals = counts_arrivals<(1 << 20) - (Wrong ? 0 : 1)>;
TEST(barrier_rules, an_mbarrier_counts_1_to_1048575_arrivals) {
  expect_fault<no_arrivals>(fault_kind::barrier_misuse, "1 to 1048575 arrivals a phase; this one would count 0");
  expect_fault<below_no_arrivals>(fault_kind::barrier_misuse, "this one would count -1");
  expect_fault<too_many_arrivals>(fault_kind::barrier_misuse, "this one would count 1048576");
  EXPECT_EQ(report_of<no_arrivals<true>>(0).faults.at(0).now.lane, 7);
}

template <int Bytes, int Times>
struct counts_bytes : staged {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    init_one(lane, smem.full, 64);
    if (lane.rank() == 9)
      for (int i = 0; i < Times; ++i) lines.now = __LINE__, arrive_and_expect(lane, smem.full, Bytes);
  }
};
template <bool Wrong>
using too_many_bytes = counts_bytes<(1 << 20) - (Wrong ? 0 : 1), 1>;
template <bool Wrong>
using negative_bytes = counts_bytes<Wrong ? -16 : 16, 1>;
template <bool Wrong>
using too_many_together = counts_bytes<1 << 19, Wrong ? 2 : 1>;
TEST(barrier_rules, an_mbarrier_counts_0_to_1048575_bytes) {
  expect_fault<too_many_bytes>(fault_kind::barrier_misuse, "at most 1048575 bytes; this one would count 1048576");
  expect_fault<too_many_together>(fault_kind::barrier_misuse, "at most 1048575 bytes; this one would count 1048576");
  expect_fault<negative_bytes>(fault_kind::barrier_misuse, "-16 bytes");
  EXPECT_EQ(report_of<too_many_bytes<true>>(0).faults.at(0).now.lane, 9);
}

// --- instructions of a whole warp from two sides of a branch (.aligned)

struct sixteens : planted_base {
  struct shared {
    shared_array<half, 256> x;
  };
  template <class Lane>
  TILERY_SIMT static void fill(Lane lane, shared& smem) {
    for (int i = 0; i < 4; ++i) lane.store(smem.x.at(lane.rank() * 4 + i), half(1));
    lane.sync_block();
  }
};
template <bool Wrong>
struct loads_matrices_apart : sixteens {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    fill(lane, smem);
    std::uint32_t to[4];
    if (!Wrong || lane.rank() % 32 < 16)
      lines.before = __LINE__, load_matrices(lane, to, smem.x.at(lane.warp_rank() * 8));
    else
      lines.now = __LINE__, load_matrices(lane, to, smem.x.at(lane.warp_rank() * 8));
  }
};
template <bool Wrong>
struct stores_matrices_apart : sixteens {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    if (lane.warp() == 1) return;
    std::uint32_t from[4] = {};
    if (!Wrong || lane.rank() < 16)
      lines.before = __LINE__, store_matrices(lane, smem.x.at(lane.warp_rank() * 8), from);
    else
      lines.now = __LINE__, store_matrices(lane, smem.x.at(lane.warp_rank() * 8), from);
  }
};
template <bool Wrong>
struct multiplies_apart : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared&) {
    using of = mma_fragments<half, half>;
    of::a_type a[1] = {};
    of::b_type b[1] = {};
    of::c_type sums[1][1] = {};
    if (!Wrong || lane.rank() % 2 == 0)
      lines.before = __LINE__, mma_sync<half>(lane, sums, a, b);
    else
      lines.now = __LINE__, mma_sync<half>(lane, sums, a, b);
  }
};
TEST(barrier_rules, all_lanes_of_a_warp_execute_one_instruction) {
  const std::string why = "all lanes of a warp must reach it at the same source line";
  expect_both_lines<loads_matrices_apart>(fault_kind::collective);
  expect_both_lines<stores_matrices_apart>(fault_kind::collective);
  expect_both_lines<multiplies_apart>(fault_kind::collective);
  for (const launch_report& r : {report_of<loads_matrices_apart<true>>(0), report_of<stores_matrices_apart<true>>(0),
                                 report_of<multiplies_apart<true>>(0)})
    EXPECT_NE(text_of(r).find(why), std::string::npos) << text_of(r);
  const launch_report apart = report_of<loads_matrices_apart<true>>(0);
  EXPECT_EQ(apart.faults.at(0).now.lane, 16);
  EXPECT_EQ(apart.faults.at(0).before.lane, 0);
}

/// The lines at which the four groups of 8 lanes of a warp call. Group 0 calls after group 1, and group 3 after group
/// 0.
inline int line_of_group[4];
template <class Lane>
TILERY_SIMT void wait_for_other_groups(Lane lane, const planted_params& p) {
  const auto is_set = [](int v) { return v == 1; };
  if (lane.rank() / 8 == 0) lane.wait_until(p.flags, is_set);
  if (lane.rank() / 8 == 3) lane.wait_until(p.flags + 1, is_set);
  if (lane.rank() == 16) lane.atomic_store(p.flags, 1);
  if (lane.rank() == 7) lane.atomic_store(p.flags + 1, 1);
}
/// Group 3 calls another collective than the others.
struct shuffles_apart : planted_base {
  static constexpr int threads = 32;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    wait_for_other_groups(lane, p);
    switch (lane.rank() / 8) {
      case 0: line_of_group[0] = __LINE__, lane.shuffle_xor(1, 1); break;
      case 1: line_of_group[1] = __LINE__, lane.shuffle_xor(1, 1); break;
      case 2: line_of_group[2] = __LINE__, lane.shuffle_xor(1, 1); break;
      default: line_of_group[3] = __LINE__, lane.sync_warp();
    }
  }
};
struct clusters_apart : planted_base {
  static constexpr int threads = 32;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    wait_for_other_groups(lane, p);
    switch (lane.rank() / 8) {
      case 0: line_of_group[0] = __LINE__, lane.sync_cluster(); break;
      case 1: line_of_group[1] = __LINE__, lane.sync_cluster(); break;
      case 2: line_of_group[2] = __LINE__, lane.sync_cluster(); break;
      default: line_of_group[3] = __LINE__, lane.sync_cluster();
    }
  }
};
TEST(barrier_rules, reports_name_the_lane_that_arrived_first) {
  const auto lines_are_right = [](const launch_report& r) {
    EXPECT_FALSE(r.faults.empty());
    for (const fault& f : r.faults) {
      EXPECT_EQ(f.now.site.line.line, line_of_group[f.now.lane / 8]) << f.text();
      EXPECT_EQ(f.before.site.line.line, line_of_group[f.before.lane / 8]) << f.text();
    }
  };
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    lines_are_right(report_of<shuffles_apart>(seed));
    lines_are_right(report_of<clusters_apart>(seed));
  }
}

template <bool Wrong>
struct named_apart : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared&) {
    if (!Wrong || lane.rank() % 32 < 8)
      lines.before = __LINE__, sync_named(lane, 1, 64);
    else
      lines.now = __LINE__, sync_named(lane, 1, 64);
  }
};
/// Warps may come from different lines: one waits, one only arrives.
template <bool Wrong>
struct arrives_apart : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared&) {
    if (Wrong ? lane.rank() % 32 == 3 : lane.warp() == 0)
      lines.before = __LINE__, arrive_named(lane, 2, 64);
    else
      lines.now = __LINE__, sync_named(lane, 2, 64);
  }
};
TEST(barrier_rules, all_lanes_of_a_warp_come_to_one_named_barrier) {
  expect_both_lines<named_apart>(fault_kind::collective);
  expect_both_lines<arrives_apart>(fault_kind::collective);
  EXPECT_NE(text_of(report_of<named_apart<true>>(0)).find("all lanes of a warp must reach it at the same source line"),
            std::string::npos);
}

}  // namespace
