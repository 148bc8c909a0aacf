// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A lane's verbs on every executor: one kernel that uses each, and what it must leave behind.
#include "tests/draw.hpp"
#include "tests/executors.hpp"

#include <tilery/simt/launch.hpp>

namespace {

using namespace tilery;

struct verbs_params {
  gmem_ptr<const float> in;
  gmem_ptr<float> out;
  gmem_ptr<int> counters;
  gmem_ptr<unsigned> votes;
};

/// Each block sums its 256 values through vectors, shuffles, shared memory and a barrier, and counts itself.
struct verbs_kernel {
  static constexpr const char* name = "verbs";
  static constexpr int threads = 64;
  static constexpr bool allows_one_lane = true;
  struct shared {
    shared_array<float, 2> sums;
  };

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const verbs_params& p, shared& smem) {
    const int block = lane.block().x + lane.block().y * lane.blocks().x;
    float total = 0;
    for (int i = lane.rank(); i < 64; i += lane.threads(threads))
      total += sum(lane.load(p.in + (block * 256 + i * 4), width<4>));
    for (int mask = Lane::warp_size / 2; mask > 0; mask /= 2) total += lane.shuffle_xor(total, mask);
    if (lane.warp_rank() == 0) lane.store(smem.sums.at(lane.warp()), total);
    lane.sync_block();
    if constexpr (!Lane::is_whole_block) total = lane.load(smem.sums.at(0)) + lane.load(smem.sums.at(1));
    lane.sync_warp();
    const unsigned votes = lane.ballot(lane.warp_rank() % 3 == 0);
    if (lane.rank() == 0) {
      lane.store(p.out + block, total);
      lane.store(p.votes + block, votes);
      lane.atomic_add(p.counters, 1, order::release, scope::device);
      lane.atomic_exchange(p.counters + 1, 7);
      lane.atomic_max(p.counters + 3, block * 5 % 6 - 3, order::acquire_release, scope::device);
      lane.atomic_max(p.votes + 6, 0x80000000u + block, order::relaxed, scope::system);
      lane.atomic_store(p.counters + 2, lane.atomic_load(p.counters + 1, order::acquire));
      lane.fence(order::acquire_release, scope::device);
    }
  }
};

struct shuffles_params {
  gmem_ptr<double> out;
};

struct shuffles_kernel {
  static constexpr const char* name = "shuffles";
  static constexpr int threads = 64;
  static constexpr bool allows_one_lane = false;
  using shared = no_shared;

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const shuffles_params& p, shared&) {
    const double mine = lane.rank();
    lane.store(p.out + lane.rank() * 3, lane.shuffle(mine, 5));
    lane.store(p.out + (lane.rank() * 3 + 1), lane.shuffle_down(mine, 4));
    lane.store(p.out + (lane.rank() * 3 + 2), lane.shuffle_xor(mine, 7));
  }
};

struct atomics_params {
  gmem_ptr<const int> in;   // 256 a block
  gmem_ptr<int> histogram;  // (block, 8)
  gmem_ptr<int> largest;    // (block)
  gmem_ptr<unsigned long long> locked;
  gmem_ptr<float> sums;  // (block, 2)
};
/// Atomics on shared memory, and compare-and-swap on both memories: each result is the same whoever comes first.
struct atomics_kernel {
  static constexpr const char* name = "atomics";
  static constexpr int threads = 64;
  static constexpr bool allows_one_lane = true;
  struct shared {
    shared_array<int, 8> bins;
    shared_array<int, 1> largest;
    shared_array<float, 2> sums;  // by addition, by compare-and-swap
    shared_array<unsigned long long, 1> places;
  };

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const atomics_params& p, shared& smem) {
    const int block = lane.block().x;
    if (lane.rank() == 0) {
      for (int i = 0; i < 8; ++i) lane.store(smem.bins.at(i), 0);
      lane.store(smem.largest.at(0), -1000);
      lane.atomic_store(smem.sums.at(0), 0.0f);
      lane.store(smem.sums.at(1), 0.0f);
      lane.atomic_exchange(smem.places.at(0), 5ull);
    }
    lane.sync_block();
    for (int i = lane.rank(); i < 256; i += lane.threads(threads)) {
      const int x = lane.load(p.in + (block * 256 + i));
      lane.atomic_add(smem.bins.at(x & 7), 1);
      lane.atomic_max(smem.largest.at(0), x, order::relaxed, scope::block);
      lane.atomic_add(smem.sums.at(0), 1.0f);
      float old = lane.atomic_load(smem.sums.at(1)), seen = old;
      do {
        old = seen;
        seen = lane.atomic_compare_exchange(smem.sums.at(1), old, old + 1);
      } while (seen != old);
      lane.atomic_add(smem.places.at(0), 1ull << 32);
      unsigned long long was = lane.atomic_load(p.locked), found = was;
      do {
        was = found;
        found = lane.atomic_compare_exchange(p.locked, was, was + (1ull << 33), order::acquire_release, scope::device);
      } while (found != was);
    }
    lane.sync_block();
    if (lane.rank() == 0) {
      for (int i = 0; i < 8; ++i) lane.store(p.histogram + (block * 8 + i), lane.load(smem.bins.at(i)));
      lane.store(p.largest + block, lane.atomic_exchange(smem.largest.at(0), 7));
      lane.store(p.sums + block * 2, lane.load(smem.sums.at(0)));
      lane.store(p.sums + (block * 2 + 1),
                 lane.load(smem.sums.at(1)) + static_cast<float>(lane.load(smem.places.at(0)) >> 32) * 1000);
    }
  }
};

