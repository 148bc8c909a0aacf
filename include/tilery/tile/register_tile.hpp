// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One lane's tile of accumulators in registers for the GEMM without tensor cores (gemm_simt), and its position in the
// block's tile. The lane's rows come in groups of `quad` neighbours, and so do its columns; `quad` accumulators are 16
// bytes. Between two groups of a lane are the groups of the other lanes of its warp, so that a warp reads contiguous
// shared memory and writes contiguous parts of C.
#pragma once
#pragma GCC system_header

#include <tilery/simt/memory.hpp>
#include <tilery/simt/step.hpp>
#include <tilery/tile/panel.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The accumulators of one lane under policy P: P.lane.m x P.lane.n elements.
template <auto P, class Accumulator>
class register_tile {
public:
  using sum = Accumulator;
  static constexpr int quad = static_cast<int>(16 / sizeof(Accumulator));  // elements of a pack
  static constexpr int m = P.lane.m, n = P.lane.n, n_packs = n / quad;
  static constexpr int warps_n = P.warps_n();

  template <class Lane>
  TILERY_SIMT explicit register_tile(Lane lane) {
    const int warp_m = lane.warp() / warps_n, warp_n = lane.warp() % warps_n;
    row_ = warp_m * P.warp_m * m + lane.warp_rank() / P.warp_n * quad;
    column_ = warp_n * P.warp_n * n + lane.warp_rank() % P.warp_n * quad;
    TILERY_UNROLL
    for (int i = 0; i < m; ++i) {
      TILERY_UNROLL
      for (int j = 0; j < n_packs; ++j) sums_[i][j] = splat<quad>(Accumulator(0));
    }
  }

  /// The position of the lane's row i in the block's tile.
  TILERY_SIMT int row(int i) const { return row_ + i / quad * (P.warp_m * quad) + i % quad; }
  /// The position of the first column of the lane's pack j in the block's tile.
  TILERY_SIMT int column(int j) const { return column_ + j * (P.warp_n * quad); }
  /// Pack j of the accumulators in the lane's row i.
  TILERY_SIMT pack<Accumulator, quad> sums(int i, int j) const { return sums_[i][j]; }
  /// For the transposed problem C^T = B^T A^T, in which the accumulators are a tile of C^T: returns a pack of C. Its
  /// elements are neighbours in a row of C, and so in a column of C^T: `quad` accumulators of the lane's column j, from
  /// the lane's row i on. Here j counts single columns, not packs. i must be a multiple of quad.
  TILERY_SIMT pack<Accumulator, quad> transposed_sums(int i, int j) const {
    pack<Accumulator, quad> result;
    TILERY_UNROLL
    for (int e = 0; e < quad; ++e) result.set(e, sums_[i + e][j / quad][j % quad]);
    return result;
  }

  /// False: combine_sums() adds the sums of the other blocks a few packs at once. The registers for a second complete
  /// set of accumulators would cost one resident block per SM.
  static constexpr bool combined_in_registers = false;

  static constexpr int packs = m * n_packs;
  /// Calls f(i, pack) for pack i of the lane's accumulators, 16 bytes each. f may change the pack.
  template <class F>
  TILERY_SIMT void for_packs(F f) {
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < m; ++i) {
      TILERY_UNROLL_ON_GPU
      for (int j = 0; j < n_packs; ++j) f(i * n_packs + j, sums_[i][j]);
    }
  }

  /// The elements of A and B that this lane multiplies at one k: its rows of A and its columns of B.
  struct operands {
    pack<Accumulator, quad> a[m / quad], b[n_packs];
  };
  /// Loads the elements at one k from a tile of A and a tile of B in shared memory (shared_panel).
  template <class Lane, class A, class B>
  TILERY_SIMT operands load(Lane lane, A& a, B& b, int k, where at = {}) const {
    [[maybe_unused]] const auto step = lane.step("load fragments", at);
    operands now;
    TILERY_UNROLL
    for (int i = 0; i < m / quad; ++i) now.a[i] = lane.load(a.at(k, row(i * quad)), width<quad>);
    TILERY_UNROLL
    for (int j = 0; j < n_packs; ++j) now.b[j] = lane.load(b.at(k, column(j)), width<quad>);
    return now;
  }

  /// sums += A B, for one k.
  template <class Lane>
  TILERY_SIMT void multiply(Lane lane, const operands& now, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("multiply tiles", at);
    lane.operations(fma_unit<Accumulator>, m * n);
    TILERY_UNROLL
    for (int i = 0; i < m; ++i) {
      const auto a_value = splat<quad>(now.a[i / quad][i % quad]);
      TILERY_UNROLL
      for (int j = 0; j < n_packs; ++j) sums_[i][j] = fma(a_value, now.b[j], sums_[i][j]);
    }
  }

private:
  int row_, column_;  // row(0), column(0)
  pack<Accumulator, quad> sums_[m][n_packs];
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
