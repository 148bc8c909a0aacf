// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checks of accesses to one block's shared memory, by its own lanes, by copy engines and by the other blocks of its
// cluster. Each access is compared with the access history of its bytes (shadow.hpp). A fault is reported if the access
// is in conflict with an earlier access that does not happen before it, reads uninitialised bytes, is out of bounds, or
// touches an mbarrier. A check returns false if the access must not be executed at all, for example if it is out of
// bounds.
//
// In this file, `lane` is a rank in the block. A copy engine makes a lane's asynchronous copies (epoch.hpp). A lane's
// time is a count of its releases and barriers (vector_clock.hpp). A site is a place in the kernel, given by its number
// (site.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/access_observer.hpp>
#include <tilery/simt/virtual/mbarrier_addresses.hpp>
#include <tilery/simt/virtual/recent_accesses.hpp>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class shared_memory_checks : public access_reports {
public:
  /// `shared_bytes`: the size of shared memory that the kernel asked for; an access after its end is a fault.
  shared_memory_checks(launch_watch& launch, int threads, std::size_t shared_bytes)
      : access_reports(launch, threads),
        mbarrier_addresses_(shared_bytes),
        shared_(shared_bytes, write_log::never),
        recent_(order_.warp_count(), threads) {}

  /// Fast path of the most frequent access: a read of 4 or 16 bytes that changes the history as the last read of a lane
  /// of this warp at this time and site did (shadow::repeat_read). Records the read and returns true. Returns false,
  /// and does nothing, for any other access.
  template <int Bytes>
  bool repeats_shared_read(int lane, std::int64_t offset, std::uint32_t site) {
    // together: true for the two sizes that repeat_read() accepts; for other sizes, `count` only has to compile
    constexpr bool together = Bytes == shadow::line || Bytes == shadow::word;
    constexpr std::size_t count = together ? Bytes : shadow::word;
    if (!together || offset < 0 || offset + Bytes > static_cast<std::int64_t>(shared_.size())) return false;
    const recent_accesses::reads& l = recent_.reads_of(lane, site);
    return l.when == when(lane, site) && !mbarrier_addresses_.touched(offset, Bytes) &&
           shared_.repeat_read<count>(histories_, static_cast<std::size_t>(offset), bit_of(lane), l.reader);
  }
  /// Fast path of a plain, aligned access to shared memory: records the access and returns true if it surely has no
  /// fault. Otherwise returns false, and the caller must call shared_access().
  template <bool Writes, int Bytes>
  bool fast_shared_access(int lane, std::int64_t offset, std::uint32_t site) {
    constexpr auto count = static_cast<std::size_t>(Bytes);
    if constexpr (count > shadow::line || !std::has_single_bit(count)) return false;
    if (offset < 0 || offset + Bytes > static_cast<std::int64_t>(shared_.size())) return false;
    if (mbarrier_addresses_.touched(offset, Bytes)) return false;
    const auto first = static_cast<std::size_t>(offset);
    if constexpr (Writes) {
      const auto ordered = [&](const auto& e) { return e.mode != access_mode::constant && order_.knows(lane, e); };
      const std::uint32_t number = shared_number(lane_itself(lane, site, access_mode::plain));
      return shared_.fast_write<count>(histories_, first, number, ordered);
    } else {
      recent_accesses::reads& l = recent_.reads_of(lane, site);
      if (l.when != when(lane, site)) {
        make_room();
        l = {when(lane, site), {{order_.warp_of(lane), order_.time(lane), site}}};
      }
      return shared_.fast_read<count>(histories_, first, bit_of(lane), l.reader, lane_order{order_, lane});
    }
  }

  /// Checks and records an access to this block's shared memory, `offset` bytes from the start of that memory.
  bool shared_access(const actor& who, std::int64_t offset, bool writes, int bytes) {
    if (!in_shared_memory(who, offset, writes, bytes)) return false;
    if (bytes > 0 && mbarrier_addresses_.touched(offset, bytes))
      breaks_barrier(*this, who, writes, "shared memory", offset, bytes);
    follow(who, offset, writes, bytes);
    return true;
  }
  /// Checks and records the access of an mbarrier instruction to its mbarrier. Other instructions must not access these
  /// bytes: see shared_access().
  bool barrier_access(const actor& who, std::int64_t offset, bool writes) {
    if (!in_shared_memory(who, offset, writes, mbarrier_addresses::bytes)) return false;
    follow(who, offset, writes, mbarrier_addresses::bytes);
    return true;
  }

  /// Notes bytes that a lane discards (lane.discard: no lane reads their values any more). The bytes become
  /// uninitialised, with the value NaN, at the next barrier of all lanes that can access this memory.
  void discard(const actor& who, std::int64_t offset, std::int64_t bytes) {
    if (bytes <= 0 || !in_shared_memory(who, offset, true, bytes)) return;
    if (mbarrier_addresses_.touched(offset, bytes)) breaks_barrier(*this, who, true, "shared memory", offset, bytes);
    const std::pair piece{static_cast<std::size_t>(offset), static_cast<std::size_t>(bytes)};
    if (std::find(discarded_.begin(), discarded_.end(), piece) == discarded_.end()) discarded_.push_back(piece);
  }

  /// Checks and records an access of a lane of this block to the shared memory of block `rank` of the cluster, which
  /// may be this block itself. `home`: the checks of block `rank`, which have the history of its memory.
  bool remote_access(const actor& who, shared_memory_checks& home, int rank, std::int64_t offset, int bytes,
                     bool writes) {
    if (home.ended_) {
      report(fault_kind::early_end, who, writes, shared_memory_of(rank), offset, bytes, home.ends_early());
      return false;
    }
    if (offset < 0 || offset + bytes > static_cast<std::int64_t>(home.shared_.size())) {
      report(fault_kind::out_of_bounds, who, writes, shared_memory_of(rank), offset, bytes,
             "shared memory has " + std::to_string(home.shared_.size()) + " bytes");
      return false;
    }
    if (&home != this && !cluster_has_begun_ && launch_.checks_for(checks::races) &&
        !order_.knows_of(who.lane, home.order_.block()))
      report(fault_kind::early_access, who, writes, shared_memory_of(rank), offset, bytes,
             "that block may not have begun: a sync_cluster before the first access is missing");
    home.make_room();
    if (home.mbarrier_addresses_.touched(offset, bytes))
      breaks_barrier(home, who, writes, shared_memory_of(rank), offset, bytes);
    access_observer by{*this, who, writes, "shared memory", 1, 0, true, &home, home.has_discarded_};
    const auto first = static_cast<std::size_t>(offset), count = static_cast<std::size_t>(bytes);
    if (writes)
      home.shared_.write(home.histories_, first, count, home.histories_.writes.add(who.self), by);
    else
      home.shared_.read(home.histories_, first, count, by);
    if (&home != this)
      home.remote_accesses_.add({who.self, who.lane, offset, bytes, writes}, rank_of(order_.block()),
                                order_.lane_count());
    return true;
  }

