// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The parameters of the elementwise kernel (kernels/elementwise.hpp) for an activation function: forward pass and
// backward pass over a matrix. `step` computes N elements.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/elementwise.hpp>
#include <tilery/tile/activation.hpp>

namespace tilery::inline TILERY_ABI {

/// y = f(x), where f is the activation function, for each element. The computation is in accumulator_t<T>.
template <class Activation, class T>
struct activation_forward_params {
  static constexpr const char* name = "activation_forward";
  std::int32_t rows, columns;
  gmem_matrix<T> x, y;  // rows x columns elements, any strides; y may be the same view as x

  template <class Lane, int N>
  TILERY_SIMT void step(Lane lane, int row, int column, width_t<N> n) const {
    using S = accumulator_t<T>;
    store_as(lane, y, row, column, activation::value_of<Activation>(load_as<S>(lane, x, row, column, n)));
  }
};

/// dx = dy f'(x) for each element, where x is the input of the forward pass and dy the gradient of its output.
/// An activation that has the function gradient() (tile/activation.hpp), such as relu, gives dx = 0 where f'(x) = 0,
/// also for an infinite dy. The computation is in accumulator_t<T>.
template <class Activation, class T>
struct activation_backward_params {
  static constexpr const char* name = "activation_backward";
  std::int32_t rows, columns;
  gmem_matrix<T> x, dy, dx;  // (row, column); dx may be dy or x

  template <class Lane, int N>
  TILERY_SIMT void step(Lane lane, int row, int column, width_t<N> n) const {
    using S = accumulator_t<T>;
    store_as(lane, dx, row, column,
             activation::gradient_of<Activation>(load_as<S>(lane, x, row, column, n),
                                                 load_as<S>(lane, dy, row, column, n)));
  }
};

}  // namespace tilery::inline TILERY_ABI
