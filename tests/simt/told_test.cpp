// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How faults are told: the remedy that helps, what has one cause together, and what to mend first on top.
#include "tests/planted.hpp"

namespace {

using namespace tilery;
using namespace tilery_tests;

std::string thrown_by(const auto& run) {
  try {
    run();
  } catch (const fault_error& e) {
    return e.what();
  }
  return "";
}
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// --- the remedy that helps

/// A lane reads what its neighbours wrote: most of them are of its warp, some are not.
template <bool Wrong>
struct neighbours_without_a_barrier : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    lane.store(smem.x.at(lane.rank()), 0.0f);
    lane.sync_block();
    lines.before = __LINE__, lane.store(smem.x.at(lane.rank()), lane.load(p.in + lane.rank()));
    if (!Wrong) lane.sync_block();
    lines.now = __LINE__, lane.store(p.out + lane.rank(), lane.load(smem.x.at((lane.rank() + 1) % 64)));
  }
};
TEST(told, the_strongest_barrier_that_a_line_needs) {
  for (const std::uint64_t seed : {0, 1, 2, 3, 4}) {
    const launch_report wrong = report_of<neighbours_without_a_barrier<true>>(seed);
    ASSERT_FALSE(wrong.faults.empty());
    for (const fault& f : wrong.faults) {
      EXPECT_TRUE(has(f.text(), "a barrier of the block between them is missing")) << f.text();
      EXPECT_FALSE(has(f.text(), "sync_warp")) << f.text();
    }
    const fault& first = wrong.faults[0];
    EXPECT_NE(first.now.lane / 32, first.before.lane / 32) << "lanes of which the remedy is true: " << first.text();
    EXPECT_EQ(text_of(report_of<neighbours_without_a_barrier<false>>(seed)), "");
  }
}

/// Two lines read what a third one wrote; one of them would do with a sync_warp.
template <bool Wrong>
struct two_reads_of_one_write : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    lane.store(smem.x.at(lane.rank()), 0.0f);
    lane.sync_block();
    lane.store(smem.x.at(lane.rank()), lane.load(p.in + lane.rank()));
    if (!Wrong) lane.sync_block();
    const float in_warp = lane.load(smem.x.at(lane.rank() ^ 1));
    const float across = lane.load(smem.x.at(63 - lane.rank()));
    if (lane.rank() > 0) lane.store(p.out + lane.rank(), in_warp + across);
    lane.sync_block();
    if (Wrong && lane.rank() == 0) lane.store(p.out + 256, 0.0f);
    if (Wrong && lane.rank() == 1) lane.load(smem.x.at(100));
  }
};
TEST(told, one_missing_barrier_is_one_cause_and_bounds_come_first) {
  const launch_report wrong = report_of<two_reads_of_one_write<true>>(0);
  ASSERT_GE(wrong.faults.size(), 4u) << text_of(wrong);
  EXPECT_EQ(wrong.faults.front().kind, fault_kind::out_of_bounds) << text_of(wrong);
  EXPECT_EQ(wrong.faults.back().kind, fault_kind::uninitialised) << text_of(wrong);
  EXPECT_EQ(wrong.faults.back().cause, 0) << "another line";
  int races = 0;
  for (const fault& f : wrong.faults) {
    if (f.kind != fault_kind::race) continue;
    ++races;
    EXPECT_EQ(f.cause, 1) << f.text();
    EXPECT_TRUE(has(f.text(), "a barrier of the block between them is missing")) << f.text();
  }
  EXPECT_GE(races, 2);
  EXPECT_EQ(text_of(report_of<two_reads_of_one_write<false>>(0)), "");
  const std::string text = fault_error(wrong.faults, {}).what();
  EXPECT_TRUE(has(text, "\n  of the same cause: planted: race of ")) << text;
}

