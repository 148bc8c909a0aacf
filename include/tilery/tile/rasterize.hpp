// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The order in which blocks take the tiles of C. Blocks that run at the same time take a square of tiles rather than a
// row, so that they share the rows of A and the columns of B in the L2 cache.
#pragma once
#pragma GCC system_header

#include <tilery/simt/index.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

struct tile_origin {
  int row, column;
};

/// Returns the first row and column of the tile of block `index`, in a C of m x n. Consecutive blocks take
/// `raster_rows` tiles along m, then the next column of tiles.
TILERY_SIMT tile_origin rasterize(int index, int m, int n, int tile_m, int tile_n, int raster_rows = 8) {
  const int tiles_m = pieces(m, tile_m), tiles_n = pieces(n, tile_n);
  const int band = index / (raster_rows * tiles_n), in_band = index % (raster_rows * tiles_n);
  const int first = band * raster_rows;
  const int rows = tiles_m - first < raster_rows ? tiles_m - first : raster_rows;  // the last band may have fewer rows
  return {(first + in_band % rows) * tile_m, in_band / rows * tile_n};
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
