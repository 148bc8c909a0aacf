// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Kernels that were written to deceive the checks: wrong ones that must be reported, at their lines, and right ones
// that look wrong and must run clean. Under every schedule.
#include <tilery/atoms/copy_async.hpp>
#include <tilery/atoms/copy_bulk.hpp>
#include <tilery/atoms/named_barrier.hpp>
#include "tests/planted.hpp"
namespace {
using namespace tilery;
using namespace tilery_tests;
using namespace tilery::atoms;
#define RUN                                                                                         \
  template <class Lane>                                                                             \
  TILERY_SIMT static void run([[maybe_unused]] Lane lane, [[maybe_unused]] const planted_params& p, \
                              [[maybe_unused]] shared& smem)
template <class K>
void clean() {
  for (std::uint64_t s = 0; s < 5; ++s) EXPECT_EQ(text_of(report_of<K>(s)), "") << "seed " << s;
}
template <class K>
void faulty() {
  for (std::uint64_t s = 0; s < 5; ++s) EXPECT_NE(text_of(report_of<K>(s)), "") << "seed " << s;
}
/// a fault whose two lines are the noted ones, in any order, under every schedule
template <class K>
void at_lines() {
  for (std::uint64_t s = 0; s < 5; ++s) {
    lines = {};
    const auto r = report_of<K>(s);
    bool found = false;
    for (const fault& f : r.faults)
      found |= std::min(f.now.site.line.line, f.before.site.line.line) == std::min(lines.now, lines.before) &&
               std::max(f.now.site.line.line, f.before.site.line.line) == std::max(lines.now, lines.before);
    EXPECT_TRUE(found) << "seed " << s << " lines " << lines.before << ", " << lines.now << ":\n" << text_of(r);
  }
}
#define BASE(name, nthreads, nblocks)        \
  struct name : planted_base {               \
    static constexpr int threads = nthreads; \
    static constexpr int blocks = nblocks;

// plain initialisation hidden by the same lane's atomic
BASE(plain_init_then_atomic, 32, 2) RUN {
  if (lane.rank() != 0) return;
  if (lane.block().x == 0) lines.before = __LINE__, lane.store(p.flags, 0);
  lines.now = __LINE__, lane.atomic_add(p.flags, 1);
}
};
TEST(reported, plain_write_hidden_by_an_atomic) { at_lines<plain_init_then_atomic>(); }
// plain read hidden by an atomic read of the same lane
BASE(plain_read_then_atomic, 32, 2) RUN {
  if (lane.rank() != 0) return;
  if (lane.block().x == 0) {
    lines.before = __LINE__, lane.load(p.flags);
    lane.atomic_load(p.flags);
  } else
    lines.now = __LINE__, lane.atomic_exchange(p.flags, 1);
}
}
;
TEST(reported, plain_read_hidden_by_an_atomic) { at_lines<plain_read_then_atomic>(); }
// atomic of lane 0 hidden by unordered atomic of lane 32, whose warp reads plainly
BASE(atomic_hidden, 64, 1) RUN {
  if (lane.rank() == 0 || lane.rank() == 32) lines.before = __LINE__, lane.atomic_add(p.flags, 1);
  lane.sync_warp();
  if (lane.rank() == 33) lines.now = __LINE__, lane.load(p.flags);
}
}
;
TEST(reported, atomic_hidden_by_an_atomic) { at_lines<atomic_hidden>(); }
// atomic read hidden by atomic write
BASE(atomic_read_hidden, 32, 2) RUN {
  if (lane.rank() != 0) return;
  if (lane.block().x == 0)
    lines.before = __LINE__, lane.atomic_load(p.flags);
  else {
    lane.atomic_exchange(p.flags, 1);
    lines.now = __LINE__, lane.store(p.flags, 2);
  }
}
}
;
TEST(reported, atomic_read_hidden_by_an_atomic_write) { at_lines<atomic_read_hidden>(); }
// acquire fence of block scope
BASE(block_fence_acquire, 32, 2) RUN {
  if (lane.rank() != 0) return;
  if (lane.atomic_exchange(p.flags + 1, 1) == 0) {  // whoever comes first
    lines.before = __LINE__, lane.store(p.out, 1.0f);
    lane.atomic_exchange(p.flags, 1, order::release);
  } else {
    if (lane.atomic_load(p.flags, order::relaxed) == 1) {
      lane.fence(order::acquire_release, scope::block);
      lines.now = __LINE__, lane.load(p.out);
    }
  }
}
}
;
TEST(reported, acquire_fence_of_block_scope) { at_lines<block_fence_acquire>(); }
// relaxed fence
BASE(relaxed_fence, 32, 2) RUN {
  if (lane.rank() != 0) return;
  if (lane.atomic_exchange(p.flags + 1, 1) == 0) {  // whoever comes first
    lines.before = __LINE__, lane.store(p.out, 1.0f);
    lane.atomic_exchange(p.flags, 1, order::release);
  } else {
    if (lane.atomic_load(p.flags, order::relaxed) == 1) {
      lane.fence(order::relaxed);
      lines.now = __LINE__, lane.load(p.out);
    }
  }
}
}
;
TEST(reported, relaxed_fence_acquires) { at_lines<relaxed_fence>(); }
// missing proxy fence, many epochs
template <int N>
struct many_epochs : planted_base {
  static constexpr int threads = 256;
  struct shared {
    shared_array<float, 512> x;
  };
  RUN {
    for (int i = 0; i < N; ++i) {
      lane.store(smem.x.at(lane.rank()), 1.0f);
      lines.before = __LINE__, lane.store(smem.x.at(lane.rank() + 256), 1.0f);
    }
    lane.sync_block();
    if (lane.rank() == 0) {
      lines.now = __LINE__, copy_bulk(lane, p.out, smem.x.at(256), 256);
      commit_bulk(lane);
      wait_bulk<0>(lane);
    }
  }
};
TEST(reported, missing_proxy_fence_with_few_writes) { at_lines<many_epochs<4>>(); }
TEST(reported, missing_proxy_fence_with_many_writes) { at_lines<many_epochs<64>>(); }
// two bulk copies in one phase to one destination, same line
BASE(bulk_twice, 32, 1) struct shared {
  shared_array<float, 128> x;
  mbarrier b;
};
RUN {
  if (lane.rank() == 0) {
    init(lane, smem.b, 1);
    fence_proxy(lane);
    arrive_and_expect(lane, smem.b, 512);
    for (int i = 0; i < 2; ++i)
      lines.now = lines.before = __LINE__, copy_bulk(lane, smem.x.at(0), p.in + i * 64, 256, smem.b);
    wait(lane, smem.b, 0);
  }
}
}
;
TEST(reported, two_copies_to_one_place_from_one_line) { at_lines<bulk_twice>(); }
BASE(cp_twice, 32, 1) RUN {
  for (int i = 0; i < 2; ++i)
    lines.now = lines.before = __LINE__, copy_async<4>(lane, smem.x.at(lane.rank()), p.in + i * 64 + lane.rank());
  commit_copies(lane);
  wait_copies<0>(lane);
}
}
;
TEST(reported, two_cp_async_to_one_place_from_one_line) { at_lines<cp_twice>(); }
// exit with bulk copy reading shared memory
BASE(exits_under_way, 32, 1) RUN {
  lane.store(smem.x.at(lane.rank()), 1.0f);
  fence_proxy(lane);
  lane.sync_warp();
  if (lane.rank() == 0) {
    lines.now = __LINE__, copy_bulk(lane, p.out, smem.x.at(0), 128);
    commit_bulk(lane);
  }
}
}
;
TEST(reported, block_ends_while_a_bulk_copy_reads_its_memory) { faulty<exits_under_way>(); }
// nc load of what the launch writes
BASE(nc_load, 64, 1) RUN {
  lines.before = __LINE__, lane.store(p.out + lane.rank(), 1.0f);
  lane.sync_block();
  lines.now = __LINE__, lane.load(gmem_ptr<const float>(p.out) + (63 - lane.rank()));
}
}
;
TEST(reported, read_only_path_of_what_is_written) { faulty<nc_load>(); }
// named barriers
BASE(named_odd, 64, 1) RUN {
  sync_named(lane, 1, 48);
  sync_named(lane, 1, 16);
}
}
;
BASE(named_half, 64, 1) RUN {
  if (lane.warp_rank() < 16) sync_named(lane, 1, 32);
}
}
;
BASE(named_disagree, 64, 1) RUN {
  if (lane.warp() == 0)
    arrive_named(lane, 1, 96);
  else
    sync_named(lane, 1, 64);
}
}
;
TEST(reported, named_half_warps) { faulty<named_half>(); }
TEST(reported, named_disagree) { faulty<named_disagree>(); }
BASE(named_count, 48, 1) RUN { sync_named(lane, 1, 48); }
}
;
TEST(reported, named_count_no_multiple) { faulty<named_count>(); }
// fence.proxy.async.shared::cta does not cover global memory
BASE(global_proxy, 64, 1) struct shared {
  shared_array<float, 128> x;
  mbarrier b;
};
RUN {
  lines.before = __LINE__, lane.store(p.out + lane.rank(), 1.0f);
  if (lane.rank() == 0) init(lane, smem.b, 1);
  fence_proxy(lane);
  lane.sync_block();
  if (lane.rank() == 0) {
    arrive_and_expect(lane, smem.b, 256);
    lines.now = __LINE__, copy_bulk(lane, smem.x.at(0), gmem_ptr<const float>(p.out), 256, smem.b);
  }
  wait(lane, smem.b, 0);
}
}
;
TEST(reported, shared_proxy_fence_for_global_memory) { at_lines<global_proxy>(); }
// cp.async result -> bulk copy out without proxy fence
BASE(cp_then_bulk, 64, 1) RUN {
  lines.before = __LINE__, copy_async<4>(lane, smem.x.at(lane.rank()), p.in + lane.rank());
  commit_copies(lane);
  wait_copies<0>(lane);
  lane.sync_block();
  if (lane.rank() == 0) {
    lines.now = __LINE__, copy_bulk(lane, p.out, smem.x.at(0), 256);
    commit_bulk(lane);
    wait_bulk<0>(lane);
  }
}
}
;
TEST(reported, cp_async_is_generic_proxy) { at_lines<cp_then_bulk>(); }
// readers of one warp and time from two lines are merged
BASE(two_lines_of_readers, 64, 1) RUN {
  if (lane.rank() == 0) lines.before = __LINE__, lane.load(p.out);
  if (lane.rank() == 1) lane.load(p.out);
  if (lane.rank() == 1) lane.atomic_add(p.flags, 1, order::release);
  if (lane.rank() == 32) {
    lane.wait_until(p.flags, [](int v) { return v == 1; });
    lines.now = __LINE__, lane.store(p.out, 1.0f);
  }
}
}
;
TEST(told_adversarial, reader_sites_merge) { at_lines<two_lines_of_readers>(); }
// the lane of a bulk copy
BASE(lane_of_copy, 64, 1) struct shared {
  shared_array<float, 128> x;
  mbarrier a, b;
};
RUN {
  if (lane.rank() == 5) {
    init(lane, smem.a, 1);
    init(lane, smem.b, 1);
    arrive_and_expect(lane, smem.b, 256);
    copy_bulk(lane, smem.x.at(0), p.in, 256, smem.b);
    lane.load(smem.x.at(0));
    wait(lane, smem.b, 0);
  }
}
}
;
TEST(told_adversarial, lane_of_a_bulk_copy) {
  const auto r = report_of<lane_of_copy>(0);
  ASSERT_FALSE(r.faults.empty());
  EXPECT_EQ(r.faults[0].before.lane, 5) << text_of(r);
}
// the lane of a bulk copy of another block, which has ended or waits; two lanes issue copies on two mbarriers
BASE(lane_of_remote_copy, 96, 2) struct shared {
  shared_array<float, 128> x;
  mbarrier a, b;
};
RUN {
  const int issuer = lane.block().x == 0 ? 40 : 70;
  if (lane.rank() == issuer) {
    init(lane, smem.a, 1);
    init(lane, smem.b, 1);
    arrive_and_expect(lane, smem.b, 256);
    copy_bulk(lane, smem.x.at(0), gmem_ptr<const float>(p.out), 256, smem.b);
    wait(lane, smem.b, 0);
  }
  if (lane.rank() == 3 && lane.block().x == 1) lane.store(p.out, 1.0f);
}
}
;
TEST(told_adversarial, lane_of_a_bulk_copy_of_another_block) {
  bool found = false;
  for (std::uint64_t s = 0; s < 10; ++s)
    for (const fault& f : report_of<lane_of_remote_copy>(s).faults)
      for (const fault_access& one : {f.now, f.before}) {
        if (one.block.x != 0) continue;
        found = true;
        EXPECT_EQ(one.lane, 40) << "seed " << s << ": " << f.text();
      }
  EXPECT_TRUE(found);
}

