// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checks of a block's accesses to global memory: bounds, writes to operands that the launch only reads, reads of
// uninitialised bytes (unwritten.hpp), and races. An operand is a strided array that the launch names. Races are found
// by the access history (shadow.hpp) of the operands that the launch writes. A history stores the last write and the
// later readers of each cell, which is an element, or at most 4 bytes of an element. The base class checks the accesses
// to shared memory.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/shared_memory_checks.hpp>
#include <tilery/simt/virtual/unwritten.hpp>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class global_memory_checks : public shared_memory_checks {
public:
  global_memory_checks(launch_watch& launch, int threads, std::size_t shared_bytes)
      : shared_memory_checks(launch, threads, shared_bytes), last_writes_(static_cast<std::size_t>(threads)) {}

  /// Checks an access of this block to global memory. Returns false if the access must not be executed: it is out of
  /// bounds, or it writes an operand that the launch only reads. If the launch names no operands, checks for races
  /// only, and returns true.
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
               "these bytes have not been written since they were allocated");
    }
    if (!at.in->cells || !launch_.checks_for(checks::races)) return true;
    const std::size_t first = (address - at.in->begin) / at.in->cell_bytes,
                      last = (address - at.in->begin + static_cast<std::size_t>(bytes) - 1) / at.in->cell_bytes;
    access_observer by{*this, who, writes, at.part->name, at.in->cell_bytes};
    by.in_shared = false;
    by.base = static_cast<std::int64_t>(at.in->begin) -
              static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(at.part->begin()));
    touch(*at.in->cells, first, last - first + 1, who, writes, by);
    return true;
  }

protected:
  /// To be called when a block begins: forgets the accesses to the previous block's shared memory. The histories of
  /// global memory remain.
  void begin_accesses(std::uint32_t block) {
    begin_shared(block);
    for (last_write& l : last_writes_) l = {};
  }

private:
  /// The last write to global memory by a lane or by the lane's copy engine: its epoch (actor, time, site and mode,
  /// epoch.hpp), and its number in the write log. The lane's next write mostly has an equal epoch, and so the same
  /// number.
  struct last_write {
    epoch self;
    std::uint32_t number = 0;      // 0: none
    std::uint64_t generation = 0;  // `number` is valid while launch_watch::generation() has this value
  };

  /// Returns the number of the write's epoch in the write log. Adds the epoch to the log if it differs from that of the
  /// lane's last write.
  std::uint32_t global_number(const actor& who) {
    last_write& l = last_writes_[static_cast<std::size_t>(who.lane)];
    if (l.number == 0 || !(l.self == who.self) || l.generation != launch_.generation())
      l.self = who.self, l.generation = launch_.generation(),
      l.number = launch_.global_histories().writes.add(who.self);
    return l.number;
  }
  /// Compares an access with the history of its cells, and records it there.
  void touch(shadow& cells, std::size_t first, std::size_t count, const actor& who, bool writes, access_observer& by) {
    if (is_atomic(who.self.mode))
      cells.atomic(launch_.global_histories(), first, count, by);
    else if (writes)
      cells.write(launch_.global_histories(), first, count, global_number(who), by);
    else
      cells.read(launch_.global_histories(), first, count, by);
  }
  /// Checks an access of a launch that names no operands, for races only. Each page of 4 KiB has a history of its own.
  void follow_pages(const actor& who, std::uintptr_t address, int bytes, bool writes) {
    if (!launch_.checks_for(checks::races)) return;
    for (int done = 0; done < bytes;) {
      const std::uintptr_t at = address + static_cast<std::uintptr_t>(done);
      const std::size_t first = at % global_memory::page_bytes;
      const std::size_t count = std::min(static_cast<std::size_t>(bytes - done), global_memory::page_bytes - first);
      access_observer by{*this, who, writes, "global memory", 1, static_cast<std::int64_t>(at - first), false};
      touch(launch_.memory().page(at / global_memory::page_bytes), first, count, who, writes, by);
      done += static_cast<int>(count);
    }
  }

  /// Reports an access out of bounds. Its position is the offset from the nearest operand.
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

  std::vector<last_write> last_writes_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
