// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The global memory of a launch, as the checks see it: the operands (strided arrays that the launch names,
// core/operand.hpp), their address ranges, and the access history (shadow.hpp) of the operands that the launch writes
// and of those that overlap them. Other operands need no history, because any write to them is a fault. If the launch
// names no operands, all memory that it accesses has a history, provided that the launch checks for races. A history
// stores the last write and the later readers of each cell; a cell is an element of at most 4 bytes, or a part of a
// larger element.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/element_runs.hpp>
#include <tilery/simt/virtual/shadow.hpp>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class global_memory {
public:
  /// One operand of a region.
  struct part {
    operand what;
    element_runs elements;
  };
  /// An address range [begin, end) of operands that overlap each other; most regions have one operand.
  struct region {
    std::uintptr_t begin, end;
    std::size_t cell_bytes;  // size of a cell of the history, in bytes
    std::vector<part> parts;
    std::unique_ptr<shadow> cells;  // access history from `begin` on; null if the launch writes none of the operands

    /// True if the launch writes at least one of the operands.
    bool written() const {
      return std::any_of(parts.begin(), parts.end(), [](const part& p) { return p.what.written; });
    }
  };
  /// The result of find().
  struct place {
    region* in = nullptr;           // null: the first byte is in no region, or the launch names no operands
    const operand* part = nullptr;  // null: no single operand has elements at every byte of the access
    bool inside = false;            // true if `part` is not null
  };

  /// `known`: the operands that the launch names; empty if it names none.
  explicit global_memory(const operands& known) {
    std::vector<operand> sorted;
    for (const operand& o : known)
      if (!o.empty()) sorted.push_back(o);
    std::sort(sorted.begin(), sorted.end(), [](const operand& a, const operand& b) { return a.begin() < b.begin(); });
    for (const operand& o : sorted) {
      const auto begin = reinterpret_cast<std::uintptr_t>(o.begin()), end = reinterpret_cast<std::uintptr_t>(o.end());
      if (regions_.empty() || begin >= regions_.back().end) {
        regions_.push_back({begin, end, cell_of(o), {{o, element_runs(o)}}, nullptr});
      } else {
        region& r = regions_.back();
        r.end = std::max(r.end, end);
        r.cell_bytes = std::min(r.cell_bytes, cell_of(o));
        if ((begin - r.begin) % r.cell_bytes != 0) r.cell_bytes = 1;  // elements do not begin at cell boundaries
        r.parts.push_back({o, element_runs(o)});
      }
    }
    knows_operands_ = !known.empty();
    for (region& r : regions_)
      if (r.written())
        r.cells = std::make_unique<shadow>((r.end - r.begin + r.cell_bytes - 1) / r.cell_bytes, write_log::before);
  }

  /// True if the launch names its operands. If it names none, accesses are not checked for bounds. Each byte that the
  /// launch accesses is then a cell of a history; page() creates these histories.
  bool knows_operands() const { return knows_operands_; }

  /// Finds the operand whose elements contain all bytes of an access. If there are several, the result for a read is
  /// the first of them by address; for a write it is the first that the launch writes, if there is one. Looks first at
  /// the region that the previous call found.
  place find(std::uintptr_t address, std::size_t bytes, bool writes) {
    for (std::size_t i = 0; i < regions_.size(); ++i) {
      region& r = regions_[last_ + i < regions_.size() ? last_ + i : last_ + i - regions_.size()];
      if (address < r.begin || address >= r.end) continue;
      last_ = static_cast<std::size_t>(&r - regions_.data());
      place found{&r, nullptr, false};
      for (const part& p : r.parts)
        if ((!found.part || (writes && !found.part->written)) && p.elements.hold(address, bytes)) found.part = &p.what;
      found.inside = found.part != nullptr;
      return found;
    }
    return {};
  }

  /// Calls visit(operand) for each operand that has elements.
  template <class Visit>
  void for_operands(const Visit& visit) const {
    for (const region& r : regions_)
      for (const part& p : r.parts) visit(p.what);
  }

  /// Returns the operand nearest to an address, for reports; null if there is no operand that has elements.
  const operand* nearest(std::uintptr_t address) const {
    const operand* best = nullptr;
    std::uintptr_t least = ~std::uintptr_t{0};
    for (const region& r : regions_)
      for (const part& p : r.parts) {
        const auto begin = reinterpret_cast<std::uintptr_t>(p.what.begin()),
                   end = reinterpret_cast<std::uintptr_t>(p.what.end());
        const std::uintptr_t distance = address < begin ? begin - address : address >= end ? address - end : 0;
        if (distance < least) least = distance, best = &p.what;
      }
    return best;
  }

  /// Returns the history of the page with this number (address / page_bytes), for launches that name no operands.
  /// Creates it at the first call.
  shadow& page(std::uintptr_t number) {
    std::unique_ptr<shadow>& s = pages_[number];
    if (!s) s = std::make_unique<shadow>(page_bytes, write_log::before);
    return *s;
  }
  static constexpr std::size_t page_bytes = 4096;

  /// The host memory that all histories take, in bytes.
  std::size_t shadow_bytes() const {
    std::size_t bytes = 0;
    for (const region& r : regions_)
      if (r.cells) bytes += r.cells->bytes();
    for (const auto& entry : pages_) bytes += entry.second->bytes();
    return bytes;
  }

  /// Calls visit(shadow) for each history.
  template <class Visit>
  void for_shadows(const Visit& visit) {
    for (region& r : regions_)
      if (r.cells) visit(*r.cells);
    for (auto& entry : pages_) visit(*entry.second);
  }

private:
  /// Returns the size of a cell of the history, in bytes: that of an element, but at most 4 bytes, because a larger
  /// element may be accessed in parts.
  static std::size_t cell_of(const operand& o) {
    return static_cast<std::size_t>(std::min<std::int64_t>(o.element_bytes, 4));
  }

  std::vector<region> regions_;  // by address
  std::size_t last_ = 0;         // index of the region that find() found last
  bool knows_operands_ = false;
  std::unordered_map<std::uintptr_t, std::unique_ptr<shadow>> pages_;  // by address / page_bytes
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
