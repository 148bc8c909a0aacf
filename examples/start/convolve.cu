// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A convolution with its gradients. An image gets a bias and a relu in the launch that convolves it; the gradients are
// checked by the adjoint identity: the convolution is linear in x and in w, so <dy, y> = <dx, x> = <dw, w>.
#include <tilery/conv.hpp>
#include <tilery/copy.hpp>
#include <tilery/cpu.hpp>
#include <tilery/cuda.hpp>
#include <tilery/fill.hpp>

#include <cstdio>
#include <vector>

using images = tilery::buffer<float, 4>;

/// The sum of the products of all elements. Whole numbers: the sum is exact.
template <class Executor>
double inner(const Executor& executor, const images& a, const images& b) {
  std::vector<float> left(a.size()), right(b.size());
  const auto view = [&](std::vector<float>& v) {
    return tilery::tensor(v.data(), {a.extent(0), a.extent(1), a.extent(2), a.extent(3)});
  };
  tilery::copy(executor, a, view(left));
  tilery::copy(executor, b, view(right));
  executor.wait();
  double sum = 0;
  for (std::size_t i = 0; i < left.size(); ++i) sum += double{left[i]} * right[i];
  return sum;
}

/// Fills a tensor with small whole numbers.
template <class Executor>
void fill(const Executor& executor, const images& to, int seed) {
  std::vector<float> values(to.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>((i * 7 + seed) % 5) - 2;
  tilery::copy(executor, tilery::tensor(values.data(), {to.extent(0), to.extent(1), to.extent(2), to.extent(3)}), to);
  executor.wait();
}

template <class Executor>
bool convolve_on(const Executor& executor) {
  // 2 images of 28 x 28 pixels with 8 channels, 16 filters of 3 x 3 taps, every second pixel: 14 x 14 pixels of y.
  const tilery::conv_options<2> options{.stride = 2, .padding = 1};
  images x(executor, 2, 28, 28, 8), w(executor, 16, 3, 3, 8), y(executor, 2, 14, 14, 16);
  images dx(executor, 2, 28, 28, 8), dw(executor, 16, 3, 3, 8), dy(executor, 2, 14, 14, 16);
  fill(executor, x, 1), fill(executor, w, 2), fill(executor, dy, 3);

  tilery::conv2d(executor, x, w, y, options);
  tilery::conv2d_data_gradient(executor, dy, w, dx, options);
  tilery::conv2d_weight_gradient(executor, x, dy, dw, options);
  const double forward = inner(executor, dy, y), data = inner(executor, dx, x), weight = inner(executor, dw, w);
  std::printf("<dy, y> = %g, <dx, x> = %g, <dw, w> = %g\n", forward, data, weight);

  tilery::buffer<float> bias(executor, 16);
  tilery::fill(executor, bias, 1.0f);
  tilery::conv2d(executor, x, w, y, options, tilery::epilogue::bias(bias) | tilery::epilogue::relu());
  return forward == data && forward == weight;
}

int main() {
  bool agree = false;
  if (!tilery::with_cuda([&](const auto& gpu) { agree = convolve_on(gpu); })) agree = convolve_on(tilery::cpu());
  return agree ? 0 : 1;
}
