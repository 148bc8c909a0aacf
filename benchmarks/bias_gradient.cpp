// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The backward GEMM of a layer behind an activation, and the gradient of its bias: from the epilogue, beside a GEMM and
// a `column_sum` of what it wrote, and beside the GEMM alone. Of the two-layer perceptron of GPT-2 124M, by tokens:
// dz = (dy W') gelu'(z), where dy is tokens x 768 and W' is 768 x 3072; db is the sum of dz's rows.
#include "side_by_side.hpp"

#include <tilery/column_sum.hpp>
#include <tilery/gemm.hpp>

namespace {

using namespace tilery;
using namespace tilery_benchmarks;

template <class T>
void bias_gradient_of(benchmark::State& state) {
  const executor_type executor = make_executor(static_cast<int>(state.range(0)));
  const int m = static_cast<int>(state.range(1)), n = 3072, k = 768;
  const std::int64_t elements = std::int64_t{m} * n;
  const int sets = sets_for(2 * elements * static_cast<std::int64_t>(sizeof(T)));
  const buffer<T> dy = filled<T>(executor, std::int64_t{m} * k, 1), w = filled<T>(executor, std::int64_t{n} * k, 2),
                  z = filled<T>(executor, sets * elements, 3), dz = filled<T>(executor, sets * elements, 4);
  const buffer<float> db(executor, n);
  const auto of_set = [&](const buffer<T>& all, int set) { return matrix(all.data_handle() + set * elements, m, n); };
  const auto backward = [&](int set, auto... more) {
    gemm(executor, matrix(dy.data_handle(), m, k), matrix(w.data_handle(), k, n), of_set(dz, set),
         (epilogue::times_gradient<activation::gelu>(of_set(z, set)) | ... | more));
  };
  const std::int64_t bytes = (2 * elements + std::int64_t{m} * k + std::int64_t{n} * k) * std::int64_t{sizeof(T)};
  side_by_side(state, executor, sets, static_cast<double>(bytes),
               [&](int set) { backward(set, epilogue::bias_gradient(db)); },
               {{"gemm, column_sum",
                 [&](int set) {
                   backward(set);
                   column_sum(executor, of_set(dz, set), db);
                 }},
                {"gemm alone", [&](int set) { backward(set); }}});
}

void tokens(benchmark::internal::Benchmark* b) {
  rounds_of(b);
  b->UseManualTime()->Unit(benchmark::kMicrosecond)->ArgNames({"threads", "tokens"});
  for (const auto threads : thread_counts())
    for (const int m : {8, 64, 1024}) b->Args({threads, m});
#ifdef __CUDACC__
  b->Args({0, 8192});
#endif
}

BENCHMARK(bias_gradient_of<float>)->Apply(tokens);
BENCHMARK(bias_gradient_of<bf16>)->Apply(tokens);

}  // namespace
