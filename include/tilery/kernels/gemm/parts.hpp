// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The parts of tiles that a block of a GEMM kernel computes. A step is one iteration of a tile's k loop. A part is all
// steps of a tile of C, or, if several blocks share the tile, a range of its steps. All GEMM kernels for GPUs do the
// same for each part: find the tile, restrict A and B to the part's range of k, multiply, add up the accumulators of
// all blocks that share the tile, store.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/gemm/params.hpp>
#include <tilery/tile/rasterize.hpp>

namespace tilery::inline TILERY_ABI {

/// A tile's position in C: the parameters of its GEMM, that GEMM's index in the batch, and the tile's first row and
/// column in C, or in C^T in the transposed problem (C^T = B^T A^T).
template <class Params>
struct gemm_tile_in_c {
  const Params& p;
  std::uint32_t index;
  tile::tile_origin origin;

  /// The parameters for storing the tile.
  TILERY_SIMT Params c() const { return p.c_of(index); }
};

/// The steps of one tile that one block computes, for policy P. Params is the type of the launch's parameters
/// (gemm_params or gemm_group).
template <auto P, class Params>
class gemm_part {
  /// False if the policy gives each tile to one block: each part is then a whole tile, and no sums are combined.
  static constexpr bool may_share = P.k_parts != 1;

public:
  TILERY_SIMT gemm_part(const Params& all, const tile::work_share::part& part) : all_(all), part_(part) {}

  /// Returns the part's tile. A kernel without spare registers calls this function again after the k loop, instead of
  /// keeping the result.
  TILERY_SIMT auto tile() const {
    const auto [p, index, number] = all_.template find<P>(part_.tile);
    const tile_mn cut = tile_extents(P.block, P.m_is_longer_side, p.rows(), p.columns());
    return gemm_tile_in_c<std::remove_cvref_t<decltype(p)>>{p, index, origin_of(number, p.rows(), p.columns(), cut)};
  }

  /// Returns A, restricted to the part's range of k.
  template <class Found>
  TILERY_SIMT auto a_of(const Found& found) const {
    return share_of(found.p.a_of(found.index));
  }
  /// Returns B, restricted to the part's range of k.
  template <class Found>
  TILERY_SIMT auto b_of(const Found& found) const {
    return share_of(found.p.b_of(found.index));
  }

  /// Returns true in the block that must store the tile to C; its `sums` are then over all of k. If blocks share the
  /// tile, each block stores its `sums` in the workspace. The block that is the last to do so gets the totals of all
  /// blocks in its `sums` (tile/combine_sums.hpp), and must store the tile. All threads of the block call this
  /// function. `note` is a word of shared memory that no thread uses for anything else during the call.
  template <class Lane, class Sums>
  TILERY_SIMT bool completes(Lane lane, Sums& sums, smem_ptr<std::uint32_t> note, where at = {}) const {
    if constexpr (!may_share)
      return true;
    else
      return all_.work.share.whole(part_) || tile::combine_sums<P.threads()>(lane, all_.work, part_, sums, note, at);
  }

private:
  /// Returns the first row and column of tile `number`. P.raster_rows, if P has it, sets the order of the tiles.
  TILERY_SIMT static tile::tile_origin origin_of(int number, int rows, int columns, tile_mn cut) {
    if constexpr (requires { P.raster_rows; })
      return tile::rasterize(number, rows, columns, cut.m, cut.n, P.raster_rows);
    else
      return tile::rasterize(number, rows, columns, cut.m, cut.n);
  }
  template <class Panel>
  TILERY_SIMT Panel share_of(const Panel& all) const {
    if constexpr (!may_share)
      return all;
    else
      return all_.work.share.of(part_, all, P.block.k);
  }

  const Params& all_;
  tile::work_share::part part_;
};

/// The word of shared memory for gemm_part::completes(). A kernel has it in a union with its other shared memory.
using gemm_note = shared_array<std::uint32_t, 1>;

/// Calls compute(part) for each part that the block computes: once for its tile, or, if blocks share tiles, for one
/// part after another. Between two parts there is a block barrier, so that the next part can use the shared memory
/// again.
template <auto P, class Lane, class Params, class F>
TILERY_SIMT void for_gemm_parts(Lane lane, const Params& all, F compute) {
  const int block = lane.block().x;
  if constexpr (P.k_parts == 1) {
    compute(gemm_part<P, Params>(all, {block}));
  } else {
    const auto& share = all.work.share;
    for (auto part = share.first(block); part.tile >= 0; part = share.next(part)) {
      compute(gemm_part<P, Params>(all, part));
      if (part.left > 0) lane.sync_block();
    }
  }
}

}  // namespace tilery::inline TILERY_ABI
