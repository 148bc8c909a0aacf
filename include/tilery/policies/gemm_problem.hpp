// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A GEMM as its selectors see it: shape, layout, alignment and device. All of this is known only at run time. A group
// is a grouped GEMM: several GEMMs, its members, which may differ in shape and layout. One gemm_problem describes all
// of them.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>
#include <tilery/core/extent.hpp>
#include <tilery/core/view.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI {

/// The contiguous dimension of an operand: k, or the outer dimension (m of A, n of B). `any` in a problem: neither
/// dimension is contiguous, or the members of a group have different layouts. `any` in a policy: the policy serves both
/// layouts, and with vector = 1 also an operand of which neither dimension is contiguous.
enum class along : int { k, outer, any };

/// Extents of a tile of a GEMM, in elements.
struct tile_mnk {
  int m, n, k;
  friend constexpr bool operator==(const tile_mnk&, const tile_mnk&) = default;
};
struct tile_mn {
  int m, n;
  friend constexpr bool operator==(const tile_mn&, const tile_mn&) = default;
};

/// Extents of a block's tile in a C of m x n. With `m_is_longer_side`, block.m goes along C's longer dimension,
/// otherwise along m.
TILERY_SIMT constexpr tile_mn tile_extents(tile_mnk block, bool m_is_longer_side, int m, int n) {
  return m_is_longer_side && m < n ? tile_mn{block.n, block.m} : tile_mn{block.m, block.n};
}

/// Layout and alignment of A (m x k) or B (k x n). An operand has two dimensions: k and its outer one.
struct gemm_operand_shape {
  along contiguous = along::any;
  int vector = 1;  // elements of the widest pack (access) for which all packs are whole and aligned: at most 16 bytes
  bool mixed_layouts = false;  // some members of a group are contiguous along k, others along the outer dimension;
                               // `contiguous` is any then

  /// True if neither dimension is contiguous (in at least one member of a group).
  constexpr bool is_strided() const { return contiguous == along::any && !mixed_layouts; }
  /// True if a policy that copies packs along `wanted` can read the operand. A policy with `any` looks up the layout at
  /// run time: it can read every operand that has a contiguous dimension.
  constexpr bool has_packs_along(along wanted) const {
    return wanted == along::any ? !is_strided() : contiguous == wanted;
  }
};

/// Returns the layout and alignment that describe `a` and `b`, the same operand in two members of a group: the smaller
/// alignment, and the common layout, if there is one.
constexpr gemm_operand_shape joined(const gemm_operand_shape& a, const gemm_operand_shape& b) {
  const int vector = a.vector < b.vector ? a.vector : b.vector;
  if (a.is_strided() || b.is_strided()) return {along::any, 1};
  if (a.contiguous == b.contiguous && !a.mixed_layouts) return {a.contiguous, vector};
  return {along::any, vector, true};
}

/// C (m x n) = A (m x k) B (k x n).
struct gemm_problem {
  int m = 0, n = 0, k = 0;
  gemm_operand_shape a, b;
  int c_vector = 1;  // elements of the widest pack along n, at most 16 bytes, for which C is aligned
  arch target = arch::sm_75;
  int batches = 1;          // number of GEMMs of this shape; for a group: number of members whose C is not empty
  bool one_type = true;     // A and B have the same element type
  bool alike = true;        // false for a group: m, n and k are then upper bounds of its members' extents
  int taps = 1;             // of a convolution: the k loop has k elements for each tap
  const char* op = "gemm";  // name of the op for error messages
};

/// False if A or B is contiguous along k in one member of a group and along the outer dimension in another member: no
/// policy for one layout can then serve the group. (True also if an operand has no contiguous dimension.)
constexpr bool is_of_one_layout(const gemm_problem& p) { return !p.a.mixed_layouts && !p.b.mixed_layouts; }

/// Returns the number of the layout of contiguous operands: NN 0, NT 1, TN 2, TT 3 (the first letter for A, the second
/// for B; N row-major, T column-major).
constexpr int layout_of(const gemm_problem& p) {
  return (p.a.contiguous == along::k ? 0 : 2) + (p.b.contiguous == along::outer ? 0 : 1);
}

/// Returns the transposed problem C^T = B^T A^T: its A is B^T, and its B is A^T.
constexpr gemm_problem transposed(gemm_problem p) {
  const gemm_operand_shape a = p.a;
  const int m = p.m;
  p.a = p.b, p.b = a, p.m = p.n, p.n = m;
  return p;
}

/// True if a policy's kernel computes the transposed problem C^T = B^T A^T instead of this problem. So a policy for
/// row-major A and B also serves column-major A and B, and a policy for few rows also serves few columns. The kernel
/// transposes the tiles of C^T back when it stores them.
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

/// Returns the problem that the policy's kernel computes: this problem or the transposed one.
template <class Policy>
constexpr gemm_problem transposed_if_needed(const Policy& p, const gemm_problem& problem) {
  return is_transposed(p, problem) ? transposed(problem) : problem;
}

/// Returns the number of a policy's tiles in a C of m x n.
template <class Policy>
constexpr std::int64_t tiles_of(const Policy& p, int m, int n) {
  const tile_mn cut = tile_extents(p.block, p.m_is_longer_side, m, n);
  return std::int64_t{pieces(m, cut.m)} * pieces(n, cut.n);
}

/// Returns the number of elements of the widest pack, of at most 16 bytes along the dimension with stride 1, for which
/// all packs of a matrix are whole and aligned.
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

/// Returns layout and alignment of an operand with these extents and strides. A dimension counts as contiguous if its
/// stride or its extent is 1. If both dimensions do, the layout is k, unless the outer stride is 1 and the widest pack
/// along k has only 1 element.
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
