// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checks of one block's accesses. Each access is compared with the history of its bytes: a conflict with an earlier
// access that does not happen before it is a fault. A check returns false if the access must not be executed at all,
// for example if it is out of bounds.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/access_reports.hpp>
#include <tilery/simt/virtual/barrier_places.hpp>
#include <tilery/simt/virtual/recent_accesses.hpp>
#include <tilery/simt/virtual/unwritten.hpp>
#include <tilery/simt/virtual/visits.hpp>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class access_watch : public access_reports {
public:
  /// `shared_bytes`: the size of shared memory that the kernel asked for; accesses after its end are faults.
  access_watch(launch_watch& launch, int threads, std::size_t shared_bytes)
      : access_reports(launch, threads),
        barrier_places_(shared_bytes),
        shared_(shared_bytes, write_log::never),
        last_writes_(static_cast<std::size_t>(threads)),
        recent_(order_.warp_count(), threads) {}

  /// Fast path of the most frequent access: a read of bytes that lanes of the same warp have read at the same time and
  /// site. Returns false, and does nothing, for any other access.
  template <int Bytes>
  bool reads_shared_again(int lane, std::int64_t offset, std::uint32_t site) {
    constexpr bool together = Bytes == shadow::line || Bytes == shadow::word;
    constexpr std::size_t count = together ? Bytes : shadow::word;
    if (!together || offset < 0 || offset + Bytes > static_cast<std::int64_t>(shared_.size())) return false;
    const recent_accesses::reads& l = recent_.reads_of(lane, site);
    return l.when == when(lane, site) && !barrier_places_.touched(offset, Bytes) &&
           shared_.read_again<count>(histories_, static_cast<std::size_t>(offset), bit_of(lane), l.reader);
  }
  /// Fast path of any plain access to shared memory without a fault. Returns false if the access needs the full check
  /// of shared_access().
  template <bool Writes, int Bytes>
  bool right_shared_access(int lane, std::int64_t offset, std::uint32_t site) {
    constexpr auto count = static_cast<std::size_t>(Bytes);
    if constexpr (count > shadow::line || !std::has_single_bit(count)) return false;
    if (offset < 0 || offset + Bytes > static_cast<std::int64_t>(shared_.size())) return false;
    if (barrier_places_.touched(offset, Bytes)) return false;
    const auto first = static_cast<std::size_t>(offset);
    if constexpr (Writes) {
      const auto ordered = [&](const auto& e) { return e.mode != access_mode::constant && order_.knows(lane, e); };
      const std::uint32_t number = shared_number(lane_itself(lane, site, access_mode::plain));
      return shared_.write_rightly<count>(histories_, first, number, ordered);
    } else {
      recent_accesses::reads& l = recent_.reads_of(lane, site);
      if (l.when != when(lane, site)) {
        make_room();
        l = {when(lane, site), {{order_.warp_of(lane), order_.time(lane), site}}};
      }
      return shared_.read_rightly<count>(histories_, first, bit_of(lane), l.reader, lane_order{order_, lane});
    }
  }

  /// Checks an access to this block's shared memory, `offset` bytes from its start.
  bool shared_access(const actor& who, std::int64_t offset, bool writes, int bytes) {
    if (!in_shared_memory(who, offset, writes, bytes)) return false;
    if (bytes > 0 && barrier_places_.touched(offset, bytes))
      breaks_barrier(*this, who, writes, "shared memory", offset, bytes);
    follow(who, offset, writes, bytes);
    return true;
  }
  /// Checks an mbarrier instruction's access to its mbarrier.
  bool barrier_access(const actor& who, std::int64_t offset, bool writes) {
    if (!in_shared_memory(who, offset, writes, barrier_places::bytes)) return false;
    follow(who, offset, writes, barrier_places::bytes);
    return true;
  }

  /// Bytes that a lane discards. They become uninitialised at the next barrier of all lanes that can reach the memory.
  void discard(const actor& who, std::int64_t offset, std::int64_t bytes) {
    if (bytes <= 0 || !in_shared_memory(who, offset, true, bytes)) return;
    if (barrier_places_.touched(offset, bytes)) breaks_barrier(*this, who, true, "shared memory", offset, bytes);
    const std::pair piece{static_cast<std::size_t>(offset), static_cast<std::size_t>(bytes)};
    if (std::find(discarded_.begin(), discarded_.end(), piece) == discarded_.end()) discarded_.push_back(piece);
  }

  /// Checks an access of this block's lane to the shared memory of the cluster's block `rank`. `home`: that block's
  /// watch, which has the history of the memory.
  bool remote_access(const actor& who, access_watch& home, int rank, std::int64_t offset, int bytes, bool writes) {
    if (home.ended_) {
      report(fault_kind::early_end, who, writes, shared_memory_of(rank), offset, bytes, home.ends_early());
      return false;
    }
    if (offset < 0 || offset + bytes > static_cast<std::int64_t>(home.shared_.size())) {
      report(fault_kind::out_of_bounds, who, writes, shared_memory_of(rank), offset, bytes,
             "shared memory has " + std::to_string(home.shared_.size()) + " bytes");
      return false;
    }
    if (&home != this && !has_met_cluster_ && launch_.checks_for(checks::races) &&
        !order_.knows_of(who.lane, home.order_.block()))
      report(fault_kind::early_access, who, writes, shared_memory_of(rank), offset, bytes,
             "that block may not have begun: a sync_cluster before the first access is missing");
    home.make_room();
    if (home.barrier_places_.touched(offset, bytes))
      breaks_barrier(home, who, writes, shared_memory_of(rank), offset, bytes);
    observer by{*this, who, writes, "shared memory", 1, 0, true, &home};
    const auto first = static_cast<std::size_t>(offset), count = static_cast<std::size_t>(bytes);
    if (writes)
      home.shared_.write(home.histories_, first, count, home.histories_.writes.add(who.self), by);
    else
      home.shared_.read(home.histories_, first, count, by);
    if (&home != this)
      home.visits_.add({who.self, who.lane, offset, bytes, writes}, rank_of(order_.block()), order_.lane_count());
    return true;
  }

  /// Checks an access to global memory.
  bool global_access(const actor& who, const void* pointer, int bytes, bool writes) {
    if (bytes == 0) return true;
    const auto address = reinterpret_cast<std::uintptr_t>(pointer);
    global_memory& memory = launch_.memory();
    launch_.make_room();
    if (!memory.knows_operands()) {
      follow_pages(who, address, bytes, writes);
      return true;
    }
    const global_memory::place at = memory.find(address, static_cast<std::size_t>(bytes), writes);
    if (!at.inside) {
      outside_operands(who, address, bytes, writes);
      return false;
    }
    if (writes && !at.part->written) {
      report(fault_kind::read_only, who, true, at.part->name, offset_in(*at.part, address), bytes,
             "the launch names " + std::string(at.part->name) + " as an operand that it only reads");
      return false;
    }
    if (!writes && launch_.checks_for(checks::memory)) {
      if (const int unwritten = unwritten_bytes(address, bytes, at.in->begin, at.in->end, at.part->element_bytes))
        report(fault_kind::uninitialised, who, false, at.part->name, offset_in(*at.part, address), unwritten,
               "nobody has written them since they were allocated");
    }
    if (!at.in->cells || !launch_.checks_for(checks::races)) return true;
    const std::size_t first = (address - at.in->begin) / at.in->cell_bytes,
                      last = (address - at.in->begin + static_cast<std::size_t>(bytes) - 1) / at.in->cell_bytes;
    observer by{*this, who, writes, at.part->name, at.in->cell_bytes};
    by.in_shared = false;
    by.base = static_cast<std::int64_t>(at.in->begin) -
              static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(at.part->begin()));
    touch(*at.in->cells, first, last - first + 1, who, writes, by);
    return true;
  }

