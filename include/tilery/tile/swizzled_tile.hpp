// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A tile in shared memory whose rows are cut into chunks of 16 bytes. The chunks are permuted within each row, so that
// two kinds of access have no bank conflicts: lanes that read the same columns of several rows at once (the rows that
// `swizzle` names), and lanes that copy a whole row.
#pragma once
#pragma GCC system_header

#include <tilery/simt/memory.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The kind of reads that must have no bank conflicts: a warp reads `chunks` chunks from each of several rows at once.
/// The rows are consecutive (apart = 1) or every `apart`-th one.
struct swizzle {
  int apart = 1, chunks = 1;
};

/// Rows x Columns elements. Chunk c of row r is stored as chunk c ^ f(r) of this row, with f(r) = (r / rows_a_change *
/// Read.chunks) & mask.
///
/// A line of 128 bytes covers all 32 banks once. f changes after each line (after each row, if a row is longer than a
/// line), or after Read.apart rows if that is later. So rows that are read together (for ldmatrix 8 rows, chunk c of
/// each) use no bank twice.
template <class T, int Rows, int Columns, swizzle Read = swizzle{}>
struct swizzled_tile {
  static constexpr int per_chunk = static_cast<int>(16 / sizeof(T));
  static constexpr int chunks = Columns / per_chunk;
  static_assert(Columns % per_chunk == 0 && (chunks & (chunks - 1)) == 0, "a row must be 2^i chunks of 16 bytes");
  // rows_a_line: whole rows in a line of 128 bytes, at least 1. rows_a_change: consecutive rows with the same f.
  static constexpr int rows_a_line = chunks >= 8 ? 1 : 8 / chunks;
  static constexpr int rows_a_change = Read.apart > rows_a_line ? Read.apart : rows_a_line;
  static constexpr int mask = chunks >= 8 ? 7 : chunks - 1;  // chunks are permuted within a line

  alignas(128) T elements[Rows * Columns];  // (row, column)

  /// The offset of the first element of a chunk from `elements`, in elements.
  TILERY_SIMT static constexpr int offset(int row, int chunk) {
    return row * Columns + ((chunk ^ (row / rows_a_change * Read.chunks & mask)) * per_chunk);
  }
  /// The address of an element.
  TILERY_SIMT smem_ptr<T> element(int row, int column) { return smem_ptr<T>(elements + offset_of(row, column)); }
  /// The offset of an element from `elements`, in elements.
  TILERY_SIMT static constexpr int offset_of(int row, int column) {
    return offset(row, column / per_chunk) + column % per_chunk;
  }
  /// The offset of the element (row + rows, column + columns), where `from` is the offset of (row, column). row and
  /// rows must have no binary digit in common, and neither must column and columns. If `rows` and `columns` are
  /// constants, the offset is computed from `from` by an exclusive or with a constant and an addition of a constant:
  /// one register serves the addresses of all elements of a lane.
  TILERY_SIMT static constexpr int offset_beside(int from, int rows, int columns) {
    const int chunk = columns / per_chunk ^ (rows / rows_a_change * Read.chunks & mask);
    return (from ^ (chunk & mask) * per_chunk) + (chunk & ~mask) * per_chunk + rows * Columns + columns % per_chunk;
  }
  /// The address of the first element of a chunk.
  TILERY_SIMT smem_ptr<T> at(int row, int chunk) { return smem_ptr<T>(elements + offset(row, chunk)); }
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
