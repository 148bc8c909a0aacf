// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checks of a block's asynchronous copies and of its barrier objects (mbarriers and named barriers): which copies
// are in flight, which bytes they read and write, what a lane knows after it has waited for them, and whether the
// counts of each barrier are correct.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/access_watch.hpp>
#include <tilery/simt/virtual/block_requests.hpp>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class engine_watch : public access_watch {
public:
  engine_watch(launch_watch& launch, int threads, std::size_t shared_bytes)
      : access_watch(launch, threads, shared_bytes),
        requests_(launch.recorder()),
        profiles_(launch.checks_for(checks::profile)),
        copies_(static_cast<std::size_t>(threads)) {}

  // Copies by a lane (cp.async): groups that complete in their order --------------------------------------------------

  /// Begins a copy of `valid` bytes, padded with zeros to `bytes`. Until the copy is waited for, its destination holds
  /// NaN.
  void copy(int lane, void* to, const void* from, int bytes, int valid, std::uint32_t site) {
    lane_copies& l = copies_of(lane);
    const actor who{lane, engine_epoch(0, lane, l.groups, site, access_mode::async)};
    const std::int64_t offset = shared_offset(to);
    if (valid < 0 || valid > bytes)
      return report(fault_kind::out_of_bounds, who, false, "the source", 0, valid,
                    "a copy of " + std::to_string(bytes) + " bytes reads 0 to " + std::to_string(bytes) + " of them");
    const auto unit = static_cast<std::uintptr_t>(bytes);
    if (reinterpret_cast<std::uintptr_t>(to) % unit != 0) return misaligned_shared(who, offset, bytes, true);
    if (reinterpret_cast<std::uintptr_t>(from) % unit != 0) return misaligned_global(who, from, bytes, false);
    if (valid > 0 && !global_access(who, from, valid, false)) return;
    if (!shared_access(who, offset, true, bytes)) return;
    std::memset(to, 0xff, unit);
    l.copies.push_back({l.groups, {to, from, unit, static_cast<std::size_t>(valid)}});
    if (!profiles_) return;
    if (valid > 0) requests_.access(site, site_kind::async_copy, lane, reinterpret_cast<std::uintptr_t>(from), valid);
    requests_.access(site, site_kind::shared_store, lane, static_cast<std::uintptr_t>(offset), bytes);
  }
  void commit_copies(int lane) { ++copies_of(lane).groups; }
  /// Waits until at most `most` groups are in flight.
  void wait_copies(int lane, int most, std::uint32_t site) {
    lane_copies& l = copies_of(lane);
    if (profiles_) requests_.meeting(site, site_kind::wait, lane);
    finish(l.copies, l.groups, most, [&](std::uint32_t done) {
      lands(engine(0, lane), lane % block::warp_lanes, done);
      order_.wait_for(lane, engine(0, lane), lane % block::warp_lanes, done);
    });
  }

  // mbarriers and bulk copies (cp.async.bulk, through the asynchronous proxy) ----------------------------------------

  void init_mbarrier(int lane, const void* mbarrier, int arrivals, std::uint32_t site) {
    const actor who = lane_itself(lane, site, access_mode::plain);
    if (arrivals < 1 || arrivals > mbarrier_state::most)
      report(fault_kind::barrier_misuse, who, true, "", 0, 0,
             "an mbarrier counts 1 to " + std::to_string(mbarrier_state::most) +
                 " arrivals a phase; this one would count " + std::to_string(arrivals));
    if (reinterpret_cast<std::uintptr_t>(mbarrier) % 8 != 0)
      return misaligned_shared(who, shared_offset(mbarrier), 8, true);
    if (!barrier_access(who, shared_offset(mbarrier), true)) return;
    barrier_places_.add(shared_offset(mbarrier), {lane, site});
    mbarrier_meeting& m = mbarriers_[mbarrier];
    m = {};
    m.engine = order_.new_engine();
  }
  /// After this, the mbarrier's memory may be used for something else. All uses of the mbarrier must be ordered before
  /// this call.
  void invalidate_mbarrier(int lane, const void* mbarrier, const mbarrier_state& state_of, std::uint32_t site) {
    const actor who = lane_itself(lane, site, access_mode::plain);
    if (is_initialised(who, mbarrier, state_of) && barrier_access(who, shared_offset(mbarrier), true))
      barrier_places_.remove(shared_offset(mbarrier));
  }
  /// Checks that the mbarrier is initialised and that its initialisation is ordered before what this lane does now.
  /// Returns false if the mbarrier must not be used.
  bool uses_mbarrier(int lane, const void* mbarrier, const mbarrier_state& state_of, std::uint32_t site) {
    const actor who = lane_itself(lane, site, atomic_mode(false, barrier_places::bytes));
    return is_initialised(who, mbarrier, state_of) && barrier_access(who, shared_offset(mbarrier), false);
  }
  /// Checks and records an arrival that expects `bytes` bytes of copies.
  void arrives(int lane, const void* mbarrier, const mbarrier_state& state_of, int arrivals, std::int64_t bytes,
               std::uint32_t site) {
    if (profiles_) requests_.meeting(site, site_kind::barrier, lane);
    mbarrier_meeting& m = mbarriers_[mbarrier];
    m.given.join(order_.release(lane));
    m.arrival_site = site, m.arrival_lane = lane, m.copied_last = false;
    const auto misused = [&](std::string how) {
      report(fault_kind::barrier_misuse, lane_itself(lane, site, access_mode::plain), false, "", 0, 0, std::move(how));
    };
    if (arrivals > state_of.missing)
      misused("more lanes arrive at the mbarrier than the " + std::to_string(state_of.expected) + " of a phase");
    if (bytes < 0)
      misused("an arrival expects " + std::to_string(bytes) + " bytes; it must be 0 or more");
    else if (state_of.missing_bytes + bytes > mbarrier_state::most)
      misused("an mbarrier counts at most " + std::to_string(mbarrier_state::most) + " bytes; this one would count " +
              std::to_string(state_of.missing_bytes + bytes));
  }
  void has_waited(int lane, const void* mbarrier) { order_.acquire(lane, mbarriers_[mbarrier].published); }

  /// Checks a bulk copy from global to shared memory, whose bytes the mbarrier counts. Returns true if the copy may be
  /// made.
  bool copy_bulk_in(int lane, void* to, const void* from, int bytes, const void* mbarrier, std::uint32_t site) {
    mbarrier_meeting& m = mbarriers_[mbarrier];
    const actor who{lane, {m.engine, m.phase, site, 0, access_mode::async_proxy}, true};
    issued_by(m.engine, lane);
    if (!bulk_aligned(who, to, from, bytes, true) || !barrier_access(who, shared_offset(mbarrier), false) ||
        !global_access(who, from, bytes, false) || !shared_access(who, shared_offset(to), true, bytes))
      return false;
    std::memset(to, 0xff, static_cast<std::size_t>(bytes));
    if (bytes > 0) m.copy_site = m.last_copy_site = site, m.copy_lane = lane, m.copied_last = true;
    profile_bulk(site, from, site_kind::async_copy, to, site_kind::shared_store, bytes);
    return true;
  }
  /// Begins a bulk copy from shared to global memory. These copies form groups, like those of copy().
  void copy_bulk_out(int lane, void* to, const void* from, int bytes, std::uint32_t site) {
    lane_copies& l = copies_of(lane);
    const actor reads{lane, engine_epoch(1, lane, l.bulk_groups, site, access_mode::async_proxy), true},
        writes{lane, engine_epoch(2, lane, l.bulk_groups, site, access_mode::async_proxy), true};
    if (!bulk_aligned(reads, from, to, bytes, false) || !shared_access(reads, shared_offset(from), false, bytes) ||
        !global_access(writes, to, bytes, true))
      return;
    l.bulk_copies.push_back(
        {l.bulk_groups, {to, from, static_cast<std::size_t>(bytes), static_cast<std::size_t>(bytes)}});
    l.bulk_site = site;
    profile_bulk(site, to, site_kind::global_store, from, site_kind::shared_load, bytes);
  }
  void commit_bulk(int lane) { ++copies_of(lane).bulk_groups; }
  /// Waits until at most `most` groups are in flight. With `reads_only`, waits only until the sources have been read:
  /// the shared memory may be reused, but the lane does not know of the writes yet.
  void wait_bulk(int lane, int most, bool reads_only, std::uint32_t site) {
    lane_copies& l = copies_of(lane);
    if (profiles_) requests_.meeting(site, site_kind::wait, lane);
    if (l.bulk_groups > static_cast<std::uint32_t>(most))
      l.read_until = l.bulk_groups - static_cast<std::uint32_t>(most);
    finish(l.bulk_copies, l.bulk_groups, most, [&](std::uint32_t done) {
      for (int which = 1; which <= (reads_only ? 1 : 2); ++which) {
        lands(engine(which, lane), lane % block::warp_lanes, done);
        order_.wait_for(lane, engine(which, lane), lane % block::warp_lanes, done);
      }
    });
  }

  // Named barriers ----------------------------------------------------------------------------------------------------

  void no_such_named(int lane, int number, int lanes, std::uint32_t site) {
    report(fault_kind::barrier_misuse, lane_itself(lane, site, access_mode::plain), false, "", 0, 0,
           "barrier " + std::to_string(number) + " of " + std::to_string(lanes) +
               " lanes; there are barriers 1 to 15, of whole warps (0 is sync_block's)");
  }
  void comes_to_named(int lane, int number, int lanes, bool waits, std::uint32_t site) {
    if (profiles_) requests_.meeting(site, site_kind::barrier, lane);
    named_meeting& m = named_[number];
    if (m.lanes != 0 && m.lanes != lanes)
      report(fault_kind::barrier_misuse, lane_itself(lane, site, access_mode::plain), false, "", 0, 0,
             "barrier " + std::to_string(number) + " is of " + std::to_string(lanes) + " lanes here, and of " +
                 std::to_string(m.lanes) + " where others have come to it");
    m.lanes = lanes;
    m.given.join(order_.release(lane));
    if (waits) m.waiting.push_back(lane);
    m.last = lane, m.last_site = site;
    m.came.resize(static_cast<std::size_t>(order_.warp_count()));
    warp_came& w = m.came[static_cast<std::size_t>(lane / block::warp_lanes)];
    if (w.lanes++ == 0) w.first = lane, w.site = site;
    if (w.site == site || !launch_.checks_for(checks::meetings)) return;
    fault f = new_fault(fault_kind::collective, lane, false, "", 0, 0, warp_meeting::must_be_one_line);
    f.before = {{}, f.now.block, w.first, false};
    launch_.found(std::move(f), site, w.site);
  }