/// Readers may come before the writers: one cause, too.
template <bool Wrong>
struct reads_too_early : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    if (lane.warp() == 1) lane.store(smem.x.at(lane.warp_rank()), 1.0f);
    if (!Wrong) lane.sync_block();
    if (lane.warp() == 0) lane.store(p.out + lane.rank(), lane.load(smem.x.at(lane.rank())));
  }
};
TEST(told, a_read_that_comes_before_its_write) {
  const launch_report wrong = report_of<reads_too_early<true>>(0);
  ASSERT_EQ(wrong.faults.size(), 2u) << text_of(wrong);
  EXPECT_EQ(wrong.faults[0].kind, fault_kind::race);
  EXPECT_EQ(wrong.faults[1].kind, fault_kind::uninitialised);
  EXPECT_EQ(wrong.faults[0].cause, 1);
  EXPECT_EQ(wrong.faults[1].cause, 1);
  EXPECT_TRUE(has(wrong.faults[1].text(),
                  "no lane of this block has written these bytes; the missing barrier may be the cause"));
  EXPECT_EQ(text_of(report_of<reads_too_early<false>>(0)), "");
}

/// Two barriers are missing: two causes.
struct two_barriers_are_missing : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    lane.store(smem.x.at(lane.rank()), 0.0f);
    lane.store(smem.x.at(64 + lane.rank()), 0.0f);
    lane.sync_block();
    lane.store(smem.x.at(lane.rank()), 1.0f);
    const float x = lane.load(smem.x.at(63 - lane.rank()));
    lane.store(smem.x.at(64 + lane.rank()), x);
    lane.store(p.out + lane.rank(), lane.load(smem.x.at(127 - lane.rank())));
  }
};
TEST(told, two_missing_barriers_are_two) {
  const launch_report wrong = report_of<two_barriers_are_missing>(0);
  ASSERT_GE(wrong.faults.size(), 2u) << text_of(wrong);
  std::vector<int> lines_of_stores;
  for (const fault& f : wrong.faults)
    for (const fault& g : wrong.faults)
      if (f.cause != 0 && f.cause == g.cause) {
        EXPECT_EQ(std::min(f.now.site.line.line, f.before.site.line.line),
                  std::min(g.now.site.line.line, g.before.site.line.line))
            << f.text() << "\n"
            << g.text();
      }
}

// --- a later round of a loop

template <bool Wrong>
struct refilled_in_the_next_round : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    float sum = 0;
    for (int k = 0; k < 3; ++k) {
      lane.store(smem.x.at(lane.rank()), lane.load(p.in + (k * 64 + lane.rank())));
      lines.before = __LINE__, lane.sync_block();
      sum += lane.load(smem.x.at(63 - lane.rank()));
      if (!Wrong) lane.sync_block();
    }
    lane.store(p.out + lane.rank(), sum);
  }
};
template <bool Wrong>
struct of_a_warp_in_the_next_round : planted_base {
  static constexpr int threads = 32;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    for (int k = 0; k < 3; ++k) {
      lane.store(smem.x.at(lane.rank()), 1.0f);
      lines.before = __LINE__, lane.sync_warp();
      lane.load(smem.x.at(31 - lane.rank()));
      if (!Wrong) lane.sync_warp();
    }
  }
};
TEST(told, a_barrier_is_missing_at_the_end_of_the_loop) {
  for (const std::uint64_t seed : {0, 1, 2, 3, 4}) {
    const std::string text = text_of(report_of<refilled_in_the_next_round<true>>(seed));
    const std::string barrier = "told_test.cpp:" + std::to_string(lines.before);
    EXPECT_TRUE(has(text, "the store belongs to a later iteration of the loop, after the barrier at " + barrier +
                              ": a barrier of the block at the end of the loop's body is missing, too"))
        << text;
    EXPECT_FALSE(has(text, "between them is missing")) << text;
    EXPECT_EQ(text_of(report_of<refilled_in_the_next_round<false>>(seed)), "");
    const std::string of_warp = text_of(report_of<of_a_warp_in_the_next_round<true>>(seed));
    EXPECT_TRUE(has(of_warp, "a sync_warp at the end of the loop's body is missing, too")) << of_warp;
    EXPECT_EQ(text_of(report_of<of_a_warp_in_the_next_round<false>>(seed)), "");
  }
}
/// The same in one round: nothing is said of another one, though a line of the two stands above the barrier.
struct stores_by_a_lambda : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    const auto put = [&](float value) { lane.store(smem.x.at(lane.rank()), value); };
    lane.store(smem.x.at(64 + lane.rank()), 0.0f);
    lane.sync_block();
    put(1.0f);
    lane.store(p.out + lane.rank(), lane.load(smem.x.at(63 - lane.rank())));
  }
};
TEST(told, a_barrier_is_missing_between_two_lines_of_one_round) {
  const std::string text = text_of(report_of<neighbours_without_a_barrier<true>>(0));
  EXPECT_FALSE(has(text, "later iteration")) << text;
  const std::string by_lambda = text_of(report_of<stores_by_a_lambda>(0));
  EXPECT_TRUE(has(by_lambda, "a barrier of the block between them is missing")) << by_lambda;
}

