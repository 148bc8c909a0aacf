// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The virtual GPU's engine: barriers, waits between blocks, deadlock reports, exceptions, refusals.
#include <tilery/virtual_gpu.hpp>

#include <gtest/gtest.h>
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <numeric>
#include <vector>

namespace {

using namespace tilery;

struct base {
  static constexpr const char* name = "planted";
  static constexpr int threads = 96;
  static constexpr bool allows_one_lane = false;
  using shared = no_shared;
};

struct numbers {
  gmem_ptr<int> values;
  int n;
};

template <class Kernel, class Gpu>
std::string report_of(const Gpu& gpu, int blocks = 1, std::vector<int> memory = std::vector<int>(64)) {
  try {
    launch<Kernel>(gpu, {blocks}, numbers{gmem_ptr<int>(memory.data()), static_cast<int>(memory.size())});
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// --- blocks that wait for blocks

/// Block i notes how many have started before it.
struct arrivals : base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const numbers& p, no_shared&) {
    if (lane.rank() == 0) lane.store(p.values + 1 + lane.block().x, lane.atomic_add(p.values, 1));
  }
};
/// Block i waits for block i - 1, however few are resident.
struct look_back : base {
  static constexpr bool blocks_wait = true;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const numbers& p, no_shared&) {
    if (lane.rank() != 0) return;
    const int mine = lane.block().x;
    lane.wait_until(p.values, [&](int done) { return done == mine; });
    lane.atomic_add(p.values, 1, order::release);
  }
};

TEST(engine, a_seed_starts_blocks_in_another_order) {
  const auto order_of = [](std::uint64_t seed, int blocks, int resident) {
    std::vector<int> memory(64);
    launch<arrivals>(virtual_gpu(arch::sm_90, {.seed = seed, .resident_blocks = resident}), {blocks},
                     numbers{gmem_ptr<int>(memory.data()), 64});
    return std::vector<int>(memory.begin() + 1, memory.begin() + 1 + blocks);
  };
  std::vector<int> in_order(40);
  std::iota(in_order.begin(), in_order.end(), 0);
  EXPECT_EQ(order_of(0, 40, 64), in_order);
  int others = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    auto order = order_of(seed, 40, 64);
    others += order != in_order;
    EXPECT_EQ(order_of(seed, 40, 64), order) << "the same seed, the same order";
    std::sort(order.begin(), order.end());
    EXPECT_EQ(order, in_order) << "each block once";
    const auto few = order_of(seed, 40, 6);
    for (int i = 0; i < 40; ++i) EXPECT_EQ(few[i] / 6, i / 6) << "those that are resident together, in themselves";
    EXPECT_EQ(order_of(seed, 40, 1), in_order);
  }
  EXPECT_GE(others, 7);
}
TEST(engine, a_seed_lets_blocks_wait_for_lower_numbers) {
  for (std::uint64_t seed = 0; seed < 8; ++seed)
    for (const int resident : {1, 2, 5, 64}) {
      std::vector<int> memory(64);
      launch<look_back>(virtual_gpu(arch::sm_90, {.seed = seed, .resident_blocks = resident}), {40},
                        numbers{gmem_ptr<int>(memory.data()), 64});
      EXPECT_EQ(memory[0], 40) << "seed " << seed << ", " << resident << " resident";
    }
}

/// Block i adds itself behind block i + 1: no order of whole blocks would do.
struct chain : base {
  static constexpr bool blocks_wait = true;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const numbers& p, no_shared&) {
    if (lane.rank() == 0) {
      lane.wait_until(p.values, [&](int done) { return done == lane.blocks().x - 1 - lane.block().x; });
      lane.atomic_store(p.values + 1 + lane.block().x, lane.block().x);
      lane.atomic_add(p.values, 1, order::release);
    }
    lane.sync_block();
  }
};

