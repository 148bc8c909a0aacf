// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The parameters of the elementwise kernel (kernels/elementwise.hpp) for copy (from tensor to tensor, with conversion)
// and fill (one value to all elements of a tensor), for 1 to 5 dimensions and any strides. The kernel sees rows and
// columns. The row index may stand for several dimensions of the tensor, and on a GPU so may the column index.
// ops/rows_of_tensor.hpp chooses these dimensions.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/elementwise.hpp>

namespace tilery::inline TILERY_ABI {

/// Up to Most dimensions of Count tensors of one shape, with one index for all dimensions: i_0 + extent_0 (i_1 +
/// extent_1 (i_2 + ...)), where i_d is the index in dimension d and dimension 0 is the innermost.
template <int Count, int Most>
struct joined_dimensions {
  std::int32_t size;                  // number of dimensions; 0: none, and the index is 0
  std::int32_t extents[Most - 1];     // of each dimension except the outermost, whose extent is not needed
  std::int64_t strides[Most][Count];  // of each dimension in each tensor, in elements

  /// Adds to offsets[i] the offset of element `index` in tensor i, in elements. One division for each dimension except
  /// the outermost serves all tensors.
  TILERY_SIMT void add_offsets(int index, std::int64_t (&offsets)[Count]) const {
    auto rest = static_cast<std::uint32_t>(index);
    TILERY_UNROLL
    for (int d = 0; d < Most; ++d) {
      std::uint32_t in_dimension = rest, outer = 0;
      const bool outermost = d + 1 == Most || d + 1 >= size;
      if (!outermost) {
        const auto extent = static_cast<std::uint32_t>(extents[d]);
        outer = rest / extent;
        in_dimension = rest - outer * extent;
      }
      TILERY_UNROLL
      for (int i = 0; i < Count; ++i) offsets[i] += in_dimension * strides[d][i];
      if (outermost) return;
      rest = outer;
    }
  }
};

/// The dimensions of Count tensors of one shape, as rows and columns.
template <int Count>
struct row_column_dimensions {
  std::int32_t rows, columns;
  joined_dimensions<Count, largest_rank - 1> of_row;  // the dimensions for which the row index stands
  joined_dimensions<Count, largest_rank> of_column;   // those for which the column index stands, at least one
};

/// Computes, for each of Count tensors, the offset of element `column` of a row from the row's first element, in
/// elements. On the CPU (Lane::is_whole_block) the columns are always one dimension, so that the loop over columns has
/// no branch.
template <class Lane, int Count>
TILERY_SIMT void column_offsets(const row_column_dimensions<Count>& all, int column, std::int64_t (&offsets)[Count]) {
  if constexpr (Lane::is_whole_block) {
    TILERY_UNROLL
    for (int i = 0; i < Count; ++i) offsets[i] = column * all.of_column.strides[0][i];
  } else {
    TILERY_UNROLL
    for (int i = 0; i < Count; ++i) offsets[i] = 0;
    all.of_column.add_offsets(column, offsets);
  }
}

/// to = from, converted to To. In the strides of row_column_dimensions, tensor 0 is `to` and tensor 1 is `from`.
template <class From, class To>
struct copy_params : row_column_dimensions<2> {
  static constexpr const char* name = "copy";
  gmem_ptr<To> to;
  gmem_ptr<const From> from;

  /// The work on one row.
  struct row_steps {
    const copy_params& all;
    gmem_ptr<To> to;            // the row's first element in `to`
    gmem_ptr<const From> from;  // the row's first element in `from`

    template <class Lane, int N>
    TILERY_SIMT void step(Lane lane, int, int column, width_t<N>) const {
      std::int64_t at[2];
      column_offsets<Lane>(all, column, at);
      if constexpr (N == 1)
        lane.store(to + at[0], convert<To>(lane.load(from + at[1])));
      else
        lane.store(to + at[0], convert<To>(lane.load(from + at[1], width<N>)));
    }
  };
  TILERY_SIMT row_steps steps_of_row(int row) const {
    std::int64_t at[2] = {};
    this->of_row.add_offsets(row, at);
    return {*this, to + at[0], from + at[1]};
  }
};

/// Sets all elements of `to` to `value`.
template <class To>
struct fill_params : row_column_dimensions<1> {
  static constexpr const char* name = "fill";
  gmem_ptr<To> to;
  To value;

  /// The work on one row.
  struct row_steps {
    const fill_params& all;
    gmem_ptr<To> to;  // the row's first element

    template <class Lane, int N>
    TILERY_SIMT void step(Lane lane, int, int column, width_t<N>) const {
      std::int64_t at[1];
      column_offsets<Lane>(all, column, at);
      if constexpr (N == 1)
        lane.store(to + at[0], all.value);
      else
        lane.store(to + at[0], splat<N>(all.value));
    }
  };
  TILERY_SIMT row_steps steps_of_row(int row) const {
    std::int64_t at[1] = {};
    this->of_row.add_offsets(row, at);
    return {*this, to + at[0]};
  }
};

}  // namespace tilery::inline TILERY_ABI
