// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The watch of one block. A checked lane comes here before each verb: accesses are checked and profiled, meetings,
// atomics, fences, waits and barriers order them.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/named_barrier_checks.hpp>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// Thrown through a lane that has gone on for too long. The fault is with the launch.
struct step_limit_reached {};

/// Whether an address is a multiple of an access's size, or of 16 where that is larger.
template <int Bytes>
bool is_aligned(const void* pointer) {
  constexpr std::uintptr_t power = Bytes & -Bytes, unit = power < 16 ? power : 16;
  return reinterpret_cast<std::uintptr_t>(pointer) % unit == 0;
}

class block_watch final : public block_events, public named_barrier_checks {
public:
  block_watch(launch_watch& launch, int threads, std::size_t shared_bytes)
      : named_barrier_checks(launch, threads, shared_bytes),
        delays_(launch.launch().seed != 0),
        verbs_at_once_(std::clamp<std::int64_t>(launch.launch().step_limit / (4 * threads), 1, 4096)),
        lanes_(static_cast<std::size_t>(threads)) {}

  // What the scheduler tells ------------------------------------------------------------------------------------------

  void begins(const block& self) override {
    begin_barriers(self);
    if (profiles_) requests_.begin_block(static_cast<int>(lanes_.size()));
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      lanes_[i] = {};
      lanes_[i].random = launch_.launch().seed + 0x9e3779b97f4a7c15u * (order_.block() * lanes_.size() + i + 1);
      plan_delay(lanes_[i]);
    }
    barrier_site_ = 0, verbs_gone_ = 0;
    shared_flags_.clear();  // another block has the same memory later
    cluster_sites_.assign(static_cast<std::size_t>(order_.warp_count()), 0);
  }

  void warp_met(int warp, verb what, std::uint32_t lanes) override {
    const int first = warp * block::warp_lanes + std::countr_zero(lanes);
    if (what == verb::sync_warp) {  // shuffles and votes do not order memory
      order_.meet_warp(warp);
      passed_.warp(warp, state(first).site, order_.time(first)), launch_.passes(state(first).site);
    }
    if (profiles_) requests_.aligned(warp, lanes);
    const int of = std::min(block::warp_lanes, static_cast<int>(lanes_.size()) - warp * block::warp_lanes);
    if (std::popcount(lanes) < of && launch_.checks_for(checks::meetings))
      some_had_left(first, of - std::popcount(lanes), "warp");
  }

  void block_met(int lanes) override {
    order_.meet_block();
    passed_.block(barrier_site_, order_.time(0)), launch_.passes(barrier_site_);
    if (launch_.launch().cluster == 1) everybody_knows(self_->shared());  // else others reach its shared memory, too
    align_warps();
    const int left = static_cast<int>(lanes_.size()) - lanes;
    if (left > 0 && launch_.checks_for(checks::meetings)) some_had_left(barrier_lane_, left, "block");
    barrier_site_ = 0;
  }

  void cluster_met(const cluster_meeting& cluster) override {
    knowledge together;
    int lanes = 0;
    block_watch* came = nullptr;  // of a block that has come
    for (const block* b : cluster.blocks) {
      if (!b->lives()) continue;  // who has ended tells nobody what it did
      block_watch& w = watch_of(*b);
      w.order_.meet_block();
      together.join(w.order_.of_all());
      came = &w;
    }
    for (const block* b : cluster.blocks) {
      block_watch& w = watch_of(*b);
      w.order_.learn(together);
      w.everybody_knows(b->shared()), w.has_met_cluster();
      w.align_warps();
      std::fill(w.cluster_sites_.begin(), w.cluster_sites_.end(), 0);
      lanes += static_cast<int>(w.lanes_.size());
    }
    if (lanes > cluster.live && came && launch_.checks_for(checks::meetings))
      came->some_had_left(came->cluster_lane_, lanes - cluster.live, "cluster");
  }

  void phase_over(const void* mbarrier, const mbarrier_state& state) override { publish_phase(mbarrier, state); }
  void too_many_bytes(const void* mbarrier, std::int64_t more) override { overfull(mbarrier, more); }
  void named_over(int number) override { publish_named(number); }

  void ends() override {
    end_barriers();
    if (profiles_) requests_.end_block();
  }

  site last_site(int lane) const override {
    return launch_.sites().describe(lanes_[static_cast<std::size_t>(lane)].site);
  }

  // Places ------------------------------------------------------------------------------------------------------------

  /// The step that the lane is in from now on; returns the one before.
  std::uint32_t enter(int lane, const char* name, where at) {
    lane_state& l = state(lane);
    return std::exchange(l.step, launch_.sites().step(l.step, name, at));
  }
  void leave(int lane, std::uint32_t outer) { state(lane).step = outer; }

  /// The number of the place of a verb. Counts the verb, too.
  std::uint32_t at_site(int lane, const char* name, where at) {
    lane_state& l = state(lane);
    --l.verbs_left;
    return l.site = launch_.sites().number(l.step, name, at);
  }
  /// Whether the lane is to let others run first now: from time to time, so that one that only looks at a flag lets its
  /// block go on, and where the seeded schedule says so.
  bool delays(int lane) {
    lane_state& l = state(lane);
    return l.verbs_left < 0 && has_gone_on(lane);
  }

  // Accesses ----------------------------------------------------------------------------------------------------------

  /// The most usual access, a read of shared memory in a loop, with all that belongs to it. False, and nothing done,
  /// where it is another one.
  template <int Bytes>
  bool loads_again(int lane, const void* pointer, const char* name, where at) {
    lane_state& l = state(lane);
    const std::uint32_t site = launch_.sites().met_last(l.step, name, at);
    const std::int64_t offset = shared_offset(pointer);
    if (l.verbs_left <= 0 || site == 0 || !is_aligned<Bytes>(pointer) || !reads_shared_again<Bytes>(lane, offset, site))
      return false;
    --l.verbs_left;
    l.site = site;
    if (profiles_) counts(site, site_kind::shared_load, lane, static_cast<std::uintptr_t>(offset), Bytes);
    return true;
  }
  /// An access of a lane. Returns whether it may happen: what lies outside of all memory, or across the alignment that
  /// the hardware asks for, does not.
  template <bool Shared, bool Writes, int Bytes>
  bool may_access(int lane, const void* pointer, std::uint32_t site, access_mode mode) {
    const bool aligned = is_aligned<Bytes>(pointer);
    if constexpr (Shared) {
      const std::int64_t offset = shared_offset(pointer);
      if (!aligned || !right_shared_access<Writes, Bytes>(lane, offset, site)) [[unlikely]]
        return looks_closely<Writes, Bytes>(lane, offset, aligned, site);
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
  /// An atomic of a lane on shared memory. Returns whether it may happen.
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
  /// An access to the shared memory of the cluster's block `rank`. Returns whether it may happen.
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
  bool poisons_discarded() const { return launch_.launch().poison_discarded; }
  void discard(int lane, const void* pointer, std::int64_t bytes, std::uint32_t site) {
    access_watch::discard(lane_itself(lane, site, access_mode::plain), shared_offset(pointer), bytes);
  }
  void operations(std::uint32_t site, compute_unit on, int count) {
    if (profiles_) requests_.operations(site, on, count);
  }

  // Atomics, fences, meetings -----------------------------------------------------------------------------------------

  /// An atomic on a flag: what it takes and gives by its order and scope. It has been checked as an access before.
  void atomic(int lane, const void* address, bool reads, bool writes, order o, scope s) {
    flag_table& flags = is_shared(address) ? shared_flags_ : launch_.flags();
    flag_state* flag = flags.find(address);
    lane_state& l = state(lane);
    if (reads && flag) {
      const bool of_this_block = flag->block == order_.block();
      const bool acquires = o == order::acquire || o == order::acquire_release;
      if (of_this_block) acquires ? order_.acquire(lane, flag->to_block) : l.seen_of_block.join(flag->to_block);
      if (acquires && s != scope::block)
        order_.acquire(lane, flag->to_all);
      else
        l.seen_of_all.join(flag->to_all);  // an acquiring fence takes it later, if its scope reaches
    }
    if (!writes) return;
    if (!reads && flag) flags.forget(address), flag = nullptr;  // a read-modify-write goes on with what was given
    const bool releases = o == order::release || o == order::acquire_release;
    if (!releases && !l.has_fenced) return;
    flag_state& given = flags.of(address);
    if (given.block != order_.block()) given.to_block = given.to_all;  // block scope ends with its block
    given.block = order_.block();
    if (releases) {
      const knowledge all = order_.release(lane);
      given.to_block.join(all);
      if (s != scope::block) given.to_all.join(all);
    }
    given.to_block.join(l.fenced_for_block);
    if (s != scope::block) given.to_all.join(l.fenced_for_all);
  }
  void fence(int lane, order o, scope s, std::uint32_t site) {
    lane_state& l = state(lane);
    if (profiles_) requests_.meeting(site, site_kind::fence, lane);
    if (o == order::acquire || o == order::acquire_release) {
      order_.acquire(lane, l.seen_of_block);
      l.seen_of_block = {};
      if (s != scope::block) order_.acquire(lane, l.seen_of_all), l.seen_of_all = {};
    }
    if (o == order::release || o == order::acquire_release) {
      l.fenced_for_block = order_.release(lane);
      if (s != scope::block) l.fenced_for_all = l.fenced_for_block;
      l.has_fenced = true;
    }
  }
  void fence_proxy(int lane, std::uint32_t site) {
    if (profiles_) requests_.meeting(site, site_kind::fence, lane);
    order_.fence_proxy(lane);
  }

  /// A lane comes to a meeting of its warp.
  void comes_to_warp(int lane, verb what, std::uint32_t site) {
    if (profiles_) requests_.meeting(site, what == verb::sync_warp ? site_kind::barrier : site_kind::shuffle, lane);
  }
  /// A lane comes to a barrier of the block: all must come to the same one.
  void comes_to_barrier(int lane, std::uint32_t site) {
    if (profiles_) requests_.meeting(site, site_kind::barrier, lane);
    if (barrier_site_ == 0) barrier_site_ = site, barrier_lane_ = lane;
    if (barrier_site_ == site || !launch_.checks_for(checks::meetings)) return;
    fault f = new_fault(fault_kind::collective, lane, false, "", 0, 0,
                        "all lanes of the block must come to the same barrier");
    f.before.block = f.now.block, f.before.lane = barrier_lane_;
    launch_.found(std::move(f), site, barrier_site_);
  }
  /// A lane comes to the cluster's barrier: the lanes of a warp must come to the same one.
  void comes_to_cluster(int lane, std::uint32_t site) {
    if (profiles_) requests_.meeting(site, site_kind::barrier, lane);
    cluster_lane_ = lane;
    std::uint32_t& first = cluster_sites_[static_cast<std::size_t>(lane / block::warp_lanes)];
    if (first == 0) first = site;
    if (first == site || !launch_.checks_for(checks::meetings)) return;
    fault f = new_fault(fault_kind::collective, lane, false, "", 0, 0,
                        "all lanes of a warp must come to the same sync_cluster");
    f.before.block = f.now.block, f.before.lane = lane / block::warp_lanes * block::warp_lanes;
    launch_.found(std::move(f), site, first);
  }

private:
  template <bool Writes, int Bytes>
  [[gnu::noinline]] bool looks_closely(int lane, std::int64_t offset, bool aligned, std::uint32_t site) {
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

  struct lane_state {
    std::uint32_t step = 0, site = 0;
    std::int64_t verbs_left = 0, verbs_planned = 0;  // until others are let go on
    std::uint64_t random = 0;
    // given by fences to later atomics, by scope; seen by atomics before a fence
    knowledge fenced_for_block, fenced_for_all, seen_of_block, seen_of_all;
    bool has_fenced = false;
  };

  bool is_shared(const void* address) const {
    const std::int64_t offset = shared_offset(address);
    return offset >= 0 && offset < static_cast<std::int64_t>(self_->shared_bytes());
  }
  lane_state& state(int lane) { return lanes_[static_cast<std::size_t>(lane)]; }

  static block_watch& watch_of(const block& b) { return *static_cast<block_watch*>(b.events()); }
  void align_warps() {
    if (profiles_)
      for (int w = 0; w < order_.warp_count(); ++w) requests_.aligned(w, self_->live_lanes(w));
  }
  void some_had_left(int lane, int left, const char* of) {
    report(fault_kind::barrier_misuse, lane_itself(lane, state(lane).site, access_mode::plain), false, "", 0, 0,
           std::to_string(left) + (left == 1 ? " lane of the " : " lanes of the ") + of +
               (left == 1 ? " has" : " have") +
               " ended without coming to it: left the kernel, or gone around it in a branch; all must come");
  }
  /// Ends a block that has gone on for too long. Others are to be delayed.
  [[gnu::noinline]] bool has_gone_on(int lane) {
    lane_state& l = state(lane);
    verbs_gone_ += l.verbs_planned - l.verbs_left;
    if (verbs_gone_ > launch_.launch().step_limit) too_many(lane);
    plan_delay(l);
    return true;
  }
  void plan_delay(lane_state& l) const {
    std::int64_t verbs = verbs_at_once_;
    if (delays_) {
      std::uint64_t& r = l.random;
      for (verbs = 0; r ^= r << 13, r ^= r >> 7, r ^= r << 17, r % 8 != 0;) ++verbs;
    }
    l.verbs_left = l.verbs_planned = verbs;
  }
  [[noreturn]] void too_many(int lane) {
    std::map<std::uint32_t, std::vector<int>> lanes_at;
    for (std::size_t i = 0; i < lanes_.size(); ++i) lanes_at[lanes_[i].site].push_back(static_cast<int>(i));
    std::string places;
    for (const auto& [site, lanes] : lanes_at)
      places += "\n  lanes" + ranges(lanes) +
                (site == 0 ? " have not begun" : " were last in " + launch_.sites().describe(site).text());
    report(fault_kind::step_limit, lane_itself(lane, state(lane).site, access_mode::plain), false, "", 0, 0,
           "the lanes of the block have gone through " + std::to_string(launch_.launch().step_limit) +
               " verbs without an end; where a kernel needs more, virtual_gpu::options::step_limit allows it" + places);
    throw step_limit_reached{};
  }

  bool delays_;
  std::int64_t verbs_at_once_;   // of a lane, until others are let go on
  std::int64_t verbs_gone_ = 0;  // of all lanes
  flag_table shared_flags_;
  std::vector<lane_state> lanes_;
  std::uint32_t barrier_site_ = 0;
  int barrier_lane_ = 0, cluster_lane_ = 0;
  std::vector<std::uint32_t> cluster_sites_;  // by warp
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
