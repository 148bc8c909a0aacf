// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The cut of a row of a matrix into packs, and the packs of one lane.
//
// A GPU's packs of 2 or more elements begin at aligned addresses. Rows with different alignments are therefore cut at
// different columns, and summed in different orders. The edges of a row are its elements before the first address that
// is a multiple of 32 bytes (a sector), and its elements after the last whole pack. Each of the lanes that share the
// row (row_group.hpp) handles at most one element of the edges. So rows of 50257 floats, of which only every fourth
// begins at an address that is aligned for a pack of 4, are read in packs like any other row.
//
// The CPU's packs need no alignment: they begin at column 0, and only the last pack of a row may be partial. Packs of
// one element (P.vector = 1) begin at column 0, too, and leave no edges.
#pragma once
#pragma GCC system_header

#include <tilery/tile/row_group.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The columns of a row at which the packs of one lane begin: first(), then every `step`-th column below end(). If the
/// lane has an element of the edges (has_edge()), this element is at column edge(). P is a row_policy.
template <auto P, class Lane>
class row_cut {
public:
  static constexpr int vector = P.vector, step = row_group<P, Lane>::lanes * vector;
  static constexpr bool has_edges = !Lane::takes_any_alignment && vector > 1;

  /// Cuts a row of `columns` elements that begins at `row`.
  template <class T>
  TILERY_SIMT row_cut(row_group<P, Lane> group, gmem_ptr<T> row, int columns) : group_(group), columns_(columns) {
    if constexpr (has_edges) {
      const int head = row.elements_to_sector();
      first_pack_ = head < columns ? head : columns;
      end_of_packs_ = columns - (columns - first_pack_) % vector;
    }
  }

  TILERY_SIMT const Lane& lane() const { return group_.lane; }
  TILERY_SIMT int columns() const { return columns_; }
  TILERY_SIMT int first() const { return (has_edges ? first_pack_ : 0) + group_.rank() * vector; }
  TILERY_SIMT int end() const { return has_edges ? end_of_packs_ : columns_; }

  TILERY_SIMT bool has_edge() const { return has_edges && edge() < columns_; }
  /// The column of this lane's edge element, or a column past the row's end if this lane has none. Use it only if
  /// has_edges is true. The lanes with the lowest ranks have the elements before the first pack, the next lanes those
  /// after the last pack.
  TILERY_SIMT int edge() const {
    return group_.rank() < first_pack_ ? group_.rank() : end_of_packs_ + group_.rank() - first_pack_;
  }

  /// The number of elements in bounds in the pack at `column`. On a GPU this is a constant, because all packs are whole
  /// (the edges hold the rest of the row): the compiler removes the code for partial packs.
  TILERY_SIMT int inside_at(int column) const {
    if constexpr (!Lane::takes_any_alignment) return vector;
    return columns_ - column < vector ? columns_ - column : vector;
  }
  /// An upper bound for the number of packs that a lane has.
  TILERY_SIMT int most_packs() const { return (columns_ + step - 1) / step + 1; }

private:
  row_group<P, Lane> group_;
  int columns_;
  int first_pack_ = 0, end_of_packs_ = 0;  // columns; used only if has_edges is true
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
