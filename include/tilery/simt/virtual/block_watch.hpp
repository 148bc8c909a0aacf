// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// All checks of one block of a checked launch. A checked lane (virtual_lane.hpp) calls the checks at each verb. A verb
// is a call of a lane's function, such as a load or a barrier. The checks examine the accesses, and count them for the
// profile. At each barrier, atomic, fence and wait they record which accesses happen before which (block_order.hpp). A
// site is a verb with its source line (site.hpp); sites have numbers. `launch` holds the state that all blocks share,
// such as the faults found (launch_watch.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/collective_checks.hpp>
#include <tilery/simt/virtual/lane_progress.hpp>
#include <tilery/simt/virtual/release_acquire.hpp>

#include <bit>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// True if the address has the alignment that an access of `Bytes` bytes needs. This is the largest power of two that
/// divides `Bytes`, but at most 16 bytes.
template <int Bytes>
bool is_aligned(const void* pointer) {
  constexpr std::uintptr_t power = Bytes & -Bytes, unit = power < 16 ? power : 16;
  return reinterpret_cast<std::uintptr_t>(pointer) % unit == 0;
}

class block_watch final : public block_events, public collective_checks {
public:
  block_watch(launch_watch& launch, int threads, std::size_t shared_bytes)
      : collective_checks(launch, threads, shared_bytes),
        progress_(launch.sites(), threads, launch.launch().step_limit, launch.launch().seed),
        release_acquire_(order_, launch.flags(), threads) {}

  // Events of the block -----------------------------------------------------------------------------------------------

  void begins(const block& self) override {
    begin_barriers(self);
    if (profiles_) requests_.begin_block(order_.lane_count());
    progress_.begin(order_.block());
    release_acquire_.begin();
    begin_collectives();
  }

  void warp_complete(int warp, verb what, std::uint32_t lanes) override {
    const std::uint32_t site = progress_.site_of(warp * block::warp_lanes + std::countr_zero(lanes));
    if (what == verb::sync_warp) {  // shuffles, votes and warp instructions order no memory
      order_.pass_warp_barrier(warp);
      passed_.warp(warp, site, order_.time(warp * block::warp_lanes)), launch_.passes(site);
    }
    if (profiles_) requests_.aligned(warp, lanes);
    check_warp(warp, lanes, site);
  }

  void block_complete(int lanes) override {
    order_.pass_block_barrier();
    passed_.block(barrier_site(), order_.time(0)), launch_.passes(barrier_site());
    // without clusters, all lanes that can access the shared memory have passed the barrier; in a cluster, the lanes of
    // the other blocks can access it, too, and they have not passed the barrier
    if (launch_.launch().cluster == 1) order_all_accesses(self_->shared());
    align_warps();
    check_block(lanes);
  }

  void cluster_complete(const cluster_state& cluster) override {
    knowledge together;
    int lanes = 0;
    block_watch* arrived = nullptr;  // the checks of any live block
    for (const block* b : cluster.blocks) {
      if (!b->lives()) continue;  // the accesses of a block that has ended are not added
      block_watch& w = watch_of(*b);
      w.order_.pass_block_barrier();
      together.join(w.order_.shared_by_all());
      arrived = &w;
    }
    for (const block* b : cluster.blocks) {
      block_watch& w = watch_of(*b);
      w.order_.learn(together);
      w.order_all_accesses(b->shared()), w.cluster_has_begun();
      w.align_warps();
      w.forget_cluster_sites();
      lanes += w.order_.lane_count();
    }
    if (arrived) arrived->check_cluster(lanes - cluster.live);
  }

  void phase_complete(const void* mbarrier, const mbarrier_state& state) override { publish_phase(mbarrier, state); }
  void too_many_bytes(const void* mbarrier, std::int64_t more) override { overfull(mbarrier, more); }
  void named_complete(int number) override { publish_named(number); }

  void ends() override {
    end_barriers();
    if (profiles_) requests_.end_block();
  }

  site last_site(int lane) const override { return launch_.sites().describe(progress_.site_of(lane)); }

  // Sites -------------------------------------------------------------------------------------------------------------

  /// Enters the tile step `name`, a function with a name in reports (step.hpp). Returns the number of the step in which
  /// the lane was before, for leave().
  std::uint32_t enter(int lane, const char* name, where at) { return progress_.enter(lane, name, at); }
  /// Returns to the step `outer`.
  void leave(int lane, std::uint32_t outer) { progress_.leave(lane, outer); }