protected:
  void begin_engines(const block& self) {
    self_ = &self;
    begin_accesses(launch_.number(self.at()));
    for (int engine = 0; engine < engines_of_warps * order_.warp_count(); ++engine) order_.new_engine();
    for (lane_copies& l : copies_) l = {};
    mbarriers_.clear();
    for (named_meeting& m : named_) m = {};
  }
  void end_engines() {
    for (std::size_t lane = 0; lane < copies_.size(); ++lane) {
      const lane_copies& l = copies_[lane];
      for (const copy_group& c : l.bulk_copies) c.copy.land();  // copies to global memory complete without a wait, too
      if (!l.bulk_copies.empty() && l.bulk_copies.back().group >= l.read_until && must_be_right())
        report(fault_kind::missing_wait, lane_itself(static_cast<int>(lane), l.bulk_site, access_mode::plain), false,
               "shared memory", 0, 0, "the block ends under a bulk copy that reads its shared memory");
    }
    for (const auto& [address, m] : mbarriers_)
      if (m.copy_site != 0 && must_be_right())
        report(fault_kind::missing_wait, lane_itself(m.copy_lane, m.copy_site, access_mode::plain), true,
               "shared memory", 0, 0, "the block ends under a bulk copy that writes its shared memory");
    end_accesses(must_be_right());
  }
  /// A phase of an mbarrier is complete: its copies have landed. Copies that are still in `state` have bytes that no
  /// arrival expected.
  void publish_phase(const void* mbarrier, const mbarrier_state& state) {
    mbarrier_meeting& m = mbarriers_[mbarrier];
    if (const std::int64_t bytes = state.bytes_under_way()) unexpected(m, bytes);
    ++m.phase, m.copy_site = 0;
    lands(m.engine, 0, m.phase);
    m.given.known.learn(m.engine, 0, m.phase);
    m.published.join(m.given);
    m.given = {};
  }
  void overfull(const void* mbarrier, std::int64_t more) { unexpected(mbarriers_[mbarrier], more); }
  /// All lanes that a named barrier expects have arrived: those that wait learn what all of them did before.
  void publish_named(int number) {
    named_meeting& m = named_[number];
    for (const int lane : m.waiting) order_.acquire(lane, m.given);
    for (std::size_t w = 0; w < m.came.size(); ++w) {
      const int of =
          std::min(block::warp_lanes, static_cast<int>(copies_.size()) - static_cast<int>(w) * block::warp_lanes);
      if (m.came[w].lanes != 0 && m.came[w].lanes != of)
        report(fault_kind::barrier_misuse, lane_itself(m.last, m.last_site, access_mode::plain), false, "", 0, 0,
               std::to_string(m.came[w].lanes) + " lanes of warp " + std::to_string(w) + " have come to barrier " +
                   std::to_string(number) + "; warps come as a whole");
    }
    m = {};
  }

  std::int64_t shared_offset(const void* pointer) const {
    return static_cast<const std::byte*>(pointer) - static_cast<const std::byte*>(self_->shared());
  }

  const block* self_ = nullptr;
  block_requests requests_;
  bool profiles_;

