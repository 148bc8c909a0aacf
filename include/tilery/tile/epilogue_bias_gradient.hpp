// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// epilogue::bias_gradient sums each column of the values that reach it in a chain of epilogue steps: these sums are the
// gradient of a bias. A lane adds its rows of a column in registers, and a warp adds the sums of its lanes. The sums of
// all warps and tiles are added exactly, in counters in global memory (exact_sum.hpp), so that the result does not
// depend on the order in which tiles finish. A kernel after the GEMM rounds the totals and writes them
// (kernels/column_totals.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/factor.hpp>
#include <tilery/simt/step.hpp>
#include <tilery/tile/epilogue_operand.hpp>
#include <tilery/tile/epilogue_step.hpp>
#include <tilery/tile/exact_sum.hpp>

namespace tilery::inline TILERY_ABI {

namespace epilogue {

/// y[j] = beta y[j] + the sum over i of x[i, j], where x is the m x n matrix of the values that reach this step of the
/// chain. y is a vector with one element for each column of C. In `times_gradient<activation::gelu>(z) |
/// bias_gradient(db)`, db is the gradient of the bias that the forward pass added before the activation. The step sums
/// x from registers; `column_sum` of C (column_sum.hpp) would read C again. In a batch, the rows of all matrices are
/// added to the same y.
///
/// Types and strides. y: double, float, half or bf16, any stride. The accumulation type of the GEMM must not be an
/// integer.
///
/// Beta. It must be finite. A beta of 1 adds the sums to y, which may hold the gradient of earlier GEMMs; a beta of 0
/// does not read y.
///
/// Determinism. The same inputs, build, policy and shapes give the same bits.
///
/// Accuracy. The elements of a column that one warp has in one tile of C (with the default policies up to 64 for each
/// lane) are added in the accumulation type of the GEMM; this partial sum may overflow. The partial sums of all warps
/// and tiles are added exactly. With the default policies the error, before beta and the conversion to y, is at most 64
/// u sum |x|, u = 2^-24 (2^-53 for double), for any number of rows.
///
/// Workspace. 264 bytes for each column (536 if the accumulation type is double): the counters, which are set to zero
/// before the GEMM and read after it.
///
/// Speed. `column_sum` of C moves fewer bytes if C has fewer than about 200 rows (computed, not yet measured on a GPU).
/// On the CPU `column_sum` is faster if C has fewer than about 1000 rows (benchmarks/bias_gradient.cpp).
template <class T>
struct bias_gradient : step {
  static_assert(std::is_same_v<T, double> || std::is_same_v<T, float> || std::is_same_v<T, half> ||
                    std::is_same_v<T, bf16>,
                "epilogue::bias_gradient writes double, float, half or bf16; its elements must not be const");
  static constexpr bool sums_columns = true;
  using element_type = T;
  operand_matrix<T> to;  // y
  double beta;
  gmem_ptr<tile::exact_counter> counters{nullptr};  // (counter, column); the op sets it before the launch

  template <tensor_like<1> V>
  explicit bias_gradient(const V& v, double old = 0, where at = {})
      : to(tensor_view<T, 1>(tilery::view(v, at))), beta(old) {}

  /// The object that a lane calls instead of this step in one tile of C (epilogue_step.hpp). It keeps the lane's column
  /// sums for up to four packs, each of N neighbouring columns. When a pack of other columns comes, the oldest pack of
  /// sums makes room: its sums are added to the counters.
  template <class S, int N, int Columns>
  struct in_one_tile : step {
    static constexpr int packs = Columns < 4 ? Columns : 4;
    gmem_ptr<tile::exact_counter> counters;
    std::int32_t columns;       // of C
    std::int32_t first[packs];  // the first column of each pack of sums, newest pack first; -1: no pack
    pack<S, N> sums[packs];

    TILERY_SIMT in_one_tile(gmem_ptr<tile::exact_counter> to, std::int32_t n) : counters(to), columns(n) {
      TILERY_UNROLL
      for (int i = 0; i < packs; ++i) first[i] = -1, sums[i] = splat<N>(S(0));
    }

    template <class Lane>
    TILERY_SIMT pack<S, N> operator()(Lane lane, pack<S, N> x, int, int column) {
      bool known = false;
      TILERY_UNROLL
      for (int i = 0; i < packs; ++i) known = known || first[i] == column;
      if (!known) {
        hand_over(lane, first[packs - 1], sums[packs - 1]);
        TILERY_UNROLL
        for (int i = packs - 1; i > 0; --i) first[i] = first[i - 1], sums[i] = sums[i - 1];
        first[0] = column, sums[0] = splat<N>(S(0));
      }
      TILERY_UNROLL
      for (int i = 0; i < packs; ++i)
        if (first[i] == column) sums[i] = sums[i] + x;
      return x;
    }
    /// Adds up the sums of the warp's lanes that have the same columns, then adds the totals to the counters. In each
    /// step, two lanes whose ranks differ in one bit compare their packs number i. If both packs begin at the same
    /// column, the lane without this bit takes the sum of both packs, and the other lane drops its pack.
    template <class Lane>
    TILERY_SIMT void end(Lane lane, where at = {}) {
      [[maybe_unused]] const auto step = lane.step("sum up columns", at);
      TILERY_UNROLL
      for (int i = 0; i < packs; ++i) {
        for (int mask = Lane::warp_size / 2; mask > 0; mask /= 2) {
          const bool alike = lane.shuffle_xor(first[i], mask) == first[i], upper = lane.warp_rank() & mask;
          pack<S, N> others;
          TILERY_UNROLL
          for (int e = 0; e < N; ++e) others.set(e, lane.shuffle_xor(sums[i][e], mask));
          if (alike && !upper) sums[i] = sums[i] + others;
          if (alike && upper) first[i] = -1;
        }
        hand_over(lane, first[i], sums[i]);
      }
    }

  private:
    /// Adds the sums of a pack that begins at `column` to the counters of its columns; does nothing if `column` is -1.
    template <class Lane>
    TILERY_SIMT void hand_over(Lane lane, int column, pack<S, N> x) const {
      if (column < 0) return;
      TILERY_UNROLL_ON_GPU
      for (int i = 0; i < N; ++i)
        if (column + i < columns) tile::exact_sum<S>::add(lane, counters + (column + i), columns, x[i]);
    }
  };
  template <class S, int N, int Columns>
  TILERY_SIMT in_one_tile<S, N, Columns> in_tile() const {
    return {counters, to.columns()};
  }

  template <class F>
  void for_totals(F&& f) {
    f(*this);
  }
  void describe(operands& all) const {
    operand o = to.described_vector("the epilogue's bias gradient");
    o.combined = true;
    all.push_back(o);
  }
  finding check(int, int n) const {
    if (auto found = check_finite<double>("the epilogue's bias gradient", "its beta", beta)) return found;
    if (to.columns() == n) return {};
    return {"the epilogue's bias gradient has ", to.columns(), " elements; it must have n = ", n};
  }
};
template <class V>
bias_gradient(const V&) -> bias_gradient<element_type_of<V>>;
template <class V>
bias_gradient(const V&, double) -> bias_gradient<element_type_of<V>>;

}  // namespace epilogue

}  // namespace tilery::inline TILERY_ABI
