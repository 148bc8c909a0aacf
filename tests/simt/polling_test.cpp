// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Lanes that poll: they repeat an atomic until another lane has changed what it finds. The others must come to run,
// wherever they are; where nobody can, the launch must end and say where each lane is.
#include "tests/planted.hpp"

namespace {

using namespace tilery;
using namespace tilery_tests;

constexpr order taking(bool wrong) { return wrong ? order::relaxed : order::acquire; }

/// Lane `Setter` of the last block writes and sets the flag; lane 0 of the first one polls, and reads.
template <int Threads, int Blocks, int Setter, bool Wrong>
struct hands_over : planted_base {
  static constexpr int threads = Threads, blocks = Blocks;
  static constexpr float result = 7;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    if (lane.rank() == 0 && lane.block().x == 0) {
      while (lane.atomic_load(p.flags, taking(Wrong)) == 0) {
      }
      lines.now = __LINE__, lane.store(p.out + 1, lane.load(p.out));
    }
    if (lane.rank() == Setter && lane.block().x == Blocks - 1) {
      lines.before = __LINE__, lane.store(p.out, 7.0f);
      lane.atomic_store(p.flags, 1, order::release);
    }
  }
};
template <bool Wrong>
using between_blocks = hands_over<32, 5, 3, Wrong>;
template <bool Wrong>
using between_warps = hands_over<96, 1, 70, Wrong>;
template <bool Wrong>
using between_lanes = hands_over<32, 1, 31, Wrong>;

/// Every lane of every block polls; the one that all wait for waits itself for another one.
template <bool Wrong>
struct everybody_polls : planted_base {
  static constexpr int blocks = 3;
  static constexpr float result = 7;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    const int me = lane.block().x * threads + lane.rank();
    if (me == blocks * threads - 1) {
      while (lane.atomic_load(p.flags, order::acquire) == 0) {
      }
      lines.before = __LINE__, lane.store(p.out, 7.0f);
      lane.atomic_store(p.flags + 1, 1, order::release);
      return;
    }
    if (me == 5) lane.atomic_store(p.flags, 1, order::release);
    while (lane.atomic_load(p.flags + 1, taking(Wrong)) == 0) {
    }
    lines.now = __LINE__, lane.store(p.out + (me + 1), lane.load(p.out));
  }
};

/// A lock that spins: every lane adds one. Who has it first keeps it until every block has begun.
template <bool Wrong>
struct spin_lock : planted_base {
  static constexpr int threads = 48, blocks = 3;
  static constexpr float result = threads * blocks;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    if (lane.rank() == 0) lane.atomic_add(p.flags + 1, 1);
    while (lane.atomic_exchange(p.flags, 1, taking(Wrong)) == 1) {
    }
    while (lane.atomic_load(p.flags + 1) < blocks) {
    }
    lane.store(p.out + 1, lane.load(p.out + 1) + 1.0f);
    lane.atomic_store(p.flags, 0, order::release);
  }
};

/// Polls many flags in turn, so that no atomic finds what the one before it found at the same place.
template <bool Wrong>
struct polls_flags_in_turn : planted_base {
  static constexpr int blocks = 2;
  static constexpr float result = 7;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    if (lane.rank() != 40) return;
    if (lane.block().x == 1) {
      lines.before = __LINE__, lane.store(p.out, 7.0f);
      for (int i = 0; i < 8; ++i) lane.atomic_store(p.flags + i, 1, order::release);
      return;
    }
    for (int all = 0; all < 8;) {
      all = 0;
      for (int i = 0; i < 8; ++i) all += lane.atomic_load(p.flags + i, taking(Wrong));
    }
    lines.now = __LINE__, lane.store(p.out + 1, lane.load(p.out));
  }
};

/// A whole warp polls and votes.
template <bool Wrong>
struct votes_on_a_flag : planted_base {
  static constexpr int blocks = 2;
  static constexpr float result = 7;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    if (lane.block().x == 0 && lane.warp() == 0) {
      while (lane.ballot(lane.atomic_load(p.flags, taking(Wrong)) == 1) != ~0u) {
      }
      lines.now = __LINE__, lane.store(p.out + (1 + lane.rank()), lane.load(p.out));
    }
    if (lane.block().x == 1 && lane.rank() == 9) {
      lines.before = __LINE__, lane.store(p.out, 7.0f);
      lane.atomic_store(p.flags, 1, order::release);
    }
  }
};

/// A read-modify-write that changes nothing polls as a load does. Block i waits for block i + 1.
template <bool Wrong>
struct adds_nothing : planted_base {
  static constexpr int blocks = 4;
  static constexpr float result = 4;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    if (lane.rank() != 63) return;
    const int mine = blocks - 1 - lane.block().x;
    while (lane.atomic_add(p.flags, 0, taking(Wrong)) != mine) {
    }
    lane.store(p.out + 1, lane.load(p.out + 1) + 1.0f);
    lane.atomic_add(p.flags, 1, order::release);
  }
};