template <class Executor>
class lane : public tilery_tests::on_executor<Executor> {};
TYPED_TEST_SUITE(lane, tilery_tests::executors);

TYPED_TEST(lane, does_what_its_verbs_say) {
  const auto values = tilery_tests::draw_values<float>(6 * 256);
  const auto in = this->put(values);
  const auto out = this->put(std::vector<float>(6));
  const auto counters = this->put(std::vector<int>{0, 0, 0, -3});
  const auto votes = this->put(std::vector<unsigned>(7));
  launch<verbs_kernel>(this->executor, {3, 2},
                       verbs_params{gmem_ptr<const float>(in.data_handle()), gmem_ptr<float>(out.data_handle()),
                                    gmem_ptr<int>(counters.data_handle()), gmem_ptr<unsigned>(votes.data_handle())});
  for (int b = 0; b < 6; ++b) {
    double want = 0;
    for (int i = 0; i < 256; ++i) want += values[b * 256 + i];
    EXPECT_NEAR(this->get(out)[b], want, 1e-4);
    EXPECT_EQ(this->get(votes)[b], TypeParam::lane::is_whole_block ? 1u : 0b01001001001001001001001001001001u);
  }
  EXPECT_EQ(this->get(counters), (std::vector<int>{6, 7, 7, 2}));
  EXPECT_EQ(this->get(votes)[6], 0x80000005u) << "unsigned";
}

TYPED_TEST(lane, changes_shared_memory_by_atomics) {
  constexpr int blocks = 3;
  std::vector<int> values(blocks * 256), bins(blocks * 8), largest(blocks, -1000);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<int>(i * 7919 % 1000) - 500;
    ++bins[i / 256 * 8 + static_cast<std::size_t>(values[i] & 7)];
    largest[i / 256] = std::max(largest[i / 256], values[i]);
  }
  const auto in = this->put(values), histogram = this->put(std::vector<int>(bins.size())),
             found = this->put(std::vector<int>(blocks));
  const auto locked = this->put(std::vector<unsigned long long>{1});
  const auto sums = this->put(std::vector<float>(blocks * 2));
  launch<atomics_kernel>(this->executor, {blocks},
                         atomics_params{gmem_ptr<const int>(in.data_handle()), gmem_ptr<int>(histogram.data_handle()),
                                        gmem_ptr<int>(found.data_handle()),
                                        gmem_ptr<unsigned long long>(locked.data_handle()),
                                        gmem_ptr<float>(sums.data_handle())},
                         {reads("in", in.view()), writes("histogram", histogram.view()),
                          writes("largest", found.view()), writes("locked", locked.view()),
                          writes("sums", sums.view())});
  EXPECT_EQ(this->get(histogram), bins);
  EXPECT_EQ(this->get(found), largest);
  EXPECT_EQ(this->get(locked)[0], 1 + blocks * (256ull << 33));
  for (int b = 0; b < blocks; ++b) {
    EXPECT_EQ(this->get(sums)[b * 2], 256.0f);
    EXPECT_EQ(this->get(sums)[b * 2 + 1], 256256.0f);
  }
}

TYPED_TEST(lane, refuses_a_grid_that_no_gpu_can_number) {
  EXPECT_THROW(launch<verbs_kernel>(this->executor, {1, 65536}, verbs_params{}), error);
  launch<verbs_kernel>(this->executor, {0, 5}, verbs_params{});  // empty: no launch
}

template <class Executor>
class warp_lane : public tilery_tests::on_executor<Executor> {};
TYPED_TEST_SUITE(warp_lane, tilery_tests::gpus);

TYPED_TEST(warp_lane, exchanges_values_within_its_warp) {
  const auto out = this->put(std::vector<double>(64 * 3));
  launch<shuffles_kernel>(this->executor, {1}, shuffles_params{gmem_ptr<double>(out.data_handle())});
  const auto got = this->get(out);
  for (int i = 0; i < 64; ++i) {
    const int warp = i / 32 * 32, rank = i % 32;
    EXPECT_EQ(got[i * 3], warp + 5);
    EXPECT_EQ(got[i * 3 + 1], warp + (rank + 4 < 32 ? rank + 4 : rank));
    EXPECT_EQ(got[i * 3 + 2], warp + (rank ^ 7));
  }
}

}  // namespace
