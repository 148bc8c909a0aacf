// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tables of the pixel kernels (pooling, upsampling, padding), one for GPUs and one for the CPU: the extents of a
// block by arch, with their evidence, and the selectors. To tune a GPU, add a row to pixel_gpu_rows (policy_table.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/element.hpp>
#include <tilery/policies/pixel.hpp>
#include <tilery/policies/policy_table.hpp>

namespace tilery::inline TILERY_ABI {

/// A row of the tables: the extents of a block (pixel.hpp), for all element types, from the arch `from` on.
struct pixel_row {
  arch from;
  int threads;
  int packs;   // on the CPU: packs of a pixel that are computed at once
  int pixels;  // on the CPU: pixels of a block
  evidence measured;
};

inline constexpr pixel_row pixel_gpu_rows[] = {
    {.from = arch::sm_75,
     .threads = 256,
     .packs = 1,
     .pixels = 1,
     .measured = not_measured(
         "estimated: 768 threads of 80 registers fit an SM; each has one 16-byte load in flight, or several "
         "where nvcc unrolls the loop over the taps")},
};
inline constexpr pixel_row pixel_cpu_rows[] = {
    {.from = arch::cpu,
     .threads = 1,
     .packs = 4,
     .pixels = 64,
     .measured = not_measured("estimated: four maxima and their indices fit 16 vector registers")},
};

/// Rows, candidates and selector on a GPU: a pack is 16 bytes of T.
template <class T>
struct pixel_rows_gpu {
  static constexpr const auto& rows = pixel_gpu_rows;
  static constexpr int vector = static_cast<int>(16 / sizeof(T));

  static constexpr candidate_list<pixel_policy, 2> candidates(const pixel_row& row) {
    return {{{.threads = row.threads, .vector = vector}, {.threads = row.threads, .vector = 1}}};
  }
  static constexpr choice select(const pixel_row&, const pixel_policy (&)[2], const pixel_problem& p) {
    if (p.contiguous && p.vector >= vector) return {0, "aligned channels: 16-byte accesses"};
    return {1, "channels not contiguous, not aligned or not whole packs: single elements"};
  }
};

/// Rows, candidates and selector on the CPU: a pack is one vector register of the accumulation type.
template <class T>
struct pixel_rows_cpu {
  static constexpr const auto& rows = pixel_cpu_rows;
  static constexpr int vector = static_cast<int>(vector_bytes() / sizeof(accumulator_t<T>));

  static constexpr candidate_list<pixel_policy, 2> candidates(const pixel_row& row) {
    return {{{.threads = 1, .vector = vector, .packs = row.packs, .pixels = row.pixels},
             {.threads = 1, .vector = 1, .packs = 1, .pixels = row.pixels}}};
  }
  static constexpr choice select(const pixel_row&, const pixel_policy (&)[2], const pixel_problem& p) {
    if (p.contiguous) return {0, "contiguous channels: whole vector registers"};
    return {1, "channels not contiguous: single elements"};
  }
};

template <class T>
struct pixel_table_gpu : policy_table<pixel_rows_gpu<T>> {};
template <class T>
struct pixel_table_cpu : policy_table<pixel_rows_cpu<T>> {};

}  // namespace tilery::inline TILERY_ABI
