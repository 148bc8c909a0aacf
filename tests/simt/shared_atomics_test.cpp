// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Atomics on shared memory under the virtual GPU's checks: what they race with, what they order, what they cost.
#include "tests/planted.hpp"

namespace {

using namespace tilery;
using namespace tilery_tests;

struct counts : planted_base {
  struct shared {
    shared_array<int, 8> n;
    shared_array<float, 64> x;
  };
  template <class Lane>
  TILERY_SIMT static void clear(Lane lane, shared& smem) {
    if (lane.rank() < 8) lane.store(smem.n.at(lane.rank()), 0);
    lane.sync_block();
  }
};

template <bool Wrong>
struct reads_a_counter_plainly : counts {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    clear(lane, smem);
    lines.before = __LINE__, lane.atomic_add(smem.n.at(0), 1);
    if (!Wrong) lane.sync_block();
    if (lane.rank() == 40) lines.now = __LINE__, lane.load(smem.n.at(0));
  }
};
template <bool Wrong>
struct stores_a_counter_plainly : counts {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    clear(lane, smem);
    lines.before = __LINE__, lane.atomic_max(smem.n.at(3), lane.rank());
    if (!Wrong) lane.sync_block();
    if (lane.rank() == 7) lines.now = __LINE__, lane.store(smem.n.at(3), 1);
  }
};
TEST(shared_atomics, race_with_plain_accesses) {
  expect_both_lines<reads_a_counter_plainly>(fault_kind::race);
  expect_both_lines<stores_a_counter_plainly>(fault_kind::race);
  const std::string text = text_of(report_of<stores_a_counter_plainly<true>>(0));
  EXPECT_NE(text.find("of 4 bytes at byte 12 of shared memory"), std::string::npos) << text;
  EXPECT_NE(text.find("a barrier of the block between them is missing"), std::string::npos) << text;
}

template <bool Wrong>
struct counts_in_two_widths : counts {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    clear(lane, smem);
    using wide = unsigned long long;
    const smem_ptr<wide> both(reinterpret_cast<wide*>(smem.n.at(2).raw()));
    if (lane.rank() == 5) lines.before = __LINE__, lane.atomic_add(smem.n.at(Wrong ? 3 : 4), 1);
    if (lane.rank() == 50) lines.now = __LINE__, lane.atomic_exchange(both, wide{1});
  }
};
TEST(shared_atomics, are_of_one_width) {
  expect_both_lines<counts_in_two_widths>(fault_kind::race);
  const std::string text = text_of(report_of<counts_in_two_widths<true>>(0));
  EXPECT_NE(text.find("atomics of different widths are not atomic to each other"), std::string::npos) << text;
}

template <bool Wrong>
struct counts_from_nothing : counts {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    if (!Wrong && lane.rank() == 0) lane.atomic_store(smem.n.at(1), 0);
    lane.sync_block();
    lines.now = __LINE__, lane.atomic_add(smem.n.at(1), 1);
    lane.sync_block();
    lane.load(smem.n.at(Wrong ? 1 : 1));
  }
};
/// A first exchange needs no value before it; whoever comes behind it reads what it has left.
template <bool Wrong>
struct exchanges_first : counts {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    lines.before = __LINE__, lane.atomic_exchange(smem.n.at(1), lane.rank());
    if (!Wrong) lane.sync_block();
    if (lane.rank() == 33) lines.now = __LINE__, lane.load(smem.n.at(1));
  }
};
TEST(shared_atomics, read_what_somebody_has_written) {
  for (const std::uint64_t seed : {0, 1, 2}) {
    const launch_report wrong = report_of<counts_from_nothing<true>>(seed);
    ASSERT_FALSE(wrong.faults.empty());
    EXPECT_EQ(wrong.faults[0].kind, fault_kind::uninitialised);
    EXPECT_EQ(wrong.faults[0].now.site.line.line, lines.now);
    EXPECT_EQ(wrong.faults[0].offset, 4);
    EXPECT_EQ(text_of(report_of<counts_from_nothing<false>>(seed)), "");
    EXPECT_EQ(text_of(report_of<exchanges_first<false>>(seed)), "");
    int races = 0;
    for (const fault& f : report_of<exchanges_first<true>>(seed).faults) races += f.kind == fault_kind::race;
    EXPECT_GT(races, 0);
  }
}

