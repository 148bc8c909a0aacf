// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <tilery/tilery.hpp>
// A program's own functions with the names of ops, and arguments that convert to an op's: the overloads that tell of
// wrong calls leave them alone.
#include "executors.hpp"

#include <functional>
#include <span>
#include <vector>

namespace mine {

struct device {};
void softmax(device, std::span<const tilery::vector_view<float>>) {}

struct my_options : tilery::sgd_options {};
struct my_settings {
  operator tilery::sgd_options() const { return {.rate = 0.1}; }
};

template <class E>
concept takes_softmax = requires(const E& e, matrix<float> x) {
  tilery::softmax(e, x, x);
};
static_assert(takes_softmax<tilery::cpu> && !takes_softmax<int>);

void use(device d, const std::vector<tilery::vector_view<float>>& all, tilery::vector_view<float> w, matrix<float> x) {
  softmax(d, all);
  tilery::sgd_options options;
  tilery::sgd(tilery::cpu(), w, w, my_options{});
  tilery::sgd(tilery::cpu(), w, w, my_settings{});
  tilery::sgd(tilery::cpu(), w, w, std::ref(options));
  tilery::softmax(tilery::cpu(), x, x, "my_file.cpp");
}

}  // namespace mine