/// Gives up after a while, and only then does what the other block polls for.
template <bool Wrong>
struct gives_up : planted_base {
  static constexpr int blocks = 2;
  static constexpr float result = 7;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    if (lane.rank() != 0) return;
    if (lane.block().x == 0) {
      for (int tries = 0; tries < 5000 && lane.atomic_load(p.flags + 1) == 0; ++tries) {
      }
      lines.before = __LINE__, lane.store(p.out, 7.0f);
      lane.atomic_store(p.flags, 1, order::release);
      return;
    }
    while (lane.atomic_load(p.flags, taking(Wrong)) == 0) {
    }
    lines.now = __LINE__, lane.store(p.out + 1, lane.load(p.out));
  }
};

/// A lock that nobody else wants, taken more often than a lane may poll in vain.
struct takes_a_free_lock : planted_base {
  static constexpr int blocks = 2;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    if (lane.rank() != 0) return;
    if (lane.block().x == 0) {
      for (int i = 0; i < 3 * virtual_machine::polling::patience; ++i) {
        while (lane.atomic_exchange(p.flags, 1, order::acquire) == 1) {
        }
        lane.atomic_store(p.flags, 0, order::release);
      }
      lane.store(p.out + 1, 7.0f);
      lane.atomic_store(p.flags + 1, 1, order::release);
    } else {
      while (lane.atomic_load(p.flags + 1) == 0) {
      }
    }
  }
};

/// What an unchecked launch leaves in out[1].
template <class Kernel>
float unchecked_result(int threads) {
  std::vector<float> in(256), out(256);
  std::vector<int> flags(8);
  launch<Kernel>(unchecked_virtual_gpu(arch::sm_90, {.threads = threads}), {Kernel::blocks},
                 planted_params{gmem_ptr<const float>(in.data()), gmem_ptr<float>(out.data()),
                                gmem_ptr<int>(flags.data())});
  return out[1];
}
template <template <bool> class Kernel>
void ends_and_is_checked() {
  expect_fault<Kernel>(fault_kind::race);
  for (const int threads : {1, 2, 4}) EXPECT_EQ(unchecked_result<Kernel<false>>(threads), Kernel<false>::result);
}
TEST(polling, between_blocks) { ends_and_is_checked<between_blocks>(); }
TEST(polling, between_warps) { ends_and_is_checked<between_warps>(); }
TEST(polling, between_lanes_of_a_warp) { ends_and_is_checked<between_lanes>(); }
TEST(polling, by_every_lane) { ends_and_is_checked<everybody_polls>(); }
TEST(polling, for_a_lock) { ends_and_is_checked<spin_lock>(); }
TEST(polling, of_flags_in_turn) { ends_and_is_checked<polls_flags_in_turn>(); }
TEST(polling, with_a_vote) { ends_and_is_checked<votes_on_a_flag>(); }
TEST(polling, by_adding_nothing) { ends_and_is_checked<adds_nothing>(); }
TEST(polling, of_others_while_a_lock_is_free) { EXPECT_EQ(unchecked_result<takes_a_free_lock>(1), 7.0f); }
TEST(polling, that_gives_up) { ends_and_is_checked<gives_up>(); }

// --- flags that nobody sets

/// Lane 3 of block 0 polls, lane 1 of block 1 polls by another verb, the others wait for them.
struct nobody_sets_it : planted_base {
  static constexpr int blocks = 2;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    if (lane.rank() == 3 && lane.block().x == 0)
      while (lane.atomic_load(p.flags, order::acquire) == 0) lines.now = __LINE__;
    if (lane.rank() == 1 && lane.block().x == 1)
      while (lane.atomic_exchange(p.flags, 0) == 0) lines.before = __LINE__;
    lane.sync_block();
  }
};
struct nobody_sets_one_of_many : planted_base {
  static constexpr int threads = 32;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    for (int i = 0; lane.atomic_load(p.flags + i % 8) == 0; ++i) lines.now = __LINE__;
  }
};
struct nobody_sets_it_while_they_count : planted_base {
  static constexpr int threads = 32;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    while (lane.atomic_load(p.flags) == 0) lane.atomic_add(p.flags + 1, 1), lines.now = __LINE__;
  }
};
struct nobody_lets_them_vote : planted_base {
  static constexpr int threads = 32;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    while (lane.ballot(lane.atomic_load(p.flags) == 1) == 0) lines.now = __LINE__;
  }
};

