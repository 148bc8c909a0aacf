// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMM on the CPU for a C with few rows or few columns. The long operand is the operand of C's longer dimension: B if C
// has few rows, A if C has few columns. It is cut into pieces along C's longer dimension. Each piece is read from
// memory once, in place, by one thread. The short operand is the other one of A and B; it is packed once.
//
// The outer dimension of A is m, that of B is n. A row of the short operand is all its k elements at one index of its
// outer dimension. A line is a contiguous part of the long operand: along k, or along its outer dimension. There are
// three loops:
//
//   tiles   The long operand is contiguous along k and needs no conversion, the isa is AVX2 or AVX-512, and the short
//           operand has at least P.tile_few rows. A piece is P.tile_group lines along k. They are multiplied in the
//           register tiles of gemm_cpu, in which the elements of a vector belong to different rows of the short
//           operand.
//   lines   The long operand is contiguous along k, but the loop `tiles` cannot run. A piece is P.group lines along k.
//           The sum for a line and a row is kept as a vector of partial sums, which are added up at the end.
//   steps   The long operand is contiguous along its outer dimension. A line runs along this dimension, at one k. A
//           piece is a part of each line, the same part at every k; its sums stay in the L1 cache.
//
// The order of the additions does not depend on the number of threads.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/gemm/params.hpp>
#include <tilery/policies/gemm_cpu_skinny.hpp>
#include <tilery/tile/cpu_finish.hpp>
#include <tilery/tile/cpu_register_tile.hpp>
#include <tilery/tile/cpu_skinny.hpp>

#include <cstddef>

namespace tilery::inline TILERY_ABI {

/// One GEMM: pack_short() packs the short operand, then the threads call multiply() for all shares().
template <gemm_cpu_skinny_policy P, class Params>
class gemm_cpu_skinny {
  using T = typename Params::a_type;
  using S = typename Params::accumulator;
  static_assert(std::is_same_v<T, typename Params::b_type>,
                "gemm_cpu_skinny: A and B must be of one type, because either may be the long operand");

public:
  gemm_cpu_skinny(const Params& p, int threads)
      : p_(p), few_rows_(p.c.rows <= p.c.columns), long_(few_rows_ ? p.b : p.a), short_(few_rows_ ? p.a : p.b) {
    along_k_ = long_.k_stride == 1 || long_.k <= 1;
    few_ = few_rows_ ? p.c.rows : p.c.columns, many_ = few_rows_ ? p.c.columns : p.c.rows;
    in_tiles_ = has_tiles && along_k_ && few_ >= P.tile_few;
    piece_ = in_tiles_ ? P.tile_group : P.piece(along_k_, few_, many_, threads, sizeof(S));
    // For tiles, the short operand is packed as (k, row): the pitch is the number of its rows, padded to whole vectors.
    // Otherwise it is packed as (row, k): the pitch is an odd number of cache lines, so that the rows use different
    // sets of the cache.
    pitch_ = in_tiles_ ? pieces(few_, lanes) * lanes : (pieces(long_.k, cache_line) | 1) * cache_line;
  }

  /// Bytes of the packed short operand.
  std::size_t workspace_bytes() const {
    return sizeof(S) * static_cast<std::size_t>((in_tiles_ ? long_.k : few_) * pitch_);
  }

  /// Packs the short operand into the workspace, converted to the accumulation type: for tiles as (k, row), otherwise
  /// as (row, k).
  void pack_short(void* workspace) {
    packed_ = gmem_ptr<S>(static_cast<S*>(workspace));
    const tile::strided_block<const T> rows{short_.data, short_.outer_stride, short_.k_stride, few_, long_.k},
        steps{short_.data, short_.k_stride, short_.outer_stride, long_.k, few_};
    tile::copy_block<lanes>(lane, in_tiles_ ? steps : rows, packed_, pitch_);
  }

