// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The dimensions of some tensors of one shape, as rows and columns for the kernels of copy and fill (kernels/copy.hpp).
// The dimensions are sorted: the one with the smallest stride in the first tensor is innermost. Two neighbouring
// dimensions are joined to one if, in every tensor, the stride of the outer one is the extent times the stride of the
// inner one, and the joined dimension has at most `largest_extent` elements. So dense tensors of any rank with the same
// order of dimensions are one row, if they have at most `largest_extent` elements.
#pragma once
#pragma GCC system_header

#include <tilery/core/shape.hpp>
#include <tilery/kernels/copy.hpp>
#include <tilery/ops/elementwise.hpp>

#include <utility>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// The dimensions over which the column index of a kernel goes. A block works on one row or on a part of a row.
///
/// one_dimension (CPU): one dimension, the innermost, or the longest if the innermost has fewer than 8 elements.
/// The loop over columns has no division.
///
/// several_dimensions (GPU): the fewest inner dimensions that together have at least 1024 elements, which is enough for
/// all lanes of a block; fewer dimensions if these have more than `largest_extent` elements, all if all have fewer than
/// 1024. Neighbouring lanes write neighbouring elements.
enum class row_form { one_dimension, several_dimensions };

/// The dimensions of Count tensors of one shape, sorted and joined, and cut into those of the columns and of the rows.
template <int Count>
class rows_of_tensors {
public:
  /// Takes a tensor, by whose strides the dimensions are sorted, and the other tensors, which have the same extents.
  /// Dimensions of extent 1 are left out.
  template <class T, int Rank, class... Others>
  rows_of_tensors(row_form form, const tensor_view<T, Rank>& first, const tensor_view<Others, Rank>&... others) {
    static_assert(sizeof...(Others) == Count - 1);
    for (int d = 0; d < Rank; ++d)
      if (first.extents[d] != 1) insert({first.extents[d], {first.strides[d], others.strides[d]...}});
    if (size_ == 0) insert({1, {}});
    join();
    if (form == row_form::one_dimension && all_[0].extent < short_row) exchange_for_longest();
    columns_ = all_[0].extent;
    if (form == row_form::several_dimensions)
      for (; split_ < size_ && columns_ < long_row && columns_ * all_[split_].extent <= largest_extent; ++split_)
        columns_ *= all_[split_].extent;
    for (int d = split_; d < size_; ++d) rows_ *= all_[d].extent;
  }

  /// Number of rows. It may be more than 32 bits can hold.
  std::int64_t rows() const { return rows_; }
  /// The dimensions as a kernel takes them. rows() must be at most `largest_extent`.
  row_column_dimensions<Count> dimensions() const {
    return {static_cast<std::int32_t>(rows_), static_cast<std::int32_t>(columns_),
            joined<largest_rank - 1>(split_, size_), joined<largest_rank>(0, split_)};
  }
  /// True if each pack of `vector` elements of a row is contiguous in all tensors. If the columns are several
  /// dimensions, the innermost must therefore consist of whole packs. A row of one dimension may end in the middle of a
  /// pack: the kernel does the rest element by element.
  bool has_packs(int vector) const {
    bool contiguous = split_ == 1 || all_[0].extent % vector == 0;
    for (const std::int64_t stride : all_[0].strides) contiguous = contiguous && (stride == 1 || all_[0].extent == 1);
    return contiguous;
  }
  /// True if, in tensor i, whose first element is at `data`, all packs of `vector` elements begin at an address that is
  /// a multiple of their size, or of 16 bytes if they are larger.
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

  /// Returns dimensions [first, last) as a kernel takes them.
  template <int Most>
  joined_dimensions<Count, Most> joined(int first, int last) const {
    joined_dimensions<Count, Most> result{};
    result.size = last - first;
    for (int d = first; d < last; ++d) {
      if (d + 1 < last) result.extents[d - first] = static_cast<std::int32_t>(all_[d].extent);
      for (int i = 0; i < Count; ++i) result.strides[d - first][i] = all_[d].strides[i];
    }
    return result;
  }

  /// Inserts a dimension. all_ stays sorted by increasing stride in the first tensor.
  void insert(const one_dimension& added) {
    int place = size_++;
    for (; place > 0 && all_[place - 1].strides[0] > added.strides[0]; --place) all_[place] = all_[place - 1];
    all_[place] = added;
  }
  /// Joins neighbouring dimensions, unless the joined dimension would have more than `largest_extent` elements.
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

  /// Exchanges the innermost dimension with the longest one.
  void exchange_for_longest() {
    int longest = 0;
    for (int d = 1; d < size_; ++d)
      if (all_[d].extent > all_[longest].extent) longest = d;
    std::swap(all_[0], all_[longest]);
  }

  // On the CPU, rows of fewer elements than this are exchanged for rows along the longest dimension: a block costs more
  // than the few elements of a short row. But with the longest dimension as the columns, the kernel passes over all
  // memory once for each element of the short dimension, so longer rows are kept. Measured: floats, channels first to c
  // channels last, two busy cores, ns per element:
  //   20 million pixels, c = 3, 4, 8: 22, 15, 6.1 with rows of c; 3.3, 4.6, 7.2 with the longest dimension
  //   50 000 pixels, c = 3, 4, 8: 4.6, 3.2, 1.3 with rows of c; 0.29, 0.29, 0.38 with the longest dimension
  static constexpr std::int64_t short_row = 8;
  static constexpr std::int64_t long_row = 1024;  // elements of a GPU's row: enough for a block of 256 lanes
  one_dimension all_[largest_rank];
  int size_ = 0, split_ = 1;  // columns: dimensions [0, split_); rows: dimensions [split_, size_)
  std::int64_t rows_ = 1, columns_ = 1;
};

/// The row_form of the executor's kernels.
template <class Executor>
inline constexpr row_form form_of_rows =
    Executor::lane::is_whole_block ? row_form::one_dimension : row_form::several_dimensions;

/// Returns the problem of copying or filling, as the selector of the elementwise kernel sees it. Wide is the widest
/// element type of the tensors; `data` are the addresses of their first elements.
template <class Wide, class Executor, int Count, class... T>
elementwise_problem describe_rows(const rows_of_tensors<Count>& walk, const T*... data) {
  static_assert(sizeof...(T) == Count);
  constexpr int widest = static_cast<int>(16 / sizeof(Wide));
  int i = 0;
  const bool aligned = (walk.is_aligned(i++, data, widest) && ...);
  return {aligned ? widest : 1, walk.has_packs(elementwise_table<Executor, Wide>::vector)};
}

/// Launches the elementwise kernel of Params (copy or fill) for `rows` rows. T is the widest element type. Throws if
/// `rows` is more than `largest_extent`.
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
