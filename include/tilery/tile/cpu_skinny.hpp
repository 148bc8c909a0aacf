// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The innermost loops of the CPU GEMM for a C with few rows or few columns. The long operand is B if C has few rows,
// else A; the other operand is the short one. The loops multiply lines of the long operand, read in place, by rows of
// the short operand (a row: all k at one m or n), which is packed in the accumulation type S. A line is contiguous:
// either it is one m or n of the long operand and runs along k (multiply_lines), or it is one step of k and runs along
// the outer dimension (add_steps).
#pragma once
#pragma GCC system_header

#include <tilery/tile/cpu_copy.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// Loads the next N elements of a line, converted to S. If fewer than N are `left`, the rest of the pack is zero.
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

/// sums[row][line] += the products of `k` elements, for Rows rows of the short operand and Lines lines along k. The
/// rows are contiguous along k, and padded with zeros to whole vectors. Each sum is a vector of N partial sums, one for
/// each k modulo N: the caller adds them up after the last call.
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
        expect_read(at + 512 / sizeof(T));  // 512 bytes ahead; for a smaller T the hardware's prefetch is early enough
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

/// sums[row][i] += the products of Steps steps of k, for Rows rows of the short operand and `count` elements i of the
/// outer dimension. Each step of k is a line of the long operand. The rows of `sums` are padded to whole vectors. If
/// Prefetch is true, the call prefetches the next Steps lines: the first of several calls for the same lines does so.
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
      // The next Steps lines are mostly in other pages, to which the prefetch of the hardware does not extend.
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
