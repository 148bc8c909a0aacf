// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Thread-block clusters: ranks, the cluster's barrier, other blocks' shared memory, on a GPU from sm_90 on and on the
// virtual one; what is refused; and planted faults, each with its twin that is right.
#include "tests/draw.hpp"
#include "tests/executors.hpp"

#include <tilery/simt/launch.hpp>

#ifndef __CUDACC__
#include "tests/planted.hpp"

#include <tilery/atoms/copy_async.hpp>
#include <tilery/atoms/mbarrier.hpp>
#endif

namespace {

using namespace tilery;

struct cluster_base {
  static constexpr const char* name = "clusters";
  static constexpr int threads = 64;
  static constexpr features needs = features::clusters;
  static constexpr bool allows_one_lane = false;
  static constexpr int cluster = 4;
};

template <class T>
struct ring_params {
  gmem_ptr<const T> in;     // (block, lane)
  gmem_ptr<T> loaded;       // (block, lane): of the next block of the cluster
  gmem_ptr<T> stored;       // (block, lane): by the block before
  gmem_ptr<T> vectors;      // (block, lane): of the next block but one, by vectors
  gmem_ptr<int> ranks;      // (block, rank or size)
  gmem_ptr<int> handed_on;  // (block): a number of the next block, through global memory
};

/// Blocks read from the next one and write to it.
template <class T>
struct ring : cluster_base {
  struct shared {
    shared_array<T, 64> mine, stored, vectors;
  };

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const ring_params<T>& p, shared& smem) {
    constexpr int n = 16 / sizeof(T);
    const int block = lane.block().x + lane.block().y * lane.blocks().x, at = block * 64 + lane.rank();
    const int next = (lane.cluster_rank() + 1) % lane.cluster_size(), second = (next + 1) % lane.cluster_size();
    lane.store(smem.mine.at(lane.rank()), lane.load(p.in + at));
    if (lane.rank() == 0) lane.store(p.handed_on + block, 100 + block);
    lane.sync_cluster();
    const auto there = lane.of_block(smem.mine.at(0), next);
    lane.store(p.loaded + at, lane.load(there + lane.rank()));
    lane.store(lane.of_block(smem.stored.at(lane.rank()), next), lane.load(smem.mine.at(lane.rank())));
    if (lane.rank() < 64 / n) {
      const auto some = lane.load(lane.of_block(smem.mine.at(lane.rank() * n), second), width<n>);
      lane.store(lane.of_block(smem.vectors.at(lane.rank() * n), lane.cluster_rank()), some);
    }
    if (lane.rank() == 0) {
      const int first = block - lane.cluster_rank();
      lane.store(p.ranks + 2 * block, lane.cluster_rank());
      lane.store(p.ranks + (2 * block + 1), lane.cluster_size());
      lane.store(p.handed_on + (8 * 2 + block), lane.load(p.handed_on + (first + next)));
    }
    lane.sync_cluster();
    lane.store(p.stored + at, lane.load(smem.stored.at(lane.rank())));
    lane.store(p.vectors + at, lane.load(smem.vectors.at(lane.rank())));
  }
};

template <class Executor>
class cluster : public tilery_tests::on_executor<Executor> {
public:
  void SetUp() override {
    tilery_tests::on_executor<Executor>::SetUp();
    if (!this->IsSkipped() && !has_features(this->executor.target(), features::clusters))
      GTEST_SKIP() << "the arch has no clusters";
  }

