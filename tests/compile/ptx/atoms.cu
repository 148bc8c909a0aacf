// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One use of each atom, so that ptxas sees its text: ARCH is the arch in question.
#include <tilery/atoms/copy_async.hpp>
#include <tilery/atoms/copy_bulk.hpp>
#include <tilery/atoms/named_barrier.hpp>
#include <tilery/cuda.hpp>

namespace one_of_each {

using namespace tilery;
using namespace tilery::atoms;

struct params {
  gmem_ptr<const float> in;
  gmem_ptr<float> out;
};

struct base {
  static constexpr const char* name = "atoms";
  static constexpr int threads = 64;
  static constexpr bool holds_alone = false;
};

/// sm_80 and later.
struct copies : base {
  static constexpr arch lowest = arch::sm_80;
  struct shared {
    shared_array<float, 256> x;
  };
  template <class Lane>
  SIMT static void run(Lane lane, const params& p, shared& smem) {
    copy_async<4>(lane, smem.x.at(lane.rank()), p.in);
    copy_async<8>(lane, smem.x.at(2 * lane.rank()), p.in, 4);
    copy_async<16>(lane, smem.x.at(4 * lane.rank()), p.in, 8);
    commit_copies(lane);
    wait_copies<1>(lane);
    wait_copies<0>(lane);
    sync_named(lane, 1, 64);
    arrive_named(lane, 2, 64);
  }
};

/// sm_90 and later.
struct bulk_copies : base {
  static constexpr arch lowest = arch::sm_90;
  struct shared {
    shared_array<float, 256> x;
    mbarrier full;
  };
  template <class Lane>
  SIMT static void run(Lane lane, const params& p, shared& smem) {
    if (lane.rank() == 0) {
      init(lane, smem.full, 2);
      fence_proxy(lane);
      arrive_and_expect(lane, smem.full, 256);
      copy_bulk(lane, smem.x.at(0), p.in, 256, smem.full);
    } else if (lane.rank() == 1) {
      arrive(lane, smem.full);
    }
    wait(lane, smem.full, 0);
    copy_bulk(lane, p.out, smem.x.at(0), 256);
    commit_bulk(lane);
    wait_bulk_reads<0>(lane);
    wait_bulk<0>(lane);
  }
};

/// sm_90 and later: the lane's own verbs of clusters, with accesses of each width.
struct clusters : base {
  static constexpr arch lowest = arch::sm_90;
  static constexpr int cluster = 2;
  struct shared {
    shared_array<float, 256> x;
    shared_array<half, 64> halves;
    shared_array<unsigned char, 64> bytes;
  };
  template <class Lane>
  SIMT static void run(Lane lane, const params&, shared& smem) {
    const int other = (lane.cluster_rank() + 1) % lane.cluster_size();
    const auto there = lane.of_block(smem.x.at(0), other);
    const auto halves = lane.of_block(smem.halves.at(0), other);
    const auto bytes = lane.of_block(smem.bytes.at(0), other);
    lane.store(there + 1, lane.load(there));
    lane.store(there + 4, lane.load(there + 2, width<2>));
    lane.store(there + 12, lane.load(there + 8, width<4>));
    lane.store(halves + 1, lane.load(halves));
    lane.store(bytes + 1, lane.load(bytes));
    lane.sync_cluster();
  }
};

}  // namespace one_of_each

void use() {
  launch<one_of_each::copies>(tilery::cuda(), {1}, one_of_each::params{});
  launch<one_of_each::bulk_copies>(tilery::cuda(), {1}, one_of_each::params{});
  launch<one_of_each::clusters>(tilery::cuda(), {2}, one_of_each::params{});
}
