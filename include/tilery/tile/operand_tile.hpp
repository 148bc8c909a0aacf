// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One tile of a GEMM operand: its layout in shared memory (operand_tile), and its copy from global memory
// (operand_copy). The two dimensions of an operand are k and its outer dimension (m of A, n of B). The copy is
// asynchronous if the policy names the operand's contiguous dimension (not along::any) and an access has at least 4
// bytes; otherwise elements are loaded one by one into registers, and stored to shared memory in chunks of 16 bytes.
// The rows of the tile run along the contiguous dimension; with along::any they run along k, whatever the operand's
// strides.
#pragma once
#pragma GCC system_header

#include <tilery/atoms/copy_async.hpp>
#include <tilery/core/convert.hpp>
#include <tilery/tile/panel.hpp>
#include <tilery/tile/swizzled_tile.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// Returns the swizzle (swizzled_tile.hpp) that avoids bank conflicts when a warp loads fragments of elements of type
/// T. A chunk has 16 bytes. If k_major is true, a row of the tile has one index of the outer dimension, and runs along
/// k. Otherwise a row has one index of k, and runs along the outer dimension.
///
///   elements of the tile               loaded by            what one access of the warp reads
///   2 bytes; 1 or 4 bytes if k_major   ldmatrix             8 consecutive rows, 1 chunk of each
///   8 bytes; 4 bytes if not k_major    element by element   4 consecutive rows, 2 chunks of each
///   1 byte if not k_major              element by element   4 rows, every fourth one, 1 chunk of each
///
/// For elements of 8 bytes, the table describes the access of half a warp.
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

/// Finds a lane's chunks in an operand that a convolution gathers from images (a panel other than `panel`, see
/// panel.hpp). The panel's cursor (pack_cursor_of in panel.hpp) does the work: it keeps the data from which the
/// addresses of the packs are computed. The chunks are Apart rows apart; a row runs along k if KMajor, else along the
/// outer dimension.
template <class Panel, bool KMajor, int K, int Count, int Apart, bool ByElement>
class gathered_chunks {
  using T = typename Panel::value_type;

public:
  /// For the tiles that begin at index `outer` of the outer dimension; (row, column) is the place of the lane's first
  /// chunk in the tile.
  TILERY_SIMT gathered_chunks(const Panel& from, int outer, int row, int column) : packs_(from, outer) {
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < Count; ++i)
      packs_.set(i, from, outer + (KMajor ? row + i * Apart : column), KMajor ? column : row + i * Apart, true);
  }
  TILERY_SIMT int left(int i, const Panel& from) const {
    if constexpr (KMajor)
      return packs_.left(i, from);
    else
      return packs_.outer_left(i, from);
  }
  TILERY_SIMT gmem_ptr<const T> at(int i, const Panel& from) const { return packs_.at(i, from); }
  /// Loads chunk i into registers, element by element. Elements out of bounds are 0.
  template <int Elements, class Lane>
  TILERY_SIMT pack<T, Elements> elements(Lane lane, int i, const Panel& from, where at) const {
    static_assert(KMajor, "single elements of a gathered operand are loaded along k");
    return packs_.template elements<Elements>(lane, i, from, at);
  }
  TILERY_SIMT void advance(const Panel& from) { packs_.advance(from); }

private:
  typename pack_cursor_of<Panel, K, Count, ByElement ? 1 : 2>::type packs_;
};

/// Finds a lane's chunks of a `panel` in one tile after another. The chunks are Apart rows apart; a row runs along k if
/// KMajor, else along the outer dimension.
template <class T, bool KMajor, int K, int Count, int Apart>
class strided_chunks {
public:
  /// For the tiles that begin at index `outer` of the outer dimension; (row, column) is the place of the lane's first
  /// chunk in the tile.
  TILERY_SIMT strided_chunks(const panel<T>& from, int outer, int row, int column) {
    if constexpr (KMajor) {
      next_ = from.data + ((outer + row) * from.outer_stride + column * from.k_stride);
      outer_left_ = from.outer - outer - row;
      k_left_ = from.k - column;
    } else {
      next_ = from.data + (row * from.k_stride + (outer + column));
      outer_left_ = from.outer - outer - column;
      k_left_ = from.k - row;
    }
  }
  /// The number of elements in the row of chunk i, from the chunk's first element to the operand's end; it may be more
  /// than a chunk has, or 0, or negative. 0 if the row is out of bounds.
  TILERY_SIMT int left(int i, const panel<T>&) const {
    const int rows_left = (KMajor ? outer_left_ : k_left_) - i * Apart;
    return rows_left > 0 ? (KMajor ? k_left_ : outer_left_) : 0;
  }
  /// The address of the first element of chunk i.
  TILERY_SIMT gmem_ptr<const T> at(int i, const panel<T>& from) const {
    return next_ + i * Apart * (KMajor ? from.outer_stride : from.k_stride);
  }
  /// Loads chunk i into registers, element by element; a k-major operand may have any stride along k. Elements out of
  /// bounds are 0.
  template <int Elements, class Lane>
  TILERY_SIMT pack<T, Elements> elements(Lane lane, int i, const panel<T>& from, where at) const {
    pack<T, Elements> held = splat<Elements>(convert<T>(0.0f));
    gmem_ptr<const T> source = this->at(i, from);
    const int left = this->left(i, from);
    const std::int64_t step = KMajor ? from.k_stride : 1;
    TILERY_UNROLL_ON_GPU
    for (int e = 0; e < Elements; ++e) {
      if (e < left) held.set(e, lane.load(source, at));
      source = source + step;
    }
    return held;
  }
  /// Moves all chunks to the next tile.
  TILERY_SIMT void advance(const panel<T>& from) {
    next_ = next_ + from.k_stride * K;
    k_left_ -= K;
  }

private:
  gmem_ptr<const T> next_;   // the lane's first element of the current tile
  int outer_left_, k_left_;  // elements from the lane's first one to the operand's end
};

