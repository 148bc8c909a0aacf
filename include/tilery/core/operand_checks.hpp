// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checks of a launch's operands. They find null views, impossible strides, misaligned elements, the wrong memory
// space, and an output whose elements share memory with each other or with another operand. A failed check returns a
// sentence with the operand's name, a passed check an empty sentence.
#pragma once
#pragma GCC system_header

#include <tilery/core/memory_space.hpp>
#include <tilery/core/operand.hpp>
#include <tilery/core/overlap.hpp>

namespace tilery::inline TILERY_ABI {

/// One dimension of an operand, with an extent of at least 2. The stride is in bytes.
struct operand_dimension {
  std::int64_t extent = 1, stride = 0;
};

/// The dimensions of an operand, sorted by rising stride, without those of extent 0 or 1. Two dimensions are joined if
/// one dimension with the smaller stride has the same elements. So a dense operand has one dimension (none if it has
/// one element), whatever the order of its dimensions in memory.
class operand_dimensions {
public:
  explicit operand_dimensions(const operand& o) {
    for (int d = o.rank - 1; d >= 0; --d) insert(o.extents[d], o.strides[d] * o.element_bytes);
    int joined = 0;
    for (int i = 1; i < size_; ++i)
      if (all_[i].stride == all_[joined].extent * all_[joined].stride)
        all_[joined].extent *= all_[i].extent;
      else
        all_[++joined] = all_[i];
    if (size_ > 0) size_ = joined + 1;
  }
  const operand_dimension* begin() const { return all_; }
  const operand_dimension* end() const { return all_ + size_; }

private:
  /// Adds a dimension and keeps the dimensions sorted by rising stride.
  void insert(std::int64_t extent, std::int64_t stride) {
    if (extent <= 1) return;
    int place = size_++;
    for (; place > 0 && all_[place - 1].stride > stride; --place) all_[place] = all_[place - 1];
    all_[place] = {extent, stride};
  }

