// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checks of one block's accesses: the history of the bytes is compared with what the lane knows, and what does not
// fit becomes a fault. What must not happen at all (outside of all memory) is told so.
#pragma once

#include <tilery/simt/virtual/block.hpp>
#include <tilery/simt/virtual/launch_watch.hpp>
#include <tilery/simt/virtual/unwritten.hpp>
#include <tilery/simt/virtual/visits.hpp>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class access_watch {
public:
  /// Who makes an access: a lane, or an engine on its behalf.
  struct actor {
    int lane;
    epoch self;                  // of the engine, where it is one
    bool through_proxy = false;  // of the asynchronous proxy: what lanes have written needs a proxy fence
  };

  /// `shared_bytes` is what the kernel asked for; accesses behind it are faults.
  access_watch(launch_watch& launch, int threads, std::size_t shared_bytes)
      : launch_(launch),
        order_(threads),
        shared_(shared_bytes, write_log::never),
        last_writes_(static_cast<std::size_t>(threads)) {}

  actor lane_itself(int lane, std::uint32_t site, access_mode mode, bool atomic_write = false) const {
    return {lane,
            {order_.warp_of(lane), order_.time(lane), site, static_cast<std::uint8_t>(lane % block::warp_lanes), mode,
             atomic_write}};
  }

  /// The usual read of shared memory, checked quickly. False where it needs a closer look.
  template <int Bytes>
  bool reads_shared_again(int lane, std::int64_t offset, std::uint32_t site) {
    if (offset < 0 || offset + Bytes > static_cast<std::int64_t>(shared_.size())) return false;
    return shared_.read_again<static_cast<std::size_t>(Bytes)>(histories_, static_cast<std::size_t>(offset),
                                                               reader_key(order_.warp_of(lane), order_.time(lane), site,
                                                                          static_cast<std::uint32_t>(lane %
                                                                                                     block::warp_lanes),
                                                                          access_mode::plain));
  }

  /// An access to this block's shared memory, `offset` bytes from its begin; `Bytes` of 0: as many as `how_many`.
  template <int Bytes>
  bool shared_access(const actor& who, std::int64_t offset, bool writes, int how_many = Bytes) {
    const int bytes = Bytes ? Bytes : how_many;
    if (bytes == 0) return true;
    if (offset < 0 || offset + bytes > static_cast<std::int64_t>(shared_.size())) [[unlikely]] {
      report(fault_kind::out_of_bounds, who, writes, "shared memory", offset, bytes,
             "shared memory has " + std::to_string(shared_.size()) + " bytes");
      return false;
    }
    if (histories_.size() >= collect_at_) [[unlikely]]
      collect();
    observer by{*this, who, writes, "shared memory"};
    const auto first = static_cast<std::size_t>(offset), count = static_cast<std::size_t>(bytes);
    constexpr auto constant = static_cast<std::size_t>(Bytes);
    if (is_atomic(who.self.mode))
      shared_.atomic(histories_, first, count, by);
    else if (writes)
      shared_.write<constant>(histories_, first, count, shared_number(who), by);
    else
      shared_.read<constant>(histories_, first, count, by);
    return true;
  }

  /// An access to the shared memory of the cluster's block `rank`, whose watch this is: compared with that memory's
  /// history by what this block's lane knows.
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
    if (home.histories_.size() >= home.collect_at_) home.collect();
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

  /// An access to global memory.
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
      if (const int unwritten = unwritten_bytes(address, bytes, at.in->begin, at.in->end))
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

  /// An address that is no multiple of what it must be.
  void misaligned_shared(const actor& who, std::int64_t offset, int bytes, bool writes) {
    report(fault_kind::misaligned, who, writes, "shared memory", offset, bytes, must_be_aligned);
  }
  void misaligned_global(const actor& who, const void* pointer, int bytes, bool writes) {
    const auto address = reinterpret_cast<std::uintptr_t>(pointer);
    const operand* near = launch_.memory().nearest(address);
    report(fault_kind::misaligned, who, writes, near ? near->name : "global memory",
           near ? offset_in(*near, address) : static_cast<std::int64_t>(address), bytes, must_be_aligned);
  }

  void report(fault_kind kind, const actor& who, bool writes, std::string memory, std::int64_t offset,
              std::int64_t bytes, std::string missing) {
    launch_.found(new_fault(kind, who.lane, writes, std::move(memory), offset, bytes, std::move(missing)),
                  who.self.site, 0);
  }
  fault new_fault(fault_kind kind, int lane, bool writes, std::string memory, std::int64_t offset, std::int64_t bytes,
                  std::string missing) const {
    fault f;
    f.kind = kind;
    f.now = {{}, launch_.position(order_.block()), lane, writes};
    f.memory = std::move(memory), f.offset = offset, f.bytes = bytes, f.missing = std::move(missing);
    return f;
  }

