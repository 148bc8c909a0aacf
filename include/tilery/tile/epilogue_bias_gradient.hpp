// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The epilogue that sums up columns: the gradient of a bias, from the values as they pass on their way to C. A lane
// adds the rows that it has of a column in registers, and a warp its lanes' sums; what warps have is summed exactly, in
// counters that all of them share, so that it does not matter which tile is done first. A kernel behind the GEMM rounds
// the totals.
#pragma once
#pragma GCC system_header

#include <tilery/core/factor.hpp>
#include <tilery/simt/step.hpp>
#include <tilery/tile/epilogue_operand.hpp>
#include <tilery/tile/epilogue_step.hpp>
#include <tilery/tile/exact_sum.hpp>

namespace tilery::inline TILERY_ABI {

namespace epilogue {

/// y[j] = beta y[j] + the sum over i of x[i, j]: a vector with one element for each column of C, double, float, half or
/// bf16, any stride. In `times_gradient<activation::gelu>(z) | bias_gradient(db)` it is the gradient of the bias that
/// the forward pass added ahead of the activation, and C is not read again, as `column_sum` of it would. A beta of 1
/// adds to the gradients of earlier batches; a beta of 0 does not read y, and it must be finite. The matrices of a
/// batch are rows of one sum.
///
/// Deterministic: the same build, policy and shapes give the same bits. Accumulation: in the type of the GEMM's sums,
/// which must not be integers, for the rows of a column that one warp has of a tile (up to 64 a lane with the default
/// policies; there a sum may overflow), exactly among warps and tiles. Error before beta and the conversion to y: with
/// the default policies at most 64 u sum |x|, u = 2^-24 (2^-53 for double), however many rows there are.
///
/// Takes 264 bytes of workspace for each column (536 for double), which are zeroed and read. `column_sum` of C moves
/// fewer bytes where C has fewer than some 200 rows (on a GPU not yet measured), and is faster on the CPU below some
/// thousand (benchmarks/bias_gradient.cpp).
template <class T>
struct bias_gradient : step {
  static_assert(std::is_same_v<T, double> || std::is_same_v<T, float> || std::is_same_v<T, half> ||
                    std::is_same_v<T, bf16>,
                "epilogue::bias_gradient writes double, float, half or bf16; its elements must not be const");
  static constexpr bool sums_columns = true;
  using element_type = T;
  operand_matrix<T> to;
  double beta;
  gmem_ptr<tile::exact_counter> counters{nullptr};  // (counter, column), set by the op

  template <tensor_like<1> V>
  explicit bias_gradient(const V& v, double old = 0, where at = {})
      : to(tensor_view<T, 1>(tilery::view(v, at))), beta(old) {}

  /// What one tile does. A lane keeps the sums of up to four packs of columns; where it has more, it hands over the
  /// pack that it began first.
  template <class S, int N, int Columns>
  struct in_one_tile : step {
    static constexpr int packs = Columns < 4 ? Columns : 4;
    gmem_ptr<tile::exact_counter> counters;
    std::int32_t columns;
    std::int32_t first[packs];  // the first column of each pack that is being summed, the latest in front; -1: none
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
    /// Lanes with the same columns add up what they have, the lower one its own first.
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
    operand o = to.described("the epilogue's bias gradient");
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
