// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Two innermost loops of the CPU GEMM for a C with few rows or few columns (kernels/gemm/cpu_skinny.hpp has a third
// one, in register tiles). The long operand is B if C has few rows, else A; the other operand is the short one. The
// outer dimension of A is m, that of B is n.
//
// A row of the short operand is all its elements along k at one index of its outer dimension; the rows are packed in
// the accumulation type S. A line is a contiguous part of the long operand, read in place. For multiply_lines() a line
// runs along k, at one index of the outer dimension. For add_steps() a line runs along the outer dimension, at one k.
// Strides are in elements.
#pragma once
#pragma GCC system_header

#include <tilery/tile/cpu_copy.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// Loads the next N elements of a line, converted to S. `left` is the number of elements up to the line's end; if it is
/// less than N, the rest of the pack is zero.
template <class S, int N, class T>
pack<S, N> line_vector(cpu_lane lane, gmem_ptr<const T> from, int left) {
  return left >= N ? convert<S>(lane.load(from, width<N>)) : load_some<S, N>(lane, from, 1, left);
}

/// Prefetches the cache line of an element that will be read soon, into all cache levels. The element may be out of the
/// operand's bounds.
template <class T>
void expect_read(gmem_ptr<const T> p) {
  __builtin_prefetch(p.raw(), 0);
}

/// sums[row][line] += row * line (the scalar product of `k` elements), for Rows rows of the short operand and Lines
/// lines along k. The rows are contiguous along k, and padded with zeros to whole vectors. Each sum is a vector of N
/// partial sums, one for each remainder of k modulo N: the caller adds up the N partial sums after the last call.
/// sums_pitch is the number of vectors from one row of `sums` to the next.
template <int N, int Rows, int Lines, class S, class T>
void multiply_lines(gmem_ptr<const S> rows, std::int64_t row_pitch, gmem_ptr<const T> lines, std::int64_t line_stride,
                    int k, pack<S, N>* sums, int sums_pitch) {
  constexpr cpu_lane lane({0, 0, 0}, {1, 1, 1});
  pack<S, N> sum[Rows][Lines];
  TILERY_UNROLL
  for (int r = 0; r < Rows; ++r) {
    TILERY_UNROLL
    for (int l = 0; l < Lines; ++l) sum[r][l] = splat<N>(S(0));
  }
  for (int i = 0; i < k; i += N) {
    pack<S, N> line[Lines];
    TILERY_UNROLL
    for (int l = 0; l < Lines; ++l) {
      const auto at = lines + (l * line_stride + i);
      if constexpr (sizeof(T) >= 4)
        expect_read(at +
                    512 / sizeof(T));  // 512 bytes further; for a smaller T the hardware's prefetch is early enough
      line[l] = line_vector<S, N>(lane, at, k - i);
    }
    TILERY_UNROLL
    for (int r = 0; r < Rows; ++r) {
      const auto row = lane.load(rows + (r * row_pitch + i), width<N>);
      TILERY_UNROLL
      for (int l = 0; l < Lines; ++l) sum[r][l] = fma(row, line[l], sum[r][l]);
    }
  }
  TILERY_UNROLL
  for (int r = 0; r < Rows; ++r) {
    TILERY_UNROLL
    for (int l = 0; l < Lines; ++l) sums[r * sums_pitch + l] = sums[r * sums_pitch + l] + sum[r][l];
  }
}

/// sums[row][i] += the sum over s < Steps of rows[row][s] * lines[s][i], for Rows rows of the short operand and for
/// each i < `count`. rows[row][s] and line s belong to the same k; the Steps lines have successive k. The rows of
/// `sums` are padded to whole vectors, and sums_pitch elements apart. If Prefetch is true, the call prefetches the next
/// Steps lines. If several calls read the same lines (for different rows), only the first call should do so.
template <int N, int Rows, int Steps, bool Prefetch, class S, class T>
void add_steps(gmem_ptr<const S> rows, std::int64_t row_pitch, gmem_ptr<const T> lines, std::int64_t line_stride,
               int count, gmem_ptr<S> sums, int sums_pitch) {
  constexpr cpu_lane lane({0, 0, 0}, {1, 1, 1});
  pack<S, N> factor[Rows][Steps];
  TILERY_UNROLL
  for (int r = 0; r < Rows; ++r) {
    TILERY_UNROLL
    for (int s = 0; s < Steps; ++s) factor[r][s] = splat<N>(lane.load(rows + (r * row_pitch + s)));
  }
  for (int i = 0; i < count; i += N) {
    pack<S, N> line[Steps];
    TILERY_UNROLL
    for (int s = 0; s < Steps; ++s) {
      const auto at = lines + (s * line_stride + i);
      // The next Steps lines are mostly in other memory pages, to which the hardware's prefetch does not extend.
      if constexpr (Prefetch) expect_read(at + Steps * line_stride);
      line[s] = line_vector<S, N>(lane, at, count - i);
    }
    TILERY_UNROLL
    for (int r = 0; r < Rows; ++r) {
      const auto at = sums + (r * sums_pitch + i);
      auto sum = lane.load(at, width<N>);
      TILERY_UNROLL
      for (int s = 0; s < Steps; ++s) sum = fma(line[s], factor[r][s], sum);
      lane.store(at, sum);
    }
  }
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