  template <class T>
  void check_ring() {
    constexpr int blocks = 16;
    const auto values = tilery_tests::draw_values<T>(blocks * 64);
    const auto in = this->put(values), loaded = this->put(values), stored = this->put(values),
               vectors = this->put(values);
    const auto ranks = this->put(std::vector<int>(2 * blocks)), handed_on = this->put(std::vector<int>(2 * blocks));
    const auto pointer = [](const auto& buffer) { return gmem_ptr(buffer.data_handle()); };
    launch<ring<T>>(this->executor, {8, 2},
                    ring_params<T>{gmem_ptr<const T>(in.data_handle()), pointer(loaded), pointer(stored),
                                   pointer(vectors), pointer(ranks), pointer(handed_on)},
                    {reads("in", in.view()), writes("loaded", loaded.view()), writes("stored", stored.view()),
                     writes("vectors", vectors.view()), writes("ranks", ranks.view()),
                     writes("handed_on", handed_on.view())});
    const auto got_loaded = this->get(loaded), got_stored = this->get(stored), got_vectors = this->get(vectors);
    const auto got_ranks = this->get(ranks), got_handed_on = this->get(handed_on);
    for (int block = 0; block < blocks; ++block) {
      const int rank = block % 4, first = block - rank;
      for (int lane = 0; lane < 64; ++lane) {
        const auto of = [&](int other) { return tilery_tests::as_double(values[(first + other % 4) * 64 + lane]); };
        EXPECT_EQ(tilery_tests::as_double(got_loaded[block * 64 + lane]), of(rank + 1));
        EXPECT_EQ(tilery_tests::as_double(got_stored[block * 64 + lane]), of(rank + 3));
        EXPECT_EQ(tilery_tests::as_double(got_vectors[block * 64 + lane]), of(rank + 2));
      }
      EXPECT_EQ(got_ranks[2 * block], rank);
      EXPECT_EQ(got_ranks[2 * block + 1], 4);
      EXPECT_EQ(got_handed_on[blocks + block], 100 + first + (rank + 1) % 4);
    }
  }
};
TYPED_TEST_SUITE(cluster, tilery_tests::gpus);

TYPED_TEST(cluster, blocks_reach_each_others_shared_memory) {
  this->template check_ring<float>();
  this->template check_ring<double>();
  this->template check_ring<half>();
}

struct bytes_params {
  gmem_ptr<int> sums;
};
/// Accesses of one byte.
struct of_bytes : cluster_base {
  static constexpr int cluster = 2;
  struct shared {
    shared_array<unsigned char, 64> mine;
  };
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const bytes_params& p, shared& smem) {
    const int other = 1 - lane.cluster_rank();
    lane.sync_cluster();  // both blocks have begun
    lane.store(lane.of_block(smem.mine.at(lane.rank()), other), static_cast<unsigned char>(200 + other));
    lane.sync_cluster();
    lane.store(p.sums + (lane.block().x * 64 + lane.rank()),
               lane.load(smem.mine.at(lane.rank())) + lane.load(lane.of_block(smem.mine.at(lane.rank()), other)));
    lane.sync_cluster();
  }
};
TYPED_TEST(cluster, accesses_may_be_of_one_byte) {
  const auto sums = this->put(std::vector<int>(4 * 64));
  launch<of_bytes>(this->executor, {4}, bytes_params{gmem_ptr<int>(sums.data_handle())}, {writes("sums", sums.view())});
  for (const int sum : this->get(sums)) EXPECT_EQ(sum, 401);
}

/// A kernel that says nothing of clusters has clusters of one block.
struct of_one : cluster_base {
  static constexpr int cluster = 1;
  using shared = no_shared;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const bytes_params& p, shared&) {
    lane.sync_cluster();
    if (lane.rank() == 0) lane.store(p.sums + lane.block().x, lane.cluster_size() * 10 + lane.cluster_rank());
  }
};
TYPED_TEST(cluster, may_be_one_block) {
  const auto sums = this->put(std::vector<int>(3));
  launch<of_one>(this->executor, {3}, bytes_params{gmem_ptr<int>(sums.data_handle())}, {writes("sums", sums.view())});
  EXPECT_EQ(this->get(sums), (std::vector<int>{10, 10, 10}));
}

TYPED_TEST(cluster, a_grid_is_made_of_whole_ones) {
  try {
    launch<of_bytes>(this->executor, {3}, bytes_params{});
    FAIL();
  } catch (const error& e) {
    EXPECT_NE(std::string(e.what()).find("a grid of 3 blocks along x; it must be a multiple of the kernel's cluster of "
                                         "2"),
              std::string::npos)
        << e.what();
  }
}

#ifndef __CUDACC__

using namespace tilery_tests;

