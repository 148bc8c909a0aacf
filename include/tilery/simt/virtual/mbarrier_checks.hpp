// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checks of mbarriers, and of the bulk copies to shared memory whose bytes an mbarrier counts. An mbarrier must be
// initialised before it is used. Its counts of arrivals and of bytes must be in the range that the hardware can count.
// No more arrivals or bytes may come than a phase expects (if fewer come, the phase never completes: a deadlock). No
// copy may be in flight when the block ends. barriers.hpp has the mbarriers themselves: this class only checks them.
//
// The happens-before order: each mbarrier has an engine, a group of its own (vector_clock.hpp) that makes the copies
// whose bytes the mbarrier counts. The engine's time is the number of complete phases. An arrival is a release. A wait
// acquires what the arrivals of all complete phases released, and learns of the copies of these phases.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/copy_checks.hpp>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class mbarrier_checks : public copy_checks {
public:
  using copy_checks::copy_checks;

  /// Checks and records the initialisation of an mbarrier that expects `arrivals` arrivals in each phase.
  void init_mbarrier(int lane, const void* mbarrier, int arrivals, std::uint32_t site) {
    const actor who = lane_itself(lane, site, access_mode::plain);
    if (arrivals < 1 || arrivals > mbarrier_state::most)
      report(fault_kind::barrier_misuse, who, true, "", 0, 0,
             "an mbarrier counts 1 to " + std::to_string(mbarrier_state::most) +
                 " arrivals a phase; this one would count " + std::to_string(arrivals));
    if (reinterpret_cast<std::uintptr_t>(mbarrier) % 8 != 0)
      return misaligned_shared(who, shared_offset(mbarrier), 8, true);
    if (!barrier_access(who, shared_offset(mbarrier), true)) return;
    mbarrier_addresses_.add(shared_offset(mbarrier), {lane, site});
    mbarrier_record& m = mbarriers_[mbarrier];
    m = {};
    m.engine = order_.new_engine();
  }
  /// Checks and records the end of an mbarrier: from now on its 8 bytes may hold other data. All uses of the mbarrier
  /// must be ordered before this call.
  void invalidate_mbarrier(int lane, const void* mbarrier, const mbarrier_state& state, std::uint32_t site) {
    const actor who = lane_itself(lane, site, access_mode::plain);
    if (is_initialised(who, mbarrier, state) && barrier_access(who, shared_offset(mbarrier), true))
      mbarrier_addresses_.remove(shared_offset(mbarrier));
  }
  /// Checks that the mbarrier is initialised, and that its initialisation is ordered before this use of it. Returns
  /// false if the use must not be executed: the mbarrier is misaligned, not initialised or out of bounds.
  bool uses_mbarrier(int lane, const void* mbarrier, const mbarrier_state& state, std::uint32_t site) {
    const actor who = lane_itself(lane, site, atomic_mode(false, mbarrier_addresses::bytes));
    return is_initialised(who, mbarrier, state) && barrier_access(who, shared_offset(mbarrier), false);
  }
  /// Checks and records `arrivals` arrivals of one lane, which also tell the mbarrier to expect `bytes` more bytes of
  /// copies in this phase. `state`: the mbarrier's state before these arrivals.
  void arrives(int lane, const void* mbarrier, const mbarrier_state& state, int arrivals, std::int64_t bytes,
               std::uint32_t site) {
    if (profiles_) requests_.synchronisation(site, site_kind::barrier, lane);
    mbarrier_record& m = mbarriers_[mbarrier];
    m.given.join(order_.release(lane));
    m.arrival_site = site, m.arrival_lane = lane, m.copied_last = false;
    const auto misused = [&](std::string how) {
      report(fault_kind::barrier_misuse, lane_itself(lane, site, access_mode::plain), false, "", 0, 0, std::move(how));
    };
    if (arrivals > state.missing)
      misused("more lanes arrive at the mbarrier than the " + std::to_string(state.expected) +
              " arrivals that a phase expects");
    if (bytes < 0)
      misused("an arrival expects " + std::to_string(bytes) + " bytes; it must be 0 or more");
    else if (state.missing_bytes + bytes > mbarrier_state::most)
      misused("an mbarrier counts at most " + std::to_string(mbarrier_state::most) + " bytes; this one would count " +
              std::to_string(state.missing_bytes + bytes));
  }
  /// Records that the lane has waited for a phase: all arrivals and copies of the complete phases happen before the
  /// lane's next access.
  void has_waited(int lane, const void* mbarrier) { order_.acquire(lane, mbarriers_[mbarrier].published); }

  /// Checks and records a bulk copy from global to shared memory whose bytes the mbarrier counts. Returns true if the
  /// copy may be executed. Its destination is then filled with NaN, which stay there until the copy lands.
  bool copy_bulk_in(int lane, void* to, const void* from, int bytes, const void* mbarrier, std::uint32_t site) {
    mbarrier_record& m = mbarriers_[mbarrier];
    const actor who{lane, {m.engine, m.phase, site, 0, access_mode::async_proxy}, true};
    issued_by(m.engine, lane);
    if (!bulk_aligned(who, to, from, bytes, true) || !barrier_access(who, shared_offset(mbarrier), false) ||
        !global_access(who, from, bytes, false) || !shared_access(who, shared_offset(to), true, bytes))
      return false;
    std::memset(to, 0xff, static_cast<std::size_t>(bytes));  // a NaN in each floating-point type
    if (bytes > 0) m.copy_site = m.last_copy_site = site, m.copy_lane = lane, m.copied_last = true;
    profile_bulk(site, from, site_kind::async_copy, to, site_kind::shared_store, bytes);
    return true;
  }

