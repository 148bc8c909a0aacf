// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The candidates of the GEMM on tensor cores for each element type, and the selector.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch_peaks.hpp>
#include <tilery/core/element.hpp>
#include <tilery/policies/choice.hpp>
#include <tilery/policies/gemm_mma_sync.hpp>

namespace tilery::inline TILERY_ABI {

/// Whether elements of T are multiplied on tensor cores where there are any. float is not: it would lose 13 bits.
template <class T>
inline constexpr bool has_mma_sync = std::is_same_v<T, double> || std::is_same_v<T, tf32> || std::is_same_v<T, half> ||
                                     std::is_same_v<T, bf16> || is_fp8<T> || std::is_same_v<T, int8>;

/// bf16 on an H200 (driver 580.159, 2026-11-22, benchmarks/tune_gemm_mma_sync), ratio to the best of cuBLASLt 13.1:
///
///   block, warp, stages          512   1024   2048  4096 NT   8192   8192 x 768 x 768   shared memory
///   128 x 128 x 64, 64 x 64, 3   0.63         0.55  0.57      0.57   0.56                96 KiB: every arch
///   128 x 256 x 64, 64 x 64, 3   0.44         0.58  0.56      0.57   0.46               144 KiB
///   128 x 256 x 32, 64 x 64, 6   0.45         0.60  0.56      0.59   0.46               144 KiB
///   64 x 64 x 64, 32 x 32, 4     1.07   0.60        0.35      0.37   0.40                64 KiB
///
/// Two blocks of 128 x 128 a multiprocessor are as fast as one of 128 x 256, and leave less of the last wave empty.
/// Elements of 1 and 4 bytes, not yet measured, have warps of half the tile: they are read element by element where
/// they lie along the outer dimension, and 64 x 64 would spill. fp8 has half the block, too: sm_90 has no instruction
/// for it, and what nvcc writes in its place converts each fragment to half.
template <class T>
constexpr gemm_mma_sync_policy big_mma_sync(along a, along b) {
  constexpr int per_line = static_cast<int>(128 / sizeof(T)), vector = static_cast<int>(16 / sizeof(T));
  constexpr auto math = sizeof(T) == 4 ? multiply_as::tf32 : multiply_as::itself;
  if (sizeof(T) == 8)  // sums are twice as wide
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
          .k_parts = is_fp8<T> ? k_parts_as_needed : 1};  // the others' sums leave no registers for more
}
/// A quarter of the tile, whichever way A and B lie: for problems that would leave multiprocessors without one.
template <class T>
constexpr gemm_mma_sync_policy small_mma_sync() {
  gemm_mma_sync_policy p = big_mma_sync<T>(along::any, along::any);
  p.block.m = p.block.n = 64, p.warp = {32, 32}, p.stages = 4, p.k_parts = k_parts_as_needed;
  return p;
}
/// For few rows or columns: 16, as many as an instruction has. The long operand fills the ring: a block has 64 KB of it
/// under way, where 25 KB would keep an H200's memory busy, and every arch has room for one. bf16 on an H200
/// (2026-11-23), 16 x 4096 x 4096: such a tile, of 6 stages and for one layout alone, took 10 us with 4 blocks a tile
/// where the small one took 15 and cuBLASLt 13.5.
template <class T>
constexpr gemm_mma_sync_policy few_mma_sync() {
  gemm_mma_sync_policy p = small_mma_sync<T>();
  p.block.m = 16, p.block.n = 128, p.warp = {16, 32}, p.stages = 5, p.few = true, p.c_vector = 1;
  return p;
}
/// Any strides and alignment, an element at a time.
template <class T>
constexpr gemm_mma_sync_policy strided_mma_sync() {
  gemm_mma_sync_policy p = small_mma_sync<T>();
  p.vector = p.c_vector = 1, p.stages = 3;
  p.block.k /= 2;                     // twice the chunks of a lane would spill on sm_80 to sm_89
  if (sizeof(T) == 1) p.warp.n /= 2;  // as would twice the elements
  return p;
}

/// Candidates: with 16-byte copies a large one a layout, where both operands column-major are the transpose of both
/// row-major, a small one, and one for few rows or columns; and one that serves any strides and alignment. double has
/// the first three alone.
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

  /// Whether all rows, or all columns, lie within one tile of the candidate for few, and the long operand's copies are
  /// aligned.
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
    // What a multiprocessor with the most tiles does. A small tile's multiply-adds take 1.54 times as long, by the
    // ratios above. bf16, 3072 x 768 (2026-11-23): 144 large tiles took 78 us for a k of 4096, 576 small ones 140 us
    // for a k of 8192.
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

/// Whether the table for T has a candidate for this problem that is worth it: archs without its instructions, or whose
/// tensor cores are no faster at double than their other units, have none.
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

/// Whether few rows or columns of elements of T, 16 bits wide, are for tensor cores rather than for the kernel without
/// them: one instruction does for 16 rows what 8 rows cost there, and copies need no registers.
template <class T>
constexpr bool serves_few_mma_sync(const gemm_problem& p) {
  if constexpr (sizeof(T) == 2)
    return gemm_mma_sync_table<T>::has_few(p);
  else
    return false;
}

}  // namespace tilery::inline TILERY_ABI
