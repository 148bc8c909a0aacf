// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a GEMM's selectors may know of a problem: shape, strides, alignment. All of it is known only at run time.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>
#include <tilery/core/extent.hpp>
#include <tilery/core/view.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI {

/// Which way neighbouring elements of an operand lie: along k, along its outer dimension (m of A, n of B), or neither.
enum class along : int { k, outer, any };

/// Extents of a tile of a GEMM.
struct tile_mnk {
  int m, n, k;
};
struct tile_mn {
  int m, n;
};

/// Extents of a block's tile in a C of m x n; with `m_is_longer_side` block.m goes along the longer side of C.
TILERY_SIMT constexpr tile_mn tile_extents(tile_mnk block, bool m_is_longer_side, int m, int n) {
  return m_is_longer_side && m < n ? tile_mn{block.n, block.m} : tile_mn{block.m, block.n};
}

/// One operand of A (m x k) or B (k x n), as its outer dimension and k.
struct gemm_operand_shape {
  along contiguous = along::any;
  int vector = 1;  // the widest pack, in elements, that every row of packs is aligned for (a power of two, up to
                   // 16 bytes)
  bool both_ways = false;  // members of a group lie along k and along the outer dimension; `contiguous` is any then

  constexpr bool has_no_way() const { return contiguous == along::any && !both_ways; }
  /// Whether a policy's copies of packs, which are `along` this way, or look the way up, find it so.
  constexpr bool lies(along wanted) const { return wanted == along::any ? !has_no_way() : contiguous == wanted; }
};

/// The same operand of two members of a group.
constexpr gemm_operand_shape joined(const gemm_operand_shape& a, const gemm_operand_shape& b) {
  const int vector = a.vector < b.vector ? a.vector : b.vector;
  if (a.has_no_way() || b.has_no_way()) return {along::any, 1};
  if (a.contiguous == b.contiguous && !a.both_ways) return {a.contiguous, vector};
  return {along::any, vector, true};
}

/// C (m x n) = A (m x k) B (k x n).
struct gemm_problem {
  int m = 0, n = 0, k = 0;
  gemm_operand_shape a, b;
  int c_vector = 1;  // packs along n
  arch target = arch::sm_75;
  int batches = 1;          // problems of this shape
  bool one_type = true;     // A's elements are B's type
  bool alike = true;        // not a group, whose members lie within these extents
  const char* op = "gemm";  // the op that was called, for refusals
};

/// Whether a policy for one layout serves the problem's operands: all of a group lie alike.
constexpr bool is_of_one_layout(const gemm_problem& p) { return !p.a.both_ways && !p.b.both_ways; }

/// NN 0, NT 1, TN 2, TT 3, of contiguous operands.
constexpr int layout_of(const gemm_problem& p) {
  return (p.a.contiguous == along::k ? 0 : 2) + (p.b.contiguous == along::outer ? 0 : 1);
}

/// C^T = B^T A^T, the problem whose A is the other's B.
constexpr gemm_problem transposed(gemm_problem p) {
  const gemm_operand_shape a = p.a;
  const int m = p.m;
  p.a = p.b, p.b = a, p.m = p.n, p.n = m;
  return p;
}

/// Whether a policy's kernel computes C's transpose: a policy for row-major A and B serves them column-major, too, for
/// their transposes are row-major, and one for few rows serves few columns. The tiles are transposed as they are
/// stored.
template <class Policy>
constexpr bool is_transposed(const Policy& p, const gemm_problem& problem) {
  if constexpr (requires { p.few; })
    if (p.few) return problem.one_type && problem.n < problem.m;
  if constexpr (requires { p.may_transpose(); })
    return p.may_transpose() && problem.one_type && problem.a.contiguous == along::outer &&
           problem.b.contiguous == along::k;
  else
    return false;
}

/// The problem as a policy's kernel computes it.
template <class Policy>
constexpr gemm_problem transposed_if_needed(const Policy& p, const gemm_problem& problem) {
  return is_transposed(p, problem) ? transposed(problem) : problem;
}

/// Tiles of a policy in a C of m x n.
template <class Policy>
constexpr std::int64_t tiles_of(const Policy& p, int m, int n) {
  const tile_mn cut = tile_extents(p.block, p.m_is_longer_side, m, n);
  return std::int64_t{pieces(m, cut.m)} * pieces(n, cut.n);
}

/// The widest pack of elements of T that every pack of a matrix is aligned for, along the dimension with stride 1.
template <class T>
constexpr int common_vector(const T* pointer, std::int64_t contiguous_extent, std::int64_t other_extent,
                            std::int64_t other_stride) {
  int vector = static_cast<int>(16 / sizeof(T));
  const auto fits = [&](int v) {
    return reinterpret_cast<std::uintptr_t>(pointer) % (v * sizeof(T)) == 0 && contiguous_extent % v == 0 &&
           (other_extent <= 1 || other_stride % v == 0);
  };
  while (vector > 1 && !fits(vector)) vector /= 2;
  return vector;
}

/// The shape of an operand with these two dimensions.
template <class T>
constexpr gemm_operand_shape operand_shape(const T* pointer, int outer, std::int64_t outer_stride, int k,
                                           std::int64_t k_stride) {
  if (k_stride == 1 || k == 1) {
    const int vector = k_stride == 1 ? common_vector(pointer, k, outer, outer_stride) : 1;
    if (outer_stride != 1 || vector > 1) return {along::k, vector};
  }
  if (outer_stride == 1 || outer == 1) return {along::outer, common_vector(pointer, outer, k, k_stride)};
  return {along::any, 1};
}

}  // namespace tilery::inline TILERY_ABI
