// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMM on a GPU beside cuBLASLt, in one process, on the same data, in turn. The problems are those of gemm_shapes.txt,
// the batches among them by one call of gemm_batched and of cuBLASLt. A wrong result fails the run. cuBLASLt is opened
// at run time; TILERY_CUBLASLT names its file where the loader does not find it.
//
//   gemm_gpu                 all shapes
//   gemm_gpu --quick         those that are marked quick: less than a minute
//   gemm_gpu --shapes FILE   another file's
//   gemm_gpu --policies      with the policies of `candidates`, too
//
// Other arguments are Google Benchmark's, such as --benchmark_filter=square/.*/f32
#include "benchmarks/gemm_gpu.hpp"

#include "benchmarks/gemm_shapes_text.hpp"

namespace {

using namespace tilery;
using namespace tilery_benchmarks;

constexpr gemm_simt_policy simt_deep{.block = {128, 128, 16}};

/// The candidates for elements of T: the default call, and by name the policies that are to be measured beside it, one
/// line each. What does not serve a shape is passed over.
template <class T>
std::vector<gemm_candidate<T>> candidates() {
  std::vector<gemm_candidate<T>> all = {default_gemm<T>()};
  if constexpr (std::is_same_v<T, float>) all.push_back(gemm_with<simt_deep, T>("simt_128x128x16"));
  return all;
}

template <class T>
void add(gemm_session& session, const gemm_shape& shape, bool all_candidates) {
  for (const auto& candidate : candidates<T>())
    if (all_candidates || candidate.name == "default") add_gemm<T>(session, shape, candidate);
}

void add_all(gemm_session& session, const std::vector<gemm_shape>& shapes, bool quick, bool policies) {
  for (const gemm_shape& shape : shapes)
    if (!quick || shape.quick) with_element_type(shape.type, [&]<class T>() { add<T>(session, shape, policies); });
}

}  // namespace

int main(int count, char** arguments) try {
  const bool quick = take_option(count, arguments, "--quick", false).has_value();
  const bool policies = take_option(count, arguments, "--policies", false).has_value();
  const auto file = take_option(count, arguments, "--shapes", true);
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  const auto shapes = file ? read_gemm_shapes(*file) : parse_gemm_shapes(gemm_shapes_text);
  if (cuda_devices() == 0) return std::fprintf(stderr, "gemm_gpu: there is no GPU\n"), 77;

  gemm_session session;
  introduce(session);
  add_all(session, shapes, quick, policies);
  tilery_benchmarks::run_with_table();
  print_summary(session);
  if (session.failed) std::fprintf(stderr, "gemm_gpu: a result was wrong or a call failed\n");
  return session.failed ? 1 : 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "gemm_gpu: %s\n", error.what());
  return 1;
}