  /// Number of pieces that the long operand is cut into along C's longer dimension.
  std::int64_t shares() const { return pieces(many_, piece_); }
  /// Computes one piece and writes its part of C.
  void multiply(std::int64_t share) const {
    const int first = static_cast<int>(share) * piece_, count = lesser(many_ - first, piece_);
    alignas(64) S sums[most_sums];
    const gmem_ptr<S> to(sums);
    if (in_tiles_) {
      multiply_tiles(first, count, to);  // sums (line, row)
      finish(first, count, to, 1, pitch_);
    } else if (along_k_) {
      multiply_lines(first, count, to);  // sums (row, line)
      finish(first, count, to, group_pitch, 1);
    } else {
      add_steps(first, count, to);  // sums (row, element of a line)
      finish(first, count, to, piece_, 1);
    }
  }

private:
  // In elements: a vector and a cache line; then policy fields rounded up to whole vectors.
  static constexpr int lanes = P.lanes(sizeof(S)), cache_line = static_cast<int>(64 / sizeof(S));
  static constexpr int group_pitch = pieces(P.group, lanes) * lanes;
  static constexpr int tile_pitch = pieces(P.tile_group, lanes) * lanes;
  static constexpr int most_columns = pieces(P.few, lanes) * lanes;
  /// The most sums of one piece of the lines loop, and of a piece of the steps loop that has one vector for each row.
  static constexpr int sums_of_lines = P.few * greater(group_pitch, lanes);
  /// The most sums of one piece of the tiles loop.
  static constexpr int sums_of_tiles = tile_pitch * most_columns;
  /// The most sums of one piece of any loop. gemm_cpu_skinny_policy::piece() limits the steps loop to 4096 sums, or to
  /// one vector for each row.
  static constexpr int most_sums = greater(greater(sums_of_lines, sums_of_tiles), 4096);
  /// True if the tiles loop can run: the isa is AVX2 or AVX-512, and the elements already have the type in which
  /// gemm_cpu multiplies, because the long operand is read in place.
  static constexpr bool has_tiles = P.has_tiles() && std::is_same_v<T, tile::cpu_factor<S>>;
  static constexpr cpu_lane lane{{0, 0, 0}, {1, 1, 1}};  // block 0 of a grid of one block

  /// Calls f.operator()<Rows, First>(row) for all rows of the short operand: P.rows rows a call, then one row a call.
  /// `First` is true for the first call only: all calls read the same part of the long operand, and the first call can
  /// prefetch the next part.
  template <class F>
  void for_rows(const F& f) const {
    int row = few_ < P.rows ? 1 : P.rows;
    few_ < P.rows ? f.template operator()<1, true>(0) : f.template operator()<P.rows, true>(0);
    for (; row + P.rows <= few_; row += P.rows) f.template operator()<P.rows, false>(row);
    for (; row < few_; ++row) f.template operator()<1, false>(row);
  }

  /// to (line, row of the short operand) = the sums over all k, for lines [first, first + count). The lines of one
  /// register tile are read from end to end before those of the next tile. While a tile is multiplied, it prefetches
  /// the next P.k_block elements of its lines, and at the end of k the beginning of the next tile's lines.
  void multiply_tiles([[maybe_unused]] int first, [[maybe_unused]] int count, [[maybe_unused]] gmem_ptr<S> to) const {
    if constexpr (has_tiles) {
      for (int line = 0; line < count; line += P.tile_lines) {
        tile::cpu_tile_operands<S> t;
        const int lines = lesser(count - line, P.tile_lines);
        const auto from = long_.data + (first + line) * long_.outer_stride;
        t.a_row_stride = long_.outer_stride, t.b_k_stride = t.sums_stride = pitch_;
        t.has_next = true;
        for (int k = 0; k == 0 || k < long_.k; k += P.k_block) {
          t.k = lesser(long_.k - k, P.k_block);
          t.a = from + k;
          t.next_a = k + P.k_block < long_.k ? t.a + P.k_block : from + lines * long_.outer_stride;
          t.add = k > 0;
          for (int column = 0; column < few_; column += P.tile_vectors() * lanes) {
            t.b = gmem_ptr<const S>(packed_ + (k * pitch_ + column));
            t.sums = to + (line * pitch_ + column);
            tile::multiply_tile<S, lanes, P.tile_lines, P.tile_vectors()>(lines,
                                                                          lesser(pieces(few_ - column, lanes),
                                                                                 P.tile_vectors()),
                                                                          t);
          }
        }
      }
    }
  }

  /// to (row of the short operand, line) = the sums over all k, for lines [first, first + count); 0 for lines from
  /// `count` on.
  void multiply_lines(int first, int count, gmem_ptr<S> to) const {
    pack<S, lanes> sums[P.few * P.group];
    for (int i = 0; i < few_ * P.group; ++i) sums[i] = splat<lanes>(S(0));
    // k_block: steps of k that are multiplied for all lines before the next steps. With few rows of the short operand
    // the L1 cache has room for more steps than P.k_block (4096 elements of packed rows), and memory is read in longer
    // runs. A chain of additions still has at most P.k_block terms, because each vector has `lanes` chains.
    const int k_block = greater(P.k_block, lesser(P.k_block * lanes, 4096 / few_) / lanes * lanes);
    for (int k = 0; k < long_.k; k += k_block) {
      const int some = lesser(long_.k - k, k_block);
      const auto for_lines = [&]<int Lines>(int line) {
        const auto from = long_.data + ((first + line) * long_.outer_stride + k);
        for_rows([&]<int Rows, bool>(int row) {
          tile::multiply_lines<lanes, Rows, Lines>(gmem_ptr<const S>(packed_ + (row * pitch_ + k)), pitch_, from,
                                                   long_.outer_stride, some, sums + (row * P.group + line), P.group);
        });
      };
      int line = 0;
      for (; line + P.lines <= count; line += P.lines) for_lines.template operator()<P.lines>(line);
      for (; line < count; ++line) for_lines.template operator()<1>(line);
    }
    for (int row = 0; row < few_; ++row)
      for (int i = 0; i < group_pitch; ++i)
        lane.store(to + (row * group_pitch + i), i < count ? sum(sums[row * P.group + i]) : S(0));
  }

