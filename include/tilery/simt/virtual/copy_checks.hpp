// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checks of asynchronous copies that a lane waits for in groups: cp.async from global to shared memory, and bulk
// copies (cp.async.bulk) from shared to global memory. A group is the copies that a lane issues between two commits.
// Each copy is made by a copy engine, which is an actor of its own in the happens-before order (block_order.hpp): the
// copy's accesses happen before what the lane does next only after the lane has waited for the copy. Copies that an
// mbarrier counts are in mbarrier_checks.hpp. `site` is the number of a site, an operation with its source line
// (site.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/block_requests.hpp>
#include <tilery/simt/virtual/global_memory_checks.hpp>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class copy_checks : public global_memory_checks {
public:
  copy_checks(launch_watch& launch, int threads, std::size_t shared_bytes)
      : global_memory_checks(launch, threads, shared_bytes),
        requests_(launch.recorder()),
        profiles_(launch.checks_for(checks::profile)),
        copies_(static_cast<std::size_t>(threads)) {}

  // cp.async: from global to shared memory ----------------------------------------------------------------------------

  /// Checks a cp.async, and begins it if it is allowed. It reads `valid` bytes at `from` and writes `bytes` bytes at
  /// `to`: after the valid bytes, zeros. Until the lane waits for the copy, the destination is filled with NaN.
  void copy(int lane, void* to, const void* from, int bytes, int valid, std::uint32_t site) {
    lane_copies& l = copies_of(lane);
    const actor who{lane, engine_epoch(copies_in, lane, l.groups, site, access_mode::async)};
    const std::int64_t offset = shared_offset(to);
    if (valid < 0 || valid > bytes)
      return report(fault_kind::out_of_bounds, who, false, "the source", 0, valid,
                    "a copy of " + std::to_string(bytes) + " bytes must read 0 to " + std::to_string(bytes) +
                        " bytes of its source");
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
  /// Ends the current group: the lane's next copy begins a new one (cp.async.commit_group).
  void commit_copies(int lane) { ++copies_of(lane).groups; }
  /// Waits until at most `most` groups of the lane, the newest ones, are in flight (cp.async.wait_group).
  void wait_copies(int lane, int most, std::uint32_t site) {
    lane_copies& l = copies_of(lane);
    if (profiles_) requests_.synchronisation(site, site_kind::wait, lane);
    finish(l.copies, l.groups, most, [&](std::uint32_t done) { learns_of(copies_in, lane, done); });
  }

  // Bulk copies from shared to global memory, through the asynchronous proxy ------------------------------------------

  /// Checks a bulk copy, and begins it if it is allowed. The destination is written when the lane waits for the copy's
  /// group (wait_bulk()), or at the end of the block.
  void copy_bulk_out(int lane, void* to, const void* from, int bytes, std::uint32_t site) {
    lane_copies& l = copies_of(lane);
    const actor reads{lane, engine_epoch(bulk_reads, lane, l.bulk_groups, site, access_mode::async_proxy), true},
        writes{lane, engine_epoch(bulk_writes, lane, l.bulk_groups, site, access_mode::async_proxy), true};
    if (!bulk_aligned(reads, from, to, bytes, false) || !shared_access(reads, shared_offset(from), false, bytes) ||
        !global_access(writes, to, bytes, true))
      return;
    l.bulk_copies.push_back(
        {l.bulk_groups, {to, from, static_cast<std::size_t>(bytes), static_cast<std::size_t>(bytes)}});
    l.bulk_site = site;
    profile_bulk(site, to, site_kind::global_store, from, site_kind::shared_load, bytes);
  }
  /// Ends the current bulk group: the lane's next bulk copy begins a new one (cp.async.bulk.commit_group).
  void commit_bulk(int lane) { ++copies_of(lane).bulk_groups; }
  /// Waits until at most `most` bulk groups of the lane, the newest ones, are in flight (cp.async.bulk.wait_group).
  /// With `reads_only` (.read), waits only until the sources have been read: the lane may reuse the shared memory, but
  /// the writes to global memory are not ordered before its next accesses.
  void wait_bulk(int lane, int most, bool reads_only, std::uint32_t site) {
    lane_copies& l = copies_of(lane);
    if (profiles_) requests_.synchronisation(site, site_kind::wait, lane);
    if (l.bulk_groups > static_cast<std::uint32_t>(most))
      l.read_until = l.bulk_groups - static_cast<std::uint32_t>(most);
    finish(l.bulk_copies, l.bulk_groups, most, [&](std::uint32_t done) {
      learns_of(bulk_reads, lane, done);
      if (!reads_only) learns_of(bulk_writes, lane, done);
    });
  }

protected:
  /// To be called when a block begins: forgets all copies, and creates three engines for each warp.
  void begin_copies(const block& self) {
    self_ = &self;
    begin_accesses(launch_.number(self.at()));
    for (int engine = 0; engine < engines_of_a_warp * order_.warp_count(); ++engine) order_.new_engine();
    for (lane_copies& l : copies_) l = {};
  }
  /// To be called when the block has ended. Executes its bulk copies to global memory that are in flight, because a GPU
  /// completes them, too. If checks_the_end(), reports each lane that has not waited until the sources of these copies
  /// have been read.
  void end_copies() {
    for (std::size_t lane = 0; lane < copies_.size(); ++lane) {
      const lane_copies& l = copies_[lane];
      for (const copy_of_group& c : l.bulk_copies) c.copy.land();
      if (!l.bulk_copies.empty() && l.bulk_copies.back().group >= l.read_until && checks_the_end())
        report(fault_kind::missing_wait, lane_itself(static_cast<int>(lane), l.bulk_site, access_mode::plain), false,
               "shared memory", 0, 0, "the block ends while a bulk copy that reads its shared memory is in flight");
    }
  }
  /// True if faults of missing order that the end of the block shows, such as copies in flight, must be reported: the
  /// block has not been cancelled, and the launch checks for races.
  bool checks_the_end() const { return !self_->cancelled() && launch_.checks_for(checks::races); }

  /// Checks that the size of a bulk copy is not negative, and that the size and both addresses are multiples of 16
  /// bytes. If not, reports a fault and returns false. `shared_written`: true if shared memory is the destination,
  /// false if it is the source.
  bool bulk_aligned(const actor& who, const void* shared, const void* global, int bytes, bool shared_written) {
    if (bytes < 0) {
      report(fault_kind::out_of_bounds, who, shared_written, "shared memory", shared_offset(shared), bytes,
             "the size of a bulk copy must be at least 0 bytes");
      return false;
    }
    if (reinterpret_cast<std::uintptr_t>(shared) % 16 != 0 || bytes % 16 != 0)
      return misaligned_shared(who, shared_offset(shared), bytes, shared_written), false;
    if (reinterpret_cast<std::uintptr_t>(global) % 16 != 0)
      return misaligned_global(who, global, bytes, !shared_written), false;
    return true;
  }
  /// Counts a bulk copy for the profile: one request in global memory and one in shared memory. `in_global`,
  /// `in_shared`: the kinds of the requests, load or store.
  void profile_bulk(std::uint32_t site, const void* global, site_kind in_global, const void* shared,
                    site_kind in_shared, int bytes) {
    if (!profiles_ || bytes == 0) return;
    requests_.bulk(site, in_global, reinterpret_cast<std::uintptr_t>(global), bytes);
    requests_.bulk(site, in_shared, static_cast<std::uintptr_t>(shared_offset(shared)), bytes);
  }

  /// Returns the offset of an address from the start of the block's shared memory, in bytes.
  std::int64_t shared_offset(const void* pointer) const {
    return static_cast<const std::byte*>(pointer) - static_cast<const std::byte*>(self_->shared());
  }

  const block* self_ = nullptr;
  block_requests requests_;
  bool profiles_;

private:
  /// The engines of each warp: one for cp.async, and two for bulk copies, whose reads may be complete before their
  /// writes. Each engine has a member for each lane of the warp. The time of a copy is the number of its group.
  enum engine_kind : std::uint32_t { copies_in, bulk_reads, bulk_writes };
  static constexpr int engines_of_a_warp = 3;

  struct copy_of_group {
    std::uint32_t group;
    engine_copy copy;
  };
  /// The asynchronous copies that a lane has issued.
  struct lane_copies {
    std::uint32_t groups = 0, bulk_groups = 0;  // committed groups; also the number of the next copy's group
    std::uint32_t read_until = 0;               // the sources of the bulk groups with smaller numbers have been read
    std::uint32_t bulk_site = 0;                // the site of the last bulk copy
    std::vector<copy_of_group> copies, bulk_copies;  // in flight, in the order in which they were issued
  };

  lane_copies& copies_of(int lane) { return copies_[static_cast<std::size_t>(lane)]; }
  /// Returns the engine that makes the lane's copies of this kind. In a block, the warps have the lowest numbers; then
  /// follow the engines `copies_in` by warp, then `bulk_reads`, then `bulk_writes`.
  group_id engine(engine_kind kind, int lane) const {
    const auto warps = static_cast<std::uint32_t>(order_.warp_count());
    return {order_.block(), warps * (1 + kind) + static_cast<std::uint32_t>(lane / block::warp_lanes)};
  }
  /// Returns the epoch of an access by this engine, for a copy of group number `group`.
  epoch engine_epoch(engine_kind kind, int lane, std::uint32_t group, std::uint32_t site, access_mode mode) const {
    return {engine(kind, lane), group, site, static_cast<std::uint8_t>(lane % block::warp_lanes), mode};
  }
  /// Records that the lane has waited for its groups with numbers below `end`: the accesses that the engine of this
  /// kind makes for them are complete, and happen before what the lane does next.
  void learns_of(engine_kind kind, int lane, std::uint32_t end) {
    lands(engine(kind, lane), lane % block::warp_lanes, end);
    order_.wait_for(lane, engine(kind, lane), lane % block::warp_lanes, end);
  }
  /// Executes the copies of all committed groups except the newest `most` groups. Then calls done(end), where `end` is
  /// the number of the first group that may still be in flight. Does nothing if at most `most` groups have been
  /// committed. `groups`: the number of committed groups.
  template <class Done>
  static void finish(std::vector<copy_of_group>& copies, std::uint32_t groups, int most, const Done& done) {
    if (groups <= static_cast<std::uint32_t>(most)) return;
    const std::uint32_t end = groups - static_cast<std::uint32_t>(most);
    std::size_t i = 0;
    for (; i < copies.size() && copies[i].group < end; ++i) copies[i].copy.land();
    copies.erase(copies.begin(), copies.begin() + static_cast<std::ptrdiff_t>(i));
    done(end);
  }

  std::vector<lane_copies> copies_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
