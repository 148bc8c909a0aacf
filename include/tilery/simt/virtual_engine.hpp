// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The asynchronous copies and the barriers of the virtual GPU, called by the atoms' host model; each function models an
// instruction. A checked lane reports faults, and a copy becomes visible as late as the kernel's waits allow; on an
// unchecked lane, a copy without mbarrier is complete at once.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/block_watch.hpp>

namespace tilery::inline TILERY_ABI {

template <bool Checked>
class virtual_engine {
public:
  virtual_engine(virtual_machine::block& owner, int rank) : block_(&owner), rank_(rank) {}

  /// cp.async: copies `valid` bytes to shared memory and fills the rest of `bytes` bytes with zeros.
  void copy(void* to, const void* from, int bytes, int valid, where at) const {
    if constexpr (Checked)
      watch().copy(rank_, to, from, bytes, valid, site("copy_async", at));
    else if (valid == bytes) [[likely]]  // the compiler knows this size
      std::memcpy(to, from, static_cast<std::size_t>(bytes));
    else
      virtual_machine::engine_copy{to, from, static_cast<std::size_t>(bytes), static_cast<std::size_t>(valid)}.land();
  }
  /// cp.async.commit_group: the lane's copies since the last commit become a group.
  void commit(where at) const {
    if constexpr (Checked) site("commit_copies", at), watch().commit_copies(rank_);
  }
  /// cp.async.wait_group: waits until at most `most` groups of this lane are in flight.
  void wait(int most, where at) const {
    if constexpr (Checked) watch().wait_copies(rank_, most, site("wait_copies", at));
  }

  /// mbarrier.init: each phase of the mbarrier expects `arrivals` arrivals.
  void init(void* mbarrier, int arrivals, where at) const {
    if constexpr (Checked) watch().init_mbarrier(rank_, mbarrier, arrivals, site("init mbarrier", at));
    block_->barriers().init(mbarrier, arrivals < 1 ? 1 : arrivals);
  }
  /// mbarrier.inval: the mbarrier ends, and its memory may be used otherwise.
  void invalidate(void* mbarrier, where at) const {
    virtual_machine::mbarrier_state& b = block_->barriers().at(mbarrier);
    if constexpr (Checked) watch().invalidate_mbarrier(rank_, mbarrier, b, site("invalidate mbarrier", at));
    b = {};
  }
  /// mbarrier.arrive: counts arrivals, and adds to the bytes of copies that the phase waits for.
  void arrive(void* mbarrier, int arrivals, std::int64_t expected_bytes, where at) const {
    virtual_machine::mbarrier_state& b = block_->barriers().at(mbarrier);
    if constexpr (Checked) {
      const std::uint32_t number = site("arrive at mbarrier", at);
      if (!watch().uses_mbarrier(rank_, mbarrier, b, number)) return;
      watch().arrives(rank_, mbarrier, b, arrivals, expected_bytes, number);
    }
    b.missing -= arrivals;
    b.missing_bytes += expected_bytes;
    block_->advance_phase(mbarrier);
  }
  /// mbarrier.try_wait in a loop: waits until the mbarrier's phase of this parity is complete.
  void wait_phase(void* mbarrier, std::uint32_t parity, where at) const {
    if constexpr (Checked)
      if (!watch().uses_mbarrier(rank_, mbarrier, block_->barriers().at(mbarrier), site("wait at mbarrier", at)))
        return;
    block_->wait_mbarrier(rank_, mbarrier, parity, at);
    if constexpr (Checked) watch().has_waited(rank_, mbarrier);
  }

  /// cp.async.bulk to shared memory: the phase of the mbarrier completes after the copy.
  void copy_bulk_in(void* to, const void* from, int bytes, void* mbarrier, where at) const {
    virtual_machine::mbarrier_state& b = block_->barriers().at(mbarrier);
    if constexpr (Checked) {
      const std::uint32_t number = site("copy_bulk", at);
      if (!watch().uses_mbarrier(rank_, mbarrier, b, number)) return;
      if (!watch().copy_bulk_in(rank_, to, from, bytes, mbarrier, number)) {
        b.missing_bytes -= bytes;  // the fault is reported; waiting lanes must go on
        block_->advance_phase(mbarrier);
        return;
      }
    }
    b.copies.push_back({to, from, static_cast<std::size_t>(bytes), static_cast<std::size_t>(bytes)});
    block_->wake_mbarrier(mbarrier);
  }
  /// cp.async.bulk from shared to global memory.
  void copy_bulk_out(void* to, const void* from, int bytes, where at) const {
    if constexpr (Checked)
      watch().copy_bulk_out(rank_, to, from, bytes, site("copy_bulk", at));
    else
      std::memcpy(to, from, static_cast<std::size_t>(bytes));
  }
  /// cp.async.bulk.commit_group: the lane's copies out since the last commit become a group.
  void commit_bulk(where at) const {
    if constexpr (Checked) site("commit_bulk", at), watch().commit_bulk(rank_);
  }
  /// cp.async.bulk.wait_group: waits until at most `most` groups are in flight; with `reads_only`, until the sources
  /// of all but the last `most` groups have been read.
  void wait_bulk(int most, bool reads_only, where at) const {
    if constexpr (Checked) watch().wait_bulk(rank_, most, reads_only, site("wait_bulk", at));
  }
  /// fence.proxy.async: orders the lane's accesses before it and accesses through the asynchronous proxy after it.
  void fence_proxy(where at) const {
    if constexpr (Checked) watch().fence_proxy(rank_, site("fence_proxy", at));
  }

  /// Executes an instruction of the whole warp: each lane passes its own argument, and `work` runs once for all lanes.
  void together(void* mine, warp_work work, const char* name, where at) const {
    if constexpr (Checked) site(name, at);
    block_->warp_collective(rank_, virtual_machine::verb::warp_instruction, reinterpret_cast<std::uintptr_t>(mine), at,
                            work);
  }

  /// bar.sync or bar.arrive: arrives at the named barrier `number` of `lanes` lanes, and waits for it if `waits`.
  void named(int number, int lanes, bool waits, where at) const {
    const bool possible = number >= 1 && number < virtual_machine::barriers::named && lanes > 0 && lanes % 32 == 0;
    if constexpr (Checked) {
      const std::uint32_t place = site(waits ? "sync_named" : "arrive_named", at);
      if (!possible) return watch().no_such_named(rank_, number, lanes, place);
      watch().arrives_at_named(rank_, number, lanes, waits, place);
    } else if (!possible) {
      throw error("a named barrier must have a number from 1 to 15 and whole warps of lanes", at);
    }
    block_->arrive_at_named(rank_, number, lanes, waits, at);
  }

private:
  virtual_machine::block_watch& watch() const { return *static_cast<virtual_machine::block_watch*>(block_->events()); }
  /// Counts the call and returns the number of its site (site.hpp). Lets other lanes run first: at random if the
  /// options have a seed, otherwise at regular intervals.
  std::uint32_t site(const char* name, where at) const {
    const std::uint32_t number = watch().at_site(rank_, name, at);
    if (watch().delays(rank_)) block_->yield(rank_);
    return number;
  }

  virtual_machine::block* block_;
  int rank_;
};

}  // namespace tilery::inline TILERY_ABI
