// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Convolutions and their gradients, equal to those that PyTorch computed: tests/golden/conv.txt, which make_conv.py of
// the same folder has written.
#include "tests/conv_calls.hpp"

#include "tests/golden/conv_text.hpp"  // golden_conv_text, made by CMake from conv.txt

#include <map>

namespace {

using namespace tilery;
using namespace tilery_tests;

/// A case of the file: a problem, and its tensors by name.
struct golden_case {
  conv_case problem;
  std::map<std::string, std::vector<double>> tensors;
};

std::vector<golden_case> golden_cases(const std::string& text) {
  std::vector<golden_case> all;
  std::istringstream lines(text);
  std::vector<double>* tensor = nullptr;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    if (line.rfind("conv", 0) == 0) {
      all.push_back({problem_of_text(line), {}});
      continue;
    }
    std::istringstream words(line);
    std::string name;
    if (std::isalpha(static_cast<unsigned char>(line[0]))) words >> name, tensor = &all.back().tensors[name];
    for (double number; words >> number;) tensor->push_back(number);
  }
  return all;
}

template <class T>
std::vector<T> as_elements(const std::vector<double>& numbers) {
  std::vector<T> values;
  for (const double number : numbers) values.push_back(convert<T>(static_cast<accumulator_t<T>>(number)));
  return values;
}

template <class Executor>
class conv_golden_on : public on_executor<Executor> {
public:
  template <int N, class T>
  void check(const golden_case& one) {
    const conv_case& p = one.problem;
    const conv_orders how;
    const auto at = [&](const char* name, const conv_case::extents& extents, image_order order) {
      return place_images<N + 2>(*this, as_elements<T>(one.tensors.at(name)), extents, order);
    };
    const auto output = [&](const conv_case::extents& extents, image_order order) {
      return place_images<N + 2>(*this, std::vector<float>(size_of(extents), NAN), extents, order);
    };
    const auto x = at("x", p.x(), how.x), w = at("w", p.w(), how.w), dy = at("dy", p.y(), how.y);
    const auto y = output(p.y(), how.y), dx = output(p.x(), how.x), dw = output(p.w(), how.w);
    const auto options = options_of<N>(p);
    forward<N>(this->executor, x.read(), w.read(), y.view, options);
    data_gradient<N>(this->executor, dy.read(), w.read(), dx.view, options);
    weight_gradient<N>(this->executor, x.read(), dy.read(), dw.view, options);
    expect_equal(as_doubles(gather(*this, y)), one.tensors.at("y"), about<T, float>("y", p, how));
    expect_equal(as_doubles(gather(*this, dx)), one.tensors.at("dx"), about<T, float>("dx", p, how));
    expect_equal(as_doubles(gather(*this, dw)), one.tensors.at("dw"), about<T, float>("dw", p, how));
  }
};
TYPED_TEST_SUITE(conv_golden_on, executors);

TYPED_TEST(conv_golden_on, equals_pytorch) {
  const auto all = golden_cases(golden_conv_text);
  EXPECT_EQ(all.size(), 13u);
  for (const golden_case& one : all) {
    if (one.problem.rank == 1) this->template check<1, float>(one);
    if (one.problem.rank == 2) this->template check<2, float>(one), this->template check<2, bf16>(one);
    if (one.problem.rank == 3) this->template check<3, float>(one);
  }
}

#ifndef __CUDACC__
// What the other tests compare with.
TEST(conv_golden, equals_the_reference) {
  const auto all = golden_cases(golden_conv_text);
  EXPECT_EQ(all.size(), 13u);
  for (const golden_case& one : all) {
    const auto& of = one.tensors;
    expect_equal(conv_of(one.problem, of.at("x"), of.at("w")), of.at("y"), one.problem.text());
    expect_equal(data_gradient_of(one.problem, of.at("dy"), of.at("w")), of.at("dx"), one.problem.text());
    expect_equal(weight_gradient_of(one.problem, of.at("x"), of.at("dy")), of.at("dw"), one.problem.text());
  }
}
#endif

}  // namespace
