// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One tile of a GEMM operand: its layout in shared memory (operand_tile), and its copy from global memory
// (operand_copy). The copy is asynchronous if the policy names the operand's contiguous dimension (not along::any) and
// an access has at least 4 bytes; otherwise elements are copied one by one through registers. The rows of the tile run
// along the contiguous dimension; with along::any they run along k, whatever the operand's strides.
#pragma once
#pragma GCC system_header

#include <tilery/atoms/copy_async.hpp>
#include <tilery/core/convert.hpp>
#include <tilery/tile/panel.hpp>
#include <tilery/tile/swizzled_tile.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// Returns the swizzle (swizzled_tile.hpp) that avoids bank conflicts when a warp loads fragments of elements of type
/// T. A chunk has 16 bytes. A row of the tile runs along k if k_major is true, else along the outer dimension: its rows
/// are then steps of k.
///
///   elements of the tile               loaded by            what one access of the warp reads
///   2 bytes; 1 or 4 bytes if k_major   ldmatrix             8 consecutive rows, 1 chunk of each
///   8 bytes; 4 bytes if not k_major    element by element   4 consecutive rows, 2 chunks of each
///   1 byte if not k_major              element by element   4 rows, every fourth one, 1 chunk of each
///
/// For 8 bytes, one access is that of half a warp.
template <class T>
constexpr swizzle swizzle_for(bool k_major) {
  if (sizeof(T) == 8) return {.chunks = 2};
  if (k_major || sizeof(T) == 2) return {};
  return sizeof(T) == 4 ? swizzle{.chunks = 2} : swizzle{.apart = 4};
}

/// A tile of Outer x K elements of A (outer = m) or B (outer = n). A row of the tile runs along the outer dimension if
/// Along is along::outer, else along k.
template <class T, int Outer, int K, along Along>
struct operand_tile : swizzled_tile<T, Along == along::outer ? K : Outer, Along == along::outer ? Outer : K,
                                    swizzle_for<T>(Along != along::outer)> {
  static constexpr bool k_major = Along != along::outer;

  /// The address of the element (outer, k).
  TILERY_SIMT smem_ptr<T> of(int outer, int k) { return k_major ? this->element(outer, k) : this->element(k, outer); }
};

/// The copies that one of Threads lanes makes of an operand's tiles: chunks of 16 bytes, copied by accesses of `Vector`
/// elements (1 with along::any), or element by element. The operand's extent along its contiguous dimension is a
/// multiple of Vector. Elements out of bounds become zeros, which add nothing to a sum.
///
/// Order of calls, for each tile along k: start() for each part, then land() and advance() in either order, both before
/// the start() of the next tile.
template <class T, int Outer, int K, along Along, int Vector, int Threads>
class operand_copy {
public:
  using shared = operand_tile<T, Outer, K, Along>;

  /// For the tiles that begin at index `outer` of the outer dimension (m of A, n of B). The first tile begins at k = 0.
  template <class Lane>
  TILERY_SIMT operand_copy(Lane lane, const panel<T>& from, int outer)
      : row_(static_cast<int>(static_cast<unsigned>(lane.rank()) / shared::chunks)),
        chunk_(static_cast<int>(static_cast<unsigned>(lane.rank()) % shared::chunks)) {
    if constexpr (shared::k_major) {
      next_ = from.data + ((outer + row_) * from.outer_stride + column() * from.k_stride);
      outer_left_ = from.outer - outer - row_;
      k_left_ = from.k - column();
    } else {
      next_ = from.data + (row_ * from.k_stride + (outer + column()));
      outer_left_ = from.outer - outer - column();
      k_left_ = from.k - row_;
    }
  }