private:
  struct copy_group {
    std::uint32_t group;
    engine_copy copy;
  };
  /// The asynchronous copies that a lane has issued.
  struct lane_copies {
    std::uint32_t groups = 0, bulk_groups = 0;  // the group that the next copy joins
    std::uint32_t read_until = 0, bulk_site = 0;
    std::vector<copy_group> copies, bulk_copies;
  };
  struct mbarrier_meeting {
    group_id engine;  // the observer that makes the copies counted by this mbarrier
    std::uint32_t phase = 0;
    std::uint32_t copy_site = 0;  // of a copy in flight; 0: none
    std::uint32_t last_copy_site = 0, arrival_site = 0;
    int copy_lane = 0, arrival_lane = 0;
    bool copied_last = false;  // true: the last event was a copy; false: an arrival
    knowledge given, published;
  };
  /// The lanes of one warp that have arrived at a named barrier: their number, the first of them, and its site.
  struct warp_came {
    int lanes = 0, first = 0;
    std::uint32_t site = 0;
  };
  struct named_meeting {
    int lanes = 0, last = 0;
    std::uint32_t last_site = 0;
    std::vector<warp_came> came;  // by warp
    knowledge given;
    std::vector<int> waiting;
  };
  static constexpr int engines_of_warps = 3;  // of each warp: 0 copies in, 1 and 2 reads and writes of bulk copies out

  bool is_initialised(const actor& who, const void* mbarrier, const mbarrier_state& state_of) {
    if (reinterpret_cast<std::uintptr_t>(mbarrier) % 8 != 0)
      return misaligned_shared(who, shared_offset(mbarrier), 8, false), false;
    if (state_of.expected > 0) return true;
    report(fault_kind::barrier_misuse, who, false, "", 0, 0, "the mbarrier has not been initialised");
    return false;
  }
  /// Reports copies that bring `bytes` bytes more than the arrivals expect: the phase ends too early, or never.
  void unexpected(const mbarrier_meeting& m, std::int64_t bytes) {
    if (!launch_.checks_for(checks::meetings)) return;
    fault f =
        new_fault(fault_kind::barrier_misuse, m.copied_last ? m.copy_lane : m.arrival_lane, m.copied_last, "", 0, 0,
                  "copies bring " + std::to_string(bytes) +
                      " bytes more than the phase of the mbarrier expects: arrive_and_expect the bytes of each");
    f.before = {{}, f.now.block, m.copied_last ? m.arrival_lane : m.copy_lane, !m.copied_last};
    launch_.found(std::move(f), m.copied_last ? m.last_copy_site : m.arrival_site,
                  m.copied_last ? m.arrival_site : m.last_copy_site);
  }
  lane_copies& copies_of(int lane) { return copies_[static_cast<std::size_t>(lane)]; }
  bool must_be_right() const { return !self_->cancelled() && launch_.checks_for(checks::races); }

  group_id engine(int which, int lane) const {
    const auto warps = static_cast<std::uint32_t>(order_.warp_count());
    return {order_.block(),
            warps * static_cast<std::uint32_t>(1 + which) + static_cast<std::uint32_t>(lane / block::warp_lanes)};
  }
  epoch engine_epoch(int which, int lane, std::uint32_t group, std::uint32_t site, access_mode mode) const {
    return {engine(which, lane), group, site, static_cast<std::uint8_t>(lane % block::warp_lanes), mode};
  }
  /// Makes the copies of all groups but the last `most`. Then calls done(end), where `end` is the first group still in
  /// flight.
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
    if (bytes < 0) {
      report(fault_kind::out_of_bounds, who, shared_written, "shared memory", shared_offset(shared), bytes,
             "a bulk copy has at least 0 bytes");
      return false;
    }
    if (reinterpret_cast<std::uintptr_t>(shared) % 16 != 0 || bytes % 16 != 0)
      return misaligned_shared(who, shared_offset(shared), bytes, shared_written), false;
    if (reinterpret_cast<std::uintptr_t>(global) % 16 != 0)
      return misaligned_global(who, global, bytes, !shared_written), false;
    return true;
  }
  void profile_bulk(std::uint32_t site, const void* global, site_kind in_global, const void* shared,
                    site_kind in_shared, int bytes) {
    if (!profiles_ || bytes == 0) return;
    requests_.bulk(site, in_global, reinterpret_cast<std::uintptr_t>(global), bytes);
    requests_.bulk(site, in_shared, static_cast<std::uintptr_t>(shared_offset(shared)), bytes);
  }

  std::vector<lane_copies> copies_;
  std::unordered_map<const void*, mbarrier_meeting> mbarriers_;
  named_meeting named_[barriers::named];
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