/// Names the cursor (`type`) of a lane's Count chunks in a Panel. ByElement: the chunks are loaded element by element.
template <class Panel, bool KMajor, int K, int Count, int Apart, bool ByElement>
struct chunk_cursor_of {
  using type = gathered_chunks<Panel, KMajor, K, Count, Apart, ByElement>;
};
template <class T, bool KMajor, int K, int Count, int Apart, bool ByElement>
struct chunk_cursor_of<panel<T>, KMajor, K, Count, Apart, ByElement> {
  using type = strided_chunks<T, KMajor, K, Count, Apart>;
};

/// The copies that one of Threads lanes makes of an operand's tiles, in chunks of 16 bytes. A chunk is copied
/// asynchronously, by accesses of `Vector` elements (1 with along::any), or its elements are loaded one by one into
/// registers. The operand's extent along its contiguous dimension is a multiple of Vector. Elements out of bounds
/// become zeros, which add nothing to a sum.
///
/// Order of calls. The copy of a tile is started in `parts` parts, for example one before each step of the
/// multiplication. For each tile along k: start() once for each part, then land() and advance() in either order, both
/// before the first start() of the next tile.
template <class Panel, int Outer, int K, along Along, int Vector, int Threads>
class operand_copy {
  using T = typename Panel::value_type;

public:
  using shared = operand_tile<T, Outer, K, Along>;

  /// For the tiles that begin at index `outer` of the outer dimension (m of A, n of B). The first tile begins at k = 0.
  template <class Lane>
  TILERY_SIMT operand_copy(Lane lane, const Panel& from, int outer)
      : row_(static_cast<int>(static_cast<unsigned>(lane.rank()) / shared::chunks)),
        chunk_(static_cast<int>(static_cast<unsigned>(lane.rank()) % shared::chunks)),
        chunks_(from, outer, row_, chunk_ * per_chunk) {}

  /// Starts to copy part `part` of `parts` of the current tile to `to`. A copy that is not asynchronous only loads the
  /// elements into registers; land() stores them.
  template <class Lane>
  TILERY_SIMT void start(Lane lane, const Panel& from, shared& to, int part, int parts, where at = {}) {
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < rounds; ++i) {
      if (i % parts != part) continue;
      const int row = row_ + i * rows_a_round;
      if (!whole_rounds && row >= rows) continue;
      if constexpr (by_element)
        held_[i] = chunks_.template elements<per_chunk>(lane, i, from, at);
      else
        copy_chunk(lane, to.at(row, chunk_), chunks_.at(i, from), chunks_.left(i, from), at);
    }
  }
  /// Stores the chunks whose elements start() has loaded one by one into registers to shared memory, each by one access
  /// of 16 bytes. Work between start() and land() hides the latency of the loads. Does nothing if the copy is
  /// asynchronous.
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
  TILERY_SIMT void advance(const Panel& from) { chunks_.advance(from); }

private:
  static constexpr int rows = shared::k_major ? Outer : K;
  // In one round, each lane copies one chunk.
  static constexpr int rows_a_round = Threads / shared::chunks;
  static_assert(Threads % shared::chunks == 0, "the lanes must cover whole rows of a tile");
  static constexpr int rounds = (rows + rows_a_round - 1) / rows_a_round;
  static constexpr bool whole_rounds = rows % rows_a_round == 0;
  static constexpr int per_chunk = shared::per_chunk;
  // True if elements are loaded one by one: with along::any the elements of a chunk may not be contiguous in global
  // memory, and an asynchronous copy moves at least 4 bytes.
  static constexpr bool by_element = Along == along::any || Vector * sizeof(T) < 4;

  /// Starts the asynchronous copy of one chunk. `left` is the number of elements from the chunk's first one to the
  /// operand's end; it may be more than a chunk has, or 0, or negative. Elements past the end become zeros.
  template <class Lane>
  TILERY_SIMT static void copy_chunk(Lane lane, smem_ptr<T> to, gmem_ptr<const T> source, int left, where at) {
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < per_chunk; i += Vector)
      atoms::copy_async_if<Vector* static_cast<int>(sizeof(T))>(lane, to + i, source + i, i < left, at);
  }

  int row_, chunk_;  // this lane's first row and its chunk in the tile
  typename chunk_cursor_of<Panel, shared::k_major, K, rounds, rows_a_round, by_element>::type chunks_;
  pack<T, per_chunk> held_[by_element ? rounds : 1];  // chunks between start() and land()
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