TEST(cluster_arch, must_have_clusters_of_that_size) {
  EXPECT_EQ(check_arch({.name = "k", .threads = 32, .cluster = 4}, arch::sm_89),
            "k has clusters of 4 blocks; sm_89 allows 1");
  EXPECT_FALSE(check_arch(needs_of<of_bytes>(), arch::sm_120));
  EXPECT_THROW(launch<of_bytes>(virtual_gpu(arch::sm_89), {2}, bytes_params{}), error);
}

// --- the scheduler

TEST(cluster_engine, runs_unchecked_on_any_number_of_threads_and_whole_where_one_block_has_room) {
  for (const int threads : {1, 2, 3})
    for (const int resident : {1, 2, 64}) {
      std::vector<int> sums(20 * 64);
      launch<of_bytes>(unchecked_virtual_gpu(arch::sm_90, {.threads = threads, .resident_blocks = resident}), {20},
                       bytes_params{gmem_ptr<int>(sums.data())});
      for (const int sum : sums) ASSERT_EQ(sum, 401);
    }
}

/// Each cluster waits for the one behind it.
struct waits_for_later : cluster_base {
  static constexpr int cluster = 2;
  using shared = no_shared;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const bytes_params& p, shared&) {
    if (lane.rank() == 0 && lane.cluster_rank() == 1 && lane.block().x + 1 < lane.blocks().x)
      lane.wait_until(p.sums + (lane.block().x + 2), [](int done) { return done == 1; });
    lane.sync_cluster();
    if (lane.rank() == 0) lane.atomic_store(p.sums + lane.block().x, 1, order::release);
  }
};
std::string text_of_launch(const auto& gpu) {
  std::vector<int> sums(20);
  try {
    launch<waits_for_later>(gpu, {20}, bytes_params{gmem_ptr<int>(sums.data())});
  } catch (const error& e) {
    return e.what();
  }
  return sums == std::vector<int>(20, 1) ? "" : "wrong";
}
TEST(cluster_engine, clusters_may_wait_for_clusters) {
  for (const int threads : {1, 2, 3}) {
    EXPECT_EQ(text_of_launch(unchecked_virtual_gpu(arch::sm_90, {.threads = threads, .resident_blocks = 20})), "");
    const std::string stuck =
        text_of_launch(unchecked_virtual_gpu(arch::sm_90, {.threads = threads, .resident_blocks = 18}));
    EXPECT_NE(stuck.find("block (0, 0, 0), lanes 0-63 wait in sync_cluster at "), std::string::npos) << stuck;
    EXPECT_NE(stuck.find("block (17, 0, 0), lanes 0 wait in wait_until at "), std::string::npos) << stuck;
  }
  EXPECT_EQ(text_of_launch(virtual_gpu()), "");
}

struct half_at_the_cluster : cluster_base {
  static constexpr int cluster = 2;
  using shared = no_shared;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const bytes_params&, shared&) {
    if (lane.cluster_rank() == 0 || lane.rank() < 32)
      lane.sync_cluster();
    else
      lane.sync_block();
  }
};
TEST(cluster_engine, reports_who_waits_for_whom) {
  try {
    launch<half_at_the_cluster>(virtual_gpu(), {2}, bytes_params{});
    FAIL();
  } catch (const fault_error& e) {
    ASSERT_EQ(e.faults().size(), 1u) << e.what();
    EXPECT_EQ(e.faults()[0].kind, fault_kind::deadlock);
    const std::string text = e.what();
    EXPECT_NE(text.find("block (0, 0, 0), lanes 0-63 wait in sync_cluster"), std::string::npos) << text;
    EXPECT_NE(text.find("block (1, 0, 0), lanes 0-31 wait in sync_cluster"), std::string::npos) << text;
    EXPECT_NE(text.find("block (1, 0, 0), lanes 32-63 wait in sync_block"), std::string::npos) << text;
  }
}

