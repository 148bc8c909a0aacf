// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which tiles of the SIMT GEMM are fastest on this GPU: the search space of gemm_simt_table.hpp. Each is measured as
// gemm_gpu does, beside cuBLASLt; the closing tables list them by time for each shape, and by their mean, and print the
// row for this arch.
//
//   benchmarks/run.sh --build-only --arch 120 tune_gemm_simt, then there: benchmarks/run.sh --run tune_gemm_simt
#include "benchmarks/tune_gemm.hpp"

namespace {

using namespace tilery;
using namespace tilery_benchmarks;

// 64 accumulators a lane (8 x 8) leave room for four warps on each scheduler; 128 (8 x 16, 16 x 8) read a third less
// from shared memory for each multiply-add. Deeper blocks halve the barriers and double the registers that hold the
// next tiles.
constexpr gemm_simt_cut large_cuts[] = {
    {{128, 128, 8}, {8, 8}},  {{128, 128, 16}, {8, 8}},  {{128, 128, 8}, {8, 16}},  {{128, 128, 16}, {8, 16}},
    {{128, 128, 8}, {16, 8}}, {{128, 128, 16}, {16, 8}}, {{128, 64, 16}, {8, 8}},   {{64, 128, 16}, {8, 8}},
    {{256, 128, 8}, {8, 16}}, {{256, 128, 8}, {16, 8}},  {{128, 256, 8}, {8, 16}},  {{128, 256, 8}, {16, 8}},
    {{256, 128, 8}, {8, 8}},  {{256, 128, 16}, {16, 8}}, {{128, 256, 16}, {8, 16}},
};
constexpr gemm_simt_cut small_cuts[] = {{{64, 64, 16}, {8, 4}},
                                        {{64, 64, 8}, {8, 4}},
                                        {{64, 64, 32}, {8, 4}},
                                        {{128, 64, 16}, {8, 4}}};
constexpr gemm_simt_cut strided_cuts[] = {{{64, 64, 8}, {4, 4}}, {{64, 64, 16}, {4, 4}}, {{32, 64, 8}, {4, 4}}};

std::string name_of_cut(const gemm_simt_cut& c) {
  const sentence block(c.block.m, "x", c.block.n, "x", c.block.k);
  return sentence(block, "/lane_", c.lane.m, "x", c.lane.n).c_str();
}
std::string text_of_cut(const gemm_simt_cut& c) {
  const sentence block("{{", c.block.m, ", ", c.block.n, ", ", c.block.k, "}");
  return sentence(block, ", {", c.lane.m, ", ", c.lane.n, "}}").c_str();
}

/// The candidates that the rules allow of some cuts, as Make::policy(cut) makes them.
template <class T, const auto& Cuts, class Make>
struct search {
  template <std::size_t Index>
  static constexpr gemm_simt_policy policy = on_tuned_arch(Make::policy(Cuts[Index]));

  template <std::size_t Index>
  static void add_one(std::vector<gemm_candidate<T>>& all, tuned_field& field) {
    if constexpr (broken_rule(policy<Index>, sizeof(accumulator_t<T>)) == nullptr) {
      const std::string name = name_of_cut(Cuts[Index]);
      all.push_back(gemm_with<policy<Index>, T>(name));
      field.rows_text[name] = text_of_cut(Cuts[Index]);
    }
  }
  static std::vector<gemm_candidate<T>> candidates(tuned_field& field) {
    std::vector<gemm_candidate<T>> all = {default_gemm<T>()};
    [&]<std::size_t... Index>(std::index_sequence<Index...>) { (add_one<Index>(all, field), ...); }
    (std::make_index_sequence<std::size(Cuts)>{});
    return all;
  }
};

/// Registers the candidates of a field for square problems.
template <class T, const auto& Cuts, class Make>
void add(gemm_session& session, tuned_row& row, const char* field, along a, along b, const std::vector<int>& extents) {
  for (const int n : extents) {
    gemm_shape shape{field, "n" + std::to_string(n), n, n, n};
    shape.a_transposed = a == along::outer, shape.b_transposed = b == along::k, shape.type = element<T>::name;
    for (const auto& candidate : search<T, Cuts, Make>::candidates(row.field(field)))
      add_gemm<T>(session, shape, candidate);
  }
}

template <class T, along A, along B>
struct large_tile {
  static constexpr gemm_simt_policy policy(const gemm_simt_cut& c) {
    return aligned_simt<T>(c, A, B, sizeof(T) == 4 ? 1 : k_parts_as_needed);
  }
};
template <class T>
struct small_tile {
  static constexpr gemm_simt_policy policy(const gemm_simt_cut& c) {
    return aligned_simt<T>(c, along::any, along::any, k_parts_as_needed);
  }
};
struct strided_tile {
  static constexpr gemm_simt_policy policy(const gemm_simt_cut& c) { return strided_simt(c); }
};

/// True if the arch multiplies T without tensor cores.
template <class T>
inline constexpr bool is_tuned = sizeof(T) >= 4 || tuned_arch == arch::sm_75;

/// The fields of a row, each by the shapes that the selector gives it.
template <class T>
requires is_tuned<T>
void add_type(gemm_session& session, tuned_row& row) {
  add<T, large_cuts, large_tile<T, along::k, along::outer>>(session, row, "large", along::k, along::outer,
                                                            {2048, 4096, 8192});
  add<T, large_cuts, large_tile<T, along::k, along::k>>(session, row, "large", along::k, along::k, {4096});
  add<T, large_cuts, large_tile<T, along::outer, along::outer>>(session, row, "large", along::outer, along::outer,
                                                                {4096});
  if constexpr (sizeof(T) == 4)
    add<T, small_cuts, small_tile<T>>(session, row, "small", along::k, along::outer, {512, 1024, 8192});
  add<T, strided_cuts, strided_tile>(session, row, "strided", along::k, along::outer, {511, 2047});
}

template <class T>
requires(!is_tuned<T>) void add_type(gemm_session&, tuned_row&) {}

/// The fields that are not measured here.
template <class T>
std::string kept_fields() {
  const gemm_simt_row& row = gemm_simt_table<T>::row(tuned_arch);
  const sentence parts("     .large_k_parts = {", row.large_k_parts[0], ", ", row.large_k_parts[1], ", ",
                       row.large_k_parts[2], "},\n");
  if (sizeof(T) != 4) return parts.c_str();
  return sentence(parts, "     .sharing_cost_k = ", row.sharing_cost_k,
                  ",\n     .enough_large_percent = ", row.enough_large_percent, ",\n")
      .c_str();
}

}  // namespace

int main(int count, char** arguments) {
  tuned_row f32, f16;
  return run_tuner(
      count, arguments, "tune_gemm_simt",
      [&](gemm_session& session) {
        add_type<float>(session, f32);
        add_type<half>(session, f16);
      },
      [&](const gemm_session& session) {
        print_row(session, f32, "f32", "tune_gemm_simt", kept_fields<float>(), 8192);
        if (is_tuned<half>) print_row(session, f16, "f16", "tune_gemm_simt", kept_fields<half>(), 8192);
      });
}
