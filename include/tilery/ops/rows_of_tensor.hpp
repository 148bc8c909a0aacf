// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The dimensions of some tensors of one shape, as rows and columns for the kernels of copy and fill. The dimension with
// the smallest stride in the first tensor is innermost. Neighbouring dimensions are joined if one stride walks both in
// every tensor: a dense tensor of any rank is one row.
#pragma once
#pragma GCC system_header

#include <tilery/core/shape.hpp>
#include <tilery/kernels/copy.hpp>
#include <tilery/ops/elementwise.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// The dimensions of Count tensors of one shape, sorted and joined.
template <int Count>
class rows_of_tensors {
public:
  /// Takes a first tensor and others with the same extents. A row gets as many inner dimensions as it needs to have at
  /// least `enough` elements, because a block works on one row.
  template <class T, int Rank, class... Others>
  explicit rows_of_tensors(std::int64_t enough, const tensor_view<T, Rank>& first,
                           const tensor_view<Others, Rank>&... others) {
    static_assert(sizeof...(Others) == Count - 1);
    for (int d = 0; d < Rank; ++d)
      if (first.extents[d] != 1) insert({first.extents[d], {first.strides[d], others.strides[d]...}});
    if (size_ == 0) insert({1, {}});
    join();
    columns_ = all_[0].extent;
    for (; split_ < size_ && columns_ < enough && columns_ * all_[split_].extent <= largest_extent; ++split_)
      columns_ *= all_[split_].extent;
    for (int d = split_; d < size_; ++d) rows_ *= all_[d].extent;
  }

  /// Number of rows, which may exceed 32 bits.
  std::int64_t rows() const { return rows_; }
  std::int32_t columns() const { return static_cast<std::int32_t>(columns_); }
  row_column_dimensions dimensions() const {
    row_column_dimensions result{};
    result.column.count = split_, result.row.count = size_ - split_;
    for (int d = 0; d < split_ - 1; ++d) result.column.extents[d] = static_cast<std::int32_t>(all_[d].extent);
    for (int d = split_; d < size_ - 1; ++d) result.row.extents[d - split_] = static_cast<std::int32_t>(all_[d].extent);
    return result;
  }
  /// The first element and the strides of tensor i, as a kernel takes them.
  template <class T>
  strided_rows<T> elements(int i, T* data) const {
    strided_rows<T> result{gmem_ptr<T>(data), {}, {}};
    for (int d = 0; d < split_; ++d) result.column_strides[d] = all_[d].strides[i];
    for (int d = split_; d < size_; ++d) result.row_strides[d - split_] = all_[d].strides[i];
    return result;
  }
  /// True if each pack of `vector` elements of a row is contiguous in all tensors. A row of one dimension may end in
  /// the middle of a pack: the kernel does the rest element by element.
  bool has_packs(int vector) const {
    bool contiguous = split_ == 1 || all_[0].extent % vector == 0;
    for (const std::int64_t stride : all_[0].strides) contiguous = contiguous && (stride == 1 || all_[0].extent == 1);
    return contiguous;
  }
  /// True if packs of `vector` elements of tensor i begin at a multiple of their bytes (of 16 bytes at most).
  template <class T>
  bool is_aligned(int i, const T* data, int vector) const {
    const std::uintptr_t bytes = vector * sizeof(T) < 16 ? vector * sizeof(T) : 16;
    bool aligned = reinterpret_cast<std::uintptr_t>(data) % bytes == 0;
    for (int d = 1; d < size_; ++d) aligned = aligned && all_[d].strides[i] * sizeof(T) % bytes == 0;
    return aligned;
  }

private:
  struct one_dimension {
    std::int64_t extent = 1;
    std::int64_t strides[Count] = {};
  };

  /// Inserts a dimension. The dimensions stay sorted by rising stride in the first tensor.
  void insert(const one_dimension& added) {
    int place = size_++;
    for (; place > 0 && all_[place - 1].strides[0] > added.strides[0]; --place) all_[place] = all_[place - 1];
    all_[place] = added;
  }
  void join() {
    int joined = 0;
    for (int d = 1; d < size_; ++d) {
      bool one_stride = all_[joined].extent * all_[d].extent <= largest_extent;
      for (int i = 0; i < Count; ++i)
        one_stride = one_stride && all_[d].strides[i] == all_[joined].extent * all_[joined].strides[i];
      if (one_stride)
        all_[joined].extent *= all_[d].extent;
      else
        all_[++joined] = all_[d];
    }
    size_ = joined + 1;
  }

  one_dimension all_[largest_rank];
  int size_ = 0, split_ = 1;  // dimensions from `split_` on are the rows'
  std::int64_t rows_ = 1, columns_ = 1;
};

/// The number of elements that a row of a copy or fill should have at least: a GPU's block has 1024 or more, and a
/// block on the CPU must be worth its call.
template <class Executor>
inline constexpr std::int64_t enough_columns = Executor::lane::alone ? 32 : 1024;

/// The problem of copying or filling, as the selector of the elementwise kernel sees it. Wide is the widest element
/// type; `data` are the first elements of the tensors.
template <class Wide, class Executor, int Count, class... T>
elementwise_problem describe_rows(const rows_of_tensors<Count>& walk, const T*... data) {
  static_assert(sizeof...(T) == Count);
  constexpr int widest = static_cast<int>(16 / sizeof(Wide));
  int i = 0;
  const bool aligned = (walk.is_aligned(i++, data, widest) && ...);
  return {aligned ? widest : 1, walk.has_packs(elementwise_table<Executor, Wide>::vector)};
}

/// Launches the elementwise kernel of Params for `rows` rows. Throws if `rows` is more than `largest_extent`.
template <class T, class Executor, class Params>
void launch_rows_of_tensors(const Executor& executor, const elementwise_problem& problem, const Params& p,
                            std::int64_t rows, const operands& all, where at) {
  if (rows > largest_extent)
    throw error({sentence(Params::name, ": the dimensions outside of a row of ", p.columns, " elements have ", rows),
                 " elements; they must have at most ", largest_extent},
                at);
  launch_elementwise<T>(executor, problem, p, all, at);
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