struct one_block_throws : cluster_base {
  using shared = no_shared;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const bytes_params&, shared&) {
    if (lane.block().x == 6 && lane.rank() == 5) throw std::runtime_error("lane 5 gives up");
    lane.sync_cluster();
  }
};
TEST(cluster_engine, what_a_lane_throws_ends_its_cluster) {
  EXPECT_THROW(launch<one_block_throws>(virtual_gpu(), {8}, bytes_params{}), std::runtime_error);
  EXPECT_THROW(launch<one_block_throws>(unchecked_virtual_gpu(), {8}, bytes_params{}), std::runtime_error);
}

// --- planted faults: clusters of two blocks, 256 floats of shared memory each

struct planted_cluster : planted_base {
  static constexpr features needs = features::clusters;
  static constexpr int cluster = 2;
  static constexpr int blocks = 2;
};

template <bool Wrong>
struct no_sync_before_a_remote_read : planted_cluster {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    lane.store(smem.x.at(lane.rank()), 0.0f);
    lane.sync_cluster();
    if (lane.cluster_rank() == 0) lines.before = __LINE__, lane.store(smem.x.at(lane.rank()), 1.0f);
    Wrong ? lane.sync_block() : lane.sync_cluster();
    if (lane.cluster_rank() == 1)
      lines.now = __LINE__, lane.store(p.out + lane.rank(), lane.load(lane.of_block(smem.x.at(lane.rank()), 0)));
    lane.sync_cluster();
  }
};
TEST(cluster_faults, a_remote_read_without_a_sync_cluster) {
  expect_both_lines<no_sync_before_a_remote_read>(fault_kind::race);  // the last block to come goes on first
  EXPECT_NE(text_of(report_of<no_sync_before_a_remote_read<true>>(0)).find("a sync_cluster between them is missing"),
            std::string::npos);
}

/// The first access of all is to a block that may not have begun. A flag in global memory says so as well as a barrier.
template <bool Wrong>
struct reaches_a_block_that_may_not_have_begun : planted_cluster {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    if (!Wrong) lane.sync_cluster();
    if (lane.cluster_rank() == 1) lines.now = __LINE__, lane.store(lane.of_block(smem.x.at(lane.rank()), 0), 1.0f);
    lane.sync_cluster();
  }
};
template <bool Wrong>
struct begins_by_a_flag : planted_cluster {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    if (lane.cluster_rank() == 0 && lane.rank() == 63)
      lane.atomic_store(p.flags, 1, Wrong ? order::relaxed : order::release);
    if (lane.cluster_rank() == 1 && lane.rank() == 5) {
      lane.wait_until(p.flags, [](int v) { return v == 1; });
      lines.now = __LINE__, lane.store(lane.of_block(smem.x.at(3), 0), 1.0f);
    }
    lane.sync_cluster();
  }
};
TEST(cluster_faults, a_block_that_may_not_have_begun) {
  expect_fault<
      reaches_a_block_that_may_not_have_begun>(fault_kind::early_access,
                                               "of 4 bytes at byte 0 of the shared memory of block 0 of the cluster");
  expect_fault<reaches_a_block_that_may_not_have_begun>(fault_kind::early_access,
                                                        "a sync_cluster before the first access is missing");
  expect_fault<begins_by_a_flag>(fault_kind::early_access, "lane 5 of block (1, 0, 0)");
}

template <bool Wrong>
struct remote_write_under_a_local_read : planted_cluster {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    lane.store(smem.x.at(lane.rank()), 1.0f);
    lane.sync_cluster();
    if (lane.cluster_rank() == 1) lines.before = __LINE__, lane.store(lane.of_block(smem.x.at(lane.rank()), 0), 2.0f);
    if (!Wrong) lane.sync_cluster();
    if (lane.cluster_rank() == 0)
      lines.now = __LINE__, lane.store(p.out + lane.rank(), lane.load(smem.x.at(lane.rank())));
    lane.sync_cluster();
  }
};
TEST(cluster_faults, a_remote_write_under_a_local_read) {
  expect_fault<remote_write_under_a_local_read>(fault_kind::race, "a sync_cluster between them is missing");
}