/// A flag in shared memory hands values from one warp to the other.
template <bool Wrong>
struct hands_over : counts {
  static constexpr int blocks = 3;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    clear(lane, smem);
    if (lane.rank() == 3) {
      lines.before = __LINE__, lane.store(smem.x.at(1), 5.0f);
      lane.atomic_exchange(smem.n.at(0), 1, Wrong ? order::relaxed : order::release);
    }
    if (lane.rank() == 35) {
      while (lane.atomic_load(smem.n.at(0), order::acquire) == 0) {
      }
      const float x = (lines.now = __LINE__, lane.load(smem.x.at(1)));
      lane.store(p.out + lane.block().x, x);
    }
  }
};
TEST(shared_atomics, order_by_release_and_acquire) { expect_fault<hands_over>(fault_kind::race); }

/// Block 1 must not know by the flag of block 0, which lay at the same place, what its own lanes have done.
struct flag_of_another_block : counts {
  static constexpr int blocks = 2;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    clear(lane, smem);
    if (lane.rank() == 3) lines.before = __LINE__, lane.store(smem.x.at(1), 5.0f);
    if (lane.rank() == 3 && lane.block().x == 0) lane.atomic_store(smem.n.at(0), 1, order::release);
    if (lane.rank() == 35) {
      lane.atomic_add(smem.n.at(0), 0, order::acquire);
      if (lane.block().x == 1) lines.now = __LINE__, lane.load(smem.x.at(1));
    }
  }
};
TEST(shared_atomics, flags_end_with_their_block) {
  const launch_report wrong = report_of<flag_of_another_block>(0);
  ASSERT_EQ(wrong.faults.size(), 1u) << text_of(wrong);
  EXPECT_EQ(wrong.faults[0].kind, fault_kind::race);
  EXPECT_EQ(wrong.faults[0].now.block.x, 1);
}

/// A lock: who holds it alone changes a plain value.
template <bool Wrong>
struct locks : counts {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    clear(lane, smem);
    if (lane.rank() == 0) lane.store(smem.x.at(0), 0.0f);
    lane.sync_block();
    while (lane.atomic_compare_exchange(smem.n.at(5), 0, 1, Wrong ? order::relaxed : order::acquire) != 0) {
    }
    const float before = (lines.now = __LINE__, lane.load(smem.x.at(0)));
    lines.before = __LINE__, lane.store(smem.x.at(0), before + 1);
    lane.atomic_exchange(smem.n.at(5), 0, order::release);
    lane.sync_block();
    if (lane.rank() == 0) lane.store(p.out, lane.load(smem.x.at(0)));
  }
};
TEST(shared_atomics, a_lock_by_compare_and_swap) {
  for (const std::uint64_t seed : {0, 1, 2, 3}) {
    EXPECT_FALSE(report_of<locks<true>>(seed).faults.empty()) << seed;
    EXPECT_EQ(text_of(report_of<locks<false>>(seed)), "") << seed;
    std::vector<float> out(256);
    launch<locks<false>>(virtual_gpu(arch::sm_90, {.seed = seed}), {1},
                         planted_params{gmem_ptr<const float>(out.data()), gmem_ptr<float>(out.data()), {}});
    EXPECT_EQ(out[0], 64.0f) << seed;
  }
}

template <bool Wrong>
struct out_of_bounds : counts {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    if (lane.rank() == 0) lane.atomic_store(smem.n.at(7), 0);
    lane.sync_block();
    lines.now = __LINE__, lane.atomic_add(smem.n.at(Wrong && lane.rank() == 9 ? 72 : 7), 1);
  }
};
TEST(shared_atomics, are_in_bounds) {
  expect_fault<out_of_bounds>(fault_kind::out_of_bounds, "of 4 bytes at byte 288 of shared memory. lane 9 of");
}

// --- what they cost

struct profiled : counts {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    clear(lane, smem);
    lane.store(smem.x.at(lane.rank()), 0.0f);
    lane.sync_block();
    lines.now = __LINE__, lane.atomic_add(smem.x.at(lane.rank()), 1.0f);
    lines.before = __LINE__, lane.atomic_add(smem.n.at(lane.rank() % 8), 1);
  }
};
TEST(shared_atomics, lanes_of_one_bank_go_one_after_another) {
  const launch_report report = report_of<profiled>(0);
  EXPECT_EQ(text_of(report), "");
  int rows = 0;
  for (const site_profile& s : report.profiles.at(0).sites) {
    if (s.kind != site_kind::shared_atomic) continue;
    ++rows;
    EXPECT_EQ(s.requests, 2);
    EXPECT_EQ(s.bytes, 256);
    EXPECT_EQ(s.sectors, 0);
    EXPECT_EQ(s.fewest_wavefronts, 2);
    EXPECT_EQ(s.wavefronts, s.site.line.line == lines.now ? 2 : 8) << s.site.text();
  }
  EXPECT_EQ(rows, 2);
}

}  // namespace