protected:
  /// A block begins: forgets the accesses of the block before.
  void begin_accesses(std::uint32_t block) {
    begin_reports(block);
    shared_.forget();
    histories_.clear();
    for (last_write& l : last_writes_) l = {};
    recent_.forget(), barrier_places_.clear();
    visits_.clear();
    ended_ = has_met_cluster_ = has_discarded_ = false;
    discarded_.clear();
    collect_at_ = std::size_t{1} << 18;
  }
  /// All lanes have ended. Each access of the cluster's other blocks to this block's shared memory must be ordered
  /// before the end.
  void end_accesses(bool checks_visits) {
    ended_ = true;
    if (!checks_visits) return;
    visits_.for_each([&](const visit& v) {
      if (order_.known_to_any(v.self)) return;
      fault f = new_fault(fault_kind::early_end, v.lane, v.writes, shared_memory_of(rank_of(order_.block())), v.offset,
                          v.bytes, ends_early());
      f.now.block = launch_.position(v.self.who.block);
      launch_.found(std::move(f), v.self.site, 0);
    });
  }

  /// All lanes that can reach the shared memory have passed one barrier: every access before the barrier is ordered
  /// before every access after it, so that races with the earlier ones need no check any more.
  void everybody_knows(void* shared_memory) {
    histories_.everybody_knows();
    if (!discarded_.empty()) [[unlikely]]
      forget_discarded(static_cast<std::byte*>(shared_memory));
  }
  /// The lanes have passed a sync_cluster: all blocks of the cluster have begun.
  void has_met_cluster() { has_met_cluster_ = true; }

  barrier_places barrier_places_;

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
    observer by{*this, who, writes, "shared memory"};
    const auto first = static_cast<std::size_t>(offset), count = static_cast<std::size_t>(bytes);
    if (is_atomic(who.self.mode))
      shared_.atomic(histories_, first, count, by);
    else if (writes)
      shared_.write(histories_, first, count, shared_number(who), by);
    else
      shared_.read(histories_, first, count, by);
  }
  /// Reports an access that touches an mbarrier in the shared memory of `home`.
  void breaks_barrier(const access_watch& home, const actor& who, bool writes, std::string memory, std::int64_t offset,
                      std::int64_t bytes) {
    const std::int64_t at = home.barrier_places_.first(offset, bytes), begin = std::max(at, offset),
                       end = std::min(at + barrier_places::bytes, offset + bytes);
    const barrier_places::origin& made = home.barrier_places_.made(at);
    fault f = new_fault(fault_kind::barrier_misuse, who.lane, writes, std::move(memory), begin, end - begin,
                        "an mbarrier lies there: invalidate it before its memory is used for anything else");
    f.before = {{}, launch_.position(home.order_.block()), made.lane, true};
    launch_.found(std::move(f), who.self.site, made.site);
  }

  /// One access, with the answers that a shadow asks for when it compares the access with a cell's history.
  struct observer {
    access_watch& watch;
    const actor& who;
    bool writes;
    const char* memory;
    std::size_t cell_bytes = 1;
    std::int64_t base = 0;
    bool in_shared = true;
    access_watch* home = nullptr;  // the watch of the block that owns the shared memory, if not this block

    access_watch& of() const { return home ? *home : watch; }
    std::string name() const { return home ? shared_memory_of(home->rank_of(home->order_.block())) : memory; }
    const epoch& now() const { return who.self; }
    bool asks_always() const { return who.through_proxy || who.self.mode == access_mode::constant; }
    bool is_engine() const { return virtual_machine::is_engine(who.self.mode); }
    bool overwrites() const { return who.overwrites; }
    bool ordered(const epoch& e) const { return watch.order_.knows(who.lane, e); }
    bool ordered(const readers& r) const { return watch.order_.knows(who.lane, r); }
    bool allows(const epoch& e) const {
      if (both_atomic(e.mode, e.who)) return true;
      if (who.self.mode == access_mode::constant || !ordered(e)) return false;
      if (!who.through_proxy || e.mode == access_mode::async_proxy) return true;
      return in_shared && watch.order_.fenced(who.lane, e);  // a proxy fence orders shared memory only
    }
    bool allows(const readers& r) const {
      return r.mode != access_mode::constant && (ordered(r) || both_atomic(r.mode, r.who));
    }
    bool both_atomic(access_mode other, group_id by) const {
      const access_mode mine = who.self.mode;
      return is_atomic(mine) && is_atomic(other) && of_one_width(mine, other) &&
             (by.block == watch.order_.block() || (reaches_device(mine) && reaches_device(other)));
    }
    void never_written(std::size_t first, std::size_t cells) {
      if (watch.launch_.checks_for(checks::memory))
        watch.report(fault_kind::uninitialised, who, false, name(), offset(first), size(cells),
                     std::string("no lane of ") + (home ? "the cluster" : "this block") + " has written them" +
                         (of().has_discarded_ ? " since the block began or they were discarded" : ""));
    }
    void conflicts(const epoch& e, std::size_t first, std::size_t cells) {
      conflict(e, e.member, true, first, cells,
               ordered(e) && who.through_proxy                                     ? fault_kind::missing_fence
               : virtual_machine::is_engine(e.mode) && of().under_way(e, e.member) ? fault_kind::missing_wait
                                                                                   : fault_kind::race);
    }
    void conflicts(const readers& r, std::size_t first, std::size_t cells) {
      int member = std::countr_zero(r.members);
      for (std::uint32_t rest = r.members; rest; rest &= rest - 1)
        if (!watch.order_.knows(who.lane, r.who, std::countr_zero(rest), r.time, r.mode))
          member = std::countr_zero(rest);
      conflict(r, member, r.wrote, first, cells,
               virtual_machine::is_engine(r.mode) && of().under_way(r, member) ? fault_kind::missing_wait
                                                                               : fault_kind::race);
    }
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
      if (plain && pair.same_block) origin.later = watch.later_of(who, other.site, other.time, pair.same_warp);
      fault f = watch.new_fault(kind, who.lane, writes, name(), offset(first), size(cells),
                                missing_order(pair, origin.later));
      f.before = {{}, watch.launch_.position(other.who.block), of().lane_of(other.who, member), wrote};
      if (pair.one_line_stores && origin.later.barrier == 0) origin.needed = remedy::other;
      watch.launch_.found(std::move(f), who.self.site, other.site, std::move(origin));
    }
    std::int64_t offset(std::size_t cell) const { return base + static_cast<std::int64_t>(cell * cell_bytes); }
    std::int64_t size(std::size_t cells) const { return static_cast<std::int64_t>(cells * cell_bytes); }
  };

  /// A lane's last write to global memory and its number: the next write mostly has the same site and time.
  struct last_write {
    epoch global;
    std::uint32_t global_number = 0;
    std::uint64_t generation = 0;
  };

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
  std::uint32_t global_number(const actor& who) {
    last_write& l = last_writes_[static_cast<std::size_t>(who.lane)];
    if (l.global_number == 0 || !(l.global == who.self) || l.generation != launch_.generation())
      l.global = who.self, l.generation = launch_.generation(),
      l.global_number = launch_.global_histories().writes.add(who.self);
    return l.global_number;
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

  void touch(shadow& cells, std::size_t first, std::size_t count, const actor& who, bool writes, observer& by) {
    if (is_atomic(who.self.mode))
      cells.atomic(launch_.global_histories(), first, count, by);
    else if (writes)
      cells.write(launch_.global_histories(), first, count, global_number(who), by);
    else
      cells.read(launch_.global_histories(), first, count, by);
  }
  void follow_pages(const actor& who, std::uintptr_t address, int bytes, bool writes) {
    if (!launch_.checks_for(checks::races)) return;
    for (int done = 0; done < bytes;) {
      const std::uintptr_t at = address + static_cast<std::uintptr_t>(done);
      const std::size_t first = at % global_memory::page_bytes;
      const std::size_t count = std::min(static_cast<std::size_t>(bytes - done), global_memory::page_bytes - first);
      observer by{*this, who, writes, "global memory", 1, static_cast<std::int64_t>(at - first), false};
      touch(launch_.memory().page(at / global_memory::page_bytes), first, count, who, writes, by);
      done += static_cast<int>(count);
    }
  }

  void outside_operands(const actor& who, std::uintptr_t address, int bytes, bool writes) {
    const operand* near = launch_.memory().nearest(address);
    if (!near) {
      report(fault_kind::out_of_bounds, who, writes, "global memory", 0, bytes, "every operand is empty");
      return;
    }
    const std::int64_t offset = offset_in(*near, address);
    const bool in_a_gap = offset >= 0 && address < reinterpret_cast<std::uintptr_t>(near->end());
    report(fault_kind::out_of_bounds, who, writes, near->name, offset, bytes, layout_of(*near, in_a_gap));
  }
  shadow shared_;
  histories histories_;
  std::vector<last_write> last_writes_;
  recent_accesses recent_;
  visit_log visits_;
  bool ended_ = false, has_met_cluster_ = false, has_discarded_ = false;
  std::vector<std::pair<std::size_t, std::size_t>> discarded_;  // offset and bytes
  std::size_t collect_at_ = std::size_t{1} << 18;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
