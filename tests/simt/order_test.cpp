// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The fine points of what orders what: single lanes, scopes, rounds of barriers, engines, tables that are cleared. Each
// test was written against a mutation of the checks that the others let pass.
#include <cmath>
#include <tilery/atoms/copy_async.hpp>
#include <tilery/atoms/copy_bulk.hpp>
#include <tilery/atoms/named_barrier.hpp>
#include "tests/planted.hpp"
namespace {
using namespace tilery;
using namespace tilery_tests;
using namespace tilery::atoms;
/// Under every schedule the report names the two noted lines (in any order).
template <class K>
void names_lines(const std::string& part = "") {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    lines = {};
    const auto r = report_of<K>(seed);
    bool found = false;
    for (const fault& f : r.faults)
      found = found || (std::min(f.now.site.line.line, f.before.site.line.line) == std::min(lines.now, lines.before) &&
                        std::max(f.now.site.line.line, f.before.site.line.line) == std::max(lines.now, lines.before) &&
                        f.text().find(part) != std::string::npos);
    EXPECT_TRUE(found) << "seed " << seed << ": lines " << lines.before << ", " << lines.now << " in\n" << text_of(r);
  }
}
template <class K>
void is_clean() {
  for (std::uint64_t seed = 0; seed < 5; ++seed) EXPECT_EQ(text_of(report_of<K>(seed)), "") << "seed " << seed;
}
#define KERNEL(name, nthreads, nblocks)                                                               \
  struct name : planted_base {                                                                        \
    static constexpr int threads = nthreads;                                                          \
    static constexpr int blocks = nblocks;                                                            \
    template <class Lane>                                                                             \
    TILERY_SIMT static void run([[maybe_unused]] Lane lane, [[maybe_unused]] const planted_params& p, \
                                [[maybe_unused]] shared& smem)
#define END }
constexpr auto is_set = [](int v) { return v != 0; };

// 3: one lane of another block releases; its neighbour does not
KERNEL(neighbour_of_another_block, 32, 2) {
  if (lane.block().x == 0) {
    if (lane.rank() == 5) lines.before = __LINE__, lane.store(p.out, 1.0f);
    if (lane.rank() == 6) lane.atomic_store(p.flags, 1, order::release);
  } else if (lane.rank() == 0) {
    lane.wait_until(p.flags, is_set);
    lines.now = __LINE__, lane.load(p.out);
  }
}
END;
// 4: the same between warps of a block
KERNEL(neighbour_of_another_warp, 64, 1) {
  if (lane.rank() == 5) lines.before = __LINE__, lane.store(p.out, 1.0f);
  if (lane.rank() == 6) lane.atomic_store(p.flags, 1, order::release);
  if (lane.rank() == 32) {
    lane.wait_until(p.flags, is_set);
    lines.now = __LINE__, lane.load(p.out);
  }
}
END;
TEST(lanes, a_lane_releases_for_itself) {
  names_lines<neighbour_of_another_block>();
  names_lines<neighbour_of_another_warp>();
}
// 7, 8: many single lanes are known, but not all of a warp
template <int Blocks>
KERNEL(all_but_one_lane, 128, Blocks) {
  const int reader_block = Blocks - 1;
  if (lane.block().x == 0 && lane.warp() < 3) {
    if (lane.rank() == 31) lines.before = __LINE__, lane.store(p.out, 1.0f);
    if (lane.warp_rank() < 31) lane.atomic_add(p.flags, 1, order::release);
  }
  if (lane.block().x == reader_block && lane.rank() == 127) {
    lane.wait_until(p.flags, [](int v) { return v == 93; });
    lines.now = __LINE__, lane.load(p.out);
  }
}
END;
TEST(lanes, thirty_one_lanes_are_not_a_warp) {
  names_lines<all_but_one_lane<1>>();
  names_lines<all_but_one_lane<2>>();
}
// 9: all lanes are known, one of them further than the others
template <int Blocks>
KERNEL(one_lane_is_further, 128, Blocks) {
  if (lane.block().x == 0 && lane.warp() < 3) {
    lane.atomic_add(p.flags, 1, order::release);
    if (lane.rank() == 5) lines.before = __LINE__, lane.store(p.out, 1.0f);
    if (lane.rank() == 0) lane.atomic_add(p.flags, 1, order::release);
  }
  if (lane.block().x == Blocks - 1 && lane.rank() == 127) {
    lane.wait_until(p.flags, [](int v) { return v == 97; });
    lines.now = __LINE__, lane.load(p.out);
  }
}
END;
TEST(lanes, a_warp_is_known_as_far_as_its_slowest_lane) {
  names_lines<one_lane_is_further<1>>();
  names_lines<one_lane_is_further<2>>();
}
// 10: … and the further lane's work is known
template <int Blocks>
KERNEL(further_lane_is_known, 128, Blocks) {
  if (lane.block().x == 0 && lane.warp() < 3) {
    lane.atomic_add(p.flags, 1, order::release);
    if (lane.rank() == 0) {
      lane.store(p.out, 1.0f);
      lane.atomic_add(p.flags, 1, order::release);
    }
  }
  if (lane.block().x == Blocks - 1 && lane.rank() == 127) {
    lane.wait_until(p.flags, [](int v) { return v == 97; });
    lane.load(p.out);
  }
}
END;
TEST(lanes, the_fastest_lane_of_a_known_warp_is_known) {
  is_clean<further_lane_is_known<1>>();
  is_clean<further_lane_is_known<2>>();
}
// 11: the first write behind a barrier
KERNEL(first_write_behind_a_barrier, 64, 1) {
  if (lane.rank() == 0) lane.store(smem.x.at(0), 0.0f);
  lane.sync_block();
  if (lane.rank() == 0) {
    lines.before = __LINE__, lane.store(smem.x.at(0), 1.0f);
    lane.atomic_store(p.flags, 1);
  }
  if (lane.rank() == 32) {
    lane.wait_until(p.flags, is_set);
    lines.now = __LINE__, lane.load(smem.x.at(0));
  }
}
END;
TEST(barriers, the_first_write_behind_one_is_new) { names_lines<first_write_behind_a_barrier>(); }
// 12, 13, 53: more writes than are kept, without any barrier of the block
KERNEL(many_writes_without_a_barrier, 64, 1) {
  if (lane.rank() == 32) {
    lines.before = __LINE__, lane.store(smem.x.at(200), 1.0f);
    lane.atomic_store(p.flags, 1);
  }
  if (lane.warp() == 0) {
    if (lane.rank() == 0) lane.wait_until(p.flags, is_set);  // relaxed by the other side: orders nothing
    for (int i = 0; i < 9000; ++i) {
      lane.store(smem.x.at(lane.rank()), 1.0f);
      lane.sync_warp();
      lane.load(smem.x.at(31 - lane.rank()));
      lane.sync_warp();
    }
    if (lane.rank() == 1) lines.now = __LINE__, lane.load(smem.x.at(200));
  }
}
END;
TEST(histories, are_cleaned_and_forget_nothing) {
  const auto r = (lines = {}, report_of<many_writes_without_a_barrier>(0));
  ASSERT_EQ(r.faults.size(), 1u) << text_of(r);
  EXPECT_EQ(r.faults[0].before.site.line.line, lines.before);
  EXPECT_EQ(r.faults[0].now.site.line.line, lines.now);
}
// 52, 90: the same for global memory
KERNEL(many_global_writes, 64, 1) {
  if (lane.rank() == 32) {
    lines.before = __LINE__, lane.store(p.out + 200, 1.0f);
    lane.atomic_store(p.flags, 1);
  }
  if (lane.warp() == 0) {
    if (lane.rank() == 0) lane.wait_until(p.flags, is_set);
    for (int i = 0; i < 34000; ++i) {
      lane.store(p.out + lane.rank(), 1.0f);
      lane.sync_warp();
    }
    if (lane.rank() == 1) lines.now = __LINE__, lane.load(p.out + 200);
  }
}
END;
TEST(histories, of_global_memory_are_cleaned_and_forget_nothing) {
  const auto r = (lines = {}, report_of<many_global_writes>(0));
  ASSERT_EQ(r.faults.size(), 1u) << text_of(r);
  EXPECT_EQ(r.faults[0].before.site.line.line, lines.before);
  EXPECT_EQ(r.faults[0].now.site.line.line, lines.now);
}
// 52: a lane's kept number is out of date behind a cleaning
KERNEL(number_kept_over_a_cleaning, 64, 1) {
  if (lane.warp() == 0)  // numbers that the cleaning drops
    for (int i = 0; i < 10; ++i) {
      lane.store(p.out + lane.rank(), 1.0f);
      lane.sync_warp();
    }
  lane.sync_block();
  if (lane.rank() == 32) {
    for (int i = 0; i < 2; ++i) {
      lines.before = __LINE__, lane.store(p.out + (200 + i), 1.0f);
      if (i == 0) lane.wait_until(p.flags + 7, is_set);
    }
    lane.atomic_store(p.flags + 1, 1);
  }
  if (lane.warp() == 0) {
    for (int i = 0; i < 34000; ++i) {
      lane.store(p.out + lane.rank(), 1.0f);
      lane.sync_warp();
    }
    if (lane.rank() == 1) {
      lane.atomic_store(p.flags + 7, 1);
      lane.wait_until(p.flags + 1, is_set);
      lines.now = __LINE__, lane.load(p.out + 201);
    }
  }
}
END;
TEST(histories, a_kept_number_is_renewed) {
  const auto r = (lines = {}, report_of<number_kept_over_a_cleaning>(0));
  bool found = false;
  for (const auto& f : r.faults) found |= f.before.site.line.line == lines.before && f.now.site.line.line == lines.now;
  EXPECT_TRUE(found) << text_of(r);
}
// 14: the same line reads again, later
KERNEL(reads_again_later, 64, 1) {
  if (lane.rank() == 0) {
    for (int i = 0; i < 2; ++i) {
      lane.store(p.out, 1.0f);
      lines.before = __LINE__, lane.load(p.out);
      lane.atomic_store(p.flags + i, 1, i == 0 ? order::release : order::relaxed);
    }
  }
  if (lane.rank() == 32) {
    lane.wait_until(p.flags, is_set);
    lane.wait_until(p.flags + 1, is_set);
    lines.now = __LINE__, lane.store(p.out, 2.0f);
  }
}
END;
TEST(readers, of_one_line_at_two_times) { names_lines<reads_again_later>(); }
// 15: two lines read at one time
KERNEL(reads_at_two_lines, 64, 1) {
  if (lane.rank() == 0) {
    lane.load(p.out);
    lines.before = __LINE__, lane.load(p.out + 1);
    lane.atomic_store(p.flags, 1);
  }
  if (lane.rank() == 32) {
    lane.wait_until(p.flags, is_set);
    lines.now = __LINE__, lane.store(p.out + 1, 2.0f);
  }
}
END;
TEST(readers, of_two_lines_at_one_time) { names_lines<reads_at_two_lines>(); }
// 18: lanes of one warp that read at different times
KERNEL(readers_of_different_times, 64, 1) {
  if (lane.rank() == 0) {
    lane.load(p.out);
    lane.atomic_add(p.flags, 1, order::release);
  }
  if (lane.rank() == 1) {
    for (int i = 0; i < 3; ++i) lane.atomic_add(p.flags + 1, 1, order::release);
    lane.load(p.out);
    lane.atomic_add(p.flags, 1, order::release);
  }
  if (lane.rank() == 32) {
    lane.wait_until(p.flags, [](int v) { return v == 2; });
    lane.store(p.out, 2.0f);
  }
}
END;
TEST(readers, of_one_warp_have_times_of_their_own) { is_clean<readers_of_different_times>(); }
// 19: two warps read, the writer knows one
KERNEL(one_reader_of_two_is_known, 96, 1) {
  if (lane.rank() == 0) {
    lines.before = __LINE__, lane.load(p.out);
    lane.atomic_store(p.flags, 1);
  }
  if (lane.rank() == 32) {
    lane.wait_until(p.flags, is_set);
    lane.load(p.out);
    lane.atomic_store(p.flags + 1, 1, order::release);
  }
  if (lane.rank() == 64) {
    lane.wait_until(p.flags + 1, is_set);
    lines.now = __LINE__, lane.store(p.out, 2.0f);
  }
}
END;
// 20: two lanes of one warp read at one line
KERNEL(one_lane_of_two_is_known, 64, 1) {
  if (lane.rank() < 2) lines.before = __LINE__, lane.load(p.out);
  if (lane.rank() == 1) lane.atomic_store(p.flags, 1, order::release);
  if (lane.rank() == 32) {
    lane.wait_until(p.flags, is_set);
    lines.now = __LINE__, lane.store(p.out, 2.0f);
  }
}
END;
TEST(readers, each_must_be_known) {
  names_lines<one_reader_of_two_is_known>();
  const auto r = report_of<one_lane_of_two_is_known>(0);
  ASSERT_EQ(r.faults.size(), 1u) << text_of(r);
  EXPECT_EQ(r.faults[0].before.lane, 0);
}
// 21: a read before a barrier is not taken for one behind it
KERNEL(read_before_the_barrier, 64, 1) {
  lane.store(smem.x.at(lane.rank()), 0.0f);
  lane.sync_block();
  if (lane.rank() == 0) lane.load(smem.x.at(0));
  lane.sync_block();
  if (lane.rank() == 0) {
    lane.load(smem.x.at(1));
    lane.atomic_store(p.flags, 1);
  }
  if (lane.rank() == 32) {
    lane.wait_until(p.flags, is_set);
    lane.store(smem.x.at(0), 2.0f);
  }
}
END;
TEST(readers, before_a_barrier_are_known) { is_clean<read_before_the_barrier>(); }
// 25: a vector read of cells with different readers
KERNEL(vector_read_keeps_readers, 96, 1) {
  lane.store(smem.x.at(lane.rank()), 0.0f);
  lane.sync_block();
  if (lane.rank() == 32) {
    lines.before = __LINE__, lane.load(smem.x.at(1));
    lane.atomic_store(p.flags, 1);
  }
  if (lane.rank() == 0) {
    lane.wait_until(p.flags, is_set);
    lane.load(smem.x.at(0), width<2>);
    lane.atomic_store(p.flags + 1, 1, order::release);
  }
  if (lane.rank() == 64) {
    lane.wait_until(p.flags + 1, is_set);
    lines.now = __LINE__, lane.store(smem.x.at(1), 2.0f);
  }
}
END;
// 32: a vector write over cells of one writer with different readers
KERNEL(vector_write_asks_all_readers, 64, 1) {
  if (lane.rank() == 0) lane.store(smem.x.at(0), splat<2>(0.0f));
  lane.sync_block();
  if (lane.rank() == 32) {
    lines.before = __LINE__, lane.load(smem.x.at(1));
    lane.atomic_store(p.flags, 1);
  }
  if (lane.rank() == 0) {
    lane.wait_until(p.flags, is_set);
    lines.now = __LINE__, lane.store(smem.x.at(0), splat<2>(0.0f));
  }
}
END;
TEST(readers, of_parts_of_a_vector) {
  names_lines<vector_read_keeps_readers>();
  names_lines<vector_write_asks_all_readers>();
}
// 33: a block knows nothing of the one before
KERNEL(next_block_knows_nothing, 32, 2) {
  if (lane.rank() == 0) {
    if (lane.block().x == 0) {
      lines.before = __LINE__, lane.store(p.out, 1.0f);
      lane.atomic_add(p.flags, 1, order::acquire_release);
      lane.atomic_add(p.flags, 1, order::acquire_release);
    } else
      lines.now = __LINE__, lane.load(p.out);
  }
}
END;
// 81: nor does it give what the one before had fenced
KERNEL(fence_of_the_block_before, 32, 3) {
  if (lane.rank() == 0) {
    if (lane.block().x == 0) {
      lines.before = __LINE__, lane.store(p.out, 1.0f);
      lane.fence();
    } else if (lane.block().x == 1)
      lane.atomic_store(p.flags, 1);
    else {
      lane.wait_until(p.flags, is_set);
      lines.now = __LINE__, lane.load(p.out);
    }
  }
}
END;
// 71: nor what came to a named barrier that nobody left
KERNEL(named_barrier_of_the_block_before, 64, 2) {
  if (lane.block().x == 0) {
    if (lane.warp() == 0) {
      lines.before = __LINE__, lane.store(p.out + lane.rank(), 1.0f);
      arrive_named(lane, 1, 64);
    }
  } else {
    sync_named(lane, 1, 64);
    if (lane.warp() == 0) lines.now = __LINE__, lane.load(p.out + lane.rank());
  }
}
END;
TEST(blocks, begin_without_knowledge) {
  names_lines<next_block_knows_nothing>();
  names_lines<fence_of_the_block_before>();
  names_lines<named_barrier_of_the_block_before>();
}
// 43: a lane that has released often does not go back in time at a meeting
KERNEL(released_often_before_a_meeting, 64, 1) {
  if (lane.rank() == 0)
    for (int i = 0; i < 3; ++i) lane.atomic_add(p.flags, 1, order::release);
  if (lane.warp() == 0) lane.sync_warp();
  if (lane.rank() == 0) {
    lines.before = __LINE__, lane.store(p.out, 1.0f);
    lane.atomic_store(p.flags + 1, 1);
  }
  if (lane.rank() == 32) {
    lane.wait_until(p.flags, [](int v) { return v == 3; });
    lane.wait_until(p.flags + 1, is_set);
    lines.now = __LINE__, lane.load(p.out);
  }
}
END;
TEST(lanes, time_goes_on) { names_lines<released_often_before_a_meeting>(); }
// 46: what has landed in one block is under way in the next
KERNEL(waits_in_the_first_block_only, 32, 2) {
  lines.before = __LINE__, copy_async<4>(lane, smem.x.at(lane.rank()), p.in + lane.rank());
  commit_copies(lane);
  if (lane.block().x == 0) wait_copies<0>(lane);
  lines.now = __LINE__, lane.load(smem.x.at(lane.rank()));
}
END;
TEST(copies, of_each_block_are_waited_for) {
  names_lines<waits_in_the_first_block_only>("the copy is still in flight");
}
// 48
KERNEL(atomics_of_block_scope, 32, 2) {
  if (lane.rank() == 0) lines.now = lines.before = __LINE__, lane.atomic_add(p.flags, 1, order::relaxed, scope::block);
}
END;
TEST(atomics, of_block_scope_do_not_reach_other_blocks) {
  names_lines<atomics_of_block_scope>("an atomic of block scope does not reach");
}
// 61: the data behind a flag of block scope, not only the flag
KERNEL(data_behind_a_block_scope_flag, 32, 2) {
  if (lane.rank() != 0) return;
  if (lane.block().x == 0) {
    lines.before = __LINE__, lane.store(p.out, 1.0f);
    lane.atomic_store(p.flags, 1, order::release, scope::block);
  } else {
    lane.wait_until(p.flags, is_set);
    lines.now = __LINE__, lane.load(p.out);
  }
}
END;
// 63: a plain relaxed store ends a release sequence
KERNEL(relaxed_store_in_between, 32, 3) {
  if (lane.rank() != 0) return;
  if (lane.block().x == 0) {
    lines.before = __LINE__, lane.store(p.out, 1.0f);
    lane.atomic_store(p.flags, 1, order::release);
  } else if (lane.block().x == 1) {
    lane.wait_until(p.flags, is_set);
    lane.atomic_store(p.flags, 2);
  } else {
    lane.wait_until(p.flags, [](int v) { return v == 2; });
    lines.now = __LINE__, lane.load(p.out);
  }
}
END;
// 65: what is done behind the fence is not given
KERNEL(written_behind_the_fence, 32, 2) {
  if (lane.rank() != 0) return;
  if (lane.block().x == 0) {
    lane.fence();
    lines.before = __LINE__, lane.store(p.out, 1.0f);
    lane.atomic_store(p.flags, 1);
  } else {
    lane.wait_until(p.flags, is_set);
    lines.now = __LINE__, lane.load(p.out);
  }
}
END;
// 66, 68: the fence's scope and order
template <order Order, scope Scope>
KERNEL(weak_fence, 32, 2) {
  if (lane.rank() != 0) return;
  if (lane.block().x == 0) {
    lines.before = __LINE__, lane.store(p.out, 1.0f);
    lane.fence(Order, Scope);
    lane.atomic_store(p.flags, 1);
  } else {
    lane.wait_until(p.flags, is_set);
    lines.now = __LINE__, lane.load(p.out);
  }
}
END;
TEST(atomics, give_no_more_than_they_must) {
  names_lines<data_behind_a_block_scope_flag>();
  names_lines<relaxed_store_in_between>();
  names_lines<written_behind_the_fence>();
  names_lines<weak_fence<order::acquire_release, scope::block>>();
  names_lines<weak_fence<order::acquire, scope::device>>();
  is_clean<weak_fence<order::release, scope::device>>();
}
// 67: an acquiring fence behind a relaxed load
KERNEL(fence_behind_a_relaxed_load, 32, 2) {
  if (lane.rank() != 0) return;
  if (lane.block().x == 0) {
    lane.store(p.out, 1.0f);
    lane.atomic_store(p.flags, 1, order::release);
  } else if (lane.atomic_load(p.flags) == 1) {
    lane.fence(order::acquire);
    lane.load(p.out);
  }
}
END;
TEST(atomics, a_fence_acquires_what_relaxed_loads_saw) { is_clean<fence_behind_a_relaxed_load>(); }
// 70: each round of a named barrier is for those who came
KERNEL(rounds_of_a_named_barrier, 128, 1) {
  if (lane.warp() < 2) {
    if (lane.rank() == 0) lines.before = __LINE__, lane.store(p.out, 1.0f);
    sync_named(lane, 1, 64);
    if (lane.rank() == 0) lane.atomic_store(p.flags, 1);
  } else {
    lane.wait_until(p.flags, is_set);
    sync_named(lane, 1, 64);
    if (lane.rank() == 64) lines.now = __LINE__, lane.load(p.out);
  }
}
END;
TEST(named, rounds_are_apart) { names_lines<rounds_of_a_named_barrier>(); }
struct with_mbarrier : planted_base {
  struct shared {
    shared_array<float, 256> x;
    mbarrier b;
  };
};
#define MKERNEL(name, nthreads)                                                                       \
  struct name : with_mbarrier {                                                                       \
    static constexpr int threads = nthreads;                                                          \
    template <class Lane>                                                                             \
    TILERY_SIMT static void run([[maybe_unused]] Lane lane, [[maybe_unused]] const planted_params& p, \
                                [[maybe_unused]] shared& smem)
// 60: the phase that is over, not the next one
MKERNEL(reads_the_next_phase, 32) {
  if (lane.rank() != 0) return;
  init(lane, smem.b, 1);
  fence_proxy(lane);
  for (int k = 0; k < 2; ++k) {
    arrive_and_expect(lane, smem.b, 256);
    lines.before = __LINE__, copy_bulk(lane, smem.x.at(k * 64), p.in + k * 64, 256, smem.b);
    if (k == 0) wait(lane, smem.b, 0);
  }
  lines.now = __LINE__, lane.load(smem.x.at(64));
}
END;
// 79
MKERNEL(arrives_too_often, 32) {
  if (lane.rank() == 0) init(lane, smem.b, 31);
  lane.sync_block();
  if (lane.rank() == 0) {
    lines.now = __LINE__;
    arrive(lane, smem.b);
    arrive_and_expect(lane, smem.b, 16);
    for (int i = 0; i < 31; ++i) arrive(lane, smem.b);
  }
}
END;
TEST(mbarriers, phases_are_apart) {
  names_lines<reads_the_next_phase>("the copy is still in flight");
  EXPECT_NE(text_of(report_of<arrives_too_often>(0)).find("more lanes arrive"), std::string::npos);
}
// 73: a group lands when it is waited for, not before
KERNEL(second_group_is_under_way, 32, 1) {
  for (int k = 0; k < 3; ++k)
    copy_async<4>(lane, smem.x.at(k * 32 + lane.rank()), p.in + (k * 32 + lane.rank())), commit_copies(lane);
  wait_copies<1>(lane);
  EXPECT_TRUE(std::isnan(lane.load(smem.x.at(64 + lane.rank()))));
  wait_copies<0>(lane);
}
END;
TEST(copies, land_group_by_group) { report_of<second_group_is_under_way>(0); }
// 74: the source may be used again, the result is not there yet
KERNEL(reads_what_was_copied_out, 32, 1) {
  lane.store(smem.x.at(lane.rank()), 1.0f);
  fence_proxy(lane);
  lane.sync_warp();
  if (lane.rank() == 0) {
    lines.before = __LINE__, copy_bulk(lane, p.out, smem.x.at(0), 128);
    commit_bulk(lane);
    wait_bulk_reads<0>(lane);
    lines.now = __LINE__, lane.load(p.out);
    wait_bulk<0>(lane);
  }
}
END;
// 77: written by lanes, then by the engine, in global memory
KERNEL(engine_writes_over_lanes, 32, 1) {
  lane.store(smem.x.at(lane.rank()), 1.0f);
  fence_proxy(lane);
  lines.before = __LINE__, lane.store(p.out + lane.rank(), 1.0f);
  lane.sync_warp();
  if (lane.rank() == 0) {
    lines.now = __LINE__, copy_bulk(lane, p.out, smem.x.at(0), 128);
    commit_bulk(lane);
    wait_bulk<0>(lane);
  }
}
END;
TEST(copies, out_are_two_accesses) {
  names_lines<reads_what_was_copied_out>("the copy is still in flight");
  names_lines<engine_writes_over_lanes>("proxy fence");
}
// 80
template <bool Waits>
KERNEL(copies_out_without_a_full_wait, 32, 1) {
  lane.store(smem.x.at(lane.rank()), 7.0f);
  fence_proxy(lane);
  lane.sync_warp();
  if (lane.rank() == 0) {
    lines.now = __LINE__, copy_bulk(lane, p.out, smem.x.at(0), 128);
    commit_bulk(lane);
    if (Waits) wait_bulk_reads<0>(lane);
  }
}
END;
TEST(copies, out_arrive_at_the_end) {
  std::vector<float> v(256), o(256);
  launch<copies_out_without_a_full_wait<true>>(virtual_gpu(), {1},
                                               planted_params{gmem_ptr<const float>(v.data()),
                                                              gmem_ptr<float>(o.data()),
                                                              {}});
  EXPECT_EQ(o[31], 7.0f);
}
TEST(copies, shared_memory_outlives_them) {
  const launch_report wrong = report_of<copies_out_without_a_full_wait<false>>(0);
  ASSERT_EQ(wrong.faults.size(), 1u);
  EXPECT_EQ(wrong.faults[0].kind, fault_kind::missing_wait);
  EXPECT_EQ(wrong.faults[0].now.site.line.line, lines.now);
}
// 83, 84
MKERNEL(misaligned_copies, 32) {
  if (lane.rank() != 0) return;
  init(lane, smem.b, 1);
  arrive_and_expect(lane, smem.b, 16);
  lines.before = __LINE__, copy_bulk(lane, smem.x.at(1), p.in, 16, smem.b);
  lines.now = __LINE__, copy_async<16>(lane, smem.x.at(33), p.in);
}
END;
TEST(copies, must_be_aligned) {
  const auto r = report_of<misaligned_copies>(0);
  ASSERT_EQ(r.faults.size(), 2u) << text_of(r);
  for (const fault& f : r.faults) EXPECT_EQ(f.kind, fault_kind::misaligned);
  EXPECT_EQ(r.faults[0].now.site.line.line, lines.before);
  EXPECT_EQ(r.faults[1].now.site.line.line, lines.now);
}
// 55: without operands, all bytes are followed
KERNEL(second_half_of_a_vector, 32, 1) {
  if (lane.rank() == 0) lane.store(p.out, splat<2>(1.0f));
  if (lane.rank() == 1) lane.store(p.out + 1, 2.0f);
}
END;
TEST(operands, unnamed_memory_is_followed_byte_by_byte) {
  std::vector<float> v(256), o(256);
  EXPECT_THROW(launch<second_half_of_a_vector>(virtual_gpu(), {1},
                                               planted_params{gmem_ptr<const float>(v.data()),
                                                              gmem_ptr<float>(o.data()),
                                                              {}}),
               fault_error);
}
// 87, 88, 89: operands that overlap
struct pair_params {
  gmem_ptr<const float> in;
  gmem_ptr<float> out;
};
struct in_place {
  static constexpr const char* name = "in_place";
  static constexpr int threads = 64;
  static constexpr bool allows_one_lane = false;
  using shared = no_shared;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const pair_params& p, no_shared&) {
    lane.store(p.out + lane.rank(), lane.load(gmem_ptr<float>(p.out) + lane.rank()) + 1);
  }
};
TEST(operands, that_overlap) {
  alignas(64) static double d[32];
  float* x = reinterpret_cast<float*>(d);
  const pair_params p{gmem_ptr<const float>(x), gmem_ptr<float>(x)};
  const auto go = [&](const operands& o) { EXPECT_NO_THROW(launch<in_place>(virtual_gpu(), {1}, p, o)); };
  go({reads("a", vector(x, 64)), writes("b", vector(x, 64))});
  go({writes("b", vector(x, 64)), reads("a", vector(x, 64))});
  go({writes("b", vector(x, 64)), reads("inside", vector(x + 4, 4))});
  go({reads("d", vector(d, 32)), writes("b", vector(x, 64))});
  go({writes("b", vector(x, 64)), reads("d", vector(d, 32))});
}
// 91, 92: blocks in y and z
KERNEL(all_write_one, 32, 1) {
  if (lane.rank() == 0) lane.store(p.out, 1.0f);
}
END;
TEST(blocks, in_y_and_z_are_different_ones) {
  for (const index3 grid : {index3{1, 2, 1}, index3{1, 1, 2}, index3{2, 1, 1}, index3{3, 5, 2}}) {
    std::vector<float> v(256), o(256);
    launch_report r;
    launch<all_write_one>(virtual_gpu(arch::sm_90, {.report = &r}), grid,
                          planted_params{gmem_ptr<const float>(v.data()), gmem_ptr<float>(o.data()), {}},
                          {writes("o", vector(o.data(), 256))});
    ASSERT_EQ(r.faults.size(), 1u);
    EXPECT_EQ(r.faults[0].count, grid.x * grid.y * grid.z - 1);
    const auto a = r.faults[0].before.block, b = r.faults[0].now.block;
    EXPECT_EQ(a.x + a.y + a.z, 0);
    EXPECT_EQ(b.x, grid.x > 1);
    EXPECT_EQ(b.y, grid.x == 1 && grid.y > 1);
    EXPECT_EQ(b.z, grid.x == 1 && grid.y == 1);
  }
}
}  // namespace
