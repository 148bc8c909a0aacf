// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which policy of the SIMT GEMM is fastest on this GPU: the search space of gemm_simt_table.hpp. Each is measured as
// gemm_gpu does, beside cuBLASLt; the closing tables list them by time for each shape, and by their mean.
//
//   benchmarks/run.sh --build-only tune_gemm_simt, then there: benchmarks/run.sh --run tune_gemm_simt
#include "benchmarks/tune_gemm.hpp"

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

}  // namespace

int main(int count, char** arguments) {
  return run_tuner(count, arguments, "tune_gemm_simt", [](gemm_session& session) {
    add_layouts<float>(session);
    add_layouts<bf16>(session);
  });
}
