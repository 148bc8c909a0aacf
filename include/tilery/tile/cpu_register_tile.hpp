// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The innermost loop of the CPU GEMM: it computes a tile of A B in vector registers. For each k the loop loads
// one row of B as vectors, and broadcasts one element of each row of A: rows * vectors vector multiply-adds for rows +
// vectors loads.
#pragma once
#pragma GCC system_header

#include <tilery/core/convert.hpp>
#include <tilery/simt/cpu_lane.hpp>

#include <climits>
#include <utility>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The type in which the elements of A and B are multiplied if the sums of their products are stored as S. Elements of
/// int8 (S = int32) are multiplied and their products summed as floats, which hold integers up to 2^24 exactly: vectors
/// of float are multiplied several times as fast as vectors of int32.
template <class S>
using cpu_factor = std::conditional_t<std::is_same_v<S, std::int32_t>, float, S>;
/// The largest k extent of one call of multiply_tile(). For int8 (S = int32), a float must hold each sum exactly: a
/// product of two int8 is at most 2^14 in magnitude, so that 2^10 products reach at most 2^24. For other types S the
/// products are summed in S itself, and there is no limit.
template <class S>
inline constexpr int cpu_exact_steps = std::is_same_v<S, std::int32_t> ? 1 << 10 : INT_MAX;

/// The operands of one register tile: sums = A B. The sums have the accumulation type S. Strides are in elements.
template <class S>
struct cpu_tile_operands {
  gmem_ptr<const cpu_factor<S>> a;  // (row, k), contiguous along k
  std::int64_t a_row_stride;
  gmem_ptr<const cpu_factor<S>> b;  // (k, column), contiguous along the columns
  std::int64_t b_k_stride;
  std::int32_t k;
  gmem_ptr<const cpu_factor<S>> next_a{nullptr};  // (row, k), the part of A that is multiplied next, to prefetch it
  bool has_next = false;                          // false: next_a is not prefetched
  gmem_ptr<S> sums;                               // (row, column), contiguous along the columns
  std::int64_t sums_stride;
  bool add;  // true: add to the values in `sums`; false: overwrite them unread
};

/// Prefetches the cache line of an element that will be read and written, into all cache levels.
template <class S>
void prefetch(gmem_ptr<S> p) {
  __builtin_prefetch(p.raw(), 1);
}

/// Prefetches the cache line of an element that will be read, into the L2 cache. It does not prefetch into the L1
/// cache, where rows whose distance is a multiple of 4 KiB would evict each other. The element may be out of the bounds
/// of the operand.
template <class S>
void prefetch_read(gmem_ptr<const S> p) {
  __builtin_prefetch(p.raw(), 0, 2);
}

/// sums = A B, or sums += A B if t.add. The tile has Rows rows and Vectors vectors of Lanes columns each. t.k must be
/// at most cpu_exact_steps<S>.
template <class S, int Lanes, int Rows, int Vectors>
void multiply_tile(const cpu_tile_operands<S>& t) {
  using factor = cpu_factor<S>;
  constexpr cpu_lane lane({0, 0, 0}, {1, 1, 1});
  pack<factor, Lanes> sums[Rows][Vectors];
  TILERY_UNROLL
  for (int i = 0; i < Rows; ++i) {
    TILERY_UNROLL
    for (int v = 0; v < Vectors; ++v) sums[i][v] = splat<Lanes>(factor(0));
  }
  gmem_ptr<const factor> a = t.a, b = t.b;
  const std::int64_t a_row_stride = t.a_row_stride, b_k_stride = t.b_k_stride, out_stride = t.sums_stride;
  const gmem_ptr<S> out = t.sums;
  const bool add = t.add;

  // The outer k loop advances by one cache line (64 bytes) of each row of A. If has_next is true, each iteration
  // prefetches one cache line of each of Rows rows of next_a: the hardware's prefetch does not follow all these rows
  // early enough. Measured (m x n x k; float, AVX2, Zen 4, one thread, 2026-11-30): 4096 x 16 x 4096 has 56 GFLOP/s
  // without this prefetch and 79 with it; 4096 x 64 x 4096 has 84 and 100. If t.add is true, the last iteration first
  // prefetches the old sums: early enough to arrive, too late to be evicted by B.
  constexpr std::int32_t line = 64 / sizeof(factor);
  gmem_ptr<const factor> next_a = t.next_a;
  const bool has_next = t.has_next;
  for (std::int32_t left = t.k; left > 0; left -= line) {
    if (has_next)
      for (int i = 0; i < Rows; ++i) prefetch_read(next_a + i * a_row_stride);
    if (add && left <= line)
      for (int i = 0; i < Rows; ++i)
        for (int v = 0; v < Vectors; ++v) prefetch(out + (i * out_stride + v * Lanes));
    next_a = next_a + line;
    for (std::int32_t k = left < line ? left : line; k > 0; --k) {
      pack<factor, Lanes> b_row[Vectors];
      TILERY_UNROLL
      for (int v = 0; v < Vectors; ++v) b_row[v] = lane.load(b + v * Lanes, width<Lanes>);
      TILERY_UNROLL
      for (int i = 0; i < Rows; ++i) {
        const auto a_value = splat<Lanes>(lane.load(a + i * a_row_stride));
        TILERY_UNROLL
        for (int v = 0; v < Vectors; ++v) sums[i][v] = fma(a_value, b_row[v], sums[i][v]);
      }
      a = a + 1;
      b = b + b_k_stride;
    }
  }

  TILERY_UNROLL
  for (int i = 0; i < Rows; ++i) {
    TILERY_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      const auto to = out + (i * out_stride + v * Lanes);
      auto sum = convert<S>(sums[i][v]);
      if (add) sum = lane.load(to, width<Lanes>) + sum;
      lane.store(to, sum);
    }
  }
}

/// Calls the function above for a tile of `rows` rows (1 to Rows) and `vectors` vectors (1 to Vectors), which are known
/// at run time only: a table holds one instance for each pair.
template <class S, int Lanes, int Rows, int Vectors>
void multiply_tile(int rows, int vectors, const cpu_tile_operands<S>& t) {
  static constexpr auto all = []<int... Index>(std::integer_sequence<int, Index...>) {
    using function = void (*)(const cpu_tile_operands<S>&);
    struct table {
      function of[sizeof...(Index)];
    };
    return table{{multiply_tile<S, Lanes, Index / Vectors + 1, Index % Vectors + 1>...}};
  }
  (std::make_integer_sequence<int, Rows * Vectors>{});
  all.of[(rows - 1) * Vectors + vectors - 1](t);
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
