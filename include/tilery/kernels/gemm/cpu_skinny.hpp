// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMM on the CPU for a C with few rows or few columns. The short operand is packed once. The long operand is read
// once, in place, in pieces that the threads share. If the long operand is contiguous along k, a piece is some lines
// along k; the sum of a line is kept as a vector, which is folded to one number at the end. Otherwise a piece is a span
// of every step of k, and its sums stay in the L1 cache. The order of the additions does not depend on the number of
// threads.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/gemm/params.hpp>
#include <tilery/policies/gemm_cpu_skinny.hpp>
#include <tilery/tile/cpu_finish.hpp>
#include <tilery/tile/cpu_skinny.hpp>

#include <cstddef>

namespace tilery::inline TILERY_ABI {

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
    piece_ = P.piece(along_k_, few_, many_, threads, sizeof(S));
    // An odd number of cache lines: the rows use different sets of the cache.
    pitch_ = (pieces(long_.k, cache_line) | 1) * cache_line;
  }

  std::size_t workspace_bytes() const { return sizeof(S) * static_cast<std::size_t>(few_ * pitch_); }

  /// Packs the short operand as rows along k, in the accumulation type.
  void pack_short(void* workspace) {
    packed_ = gmem_ptr<S>(static_cast<S*>(workspace));
    const tile::strided_block<const T> from{short_.data, short_.outer_stride, short_.k_stride, few_, long_.k};
    tile::copy_block<lanes>(lane, from, packed_, pitch_);
  }

  /// Number of pieces that the long dimension is cut into.
  std::int64_t shares() const { return pieces(many_, piece_); }
  /// Computes one piece and writes its part of C.
  void multiply(std::int64_t share) const {
    const int first = static_cast<int>(share) * piece_, count = lesser(many_ - first, piece_);
    alignas(64) S sums[most_sums];
    const int sums_pitch = along_k_ ? group_pitch : piece_;
    along_k_ ? multiply_lines(first, count, gmem_ptr<S>(sums)) : add_steps(first, count, gmem_ptr<S>(sums));
    finish(first, count, gmem_ptr<const S>(sums), sums_pitch);
  }

private:
  static constexpr int lanes = P.lanes(sizeof(S)), cache_line = static_cast<int>(64 / sizeof(S));
  static constexpr int group_pitch = pieces(P.group, lanes) * lanes;
  static constexpr int most_sums = greater(P.few * greater(group_pitch, lanes), 4096);
  static constexpr cpu_lane lane{{0, 0, 0}, {1, 1, 1}};

  /// Calls f.operator()<Rows>(row) for all rows of the short operand: P.rows rows a call, then one row a call.
  template <class F>
  void for_rows(const F& f) const {
    int row = 0;
    for (; row + P.rows <= few_; row += P.rows) f.template operator()<P.rows>(row);
    for (; row < few_; ++row) f.template operator()<1>(row);
  }

  void multiply_lines(int first, int count, gmem_ptr<S> to) const {
    pack<S, lanes> sums[P.few * P.group];
    for (int i = 0; i < few_ * P.group; ++i) sums[i] = splat<lanes>(S(0));
    for (int k = 0; k < long_.k; k += P.k_block) {
      const int some = lesser(long_.k - k, P.k_block);
      const auto for_lines = [&]<int Lines>(int line) {
        const auto from = long_.data + ((first + line) * long_.outer_stride + k);
        for_rows([&]<int Rows>(int row) {
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

  /// Adds up k_block steps at a time, then adds these partial sums: the error of a chain of additions grows with its
  /// length.
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
  /// to = the sum of the products of steps [k, end).
  void add_steps(int first, int count, gmem_ptr<S> to, int k, int end) const {
    for (int i = 0; i < few_ * piece_; ++i) lane.store(to + i, S(0));
    const auto for_steps = [&]<int Steps>(int step) {
      for_rows([&]<int Rows>(int row) {
        tile::add_steps<lanes, Rows, Steps>(gmem_ptr<const S>(packed_ + (row * pitch_ + step)), pitch_,
                                            long_.data + (first + step * long_.k_stride), long_.k_stride, count,
                                            to + row * piece_, piece_);
      });
    };
    for (; k + P.lines <= end; k += P.lines) for_steps.template operator()<P.lines>(k);
    for (; k < end; ++k) for_steps.template operator()<1>(k);
  }

  /// Writes C's tile from the few_ x count sums. If C has few columns, the sums are transposed first, `lanes` rows at a
  /// time. `lanes` divides the size of a piece: the column sums of an epilogue then have the same parts for any number
  /// of threads.
  void finish(int first, int count, gmem_ptr<const S> sums, int pitch) const {
    const auto finish_rows = [&](const tile::finished_tile<S>& all) {
      // An epilogue that sums columns has room for 4 vectors of sums: it takes 4 vectors of columns down to the tile's
      // last row, then the next 4.
      const int width = Params::epilogue_type::sums_columns ? 4 * lanes : all.columns;
      for (int j = 0; j < all.columns; j += width) {
        auto epilogue = epilogue::in_tile<S, lanes, 4>(p_.epilogue);
        tile::finish_tile<lanes>(lane, p_, epilogue,
                                 tile::finished_tile<S>{all.sums + j, all.sums_stride, all.row, all.column + j,
                                                        all.rows, lesser(all.columns - j, width)});
        epilogue.end(lane);
      }
    };
    if (few_rows_) return finish_rows({sums, pitch, 0, first, few_, count});
    constexpr int some = lanes, columns = pieces(P.few, lanes) * lanes;
    alignas(64) S across[some * columns] = {};
    for (int i = 0; i < count; i += some) {
      const int rows = lesser(count - i, some);
      for (int row = 0; row < rows; ++row)
        for (int column = 0; column < few_; ++column)
          across[row * columns + column] = lane.load(sums + (column * pitch + i + row));
      finish_rows({gmem_ptr<const S>(across), columns, first + i, 0, rows, few_});
    }
  }

  const Params& p_;
  bool few_rows_, along_k_;
  panel<T> long_, short_;
  int few_, many_, piece_;
  std::int64_t pitch_;
  gmem_ptr<S> packed_{nullptr};
};

}  // namespace tilery::inline TILERY_ABI
