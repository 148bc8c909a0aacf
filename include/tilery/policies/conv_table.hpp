// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tables of the convolutions on GPUs, one for each direction and element type: the tiles, by element type and arch,
// with their evidence, and the selectors. The policies are the GEMM's (gemm_simt_policy, gemm_mma_sync_policy): a
// convolution is a GEMM whose operands are gathered.
#pragma once
#pragma GCC system_header

#include <tilery/policies/conv_problem.hpp>
#include <tilery/policies/gemm_mma_sync_selector.hpp>
#include <tilery/policies/gemm_simt_selector.hpp>

namespace tilery::inline TILERY_ABI {

/// A row of a table: the tiles of an element type from an arch on. Cut is gemm_simt_cut or gemm_mma_sync_cut.
template <class Cut>
struct conv_row {
  arch from;
  Cut large;  // 16-byte accesses
  Cut small;  // 16-byte accesses, for problems with fewer large tiles than SMs
  // Accesses of one element: any strides in memory, any alignment, and the filters and images that packs do not serve
  // (conv_problem::why_single).
  Cut strided;
  evidence measured;
};

/// Indices of candidates in a row's list.
struct conv_places {
  static constexpr int large = 0, small = 1, strided = 2;
};

// Tiles of the SIMT kernels. Not the GEMM's 256 x 128: with 128 accumulators a thread has no registers left for the
// offsets and masks of its packs.
inline constexpr conv_row<gemm_simt_cut> conv_simt_f32_rows[] = {
    {.from = arch::sm_75,
     .large = {{128, 128, 16}, {8, 8}},
     .small = {{64, 64, 16}, {8, 4}},
     .strided = {{64, 64, 8}, {4, 4}},
     .measured = not_measured("derived from the GEMM's tiles")},
};
// Double. The lanes of the small tile have 4 x 2 accumulators, not 4 x 4: its kernel also has the code that shares a
// tile along k, and a thread has 128 registers (gemm_simt::resident). With 4 x 4 accumulators, which take 32 of them,
// the kernel would spill.
inline constexpr conv_row<gemm_simt_cut> conv_simt_f64_rows[] = {
    {.from = arch::sm_75,
     .large = {{64, 64, 8}, {4, 4}},
     .small = {{64, 32, 8}, {4, 2}},
     .strided = {{64, 64, 8}, {4, 4}},
     .measured = not_measured("derived from the GEMM's tiles")},
};
// half and bf16 use these kernels on sm_75 only.
inline constexpr conv_row<gemm_simt_cut> conv_simt_16_bit_rows[] = {
    {.from = arch::sm_75,
     .large = {{128, 128, 16}, {8, 8}},
     .small = {{128, 128, 16}, {8, 8}},
     .strided = {{64, 64, 8}, {4, 4}},
     .measured = not_measured("the GEMM's tiles")},
};

// Tiles of the kernels on tensor cores. A step of the k loop has channels of one tap only, and zeros if the tap has
// fewer channels. For 16-bit elements a step has 32 channels and not 64, because layers with 16 to 48 channels are
// common.
inline constexpr conv_row<gemm_mma_sync_cut> conv_mma_sync_16_bit_rows[] = {
    {.from = arch::sm_80,
     .large = {{128, 128, 32}, {64, 32}, 4},
     .small = {{64, 64, 32}, {32, 32}, 4},
     .strided = {{64, 64, 32}, {32, 32}, 3},
     .measured = not_measured("derived from the GEMM's tiles")},
};
inline constexpr conv_row<gemm_mma_sync_cut> conv_mma_sync_tf32_rows[] = {
    {.from = arch::sm_80,
     .large = {{128, 128, 16}, {64, 32}, 4},
     .small = {{64, 64, 16}, {32, 32}, 4},
     .strided = {{64, 64, 16}, {32, 32}, 3},
     .measured = not_measured("derived from the GEMM's tiles")},
};
inline constexpr conv_row<gemm_mma_sync_cut> conv_mma_sync_s8_rows[] = {
    {.from = arch::sm_80,
     .large = {{128, 128, 64}, {64, 32}, 4},
     .small = {{64, 64, 64}, {32, 32}, 4},
     .strided = {{64, 64, 64}, {32, 16}, 3},
     .measured = not_measured("derived from the GEMM's tiles")},
};

/// The rows of T.
template <class T>
constexpr const auto& conv_simt_rows_of() {
  if constexpr (sizeof(T) == 2)
    return conv_simt_16_bit_rows;
  else if constexpr (sizeof(T) == 4)
    return conv_simt_f32_rows;
  else
    return conv_simt_f64_rows;
}
template <class T>
constexpr const auto& conv_mma_sync_rows_of() {
  if constexpr (sizeof(T) == 1)
    return conv_mma_sync_s8_rows;
  else if constexpr (sizeof(T) == 2)
    return conv_mma_sync_16_bit_rows;
  else
    return conv_mma_sync_tf32_rows;
}

/// Returns the reason why only the strided candidate can serve a problem; null if there is none. `vector` is the number
/// of elements of A or B in 16 bytes, `quad` that of the accumulation type.
constexpr const char* why_strided_conv(const conv_problem& p, int vector, int quad) {
  const gemm_problem& q = p.product;
  if (p.why_single) return p.why_single;
  if (q.a.contiguous != a_layout_of(p.direction) || q.b.contiguous != b_layout_of(p.direction))
    return "the channels of an operand are not contiguous";
  if (q.a.vector < vector || q.b.vector < vector)
    return "the channels of an operand are not aligned for 16-byte accesses";
  if (q.c_vector < quad) return "the channels of the output are not aligned for 16-byte stores";
  return nullptr;
}

/// Selects from the candidates of a row: large, small, strided.
template <class Policy>
constexpr choice select_conv(const Policy (&candidates)[3], const conv_problem& p) {
  const Policy& large = candidates[conv_places::large];
  if (const char* why = why_strided_conv(p, large.vector, large.c_vector)) return {conv_places::strided, why};
  const gemm_problem& q = p.product;
  if (tiles_of(large, q.m, q.n) * q.batches < peaks(p.target).multiprocessors)
    return {conv_places::small, "16-byte accesses; few tiles: smaller tiles use more SMs"};
  if (q.n <= large.block.n / 2 || q.m <= large.block.m / 2)
    return {conv_places::small, "16-byte accesses; few rows or columns: a larger tile would be half empty"};
  return {conv_places::large, "16-byte accesses"};
}

/// Returns k_parts of the large tile of a direction. Several blocks share a large tile along k only in weight
/// gradients, which have few tiles and a long k. A small tile may be shared in every direction.
constexpr int conv_k_parts(conv_direction d) { return d == conv_direction::weight_gradient ? k_parts_as_needed : 1; }

/// Rows, candidates and selector of the SIMT kernels, for elements of T.
template <class T, conv_direction Direction>
struct conv_simt_source {
  static constexpr const auto& rows = conv_simt_rows_of<T>();
  static constexpr candidate_list<gemm_simt_policy, 3> candidates(const conv_row<gemm_simt_cut>& row) {
    constexpr along a = a_layout_of(Direction), b = b_layout_of(Direction);
    return {{aligned_simt<T>(row.large, a, b, conv_k_parts(Direction)),
             aligned_simt<T>(row.small, a, b, k_parts_as_needed), strided_simt(row.strided)}};
  }
  static constexpr choice select(const conv_row<gemm_simt_cut>&, const gemm_simt_policy (&candidates)[3],
                                 const conv_problem& p) {
    return select_conv(candidates, p);
  }
};
/// Rows, candidates and selector of the kernels on tensor cores, for elements of T.
template <class T, conv_direction Direction>
struct conv_mma_sync_source {
  static constexpr const auto& rows = conv_mma_sync_rows_of<T>();
  static constexpr candidate_list<gemm_mma_sync_policy, 3> candidates(const conv_row<gemm_mma_sync_cut>& row) {
    constexpr along a = a_layout_of(Direction), b = b_layout_of(Direction);
    return {{aligned_mma_sync<T>(row.large, a, b, conv_k_parts(Direction)),
             aligned_mma_sync<T>(row.small, a, b, k_parts_as_needed), strided_mma_sync<T>(row.strided)}};
  }
  static constexpr choice select(const conv_row<gemm_mma_sync_cut>&, const gemm_mma_sync_policy (&candidates)[3],
                                 const conv_problem& p) {
    return select_conv(candidates, p);
  }
};

template <class T, conv_direction Direction>
struct conv_simt_table : policy_table<conv_simt_source<T, Direction>>, conv_places {};
template <class T, conv_direction Direction>
struct conv_mma_sync_table : policy_table<conv_mma_sync_source<T, Direction>>, conv_places {};

/// Returns null if a GEMM policy can run a convolution, otherwise the reason.
template <class Policy>
constexpr const char* misfit(const Policy& p, const conv_problem& problem) {
  if (const char* why = misfit_of_arch(p, problem.product)) return why;
  if (p.vector == 1)
    return p.c_vector > problem.product.c_vector ? "with vector = 1, c_vector must be 1 here" : nullptr;
  if (p.a != a_layout_of(problem.direction) || p.b != b_layout_of(problem.direction))
    return "the policy's a and b must be those of the direction: k and k forward, k and outer for the data gradient, "
           "outer and outer for the weight gradient";
  return why_strided_conv(problem, p.vector, p.c_vector);
}

}  // namespace tilery::inline TILERY_ABI
