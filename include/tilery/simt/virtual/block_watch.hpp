// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checks of one block. A checked lane asks here before each verb: the history of the bytes is compared with what
// the lane knows, and what does not fit becomes a fault. Verbs that must not happen (outside of all memory) are told
// so.
#pragma once

#include <tilery/simt/virtual/block.hpp>
#include <tilery/simt/virtual/block_requests.hpp>
#include <tilery/simt/virtual/launch_watch.hpp>

#include <unordered_set>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// Thrown through a lane that has gone on for too long. The fault is with the launch.
struct step_limit_reached {};

class block_watch final : public block_events {
public:
  /// `shared_bytes` is what the kernel asked for; accesses behind it are faults.
  block_watch(launch_watch& launch, int threads, std::size_t shared_bytes)
      : launch_(launch),
        order_(threads),
        shared_(shared_bytes, write_log::never),
        requests_(launch.recorder()),
        profiles_(launch.checks_for(checks::profile)),
        lanes_(static_cast<std::size_t>(threads)) {}

  launch_watch& launch() { return launch_; }
  block_order& happens_before() { return order_; }

  // What the scheduler tells ------------------------------------------------------------------------------------------

  void begins(const block& self) override {
    self_ = &self;
    shared_begin_ = static_cast<const std::byte*>(self.shared());
    order_.begin(launch_.number(self.at()));
    if (profiles_) requests_.begin_block(static_cast<int>(lanes_.size()));
    for (int w = 0; w < order_.warp_count(); ++w) order_.new_engine();  // each warp's copies: the first engines
    shared_.forget();
    histories_.clear();
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      lanes_[i] = {};
      lanes_[i].random = launch_.launch().seed + 0x9e3779b97f4a7c15u * (order_.block() * lanes_.size() + i + 1);
    }
    barrier_site_ = 0;
  }

  void warp_met(int warp, verb what, std::uint32_t lanes) override {
    if (what == verb::sync_warp) order_.meet_warp(warp);  // shuffles and votes do not order memory
    if (profiles_) requests_.aligned(warp, lanes);
    const int of = std::min(block::warp_lanes, static_cast<int>(lanes_.size()) - warp * block::warp_lanes);
    if (std::popcount(lanes) < of && launch_.checks_for(checks::meetings))
      misuse(warp * block::warp_lanes + std::countr_zero(lanes), of - std::popcount(lanes), "warp");
  }

  void block_met(int lanes) override {
    order_.meet_block();
    histories_.everybody_knows();
    for (lane_state& l : lanes_) l.shared_number = 0;
    if (profiles_)
      for (int w = 0; w < order_.warp_count(); ++w) requests_.aligned(w, self_->live_lanes(w));
    const int left = static_cast<int>(lanes_.size()) - lanes;
    if (left > 0 && launch_.checks_for(checks::meetings)) misuse(-1, left, "block");
    barrier_site_ = 0;
  }

  void ends() override {
    if (profiles_) requests_.end_block();
  }

  // What lanes ask ----------------------------------------------------------------------------------------------------

  /// The step that the lane is in from now on; returns the one before.
  std::uint32_t enter(int lane, const char* name, where at) {
    lane_state& l = state(lane);
    return std::exchange(l.step, launch_.sites().step(l.step, name, at));
  }
  void leave(int lane, std::uint32_t outer) { state(lane).step = outer; }

  /// The number of the place of a verb. Counts the verb, too.
  std::uint32_t at_site(int lane, const char* name, where at) {
    lane_state& l = state(lane);
    l.site = launch_.sites().number(l.step, name, at);
    if (++l.verbs > launch_.launch().step_limit) [[unlikely]]
      too_many(lane);
    return l.site;
  }

  /// Whether the lane is to let others run first now (the seeded schedule).
  bool delays(int lane) {
    if (launch_.launch().seed == 0) return false;
    std::uint64_t& r = state(lane).random;
    r ^= r << 13, r ^= r >> 7, r ^= r << 17;
    return r % 8 == 0;
  }

  /// An access of a lane. Returns whether it may happen: what lies outside of all memory, or across the alignment that
  /// the hardware asks for, does not.
  template <bool Shared, int Bytes>
  bool may_access(int lane, const void* pointer, bool aligned, bool writes, access_mode mode, std::uint32_t site) {
    constexpr int bytes = Bytes;
    const std::int64_t offset = static_cast<const std::byte*>(pointer) - shared_begin_;
    if (!aligned) {
      if constexpr (Shared)
        misaligned(lane, "shared memory", offset, bytes, writes, site);
      else
        misaligned_global(lane, pointer, bytes, writes, site);
      return false;
    }
    if constexpr (Shared) {
      if (!shared_access<Bytes>(lane, offset, writes, site)) return false;
      if (profiles_)
        requests_.access(site, writes ? site_kind::shared_store : site_kind::shared_load, lane,
                         static_cast<std::uintptr_t>(offset), bytes);
    } else {
      if (!global_access(lane, pointer, bytes, writes, mode, site)) return false;
      if (profiles_)
        requests_.access(site,
                         is_atomic(mode) ? site_kind::atomic
                         : writes        ? site_kind::global_store
                                         : site_kind::global_load,
                         lane, reinterpret_cast<std::uintptr_t>(pointer), bytes);
    }
    return true;
  }

  /// An access to this block's shared memory, `offset` bytes from its begin. Returns whether it may happen.
  template <int Bytes>
  bool shared_access(int lane, std::int64_t offset, bool writes, std::uint32_t site) {
    constexpr int bytes = Bytes;
    if (offset < 0 || offset + bytes > static_cast<std::int64_t>(shared_.size())) [[unlikely]] {
      outside(lane, "shared memory", offset, bytes, writes, site,
              "shared memory has " + std::to_string(shared_.size()) + " bytes");
      return false;
    }
    observer by{*this, lane, site, writes, access_mode::plain, "shared memory", 1};
    const auto first = static_cast<std::size_t>(offset);
    constexpr auto count = static_cast<std::size_t>(bytes);
    if (writes)
      shared_.write<count>(histories_, first, count, shared_number(lane, site), by);
    else
      shared_.read<count>(histories_, first, count, by);
    return true;
  }

  /// An access to global memory. Returns whether it may happen.
  bool global_access(int lane, const void* pointer, int bytes, bool writes, access_mode mode, std::uint32_t site) {
    const auto address = reinterpret_cast<std::uintptr_t>(pointer);
    global_memory& memory = launch_.memory();
    if (!memory.knows_operands()) {
      follow_pages(lane, address, bytes, writes, mode, site);
      return true;
    }
    const global_memory::place at = memory.find(address, static_cast<std::size_t>(bytes), writes);
    if (!at.inside) {
      outside_operands(lane, address, bytes, writes, site);
      return false;
    }
    if (writes && !at.part->written) {
      report(fault_kind::read_only, lane, site, true, at.part->name, offset_in(*at.part, address), bytes,
             "the launch names " + std::string(at.part->name) + " as an operand that it only reads");
      return false;
    }
    if (!at.in->cells || !launch_.checks_for(checks::races)) return true;
    const std::size_t first = (address - at.in->begin) / at.in->cell_bytes,
                      last = (address - at.in->begin + static_cast<std::size_t>(bytes) - 1) / at.in->cell_bytes;
    observer by{*this, lane, site, writes, mode, at.part->name, at.in->cell_bytes};
    by.base = static_cast<std::int64_t>(at.in->begin) -
              static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(at.part->begin()));
    touch(*at.in->cells, first, last - first + 1, lane, writes, mode, site, by);
    return true;
  }

  void misaligned_global(int lane, const void* pointer, int bytes, bool writes, std::uint32_t site) {
    const auto address = reinterpret_cast<std::uintptr_t>(pointer);
    const operand* near = launch_.memory().nearest(address);
    misaligned(lane, near ? near->name : "global memory",
               near ? offset_in(*near, address) : static_cast<std::int64_t>(address), bytes, writes, site);
  }
  void misaligned(int lane, const char* memory, std::int64_t offset, int bytes, bool writes, std::uint32_t site) {
    report(fault_kind::misaligned, lane, site, writes, memory, offset, bytes,
           "the address must be a multiple of the access's size, or of 16 where that is larger");
  }

  // Atomics, fences, barriers -----------------------------------------------------------------------------------------

  /// An atomic on a flag: what it takes and gives by its order and scope. It has been checked as an access before.
  void atomic(int lane, const void* address, bool reads, bool writes, order o, scope s) {
    flag_state& flag = launch_.flag(address);
    lane_state& l = state(lane);
    if (reads && flag.gives && reaches(flag, s)) {
      if (o == order::acquire || o == order::acquire_release)
        order_.acquire(lane, flag.given);
      else
        (l.seen ? *l.seen : l.seen.emplace()).join(flag.given);  // an acquiring fence takes it later
    }
    if (!writes) return;
    const bool releases = o == order::release || o == order::acquire_release;
    if (!reads) flag.gives = false, flag.given = {};  // a plain store ends what was given; a read-modify-write goes on
    if (!releases && !l.fenced) return;
    const knowledge given = releases ? order_.release(lane) : *l.fenced;
    flag.given.join(given);
    flag.gives = true, flag.block = order_.block();
    flag.scope = releases || l.fence_scope == scope::block ? s : std::min(s, l.fence_scope);
  }
  void fence(int lane, order o, scope s, std::uint32_t site) {
    lane_state& l = state(lane);
    if (profiles_) requests_.meeting(site, site_kind::fence, lane);
    if (o != order::release && l.seen) order_.acquire(lane, *l.seen), l.seen.reset();
    if (o != order::acquire && o != order::relaxed) l.fenced = order_.release(lane), l.fence_scope = s;
  }

  void operations(std::uint32_t site, compute_unit on, int count) {
    if (profiles_) requests_.operations(site, on, count);
  }
  /// A lane comes to a meeting of its warp.
  void comes_to_warp(int lane, verb what, std::uint32_t site) {
    if (profiles_) requests_.meeting(site, what == verb::sync_warp ? site_kind::barrier : site_kind::shuffle, lane);
  }
  /// A lane comes to a barrier of the block: all must come to the same one.
  void comes_to_barrier(int lane, std::uint32_t site) {
    if (profiles_) requests_.meeting(site, site_kind::barrier, lane);
    if (barrier_site_ == 0) barrier_site_ = site, barrier_lane_ = lane;
    if (barrier_site_ == site || !launch_.checks_for(checks::meetings)) return;
    fault f = new_fault(fault_kind::collective, lane, false, "", 0, 0,
                        "all lanes of the block must come to the same barrier");
    f.before.block = f.now.block, f.before.lane = barrier_lane_;
    launch_.found(std::move(f), site, barrier_site_);
  }