protected:
  void begin_mbarriers(const block& self) {
    begin_copies(self);
    mbarriers_.clear();
  }
  /// To be called when the block has ended. Ends the copies that lanes wait for in groups (end_copies()). If
  /// checks_the_end(), reports each mbarrier that has a bulk copy in a phase that is not complete.
  void end_mbarriers() {
    end_copies();
    for (const auto& [address, m] : mbarriers_)
      if (m.copy_site != 0 && checks_the_end())
        report(fault_kind::missing_wait, lane_itself(m.copy_lane, m.copy_site, access_mode::plain), true,
               "shared memory", 0, 0, "the block ends while a bulk copy that writes its shared memory is in flight");
  }

  /// Records that a phase of an mbarrier is complete: the copies that the phase counted have landed, and lanes that
  /// wait for the phase learn of these copies and of the phase's arrivals. Reports copies that are still in flight in
  /// `state`: no arrival of the phase has announced their bytes.
  void publish_phase(const void* mbarrier, const mbarrier_state& state) {
    mbarrier_record& m = mbarriers_[mbarrier];
    if (const std::int64_t bytes = state.bytes_under_way()) unexpected(m, bytes);
    ++m.phase, m.copy_site = 0;
    lands(m.engine, 0, m.phase);
    m.given.known.learn(m.engine, 0, m.phase);
    m.published.join(m.given);
    m.given = {};
  }
  /// Reports that copies have brought `more` bytes in excess of those that the mbarrier's phase expects.
  void overfull(const void* mbarrier, std::int64_t more) { unexpected(mbarriers_[mbarrier], more); }

private:
  /// One mbarrier, as the checks see it. Sites are numbers of a site_table; 0 is no site.
  struct mbarrier_record {
    group_id engine;              // makes the copies that this mbarrier counts (vector_clock.hpp)
    std::uint32_t phase = 0;      // number of complete phases; the engine's time
    std::uint32_t copy_site = 0;  // of the last copy in the current phase; 0: none
    std::uint32_t last_copy_site = 0, arrival_site = 0;  // of the last copy and arrival in any phase
    int copy_lane = 0, arrival_lane = 0;                 // that issued this copy; that made this arrival
    bool copied_last = false;  // true: the last event of the mbarrier was a copy; false: an arrival
    // given: what the arrivals of the current phase have released. published: what the arrivals of all complete phases
    // have released, and the accesses of their copies; a wait acquires it.
    knowledge given, published;
  };

  /// Reports a misaligned or uninitialised mbarrier, and returns false for it.
  bool is_initialised(const actor& who, const void* mbarrier, const mbarrier_state& state) {
    if (reinterpret_cast<std::uintptr_t>(mbarrier) % 8 != 0)
      return misaligned_shared(who, shared_offset(mbarrier), 8, false), false;
    if (state.expected > 0) return true;
    report(fault_kind::barrier_misuse, who, false, "", 0, 0, "the mbarrier has not been initialised");
    return false;
  }
  /// Reports copies that bring `bytes` bytes more than the arrivals of the phase expect. On a GPU such a phase would be
  /// complete too early, or never.
  void unexpected(const mbarrier_record& m, std::int64_t bytes) {
    if (!launch_.checks_for(checks::meetings)) return;
    fault f =
        new_fault(fault_kind::barrier_misuse, m.copied_last ? m.copy_lane : m.arrival_lane, m.copied_last, "", 0, 0,
                  "copies transfer " + std::to_string(bytes) +
                      " bytes more than the phase of the mbarrier expects: arrive_and_expect must announce the bytes "
                      "of each copy");
    f.before = {{}, f.now.block, m.copied_last ? m.arrival_lane : m.copy_lane, !m.copied_last};
    launch_.found(std::move(f), m.copied_last ? m.last_copy_site : m.arrival_site,
                  m.copied_last ? m.arrival_site : m.last_copy_site);
  }

  std::unordered_map<const void*, mbarrier_record> mbarriers_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
