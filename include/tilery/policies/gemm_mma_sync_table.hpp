// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The candidates of the GEMM on tensor cores (gemm_mma_sync) for each element type, and the selector.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch_peaks.hpp>
#include <tilery/core/element.hpp>
#include <tilery/policies/choice.hpp>
#include <tilery/policies/gemm_mma_sync.hpp>

namespace tilery::inline TILERY_ABI {

/// True if the default gemm multiplies elements of T on tensor cores, on archs that have them. False for float, which
/// would lose 13 bits of fraction.
template <class T>
inline constexpr bool has_mma_sync = std::is_same_v<T, double> || std::is_same_v<T, tf32> || std::is_same_v<T, half> ||
                                     std::is_same_v<T, bf16> || is_fp8<T> || std::is_same_v<T, int8>;

/// The large tile for elements of T.
///
/// Evidence. bf16 on an H200 (driver 580.159, 2026-11-22, benchmarks/tune_gemm_mma_sync), speed as a ratio to the best
/// of cuBLASLt 13.1. A single number is m = n = k; NT: B is column-major.
///
///   block, warp, stages          512   1024   2048  4096 NT   8192   8192 x 768 x 768   shared memory
///   128 x 128 x 64, 64 x 64, 3   0.63         0.55  0.57      0.57   0.56                96 KiB: every arch
///   128 x 256 x 64, 64 x 64, 3   0.44         0.58  0.56      0.57   0.46               144 KiB
///   128 x 256 x 32, 64 x 64, 6   0.45         0.60  0.56      0.59   0.46               144 KiB
///   64 x 64 x 64, 32 x 32, 4     1.07   0.60        0.35      0.37   0.40                64 KiB
///
/// Two blocks of 128 x 128 on an SM are as fast as one of 128 x 256, and leave less of the last wave empty.
///
/// Other types, not measured. int8 and tf32 have warps of 64 x 32: operands that are not contiguous along k are read
/// from shared memory element by element, and 64 x 64 would spill. fp8 has blocks of 64 x 128 and warps of 32 x 32:
/// sm_90 has no mma.sync for fp8, and nvcc's replacement converts each fragment to half.
template <class T>
constexpr gemm_mma_sync_policy big_mma_sync(along a, along b) {
  constexpr int per_line = static_cast<int>(128 / sizeof(T)), vector = static_cast<int>(16 / sizeof(T));
  constexpr auto math = sizeof(T) == 4 ? multiply_as::tf32 : multiply_as::itself;
  if (sizeof(T) == 8)  // accumulators take two registers each
    return {.block = {64, 64, per_line},
            .warp = {32, 32},
            .stages = 4,
            .a = a,
            .b = b,
            .vector = vector,
            .c_vector = 2};
  return {.block = {is_fp8<T> ? 64 : 128, 128, per_line},
          .warp = is_fp8<T>        ? tile_mn{32, 32}
                  : sizeof(T) == 2 ? tile_mn{64, 64}
                                   : tile_mn{64, 32},
          .stages = is_fp8<T> ? 4 : 3,
          .a = a,
          .b = b,
          .vector = vector,
          .math = math,
          .k_parts = is_fp8<T> ? k_parts_as_needed : 1};  // others have no registers left for sharing a tile
}
/// A quarter of the large tile, for every layout of A and B: for problems with fewer large tiles than SMs.
template <class T>
constexpr gemm_mma_sync_policy small_mma_sync() {
  gemm_mma_sync_policy p = big_mma_sync<T>(along::any, along::any);
  p.block.m = p.block.n = 64, p.warp = {32, 32}, p.stages = 4, p.k_parts = k_parts_as_needed;
  return p;
}
/// The tile for a C of few rows or columns: at most 16, the rows of one instruction. A block has 64 KiB of the long
/// operand in flight; 25 KB would keep an H200's memory busy. Its shared memory fits every arch.
///
/// Evidence. bf16 on an H200 (2026-11-23), 16 x 4096 x 4096: such a tile, with 6 stages and for one layout only, took
/// 10 us with 4 blocks for each tile; the small tile took 15 us and cuBLASLt 13.5 us.
template <class T>
constexpr gemm_mma_sync_policy few_mma_sync() {
  gemm_mma_sync_policy p = small_mma_sync<T>();
  p.block.m = 16, p.block.n = 128, p.warp = {16, 32}, p.stages = 5, p.few = true, p.c_vector = 1;
  return p;
}
/// The tile for any strides and alignment: each copy is one element.
template <class T>
constexpr gemm_mma_sync_policy strided_mma_sync() {
  gemm_mma_sync_policy p = small_mma_sync<T>();
  p.vector = p.c_vector = 1, p.stages = 3;
  p.block.k /= 2;                     // with twice the chunks, a lane would spill on sm_80 to sm_89
  if (sizeof(T) == 1) p.warp.n /= 2;  // and so would twice the elements
  return p;
}

/// Candidates for elements of T: a large tile for each layout, a small tile, a tile for few rows or columns, all with
/// 16-byte copies, and a tile for any strides and alignment. Two column-major operands are the transposed problem of
/// two row-major ones. double has only the first three.
template <class T>
struct gemm_mma_sync_table {
  static constexpr gemm_mma_sync_policy candidates[6] = {
      big_mma_sync<T>(along::k, along::outer),      // A row-major, B row-major; both column-major
      big_mma_sync<T>(along::k, along::k),          // A row-major, B column-major
      big_mma_sync<T>(along::outer, along::outer),  // A column-major, B row-major
      small_mma_sync<T>(),
      few_mma_sync<T>(),
      strided_mma_sync<T>(),
  };
  static constexpr int small = 3, few = 4, strided = 5;