private:
  struct lane_state {
    std::uint32_t step = 0, site = 0;
    std::int64_t verbs = 0;
    std::uint64_t random = 0;
    // the numbers of this lane's last writes: most stores of a lane follow one of the same line and time
    epoch shared_write, global_write;
    std::uint32_t shared_number = 0, global_number = 0;
    std::uint64_t global_generation = 0;
    std::optional<knowledge> fenced, seen;  // given by a fence to later atomics; seen by atomics before a fence
    tilery::scope fence_scope = tilery::scope::device;
  };

  /// One access, as shadows ask about it.
  struct observer {
    block_watch& watch;
    int lane;
    std::uint32_t site;
    bool writes;
    access_mode mode;
    const char* memory;
    std::size_t cell_bytes;
    std::int64_t base = 0;

    epoch now() const { return watch.epoch_now(lane, site, mode); }
    bool ordered(const epoch& e) const { return watch.order_.knows(lane, e); }
    bool ordered(const readers& r) const { return watch.order_.knows(lane, r); }
    template <class Other>
    bool allows(const Other& other) const {
      return ordered(other) || (is_atomic(mode) && is_atomic(other.mode) &&
                                (other.who.block == watch.order_.block() ||
                                 (mode == access_mode::atomic_device && other.mode == access_mode::atomic_device)));
    }
    void never_written(std::size_t first, std::size_t cells) {
      if (!watch.launch_.checks_for(checks::memory)) return;
      watch.report(fault_kind::uninitialised, lane, site, false, memory, offset(first), size(cells),
                   "no lane of this block has written them");
    }
    void conflicts(const epoch& e, std::size_t first, std::size_t cells) {
      race(e.who, e.member, e.mode, e.site, true, first, cells);
    }
    void conflicts(const readers& r, std::size_t first, std::size_t cells) {
      int member = std::countr_zero(r.members);
      for (std::uint32_t rest = r.members; rest; rest &= rest - 1)
        if (!watch.order_.knows(lane, r.who, std::countr_zero(rest), r.time, r.mode)) member = std::countr_zero(rest);
      race(r.who, member, r.mode, r.site, false, first, cells);
    }
    void race(group_id who, int member, access_mode other, std::uint32_t before, bool wrote, std::size_t first,
              std::size_t cells) {
      if (!watch.launch_.checks_for(checks::races)) return;
      fault f = watch.new_fault(fault_kind::race, lane, writes, memory, offset(first), size(cells),
                                watch.what_is_missing(lane, who, mode, other));
      f.before = {{}, watch.launch_.position(who.block), watch.lane_of(who, member), wrote};
      watch.launch_.found(std::move(f), site, before);
    }
    std::int64_t offset(std::size_t cell) const { return base + static_cast<std::int64_t>(cell * cell_bytes); }
    std::int64_t size(std::size_t cells) const { return static_cast<std::int64_t>(cells * cell_bytes); }
  };

  lane_state& state(int lane) { return lanes_[static_cast<std::size_t>(lane)]; }

  epoch epoch_now(int lane, std::uint32_t site, access_mode mode) const {
    return {order_.warp_of(lane), order_.time(lane), site, static_cast<std::uint8_t>(lane % block::warp_lanes), mode};
  }

  std::uint32_t shared_number(int lane, std::uint32_t site) {
    lane_state& l = state(lane);
    const epoch now = epoch_now(lane, site, access_mode::plain);
    if (l.shared_number == 0 || !(l.shared_write == now)) {
      if (histories_.writes.size() >= most_shared_writes) collect();
      l.shared_write = now, l.shared_number = histories_.writes.add(now);
    }
    return l.shared_number;
  }
  std::uint32_t global_number(int lane, std::uint32_t site, access_mode mode) {
    lane_state& l = state(lane);
    const epoch now = epoch_now(lane, site, mode);
    if (l.global_number == 0 || !(l.global_write == now) || l.global_generation != launch_.generation())
      l.global_write = now, l.global_number = launch_.add_global_write(now, l.global_generation);
    return l.global_number;
  }
  /// Drops what no byte of shared memory remembers. Only blocks that never meet as a whole come here.
  void collect() {
    std::unordered_set<std::uint32_t> used;
    shared_.for_writes([&](std::uint32_t number) { used.insert(number); });
    const auto now = histories_.writes.drop_unused([&](std::uint32_t number) { return used.count(number) > 0; });
    shared_.for_writes([&](std::uint32_t& number) { number = now(number); });
    for (lane_state& l : lanes_) l.shared_number = 0;
  }

  void touch(shadow& cells, std::size_t first, std::size_t count, int lane, bool writes, access_mode mode,
             std::uint32_t site, observer& by) {
    if (writes)
      cells.write(launch_.global_histories(), first, count, global_number(lane, site, mode), by);
    else
      cells.read(launch_.global_histories(), first, count, by);
  }
  void follow_pages(int lane, std::uintptr_t address, int bytes, bool writes, access_mode mode, std::uint32_t site) {
    if (!launch_.checks_for(checks::races)) return;
    for (int done = 0; done < bytes;) {
      const std::uintptr_t at = address + static_cast<std::uintptr_t>(done);
      const std::size_t first = at % global_memory::page_bytes;
      const std::size_t count = std::min(static_cast<std::size_t>(bytes - done), global_memory::page_bytes - first);
      observer by{*this, lane, site, writes, mode, "global memory", 1, static_cast<std::int64_t>(at - first)};
      touch(launch_.memory().page(at / global_memory::page_bytes), first, count, lane, writes, mode, site, by);
      done += static_cast<int>(count);
    }
  }

  bool reaches(const flag_state& flag, scope s) const {
    return flag.block == order_.block() || (flag.scope != scope::block && s != scope::block);
  }

  // Faults ------------------------------------------------------------------------------------------------------------

  int lane_of(group_id who, int member) const {
    const auto warps = static_cast<std::uint32_t>(order_.warp_count());
    return static_cast<int>(who.local % warps) * block::warp_lanes + member;
  }

  std::string what_is_missing(int lane, group_id who, access_mode now, access_mode before) const {
    if (is_atomic(now) && is_atomic(before)) return "an atomic of block scope does not reach the other block";
    if (who == order_.warp_of(lane)) return "a sync_warp between them is missing";
    if (who.block == order_.block()) return "a barrier of the block between them is missing";
    return "nothing orders the two blocks: a release of device scope by the one and an acquire by the other are missing";
  }

  fault new_fault(fault_kind kind, int lane, bool writes, std::string memory, std::int64_t offset, std::int64_t bytes,
                  std::string missing) const {
    fault f;
    f.kind = kind;
    f.now = {{}, launch_.position(order_.block()), lane, writes};
    f.memory = std::move(memory), f.offset = offset, f.bytes = bytes, f.missing = std::move(missing);
    return f;
  }
  void report(fault_kind kind, int lane, std::uint32_t site, bool writes, std::string memory, std::int64_t offset,
              std::int64_t bytes, std::string missing) {
    launch_.found(new_fault(kind, lane, writes, std::move(memory), offset, bytes, std::move(missing)), site, 0);
  }
  void outside(int lane, const char* memory, std::int64_t offset, int bytes, bool writes, std::uint32_t site,
               std::string how_large) {
    report(fault_kind::out_of_bounds, lane, site, writes, memory, offset, bytes, std::move(how_large));
  }
  void outside_operands(int lane, std::uintptr_t address, int bytes, bool writes, std::uint32_t site) {
    const operand* near = launch_.memory().nearest(address);
    if (!near) {
      report(fault_kind::out_of_bounds, lane, site, writes, "global memory", 0, bytes, "every operand is empty");
      return;
    }
    const std::int64_t offset = offset_in(*near, address);
    const bool in_a_gap = offset >= 0 && address < reinterpret_cast<std::uintptr_t>(near->end());
    outside(lane, near->name, offset, bytes, writes, site,
            std::string(near->name) + " is " + near->shape() + " with strides " + std::to_string(near->strides[0]) +
                " and " + std::to_string(near->strides[1]) + ", " + std::to_string(near->element_bytes) +
                " bytes an element" + (in_a_gap ? "; this lies between its rows" : ""));
  }
  static std::int64_t offset_in(const operand& o, std::uintptr_t address) {
    return static_cast<std::int64_t>(address) - static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(o.begin()));
  }

  void misuse(int lane, int left, const char* of) {
    const int at = lane >= 0 ? lane : barrier_lane_;
    report(fault_kind::barrier_misuse, at, state(at).site, false, "", 0, 0,
           std::to_string(left) + (left == 1 ? " lane of the " : " lanes of the ") + of +
               " had left the kernel before; all must come");
  }
  [[noreturn]] void too_many(int lane) {
    std::map<std::uint32_t, std::vector<int>> lanes_at;
    for (std::size_t i = 0; i < lanes_.size(); ++i) lanes_at[lanes_[i].site].push_back(static_cast<int>(i));
    std::string places;
    for (const auto& [site, lanes] : lanes_at)
      places += "\n  lanes" + ranges(lanes) +
                (site == 0 ? " have not begun" : " were last in " + launch_.sites().describe(site).text());
    report(fault_kind::step_limit, lane, state(lane).site, false, "", 0, 0,
           "it has gone through " + std::to_string(launch_.launch().step_limit) + " verbs without an end" + places);
    throw step_limit_reached{};
  }

  static constexpr std::size_t most_shared_writes = std::size_t{1} << 18;

  launch_watch& launch_;
  const block* self_ = nullptr;
  const std::byte* shared_begin_ = nullptr;
  block_order order_;
  shadow shared_;
  histories histories_;
  block_requests requests_;
  bool profiles_;
  std::vector<lane_state> lanes_;
  std::uint32_t barrier_site_ = 0;
  int barrier_lane_ = 0;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
