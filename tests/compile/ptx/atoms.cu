// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One use of each atom, so that ptxas sees its text.
#include <tilery/atoms/copy_async.hpp>
#include <tilery/atoms/copy_bulk.hpp>
#include <tilery/atoms/matrix_move.hpp>
#include <tilery/atoms/mma_sync.hpp>
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
  static constexpr bool allows_one_lane = false;
};

/// sm_80 and later.
struct copies : base {
  static constexpr features needs = features::copy_async | features::named_barriers;
  struct shared {
    shared_array<float, 256> x;
  };
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared& smem) {
    copy_async<4>(lane, smem.x.at(lane.rank()), p.in);
    copy_async<8>(lane, smem.x.at(2 * lane.rank()), p.in, 4);
    copy_async<16>(lane, smem.x.at(4 * lane.rank()), p.in, 8);
    copy_async_if<4>(lane, smem.x.at(lane.rank()), p.in, lane.rank() < 7);
    copy_async_if<8>(lane, smem.x.at(2 * lane.rank()), p.in, lane.rank() < 7);
    copy_async_if<16>(lane, smem.x.at(4 * lane.rank()), p.in, lane.rank() < 7);
    commit_copies(lane);
    wait_copies<1>(lane);
    wait_copies<0>(lane);
    sync_named(lane, 1, 64);
    arrive_named(lane, 2, 64);
  }
};

template <class A, class B = A, class Lane>
TILERY_SIMT void multiply(Lane lane, const params& p) {
  using fragments = mma_fragments<A, B>;
  typename fragments::a_type a[1];
  typename fragments::b_type b[1];
  typename fragments::c_type c[1][1];
  for (auto& r : a[0].r) r = static_cast<mma_register<A>>(lane.load(p.in));
  for (auto& r : b[0].r) r = static_cast<mma_register<B>>(lane.load(p.in));
  for (auto& r : c[0][0].r) r = 0;
  mma_sync<A, B>(lane, c, a, b);
  for (auto r : c[0][0].r) lane.store(p.out + lane.rank(), static_cast<float>(r));
}

/// sm_80 and later; two fp8 types from sm_89 on.
struct tensor_cores : base {
  static constexpr features needs = features::mma_f16 | features::mma_tf32 | features::mma_s8 | features::mma_f64;
  using shared = no_shared;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared&) {
    multiply<half>(lane, p);
    multiply<bf16>(lane, p);
    multiply<tf32>(lane, p);
    multiply<int8>(lane, p);
    multiply<double>(lane, p);
  }
};
struct tensor_cores_fp8 : base {
  static constexpr features needs = features::mma_fp8;
  using shared = no_shared;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared&) {
    multiply<fp8_e4m3>(lane, p);
    multiply<fp8_e5m2>(lane, p);
    multiply<fp8_e4m3, fp8_e5m2>(lane, p);
    multiply<fp8_e5m2, fp8_e4m3>(lane, p);
  }
};

struct matrices : base {
  struct shared {
    shared_array<float, 256> x;
  };
  template <int Count, matrix_order Order, class Lane>
  TILERY_SIMT static void load(Lane lane, const params& p, shared& smem) {
    std::uint32_t held[Count];
    load_matrices<Count, Order>(lane, held, smem.x.at(4 * lane.rank()));
    for (auto r : held) lane.store(p.out + lane.rank(), static_cast<float>(r));
  }
  template <int Count, matrix_order Order, class Lane>
  TILERY_SIMT static void store(Lane lane, const params& p, shared& smem) {
    std::uint32_t held[Count];
    for (auto& r : held) r = static_cast<std::uint32_t>(lane.load(p.in));
    store_matrices<Count, Order>(lane, smem.x.at(4 * lane.rank()), held);
  }
};
/// sm_75 and later.
struct matrix_loads : matrices {
  static constexpr features needs = features::ldmatrix;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared& smem) {
    load<1, matrix_order::rows>(lane, p, smem), load<1, matrix_order::transposed>(lane, p, smem);
    load<2, matrix_order::rows>(lane, p, smem), load<2, matrix_order::transposed>(lane, p, smem);
    load<4, matrix_order::rows>(lane, p, smem), load<4, matrix_order::transposed>(lane, p, smem);
  }
};
/// sm_90 and later.
struct matrix_stores : matrices {
  static constexpr features needs = features::stmatrix;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared& smem) {
    store<1, matrix_order::rows>(lane, p, smem), store<1, matrix_order::transposed>(lane, p, smem);
    store<2, matrix_order::rows>(lane, p, smem), store<2, matrix_order::transposed>(lane, p, smem);
    store<4, matrix_order::rows>(lane, p, smem), store<4, matrix_order::transposed>(lane, p, smem);
  }
};

