// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which policy of the SIMT GEMM is fastest on this GPU: the search space of gemm_simt_table.hpp. Each is measured as
// gemm_gpu does, beside cuBLASLt; the closing tables list them by time for each shape, and by their mean.
//
//   benchmarks/run.sh --build-only tune_gemm_simt, then there: benchmarks/run.sh --run tune_gemm_simt
#include "benchmarks/gemm_gpu.hpp"

namespace {

using namespace tilery;
using namespace tilery_benchmarks;

struct cut {
  tile_mnk block;
  tile_mn lane;
};

// 64 sums a lane (8 x 8) leave room for four warps a scheduler; 128 sums (8 x 16, 16 x 8) read a third less from shared
// memory for each multiply-add. Deeper blocks halve the barriers and double the registers that hold the next tiles.
constexpr cut cuts[] = {
    {{128, 128, 8}, {8, 8}},  {{128, 128, 16}, {8, 8}},  {{128, 128, 8}, {8, 16}},  {{128, 128, 16}, {8, 16}},
    {{128, 128, 8}, {16, 8}}, {{128, 128, 16}, {16, 8}}, {{128, 64, 16}, {8, 8}},   {{64, 128, 16}, {8, 8}},
    {{256, 128, 8}, {8, 16}}, {{256, 128, 8}, {16, 8}},  {{128, 256, 8}, {8, 16}},  {{128, 256, 8}, {16, 8}},
    {{256, 128, 8}, {8, 8}},  {{256, 128, 16}, {16, 8}}, {{128, 256, 16}, {8, 16}},
};

/// A cut as the policy for operands of T that lie so.
template <class T>
constexpr gemm_simt_policy policy_of(cut c, along a, along b) {
  return {.block = c.block,
          .lane = c.lane,
          .a = a,
          .b = b,
          .vector = static_cast<int>(16 / sizeof(T)),
          .c_vector = static_cast<int>(16 / sizeof(accumulator_t<T>))};
}

/// What the rules allow of the cuts, and what the table has.
template <class T, along A, along B>
struct search {
  template <std::size_t I>
  static constexpr gemm_simt_policy policy = policy_of<T>(cuts[I], A, B);

  template <std::size_t I>
  static void add_one(std::vector<gemm_candidate<T>>& all) {
    if constexpr (broken_rule(policy<I>, sizeof(accumulator_t<T>)) == nullptr) {
      const sentence block(cuts[I].block.m, "x", cuts[I].block.n, "x", cuts[I].block.k);
      const sentence lane("/lane_", cuts[I].lane.m, "x", cuts[I].lane.n);
      all.push_back(gemm_with<policy<I>, T>(sentence(block, lane).c_str()));
    }
  }
  static std::vector<gemm_candidate<T>> candidates() {
    std::vector<gemm_candidate<T>> all = {default_gemm<T>()};
    [&]<std::size_t... I>(std::index_sequence<I...>) { (add_one<I>(all), ...); }
    (std::make_index_sequence<std::size(cuts)>{});
    return all;
  }
};

template <class T, along A, along B>
void add(gemm_session& session, std::vector<int> extents) {
  for (const int n : extents) {
    gemm_shape shape{"tune", "n" + std::to_string(n), n, n, n};
    shape.a_transposed = A == along::outer, shape.b_transposed = B == along::k, shape.type = element<T>::name;
    for (const auto& candidate : search<T, A, B>::candidates()) add_gemm<T>(session, shape, candidate);
  }
}

template <class T>
void add_layouts(gemm_session& session) {
  add<T, along::k, along::outer>(session, {2048, 4096, 8192});
  add<T, along::k, along::k>(session, {4096});
  add<T, along::outer, along::outer>(session, {4096});
}

/// For each shape the candidates, the fastest first.
void print_by_time(const gemm_session& session) {
  std::map<std::string, std::vector<gemm_measurement>> shapes;
  for (const gemm_measurement& m : session.measurements) shapes[m.shape.title()].push_back(m);
  for (auto& [title, all] : shapes) {
    std::sort(all.begin(), all.end(), [](const auto& x, const auto& y) { return x.seconds < y.seconds; });
    std::printf("\n%-40s %12s %9s %15s\n", title.c_str(), "microseconds", "TFLOP/s", "cuBLASLt/ours");
    for (const gemm_measurement& m : all)
      std::printf("  %-38s %12.1f %9.2f %15.3f\n", m.candidate.c_str(), m.seconds * 1e6, m.tflops(),
                  m.best_seconds / m.seconds);
  }
}

/// Over all shapes of a type: the geometric mean of the time as a multiple of the shape's fastest.
void print_means(const gemm_session& session) {
  std::map<std::string, double> fastest;
  for (const gemm_measurement& m : session.measurements) {
    auto [at, is_new] = fastest.try_emplace(m.shape.title(), m.seconds);
    if (!is_new) at->second = std::min(at->second, m.seconds);
  }
  std::map<std::string, std::map<std::string, std::vector<double>>> types;
  for (const gemm_measurement& m : session.measurements)
    types[m.shape.type][m.candidate].push_back(m.seconds / fastest[m.shape.title()]);
  for (const auto& [type, candidates] : types) {
    std::vector<std::pair<double, std::string>> lines;
    for (const auto& [name, times] : candidates) lines.emplace_back(geometric_mean(times), name);
    std::sort(lines.begin(), lines.end());
    std::printf("\n%s: times the fastest of each shape, geometric means\n", type.c_str());
    for (const auto& [mean, name] : lines) std::printf("  %-38s %12.3f\n", name.c_str(), mean);
  }
}

}  // namespace

int main(int count, char** arguments) try {
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  if (cuda_devices() == 0) return std::fprintf(stderr, "tune_gemm_simt: there is no GPU\n"), 77;

  gemm_session session;
  introduce(session);
  add_layouts<float>(session);
  add_layouts<bf16>(session);
  benchmark::RunSpecifiedBenchmarks();
  print_by_time(session);
  print_means(session);
  if (session.failed) std::fprintf(stderr, "tune_gemm_simt: a result was wrong or a call failed\n");
  return session.failed ? 1 : 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "tune_gemm_simt: %s\n", error.what());
  return 1;
}
