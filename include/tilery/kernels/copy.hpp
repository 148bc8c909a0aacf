// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The steps of the elementwise kernel for copy (from tensor to tensor, with conversion) and fill (one value to a whole
// tensor), for any strides. The kernel runs over rows and columns; a row's indices in the tensor's other dimensions are
// computed from its number.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/elementwise.hpp>

namespace tilery::inline TILERY_ABI {

/// The largest rank of a tensor that is copied or filled.
inline constexpr int copied_rank = 3;

/// The dimensions of a tensor without the columns, outermost first; together they are the rows. An extent of 1 stands
/// for a dimension that the tensor does not have.
struct row_dimensions {
  std::int32_t extents[copied_rank - 1];

  /// Distance of a row from the first row, in elements.
  TILERY_SIMT std::int64_t offset(int row, const std::int64_t (&strides)[copied_rank - 1]) const {
    std::int64_t all = 0;
    TILERY_UNROLL
    for (int d = copied_rank - 2; d > 0; --d) {
      all += row % extents[d] * strides[d];
      row /= extents[d];
    }
    return all + row * strides[0];
  }
};

/// A tensor whose elements are found by row and column.
template <class T>
struct strided_rows {
  gmem_ptr<T> data;
  std::int64_t row_strides[copied_rank - 1];
  std::int64_t column_stride;

  TILERY_SIMT gmem_ptr<T> at(const row_dimensions& all, int row, int column) const {
    return data + (all.offset(row, row_strides) + column * column_stride);
  }
};

/// to = from, converted to To.
template <class From, class To>
struct copy_params {
  static constexpr const char* name = "copy";
  std::int32_t rows, columns;
  row_dimensions outer;
  strided_rows<const From> from;
  strided_rows<To> to;

  template <class Lane, int N>
  TILERY_SIMT void step(Lane lane, int row, int column, width_t<N>) const {
    if constexpr (N == 1)
      lane.store(to.at(outer, row, column), convert<To>(lane.load(from.at(outer, row, column))));
    else
      lane.store(to.at(outer, row, column), convert<To>(lane.load(from.at(outer, row, column), width<N>)));
  }
};

/// to = value.
template <class To>
struct fill_params {
  static constexpr const char* name = "fill";
  std::int32_t rows, columns;
  row_dimensions outer;
  strided_rows<To> to;
  To value;

  template <class Lane, int N>
  TILERY_SIMT void step(Lane lane, int row, int column, width_t<N>) const {
    if constexpr (N == 1)
      lane.store(to.at(outer, row, column), value);
    else
      lane.store(to.at(outer, row, column), splat<N>(value));
  }
};

}  // namespace tilery::inline TILERY_ABI