/// sm_90 and later.
struct bulk_copies : base {
  static constexpr features needs = features::mbarrier | features::copy_bulk;
  struct shared {
    shared_array<float, 256> x;
    mbarrier full;
  };
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared& smem) {
    if (lane.rank() == 0) {
      init(lane, smem.full, 2);
      fence_proxy(lane);
      arrive_and_expect(lane, smem.full, 256);
      copy_bulk(lane, smem.x.at(0), p.in, 256, smem.full);
    } else if (lane.rank() == 1) {
      arrive(lane, smem.full);
    }
    wait(lane, smem.full, 0);
    lane.sync_block();
    if (lane.rank() == 0) invalidate(lane, smem.full);
    copy_bulk(lane, p.out, smem.x.at(0), 256);
    commit_bulk(lane);
    wait_bulk_reads<0>(lane);
    wait_bulk<0>(lane);
  }
};

/// The lane's own atomics on shared memory, and compare-and-swap on both memories.
struct atomics : base {
  struct shared {
    shared_array<int, 8> n;
    shared_array<float, 8> x;
    shared_array<unsigned long long, 8> wide;
  };
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared& smem) {
    int n = lane.atomic_add(smem.n.at(lane.rank() % 8), 1);
    n += lane.atomic_max(smem.n.at(1), n);
    n += lane.atomic_exchange(smem.n.at(2), n, order::release);
    n += lane.atomic_compare_exchange(smem.n.at(3), n, 5);
    n += lane.atomic_load(smem.n.at(4), order::acquire);
    lane.atomic_store(smem.n.at(5), n);
    const float x = lane.atomic_add(smem.x.at(1), 2.0f) + lane.atomic_compare_exchange(p.out, 1.0f, 2.0f);
    const auto wide = lane.atomic_add(smem.wide.at(0), 1ull) + lane.atomic_max(smem.wide.at(1), 3ull) +
                      lane.atomic_exchange(smem.wide.at(2), 3ull) +
                      lane.atomic_compare_exchange(smem.wide.at(3), 3ull, 4ull);
    lane.store(p.out + lane.rank(), x + static_cast<float>(n) + static_cast<float>(wide));
  }
};

/// sm_90 and later: the lane's own verbs of clusters, with accesses of each width.
struct clusters : base {
  static constexpr features needs = features::clusters;
  static constexpr int cluster = 2;
  struct shared {
    shared_array<float, 256> x;
    shared_array<half, 64> halves;
    shared_array<unsigned char, 64> bytes;
  };
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params&, shared& smem) {
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
  launch<one_of_each::tensor_cores>(tilery::cuda(), {1}, one_of_each::params{});
  launch<one_of_each::tensor_cores_fp8>(tilery::cuda(), {1}, one_of_each::params{});
  launch<one_of_each::matrix_loads>(tilery::cuda(), {1}, one_of_each::params{});
  launch<one_of_each::matrix_stores>(tilery::cuda(), {1}, one_of_each::params{});
  launch<one_of_each::bulk_copies>(tilery::cuda(), {1}, one_of_each::params{});
  launch<one_of_each::atomics>(tilery::cuda(), {1}, one_of_each::params{});
  launch<one_of_each::clusters>(tilery::cuda(), {2}, one_of_each::params{});
}
