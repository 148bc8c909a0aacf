// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The steps of the elementwise kernel for copy (from tensor to tensor, with conversion) and fill (one value to a whole
// tensor), for 1 to 5 dimensions and any strides. The kernel runs over rows and columns. A row and a column are each a
// joined index of several dimensions.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/elementwise.hpp>

namespace tilery::inline TILERY_ABI {

/// One index for several dimensions: i_0 + extent_0 (i_1 + extent_1 (i_2 + ...)), where dimension 0 is the innermost.
template <int Most>
struct joined_index {
  std::int32_t count;              // of dimensions, 1 to Most
  std::int32_t extents[Most - 1];  // of the dimensions but for the outermost

  /// The offset of the index's element in a tensor with these strides, in elements. It costs one division for each
  /// dimension but for the outermost.
  TILERY_SIMT std::int64_t offset(int index, const std::int64_t (&strides)[Most]) const {
    std::int64_t all = 0;
    auto rest = static_cast<std::uint32_t>(index);
    TILERY_UNROLL
    for (int d = 0; d < Most - 1; ++d) {
      if (d + 1 >= count) return all + rest * strides[d];
      const auto extent = static_cast<std::uint32_t>(extents[d]);
      const std::uint32_t outer = rest / extent;
      all += (rest - outer * extent) * strides[d];
      rest = outer;
    }
    return all + rest * strides[Most - 1];
  }
};

/// The dimensions of the tensors of a copy or fill, as rows and columns.
struct row_column_dimensions {
  joined_index<largest_rank - 1> row;
  joined_index<largest_rank> column;
};

/// A tensor whose elements are found by row and column.
template <class T>
struct strided_rows {
  gmem_ptr<T> data;
  std::int64_t row_strides[largest_rank - 1];
  std::int64_t column_strides[largest_rank];

  TILERY_SIMT gmem_ptr<T> at(const row_column_dimensions& all, int row, int column) const {
    return data + (all.row.offset(row, row_strides) + all.column.offset(column, column_strides));
  }
};

/// to = from, converted to To.
template <class From, class To>
struct copy_params {
  static constexpr const char* name = "copy";
  std::int32_t rows, columns;
  row_column_dimensions dimensions;
  strided_rows<const From> from;
  strided_rows<To> to;

  template <class Lane, int N>
  TILERY_SIMT void step(Lane lane, int row, int column, width_t<N>) const {
    const auto source = from.at(dimensions, row, column);
    if constexpr (N == 1)
      lane.store(to.at(dimensions, row, column), convert<To>(lane.load(source)));
    else
      lane.store(to.at(dimensions, row, column), convert<To>(lane.load(source, width<N>)));
  }
};

/// to = value.
template <class To>
struct fill_params {
  static constexpr const char* name = "fill";
  std::int32_t rows, columns;
  row_column_dimensions dimensions;
  strided_rows<To> to;
  To value;

  template <class Lane, int N>
  TILERY_SIMT void step(Lane lane, int row, int column, width_t<N>) const {
    if constexpr (N == 1)
      lane.store(to.at(dimensions, row, column), value);
    else
      lane.store(to.at(dimensions, row, column), splat<N>(value));
  }
};

}  // namespace tilery::inline TILERY_ABI