  /// Returns the number of the site of the verb `name` at line `at`, and counts one verb of the lane.
  std::uint32_t at_site(int lane, const char* name, where at) { return progress_.at_site(lane, name, at); }
  /// True if the lane must let other lanes run before it executes the verb of its last at_site(). With seed 0
  /// (virtual_gpu::options::seed) this happens at regular intervals, so that a lane that spins on a flag does not stop
  /// its block; with another seed, at random verbs. Ends the launch if the block has exceeded the step limit.
  bool delays(int lane) { return progress_.used_up(lane) && plans_more(lane); }

  // Accesses ----------------------------------------------------------------------------------------------------------

  /// Fast path of the most frequent access: a read of shared memory like the last one that a lane of this warp has made
  /// at the same time and site. (A lane's time is a count of its releases and barriers, block_order.hpp.) Checks,
  /// records and counts the access, and returns true. Returns false, and does nothing, for any other access.
  template <int Bytes>
  bool repeats_load(int lane, const void* pointer, const char* name, where at) {
    lane_progress::lane_state& l = progress_.of(lane);
    const std::uint32_t site = launch_.sites().find_recent(l.step, name, at);
    const std::int64_t offset = shared_offset(pointer);
    if (l.verbs_left <= 0 || site == 0 || !is_aligned<Bytes>(pointer) ||
        !repeats_shared_read<Bytes>(lane, offset, site))
      return false;
    --l.verbs_left;
    l.site = site;
    if (profiles_) counts(site, site_kind::shared_load, lane, static_cast<std::uintptr_t>(offset), Bytes);
    return true;
  }
  /// Checks an access of a lane to global memory or (`Shared`) to the shared memory of its own block. Returns false if
  /// the access must not be executed: it is out of bounds or misaligned, or it writes an operand that the launch only
  /// reads.
  template <bool Shared, bool Writes, int Bytes>
  bool may_access(int lane, const void* pointer, std::uint32_t site, access_mode mode) {
    const bool aligned = is_aligned<Bytes>(pointer);
    if constexpr (Shared) {
      const std::int64_t offset = shared_offset(pointer);
      if (!aligned || !fast_shared_access<Writes, Bytes>(lane, offset, site)) [[unlikely]]
        return check_fully<Writes, Bytes>(lane, offset, aligned, site);
      if (profiles_)
        counts(site, Writes ? site_kind::shared_store : site_kind::shared_load, lane,
               static_cast<std::uintptr_t>(offset), Bytes);
    } else {
      const actor who = lane_itself(lane, site, mode, is_atomic(mode) && Writes);
      if (!aligned) return misaligned_global(who, pointer, Bytes, Writes), false;
      if (!global_access(who, pointer, Bytes, Writes)) return false;
      if (profiles_)
        counts(site,
               is_atomic(mode) ? site_kind::atomic
               : Writes        ? site_kind::global_store
                               : site_kind::global_load,
               lane, reinterpret_cast<std::uintptr_t>(pointer), Bytes);
    }
    return true;
  }
  /// Checks an atomic of a lane on the shared memory of its own block. `overwrites`: true for a store or exchange.
  /// Returns false if the atomic must not be executed: it is out of bounds or misaligned.
  template <bool Writes, int Bytes>
  bool atomic_in_shared(int lane, const void* pointer, std::uint32_t site, access_mode mode, bool overwrites) {
    actor who = lane_itself(lane, site, mode, Writes);
    who.overwrites = overwrites;
    const std::int64_t offset = shared_offset(pointer);
    if (!is_aligned<Bytes>(pointer)) return misaligned_shared(who, offset, Bytes, Writes), false;
    if (!shared_access(who, offset, Writes, Bytes)) return false;
    if (profiles_) counts(site, site_kind::shared_atomic, lane, static_cast<std::uintptr_t>(offset), Bytes);
    return true;
  }
  /// Checks an access to the shared memory of the block with rank `rank` in the cluster, `offset` bytes from the start
  /// of that memory. Returns false if the access must not be executed: it is out of bounds or misaligned, or that block
  /// does not exist or has ended.
  bool reaches(int lane, int rank, std::int64_t offset, int bytes, bool aligned, bool writes, std::uint32_t site) {
    const actor who = lane_itself(lane, site, access_mode::plain);
    const block* const home = self_->cluster().at(rank);
    if (!home)
      report(fault_kind::out_of_bounds, who, writes, "the cluster", 0, 0,
             "there is no block " + std::to_string(rank) + " in a cluster of " +
                 std::to_string(self_->cluster().blocks.size()));
    else if (!aligned)
      report(fault_kind::misaligned, who, writes, shared_memory_of(rank), offset, bytes, must_be_aligned);
    if (!home || !aligned || !remote_access(who, watch_of(*home), rank, offset, bytes, writes)) return false;
    if (profiles_)
      requests_.access(site, writes ? site_kind::shared_store : site_kind::shared_load, lane,
                       static_cast<std::uintptr_t>(offset), bytes);
    return true;
  }
  /// True if the bytes that a lane discards become uninitialised (virtual_gpu::options::poison_discarded).
  bool poisons_discarded() const { return launch_.launch().poison_discarded; }
  /// Records that a lane discards bytes of shared memory: no lane reads their values after the next barrier of the
  /// block (in a cluster: of the cluster).
  void discard(int lane, const void* pointer, std::int64_t bytes, std::uint32_t site) {
    shared_memory_checks::discard(lane_itself(lane, site, access_mode::plain), shared_offset(pointer), bytes);
  }
  /// Counts arithmetic operations for the profile.
  void operations(std::uint32_t site, compute_unit on, int count) {
    if (profiles_) requests_.operations(site, on, count);
  }

