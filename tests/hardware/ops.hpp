// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Ops whose kernels are counted on a GPU and on the virtual one: whole launches, with all that a compiler does to them.
#pragma once

#include <tilery/column_sum.hpp>
#include <tilery/gemm.hpp>
#include <tilery/optimizer.hpp>
#include <tilery/softmax.hpp>

#include <string>

namespace tilery_tests {

/// visit(name, call) for each; call(executor) launches one kernel.
template <class Visit>
void for_each_op(Visit visit) {
  using namespace tilery;
  // Policies by name, so that a new default is not another launch under the name of the old one.
  const auto visit_gemm = [&]<gemm_simt_policy P, class T>(T, int m, int n, int k, bool a_transposed,
                                                           bool b_transposed) {
    const auto size = [](int i) { return std::to_string(i); };
    visit(std::string("SIMT GEMM ") + element<T>::name + ", " + size(m) + " x " + size(n) + " x " + size(k) + ", " +
              (a_transposed ? "T" : "N") + (b_transposed ? "T" : "N"),
          [=](const auto& on) {
            const buffer<T, 2> a(on, a_transposed ? k : m, a_transposed ? m : k),
                b(on, b_transposed ? n : k, b_transposed ? k : n), c(on, m, n);
            fill_zero(on, a), fill_zero(on, b);
            const auto av = a.view(), bv = b.view();
            gemm<P>(on, a_transposed ? transposed(av) : av, b_transposed ? transposed(bv) : bv, c);
          });
  };
  const auto visit_aligned = [&]<bool ATransposed, bool BTransposed, class T>(T value, int k) {
    constexpr gemm_simt_policy policy =
        gemm_simt_table<T>::aligned(ATransposed ? along::outer : along::k, BTransposed ? along::k : along::outer);
    visit_gemm.template operator()<policy>(value, 256, 256, k, ATransposed, BTransposed);
  };
  visit_aligned.template operator()<false, false>(0.0f, 64);
  visit_aligned.template operator()<false, true>(0.0f, 64);
  visit_aligned.template operator()<true, false>(0.0f, 64);
  visit_aligned.template operator()<true, true>(0.0f, 64);
  visit_aligned.template operator()<false, false>(0.0f, 256);
  visit_gemm.template operator()<gemm_simt_table<float>::candidates[4]>(0.0f, 200, 100, 50, false, false);
  visit_aligned.template operator()<false, false>(half{}, 64);
  visit_aligned.template operator()<true, true>(half{}, 64);
  visit_aligned.template operator()<false, false>(0.0, 64);
  for (const int columns : {64, 100, 1024, 4096, 70001})  // the last is streamed, and its rows begin inside sectors
    visit("softmax f32, 8 x " + std::to_string(columns), [=](const auto& on) {
      const buffer<float, 2> x(on, 8, columns), y(on, 8, columns);
      fill_zero(on, x);
      softmax(on, x, y);
    });
  visit("column_sum f32, 64 x 256", [](const auto& on) {
    const buffer<float, 2> x(on, 64, 256);
    const buffer<float> y(on, 256);
    fill_zero(on, x);
    column_sum(on, x, y);
  });
  visit("adam f32, 4096", [](const auto& on) {
    const buffer<float> w(on, 4096), dw(on, 4096), m(on, 4096), v(on, 4096);
    for (const auto* b : {&w, &dw, &m, &v}) fill_zero(on, *b);
    adam(on, w, dw, m, v, {});
  });
}

}  // namespace tilery_tests
