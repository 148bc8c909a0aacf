// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The convolutions among the GEMM's kernels: -DFORWARD, -DDATA (also -DCLASSES: the residue classes of a strided data
// gradient) and -DWEIGHT choose the parameters and the table of a direction.
#pragma once

#include <tilery/kernels/gemm/group.hpp>
#include <tilery/ops/conv_params.hpp>

#if defined FORWARD
inline constexpr tilery::conv_direction direction = tilery::conv_direction::forward;
#elif defined WEIGHT
inline constexpr tilery::conv_direction direction = tilery::conv_direction::weight_gradient;
#else
inline constexpr tilery::conv_direction direction = tilery::conv_direction::data_gradient;
#endif

#if defined FORWARD || defined WEIGHT || defined DATA || defined CLASSES
#define CONV
#endif

/// The parameters of a direction, for elements T of the operands and C of the output.
template <class T, class C>
struct conv_params {
  using pixels = tilery::ops::pixel_product<T, C, tilery::epilogue::none>;
#if defined WEIGHT
  using type = tilery::ops::tap_product<T, C, tilery::epilogue::none>;
#elif defined CLASSES
  using type = tilery::gemm_group<pixels>;
#else
  using type = pixels;
#endif
};