// ---- right kernels
BASE(two_fences, 32, 2) RUN {
  if (lane.rank() != 0) return;
  if (lane.block().x == 0) {
    lane.store(p.out, 1.0f);
    lane.fence(order::acquire_release, scope::device);
    lane.fence(order::acquire_release, scope::block);
    lane.atomic_store(p.flags, 1);
  } else {
    lane.wait_until(p.flags, [](int v) { return v == 1; });
    lane.load(p.out);
  }
}
}
;
TEST(clean, device_fence_then_block_fence) { clean<two_fences>(); }
// polling by atomic_load between lanes
BASE(polls, 64, 1) RUN {
  if (lane.rank() == 0) {
    while (lane.atomic_load(p.flags, order::acquire) == 0) {
    }
    lane.load(p.out);
  }
  if (lane.rank() == 32) {
    lane.store(p.out, 1.0f);
    lane.atomic_store(p.flags, 1, order::release);
  }
}
}
;
TEST(clean, polling) {
  std::vector<float> v(256), o(256);
  std::vector<int> fl(8);
  launch_report r;
  launch<polls>(virtual_gpu(arch::sm_90, {.report = &r, .step_limit = 1000000}), {1},
                planted_params{gmem_ptr<const float>(v.data()), gmem_ptr<float>(o.data()), gmem_ptr<int>(fl.data())});
  EXPECT_EQ(text_of(r), "");
}
BASE(chain3, 64, 3) RUN {
  const int b = lane.block().x;
  if (b > 0) {
    if (lane.rank() == 3) lane.wait_until(p.flags + (b - 1), [](int v) { return v == 1; });
    lane.sync_block();
  }
  if (b == 2) lane.load(p.out + (63 - lane.rank()));
  if (b == 0) lane.store(p.out + lane.rank(), 1.0f);
  lane.sync_block();
  if (lane.rank() == 40 && b < 2) lane.atomic_store(p.flags + b, 1, order::release);
}
}
;
TEST(clean, chain_of_flags) { clean<chain3>(); }
BASE(rmw_chain, 32, 4) RUN {
  const int b = lane.block().x;
  if (lane.rank() == 0) {
    if (b == 0) {
      lane.store(p.out, 1.0f);
      lane.atomic_add(p.flags, 1, order::release);
    } else if (b < 3)
      lane.atomic_add(p.flags, 1);
    else
      lane.wait_until(p.flags, [](int v) { return v == 3; });
  }
  lane.sync_warp();
  if (b == 3) lane.load(p.out);
}
}
;
TEST(clean, release_sequence) { clean<rmw_chain>(); }
BASE(lanes_release, 64, 1) RUN {
  lane.store(p.out + lane.rank(), 1.0f);
  if (lane.warp() == 0)
    lane.atomic_add(p.flags, 1, order::release);
  else {
    if (lane.rank() == 63) lane.wait_until(p.flags, [](int v) { return v == 32; });
    lane.sync_warp();
    lane.load(p.out + lane.warp_rank());
  }
}
}
;
TEST(clean, lanes_release_separately) { clean<lanes_release>(); }
BASE(fences_both, 64, 2) RUN {
  if (lane.block().x == 0) {
    lane.store(p.out + lane.rank(), 1.0f);
    lane.sync_block();
    if (lane.rank() == 0) {
      lane.fence();
      lane.atomic_store(p.flags, 1);
    }
  } else {
    if (lane.rank() == 9) {
      lane.wait_until(p.flags, [](int v) { return v == 1; });
      lane.fence();
    }
    lane.sync_block();
    lane.load(p.out + lane.rank());
  }
}
}
;
TEST(clean, fences_on_both_sides) { clean<fences_both>(); }
BASE(last_warp_small, 49, 2) RUN {
  lane.store(smem.x.at(lane.rank()), 1.0f);
  lane.sync_block();
  lane.load(smem.x.at(48 - lane.rank()));
  lane.sync_warp();
  lane.shuffle_xor(1, 1);
  lane.store(p.out + (lane.rank() + 64 * lane.block().x), lane.load(smem.x.at(lane.rank())));
  lane.sync_block();
  lane.store(smem.x.at((lane.rank() + 7) % 49), 2.0f);
  lane.sync_warp();
  lane.ballot(true);
}
}
;
TEST(clean, last_warp_is_small) { clean<last_warp_small>(); }
BASE(vec_over_writers, 64, 1) RUN {
  lane.store(smem.x.at(lane.rank()), 1.0f);
  lane.sync_block();
  if (lane.rank() < 16) lane.load(smem.x.at(lane.rank() * 4), width<4>);
  lane.sync_block();
  if (lane.rank() < 16) lane.store(smem.x.at(lane.rank() * 4), splat<4>(0.0f));
  lane.sync_block();
  lane.load(smem.x.at(lane.rank()));
}
}
;
TEST(clean, vectors_over_writers) { clean<vec_over_writers>(); }
BASE(in_place, 64, 4) RUN {
  const int i = lane.block().x * 64 + lane.rank();
  lane.store(p.out + i, lane.load(p.out + i) + 1);
}
}
;
TEST(clean, in_place) { clean<in_place>(); }
BASE(cp_lines, 64, 1) RUN {
  for (int k = 0; k < 3; ++k) {
    copy_async<4>(lane, smem.x.at((lane.rank() % 32) * 2 + lane.warp()), p.in + lane.rank());
    commit_copies(lane);
    wait_copies<0>(lane);
    lane.sync_block();
    lane.load(smem.x.at(63 - lane.rank()));
    lane.sync_block();
  }
}
}
;
TEST(clean, cp_async_interleaved) { clean<cp_lines>(); }
BASE(named_reuse, 128, 1) RUN {
  for (int k = 0; k < 20; ++k) {
    if (lane.warp() < 2) {
      if (k) sync_named(lane, 2, 128);
      lane.store(smem.x.at(lane.rank()), 1.0f);
      arrive_named(lane, 1, 128);
    } else {
      sync_named(lane, 1, 128);
      lane.load(smem.x.at(127 - lane.rank()));
      if (k < 19) arrive_named(lane, 2, 128);
    }
  }
}
}
;
TEST(clean, named_reused) { clean<named_reuse>(); }
BASE(bulk_out_other_block, 64, 2) RUN {
  if (lane.block().x == 0) {
    lane.store(smem.x.at(lane.rank()), 3.0f);
    fence_proxy(lane);
    lane.sync_block();
    if (lane.rank() == 0) {
      copy_bulk(lane, p.out, smem.x.at(0), 256);
      commit_bulk(lane);
      wait_bulk<0>(lane);
      lane.atomic_store(p.flags, 1, order::release);
    }
  } else {
    if (lane.rank() == 0) lane.wait_until(p.flags, [](int v) { return v == 1; });
    lane.sync_block();
    EXPECT_EQ(lane.load(p.out + lane.rank()), 3.0f);
  }
}
}
;
TEST(clean, bulk_out_read_by_other_block) { clean<bulk_out_other_block>(); }
// sliding windows
struct win_params {
  gmem_matrix<const float> x;
};
struct window {
  static constexpr const char* name = "w";
  static constexpr int threads = 32;
  static constexpr bool allows_one_lane = false;
  using shared = no_shared;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const win_params& p, no_shared&) {
    if (lane.rank() < 16) lane.load(p.x.at(lane.rank() / 4, lane.rank() % 4));
  }
};
TEST(clean, sliding_window_view) {
  std::vector<float> v(16);
  tensor_view<const float, 2> view = matrix(static_cast<const float*>(v.data()), 4, 4, 4);
  view.strides[0] = view.strides[1] = 1;
  EXPECT_NO_THROW(launch<window>(virtual_gpu(), {1}, win_params{for_kernel<const float>(view)}, {reads("x", view)}));
}
// element larger than the access
struct el_params {
  gmem_ptr<float> x;
};
struct finer {
  static constexpr const char* name = "f";
  static constexpr int threads = 64;
  static constexpr bool allows_one_lane = false;
  using shared = no_shared;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const el_params& p, no_shared&) {
    lane.store(p.x + lane.rank(), 1.0f);
  }
};
TEST(clean, access_finer_than_the_element) {
  std::vector<double> v(32);
  EXPECT_NO_THROW(launch<finer>(virtual_gpu(), {1}, el_params{gmem_ptr<float>(reinterpret_cast<float*>(v.data()))},
                                {writes("x", vector(v.data(), 32))}));
}
TEST(clean, two_element_sizes) {
  std::vector<double> v(32);
  EXPECT_NO_THROW(
      launch<finer>(virtual_gpu(), {1}, el_params{gmem_ptr<float>(reinterpret_cast<float*>(v.data()))},
                    {reads("d", vector(v.data(), 32)), writes("x", vector(reinterpret_cast<float*>(v.data()), 64))}));
}
struct f3 {
  float a, b, c;
};
struct f3_params {
  gmem_ptr<f3> x;
};
struct three {
  static constexpr const char* name = "t";
  static constexpr int threads = 32;
  static constexpr bool allows_one_lane = false;
  using shared = no_shared;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const f3_params& p, no_shared&) {
    lane.store(p.x + lane.rank(), f3{1, 2, 3});
  }
};
TEST(clean, a_struct_of_12_bytes) {
  alignas(16) static f3 v[33];
  EXPECT_NO_THROW(launch<three>(virtual_gpu(), {1},
                                f3_params{gmem_ptr<f3>(reinterpret_cast<f3*>(reinterpret_cast<float*>(v) + 1))},
                                {writes("x", vector(reinterpret_cast<f3*>(reinterpret_cast<float*>(v) + 1), 32))}));
}
// blocks in y and z
BASE(yz, 32, 1) RUN {
  const int b = lane.block().x + 2 * (lane.block().y + 2 * lane.block().z);
  lane.store(p.out + (b * 32 + lane.rank()), 1.0f);
}
}
;
TEST(clean, blocks_in_y_and_z) {
  std::vector<float> v(256), o(256);
  std::vector<int> fl(8);
  EXPECT_NO_THROW(
      launch<yz>(virtual_gpu(), {2, 2, 2},
                 planted_params{gmem_ptr<const float>(v.data()), gmem_ptr<float>(o.data()), gmem_ptr<int>(fl.data())},
                 {writes("o", vector(o.data(), 256))}));
}
// faults of a launch that throws something else
BASE(throws, 32, 1) RUN {
  if (lane.rank() == 0) lane.store(p.out + 300, 1.0f);
  if (lane.rank() == 1) throw std::runtime_error("x");
}
}
;
TEST(told_adversarial, faults_before_an_exception_reach_the_report) {
  std::vector<float> v(256), o(256);
  std::vector<int> fl(8);
  launch_report r;
  EXPECT_ANY_THROW(launch<throws>(virtual_gpu(arch::sm_90, {.report = &r}), {1},
                                  planted_params{gmem_ptr<const float>(v.data()), gmem_ptr<float>(o.data()),
                                                 gmem_ptr<int>(fl.data())},
                                  {writes("o", vector(o.data(), 256))}));
  EXPECT_EQ(r.faults.size(), 1u);
}
// several mbarriers, stages, two consumer warps, accumulators written out by bulk copy
BASE(pipe, 96, 2) struct shared {
  shared_array<float, 256> x;
  shared_array<float, 64> y;
  mbarrier full[3], empty[3];
};
RUN {
  if (lane.rank() == 0) {
    for (int s = 0; s < 3; ++s) init(lane, smem.full[s], 1), init(lane, smem.empty[s], 2);
    fence_proxy(lane);
  }
  lane.sync_block();
  if (lane.warp() == 0) {
    if (lane.rank() == 0)
      for (int k = 0; k < 12; ++k) {
        const int s = k % 3;
        if (k >= 3) wait(lane, smem.empty[s], (k / 3 - 1) % 2);
        arrive_and_expect(lane, smem.full[s], 256);
        copy_bulk(lane, smem.x.at(s * 64), p.in + (k % 4) * 64, 128, smem.full[s]);
        copy_bulk(lane, smem.x.at(s * 64 + 32), p.in + (k % 4) * 64 + 32, 128, smem.full[s]);
      }
  } else {
    float sum = 0;
    for (int k = 0; k < 12; ++k) {
      const int s = k % 3;
      wait(lane, smem.full[s], k / 3 % 2);
      sum += lane.load(smem.x.at(s * 64 + lane.rank() - 32));
      lane.sync_warp();
      if (lane.warp_rank() == 0) arrive(lane, smem.empty[s]);
    }
    lane.store(smem.y.at(lane.rank() - 32), sum);
    fence_proxy(lane);
    sync_named(lane, 1, 64);
    if (lane.rank() == 32) {
      copy_bulk(lane, p.out + lane.block().x * 64, smem.y.at(0), 256);
      commit_bulk(lane);
      wait_bulk<0>(lane);
    }
  }
}
}
;
TEST(clean, pipeline_three_stages) { clean<pipe>(); }
// a consumer lane alone waits, then sync_warp
BASE(one_waits, 64, 1) struct shared {
  shared_array<float, 64> x;
  mbarrier b;
};
RUN {
  if (lane.rank() == 0) {
    init(lane, smem.b, 1);
    fence_proxy(lane);
  }
  lane.sync_block();
  if (lane.rank() == 63) {
    arrive_and_expect(lane, smem.b, 256);
    copy_bulk(lane, smem.x.at(0), p.in, 256, smem.b);
  }
  if (lane.warp() == 0) {
    if (lane.rank() == 9) wait(lane, smem.b, 0);
    lane.sync_warp();
    lane.load(smem.x.at(lane.rank()));
  }
}
}
;
TEST(clean, one_lane_waits_for_its_warp) { clean<one_waits>(); }
// in-place of cp.async: load tile, modify, bulk out
BASE(grid_barrier, 64, 4) RUN {
  for (int r = 0; r < 4; ++r) {
    const int me = lane.block().x;
    lane.store(p.out + (me * 64 + lane.rank()), 1.0f);
    lane.sync_block();
    if (lane.rank() == 0) {
      lane.atomic_add(p.flags, 1, order::release);
      lane.wait_until(p.flags, [r](int v) { return v >= 4 * (2 * r + 1); });
    }
    lane.sync_block();
    lane.load(p.out + ((me + 1) % 4 * 64 + lane.rank()));
    lane.sync_block();
    if (lane.rank() == 0) {
      lane.atomic_add(p.flags, 1, order::release);
      lane.wait_until(p.flags, [r](int v) { return v >= 4 * (2 * r + 2); });
    }
    lane.sync_block();
  }
}
}
;
TEST(clean, grid_barriers) { clean<grid_barrier>(); }
// a lock: exchange acquire / store release
BASE(ticket, 32, 4) RUN {
  if (lane.rank() == 0) {
    const int t = lane.atomic_add(p.flags, 1);
    lane.wait_until(p.flags + 1, [t](int v) { return v == t; });
    lane.store(p.out, lane.load(p.out) + 1);
    lane.atomic_add(p.flags + 1, 1, order::release);
  }
}
}
;
TEST(clean, ticket_lock) { clean<ticket>(); }
// spin on atomic_exchange (lock)
// source re-use of bulk copy by reads only; engine-read then lane-read: no conflict
BASE(read_while_copied, 32, 1) RUN {
  lane.store(smem.x.at(lane.rank()), 1.0f);
  fence_proxy(lane);
  lane.sync_warp();
  if (lane.rank() == 0) {
    copy_bulk(lane, p.out, smem.x.at(0), 128);
    commit_bulk(lane);
  }
  lane.load(smem.x.at(31 - lane.rank()));
  if (lane.rank() == 0) wait_bulk<0>(lane);
  lane.sync_warp();
  lane.store(smem.x.at(lane.rank()), 2.0f);
  lane.load(p.out + lane.rank());
}
}
;
TEST(clean, reads_beside_the_engine) { clean<read_while_copied>(); }
// engine writes, lanes read, engine writes again into the same place (two phases), no fence for reads
BASE(two_phases, 32, 1) struct shared {
  shared_array<float, 64> x;
  mbarrier b;
};
RUN {
  if (lane.rank() == 0) {
    init(lane, smem.b, 1);
    fence_proxy(lane);
  }
  lane.sync_warp();
  for (int k = 0; k < 5; ++k) {
    if (lane.rank() == 0) {
      arrive_and_expect(lane, smem.b, 128);
      copy_bulk(lane, smem.x.at(0), p.in + k * 32, 128, smem.b);
    }
    wait(lane, smem.b, k % 2);
    lane.load(smem.x.at(lane.rank()));
    lane.sync_warp();
  }
}
}
;
TEST(clean, phases_in_one_place) { clean<two_phases>(); }
// re-initialised mbarrier behind a block barrier
BASE(reinit, 64, 1) struct shared {
  shared_array<float, 64> x;
  mbarrier b;
};
RUN {
  for (int k = 0; k < 3; ++k) {
    if (lane.rank() == k) init(lane, smem.b, 64);
    lane.sync_block();
    lane.store(smem.x.at(lane.rank()), 1.0f);
    arrive(lane, smem.b);
    wait(lane, smem.b, 0);
    lane.load(smem.x.at(63 - lane.rank()));
    lane.sync_block();
  }
}
}
;
TEST(clean, reinitialised) { clean<reinit>(); }
// lanes leave early, others go on by mbarrier / warps that are done leave before a barrier of the rest
BASE(warp_leaves, 96, 1) RUN {
  if (lane.warp() == 2) return;
  lane.store(smem.x.at(lane.rank()), 1.0f);
  sync_named(lane, 1, 64);
  lane.load(smem.x.at(63 - lane.rank()));
}
}
;
TEST(clean, a_warp_leaves_before_a_named_barrier) { clean<warp_leaves>(); }
// misaligned mbarrier
BASE(mis_mbar, 32, 1) RUN {
  if (lane.rank() == 0) init(lane, *reinterpret_cast<mbarrier*>(smem.x.at(1).raw()), 1);
}
}
;
#ifndef TILERY_ASAN_FIBERS  // the undefined-behaviour sanitizer stops at the reference
TEST(reported, misaligned_mbarrier) { faulty<mis_mbar>(); }
#endif
// mbarrier init without a fence for the async proxy
BASE(no_init_fence, 32, 1) struct shared {
  shared_array<float, 64> x;
  mbarrier b;
};
RUN {
  if (lane.rank() == 0) {
    init(lane, smem.b, 1);
    arrive_and_expect(lane, smem.b, 128);
    copy_bulk(lane, smem.x.at(0), p.in, 128, smem.b);
    wait(lane, smem.b, 0);
  }
}
}
;
TEST(reported, init_without_proxy_fence) { faulty<no_init_fence>(); }
// blocks that hold: copies still landing into shared memory at the end of the block
BASE(in_exits, 32, 1) struct shared {
  shared_array<float, 64> x;
  mbarrier b;
};
RUN {
  if (lane.rank() == 0) {
    init(lane, smem.b, 1);
    fence_proxy(lane);
    arrive_and_expect(lane, smem.b, 128);
    copy_bulk(lane, smem.x.at(0), p.in, 128, smem.b);
  }
}
}
;
TEST(reported, block_ends_while_a_bulk_copy_writes_its_memory) { faulty<in_exits>(); }
// shuffle of lanes of one warp from different lines / block meets by a different line in loops
// barrier 0 by name together with sync_block
BASE(name_zero, 64, 1) RUN {
  if (lane.warp() == 0)
    sync_named(lane, 0, 64);
  else
    lane.sync_block();
}
}
;
TEST(reported, named_zero_is_the_blocks_barrier_reported_as_what) {
  const auto r = report_of<name_zero>(0);
  EXPECT_EQ(text_of(r).find("deadlock"), std::string::npos) << text_of(r);
}
}  // namespace