TEST(engine, resident_blocks_may_wait_for_later_ones) {
  for (const int threads : {1, 2, 3}) {
    std::vector<int> memory(64);
    launch<chain>(unchecked_virtual_gpu(arch::sm_90, {.threads = threads}), {40},
                  numbers{gmem_ptr<int>(memory.data()), 64});
    EXPECT_EQ(memory[0], 40);
    EXPECT_EQ(memory[40], 39);
  }
}

/// Every block waits for every other one.
struct grid_barrier : base {
  static constexpr bool blocks_wait = true;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const numbers& p, no_shared&) {
    if (lane.rank() != 0) return;
    lane.atomic_add(p.values, 1, order::release);
    lane.wait_until(p.values, [&](int arrived) { return arrived >= lane.blocks().x; });
  }
};

TEST(engine, as_many_blocks_are_resident_on_any_number_of_threads) {
  for (const int threads : {1, 2, 3, 5}) {
    const auto report = [&](int resident) {
      return report_of<grid_barrier>(unchecked_virtual_gpu(arch::sm_90,
                                                           {.threads = threads, .resident_blocks = resident}),
                                     64);
    };
    EXPECT_EQ(report(64), "") << threads;
    EXPECT_TRUE(holds(report(63), "is in a deadlock")) << threads;
  }
}

TEST(engine, reports_blocks_that_wait_for_one_that_cannot_start) {
  for (const int threads : {1, 2}) {
    const std::string report =
        report_of<chain>(unchecked_virtual_gpu(arch::sm_90, {.threads = threads, .resident_blocks = 4}), 40);
    EXPECT_TRUE(holds(report, "planted is in a deadlock: no lane can make progress")) << report;
    EXPECT_TRUE(holds(report, "block (3, 0, 0), lanes 0 wait in wait_until at ")) << report;
    EXPECT_TRUE(holds(report, "lanes 1-95 wait in sync_block")) << report;
    EXPECT_TRUE(holds(report, "engine_test.cpp:")) << report;
  }
}

// --- barriers that not everybody reaches

struct half_at_a_warp_barrier : base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const numbers&, no_shared&) {
    if (lane.warp_rank() < 16)
      lane.sync_warp();
    else
      lane.sync_block();
  }
};
constexpr int line_of_sync_warp = __LINE__ - 5, line_of_sync_block = __LINE__ - 3;

TEST(engine, reports_lanes_that_wait_in_different_barriers) {
  const std::string report = report_of<half_at_a_warp_barrier>(virtual_gpu());
  EXPECT_TRUE(holds(report, "lanes 0-15, 32-47, 64-79 wait in sync_warp at ")) << report;
  EXPECT_TRUE(holds(report, "engine_test.cpp:" + std::to_string(line_of_sync_warp) + " ") ||
              holds(report, "engine_test.cpp:" + std::to_string(line_of_sync_warp) + "."))
      << report;
  EXPECT_TRUE(holds(report, "engine_test.cpp:" + std::to_string(line_of_sync_block))) << report;
  EXPECT_TRUE(holds(report, "lanes 16-31, 48-63, 80-95 wait in sync_block at ")) << report;
}

struct different_collectives : base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const numbers&, no_shared&) {
    if (lane.rank() == 5)
      lane.ballot(true);
    else
      lane.shuffle(1, 0);
  }
};

TEST(engine, refuses_different_collectives_in_one_warp) {
  const std::string report = report_of<different_collectives>(virtual_gpu());
  EXPECT_TRUE(holds(report, "planted: collective mismatch. lane 5 of block (0, 0, 0): ballot at engine_test.cpp:"))
      << report;
}

// --- leaving early stops nobody (that a barrier should have all lanes is a check of its own)

struct some_leave : base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const numbers& p, no_shared&) {
    if (lane.rank() % 2) return;
    for (int i = 0; i < 3; ++i) lane.sync_block();
    lane.atomic_add(p.values, 1);
  }
};

TEST(engine, lanes_that_have_left_are_not_waited_for) {
  std::vector<int> memory(1);
  launch<some_leave>(unchecked_virtual_gpu(arch::sm_90), {3}, numbers{gmem_ptr<int>(memory.data()), 1});
  EXPECT_EQ(memory[0], 3 * 48);
}

