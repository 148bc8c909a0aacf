// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The candidates of the GEMM on tensor cores for elements of 16 bits, and the selector.
#pragma once

#include <tilery/core/element.hpp>
#include <tilery/policies/choice.hpp>
#include <tilery/policies/gemm_mma_sync.hpp>

namespace tilery::inline TILERY_ABI {

/// Whether elements of T are multiplied on tensor cores where there are any.
template <class T>
inline constexpr bool has_mma_sync = std::is_same_v<T, half> || std::is_same_v<T, bf16>;

/// Candidates: one a layout with 16-byte copies, and one that serves any strides and alignment.
struct gemm_mma_sync_table {
  static constexpr gemm_mma_sync_policy candidates[5] = {
      {.a = along::k, .b = along::outer},      // A row-major, B row-major
      {.a = along::k, .b = along::k},          // A row-major, B column-major
      {.a = along::outer, .b = along::outer},  // A column-major, B row-major
      {.a = along::outer, .b = along::k},      // A column-major, B column-major
      {.block = {64, 64, 32}, .warp = {32, 32}, .a = along::any, .b = along::any, .vector = 1, .c_vector = 1},
  };

  static constexpr choice choose(const gemm_problem& p) {
    constexpr int strided = 4;
    if (p.a.contiguous == along::any || p.b.contiguous == along::any)
      return {strided, "an operand has no contiguous dimension"};
    if (p.a.vector < 8 || p.b.vector < 8) return {strided, "an operand is not aligned for 16-byte copies"};
    if (p.c_vector < 4) return {strided, "C is not aligned for stores of four elements"};
    const int index = (p.a.contiguous == along::k ? 0 : 2) + (p.b.contiguous == along::outer ? 0 : 1);
    return {index, "tensor cores; aligned operands: 16-byte copies"};
  }
};

}  // namespace tilery::inline TILERY_ABI
