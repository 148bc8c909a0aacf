// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which policy of the GEMM on tensor cores is fastest on this GPU: the search space of gemm_mma_sync_table.hpp.
//
//   benchmarks/run.sh --build-only tune_gemm_mma_sync, then there: benchmarks/run.sh --run tune_gemm_mma_sync
#include "benchmarks/tune_gemm.hpp"

namespace {

using namespace tilery;
using namespace tilery_benchmarks;

struct cut {
  tile_mnk block;
  tile_mn warp;
  int stages, raster_rows = 8;
};

// A warp's 64 x 64 sums fill half of its registers and need the fewest reads of shared memory for each instruction that
// still leave room for two steps' fragments. Small tiles are for problems with few of them.
constexpr cut cuts[] = {
    {{128, 256, 64}, {64, 64}, 4}, {{128, 256, 64}, {64, 64}, 3},    {{256, 128, 64}, {64, 64}, 4},
    {{128, 256, 32}, {64, 64}, 6}, {{128, 256, 64}, {64, 64}, 4, 4}, {{128, 256, 64}, {64, 64}, 4, 16},
    {{128, 128, 64}, {64, 64}, 3}, {{128, 128, 32}, {64, 64}, 5},    {{128, 128, 64}, {64, 32}, 3},
    {{128, 64, 64}, {64, 32}, 4},  {{64, 128, 64}, {32, 64}, 4},     {{64, 64, 64}, {32, 32}, 4},
    {{64, 64, 64}, {32, 32}, 6},   {{64, 256, 64}, {64, 64}, 4},     {{16, 128, 64}, {16, 32}, 6},
    {{32, 128, 64}, {32, 32}, 6},
};

template <along A, along B>
struct search {
  template <std::size_t I>
  static constexpr gemm_mma_sync_policy policy = {.block = cuts[I].block,
                                                  .warp = cuts[I].warp,
                                                  .stages = cuts[I].stages,
                                                  .a = A,
                                                  .b = B,
                                                  .raster_rows = cuts[I].raster_rows,
                                                  .lowest = arch::sm_90};

  template <std::size_t I>
  static void add_one(std::vector<gemm_candidate<bf16>>& all) {
    if constexpr (broken_rule(policy<I>, sizeof(bf16)) == nullptr) {
      const sentence block(cuts[I].block.m, "x", cuts[I].block.n, "x", cuts[I].block.k);
      const sentence warp("/warp_", cuts[I].warp.m, "x", cuts[I].warp.n, "/");
      all.push_back(gemm_with<policy<I>, bf16>(
          sentence(block, warp, cuts[I].stages, "_stages/raster_", cuts[I].raster_rows).c_str()));
    }
  }
  static std::vector<gemm_candidate<bf16>> candidates() {
    std::vector<gemm_candidate<bf16>> all;
    [&]<std::size_t... I>(std::index_sequence<I...>) { (add_one<I>(all), ...); }
    (std::make_index_sequence<std::size(cuts)>{});
    return all;
  }
};

template <along A, along B>
void add(gemm_session& session, const std::vector<std::array<int, 3>>& problems) {
  for (const auto& [m, n, k] : problems) {
    gemm_shape shape{"tune", std::to_string(m) + "x" + std::to_string(n), m, n, k};
    shape.a_transposed = A == along::outer, shape.b_transposed = B == along::k, shape.type = element<bf16>::name;
    for (const auto& candidate : search<A, B>::candidates()) add_gemm<bf16>(session, shape, candidate);
  }
}

}  // namespace

int main(int count, char** arguments) {
  return run_tuner(count, arguments, "tune_gemm_mma_sync", [](gemm_session& session) {
    add<along::k, along::outer>(session, {{512, 512, 512},
                                          {1024, 1024, 1024},
                                          {2048, 2048, 2048},
                                          {4096, 4096, 4096},
                                          {8192, 8192, 8192},
                                          {8192, 768, 768},
                                          {4096, 3072, 768},
                                          {16, 4096, 4096}});
    add<along::k, along::k>(session, {{2048, 2048, 2048}, {4096, 4096, 4096}, {16, 4096, 4096}});
    add<along::outer, along::outer>(session, {{4096, 4096, 4096}, {768, 3072, 4096}});
  });
}
