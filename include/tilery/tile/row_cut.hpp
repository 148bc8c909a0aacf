// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How a row is cut into packs, and which of them belong to a lane.
//
// A GPU's packs begin at aligned addresses: rows with different alignments are cut at different columns, and summed in
// different orders. The elements of a row before its first whole sector of 32 bytes, and those after its last whole
// pack, are its edges. Each lane handles one element of the edges. So rows of 50257 floats, of which only every fourth
// begins at an aligned address, are read in packs like any other row. The CPU's packs need no alignment; there only the
// last pack of a row is partial.
#pragma once
#pragma GCC system_header

#include <tilery/tile/row_group.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The columns of a row at which one lane's packs begin: first(), then every `step`-th column below end(). Its edge
/// element, if it has one, is at edge().
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
  /// The column of this lane's edge element; a column past the row's end if the lane has none.
  TILERY_SIMT int edge() const {
    return group_.rank() < first_pack_ ? group_.rank() : end_of_packs_ + group_.rank() - first_pack_;
  }

  /// The number of elements in bounds in the pack at `column`. If packs start at aligned addresses, the edges have the
  /// rest of the row: packs are whole, and no code for a partial pack is compiled.
  TILERY_SIMT int inside_at(int column) const {
    if constexpr (!Lane::takes_any_alignment) return vector;
    return columns_ - column < vector ? columns_ - column : vector;
  }
  /// An upper bound for the number of packs that a lane has.
  TILERY_SIMT int most_packs() const { return (columns_ + step - 1) / step + 1; }

private:
  row_group<P, Lane> group_;
  int columns_;
  int first_pack_ = 0, end_of_packs_ = 0;  // columns; used if has_edges
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
