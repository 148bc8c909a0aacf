// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// fragment_map: tells which matrix elements each lane of a warp holds in its registers, for the operands of tensor-core
// instructions (mma_shape.hpp has the maps). A map is data: each bit of a lane's rank (its index in the warp, 0 to 31),
// and each bit of an element's index among the elements that the lane holds, adds a fixed number of rows and columns if
// the bit is 1.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

namespace tilery::inline TILERY_ABI::atoms {

/// The position of an element in a matrix, or a step between two positions.
struct row_column {
  int row, column;
};

/// A matrix of rows x columns elements, distributed over the 32 lanes of a warp. Lane l holds the elements i = 0, 1,
/// ... in its registers. The position of element i of lane l is the sum of the steps of those bits of l and of i that
/// are 1.
struct fragment_map {
  int rows, columns;
  row_column lane[5];     // step of each bit of the lane's rank in its warp
  row_column element[4];  // step of each bit of the element's index among those of the lane; unused bits: {0, 0}

  /// The number of elements that each lane holds.
  constexpr int elements() const { return rows * columns / 32; }

  /// The position of a lane's element: `rank` is the lane's rank in its warp, `place` the element's index among the
  /// elements that the lane holds.
  TILERY_SIMT constexpr row_column at(int rank, int place) const {
    row_column sum{0, 0};
    TILERY_UNROLL
    for (int bit = 0; bit < 5; ++bit) {
      sum.row += (rank >> bit & 1) * lane[bit].row;
      sum.column += (rank >> bit & 1) * lane[bit].column;
    }
    TILERY_UNROLL
    for (int bit = 0; bit < 4; ++bit) {
      sum.row += (place >> bit & 1) * element[bit].row;
      sum.column += (place >> bit & 1) * element[bit].column;
    }
    return sum;
  }
};

/// Returns Map.at(rank, place), the position of an element in the fragment's matrix. The map is a template argument
/// here: its steps are compile-time constants, so the compiler needs only shifts and additions.
template <fragment_map Map>
TILERY_SIMT row_column fragment_place(int rank, int place) {
  constexpr fragment_map map = Map;
  return map.at(rank, place);
}

}  // namespace tilery::inline TILERY_ABI::atoms
