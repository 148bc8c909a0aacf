// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The workspace of a GEMM on a GPU: the counters of the epilogue's column sums (bias_gradient, ops/column_totals.hpp);
// and, for tiles that several blocks share, the blocks' partial sums and the number of blocks that have stored theirs.
#pragma once
#pragma GCC system_header

#include <tilery/ops/column_totals.hpp>
#include <tilery/policies/gemm_mma_sync.hpp>
#include <tilery/policies/gemm_simt.hpp>
#include <tilery/policies/gemm_skinny.hpp>
#include <tilery/policies/gemm_work.hpp>
#include <tilery/tile/combine_sums.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// Returns the element size, in bytes, that must be passed to a policy's functions shared_bytes() and (if the policy
/// has it) registers_a_lane(), for elements T of A and B. gemm_simt stores operands in shared memory in the
/// accumulation type.
template <class T>
constexpr int staged_bytes(const gemm_simt_policy&) {
  return sizeof(accumulator_t<T>);
}
template <class T>
constexpr int staged_bytes(const gemm_skinny_policy&) {
  return sizeof(T);
}
template <class T>
constexpr int staged_bytes(const gemm_mma_sync_policy&) {
  return sizeof(T);
}

/// Returns the number of blocks that a policy launches for a problem with elements of T, and their shares of the tiles.
template <class T, class Policy>
constexpr gemm_work shared_out(const Policy& p, const gemm_problem& problem) {
  return work_of(p, problem, staged_bytes<T>(p), sizeof(accumulator_t<T>));
}

/// Takes the workspace of a launch from the executor, sets its counters to 0, stores the pointers and the way in which
/// the blocks share tiles in `p`, and appends the memory to `all` as operands. A tile has `tile_elements` elements.
///
/// Contents. The counters of the epilogue's column sums. If blocks share tiles, then also, for each tile, the number of
/// blocks that have stored their partial sums (4 bytes), and these partial sums.
template <class Executor, class Params>
allocation take_workspace(const Executor& executor, const gemm_work& work, int tile_elements, Params& p,
                          column_totals_in<Params>& totals, operands& all, where at) {
  using sum = accumulator_t<typename Params::a_type>;
  const std::int64_t tiles = work.shared() ? work.tiles : 0;
  // The partial sums are an array of pieces of tile_elements elements: a block stores its sums of a tile in the piece
  // with the index (index of the block) + (number of the tile) (tile/combine_sums.hpp).
  const std::int64_t elements = work.shared() ? (work.blocks + work.tiles) * tile_elements : 0;
  // Each of the three ranges begins at a multiple of 256 bytes.
  const auto whole = [](std::int64_t bytes) { return (bytes + 255) / 256 * 256; };
  const std::int64_t total_bytes = whole(static_cast<std::int64_t>(totals.bytes(p))), counted = whole(tiles * 4);
  if (work.shared())
    p.work.share = work.parts > 0 ? tile::work_share::split_k(work.steps, work.parts)
                                  : tile::work_share::stream_k(work.steps, work.tiles, static_cast<int>(work.blocks));
  const std::int64_t zeroed = total_bytes + counted;
  allocation memory = executor.workspace(static_cast<std::size_t>(zeroed + elements * sizeof(sum)), at);
  auto* bytes = static_cast<std::byte*>(memory.get());
  if (bytes) executor.zero_bytes(bytes, static_cast<std::size_t>(zeroed), at);
  totals.place(p, bytes, all);
  if (!bytes || !work.shared()) return memory;  // no tile is shared, or the executor only validates the call
  auto *arrived = bytes + total_bytes, *parts = bytes + zeroed;
  p.work.arrived = gmem_ptr<std::uint32_t>(reinterpret_cast<std::uint32_t*>(arrived));
  p.work.parts = gmem_ptr<sum>(reinterpret_cast<sum*>(parts));
  all.push_back(
      own({"the number of blocks that have finished their part of a tile", arrived, 4, 1, {tiles}, {1}, true}));
  all.push_back(
      own({"the partial sums of tiles that several blocks share", parts, sizeof(sum), 1, {elements}, {1}, true}));
  return memory;
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
