// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Races that the virtual GPU must report, each with a twin that is right.
#include "tests/planted.hpp"

namespace {

using namespace tilery;
using namespace tilery_tests;

// --- between the warps of a block, in shared memory

template <bool Wrong>
struct no_barrier_before_reading : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    lines.before = __LINE__, lane.store(smem.x.at(lane.rank()), lane.load(p.in + lane.rank()));
    if (!Wrong) lane.sync_block();
    const float other = (lines.now = __LINE__, lane.load(smem.x.at(63 - lane.rank())));
    lane.store(p.out + lane.rank(), other);
  }
};
/// Under some schedules the reader comes first: then the bytes are not even written.
TEST(races, a_read_of_another_warps_write_without_a_barrier) {
  for (const std::uint64_t seed : {0, 1, 2, 3, 4}) {
    const launch_report wrong = report_of<no_barrier_before_reading<true>>(seed);
    int races = 0;
    for (const fault& f : wrong.faults)
      races += f.kind == fault_kind::race && std::min(f.now.site.line.line, f.before.site.line.line) == lines.before &&
               std::max(f.now.site.line.line, f.before.site.line.line) == lines.now;
    EXPECT_GT(races, 0) << seed << "\n" << text_of(wrong);
    EXPECT_EQ(text_of(report_of<no_barrier_before_reading<false>>(seed)), "");
  }
}

template <bool Wrong>
struct no_barrier_before_refilling : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    float sum = 0;
    for (int k = 0; k < 3; ++k) {
      lines.now = __LINE__, lane.store(smem.x.at(lane.rank()), lane.load(p.in + (k * 64 + lane.rank())));
      lane.sync_block();
      sum += (lines.before = __LINE__, lane.load(smem.x.at(63 - lane.rank())));
      if (!Wrong) lane.sync_block();
    }
    lane.store(p.out + lane.rank(), sum);
  }
};
TEST(races, a_tile_that_is_refilled_while_others_read_it) {
  for (const std::uint64_t seed : {0, 1, 2, 3, 4}) {
    const launch_report wrong = report_of<no_barrier_before_refilling<true>>(seed);
    ASSERT_FALSE(wrong.faults.empty());
    for (const fault& f : wrong.faults) {
      EXPECT_EQ(f.kind, fault_kind::race);
      EXPECT_EQ(std::min(f.now.site.line.line, f.before.site.line.line), lines.now) << f.text();
      EXPECT_EQ(std::max(f.now.site.line.line, f.before.site.line.line), lines.before) << f.text();
    }
    EXPECT_EQ(text_of(report_of<no_barrier_before_refilling<false>>(seed)), "");
  }
}

template <bool Wrong>
struct two_warps_one_slot : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    const int slot = Wrong ? lane.warp_rank() : lane.rank();
    lines.now = lines.before = __LINE__, lane.store(smem.x.at(slot), 1.0f);
  }
};
TEST(races, two_warps_that_write_one_slot) {
  expect_fault<two_warps_one_slot>(fault_kind::race, "only one of them may store, unless all store by an atomic");
}

template <bool Wrong>
struct halves_of_a_word : planted_base {
  struct shared {
    shared_array<half, 64> x;
  };
  /// Neighbours write the two halves of a word: no race, unless they write the same half.
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    const int slot = Wrong && lane.rank() == 1 ? 0 : lane.rank();
    lines.before = lines.now = __LINE__, lane.store(smem.x.at(slot), half(1));
  }
};

// --- inside a warp