protected:
  /// To be called when a block begins: forgets all accesses of the previous block. `block`: the number of the new
  /// block.
  void begin_shared(std::uint32_t block) {
    begin_reports(block);
    shared_.forget();
    histories_.clear();
    recent_.forget(), mbarrier_addresses_.clear();
    remote_accesses_.clear();
    ended_ = cluster_has_begun_ = has_discarded_ = false;
    discarded_.clear();
    collect_at_ = std::size_t{1} << 18;
  }
  /// To be called when all lanes have ended. With `checks_remote_accesses`, reports each lane of another block of the
  /// cluster whose last access to this block's shared memory may come after this block's end: that access does not
  /// happen before the end of any lane of this block.
  void end_accesses(bool checks_remote_accesses) {
    ended_ = true;
    if (!checks_remote_accesses) return;
    remote_accesses_.for_each([&](const last_remote_access& v) {
      if (order_.known_to_any(v.self)) return;
      fault f = new_fault(fault_kind::early_end, v.lane, v.writes, shared_memory_of(rank_of(order_.block())), v.offset,
                          v.bytes, ends_early());
      f.now.block = launch_.position(v.self.who.block);
      launch_.found(std::move(f), v.self.site, 0);
    });
  }

  /// Records a barrier of all lanes that can access the shared memory (sync_block, or sync_cluster in a cluster). Every
  /// access of a lane before the barrier happens before every access after the barrier, so the two cannot race; only an
  /// access through the asynchronous proxy needs a proxy fence, too. The bytes that were discarded before the barrier
  /// become uninitialised.
  void order_all_accesses(void* shared_memory) {
    histories_.order_all();
    if (!discarded_.empty()) [[unlikely]]
      forget_discarded(static_cast<std::byte*>(shared_memory));
  }
  /// Records that the lanes have passed a sync_cluster: from now on, all blocks of the cluster have begun.
  void cluster_has_begun() { cluster_has_begun_ = true; }

  mbarrier_addresses mbarrier_addresses_;

