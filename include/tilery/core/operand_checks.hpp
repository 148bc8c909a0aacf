// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checks of a launch's operands. Each failure is a sentence with the operand's name: null views, impossible
// strides, misaligned elements, the wrong memory space, an output whose elements share memory with each other or with
// another operand.
#pragma once
#pragma GCC system_header

#include <tilery/core/memory_space.hpp>
#include <tilery/core/operand.hpp>
#include <tilery/core/overlap.hpp>

namespace tilery::inline TILERY_ABI {

/// A dimension of an operand with at least two elements. The stride is in bytes.
struct operand_dimension {
  std::int64_t extent = 1, stride = 0;
};

/// The dimensions of an operand, sorted by rising stride, without those of extent 1. Two dimensions that one stride can
/// describe are joined, so a dense operand has one dimension, whatever the order of its dimensions in memory.
class operand_dimensions {
public:
  explicit operand_dimensions(const operand& o) {
    insert(o.extents[1], o.strides[1] * o.element_bytes);
    insert(o.extents[0], o.strides[0] * o.element_bytes);
    insert(o.matrices, o.matrix_stride * o.element_bytes);
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

  operand_dimension all_[3];
  int size_ = 0;
};

/// Returns true if two elements of an operand have the same address.
inline bool overlaps_itself(const operand& o) {
  if (o.empty()) return false;
  stride_sum sum;
  std::int64_t inner_bytes = o.element_bytes;  // the bytes that the dimensions so far span
  bool nested = true;                          // each dimension's stride spans all inner dimensions: no overlap
  for (const auto& [extent, stride] : operand_dimensions(o)) {
    if (stride == 0 || !sum.add(stride, 0, extent - 1)) return true;
    nested = nested && stride >= inner_bytes;
    inner_bytes += (extent - 1) * stride;
  }
  return !nested && sum.can_vanish();
}

/// Returns true if two operands provably share a byte of an element. Interleaved slices of one buffer do not.
inline bool share_an_element(const operand& a, const operand& b) {
  if (a.empty() || b.empty() || a.end() <= b.begin() || b.end() <= a.begin()) return false;
  stride_sum sum;  // (offset of an element in a) - (offset of an element in b)
  for (const auto& [extent, stride] : operand_dimensions(a)) sum.add(stride, 0, extent - 1);
  for (const auto& [extent, stride] : operand_dimensions(b)) sum.add(stride, 1 - extent, 0);
  const std::int64_t distance = b.pointer - a.pointer;  // elements overlap if their addresses differ by less than one
  return sum.can_be_within(distance + 1 - a.element_bytes, distance + b.element_bytes - 1);
}

/// Returns true if two operands have the same elements in the same order. The stride of a dimension of extent 1 does
/// not matter.
inline bool same_view(const operand& a, const operand& b) {
  const auto alike = [](std::int64_t extent, std::int64_t other_extent, std::int64_t stride,
                        std::int64_t other_stride) {
    return extent == other_extent && (extent <= 1 || stride == other_stride);
  };
  return a.pointer == b.pointer && a.element_bytes == b.element_bytes &&
         alike(a.extents[0], b.extents[0], a.strides[0], b.strides[0]) &&
         alike(a.extents[1], b.extents[1], a.strides[1], b.strides[1]) &&
         alike(a.matrices, b.matrices, a.matrix_stride, b.matrix_stride);
}

/// The strides of an operand in words, without dimensions of extent 1: "stride 3" or "strides 3, 1".
inline sentence strides_of(const operand& o) {
  sentence all;
  int count = 0;
  for (const auto& [extent, stride] :
       {operand_dimension{o.matrices, o.matrix_stride}, operand_dimension{o.extents[0], o.strides[0]},
        operand_dimension{o.extents[1], o.strides[1]}})
    if (extent > 1) all = ++count > 1 ? sentence(all, ", ", stride) : sentence(stride);
  return {count == 1 ? "stride " : "strides ", all};
}

/// Checks that no stride is negative and that the last element's offset is below 2^62 bytes.
inline finding check_strides(const operand& o) {
  if ((o.matrices > 1 && o.matrix_stride < 0) || (o.extents[0] > 1 && o.strides[0] < 0) ||
      (o.extents[1] > 1 && o.strides[1] < 0))
    return {o.name, " has the ", strides_of(o), "; strides must not be negative"};
  const auto reach = [&](std::int64_t extent, std::int64_t stride) {
    return extent > 1 ? static_cast<__int128>(extent - 1) * stride * o.element_bytes : 0;
  };
  if (reach(o.matrices, o.matrix_stride) + reach(o.extents[0], o.strides[0]) + reach(o.extents[1], o.strides[1]) >=
      __int128{1} << 62)
    return {o.name, " has the ", strides_of(o), "; its last element is beyond the end of all memory"};
  return {};
}

/// Checks each operand by itself and returns the first failure: a null view that is not empty, impossible strides,
/// misaligned elements, an output with two elements at one address, memory that the executor's kernels cannot reach.
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
      return {o.name, " is written, but several of its elements are in one place by its ", strides_of(o),
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
      return {output.name, " shares an element with ", other.name, "; the two must be apart",
              allowed ? ", or exactly the same view" : ""};
    }
  }
  return {};
}

/// Puts the op's name in front of a finding.
inline finding in_op(const char* op, const finding& found) {
  if (!found) return {};
  return {op, ": ", found};
}

/// All checks of an op's operands, done once for all of its launches.
inline finding check_call(const char* op, operands& all, memory_space reachable,
                          std::initializer_list<const char*> in_place = {}) {
  if (auto found = check_operands(all, reachable)) return in_op(op, found);
  if (auto found = check_aliases(all, in_place)) return in_op(op, found);
  all.set_checked();
  return {};
}

}  // namespace tilery::inline TILERY_ABI
