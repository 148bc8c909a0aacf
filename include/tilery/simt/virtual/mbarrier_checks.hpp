// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checks of mbarriers, and of the bulk copies to shared memory whose bytes an mbarrier counts. The rules: an
// mbarrier must be initialised before it is used; its counts of arrivals and of bytes must be in the range that the
// hardware can count; no more arrivals or bytes may come than a phase expects; and when the block ends, no bulk copy to
// shared memory may belong to a phase that is not complete. (If fewer arrivals or bytes come than a phase expects, a
// lane that waits for the phase waits forever: grid.hpp reports this as a deadlock.) barriers.hpp models the mbarriers
// themselves: this class only checks them.
//
// The happens-before order. The copies that an mbarrier counts are the accesses of a virtual copy engine, one for each
// mbarrier. Like a lane, the engine has a time (vector_clock.hpp): the number of complete phases. An
// arrival releases the accesses that the lane has made, or that happen before its next access. After a wait, the
// accesses that the arrivals of all complete phases released, and the copies of these phases, happen before the lane's
// next access.
//
// In this file, `lane` is a rank in the block, and a site (site.hpp) is a place in the kernel, given by its number.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/copy_checks.hpp>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class mbarrier_checks : public copy_checks {
public:
  using copy_checks::copy_checks;

  /// Checks the initialisation of an mbarrier that expects `arrivals` arrivals in each phase. Records it unless the
  /// mbarrier is misaligned or out of bounds.
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
  /// Checks and records the end of an mbarrier (mbarrier.inval): from now on its 8 bytes may hold other data. All uses
  /// of the mbarrier must happen before this call.
  void invalidate_mbarrier(int lane, const void* mbarrier, const mbarrier_state& state, std::uint32_t site) {
    const actor who = lane_itself(lane, site, access_mode::plain);
    if (is_initialised(who, mbarrier, state) && barrier_access(who, shared_offset(mbarrier), true))
      mbarrier_addresses_.remove(shared_offset(mbarrier));
  }
  /// Checks that the mbarrier is initialised, and that its initialisation happens before this use of it. Returns
  /// false if the use must not be executed: the mbarrier is misaligned, not initialised or out of bounds.
  bool uses_mbarrier(int lane, const void* mbarrier, const mbarrier_state& state, std::uint32_t site) {
    const actor who = lane_itself(lane, site, atomic_mode(false, mbarrier_addresses::bytes));
    return is_initialised(who, mbarrier, state) && barrier_access(who, shared_offset(mbarrier), false);
  }
  /// Checks and records one instruction by which a lane makes `arrivals` arrivals and tells the mbarrier to expect
  /// `bytes` more bytes of copies in this phase. `state`: the mbarrier's state before the instruction.
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
  /// Records that the lane has waited for a phase: the accesses that the arrivals of all complete phases have released,
  /// and the copies of these phases, happen before the lane's next access.
  void has_waited(int lane, const void* mbarrier) { order_.acquire(lane, mbarriers_[mbarrier].published); }

  /// Checks a bulk copy of `bytes` bytes from global to shared memory (cp.async.bulk) whose bytes the mbarrier counts.
  /// If the copy may be executed, records it, fills its destination with NaN and returns true; otherwise returns false.
  /// The virtual GPU writes the copied data only later, when a lane waits for the mbarrier: until then the NaN stay.
  bool copy_bulk_in(int lane, void* to, const void* from, int bytes, const void* mbarrier, std::uint32_t site) {
    mbarrier_record& m = mbarriers_[mbarrier];
    const actor who{lane, {m.engine, m.phase, site, 0, access_mode::async_proxy}, true};
    launch_.issuers().add(m.engine, site, lane);
    if (!bulk_aligned(who, to, from, bytes, true) || !barrier_access(who, shared_offset(mbarrier), false) ||
        !global_access(who, from, bytes, false) || !shared_access(who, shared_offset(to), true, bytes))
      return false;
    std::memset(to, 0xff, static_cast<std::size_t>(bytes));  // a NaN in each floating-point type
    if (bytes > 0) m.copy_site = m.last_copy_site = site, m.copy_lane = lane, m.copied_last = true;
    profile_bulk(site, from, site_kind::async_copy, to, site_kind::shared_store, bytes);
    return true;
  }

protected:
  /// To be called when a block begins: forgets the copies and mbarriers of the previous block.
  void begin_mbarriers(const block& self) {
    begin_copies(self);
    mbarriers_.clear();
  }
  /// To be called when the block has ended. Completes and checks the bulk copies to global memory, which belong to no
  /// mbarrier (end_copies()). Then reports each mbarrier that has a bulk copy in a phase that is not complete, if
  /// checks_the_end(): the block was not ended early, and the launch checks for races.
  void end_mbarriers() {
    end_copies();
    for (const auto& [address, m] : mbarriers_)
      if (m.copy_site != 0 && checks_the_end())
        report(fault_kind::missing_wait, lane_itself(m.copy_lane, m.copy_site, access_mode::plain), true,
               "shared memory", 0, 0, "the block ends while a bulk copy that writes its shared memory is in flight");
  }

  /// Records that a phase of an mbarrier is complete: its copies have written their destinations. For a lane that waits
  /// for the phase, these copies, and the accesses that the phase's arrivals have released, happen before its next
  /// access. Reports the copies that are still in flight in `state`: no arrival of the phase has announced their bytes.
  void publish_phase(const void* mbarrier, const mbarrier_state& state) {
    mbarrier_record& m = mbarriers_[mbarrier];
    if (const std::int64_t bytes = state.bytes_under_way()) unexpected(m, bytes);
    ++m.phase, m.copy_site = 0;
    lands(m.engine, 0, m.phase);
    m.given.known.learn(m.engine, 0, m.phase);
    m.published.join(m.given);
    m.given = {};
  }
  /// Reports that copies have transferred `more` bytes in excess of those that the mbarrier's phase expects.
  void overfull(const void* mbarrier, std::int64_t more) { unexpected(mbarriers_[mbarrier], more); }

private:
  /// The data of one mbarrier for these checks. Sites are numbers of a site_table (site.hpp); 0 is no site.
  struct mbarrier_record {
    group_id engine;              // the engine whose accesses are the copies that this mbarrier counts
    std::uint32_t phase = 0;      // number of complete phases: the engine's time
    std::uint32_t copy_site = 0;  // site of the last copy in the current phase; 0: no copy in this phase
    std::uint32_t last_copy_site = 0, arrival_site = 0;  // sites of the last copy and of the last arrival in any phase
    int copy_lane = 0, arrival_lane = 0;  // lanes that issued the last copy, and that made the last arrival
    bool copied_last = false;             // true: the last event of the mbarrier was a copy; false: an arrival
    // Sets of accesses (block_order.hpp). given: those that the arrivals of the current phase have released. published:
    // those that the arrivals of all complete phases have released, and those of the copies of these phases; after a
    // wait they happen before the lane's next access.
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
  /// Reports copies that transfer `bytes` bytes more than the arrivals of the phase expect. On a GPU such a phase would
  /// be complete too early, or never.
  void unexpected(const mbarrier_record& m, std::int64_t bytes) {
    if (!launch_.checks_for(checks::barriers)) return;
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
