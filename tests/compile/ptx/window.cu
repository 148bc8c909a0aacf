// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The candidates of the convolutions for few input channels, for elements of ELEMENT; with -DTENSOR_CORES those on
// tensor cores, with -DSUMMED without them and with an epilogue that reads an operand and sums columns.
#include "kernels.hpp"

#include <tilery/kernels/conv/window.hpp>
#include <tilery/kernels/conv/window_mma_sync.hpp>
#include <tilery/kernels/conv/window_weight.hpp>
#include <tilery/kernels/conv/window_weight_mma_sync.hpp>
#include <tilery/ops/window_params.hpp>

using tilery::half, tilery::bf16, tilery::tf32;
using T = ELEMENT;
using tilery::conv_direction, tilery::conv_window_policy;
using S = tilery::accumulator_t<T>;

#if defined TENSOR_CORES
inline constexpr bool tensor_cores = true;
template <conv_window_policy P, class Params>
using forward_kernel = tilery::conv_window_mma_sync<P, Params>;
template <conv_window_policy P>
using weight_kernel = tilery::conv_window_weight_mma_sync<P, T>;
#else
inline constexpr bool tensor_cores = false;
template <conv_window_policy P, class Params>
using forward_kernel = tilery::conv_window<P, Params>;
template <conv_window_policy P>
using weight_kernel = tilery::conv_window_weight<P, T, S>;
#endif

inline constexpr int element = sizeof(T), sum = sizeof(S), four_sums = sum == 8 ? 16 : 4 * element;

#if defined SUMMED
using epilogue_type = tilery::epilogue::chain<tilery::epilogue::gradient<tilery::activation::gelu, T>,
                                              tilery::epilogue::bias_gradient<float>>;
#else
using epilogue_type = tilery::epilogue::none;
#endif

// Pixels and filters are loaded element by element, and a tile of y is stored in packs, or element by element.
struct forward {
  using params = tilery::ops::window_product<T, T, epilogue_type>;
  template <conv_window_policy P>
  using kernel = forward_kernel<P, params>;
  static constexpr meant_accesses meant(const conv_window_policy& p) {
    const int store = p.c_vector == 1 ? element : four_sums;
    // An instruction along m and n, and an ldmatrix for two fragments of B.
    const int m = p.part.m / 16, n = p.part.n / 8;
    return {{element, store},         {store, store},          4, {tensor_cores ? element : 4, tensor_cores ? 8 : sum},
            tensor_cores ? m * n : 0, tensor_cores ? n / 2 : 0};
  }
};

// dy is loaded in packs of 16 bytes in shared memory, or element by element.
struct weight {
  using params = tilery::window_weight_params<T, S>;
  template <conv_window_policy P>
  using kernel = weight_kernel<P>;
  static constexpr meant_accesses meant(const conv_window_policy& p) {
    const int pack = tensor_cores ? 16 : four_sums, m = p.part.m / 16, n = p.part.n / 8;
    const int store = tensor_cores ? 4 : 16;
    return {{element, pack},
            {store, store},
            tensor_cores ? element : sum,
            {tensor_cores ? element : sum, 16},
            tensor_cores ? m * n : 0,
            tensor_cores && element == 2 ? m : 0};
  }
};

void use() {
  compile_candidates<tilery::conv_window_table<T, conv_direction::forward, tensor_cores>, forward>();
  compile_candidates<tilery::conv_window_table<T, conv_direction::weight_gradient, tensor_cores>, weight>();
}