template <bool Wrong>
struct two_remote_writes : planted_cluster {
  static constexpr int cluster = 4;
  static constexpr int blocks = 4;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    lane.sync_cluster();
    if (lane.rank() == 0 && lane.cluster_rank() > 0) {
      const auto there = lane.of_block(smem.x.at(Wrong ? 0 : lane.cluster_rank()), 0);
      lines.now = lines.before = __LINE__, lane.store(there, 1.0f);
    }
    lane.sync_cluster();
  }
};
TEST(cluster_faults, blocks_that_write_to_a_third) {
  expect_fault<two_remote_writes>(fault_kind::race, "at byte 0 of the shared memory of block 0 of the cluster");
  const launch_report report = report_of<two_remote_writes<true>>(0);
  ASSERT_EQ(report.faults.size(), 1u);
  EXPECT_EQ(report.faults[0].before.block.x, 3) << "the last to come to the barrier goes on first";
  EXPECT_EQ(report.faults[0].now.block.x, 1);
  EXPECT_EQ(report.faults[0].count, 2);
}

/// Block `Reader` reads from the other one, which ends before or behind that, as the schedule has it.
template <int Reader, bool Wrong>
struct ends_early : planted_cluster {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    lane.store(smem.x.at(lane.rank()), 1.0f);
    lane.sync_cluster();
    if (lane.cluster_rank() == Reader) {
      const auto there = lane.of_block(smem.x.at(lane.rank()), 1 - Reader);
      lines.now = __LINE__, lane.load(there);
    }
    if (!Wrong) lane.sync_cluster();
  }
};
template <bool Wrong>
struct ends_behind_the_read : ends_early<1, Wrong> {};
template <bool Wrong>
struct ends_before_the_read : ends_early<0, Wrong> {};
TEST(cluster_faults, a_block_that_ends_while_another_one_reads_from_it) {
  expect_fault<
      ends_behind_the_read>(fault_kind::early_end,
                            "block (0, 0, 0) ends without waiting for this access: a sync_cluster after it is missing");
  expect_fault<
      ends_before_the_read>(fault_kind::early_end,
                            "block (1, 0, 0) ends without waiting for this access: a sync_cluster after it is missing");
}

template <bool Wrong>
struct remote_out_of_bounds : planted_cluster {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    lane.sync_cluster();
    const auto there = lane.of_block(smem.x.at(0), 1 - lane.cluster_rank());
    lines.now = __LINE__, lane.store(there + (Wrong ? 256 : lane.rank()), 1.0f);
    lane.sync_cluster();
  }
};
template <bool Wrong>
struct in_front_of_the_memory : planted_cluster {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    lane.sync_cluster();
    const auto there = lane.of_block(smem.x.at(0), 1 - lane.cluster_rank());
    lines.now = __LINE__, lane.store(there + (Wrong ? -64 : lane.rank()), 1.0f);
    lane.sync_cluster();
  }
};
TEST(cluster_faults, a_remote_access_out_of_bounds) {
  expect_fault<remote_out_of_bounds>(fault_kind::out_of_bounds,
                                     "at byte 1024 of the shared memory of block 0 of the cluster");
  expect_fault<in_front_of_the_memory>(fault_kind::out_of_bounds,
                                       "at byte -256 of the shared memory of block 0 of the cluster");
}

template <bool Wrong>
struct no_such_block : planted_cluster {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    const int next = lane.cluster_rank() + 1;
    lane.sync_cluster();
    lines.now = __LINE__, lane.store(lane.of_block(smem.x.at(lane.rank()), Wrong ? next : next % 2), 1.0f);
    lane.sync_cluster();
  }
};
TEST(cluster_faults, a_block_that_the_cluster_has_not) {
  expect_fault<no_such_block>(fault_kind::out_of_bounds, "there is no block 2 in a cluster of 2");
  EXPECT_THROW(launch<no_such_block<true>>(unchecked_virtual_gpu(), {2}, planted_params{}), error);
}

template <bool Wrong>
struct misaligned_remote : planted_cluster {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    lane.sync_cluster();
    const auto there = lane.of_block(smem.x.at(lane.rank() * 4), 1 - lane.cluster_rank());
    lines.now = __LINE__, lane.store(there + (Wrong && lane.rank() == 5), splat<4>(1.0f));
    lane.sync_cluster();
  }
};
TEST(cluster_faults, a_remote_access_that_is_not_aligned) {
  expect_fault<misaligned_remote>(fault_kind::misaligned, "the shared memory of block 0 of the cluster");
  EXPECT_THROW(launch<misaligned_remote<true>>(unchecked_virtual_gpu(), {2}, planted_params{}), error);
}