template <bool Wrong>
struct no_sync_warp : planted_base {
  static constexpr int threads = 32;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    lane.store(smem.x.at(lane.rank()), 0.0f);
    lane.sync_warp();
    lines.before = __LINE__, lane.store(smem.x.at(lane.rank()), lane.load(p.in + lane.rank()));
    if (!Wrong) lane.sync_warp();
    const float next = (lines.now = __LINE__, lane.load(smem.x.at((lane.rank() + 1) % 32)));
    lane.store(p.out + lane.rank(), next);
  }
};
template <bool Wrong>
struct shuffle_is_no_barrier : planted_base {
  static constexpr int threads = 32;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    lines.before = __LINE__, lane.store(smem.x.at(lane.rank()), lane.load(p.in + lane.rank()));
    lane.shuffle_xor(1, 1);
    if (!Wrong) lane.sync_warp();
    const float next = (lines.now = __LINE__, lane.load(smem.x.at(31 - lane.rank())));
    lane.store(p.out + lane.rank(), next);
  }
};
template <bool Wrong>
struct leader_writes_again : planted_base {
  static constexpr int threads = 32;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    float sum = 0;
    for (int i = 0; i < 2; ++i) {
      if (lane.rank() == 0) lines.now = __LINE__, lane.store(smem.x.at(0), static_cast<float>(i));
      lane.sync_warp();
      sum += (lines.before = __LINE__, lane.load(smem.x.at(0)));
      if (!Wrong) lane.sync_warp();
    }
    lane.store(p.out + lane.rank(), sum);
  }
};
/// The two lines may be met in either order.
template <template <bool> class Kernel>
void expect_race_in_any_order(const std::string& missing) {
  for (const std::uint64_t seed : {0, 1, 2, 3, 4}) {
    const launch_report wrong = report_of<Kernel<true>>(seed);
    ASSERT_FALSE(wrong.faults.empty());
    for (const fault& f : wrong.faults) {
      EXPECT_EQ(f.kind, fault_kind::race) << f.text();
      EXPECT_EQ(std::min(f.now.site.line.line, f.before.site.line.line), std::min(lines.now, lines.before)) << f.text();
      EXPECT_EQ(std::max(f.now.site.line.line, f.before.site.line.line), std::max(lines.now, lines.before)) << f.text();
      EXPECT_NE(f.text().find(missing), std::string::npos) << f.text();
    }
    EXPECT_EQ(text_of(report_of<Kernel<false>>(seed)), "");
  }
}
TEST(races, inside_a_warp_without_sync_warp) {
  expect_race_in_any_order<no_sync_warp>("a sync_warp between them is missing");
  expect_race_in_any_order<leader_writes_again>("a sync_warp at the end of the loop's body is missing");
}
TEST(races, a_shuffle_orders_no_memory) {
  const launch_report wrong = report_of<shuffle_is_no_barrier<true>>(0);
  ASSERT_FALSE(wrong.faults.empty());
  EXPECT_EQ(wrong.faults[0].kind, fault_kind::race);
  EXPECT_EQ(wrong.faults[0].now.site.line.line, lines.now);
  EXPECT_EQ(wrong.faults[0].before.site.line.line, lines.before);
  EXPECT_EQ(text_of(report_of<shuffle_is_no_barrier<false>>(0)), "");
}
TEST(races, bytes_are_told_apart) { expect_race_in_any_order<halves_of_a_word>("of 2 bytes"); }

// --- between blocks, in global memory

template <bool Wrong>
struct blocks_without_a_flag : planted_base {
  static constexpr int blocks = 2;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    lines.now = lines.before = __LINE__, lane.store(p.out + (lane.rank() + (Wrong ? 0 : 64 * lane.block().x)), 1.0f);
  }
};
TEST(races, blocks_that_write_one_element) {
  lines = {};
  const launch_report wrong = report_of<blocks_without_a_flag<true>>(0);
  ASSERT_EQ(wrong.faults.size(), 1u) << text_of(wrong);
  EXPECT_EQ(wrong.faults[0].kind, fault_kind::race);
  EXPECT_EQ(wrong.faults[0].memory, "out");
  EXPECT_EQ(wrong.faults[0].count, 64);
  EXPECT_NE(wrong.faults[0].text().find("only one of them may store, unless all store by an atomic"),
            std::string::npos);
  EXPECT_EQ(text_of(report_of<blocks_without_a_flag<false>>(0)), "");
}

/// Block 0 hands a value to block 1 through a flag. How the flag is set, and in which scope.
template <order Order, scope Scope, bool Fence>
struct hands_over : planted_base {
  static constexpr int blocks = 2;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    if (lane.block().x == 0) {
      lines.before = __LINE__, lane.store(p.out + lane.rank(), 2.0f);
      lane.sync_block();
      if (lane.rank() == 0) {
        if (Fence) lane.fence(order::acquire_release, scope::device);
        lane.atomic_exchange(p.flags, 1, Order, Scope);
      }
    } else {
      if (lane.rank() == 0) lane.wait_until(p.flags, [](int v) { return v == 1; });
      lane.sync_block();
      lines.now = __LINE__, lane.load(p.out + (63 - lane.rank()));
    }
  }
};
template <bool Wrong>
using relaxed_flag = hands_over<Wrong ? order::relaxed : order::release, scope::device, false>;
template <bool Wrong>
using flag_of_block_scope = hands_over<order::release, Wrong ? scope::block : scope::device, false>;
template <bool Wrong>
using relaxed_flag_without_a_fence = hands_over<order::relaxed, scope::device, !Wrong>;

TEST(races, a_flag_between_blocks_must_release) {
  expect_fault<relaxed_flag>(fault_kind::race, "nothing orders the two blocks");
  expect_fault<relaxed_flag_without_a_fence>(fault_kind::race, "nothing orders the two blocks");
}
TEST(races, a_flag_between_blocks_needs_device_scope) {
  for (const std::uint64_t seed : {0, 1, 2, 3, 4}) {
    EXPECT_NE(text_of(report_of<flag_of_block_scope<true>>(seed)), "");
    EXPECT_EQ(text_of(report_of<flag_of_block_scope<false>>(seed)), "");
  }
}