template <class Kernel>
std::string unchecked_report(int threads, int blocks, int resident_blocks = 64) {
  std::vector<int> flags(8);
  try {
    launch<Kernel>(unchecked_virtual_gpu(arch::sm_90, {.threads = threads, .resident_blocks = resident_blocks}),
                   {blocks}, planted_params{{}, {}, gmem_ptr<int>(flags.data())});
  } catch (const fault_error& stuck) {
    EXPECT_EQ(stuck.faults().at(0).kind, fault_kind::deadlock);
    return stuck.what();
  }
  return "";
}
bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
std::string line(int number) { return "polling_test.cpp:" + std::to_string(number); }

void names_each_lane(const std::string& report) {
  EXPECT_TRUE(holds(report, "is in a deadlock")) << report;
  EXPECT_TRUE(holds(report, "block (0, 0, 0), lanes 3 wait in an atomic that polls at ")) << report;
  EXPECT_TRUE(holds(report, line(lines.now))) << report;
  EXPECT_TRUE(holds(report, "block (1, 0, 0), lanes 1 wait in an atomic that polls at ")) << report;
  EXPECT_TRUE(holds(report, line(lines.before))) << report;
  EXPECT_TRUE(holds(report, "lanes 0-2, 4-63 wait in sync_block at ")) << report;
  EXPECT_TRUE(holds(report, "lanes 0, 2-63 wait in sync_block at ")) << report;
}
TEST(polling, for_nothing_is_a_deadlock) {
  for (const int threads : {1, 2, 3}) names_each_lane(unchecked_report<nobody_sets_it>(threads, 2));
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const launch_report report = report_of<nobody_sets_it>(seed);
    ASSERT_EQ(report.faults.size(), 1u) << text_of(report);
    EXPECT_EQ(report.faults[0].kind, fault_kind::deadlock);
    names_each_lane(text_of(report));
  }
}
TEST(polling, for_nothing_ends_in_any_form) {
  const std::string of_many = unchecked_report<nobody_sets_one_of_many>(1, 1);
  EXPECT_TRUE(holds(of_many, "lanes 0-31 wait in an atomic that polls at ")) << of_many;
  EXPECT_TRUE(holds(of_many, line(lines.now))) << of_many;
  const std::string count = unchecked_report<nobody_sets_it_while_they_count>(1, 1);
  EXPECT_TRUE(holds(count, "lanes 0-31 wait in an atomic that polls at ")) << count;
  EXPECT_TRUE(holds(count, line(lines.now))) << count;
  const std::string vote = unchecked_report<nobody_lets_them_vote>(1, 1);
  EXPECT_TRUE(holds(vote, "lanes 0-31 wait in an atomic that polls at ")) << vote;
  EXPECT_TRUE(holds(vote, line(lines.now))) << vote;
}
TEST(polling, of_a_block_that_cannot_start_is_a_deadlock) {
  const std::string report = unchecked_report<between_blocks<false>>(1, between_blocks<false>::blocks, 1);
  EXPECT_TRUE(holds(report, "block (0, 0, 0), lanes 0 wait in an atomic that polls at ")) << report;
}
/// A lane looks twice at what nobody changes, goes on, and sets the flag for which another one waits. That one has
/// looked just before it.
struct gives_up_and_sets_a_flag : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    if (lane.rank() == 0) lane.wait_until(p.flags, [](int v) { return v == 1; });
    if (lane.rank() == 32) {
      for (int i = 0; i < 2; ++i) lane.atomic_load(p.flags + 1);
      lane.atomic_store(p.flags, 1, order::release);
    }
    lane.sync_block();
  }
};
TEST(polling, that_gives_up_may_set_a_flag) {
  const auto run_on = [](const auto& gpu) {
    std::vector<int> flags(8);
    launch<gives_up_and_sets_a_flag>(gpu, {1}, planted_params{{}, {}, gmem_ptr<int>(flags.data())});
  };
  for (const std::uint64_t seed : {0, 1, 2}) EXPECT_NO_THROW(run_on(virtual_gpu(arch::sm_90, {.seed = seed}))) << seed;
  for (const int threads : {1, 2}) EXPECT_NO_THROW(run_on(unchecked_virtual_gpu(arch::sm_90, {.threads = threads})));
}
TEST(polling, ends_at_the_step_limit_before) {
  std::vector<int> flags(8);
  launch_report report;
  launch<nobody_sets_it>(virtual_gpu(arch::sm_90, {.report = &report, .step_limit = 1000}), {2},
                         planted_params{{}, {}, gmem_ptr<int>(flags.data())});
  ASSERT_EQ(report.faults.size(), 1u) << text_of(report);
  EXPECT_EQ(report.faults[0].kind, fault_kind::step_limit);
  EXPECT_TRUE(holds(text_of(report), "were last in atomic_load") ||
              holds(text_of(report), "were last in atomic_exchange"))
      << text_of(report);
}

}  // namespace