struct votes_after_leaving : base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const numbers& p, no_shared&) {
    lane.shuffle(-1, 3);  // leaves bits behind, the lowest among them
    lane.shuffle(-1, 3);
    if (lane.rank() == 5) return;
    const unsigned votes = lane.ballot(lane.warp_rank() == 7);
    if (lane.rank() == 0) lane.store(p.values, static_cast<int>(votes));
    lane.store(p.values + 1 + lane.warp_rank(), lane.shuffle(lane.warp_rank(), lane.warp_rank() - 1));  // -1 is lane 31
  }
};

TEST(engine, lanes_that_have_left_do_not_vote_and_shuffles_wrap_around) {
  std::vector<int> memory(64);
  launch<votes_after_leaving>(unchecked_virtual_gpu(arch::sm_90), {1}, numbers{gmem_ptr<int>(memory.data()), 64});
  EXPECT_EQ(memory[0], 1 << 7);
  EXPECT_EQ(memory[1], 31);
  EXPECT_EQ(memory[4], 2);
}

// --- exceptions

struct counted {
  static inline std::atomic<int> alive = 0;
  counted() { ++alive; }
  ~counted() { --alive; }
};

struct one_throws : base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const numbers&, no_shared&) {
    const counted mine;
    lane.sync_block();
    if (lane.rank() == 17 && lane.block().x == 1) throw std::runtime_error("lane 17 gives up");
    lane.sync_block();
  }
};

TEST(engine, what_a_lane_throws_reaches_the_caller_and_the_others_are_unwound) {
  for (const int threads : {1, 2}) {
    EXPECT_EQ(report_of<one_throws>(unchecked_virtual_gpu(arch::sm_90, {.threads = threads}), 8), "lane 17 gives up");
    EXPECT_EQ(counted::alive, 0);
  }
}

// --- refusals

struct launches_again : base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const numbers& p, no_shared&) {
    if (lane.rank() == 3) launch<some_leave>(virtual_gpu(), {1}, p);
  }
};

TEST(engine, refuses_nested_launches) {
  EXPECT_TRUE(holds(report_of<launches_again>(virtual_gpu()),
                    "planted is launched from inside a kernel; nested launches are not supported"));
}

struct large : base {
  struct shared {
    shared_array<float, 30000> much;
  };
  template <class Lane>
  TILERY_SIMT static void run(Lane, const numbers&, shared&) {}
};
struct for_a_later_arch : base {
  static constexpr arch lowest = arch::sm_90;
  template <class Lane>
  TILERY_SIMT static void run(Lane, const numbers&, no_shared&) {}
};
struct for_more_features : base {
  static constexpr features needs = features::copy_async | features::stmatrix;
  template <class Lane>
  TILERY_SIMT static void run(Lane, const numbers&, no_shared&) {}
};

TEST(engine, refuses_what_the_arch_lacks) {
  EXPECT_TRUE(holds(report_of<large>(virtual_gpu(arch::sm_75)),
                    "planted needs 120000 bytes of shared memory a block; sm_75 has 65536"));
  EXPECT_EQ(report_of<large>(virtual_gpu(arch::sm_80)), "");
  EXPECT_TRUE(holds(report_of<for_a_later_arch>(virtual_gpu(arch::sm_89)),
                    "planted needs sm_90 or later; this device is an sm_89"));
  EXPECT_TRUE(holds(report_of<for_more_features>(virtual_gpu(arch::sm_89)),
                    "planted needs stmatrix, which the archs from sm_90 on have; this device is an sm_89"));
  EXPECT_EQ(report_of<for_more_features>(virtual_gpu(arch::sm_90)), "");
}

template <class Make>
std::string refusal(Make make) {
  try {
    make();
  } catch (const error& e) {
    return e.what();
  }
  return "";
}