private:
  /// Makes the bytes in `discarded_` uninitialised.
  [[gnu::noinline]] void forget_discarded(std::byte* shared_memory) {
    for (const auto& [offset, bytes] : std::exchange(discarded_, {})) {
      shared_.forget(histories_, offset, bytes);
      std::memset(shared_memory + offset, 0xff, bytes);  // NaN in each floating-point type
    }
    has_discarded_ = true;
  }
  /// Reports an access out of bounds and returns false for it. An access of 0 bytes is never out of bounds.
  bool in_shared_memory(const actor& who, std::int64_t offset, bool writes, std::int64_t bytes) {
    if (offset >= 0 && offset + bytes <= static_cast<std::int64_t>(shared_.size())) [[likely]]
      return true;
    if (bytes == 0) return true;
    report(fault_kind::out_of_bounds, who, writes, "shared memory", offset, bytes,
           "shared memory has " + std::to_string(shared_.size()) + " bytes");
    return false;
  }
  /// Compares an access with the history of its bytes, reports faults, and records the access in the history.
  void follow(const actor& who, std::int64_t offset, bool writes, std::int64_t bytes) {
    if (bytes == 0) return;
    make_room();
    access_observer by{*this, who, writes, "shared memory"};
    by.discarded = has_discarded_;
    const auto first = static_cast<std::size_t>(offset), count = static_cast<std::size_t>(bytes);
    if (is_atomic(who.self.mode))
      shared_.atomic(histories_, first, count, by);
    else if (writes)
      shared_.write(histories_, first, count, shared_number(who), by);
    else
      shared_.read(histories_, first, count, by);
  }
  /// Reports an access that touches an mbarrier in the shared memory of the block of `home`, but is not made by an
  /// mbarrier instruction.
  void breaks_barrier(const shared_memory_checks& home, const actor& who, bool writes, std::string memory,
                      std::int64_t offset, std::int64_t bytes) {
    const std::int64_t at = home.mbarrier_addresses_.first(offset, bytes), begin = std::max(at, offset),
                       end = std::min(at + mbarrier_addresses::bytes, offset + bytes);
    const mbarrier_addresses::origin& made = home.mbarrier_addresses_.made(at);
    fault f = new_fault(fault_kind::barrier_misuse, who.lane, writes, std::move(memory), begin, end - begin,
                        "these bytes hold an mbarrier: invalidate it before its memory is used for anything else");
    f.before = {{}, launch_.position(home.order_.block()), made.lane, true};
    launch_.found(std::move(f), who.self.site, made.site);
  }

  /// Returns the lane's current time and the site as one number: the `when` of an entry of `recent_`.
  std::uint64_t when(int lane, std::uint32_t site) const { return recent_accesses::when(order_.time(lane), site); }
  /// Returns the lane's bit in a mask of its warp's lanes.
  static std::uint32_t bit_of(int lane) { return 1u << (static_cast<unsigned>(lane) % block::warp_lanes); }

  /// Returns the number of this write in the write log. The writes of a lane at one time and site have one number, as
  /// long as `recent_` keeps this number; each write of a copy engine has a number of its own.
  std::uint32_t shared_number(const actor& who) {
    if (is_engine(who.self.mode)) return histories_.writes.add(who.self);
    recent_accesses::writes& l = recent_.writes_of(who.lane, who.self.site);
    const std::uint64_t now = when(who.lane, who.self.site);
    if (l.when != now) {
      make_room();
      l = {now, histories_.writes.add(who.self)};
    }
    return l.number;
  }
  /// If `histories_` has many entries, drops the entries to which no byte of shared memory refers, renumbers the other
  /// entries, and empties `recent_`. A number that the caller got from `histories_` before this call is then invalid,
  /// so make_room() must be called first. Only a block that passes few barriers of all its lanes, or that makes many
  /// asynchronous copies, has so many entries.
  void make_room() {
    if (histories_.fills(collect_at_)) [[unlikely]]
      collect();
  }
  [[gnu::noinline]] void collect() {
    histories_.collect([&](const auto& visit) { visit(shared_); });
    collect_at_ = std::max(collect_at_, histories_.size() * 2);
    recent_.forget();
  }

  shadow shared_;                      // a cell is a byte of shared memory
  histories histories_;                // the entries to which the cells of shared_ refer
  recent_accesses recent_;             // caches numbers of histories_
  remote_access_log remote_accesses_;  // the accesses to this block's shared memory by lanes of other blocks
  // ended_: all lanes of the block have ended. cluster_has_begun_: the block has passed a sync_cluster. has_discarded_:
  // discarded bytes have become uninitialised in this block.
  bool ended_ = false, cluster_has_begun_ = false, has_discarded_ = false;
  std::vector<std::pair<std::size_t, std::size_t>> discarded_;  // (offset, bytes), since the last barrier of all lanes
  std::size_t collect_at_ = std::size_t{1} << 18;  // number of entries of histories_ from which make_room() drops some
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
