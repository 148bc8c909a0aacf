// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The base class of all checks of one block's accesses (the class with all of them is block_watch, block_watch.hpp). It
// defines the actor of an access (a lane, or a copy engine), and stores the block's happens-before order and which
// copies are complete. Its functions turn a wrong access into a fault, and add the fault to those of the launch.
//
// Words. A site (site.hpp) is an operation of a lane with its source line; sites have numbers. An epoch is one access:
// its actor, time, site and mode (epoch.hpp). Actors form groups: a group is a warp, whose members are its lanes, or a
// copy engine. block_order.hpp explains the time of an actor.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/block.hpp>
#include <tilery/simt/virtual/launch_watch.hpp>
#include <tilery/simt/virtual/missing_order.hpp>
#include <tilery/simt/virtual/passed_barriers.hpp>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

struct access_observer;

class access_reports {
public:
  /// The actor of an access: a lane, or a copy engine on behalf of a lane.
  struct actor {
    int lane;                    // that makes the access, or has issued the copy
    epoch self;                  // the access's epoch: the engine's if an engine makes the access
    bool through_proxy = false;  // through the asynchronous proxy: sees a write of a lane only after a proxy fence
    bool overwrites = false;     // an atomic store or exchange on shared memory: its new value ignores the old one
  };

  access_reports(launch_watch& launch, int threads) : launch_(launch), order_(threads) {}

  /// Returns the actor of an access that the lane makes itself at its current time. `atomic_write`: true for an atomic
  /// that writes.
  actor lane_itself(int lane, std::uint32_t site, access_mode mode, bool atomic_write = false) const {
    return {lane,
            {order_.warp_of(lane), order_.time(lane), site, static_cast<std::uint8_t>(lane % block::warp_lanes), mode,
             atomic_write}};
  }

  // The next two functions report an access whose address is not a multiple of the required alignment, or a bulk copy
  // whose size is not a multiple of 16 bytes.

  void misaligned_shared(const actor& who, std::int64_t offset, int bytes, bool writes) {
    report(fault_kind::misaligned, who, writes, "shared memory", offset, bytes, must_be_aligned);
  }
  /// The fault names the nearest operand. If no operand has elements, the fault's offset is the address.
  void misaligned_global(const actor& who, const void* pointer, int bytes, bool writes) {
    const auto address = reinterpret_cast<std::uintptr_t>(pointer);
    const operand* near = launch_.memory().nearest(address);
    report(fault_kind::misaligned, who, writes, near ? near->name : "global memory",
           near ? offset_in(*near, address) : static_cast<std::int64_t>(address), bytes, must_be_aligned);
  }

  /// Reports a fault of a single access: `bytes` bytes at `offset` of `memory`. `missing` says what is wrong.
  void report(fault_kind kind, const actor& who, bool writes, std::string memory, std::int64_t offset,
              std::int64_t bytes, std::string missing) {
    launch_.found(new_fault(kind, who.lane, writes, std::move(memory), offset, bytes, std::move(missing)),
                  who.self.site, 0);
  }
  /// Returns a fault whose access by `lane` is at `offset` of `memory`. Its sites are empty: launch_watch::found()
  /// fills them in.
  fault new_fault(fault_kind kind, int lane, bool writes, std::string memory, std::int64_t offset, std::int64_t bytes,
                  std::string missing) const {
    fault f;
    f.kind = kind;
    f.now = {{}, launch_.position(order_.block()), lane, writes};
    f.memory = std::move(memory), f.offset = offset, f.bytes = bytes, f.missing = std::move(missing);
    return f;
  }

protected:
  /// To be called when a block begins. `block`: its number in the grid.
  void begin_reports(std::uint32_t block) {
    order_.begin(block), passed_.begin(order_.warp_count());
    landed_.clear();
  }

  /// Marks the engine's accesses for this member at times below `time` as complete. The time of an engine counts the
  /// groups of copies that lane `member` of a warp has committed (copy_checks.hpp), or the complete phases of an
  /// mbarrier (mbarrier_checks.hpp; `member` is then 0).
  void lands(group_id engine, int member, std::uint32_t time) { landed(engine, member) = time; }