  /// True if one tile of the candidate for few holds all rows, or all columns, of C, and the long operand is aligned
  /// for 16-byte copies.
  static constexpr bool has_few(const gemm_problem& p) {
    return transposed_if_needed(candidates[few], p).m <= candidates[few].block.m &&
           misfit(candidates[few], p) == nullptr;
  }

  static constexpr choice choose(const gemm_problem& p) {
    if (has_few(p)) return {few, "tensor cores; few rows or columns: the long operand is read once"};
    constexpr int vector = candidates[0].vector;
    if (p.a.has_no_way() || p.b.has_no_way()) return {strided, "an operand has no contiguous dimension"};
    if (p.a.vector < vector || p.b.vector < vector) return {strided, "an operand is not aligned for 16-byte copies"};
    if (p.c_vector < candidates[0].c_vector) return {strided, "C is not aligned for stores of 16 bytes of sums"};
    if (!is_of_one_layout(p)) return {small, "tensor cores; the operands of the group lie both ways"};
    const int layout = layout_of(p) % 3;
    const gemm_mma_sync_policy &large = candidates[layout], &quarter = candidates[small];
    const gemm_problem q = transposed_if_needed(large, p);
    const std::int64_t tiles = tiles_of(large, q.m, q.n) * p.batches;
    const std::int64_t small_tiles = tiles_of(quarter, p.m, p.n) * p.batches;
    const int multiprocessors = peaks(p.target).multiprocessors;
    if (tiles < multiprocessors) return {small, "tensor cores; few tiles: smaller ones reach more multiprocessors"};
    // Elements of C on the SM with the most tiles. Each takes 1.54 times as long in a small tile, by the ratios above.
    // bf16, 3072 x 768 (2026-11-23): 144 large tiles took 78 us with k = 4096, 576 small tiles 140 us with k = 8192.
    const std::int64_t in_large = std::int64_t{pieces(tiles, multiprocessors)} * large.block.m * large.block.n;
    const std::int64_t in_small =
        std::int64_t{pieces(small_tiles, multiprocessors)} * quarter.block.m * quarter.block.n;
    if (154 * in_small < 100 * in_large)
      return {small, "tensor cores; larger tiles would be emptier, or fall less evenly, than they are fast"};
    if (layout_of(p) == 3 && !p.one_type) return {small, "two types, both column-major"};
    return {layout, "tensor cores; aligned operands: 16-byte copies"};
  }
};

template <>
struct gemm_mma_sync_table<double> {
  static constexpr gemm_mma_sync_policy candidates[3] = {big_mma_sync<double>(along::k, along::outer),
                                                         big_mma_sync<double>(along::k, along::k),
                                                         big_mma_sync<double>(along::outer, along::outer)};

  static constexpr choice choose(const gemm_problem& p) {
    return {layout_of(p) % 3, "tensor cores; aligned operands: 16-byte copies"};
  }
};

/// True if the table for T should serve the problem. False on archs without the instructions. For double also false on
/// archs whose tensor cores are no faster than their FMA units, for operands that are not aligned for packs of 2, and
/// for a group of several layouts.
template <class T, class Shape>
constexpr bool serves_mma_sync(const gemm_problem& p) {
  if (!has_features(p.target, Shape::needs)) return false;
  if constexpr (std::is_same_v<T, double>) {
    const unit_rates rates = peaks(p.target).a_clock;
    return rates.tensor_f64 > rates.fma_f64 && is_of_one_layout(p) && p.a.vector >= 2 && p.b.vector >= 2 &&
           p.c_vector >= 2;
  }
  return true;
}

/// True if tensor cores, not gemm_skinny, should serve a C of few rows or columns. This is so for 16-bit elements: 16
/// rows on tensor cores cost as much as 8 rows in gemm_skinny, and asynchronous copies need no registers.
template <class T>
constexpr bool serves_few_mma_sync(const gemm_problem& p) {
  if constexpr (sizeof(T) == 2)
    return gemm_mma_sync_table<T>::has_few(p);
  else
    return false;
}

}  // namespace tilery::inline TILERY_ABI