  /// Starts to copy part `part` of `parts` of the current tile to `to`. Elements that are copied one by one are only
  /// loaded into registers; land() stores them.
  template <class Lane>
  TILERY_SIMT void start(Lane lane, const panel<T>& from, shared& to, int part, int parts, where at = {}) {
    const std::int64_t row_stride = shared::k_major ? from.outer_stride : from.k_stride;
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < rounds; ++i) {
      if (i % parts != part) continue;
      const int row = row_ + i * rows_a_round;
      const int rows_left = (shared::k_major ? outer_left_ : k_left_) - i * rows_a_round;
      const int left = rows_left > 0 ? (shared::k_major ? k_left_ : outer_left_) : 0;
      if (!whole_rounds && row >= rows) continue;
      const auto source = next_ + i * rows_a_round * row_stride;
      if constexpr (by_element)
        held_[i] = elements(lane, from, source, left, at);
      else
        copy_chunk(lane, to.at(row, chunk_), source, left, at);
    }
  }
  /// Stores single elements, which start() has loaded into registers, to shared memory. Work between start() and land()
  /// hides the latency of the loads. Does nothing if the copy is asynchronous.
  template <class Lane>
  TILERY_SIMT void land(Lane lane, shared& to, where at = {}) const {
    if constexpr (by_element) {
      TILERY_UNROLL_ON_GPU
      for (int i = 0; i < rounds; ++i)
        if (whole_rounds || row_ + i * rows_a_round < rows)
          lane.store(to.at(row_ + i * rows_a_round, chunk_), held_[i], at);
    }
  }
  /// Moves on to the next tile along k. All parts of the current tile must have been started.
  TILERY_SIMT void advance(const panel<T>& from) {
    next_ = next_ + from.k_stride * K;
    k_left_ -= K;
  }

private:
  static constexpr int rows = shared::k_major ? Outer : K;
  // In one round, each lane copies one chunk.
  static constexpr int rows_a_round = Threads / shared::chunks;
  static_assert(Threads % shared::chunks == 0, "the lanes must cover whole rows of a tile");
  static constexpr int rounds = (rows + rows_a_round - 1) / rows_a_round;
  static constexpr bool whole_rounds = rows % rows_a_round == 0;
  static constexpr int per_chunk = shared::per_chunk;
  // True if elements are copied one by one: with along::any the elements of a chunk may not be contiguous in global
  // memory, and an asynchronous copy moves at least 4 bytes.
  static constexpr bool by_element = Along == along::any || Vector * sizeof(T) < 4;

  TILERY_SIMT int column() const { return chunk_ * per_chunk; }

  /// Starts the asynchronous copy of one chunk. `left` is the number of elements from the chunk's first one to the
  /// operand's end; it may be more than a chunk has, or 0, or negative. Elements past the end become zeros.
  template <class Lane>
  TILERY_SIMT static void copy_chunk(Lane lane, smem_ptr<T> to, gmem_ptr<const T> source, int left, where at) {
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < per_chunk; i += Vector)
      atoms::copy_async_if<Vector* static_cast<int>(sizeof(T))>(lane, to + i, source + i, i < left, at);
  }
  /// Loads one chunk into registers, element by element; with along::any the operand may have any stride along k.
  /// `left` is as for copy_chunk().
  template <class Lane>
  TILERY_SIMT static pack<T, per_chunk> elements(Lane lane, const panel<T>& from, gmem_ptr<const T> source, int left,
                                                 where at) {
    pack<T, per_chunk> held = splat<per_chunk>(convert<T>(0.0f));
    const std::int64_t step = shared::k_major ? from.k_stride : 1;
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < per_chunk; ++i) {
      if (i < left) held.set(i, lane.load(source, at));
      source = source + step;
    }
    return held;
  }

  int row_, chunk_;                                   // this lane's first row and its chunk in the tile
  gmem_ptr<const T> next_;                            // this lane's first element of the current tile
  int outer_left_, k_left_;                           // elements from this lane's first one to the operand's end
  pack<T, per_chunk> held_[by_element ? rounds : 1];  // single elements between start() and land()
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
