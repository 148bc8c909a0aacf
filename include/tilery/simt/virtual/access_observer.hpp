// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Decides if one new access to memory may follow the earlier accesses to the same bytes. If not, it reports the pair of
// accesses as a fault: a race, a missing wait for a copy, or a missing proxy fence. It also reports reads of bytes that
// were never written. The access history of the memory (shadow.hpp) calls an observer with the earlier accesses that
// may be in conflict.
//
// Words. A cell is the unit of the history: a byte of shared memory, or an element (at most 4 bytes) of global memory.
// An actor is a lane or a copy engine, which executes asynchronous copies. A site is a call of a lane's function, with
// its source line (site.hpp). An `epoch` is one access: its actor, time, site and mode (epoch.hpp); `readers` are such
// accesses of several members of one group, which is a warp or a copy engine. "The lane knows an access" means that the
// access happens before what the lane does next (block_order.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/access_reports.hpp>
#include <tilery/simt/virtual/remote_access_log.hpp>

#include <bit>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

struct access_observer {
  access_reports& watch;  // the checks of the block whose lane makes the access
  const access_reports::actor& who;
  bool writes;
  const char* memory;  // its name in reports if `home` is null: an operand's, "shared memory" or "global memory"
  std::size_t cell_bytes = 1;
  std::int64_t base = 0;  // offset of cell 0 from the start of the named memory ("global memory": address 0), in bytes
  bool in_shared = true;
  access_reports* home = nullptr;  // for an access by cluster rank: the checks of the block that owns the memory
  bool discarded = false;          // true: lanes have discarded bytes of this shared memory since its block began

  /// The checks of the block that owns the memory; for global memory, of the block that makes the access.
  access_reports& of() const { return home ? *home : watch; }
  std::string name() const { return home ? shared_memory_of(home->rank_of(home->order_.block())) : memory; }
  const epoch& now() const { return who.self; }
  /// True if the access must be compared even with writes that happen before the next access of every lane. There are
  /// two kinds of such accesses: one through the asynchronous proxy, because it needs a proxy fence after the write,
  /// too; and a constant read (of global memory, through a pointer to const), because it must follow no write of the
  /// launch.
  bool asks_always() const { return who.through_proxy || who.self.mode == access_mode::constant; }
  bool is_engine() const { return virtual_machine::is_engine(who.self.mode); }
  bool overwrites() const { return who.overwrites; }
  /// True if the write `e`, or all accesses of `r`, happen before this access.
  bool ordered(const epoch& e) const { return watch.order_.knows(who.lane, e); }
  bool ordered(const readers& r) const { return watch.order_.knows(who.lane, r); }

  /// True if the access may follow the write `e`: both are atomics that do not race (both_atomic()), or `e` happens
  /// before the access and is visible to the access's proxy. A constant read may follow no write of the launch.
  bool allows(const epoch& e) const {
    if (both_atomic(e.mode, e.who)) return true;
    if (who.self.mode == access_mode::constant || !ordered(e)) return false;
    if (!who.through_proxy || e.mode == access_mode::async_proxy) return true;
    return in_shared && watch.order_.fenced(who.lane, e);  // the proxy fence is for shared memory only
  }
  /// True if the access may follow the reads or atomics `r`. The history asks only if this access or one of `r` writes.
  /// No write may follow a constant read.
  bool allows(const readers& r) const {
    return r.mode != access_mode::constant && (ordered(r) || both_atomic(r.mode, r.who));
  }

  /// If the launch checks memory, reports that the access reads `cells` cells, from cell `first` on, that were never
  /// written.
  void never_written(std::size_t first, std::size_t cells) {
    if (watch.launch_.checks_for(checks::memory))
      watch.report(fault_kind::uninitialised, who, false, name(), offset(first), size(cells),
                   std::string("no lane of ") + (home ? "the cluster" : "this block") + " has written these bytes" +
                       (discarded ? " since the block began or since these bytes were discarded" : ""));
  }
  /// Reports that the access to `cells` cells, from cell `first` on, must not follow the write `e`.
  void conflicts(const epoch& e, std::size_t first, std::size_t cells) {
    conflict(e, e.member, true, first, cells,
             ordered(e) && who.through_proxy                                     ? fault_kind::missing_fence
             : virtual_machine::is_engine(e.mode) && of().in_flight(e, e.member) ? fault_kind::missing_wait
                                                                                 : fault_kind::race);
  }
  /// Reports that the access to `cells` cells, from cell `first` on, must not follow the accesses `r`. The report names
  /// one member of `r`: one whose access does not happen before this access, if there is one.
  void conflicts(const readers& r, std::size_t first, std::size_t cells) {
    int member = std::countr_zero(r.members);
    for (std::uint32_t rest = r.members; rest; rest &= rest - 1)
      if (!watch.order_.knows(who.lane, r.who, std::countr_zero(rest), r.time, r.mode)) member = std::countr_zero(rest);
    conflict(r, member, r.wrote, first, cells,
             virtual_machine::is_engine(r.mode) && of().in_flight(r, member) ? fault_kind::missing_wait
                                                                             : fault_kind::race);
  }

private:
  /// True if this access and another one, of mode `other` by an actor of group `by`, are atomics of one width, and the
  /// scope of each includes both lanes: such atomics do not race.
  bool both_atomic(access_mode other, group_id by) const {
    const access_mode mine = who.self.mode;
    return is_atomic(mine) && is_atomic(other) && of_one_width(mine, other) &&
           (by.block == watch.order_.block() || (reaches_device(mine) && reaches_device(other)));
  }
  /// If the launch checks for races, reports a fault of this kind: this access must not follow `other`, an access by
  /// member `member` of the group `other.who`. `wrote`: true if `other` wrote. The report says what would make the pair
  /// correct, such as a barrier, a wait or a fence.
  template <class Other>
  void conflict(const Other& other, int member, bool wrote, std::size_t first, std::size_t cells, fault_kind kind) {
    if (!watch.launch_.checks_for(checks::races)) return;
    const bool plain = who.self.mode == access_mode::plain && other.mode == access_mode::plain;
    const access_pair pair{kind,
                           who.self.mode,
                           other.mode,
                           other.who == watch.order_.warp_of(who.lane),
                           other.who.block == watch.order_.block(),
                           in_shared,
                           plain && writes && wrote && who.self.site == other.site};
    fault_origin origin{pair.needs(), {}};
    if (plain && pair.same_block) origin.later = watch.later_iteration_of(who, other.site, other.time, pair.same_warp);
    fault f =
        watch.new_fault(kind, who.lane, writes, name(), offset(first), size(cells), missing_order(pair, origin.later));
    f.before = {{}, watch.launch_.position(other.who.block), watch.lane_of(other.who, member, other.site), wrote};
    // lanes store to one address by one line of code: no barrier would help
    if (pair.one_line_stores && origin.later.barrier == 0) origin.needed = remedy::other;
    watch.launch_.found(std::move(f), who.self.site, other.site, std::move(origin));
  }
  /// The offset of a cell from the start of the named memory, in bytes.
  std::int64_t offset(std::size_t cell) const { return base + static_cast<std::int64_t>(cell * cell_bytes); }
  /// The size of this number of cells, in bytes.
  std::int64_t size(std::size_t cells) const { return static_cast<std::int64_t>(cells * cell_bytes); }
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