// --- lanes that all store one element

template <bool Wrong>
struct all_store_one : planted_base {
  static constexpr int blocks = 2;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    if (!Wrong && (lane.rank() != 0 || lane.block().x != 0)) return;
    lines.now = lines.before = __LINE__, lane.store(p.out, 1.0f);
  }
};
TEST(told, lanes_that_store_one_element) {
  expect_fault<all_store_one>(fault_kind::race,
                              "several lanes store to the same address by this line: only one of them may store, "
                              "unless all store by an atomic");
  EXPECT_FALSE(has(text_of(report_of<all_store_one<true>>(0)), "barrier"));
}

// --- lanes that go around a meeting

template <bool Wrong>
struct goes_around_a_shuffle : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    if (!Wrong || lane.warp_rank() < 20) lines.now = __LINE__, lane.shuffle_xor(1, 1);
    lane.store(p.out + lane.rank(), 1.0f);
  }
};
TEST(told, lanes_that_go_around_a_shuffle_have_not_left_before) {
  expect_fault<goes_around_a_shuffle>(fault_kind::barrier_misuse,
                                      "12 lanes of the warp have ended without reaching it, by an early return or a "
                                      "branch that skips it; all lanes must reach it");
}

// --- a kernel without an edge guard

struct no_edge_guard : planted_base {
  struct params {
    gmem_ptr<const float> x;
    gmem_ptr<float> y;
  };
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared& smem) {
    const int i = lane.block().x * threads + lane.rank();
    lane.store(smem.x.at(lane.rank()), lane.load(p.x + i));
    const float other = lane.load(smem.x.at(63 - lane.rank()));
    lines.now = __LINE__, lane.store(p.y + i, other);
  }
};
TEST(told, an_edge_guard_before_races) {
  const std::string text = thrown_by([] {
    std::vector<float> x(100), y(100);
    launch<no_edge_guard>(virtual_gpu(), {2},
                          no_edge_guard::params{gmem_ptr<const float>(x.data()), gmem_ptr<float>(y.data())},
                          {reads("x", vector(x.data(), 100)), writes("y", vector(y.data(), 100))});
  });
  EXPECT_EQ(text.find("planted: out of bounds"), 0u) << text;
  EXPECT_LT(text.rfind("out of bounds"), text.find(": race")) << text;
}

// --- the names of what is in shared memory

/// One lane reads elements that nobody has written.
struct names_its_members : planted_base {
  struct shared {
    shared_array<float, 16> head;
    shared_array<double, 64> row;
    shared_array<float, 4> nameless;
    std::int64_t barrier;
    void members(auto name) { name("head", head), name("row", row), name("barrier", barrier); }
  };
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    if (lane.rank() != 0) return;
    lane.store(p.out, lane.load(smem.head.at(3)));
    lane.store(p.out + 1, static_cast<float>(lane.load(smem.row.at(63))));
    lane.store(p.out + 2, lane.load(smem.nameless.at(1)));
    lane.store(p.out + 3, lane.load(smem.head.at(15) + 2));
    lane.store(p.out + 4, static_cast<float>(lane.load(smem_ptr<std::int64_t>(&smem.barrier))));
  }
};
TEST(told, elements_of_shared_memory_by_the_names_that_a_kernel_gives) {
  const std::string text = text_of(report_of<names_its_members>(0));
  EXPECT_TRUE(has(text, "of 4 bytes at head[3], byte 12 of shared memory.")) << text;
  EXPECT_TRUE(has(text, "of 8 bytes at row[63], byte 568 of shared memory.")) << text;
  EXPECT_TRUE(has(text, "of 4 bytes at byte 580 of shared memory.")) << "without a name: " << text;
  EXPECT_TRUE(has(text, "of 4 bytes at row[0] + 4 bytes, byte 68 of shared memory.")) << text;
  EXPECT_TRUE(has(text, "of 8 bytes at barrier, byte 592 of shared memory.")) << text;
}

}  // namespace