TEST(engine, refuses_options_that_make_no_gpu) {
  EXPECT_TRUE(holds(refusal([] { (void)virtual_gpu(arch::cpu); }), "virtual_gpu: cpu is not a GPU arch"));
  EXPECT_TRUE(
      holds(refusal([] { (void)unchecked_virtual_gpu(arch::cpu); }), "unchecked_virtual_gpu: cpu is not a GPU arch"));
  EXPECT_TRUE(holds(refusal([] { (void)unchecked_virtual_gpu(arch::sm_90, {.threads = 0}); }),
                    "unchecked_virtual_gpu: threads is 0; it must be at least 1"));
  EXPECT_TRUE(holds(refusal([] { (void)virtual_gpu(arch::sm_90, {.resident_blocks = 0}); }),
                    "virtual_gpu: resident_blocks is 0; it must be at least 1"));
  EXPECT_TRUE(holds(refusal([] { (void)virtual_gpu(arch::sm_90, {.step_limit = 0}); }),
                    "virtual_gpu: step_limit is 0; it must be at least 1"));
  EXPECT_TRUE(holds(refusal([] { (void)virtual_gpu(arch::sm_90, {.checks = checks::races & checks::memory}); }),
                    "virtual_gpu: checks is empty; it must name a check. unchecked_virtual_gpu runs without any"));
}

struct misaligned : base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const numbers& p, no_shared&) {
    lane.load(p.values + 1, width<4>);
  }
};

TEST(engine, refuses_an_access_that_is_not_aligned) {
  alignas(16) int values[8] = {};
  const auto refused = [&](const auto& gpu) {
    return refusal([&] { launch<misaligned>(gpu, {1}, numbers{gmem_ptr<int>(values), 8}); });
  };
  const std::string unchecked = refused(unchecked_virtual_gpu()), checked = refused(virtual_gpu());
  EXPECT_TRUE(holds(unchecked, "an access of 16 bytes is at an address that is 4 more than a multiple of 16"))
      << unchecked;
  EXPECT_TRUE(holds(unchecked, "engine_test.cpp")) << unchecked;
  EXPECT_TRUE(holds(checked, "planted: misaligned of 16 bytes")) << checked;
  EXPECT_TRUE(holds(checked, "engine_test.cpp")) << checked;
}

// --- many launches

struct counts_block : base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const numbers& p, no_shared&) {
    lane.sync_block();
    lane.atomic_add(p.values, 1);
  }
};

template <class Gpu>
class engine_on : public testing::Test {};
using both_gpus = testing::Types<unchecked_virtual_gpu, virtual_gpu>;
TYPED_TEST_SUITE(engine_on, both_gpus);

TYPED_TEST(engine_on, a_thousand_launches_reuse_their_stacks) {
  const auto mappings = [] {
    std::FILE* maps = std::fopen("/proc/self/maps", "r");
    int lines = 0;
    for (int c; (c = std::fgetc(maps)) != EOF;) lines += c == '\n';
    std::fclose(maps);
    return lines;
  };
  const auto resident_pages = [] {
    std::FILE* file = std::fopen("/proc/self/statm", "r");
    long all = 0, resident = 0;
    EXPECT_EQ(std::fscanf(file, "%ld %ld", &all, &resident), 2);
    std::fclose(file);
    return resident;
  };
  std::vector<int> memory(1);
  const auto run = [&] {
    launch<counts_block>(TypeParam(), {3}, numbers{gmem_ptr<int>(memory.data()), 1},
                         {writes("memory", vector(memory.data(), 1))});
  };
  for (int i = 0; i < 10; ++i) run();
  const int mapped = mappings();
  [[maybe_unused]] const long resident = resident_pages();
  for (int i = 0; i < 1000; ++i) run();
  EXPECT_LE(mappings(), mapped + 8);
#ifndef TILERY_ASAN_FIBERS                      // which keeps freed memory back
  EXPECT_LE(resident_pages(), resident + 512);  // 2 MiB
#endif
  EXPECT_EQ(memory[0], 1010 * 3 * 96);
}

}  // namespace