protected:
  /// A block begins, of which nothing is known.
  void begin_accesses(std::uint32_t block) {
    order_.begin(block);
    shared_.forget();
    histories_.clear();
    for (last_write& l : last_writes_) l = {};
    landed_.clear(), issuer_.clear(), visits_.clear();
    ended_ = false;
    collect_at_ = std::size_t{1} << 18;
  }
  /// All lanes have ended. What other blocks of the cluster have done in its shared memory must come before that.
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

  /// All who reach the memory have met: what is behind them needs no look any more.
  void everybody_knows() {
    histories_.everybody_knows();
    for (last_write& l : last_writes_) l.shared_number = 0;
  }

  /// The lane on whose behalf a barrier's engine copies: for reports.
  void issued_by(group_id engine, int lane) {
    if (engine.local >= issuer_.size()) issuer_.resize(engine.local + 1, -1);
    issuer_[engine.local] = lane;
  }
  /// An engine's work up to a time is done: until then what it writes is not there.
  void lands(group_id engine, int member, std::uint32_t time) { landed(engine, member) = time; }

  static constexpr const char* must_be_aligned =
      "the address must be a multiple of the access's size, or of 16 where that is larger";

  launch_watch& launch_;
  block_order order_;

private:
  /// One access, as shadows ask about it.
  struct observer {
    access_watch& watch;
    const actor& who;
    bool writes;
    const char* memory;
    std::size_t cell_bytes = 1;
    std::int64_t base = 0;
    bool in_shared = true;
    access_watch* home = nullptr;  // of the block whose shared memory it is, where that is another one

    access_watch& of() const { return home ? *home : watch; }
    std::string name() const { return home ? shared_memory_of(home->rank_of(home->order_.block())) : memory; }
    const epoch& now() const { return who.self; }
    bool asks_always() const { return who.through_proxy || who.self.mode == access_mode::constant; }
    bool is_engine() const { return virtual_machine::is_engine(who.self.mode); }
    bool ordered(const epoch& e) const { return watch.order_.knows(who.lane, e); }
    bool ordered(const readers& r) const { return watch.order_.knows(who.lane, r); }
    bool allows(const epoch& e) const {
      if (who.self.mode == access_mode::constant || !ordered(e)) return false;
      if (!who.through_proxy || e.mode == access_mode::async_proxy) return true;
      return in_shared && watch.order_.fenced(who.lane, e);  // the fence is one of shared memory
    }
    bool allows(const readers& r) const {
      return r.mode != access_mode::constant && (ordered(r) || both_atomic(r.mode, r.who));
    }
    bool both_atomic(access_mode other, group_id by) const {
      const access_mode mine = who.self.mode;
      return is_atomic(mine) && is_atomic(other) &&
             (by.block == watch.order_.block() ||
              (mine == access_mode::atomic_device && other == access_mode::atomic_device));
    }
    void never_written(std::size_t first, std::size_t cells) {
      if (watch.launch_.checks_for(checks::memory))
        watch.report(fault_kind::uninitialised, who, false, name(), offset(first), size(cells),
                     home ? "no lane of the cluster has written them" : "no lane of this block has written them");
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
      fault f = watch.new_fault(kind, who.lane, writes, name(), offset(first), size(cells),
                                watch.what_is_missing(who, other.who, other.mode, kind, in_shared));
      f.before = {{}, watch.launch_.position(other.who.block), of().lane_of(other.who, member), wrote};
      watch.launch_.found(std::move(f), who.self.site, other.site);
    }
    std::int64_t offset(std::size_t cell) const { return base + static_cast<std::int64_t>(cell * cell_bytes); }
    std::int64_t size(std::size_t cells) const { return static_cast<std::int64_t>(cells * cell_bytes); }
  };

  /// The numbers of a lane's last writes: most follow one of the same line and time.
  struct last_write {
    epoch shared, global;
    std::uint32_t shared_number = 0, global_number = 0;
    std::uint64_t generation = 0;
  };

  std::uint32_t shared_number(const actor& who) {
    last_write& l = last_writes_[static_cast<std::size_t>(who.lane)];
    if (l.shared_number == 0 || !(l.shared == who.self)) {
      l.shared = who.self, l.shared_number = histories_.writes.add(who.self);
    }
    return l.shared_number;
  }
  std::uint32_t global_number(const actor& who) {
    last_write& l = last_writes_[static_cast<std::size_t>(who.lane)];
    if (l.global_number == 0 || !(l.global == who.self) || l.generation != launch_.generation())
      l.global = who.self, l.generation = launch_.generation(),
      l.global_number = launch_.global_histories().writes.add(who.self);
    return l.global_number;
  }
  /// Drops what no byte of shared memory remembers. Only blocks that never meet as a whole come here.
  [[gnu::noinline]] void collect() {
    histories_.collect([&](const auto& visit) { visit(shared_); });
    collect_at_ = std::max(collect_at_, histories_.size() * 2);
    for (last_write& l : last_writes_) l.shared_number = 0;
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

  // Engines: what has landed, by engine and member.
  std::uint32_t& landed(group_id engine, int member) {
    const std::size_t i =
        (engine.local - static_cast<std::uint32_t>(order_.warp_count())) * std::size_t{block::warp_lanes} +
        static_cast<std::size_t>(member);
    if (i >= landed_.size()) landed_.resize(i + block::warp_lanes);
    return landed_[i];
  }
  template <class Other>
  bool under_way(const Other& other, int member) {
    return other.who.block == order_.block() && other.time >= landed(other.who, member);
  }

  int lane_of(group_id who, int member) const {
    if (who.block == order_.block() && who.local < issuer_.size() && issuer_[who.local] >= 0) return issuer_[who.local];
    const auto warps = static_cast<std::uint32_t>(order_.warp_count());
    return static_cast<int>(who.local % warps) * block::warp_lanes + member;
  }
  std::string what_is_missing(const actor& who, group_id other, access_mode before, fault_kind kind,
                              bool in_shared) const {
    if (kind == fault_kind::missing_wait) return "the copy is still under way: a wait for it between them is missing";
    if (who.self.mode == access_mode::constant || before == access_mode::constant)
      return "a pointer to const promises that nobody writes this memory during the launch";
    if (kind == fault_kind::missing_fence)
      return "they are ordered, but the copy goes through the asynchronous proxy: a proxy fence between them is missing";
    if (is_atomic(who.self.mode) && is_atomic(before)) return "an atomic of block scope does not reach the other block";
    if (other == order_.warp_of(who.lane)) return "a sync_warp between them is missing";
    if (other.block == order_.block()) return "a barrier of the block between them is missing";
    if (in_shared) return "a sync_cluster between them is missing";
    return "nothing orders the two blocks: a release of device scope by the one and an acquire by the other are missing";
  }

  void outside_operands(const actor& who, std::uintptr_t address, int bytes, bool writes) {
    const operand* near = launch_.memory().nearest(address);
    if (!near) {
      report(fault_kind::out_of_bounds, who, writes, "global memory", 0, bytes, "every operand is empty");
      return;
    }
    const std::int64_t offset = offset_in(*near, address);
    const bool in_a_gap = offset >= 0 && address < reinterpret_cast<std::uintptr_t>(near->end());
    report(fault_kind::out_of_bounds, who, writes, near->name, offset, bytes,
           std::string(near->name) + " has " + std::to_string(near->extents[0]) + " x " +
               std::to_string(near->extents[1]) + " elements of " + std::to_string(near->element_bytes) +
               " bytes, with strides " + std::to_string(near->strides[0]) + " and " + std::to_string(near->strides[1]) +
               (in_a_gap ? "; this lies between its rows" : ""));
  }
  static std::int64_t offset_in(const operand& o, std::uintptr_t address) {
    return static_cast<std::int64_t>(address) - static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(o.begin()));
  }

  int rank_of(std::uint32_t block) const { return static_cast<int>(block) % launch_.launch().cluster; }
  std::string ends_early() const {
    const index3 at = launch_.position(order_.block());
    return "block (" + std::to_string(at.x) + ", " + std::to_string(at.y) + ", " + std::to_string(at.z) +
           ") ends without waiting for it: a sync_cluster behind it is missing";
  }

  shadow shared_;
  histories histories_;
  std::vector<last_write> last_writes_;
  std::vector<std::uint32_t> landed_;
  std::vector<int> issuer_;
  visit_log visits_;
  bool ended_ = false;
  std::size_t collect_at_ = std::size_t{1} << 18;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
