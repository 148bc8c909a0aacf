// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Brings its own update rule: a struct of hyperparameters, with the formula of one update.
#include <tilery/copy.hpp>
#include <tilery/cpu.hpp>
#include <tilery/cuda.hpp>
#include <tilery/optimizer.hpp>

#include <cstdio>
#include <vector>

using tilery::pack;

/// v = momentum v + g / (1 + |g|), w = w - rate v: gradient descent with momentum, in which a gradient counts at
/// most 1.
struct bounded_descent {
  double rate = 0.1, momentum = 0.5;
  static constexpr const char* name = "bounded_descent";
  static constexpr int states = 1;  // v

  template <class S>
  struct constants {
    S rate, momentum;
    template <int N>
    TILERY_SIMT void update(pack<S, N>& w, pack<S, N> g, pack<S, N>& v) const {
      v = v * momentum + g / (tilery::max(g, g * S(-1)) + S(1));
      w = w - v * rate;
    }
  };
  template <class S>
  TILERY_SIMT constants<S> at(const tilery::update_time& time) const {
    return {S(rate * time.rate_factor), S(momentum)};
  }
};

/// Moves the weights, at first 0, to 3: the gradient of (w - 3)^2 / 2 is w - 3.
template <class Executor>
float train_on(const Executor& executor) {
  const int n = 1000;
  std::vector<float> weights(n, 0.0f), gradient(n);
  tilery::buffer<float> w(executor, n), g(executor, n);
  tilery::copy(executor, tilery::vector(weights.data(), n), w);

  tilery::optimizer optimizer(executor, std::vector{bounded_descent{}},
                              std::vector{tilery::parameter("w", w.view(), g.view())});
  for (int step = 0; step < 200; ++step) {
    for (int i = 0; i < n; ++i) gradient[i] = weights[i] - 3;
    tilery::copy(executor, tilery::vector(gradient.data(), n), g);
    optimizer.step(executor);
    tilery::copy(executor, w, tilery::vector(weights.data(), n));
    executor.wait();
  }
  return weights[n - 1];
}

int main() {
  float w = 0;
  if (!tilery::with_cuda([&](const auto& gpu) { w = train_on(gpu); })) w = train_on(tilery::cpu());
  std::printf("after 200 updates the weights are %.3f\n", w);
  return w > 2.999f && w < 3.001f ? 0 : 1;
}