  // Atomics and fences ------------------------------------------------------------------------------------------------

  /// Records the acquire and the release of an atomic with this memory order and scope. `reads` and `writes`: a load
  /// only reads, a store only writes, a read-modify-write does both. The atomic's access has been checked already.
  void atomic(int lane, const void* address, bool reads, bool writes, order o, scope s) {
    release_acquire_.atomic(lane, address, is_shared(address), reads, writes, o, s);
  }
  void fence(int lane, order o, scope s, std::uint32_t site) {
    if (profiles_) requests_.synchronisation(site, site_kind::fence, lane);
    release_acquire_.fence(lane, o, s);
  }
  void fence_proxy(int lane, std::uint32_t site) {
    if (profiles_) requests_.synchronisation(site, site_kind::fence, lane);
    order_.fence_proxy(lane);
  }

private:
  /// Checks an access to shared memory for which the fast path is not enough, and reports its faults.
  template <bool Writes, int Bytes>
  [[gnu::noinline]] bool check_fully(int lane, std::int64_t offset, bool aligned, std::uint32_t site) {
    const actor who = lane_itself(lane, site, access_mode::plain);
    if (!aligned) return misaligned_shared(who, offset, Bytes, Writes), false;
    if (!shared_access(who, offset, Writes, Bytes)) return false;
    if (profiles_)
      counts(site, Writes ? site_kind::shared_store : site_kind::shared_load, lane, static_cast<std::uintptr_t>(offset),
             Bytes);
    return true;
  }
  [[gnu::noinline]] void counts(std::uint32_t site, site_kind kind, int lane, std::uintptr_t at, int bytes) {
    requests_.access(site, kind, lane, at, bytes);
  }

  bool is_shared(const void* address) const {
    const std::int64_t offset = shared_offset(address);
    return offset >= 0 && offset < static_cast<std::int64_t>(self_->shared_bytes());
  }

  static block_watch& watch_of(const block& b) { return *static_cast<block_watch*>(b.events()); }
  /// Adds the pending requests of all warps to the profile (block_requests.hpp).
  void align_warps() {
    if (profiles_)
      for (int w = 0; w < order_.warp_count(); ++w) requests_.aligned(w, self_->live_lanes(w));
  }
  /// Plans the number of verbs until the lane lets other lanes run again, and returns true. Ends the launch if the
  /// block has exceeded the step limit.
  [[gnu::noinline]] bool plans_more(int lane) {
    if (!progress_.plan_more(lane)) too_many(lane);
    return true;
  }
  /// Reports that the block has exceeded the step limit, and ends the launch.
  [[noreturn]] void too_many(int lane) {
    report(fault_kind::step_limit, lane_itself(lane, progress_.site_of(lane), access_mode::plain), false, "", 0, 0,
           "the lanes of the block have executed " + std::to_string(launch_.launch().step_limit) +
               " loads, stores, barriers and other verbs, and the block has not ended; if the kernel needs more, "
               "raise virtual_gpu::options::step_limit" +
               progress_.last_sites());
    throw step_limit_reached{};
  }

  lane_progress progress_;
  release_acquire release_acquire_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
