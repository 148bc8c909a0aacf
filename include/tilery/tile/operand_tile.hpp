// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One tile of a GEMM operand: its layout in shared memory, and its copy from global memory. The copy is asynchronous if
// the operand is aligned to at least 4 bytes. The tile keeps the operand's contiguous dimension: elements that are
// contiguous along k stay contiguous along k.
#pragma once
#pragma GCC system_header

#include <tilery/atoms/copy_async.hpp>
#include <tilery/core/convert.hpp>
#include <tilery/tile/panel.hpp>
#include <tilery/tile/swizzled_tile.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The swizzle for the way in which fragments read a tile. With ldmatrix (k-major tiles of up to 4 bytes an element,
/// all tiles of 2 bytes), 8 rows are read together, one chunk of each. Otherwise fragments are read element by element:
/// 4 rows together, two chunks of each. The 4 rows are steps of k (for double they may be steps of the outer
/// dimension); for elements of 1 byte they are every fourth row.
template <class T>
constexpr swizzle swizzle_for(bool k_major) {
  if (sizeof(T) == 8) return {.chunks = 2};
  if (k_major || sizeof(T) == 2) return {};
  return sizeof(T) == 4 ? swizzle{.chunks = 2} : swizzle{.apart = 4};
}

/// Outer x K elements of A (outer = m) or B (outer = n). A row of the tile runs along the outer dimension if Along is
/// along::outer, else along k.
template <class T, int Outer, int K, along Along>
struct operand_tile : swizzled_tile<T, Along == along::outer ? K : Outer, Along == along::outer ? Outer : K,
                                    swizzle_for<T>(Along != along::outer)> {
  static constexpr bool k_major = Along != along::outer;

  TILERY_SIMT smem_ptr<T> of(int outer, int k) { return k_major ? this->element(outer, k) : this->element(k, outer); }
};

/// One lane's share of the copy of each tile: chunks of 16 bytes, `Vector` elements an access. The operand's contiguous
/// dimension is a multiple of Vector. Elements out of bounds become zeros, which add nothing to a sum.
template <class T, int Outer, int K, along Along, int Vector, int Threads>
class operand_copy {
public:
  using shared = operand_tile<T, Outer, K, Along>;

  /// For the tiles that begin at index `outer` of the outer dimension.
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

  /// Starts to copy part `part` of `parts` of the next tile along k.
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
  /// Stores single elements, which start() has loaded into registers, to shared memory. Other work between start() and
  /// land() hides the latency of the loads.
  template <class Lane>
  TILERY_SIMT void land(Lane lane, shared& to, where at = {}) const {
    if constexpr (by_element) {
      TILERY_UNROLL_ON_GPU
      for (int i = 0; i < rounds; ++i)
        if (whole_rounds || row_ + i * rows_a_round < rows)
          lane.store(to.at(row_ + i * rows_a_round, chunk_), held_[i], at);
    }
  }
  /// Moves on to the next tile along k. The copy of the current one must have been started.
  TILERY_SIMT void advance(const panel<T>& from) {
    next_ = next_ + from.k_stride * K;
    k_left_ -= K;
  }

private:
  static constexpr int rows = shared::k_major ? Outer : K;
  static constexpr int rows_a_round = Threads / shared::chunks;
  static_assert(Threads % shared::chunks == 0, "the lanes must cover whole rows of a tile");
  static constexpr int rounds = (rows + rows_a_round - 1) / rows_a_round;
  static constexpr bool whole_rounds = rows % rows_a_round == 0;
  static constexpr int per_chunk = shared::per_chunk;
  // True if elements are copied one by one: an asynchronous copy has at least 4 bytes, which must be contiguous.
  static constexpr bool by_element = Along == along::any || Vector * sizeof(T) < 4;

  TILERY_SIMT int column() const { return chunk_ * per_chunk; }

  /// Copies one chunk. The operand has `left` elements in bounds from the chunk's first one on: more than the chunk
  /// has, fewer, or none (0 or negative).
  template <class Lane>
  TILERY_SIMT static void copy_chunk(Lane lane, smem_ptr<T> to, gmem_ptr<const T> source, int left, where at) {
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < per_chunk; i += Vector)
      atoms::copy_async_if<Vector* static_cast<int>(sizeof(T))>(lane, to + i, source + i, i < left, at);
  }
  /// Loads one chunk into registers, element by element, for any stride along k.
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

  int row_, chunk_;
  gmem_ptr<const T> next_;   // this lane's first element of the next tile
  int outer_left_, k_left_;  // elements in bounds, from this lane's first one on
  pack<T, per_chunk> held_[by_element ? rounds : 1];
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