  /// to (row of the short operand, element) = the sums over all k, for elements [first, first + count) of each line.
  /// The sums are added up from partial sums of P.k_block steps, because the error of a chain of additions grows with
  /// its length.
  void add_steps(int first, int count, gmem_ptr<S> to) const {
    alignas(64) S some[most_sums];
    const gmem_ptr<S> partial(some);
    add_steps(first, count, to, 0, lesser(long_.k, P.k_block));
    for (int k = P.k_block; k < long_.k; k += P.k_block) {
      add_steps(first, count, partial, k, lesser(long_.k, k + P.k_block));
      for (int i = 0; i < few_ * piece_; i += lanes)
        lane.store(to + i, lane.load(to + i, width<lanes>) + lane.load(partial + i, width<lanes>));
    }
  }
  /// to (row, element) = the sums over steps [k, end). P.lines steps are added at once.
  void add_steps(int first, int count, gmem_ptr<S> to, int k, int end) const {
    for (int i = 0; i < few_ * piece_; ++i) lane.store(to + i, S(0));
    const auto for_steps = [&]<int Steps>(int step) {
      for_rows([&]<int Rows, bool First>(int row) {
        tile::add_steps<lanes, Rows, Steps, First>(gmem_ptr<const S>(packed_ + (row * pitch_ + step)), pitch_,
                                                   long_.data + (first + step * long_.k_stride), long_.k_stride, count,
                                                   to + row * piece_, piece_);
      });
    };
    for (; k + P.lines <= end; k += P.lines) for_steps.template operator()<P.lines>(k);
    for (; k < end; ++k) for_steps.template operator()<1>(k);
  }

  /// Writes a piece's tile of C from its few_ x count sums. few_stride and many_stride are the strides of the sums
  /// along C's shorter and longer dimension. If the sums are not contiguous along the rows of C, they are transposed
  /// first: all rows at once if C has few rows, otherwise `lanes` rows at once. In the steps loop the size of a piece
  /// depends on the number of threads, but is a multiple of `lanes`. An epilogue that sums columns therefore adds up
  /// the same groups of rows for any number of threads.
  void finish(int first, int count, gmem_ptr<const S> sums, std::int64_t few_stride, std::int64_t many_stride) const {
    const auto finish_rows = [&](const tile::finished_tile<S>& all) {
      // An epilogue that sums columns keeps 4 vectors of sums (in_tile<S, lanes, 4>): it gets all rows of 4 vectors of
      // columns, then all rows of the next 4.
      const int width = Params::epilogue_type::sums_columns ? 4 * lanes : all.columns;
      for (int j = 0; j < all.columns; j += width) {
        auto epilogue = epilogue::in_tile<S, lanes, 4>(p_.epilogue);
        tile::finish_tile<lanes>(lane, p_, epilogue,
                                 tile::finished_tile<S>{all.sums + j, all.sums_stride, all.row, all.column + j,
                                                        all.rows, lesser(all.columns - j, width)});
        epilogue.end(lane);
      }
    };
    alignas(64) S rows_of_c[greater(lanes * most_columns, P.few * tile_pitch)] = {};
    // Copies sums to rows_of_c, as (row of C, column of C) with the given pitch.
    const auto transposed = [&](int rows, std::int64_t row_stride, int columns, std::int64_t column_stride, int pitch,
                                gmem_ptr<const S> from) {
      for (int row = 0; row < rows; ++row)
        for (int column = 0; column < columns; ++column)
          rows_of_c[row * pitch + column] = lane.load(from + (row * row_stride + column * column_stride));
      return gmem_ptr<const S>(rows_of_c);
    };
    if (few_rows_) {
      if (many_stride == 1) return finish_rows({sums, few_stride, 0, first, few_, count});
      finish_rows(
          {transposed(few_, few_stride, count, many_stride, tile_pitch, sums), tile_pitch, 0, first, few_, count});
    } else {
      if (few_stride == 1) return finish_rows({sums, many_stride, first, 0, count, few_});
      for (int i = 0; i < count; i += lanes) {
        const int rows = lesser(count - i, lanes);
        finish_rows({transposed(rows, many_stride, few_, few_stride, most_columns, sums + i * many_stride),
                     most_columns, first + i, 0, rows, few_});
      }
    }
  }

  const Params& p_;
  bool few_rows_, along_k_, in_tiles_;  // C has few rows (else columns); k contiguous in long_; tiles loop
  panel<T> long_, short_;
  int few_, many_, piece_;       // extents of C's shorter and longer dimension; the part of the longer in one piece
  std::int64_t pitch_;           // of the packed short operand, in elements
  gmem_ptr<S> packed_{nullptr};  // the packed short operand: (k, row) for tiles, else (row, k)
};

}  // namespace tilery::inline TILERY_ABI