  /// Returns a reference to the time that lands() has set: all copies of this engine and member at smaller times are
  /// complete. `engine` is an engine of this block: its number (group_id::local) is at least the number of warps.
  std::uint32_t& landed(group_id engine, int member) {
    const std::size_t i =
        (engine.local - static_cast<std::uint32_t>(order_.warp_count())) * std::size_t{block::warp_lanes} +
        static_cast<std::size_t>(member);
    if (i >= landed_.size()) landed_.resize(i + block::warp_lanes);
    return landed_[i];
  }
  /// True if `other`, an access by member `member` of a copy engine, belongs to a copy of this block that is not
  /// complete.
  template <class Other>
  bool in_flight(const Other& other, int member) {
    return other.who.block == order_.block() && other.time >= landed(other.who, member);
  }

  /// Returns the rank in its block of the lane that a report names for an access at `site`: the lane itself, or the
  /// lane that issued the copy.
  ///
  /// The engine of an mbarrier belongs to no warp: copy_issuers has the lane. A block of `warps` warps numbers the
  /// engines of warp w as w + i * warps, i >= 1 (copy_checks::engine); the remainder by `warps` is w. All blocks of a
  /// launch have as many warps.
  int lane_of(group_id who, int member, std::uint32_t site) const {
    if (const int issuer = launch_.issuers().lane_of(who, site); issuer >= 0) return issuer;
    const auto warps = static_cast<std::uint32_t>(order_.warp_count());
    return static_cast<int>(who.local % warps) * block::warp_lanes + member;
  }

  /// Returns the rank in its cluster of block number `block` of the grid.
  int rank_of(std::uint32_t block) const { return static_cast<int>(block) % launch_.launch().cluster; }
  /// Returns the explanation of a fault_kind::early_end: this block ends too early.
  std::string ends_early() const {
    const index3 at = launch_.position(order_.block());
    return "block (" + std::to_string(at.x) + ", " + std::to_string(at.y) + ", " + std::to_string(at.z) +
           ") ends without waiting for this access: a sync_cluster after it is missing";
  }
  /// Returns the offset of an address from the operand's first element, in bytes. Negative for an address before it.
  static std::int64_t offset_in(const operand& o, std::uintptr_t address) {
    return static_cast<std::int64_t>(address) - static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(o.begin()));
  }

  /// Decides if two accesses in conflict belong to different iterations of a loop, and a barrier in the loop's body is
  /// between their two source lines. If so, returns this barrier, so that the report can say that it does not order the
  /// accesses. Otherwise returns an empty result.
  ///
  /// `now`: the actor of the later access. `before_site`, `before_time`: of the earlier access. The barrier is the last
  /// sync_block that the block has passed; with `same_warp`, the last sync_warp or sync_block that the warp has passed.
  ///
  /// The test. All lines are lines of the kernel's own source (site::kernel_line), in one file. The line of one access
  /// is above the barrier's line, and the line of the other access is not. Both accesses came after the barrier was
  /// last passed. A lane had reached the site of the upper access before lanes passed the barrier for the first time.
  later_iteration later_iteration_of(const actor& now, std::uint32_t before_site, std::uint32_t before_time,
                                     bool same_warp) const {
    const passed_barriers::barrier& passed =
        same_warp ? passed_.of_warp(now.lane / block::warp_lanes) : passed_.of_block();
    if (passed.site == 0 || before_time < passed.time) return {};
    const site_table& sites = launch_.sites();
    const site barrier = sites.describe(passed.site), a = sites.describe(now.self.site),
               b = sites.describe(before_site);
    const where line = barrier.kernel_line;
    if (std::strcmp(a.kernel_line.file, line.file) != 0 || std::strcmp(b.kernel_line.file, line.file) != 0) return {};
    const bool now_above = a.kernel_line.line < line.line, before_above = b.kernel_line.line < line.line;
    if (now_above == before_above || !launch_.reached_before(now_above ? now.self.site : before_site, passed.site))
      return {};
    return {passed.site, now_above ? a.verb : b.verb, site::name_of(line)};
  }

  launch_watch& launch_;
  block_order order_;
  passed_barriers passed_;

private:
  friend struct access_observer;

  std::vector<std::uint32_t> landed_;  // times, by engine and member: see landed()
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
