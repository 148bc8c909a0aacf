// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checks of accesses to one block's shared memory, by its own lanes, by copy engines and by the other blocks of its
// cluster. Each access is compared with the history of its bytes: a conflict with an earlier access that does not
// happen before it is a fault. A check returns false if the access must not be executed at all, for example if it is
// out of bounds.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/access_observer.hpp>
#include <tilery/simt/virtual/mbarrier_addresses.hpp>
#include <tilery/simt/virtual/recent_accesses.hpp>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class shared_memory_checks : public access_reports {
public:
  /// `shared_bytes`: the size of shared memory that the kernel asked for; accesses after its end are faults.
  shared_memory_checks(launch_watch& launch, int threads, std::size_t shared_bytes)
      : access_reports(launch, threads),
        mbarrier_addresses_(shared_bytes),
        shared_(shared_bytes, write_log::never),
        recent_(order_.warp_count(), threads) {}

  /// Fast path of the most frequent access: a read of bytes that lanes of the same warp have read at the same time and
  /// site. Returns false, and does nothing, for any other access.
  template <int Bytes>
  bool repeats_shared_read(int lane, std::int64_t offset, std::uint32_t site) {
    constexpr bool together = Bytes == shadow::line || Bytes == shadow::word;
    constexpr std::size_t count = together ? Bytes : shadow::word;
    if (!together || offset < 0 || offset + Bytes > static_cast<std::int64_t>(shared_.size())) return false;
    const recent_accesses::reads& l = recent_.reads_of(lane, site);
    return l.when == when(lane, site) && !mbarrier_addresses_.touched(offset, Bytes) &&
           shared_.repeat_read<count>(histories_, static_cast<std::size_t>(offset), bit_of(lane), l.reader);
  }
  /// Fast path of any plain access to shared memory without a fault. Returns false if the access needs the full check
  /// of shared_access().
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

  /// Checks an access to this block's shared memory, `offset` bytes from its start.
  bool shared_access(const actor& who, std::int64_t offset, bool writes, int bytes) {
    if (!in_shared_memory(who, offset, writes, bytes)) return false;
    if (bytes > 0 && mbarrier_addresses_.touched(offset, bytes))
      breaks_barrier(*this, who, writes, "shared memory", offset, bytes);
    follow(who, offset, writes, bytes);
    return true;
  }
  /// Checks an mbarrier instruction's access to its mbarrier.
  bool barrier_access(const actor& who, std::int64_t offset, bool writes) {
    if (!in_shared_memory(who, offset, writes, mbarrier_addresses::bytes)) return false;
    follow(who, offset, writes, mbarrier_addresses::bytes);
    return true;
  }

  /// Bytes that a lane discards. They become uninitialised at the next barrier of all lanes that can reach the memory.
  void discard(const actor& who, std::int64_t offset, std::int64_t bytes) {
    if (bytes <= 0 || !in_shared_memory(who, offset, true, bytes)) return;
    if (mbarrier_addresses_.touched(offset, bytes)) breaks_barrier(*this, who, true, "shared memory", offset, bytes);
    const std::pair piece{static_cast<std::size_t>(offset), static_cast<std::size_t>(bytes)};
    if (std::find(discarded_.begin(), discarded_.end(), piece) == discarded_.end()) discarded_.push_back(piece);
  }

  /// Checks an access of this block's lane to the shared memory of the cluster's block `rank`. `home`: that block's
  /// watch, which has the history of the memory.
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
  /// A block begins: forgets the accesses of the block before.
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
  /// All lanes have ended. Each access of the cluster's other blocks to this block's shared memory must be ordered
  /// before the end.
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

  /// All lanes that can reach the shared memory have passed one barrier: every access before the barrier is ordered
  /// before every access after it, so that races with the earlier ones need no check any more.
  void order_all_accesses(void* shared_memory) {
    histories_.order_all();
    if (!discarded_.empty()) [[unlikely]]
      forget_discarded(static_cast<std::byte*>(shared_memory));
  }
  /// The lanes have passed a sync_cluster: all blocks of the cluster have begun.
  void cluster_has_begun() { cluster_has_begun_ = true; }

  mbarrier_addresses mbarrier_addresses_;

private:
  [[gnu::noinline]] void forget_discarded(std::byte* shared_memory) {
    for (const auto& [offset, bytes] : std::exchange(discarded_, {})) {
      shared_.forget(histories_, offset, bytes);
      std::memset(shared_memory + offset, 0xff, bytes);  // NaN
    }
    has_discarded_ = true;
  }
  bool in_shared_memory(const actor& who, std::int64_t offset, bool writes, std::int64_t bytes) {
    if (offset >= 0 && offset + bytes <= static_cast<std::int64_t>(shared_.size())) [[likely]]
      return true;
    if (bytes == 0) return true;
    report(fault_kind::out_of_bounds, who, writes, "shared memory", offset, bytes,
           "shared memory has " + std::to_string(shared_.size()) + " bytes");
    return false;
  }
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
  /// Reports an access that touches an mbarrier in the shared memory of `home`.
  void breaks_barrier(const shared_memory_checks& home, const actor& who, bool writes, std::string memory,
                      std::int64_t offset, std::int64_t bytes) {
    const std::int64_t at = home.mbarrier_addresses_.first(offset, bytes), begin = std::max(at, offset),
                       end = std::min(at + mbarrier_addresses::bytes, offset + bytes);
    const mbarrier_addresses::origin& made = home.mbarrier_addresses_.made(at);
    fault f = new_fault(fault_kind::barrier_misuse, who.lane, writes, std::move(memory), begin, end - begin,
                        "an mbarrier lies there: invalidate it before its memory is used for anything else");
    f.before = {{}, launch_.position(home.order_.block()), made.lane, true};
    launch_.found(std::move(f), who.self.site, made.site);
  }

  std::uint64_t when(int lane, std::uint32_t site) const { return recent_accesses::when(order_.time(lane), site); }
  static std::uint32_t bit_of(int lane) { return 1u << (static_cast<unsigned>(lane) % block::warp_lanes); }

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
  /// Must be called before numbers are given out. If there are many log entries, drops those that no byte of shared
  /// memory refers to. Only a block that passes no barrier of all its lanes collects that many.
  void make_room() {
    if (histories_.fills(collect_at_)) [[unlikely]]
      collect();
  }
  [[gnu::noinline]] void collect() {
    histories_.collect([&](const auto& visit) { visit(shared_); });
    collect_at_ = std::max(collect_at_, histories_.size() * 2);
    recent_.forget();
  }

  shadow shared_;
  histories histories_;
  recent_accesses recent_;
  remote_access_log remote_accesses_;
  bool ended_ = false, cluster_has_begun_ = false, has_discarded_ = false;
  std::vector<std::pair<std::size_t, std::size_t>> discarded_;  // offset and bytes
  std::size_t collect_at_ = std::size_t{1} << 18;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
