// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Kernels with one planted fault each, and their twins without it, for the virtual GPU and for CUDA alike: what the one
// reports is compared with what NVIDIA's compute-sanitizer reports of the other. No kernel hangs or leaves the device
// unusable; a misaligned access ends its own program.
#pragma once

#include <tilery/atoms/copy_async.hpp>
#include <tilery/kernel.hpp>

namespace tilery_tests {

/// No multiple of an allocator's granularity: what lies behind the last element belongs to no other allocation.
inline constexpr int planted_elements = 250;

struct planted_params {
  tilery::gmem_ptr<const float> in;  // planted_elements, initialised
  tilery::gmem_ptr<float> out;       // planted_elements, initialised
  tilery::gmem_ptr<float> fresh;     // planted_elements, never written
  tilery::gmem_ptr<int> flag;        // 1, zero at the begin
  int n;                             // planted_elements
};

/// What the kernels have in common.
struct planted_defaults {
  static constexpr int threads = 64;
  static constexpr int blocks = 1;
  static constexpr bool allows_one_lane = false;
  struct shared {
    tilery::shared_array<float, 256> x;
  };
};

// Each has its `name`, and `finding`: the kind of fault that the virtual GPU must report.

/// A warp reads what the other wrote, without a barrier between.
template <bool Wrong>
struct no_barrier : planted_defaults {
  static constexpr const char *name = "no_barrier", *finding = "race";
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    lane.store(smem.x.at(lane.rank()), 0.0f);
    lane.sync_block();
    lane.store(smem.x.at(lane.rank()), lane.load(p.in + lane.rank()));
    if (!Wrong) lane.sync_block();
    lane.store(p.out + lane.rank(), lane.load(smem.x.at(63 - lane.rank())));
  }
};

/// A lane reads what its neighbour in the warp wrote, without sync_warp between.
template <bool Wrong>
struct no_sync_warp : planted_defaults {
  static constexpr const char *name = "no_sync_warp", *finding = "race";
  static constexpr int threads = 32;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    lane.store(smem.x.at(lane.rank()), 0.0f);
    lane.sync_warp();
    lane.store(smem.x.at(lane.rank()), lane.load(p.in + lane.rank()));
    if (!Wrong) lane.sync_warp();
    lane.store(p.out + lane.rank(), lane.load(smem.x.at((lane.rank() + 1) % 32)));
  }
};

/// A tile that is refilled while others still read it: a write after a read.
template <bool Wrong>
struct refilled_too_early : planted_defaults {
  static constexpr const char *name = "refilled_too_early", *finding = "race";
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    float sum = 0;
    for (int k = 0; k < 3; ++k) {
      lane.store(smem.x.at(lane.rank()), lane.load(p.in + (k * 64 + lane.rank())));
      lane.sync_block();
      sum += lane.load(smem.x.at(63 - lane.rank()));
      if (!Wrong) lane.sync_block();
    }
    lane.store(p.out + lane.rank(), sum);
  }
};

template <bool Wrong>
struct reads_behind_the_end : planted_defaults {
  static constexpr const char *name = "reads_behind_the_end", *finding = "out of bounds";
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    float sum = 0;
    for (int i = lane.rank(); i < p.n + (Wrong ? 4 : 0); i += threads) sum += lane.load(p.in + i);
    lane.store(p.out + lane.rank(), sum);
  }
};

template <bool Wrong>
struct writes_behind_the_end : planted_defaults {
  static constexpr const char *name = "writes_behind_the_end", *finding = "out of bounds";
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    for (int i = lane.rank(); i < p.n + (Wrong ? 4 : 0); i += threads) lane.store(p.out + i, 1.0f);
  }
};

/// Loads of 8 bytes from addresses that are multiples of 4 only.
template <bool Wrong>
struct misaligned_load : planted_defaults {
  static constexpr const char *name = "misaligned_load", *finding = "misaligned";
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    lane.store(p.out + lane.rank(), sum(lane.load(p.in + (lane.rank() * 2 + (Wrong ? 1 : 0)), tilery::width<2>)));
  }
};

