// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which element of a matrix a lane holds in which place of its registers, as tensor-core instructions have it. A map is
// data: each bit of the lane's rank, and each bit of the place in its registers, moves so many rows and columns.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

namespace tilery::inline TILERY_ABI::atoms {

/// A place in a matrix, or a way to go in one.
struct row_column {
  int row, column;
};

/// A matrix of Rows x Columns spread over 32 lanes; element i of lane l is at the sum of the steps of their set bits.
struct fragment_map {
  int rows, columns;
  row_column lane[5];     // bit of the lane's rank in its warp
  row_column element[4];  // bit of the element's place in its registers; unused bits are {0, 0}

  constexpr int elements() const { return rows * columns / 32; }

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

/// Where element `place` of lane `rank` lies. The map is a template argument: its strides become shifts.
template <fragment_map Map>
TILERY_SIMT row_column fragment_place(int rank, int place) {
  constexpr fragment_map map = Map;
  return map.at(rank, place);
}

}  // namespace tilery::inline TILERY_ABI::atoms
