// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// An epilogue step that rounds values stochastically. Without it, the conversion to C rounds to nearest.
#pragma once
#pragma GCC system_header

#include <tilery/core/philox.hpp>
#include <tilery/core/stochastic_round.hpp>
#include <tilery/tile/epilogue_step.hpp>

namespace tilery::inline TILERY_ABI {

namespace epilogue {

/// Rounds each x, a float, to one of the two neighbouring numbers of T (half, bf16, fp8), at random, so that the
/// expected value of the result is x. Numbers of T, numbers above the largest one in magnitude, infinity and NaN stay
/// unchanged. core/stochastic_round.hpp has the formula, its source and its accuracy. To round C, make T the type of C
/// and this step the last of the chain: the conversion that follows is then exact. If C is fp8, write a `scale` step
/// before this one instead of using the GEMM's scale_c: the GEMM multiplies by scale_c after the epilogue, so that the
/// conversion would round again.
///
/// Random bits. They are a function of the seed, the row and the column (`random_bits`): the same on the CPU, the GPU
/// and the virtual GPU, and under each policy. Two calls with the same seed use the same random bits; give each call a
/// seed of its own.
template <class T>
struct stochastic_rounding : step {
  std::uint64_t seed;
  explicit stochastic_rounding(std::uint64_t seed) : seed(seed) {}

  template <class Lane, class S, int N>
  TILERY_SIMT pack<S, N> operator()(Lane, pack<S, N> x, int row, int column) const {
    static_assert(std::is_same_v<S, float>, "epilogue::stochastic_rounding rounds sums of float");
    return stochastic_round<T>(x, random_bits<N>(row, column));
  }

  /// Returns the random bits of columns `column` to `column` + N - 1. Those of column j are word j % 4 of Philox4x32-10
  /// of the counter (j / 4, row, 0, 0), with the seed as its key.
  template <int N>
  TILERY_SIMT pack<std::uint32_t, N> random_bits(int row, int column) const {
    pack<std::uint32_t, N> result;
    philox_words words{};
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < N; ++i) {
      // column is a multiple of N (epilogue_step.hpp): a new counter can begin only at i = 0, 4, 8...
      if (i % 4 == 0)
        words = philox({{static_cast<std::uint32_t>(column + i) / 4, static_cast<std::uint32_t>(row), 0, 0}}, seed);
      result.set(i, words.word[N < 4 ? (column + i) % 4 : i % 4]);
    }
    return result;
  }
};

}  // namespace epilogue

}  // namespace tilery::inline TILERY_ABI
