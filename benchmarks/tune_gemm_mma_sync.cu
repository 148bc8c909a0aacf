// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which tiles of the GEMM on tensor cores are fastest on this GPU: the search space of gemm_mma_sync_table.hpp. Each is
// measured as gemm_gpu does, beside cuBLASLt; the closing tables list them by time, and print the row for this arch.
//
//   benchmarks/run.sh --build-only --arch 120 tune_gemm_mma_sync, then there: benchmarks/run.sh --run
//   tune_gemm_mma_sync
#include "benchmarks/tune_gemm.hpp"

namespace {

using namespace tilery;
using namespace tilery_benchmarks;

using T = bf16;                                          // the element type that is tuned
constexpr int line = 128 / static_cast<int>(sizeof(T));  // elements of 128 bytes along k

// A warp's 64 x 64 accumulators fill half of its registers and need the fewest reads of shared memory for each
// instruction that still leave room for two steps' fragments.
constexpr gemm_mma_sync_cut large_cuts[] = {
    {{128, 256, line}, {64, 64}, 4},     {{128, 256, line}, {64, 64}, 3},     {{256, 128, line}, {64, 64}, 4},
    {{128, 256, line / 2}, {64, 64}, 6}, {{128, 256, line}, {64, 64}, 4, 4},  {{128, 256, line}, {64, 64}, 4, 16},
    {{128, 128, line}, {64, 64}, 3},     {{128, 128, line / 2}, {64, 64}, 5}, {{128, 128, line}, {64, 32}, 3},
    {{128, 64, line}, {64, 32}, 4},      {{64, 128, line}, {32, 64}, 4},      {{64, 256, line}, {64, 64}, 4},
    {{64, 128, line}, {32, 32}, 4},
};
constexpr gemm_mma_sync_cut small_cuts[] = {{{64, 64, line}, {32, 32}, 3},
                                            {{64, 64, line}, {32, 32}, 4},
                                            {{64, 64, line}, {32, 32}, 6},
                                            {{64, 128, line}, {32, 32}, 4}};
constexpr gemm_mma_sync_cut few_cuts[] = {{{16, 128, line}, {16, 32}, 4},
                                          {{16, 128, line}, {16, 32}, 5},
                                          {{16, 128, line}, {16, 32}, 6},
                                          {{32, 128, line}, {32, 32}, 5}};
constexpr gemm_mma_sync_cut strided_cuts[] = {{{64, 64, line / 2}, {32, 32}, 3}, {{64, 64, line / 2}, {32, 16}, 3}};

std::string name_of_cut(const gemm_mma_sync_cut& c) {
  const sentence block(c.block.m, "x", c.block.n, "x", c.block.k), warp("/warp_", c.warp.m, "x", c.warp.n, "/");
  return sentence(block, warp, c.stages, "_stages/raster_", c.raster_rows).c_str();
}
std::string text_of_cut(const gemm_mma_sync_cut& c) {
  const sentence block("{{", c.block.m, ", ", c.block.n, ", ", c.block.k, "}"), warp(", {", c.warp.m, ", ", c.warp.n);
  return c.raster_rows == 8 ? sentence(block, warp, "}, ", c.stages, "}").c_str()
                            : sentence(block, warp, "}, ", c.stages, ", ", c.raster_rows, "}").c_str();
}

/// The candidates that the rules allow of some cuts, as Make::policy(cut) makes them: none on an arch without mma.sync.
template <const auto& Cuts, class Make>
struct search {
  template <std::size_t Index>
  static constexpr gemm_mma_sync_policy policy = on_tuned_arch(Make::policy(Cuts[Index]));

  template <std::size_t Index>
  static void add_one(std::vector<gemm_candidate<T>>& all, tuned_field& field) {
    if constexpr (broken_rule(policy<Index>, sizeof(T)) == nullptr) {
      const std::string name = name_of_cut(Cuts[Index]);
      all.push_back(gemm_with<policy<Index>, T>(name));
      field.rows_text[name] = text_of_cut(Cuts[Index]);
    }
  }
  static std::vector<gemm_candidate<T>> candidates(tuned_field& field) {
    std::vector<gemm_candidate<T>> all;
    [&]<std::size_t... Index>(std::index_sequence<Index...>) { (add_one<Index>(all, field), ...); }
    (std::make_index_sequence<std::size(Cuts)>{});
    return all;
  }
};

/// Registers the candidates of a field for some problems.
template <const auto& Cuts, class Make>
void add(gemm_session& session, tuned_row& row, const char* field, along a, along b,
         const std::vector<std::array<int, 3>>& problems) {
  for (const auto& [m, n, k] : problems) {
    gemm_shape shape{field, std::to_string(m) + "x" + std::to_string(n), m, n, k};
    shape.a_transposed = a == along::outer, shape.b_transposed = b == along::k, shape.type = element<T>::name;
    for (const auto& candidate : search<Cuts, Make>::candidates(row.field(field)))
      add_gemm<T>(session, shape, candidate);
  }
}

constexpr int large_k_parts = is_fp8<T> ? k_parts_as_needed : 1;
template <along A, along B>
struct large_tile {
  static constexpr gemm_mma_sync_policy policy(const gemm_mma_sync_cut& c) {
    return aligned_mma_sync<T>(c, A, B, large_k_parts);
  }
};
struct small_tile {
  static constexpr gemm_mma_sync_policy policy(const gemm_mma_sync_cut& c) {
    return aligned_mma_sync<T>(c, along::any, along::any, k_parts_as_needed);
  }
};
struct few_tile {
  static constexpr gemm_mma_sync_policy policy(const gemm_mma_sync_cut& c) { return few_mma_sync<T>(c); }
};
struct strided_tile {
  static constexpr gemm_mma_sync_policy policy(const gemm_mma_sync_cut& c) { return strided_mma_sync<T>(c); }
};

}  // namespace

int main(int count, char** arguments) {
  tuned_row row;
  return run_tuner(
      count, arguments, "tune_gemm_mma_sync",
      [&](gemm_session& session) {
        constexpr along k = along::k, outer = along::outer;
        add<large_cuts, large_tile<k, outer>>(session, row, "large", k, outer,
                                              {{2048, 2048, 2048},
                                               {4096, 4096, 4096},
                                               {8192, 8192, 8192},
                                               {8192, 768, 768},
                                               {4096, 3072, 768}});
        add<large_cuts, large_tile<k, k>>(session, row, "large", k, k, {{2048, 2048, 2048}, {4096, 4096, 4096}});
        add<large_cuts, large_tile<outer, outer>>(session, row, "large", outer, outer,
                                                  {{4096, 4096, 4096}, {768, 3072, 4096}});
        add<small_cuts, small_tile>(session, row, "small", k, outer,
                                    {{512, 512, 512}, {1024, 1024, 1024}, {8192, 8192, 8192}});
        add<few_cuts, few_tile>(session, row, "few", k, outer, {{16, 4096, 4096}});
        add<few_cuts, few_tile>(session, row, "few", k, k, {{16, 4096, 4096}});
        add<strided_cuts, strided_tile>(session, row, "strided", k, outer, {{511, 511, 511}, {2047, 2047, 2047}});
      },
      [&](const gemm_session& session) {
        const std::string kept =
            large_k_parts == 1 ? "" : sentence("     .large_k_parts = ", large_k_parts, ",\n").c_str();
        print_row(session, row, element<T>::name, "tune_gemm_mma_sync", kept, 8192);
      });
}
