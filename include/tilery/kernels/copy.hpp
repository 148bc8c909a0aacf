// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The steps of the elementwise kernel for copy (from tensor to tensor, with conversion) and fill (one value to a whole
// tensor), for 1 to 5 dimensions and any strides. The kernel runs over rows and columns; each of these may be several
// dimensions with one index.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/elementwise.hpp>

namespace tilery::inline TILERY_ABI {

/// Several dimensions of Count tensors with one index: i_0 + extent_0 (i_1 + extent_1 (i_2 + ...)), where dimension 0
/// is the innermost.
template <int Count, int Most>
struct joined_dimensions {
  std::int32_t size;                  // number of dimensions; 0: none, and the index is 0
  std::int32_t extents[Most - 1];     // of all dimensions but for the outermost
  std::int64_t strides[Most][Count];  // of each dimension in each tensor, in elements

  /// Adds the index's offset in each tensor, in elements. The tensors share one division for each dimension but for the
  /// outermost.
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
  joined_dimensions<Count, largest_rank - 1> of_row;
  joined_dimensions<Count, largest_rank> of_column;
};

/// The offset of an element of a row in each of Count tensors, in elements from the row's first one. On the CPU a
/// column is one dimension, so that the loop over columns has no branch.
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

/// to = from, converted to To. The tensors of the dimensions are `to` and `from`.
template <class From, class To>
struct copy_params : row_column_dimensions<2> {
  static constexpr const char* name = "copy";
  gmem_ptr<To> to;
  gmem_ptr<const From> from;

  /// One row: the pointers are to its first elements.
  struct row_steps {
    const copy_params& all;
    gmem_ptr<To> to;
    gmem_ptr<const From> from;

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

/// to = value.
template <class To>
struct fill_params : row_column_dimensions<1> {
  static constexpr const char* name = "fill";
  gmem_ptr<To> to;
  To value;

  struct row_steps {
    const fill_params& all;
    gmem_ptr<To> to;

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