template <bool Wrong>
struct reads_what_nobody_wrote : planted_cluster {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    if (!Wrong || lane.cluster_rank() == 0) lane.store(smem.x.at(lane.rank()), 1.0f);
    lane.sync_cluster();
    if (lane.cluster_rank() == 0)
      lines.now = __LINE__, lane.store(p.out + lane.rank(), lane.load(lane.of_block(smem.x.at(lane.rank()), 1)));
    lane.sync_cluster();
  }
};
TEST(cluster_faults, a_remote_read_of_what_nobody_wrote) {
  expect_fault<reads_what_nobody_wrote>(fault_kind::uninitialised, "no lane of the cluster has written these bytes");
}

template <bool Wrong>
struct reads_under_a_copy : planted_cluster {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    if (lane.cluster_rank() == 0) {
      lines.before = __LINE__, atoms::copy_async<4>(lane, smem.x.at(lane.rank()), p.in + lane.rank());
      atoms::commit_copies(lane);
      if (!Wrong) atoms::wait_copies<0>(lane);
    }
    lane.sync_cluster();
    if (lane.cluster_rank() == 1)
      lines.now = __LINE__, lane.store(p.out + lane.rank(), lane.load(lane.of_block(smem.x.at(lane.rank()), 0)));
    lane.sync_cluster();
  }
};
TEST(cluster_faults, a_remote_read_under_a_copy) {
  expect_fault<reads_under_a_copy>(fault_kind::missing_wait, "the copy is still in flight");
}

template <bool Wrong>
struct remote_write_over_an_mbarrier : planted_cluster {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    if (lane.rank() == 0 && lane.cluster_rank() == 0) {
      auto& barrier = *reinterpret_cast<mbarrier*>(smem.x.at(4).raw());
      lines.before = __LINE__, atoms::init(lane, barrier, 1);
      if (!Wrong) atoms::invalidate(lane, barrier);
    }
    lane.sync_cluster();
    if (lane.rank() == 0 && lane.cluster_rank() == 1)
      lines.now = __LINE__, lane.store(lane.of_block(smem.x.at(5), 0), 2.0f);
    lane.sync_cluster();
  }
};
TEST(cluster_faults, a_remote_write_over_an_mbarrier) {
  expect_fault<remote_write_over_an_mbarrier>(fault_kind::barrier_misuse,
                                              "of 4 bytes at byte 20 of the shared memory of block 0 of the cluster");
}

template <bool Wrong>
struct two_sync_clusters : planted_cluster {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared&) {
    if (!Wrong || lane.rank() == 40)
      lines.now = __LINE__, lane.sync_cluster();
    else
      lines.before = __LINE__, lane.sync_cluster();
    if (!Wrong) lines.before = 0;
  }
};
TEST(cluster_faults, lanes_of_a_warp_at_different_barriers) {
  expect_fault<two_sync_clusters>(fault_kind::collective, "all lanes of a warp must reach the same sync_cluster");
}

template <bool Wrong>
struct leaves_before_the_barrier : planted_cluster {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared&) {
    if (Wrong && lane.cluster_rank() == 1 && lane.rank() < 3) return;
    lines.now = __LINE__, lane.sync_cluster();
  }
};
template <bool Wrong>
struct block_that_leaves : planted_cluster {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared&) {
    if (Wrong && lane.cluster_rank() == 1) return;
    lines.now = __LINE__, lane.sync_cluster();
  }
};
TEST(cluster_faults, lanes_that_left_before_the_barrier) {
  expect_fault<block_that_leaves>(fault_kind::barrier_misuse, "64 lanes of the cluster have ended without reaching it");
  expect_fault<leaves_before_the_barrier>(fault_kind::barrier_misuse,
                                          "3 lanes of the cluster have ended without reaching it");
}

#endif

}  // namespace