/// The last block to count adds up what all have left: the counter must both take and give.
template <bool Wrong>
struct last_block_sums : planted_base {
  static constexpr int blocks = 3;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    if (lane.rank() == 0) {
      lines.before = __LINE__, lane.store(p.out + lane.block().x, 1.0f);
      const int before = lane.atomic_add(p.flags, 1, Wrong ? order::release : order::acquire_release);
      lane.store(smem.x.at(0), static_cast<float>(before));
    }
    lane.sync_block();
    if (lane.load(smem.x.at(0)) == 2.0f && lane.rank() < 3) lines.now = __LINE__, lane.load(p.out + lane.rank());
  }
};
TEST(races, a_counter_that_does_not_acquire) { expect_fault<last_block_sums>(fault_kind::race); }

/// Atomics on one counter do not race, plain accesses to it do.
template <bool Wrong>
struct plain_read_of_a_counter : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    lines.before = __LINE__, lane.atomic_add(p.flags, 1);
    if (!Wrong) lane.sync_block();
    if (lane.rank() == 40) lines.now = __LINE__, lane.load(p.flags);
  }
};
TEST(races, a_plain_read_of_a_counter) { expect_race_in_any_order<plain_read_of_a_counter>(""); }

/// The lane that has added reads what it left: who comes later must still be ordered behind the addition.
template <bool Wrong>
struct reads_its_own_atomic : planted_base {
  static constexpr int blocks = 2;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    if (lane.block().x == 0 && lane.rank() == 0) {
      lines.before = __LINE__, lane.atomic_add(p.flags, 1);
      lane.load(p.flags);
      lane.atomic_store(p.flags + 1, 1, order::release);
    }
    if (lane.block().x == 1 && lane.rank() == 5) {
      if (!Wrong) lane.wait_until(p.flags + 1, [](int v) { return v == 1; });
      lines.now = __LINE__, lane.load(p.flags);
    }
  }
};
TEST(races, an_atomic_that_its_own_lane_has_read) { expect_both_lines<reads_its_own_atomic>(fault_kind::race); }

/// Atomics of two widths on one place: each sees half of the other.
template <bool Wrong>
struct counts_in_two_widths : planted_base {
  static constexpr int blocks = 2;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    using wide = unsigned long long;
    if (lane.block().x == 0)
      lines.before = __LINE__, lane.atomic_add(p.flags + (Wrong ? 3 : 4), 1);
    else
      lines.now = __LINE__, lane.atomic_add(gmem_ptr<wide>(reinterpret_cast<wide*>(p.flags.raw()) + 1), wide{1});
  }
};
TEST(races, atomics_of_two_widths) {
  expect_both_lines<counts_in_two_widths>(fault_kind::race);
  const launch_report wrong = report_of<counts_in_two_widths<true>>(0);
  ASSERT_EQ(wrong.faults.size(), 1u) << text_of(wrong);
  EXPECT_NE(text_of(wrong).find("atomics of different widths are not atomic to each other"), std::string::npos)
      << text_of(wrong);
  EXPECT_NE(text_of(wrong).find("of 4 bytes at byte 12 of flags"), std::string::npos) << text_of(wrong);
}

// --- schedules

struct sums_of_blocks : planted_base {
  static constexpr int blocks = 4;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    lane.store(smem.x.at(lane.rank()), lane.load(p.in + (lane.block().x * 64 + lane.rank())));
    lane.sync_block();
    for (int half = 32; half > 0; half /= 2) {
      if (lane.rank() < half)
        lane.store(smem.x.at(lane.rank()),
                   lane.load(smem.x.at(lane.rank())) + lane.load(smem.x.at(lane.rank() + half)));
      lane.sync_block();
    }
    if (lane.rank() == 0) lane.store(p.out + lane.block().x, lane.load(smem.x.at(0)));
  }
};
TEST(races, delays_change_no_result_of_a_right_kernel) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    std::vector<float> in(256), out(256);
    std::vector<int> flags(8);
    for (int i = 0; i < 256; ++i) in[static_cast<std::size_t>(i)] = static_cast<float>(i);
    launch<sums_of_blocks>(virtual_gpu(arch::sm_90, {.seed = seed}), {sums_of_blocks::blocks},
                           planted_params{gmem_ptr<const float>(in.data()), gmem_ptr<float>(out.data()),
                                          gmem_ptr<int>(flags.data())});
    EXPECT_EQ(out[0], 2016);
    EXPECT_EQ(out[3], 2016 + 64 * 192);
  }
}

}  // namespace
