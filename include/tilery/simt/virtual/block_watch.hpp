// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The watch of one block. A checked lane comes here before each verb: accesses are checked and profiled, meetings,
// atomics, fences, waits and barriers order them.
#pragma once

#include <tilery/simt/virtual/access_watch.hpp>
#include <tilery/simt/virtual/block_requests.hpp>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// Thrown through a lane that has gone on for too long. The fault is with the launch.
struct step_limit_reached {};

class block_watch final : public block_events, public access_watch {
public:
  block_watch(launch_watch& launch, int threads, std::size_t shared_bytes)
      : access_watch(launch, threads, shared_bytes),
        requests_(launch.recorder()),
        profiles_(launch.checks_for(checks::profile)),
        delays_(launch.launch().seed != 0),
        lanes_(static_cast<std::size_t>(threads)) {}

  // What the scheduler tells ------------------------------------------------------------------------------------------

  void begins(const block& self) override {
    self_ = &self;
    begin_accesses(launch_.number(self.at()));
    for (int engine = 0; engine < engines_of_warps * order_.warp_count(); ++engine) order_.new_engine();
    if (profiles_) requests_.begin_block(static_cast<int>(lanes_.size()));
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      lanes_[i] = {};
      lanes_[i].verbs_left = launch_.launch().step_limit;
      lanes_[i].random = launch_.launch().seed + 0x9e3779b97f4a7c15u * (order_.block() * lanes_.size() + i + 1);
    }
    barrier_site_ = 0;
    mbarriers_.clear();
    for (named_meeting& m : named_) m = {};
  }

  void warp_met(int warp, verb what, std::uint32_t lanes) override {
    if (what == verb::sync_warp) order_.meet_warp(warp);  // shuffles and votes do not order memory
    if (profiles_) requests_.aligned(warp, lanes);
    const int of = std::min(block::warp_lanes, static_cast<int>(lanes_.size()) - warp * block::warp_lanes);
    if (std::popcount(lanes) < of && launch_.checks_for(checks::meetings))
      some_had_left(warp * block::warp_lanes + std::countr_zero(lanes), of - std::popcount(lanes), "warp");
  }

  void block_met(int lanes) override {
    order_.meet_block();
    everybody_knows();
    if (profiles_)
      for (int w = 0; w < order_.warp_count(); ++w) requests_.aligned(w, self_->live_lanes(w));
    const int left = static_cast<int>(lanes_.size()) - lanes;
    if (left > 0 && launch_.checks_for(checks::meetings)) some_had_left(barrier_lane_, left, "block");
    barrier_site_ = 0;
  }

  void phase_over(const void* mbarrier) override {
    mbarrier_meeting& m = mbarriers_[mbarrier];
    ++m.phase;
    lands(m.engine, 0, m.phase);
    m.given.known.learn(m.engine, 0, m.phase);
    m.published.join(m.given);
    m.given = {};
  }
  void named_over(int number) override {
    named_meeting& m = named_[number];
    for (const int lane : m.waiting) order_.acquire(lane, m.given);
    m = {};
  }

  void ends() override {
    for (lane_state& l : lanes_)
      for (const copy_group& c : l.bulk_copies) c.copy.land();  // copies out need no wait to arrive
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
    l.site = launch_.sites().number(l.step, name, at);
    if (--l.verbs_left < 0) [[unlikely]]
      too_many(lane);
    return l.site;
  }
  /// Whether the lane is to let others run first now (the seeded schedule).
  bool delays(int lane) {
    if (!delays_) return false;
    std::uint64_t& r = state(lane).random;
    r ^= r << 13, r ^= r >> 7, r ^= r << 17;
    return r % 8 == 0;
  }

  // Accesses ----------------------------------------------------------------------------------------------------------

  /// An access of a lane. Returns whether it may happen: what lies outside of all memory, or across the alignment that
  /// the hardware asks for, does not.
  template <bool Shared, int Bytes>
  bool may_access(int lane, const void* pointer, bool aligned, bool writes, access_mode mode, std::uint32_t site) {
    if constexpr (Shared) {
      const std::int64_t offset = shared_offset(pointer);
      if (!writes && aligned && reads_shared_again<Bytes>(lane, offset, site)) {
        if (profiles_) requests_.access(site, site_kind::shared_load, lane, static_cast<std::uintptr_t>(offset), Bytes);
        return true;
      }
      const actor who = lane_itself(lane, site, mode);
      if (!aligned) return misaligned_shared(who, offset, Bytes, writes), false;
      if (!shared_access<Bytes>(who, offset, writes)) return false;
      if (profiles_)
        requests_.access(site, writes ? site_kind::shared_store : site_kind::shared_load, lane,
                         static_cast<std::uintptr_t>(offset), Bytes);
    } else {
      const actor who = lane_itself(lane, site, mode);
      if (!aligned) return misaligned_global(who, pointer, Bytes, writes), false;
      if (!global_access(who, pointer, Bytes, writes)) return false;
      if (profiles_)
        requests_.access(site,
                         is_atomic(mode) ? site_kind::atomic
                         : writes        ? site_kind::global_store
                                         : site_kind::global_load,
                         lane, reinterpret_cast<std::uintptr_t>(pointer), Bytes);
    }
    return true;
  }
  void operations(std::uint32_t site, compute_unit on, int count) {
    if (profiles_) requests_.operations(site, on, count);
  }

  // Atomics, fences, meetings -----------------------------------------------------------------------------------------

  /// An atomic on a flag: what it takes and gives by its order and scope. It has been checked as an access before.
  void atomic(int lane, const void* address, bool reads, bool writes, order o, scope s) {
    flag_state& flag = launch_.flag(address);
    lane_state& l = state(lane);
    if (reads && flag.gives && reaches(flag, s)) {
      if (o == order::acquire || o == order::acquire_release)
        order_.acquire(lane, flag.given);
      else
        (l.seen ? *l.seen : l.seen.emplace()).join(flag.given);  // an acquiring fence takes it later
    }
    if (!writes) return;
    const bool releases = o == order::release || o == order::acquire_release;
    if (!reads) flag.gives = false, flag.given = {};  // a plain store ends what was given; a read-modify-write goes on
    if (!releases && !l.fenced) return;
    flag.given.join(releases ? order_.release(lane) : *l.fenced);
    flag.gives = true, flag.block = order_.block();
    flag.scope = releases || l.fence_scope != scope::block ? s : scope::block;
  }
  void fence(int lane, order o, scope s, std::uint32_t site) {
    lane_state& l = state(lane);
    if (profiles_) requests_.meeting(site, site_kind::fence, lane);
    if (o != order::release && l.seen) order_.acquire(lane, *l.seen), l.seen.reset();
    if (o != order::acquire && o != order::relaxed) l.fenced = order_.release(lane), l.fence_scope = s;
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
  void comes_to_named(int lane, int number, bool waits, std::uint32_t site) {
    if (profiles_) requests_.meeting(site, site_kind::barrier, lane);
    named_meeting& m = named_[number];
    m.given.join(order_.release(lane));
    if (waits) m.waiting.push_back(lane);
  }

  // Copies of a lane's own engine (cp.async): groups that are waited for in their order -----------------------------

  /// Begins a copy of `valid` bytes, filled up with zeros. Until it is waited for, its destination holds nothing.
  void copy(int lane, void* to, const void* from, int bytes, int valid, std::uint32_t site) {
    lane_state& l = state(lane);
    const actor who{lane, engine_epoch(0, lane, l.groups, site)};
    const std::int64_t offset = shared_offset(to);
    const auto unit = static_cast<std::uintptr_t>(bytes);
    if (reinterpret_cast<std::uintptr_t>(to) % unit != 0) return misaligned_shared(who, offset, bytes, true);
    if (reinterpret_cast<std::uintptr_t>(from) % unit != 0) return misaligned_global(who, from, bytes, false);
    if (valid > 0 && !global_access(who, from, valid, false)) return;
    if (!shared_access<0>(who, offset, true, bytes)) return;
    std::memset(to, 0xff, unit);
    l.copies.push_back({l.groups, {to, from, unit, static_cast<std::size_t>(valid)}});
    if (!profiles_) return;
    if (valid > 0) requests_.access(site, site_kind::async_copy, lane, reinterpret_cast<std::uintptr_t>(from), valid);
    requests_.access(site, site_kind::shared_store, lane, static_cast<std::uintptr_t>(offset), bytes);
  }
  void commit_copies(int lane) { ++state(lane).groups; }
  /// Until at most `most` groups are under way.
  void wait_copies(int lane, int most, std::uint32_t site) {
    lane_state& l = state(lane);
    if (profiles_) requests_.meeting(site, site_kind::wait, lane);
    finish(l.copies, l.groups, most, [&](std::uint32_t done) {
      lands(engine(0, lane), lane % block::warp_lanes, done);
      order_.wait_for(lane, engine(0, lane), lane % block::warp_lanes, done);
    });
  }

  // mbarriers and bulk copies (cp.async.bulk, through the asynchronous proxy) ----------------------------------------

  void init_mbarrier(int lane, const void* mbarrier, std::uint32_t site) {
    if (!shared_access<8>(lane_itself(lane, site, access_mode::plain), shared_offset(mbarrier), true)) return;
    mbarrier_meeting& m = mbarriers_[mbarrier];
    m = {};
    m.engine = order_.new_engine();
  }
  /// Whether an mbarrier is one: initialised, and so that this lane knows.
  bool uses_mbarrier(int lane, const void* mbarrier, const mbarrier_state& state_of, std::uint32_t site) {
    const actor who = lane_itself(lane, site, access_mode::atomic_block);
    if (state_of.expected == 0) {
      report(fault_kind::barrier_misuse, who, false, "", 0, 0, "the mbarrier has not been initialised");
      return false;
    }
    return shared_access<8>(who, shared_offset(mbarrier), false);
  }
  void arrives(int lane, const void* mbarrier, const mbarrier_state& state_of, int arrivals, std::uint32_t site) {
    if (profiles_) requests_.meeting(site, site_kind::barrier, lane);
    mbarriers_[mbarrier].given.join(order_.release(lane));
    if (arrivals > state_of.missing)
      report(fault_kind::barrier_misuse, lane_itself(lane, site, access_mode::plain), false, "", 0, 0,
             "more lanes arrive at the mbarrier than the " + std::to_string(state_of.expected) + " of a phase");
  }
  void has_waited(int lane, const void* mbarrier) { order_.acquire(lane, mbarriers_[mbarrier].published); }

  /// From global to shared memory; the mbarrier counts the bytes. Returns whether the copy may be made.
  bool copy_bulk_in(int lane, void* to, const void* from, int bytes, const void* mbarrier, std::uint32_t site) {
    const mbarrier_meeting& m = mbarriers_[mbarrier];
    const actor who{lane, {m.engine, m.phase, site, 0, access_mode::async}, true};
    if (!bulk_aligned(who, to, from, bytes, true) || !global_access(who, from, bytes, false) ||
        !shared_access<0>(who, shared_offset(to), true, bytes))
      return false;
    std::memset(to, 0xff, static_cast<std::size_t>(bytes));
    profile_bulk(site, lane, from, bytes, site_kind::async_copy);
    return true;
  }
  /// From shared to global memory, in groups like those of `copy`.
  void copy_bulk_out(int lane, void* to, const void* from, int bytes, std::uint32_t site) {
    lane_state& l = state(lane);
    const actor reads{lane, engine_epoch(1, lane, l.bulk_groups, site), true},
        writes{lane, engine_epoch(2, lane, l.bulk_groups, site), true};
    if (!bulk_aligned(reads, from, to, bytes, false) || !shared_access<0>(reads, shared_offset(from), false, bytes) ||
        !global_access(writes, to, bytes, true))
      return;
    l.bulk_copies.push_back(
        {l.bulk_groups, {to, from, static_cast<std::size_t>(bytes), static_cast<std::size_t>(bytes)}});
    profile_bulk(site, lane, to, bytes, site_kind::global_store);
  }
  void commit_bulk(int lane) { ++state(lane).bulk_groups; }
  /// `reads_only`: until the sources may be used again; what was written is not known yet.
  void wait_bulk(int lane, int most, bool reads_only, std::uint32_t site) {
    lane_state& l = state(lane);
    if (profiles_) requests_.meeting(site, site_kind::wait, lane);
    finish(l.bulk_copies, l.bulk_groups, most, [&](std::uint32_t done) {
      for (int which = 1; which <= (reads_only ? 1 : 2); ++which) {
        lands(engine(which, lane), lane % block::warp_lanes, done);
        order_.wait_for(lane, engine(which, lane), lane % block::warp_lanes, done);
      }
    });
  }

private:
  struct copy_group {
    std::uint32_t group;
    engine_copy copy;
  };
  struct lane_state {
    std::uint32_t step = 0, site = 0;
    std::int64_t verbs_left = 0;
    std::uint64_t random = 0;
    std::optional<knowledge> fenced, seen;  // given by a fence to later atomics; seen by atomics before a fence
    tilery::scope fence_scope = tilery::scope::device;
    std::uint32_t groups = 0, bulk_groups = 0;  // the group that copies go to
    std::vector<copy_group> copies, bulk_copies;
  };
  struct mbarrier_meeting {
    group_id engine;  // whose work the copies that it counts are
    std::uint32_t phase = 0;
    knowledge given, published;
  };
  struct named_meeting {
    knowledge given;
    std::vector<int> waiting;
  };
  static constexpr int engines_of_warps = 3;  // copies in; bulk copies' reads; their writes

  lane_state& state(int lane) { return lanes_[static_cast<std::size_t>(lane)]; }
  std::int64_t shared_offset(const void* pointer) const {
    return static_cast<const std::byte*>(pointer) - static_cast<const std::byte*>(self_->shared());
  }
  bool reaches(const flag_state& flag, scope s) const {
    return flag.block == order_.block() || (flag.scope != scope::block && s != scope::block);
  }

  group_id engine(int which, int lane) const {
    const auto warps = static_cast<std::uint32_t>(order_.warp_count());
    return {order_.block(),
            warps * static_cast<std::uint32_t>(1 + which) + static_cast<std::uint32_t>(lane / block::warp_lanes)};
  }
  epoch engine_epoch(int which, int lane, std::uint32_t group, std::uint32_t site) const {
    return {engine(which, lane), group, site, static_cast<std::uint8_t>(lane % block::warp_lanes), access_mode::async};
  }
  /// Makes the copies of all groups but the last `most`.
  template <class Done>
  static void finish(std::vector<copy_group>& copies, std::uint32_t groups, int most, const Done& done) {
    if (groups <= static_cast<std::uint32_t>(most)) return;
    const std::uint32_t end = groups - static_cast<std::uint32_t>(most);
    std::size_t i = 0;
    for (; i < copies.size() && copies[i].group < end; ++i) copies[i].copy.land();
    copies.erase(copies.begin(), copies.begin() + static_cast<std::ptrdiff_t>(i));
    done(end);
  }
  bool bulk_aligned(const actor& who, const void* shared, const void* global, int bytes, bool shared_written) {
    if (reinterpret_cast<std::uintptr_t>(shared) % 16 != 0 || bytes % 16 != 0)
      return misaligned_shared(who, shared_offset(shared), bytes, shared_written), false;
    if (reinterpret_cast<std::uintptr_t>(global) % 16 != 0)
      return misaligned_global(who, global, bytes, !shared_written), false;
    return true;
  }
  void profile_bulk(std::uint32_t site, int lane, const void* global, int bytes, site_kind kind) {
    if (!profiles_) return;
    for (int done = 0; done < bytes; done += 16)
      requests_.access(site, kind, lane, reinterpret_cast<std::uintptr_t>(global) + static_cast<std::uintptr_t>(done),
                       16);
  }

  void some_had_left(int lane, int left, const char* of) {
    report(fault_kind::barrier_misuse, lane_itself(lane, state(lane).site, access_mode::plain), false, "", 0, 0,
           std::to_string(left) + (left == 1 ? " lane of the " : " lanes of the ") + of +
               " had left the kernel before; all must come");
  }
  [[noreturn]] void too_many(int lane) {
    std::map<std::uint32_t, std::vector<int>> lanes_at;
    for (std::size_t i = 0; i < lanes_.size(); ++i) lanes_at[lanes_[i].site].push_back(static_cast<int>(i));
    std::string places;
    for (const auto& [site, lanes] : lanes_at)
      places += "\n  lanes" + ranges(lanes) +
                (site == 0 ? " have not begun" : " were last in " + launch_.sites().describe(site).text());
    report(fault_kind::step_limit, lane_itself(lane, state(lane).site, access_mode::plain), false, "", 0, 0,
           "it has gone through " + std::to_string(launch_.launch().step_limit) + " verbs without an end" + places);
    throw step_limit_reached{};
  }

  const block* self_ = nullptr;
  block_requests requests_;
  bool profiles_, delays_;
  std::vector<lane_state> lanes_;
  std::uint32_t barrier_site_ = 0;
  int barrier_lane_ = 0;
  std::unordered_map<const void*, mbarrier_meeting> mbarriers_;
  named_meeting named_[barriers::named];
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
