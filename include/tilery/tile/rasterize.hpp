// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The order in which blocks take the tiles of C. Blocks that run at the same time take a rectangle of tiles rather than
// a long row of tiles, so that they share rows of A and columns of B in the L2 cache.
#pragma once
#pragma GCC system_header

#include <tilery/simt/index.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The first row and the first column of a tile of C.
struct tile_origin {
  int row, column;
};

/// Returns the origin of the tile with number `index`, in a C of m x n cut into tiles of tile_m x tile_n. C is cut into
/// bands of `raster_rows` rows of tiles. The tiles of a band are numbered column by column; the numbers of the next
/// band follow. Blocks take the tiles, or parts of them (work_share.hpp), in the order of these numbers.
TILERY_SIMT tile_origin rasterize(int index, int m, int n, int tile_m, int tile_n, int raster_rows = 8) {
  const int tiles_m = pieces(m, tile_m), tiles_n = pieces(n, tile_n);
  const int band = index / (raster_rows * tiles_n), in_band = index % (raster_rows * tiles_n);
  const int first = band * raster_rows;
  const int rows = tiles_m - first < raster_rows ? tiles_m - first : raster_rows;  // the last band may have fewer rows
  return {(first + in_band % rows) * tile_m, in_band / rows * tile_n};
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
