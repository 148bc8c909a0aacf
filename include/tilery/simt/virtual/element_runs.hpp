// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Decides if bytes belong to elements of an operand (core/operand.hpp), a strided array that a launch names, or to a
// gap between its elements, for example between the rows of a slice of a matrix. The elements form runs: a run is a
// number of contiguous elements, and the strides repeat it. The bytes of a gap are in no run.
#pragma once
#pragma GCC system_header

#include <tilery/core/operand.hpp>

#include <algorithm>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class element_runs {
public:
  /// Describes the elements by runs. Leaves out dimensions of extent 1 or stride 0, which add no address.
  explicit element_runs(const operand& o)
      : begin_(reinterpret_cast<std::uintptr_t>(o.begin())),
        end_(reinterpret_cast<std::uintptr_t>(o.end())),
        element_bytes_(static_cast<std::uintptr_t>(o.element_bytes)) {
    repetition nearest_first[largest_rank];
    for (int d = 0; d < o.rank; ++d) nearest_first[d] = {o.extents[d], o.strides[d]};
    std::ranges::sort(nearest_first, {}, &repetition::stride);
    for (const repetition& r : nearest_first)
      if (r.times > 1 && r.stride > 0) add(r);
  }

  /// True if all bytes of the access belong to elements of the operand.
  bool hold(std::uintptr_t address, std::size_t bytes) const {
    if (address < begin_ || address + bytes > end_) return false;
    if (count_ == 0) return true;
    const auto first = static_cast<std::int64_t>((address - begin_) / element_bytes_),
               last = static_cast<std::int64_t>((address - begin_ + bytes - 1) / element_bytes_);
    if (one_run_has(count_, first, last)) return true;
    // runs may adjoin or overlap: bytes that are not all in one run may still all belong to elements
    for (std::int64_t e = first; e <= last; ++e)
      if (first == last || !one_run_has(count_, e, e)) return false;
    return true;
  }

private:
  /// One dimension, or several that are merged: it repeats the runs of the inner dimensions (those of smaller strides)
  /// `times` times, `stride` elements apart.
  struct repetition {
    std::int64_t times = 1, stride = 0;
    std::int64_t reach = 0;  // elements from the first to the last of what is repeated, gaps included
  };

  /// Adds a dimension: repeats the runs so far. Repetitions that adjoin or overlap are merged if one run or repetition
  /// can describe them, for example the rows of a dense matrix, or the windows of a sliding view. The stride must not
  /// be smaller than in the previous call.
  void add(repetition r) {
    if (count_ == 0 && r.stride <= run_) {
      run_ += (r.times - 1) * r.stride;
      return;
    }
    if (count_ > 0) {
      repetition& inner = all_[count_ - 1];
      if (r.stride % inner.stride == 0 && r.stride <= inner.times * inner.stride) {
        inner.times += (r.times - 1) * (r.stride / inner.stride);
        return;
      }
      r.reach = (inner.times - 1) * inner.stride + inner.reach;
    } else {
      r.reach = run_;
    }
    all_[count_++] = r;
  }

  /// True if one run of the `levels` innermost repetitions holds the elements `first` to `last`, counted from the first
  /// element of these repetitions.
  bool one_run_has(int levels, std::int64_t first, std::int64_t last) const {
    if (levels == 0) return last < run_;
    const repetition& r = all_[levels - 1];
    // tries the repetitions that begin at or before `first`, the last of them first
    for (std::int64_t i = std::min(first / r.stride, r.times - 1); i >= 0; --i) {
      const std::int64_t before = i * r.stride;
      if (last - before >= r.reach) return false;
      if (one_run_has(levels - 1, first - before, last - before)) return true;
    }
    return false;
  }

  std::uintptr_t begin_, end_, element_bytes_;
  repetition all_[largest_rank];  // the innermost repetition, with the smallest stride, first
  int count_ = 0;                 // repetitions in all_; 0: the operand is one run
  std::int64_t run_ = 1;          // length of a run, in elements
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