/// The last lanes do not fill their slots, but all slots are read.
template <bool Wrong>
struct uninitialised_shared : planted_defaults {
  static constexpr const char *name = "uninitialised_shared", *finding = "uninitialised read";
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    if (!Wrong || lane.rank() < 60) lane.store(smem.x.at(lane.rank()), lane.load(p.in + lane.rank()));
    lane.sync_block();
    lane.store(p.out + lane.rank(), lane.load(smem.x.at(63 - lane.rank())));
  }
};

/// Global memory that neither the host nor the kernel wrote: `fresh` comes from a buffer of the executor.
template <bool Wrong>
struct uninitialised_global : planted_defaults {
  static constexpr const char *name = "uninitialised_global", *finding = "uninitialised read";
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    if (!Wrong) lane.store(p.fresh + lane.rank(), 1.0f);
    lane.sync_block();
    lane.store(p.out + lane.rank(), lane.load(p.fresh + (63 - lane.rank())));
  }
};

/// A barrier that some lanes of a warp do not come to, because they have left. GPUs let the others go on.
template <bool Wrong>
struct leaves_before_a_barrier : planted_defaults {
  static constexpr const char *name = "leaves_before_a_barrier", *finding = "barrier misuse";
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    lane.store(smem.x.at(lane.rank()), lane.load(p.in + lane.rank()));
    if (Wrong && lane.rank() >= 50) return;
    lane.sync_block();
    lane.store(p.out + lane.rank(), lane.load(smem.x.at(63 - lane.rank())));
  }
};

/// cp.async whose bytes are read before the copy was waited for.
template <bool Wrong>
struct no_wait_for_a_copy : planted_defaults {
  static constexpr const char *name = "no_wait_for_a_copy", *finding = "missing wait";
  static constexpr tilery::features needs = tilery::features::copy_async;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    tilery::atoms::copy_async<4>(lane, smem.x.at(lane.rank()), p.in + lane.rank());
    tilery::atoms::commit_copies(lane);
    if (!Wrong) tilery::atoms::wait_copies<0>(lane);
    lane.store(p.out + lane.rank(), lane.load(smem.x.at(lane.rank())));
    tilery::atoms::wait_copies<0>(lane);
  }
};

/// Two blocks write one element, with nothing that orders them.
template <bool Wrong>
struct blocks_write_one_element : planted_defaults {
  static constexpr const char *name = "blocks_write_one_element", *finding = "race";
  static constexpr int blocks = 2;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    const int block = lane.block().x;
    lane.store(p.out + (lane.rank() + (Wrong ? 0 : threads * block)), static_cast<float>(block));
  }
};

/// A block hands values to another through a flag that is set without release: the values may come behind it.
template <bool Wrong>
struct relaxed_flag : planted_defaults {
  static constexpr const char *name = "relaxed_flag", *finding = "race";
  static constexpr bool blocks_wait = true;
  static constexpr int blocks = 2;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    using tilery::order, tilery::scope;
    if (lane.block().x == 0) {
      lane.store(p.out + lane.rank(), 2.0f);
      lane.sync_block();
      if (lane.rank() == 0) lane.atomic_exchange(p.flag, 1, Wrong ? order::relaxed : order::release, scope::device);
    } else {
      if (lane.rank() == 0) lane.wait_until(p.flag, [](int value) { return value == 1; });
      lane.sync_block();
      lane.store(p.fresh + lane.rank(), lane.load(p.out + (63 - lane.rank())));
    }
  }
};

/// A kernel with its twin, as a value to pass around.
template <template <bool> class Kernel>
struct planted {
  using wrong = Kernel<true>;
  using right = Kernel<false>;
};

template <class Visit>
void for_each_planted(Visit visit) {
  visit(planted<no_barrier>{});
  visit(planted<no_sync_warp>{});
  visit(planted<refilled_too_early>{});
  visit(planted<reads_behind_the_end>{});
  visit(planted<writes_behind_the_end>{});
  visit(planted<misaligned_load>{});
  visit(planted<uninitialised_shared>{});
  visit(planted<uninitialised_global>{});
  visit(planted<leaves_before_a_barrier>{});
  visit(planted<no_wait_for_a_copy>{});
  visit(planted<blocks_write_one_element>{});
  visit(planted<relaxed_flag>{});
}

}  // namespace tilery_tests