  operand_dimension all_[largest_rank];
  int size_ = 0;
};

/// Returns true if two elements of an operand provably have the same address; false also if the search of overlap.hpp
/// gives up.
inline bool overlaps_itself(const operand& o) {
  if (o.empty()) return false;
  stride_sum sum;
  std::int64_t inner_bytes = o.element_bytes;  // the bytes that the dimensions so far span
  bool nested = true;                          // true: each stride is at least inner_bytes, so no elements overlap
  for (const auto& [extent, stride] : operand_dimensions(o)) {
    if (stride == 0 || !sum.add(stride, 0, extent - 1)) return true;
    nested = nested && stride >= inner_bytes;
    inner_bytes += (extent - 1) * stride;
  }
  return !nested && sum.can_vanish();
}

/// Returns true if two operands provably have elements that share a byte; false also if the search of overlap.hpp gives
/// up. Interleaved slices of one buffer share none.
inline bool share_an_element(const operand& a, const operand& b) {
  if (a.empty() || b.empty() || a.end() <= b.begin() || b.end() <= a.begin()) return false;
  stride_sum sum;  // (offset of an element in a) - (offset of an element in b), in bytes
  for (const auto& [extent, stride] : operand_dimensions(a)) sum.add(stride, 0, extent - 1);
  for (const auto& [extent, stride] : operand_dimensions(b)) sum.add(stride, 1 - extent, 0);
  // An element of a is sum - distance bytes after an element of b. The two overlap if this number is above
  // -a.element_bytes and below b.element_bytes.
  const std::int64_t distance = b.pointer - a.pointer;
  return sum.can_be_within(distance + 1 - a.element_bytes, distance + b.element_bytes - 1);
}

/// Returns true if two operands have the same pointer, element size, extents and strides, apart from dimensions of
/// extent 1.
inline bool same_view(const operand& a, const operand& b) {
  if (a.pointer != b.pointer || a.element_bytes != b.element_bytes) return false;
  int i = 0, j = 0;
  for (;; ++i, ++j) {
    while (i < a.rank && a.extents[i] == 1) ++i;
    while (j < b.rank && b.extents[j] == 1) ++j;
    if (i == a.rank || j == b.rank) return i == a.rank && j == b.rank;
    if (a.extents[i] != b.extents[j] || (a.extents[i] > 1 && a.strides[i] != b.strides[j])) return false;
  }
}

/// The strides of an operand as text, without those of dimensions of extent 0 or 1: "stride 3" or "strides 3, 1".
inline sentence strides_of(const operand& o) {
  sentence all;
  int count = 0;
  for (int d = 0; d < o.rank; ++d)
    if (o.extents[d] > 1) all = ++count > 1 ? sentence(all, ", ", o.strides[d]) : sentence(o.strides[d]);
  return {count == 1 ? "stride " : "strides ", all};
}

/// Checks the strides of an operand: none may be negative, and the last element must be less than 2^62 bytes after the
/// first one. A dimension with at most one element may have any stride. All ops rely on this check; views do not check
/// strides.
inline finding check_strides(const operand& o) {
  __int128 last = 0;  // the last element's offset in bytes
  for (int d = 0; d < o.rank; ++d) {
    if (o.extents[d] <= 1) continue;
    if (o.strides[d] < 0)
      return {o.rank == 1 ? sentence("the stride of ", o.name, " is ", o.strides[d])
                          : sentence("stride ", d, " of ", o.name, " is ", o.strides[d]),
              "; strides must not be negative"};
    last += static_cast<__int128>(o.extents[d] - 1) * o.strides[d] * o.element_bytes;
  }
  if (last >= __int128{1} << 62)
    return {o.name, " has the ", strides_of(o), "; its last element is beyond the end of all memory"};
  return {};
}

/// Checks each operand by itself and returns the first failure: a null view that is not empty, impossible strides,
/// misaligned elements, an output of which two elements provably have the same address, memory that the executor's
/// kernels cannot access. `reachable` is the memory space that these kernels can access; memory_space::either stands
/// for all memory. Empty operands pass. Of a workspace, the pointer alone is checked: it must not be null.
inline finding check_operands(const operands& all, memory_space reachable) {
  for (const operand& o : all) {
    if (o.empty()) continue;
    if (!o.pointer) return {o.name, " is a null view of size ", o.shape(), "; it must point to its elements"};
    if (o.own) continue;
    if (auto found = check_strides(o)) return found;
    if (const auto over = reinterpret_cast<std::uintptr_t>(o.pointer) % static_cast<std::uintptr_t>(o.alignment))
      return {o.name,
              " begins ",
              static_cast<std::int64_t>(over),
              " bytes after a multiple of ",
              o.alignment,
              "; its elements must be aligned"};
    if (o.written && overlaps_itself(o))
      return {o.name, " is written, but several of its elements have the same address because of its ", strides_of(o),
              "; each must have its own"};
    const memory_space space = space_of(o.pointer);
    if (space != memory_space::either && reachable != memory_space::either && space != reachable)
      return {o.name, " is in ", name_of(space), " memory; this executor needs it in ", name_of(reachable), " memory"};
  }
  return {};
}

/// Refuses an output that provably shares an element with another operand. An output may be exactly the same view as an
/// operand whose name is in `in_place`.
inline finding check_aliases(const operands& all, std::initializer_list<const char*> in_place = {}) {
  for (const operand& output : all) {
    if (!output.written) continue;
    for (const operand& other : all) {
      if (&other == &output || !share_an_element(output, other)) continue;
      bool allowed = false;
      for (const char* name : in_place) allowed = allowed || std::strcmp(name, other.name) == 0;
      if (allowed && same_view(output, other)) continue;
      return {output.name, " shares an element with ", other.name, "; the two must not overlap",
              allowed ? ", or must be exactly the same view" : ""};
    }
  }
  return {};
}

/// Puts the op's name before a finding's sentence. An empty finding stays empty.
inline finding in_op(const char* op, const finding& found) {
  if (!found) return {};
  return {op, ": ", found};
}

/// Does all checks of an op's operands (check_operands and check_aliases) and marks the operands as checked, so that
/// the op's launches do not repeat them.
inline finding check_call(const char* op, operands& all, memory_space reachable,
                          std::initializer_list<const char*> in_place = {}) {
  if (auto found = check_operands(all, reachable)) return in_op(op, found);
  if (auto found = check_aliases(all, in_place)) return in_op(op, found);
  all.set_checked();
  return {};
}

}  // namespace tilery::inline TILERY_ABI
