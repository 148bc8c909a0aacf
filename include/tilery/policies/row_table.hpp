// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tables of the kernels that reduce along rows (softmax, cross-entropy), one for GPUs and one for the CPU: how
// blocks and lanes share the rows of a matrix, by element type and arch, with the evidence (where the numbers come
// from), and the selectors. A pass is one loop over the elements of a matrix row. To tune a GPU, add a row to the array
// of the element type (policy_table.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/element.hpp>
#include <tilery/policies/policy_table.hpp>
#include <tilery/policies/row.hpp>

namespace tilery::inline TILERY_ABI {

/// How a block's lanes share the rows of a matrix.
struct row_cut {
  int threads;    // threads of a block
  int lanes;      // lanes of the block that share a row
  int held;       // packs that a lane keeps in registers; 0: each pass reads the row from memory
  int ahead = 1;  // if held is 0: packs that a lane has in flight
};

/// A row of the GPU's table: how lanes share rows in five kernels, from the arch `from` on. The kernels with packs need
/// operands whose 16-byte aligned addresses are at the same columns. "short", "medium": rows that are kept in
/// registers.
struct row_kernel_row {
  arch from;
  row_cut any_short;     // single elements, any strides: a warp for each row
  row_cut short_row;     // 16-byte packs: a warp for each row
  row_cut medium;        // 16-byte packs: a block for each row
  row_cut streamed;      // 16-byte packs: a block for each row, of any length; each pass reads the row from memory
  row_cut any_streamed;  // single elements, any strides: otherwise as `streamed`
  bool hardware_exp;     // compute e^x by the GPU's own instruction (row_policy::hardware_exp)
  evidence measured;
};

/// The evidence of all rows. Sizes are computed from the registers of a lane and the bytes that an SM needs in flight.
/// In `streamed`, a thread has 80 registers, in which its loads in flight fit: one block of 768 threads, and so one
/// row, at once on an SM. So on an H200 (132 SMs, 50 MiB of L2 cache) the second pass finds rows of up to about 390 KB
/// in the L2 cache.
///
/// Evidence. short_row and medium were measured on an H200 (driver 580.159.04, 2026-11-23, benchmarks/run.sh --run
/// softmax_gpu) in a version that served rows of whole packs only. Time of a copy of the matrix divided by that of
/// softmax, 8192 x 1024 and 1024 x 8192: float 0.87 and 0.80, bf16 0.71 and 0.68.
inline constexpr evidence rows_not_measured =
    not_measured("computed from registers and bytes in flight; earlier versions were measured on an H200");

inline constexpr row_kernel_row row_f64_rows[] = {
    {.from = arch::sm_75,
     .any_short = {128, 32, 8},
     .short_row = {128, 32, 16},
     .medium = {256, 256, 16},
     .streamed = {768, 768, 0, 2},
     .any_streamed = {256, 256, 0, 8},
     .hardware_exp = false,
     .measured = rows_not_measured},
};
inline constexpr row_kernel_row row_f32_rows[] = {
    {.from = arch::sm_75,
     .any_short = {128, 32, 8},
     .short_row = {128, 32, 8},
     .medium = {256, 256, 8},
     .streamed = {768, 768, 0, 4},
     .any_streamed = {256, 256, 0, 8},
     .hardware_exp = false,
     .measured = rows_not_measured},
};
/// 16-bit elements use the GPU's own instruction for e^x: their loads take half the time of float's, and computing e^x
/// by a polynomial, as for float, would take longer than the loads.
inline constexpr row_kernel_row row_16_bit_rows[] = {
    {.from = arch::sm_75,
     .any_short = {128, 32, 8},
     .short_row = {128, 32, 4},
     .medium = {256, 256, 4},
     .streamed = {768, 768, 0, 2},
     .any_streamed = {256, 256, 0, 8},
     .hardware_exp = true,
     .measured = rows_not_measured},
};

template <class T>
constexpr const auto& row_rows_of() {
  if constexpr (sizeof(T) == 8)
    return row_f64_rows;
  else if constexpr (sizeof(T) == 4)
    return row_f32_rows;
  else
    return row_16_bit_rows;
}

/// Rows, candidates and selector for elements of T on a GPU.
template <class T>
struct row_rows_gpu {
  static constexpr const auto& rows = row_rows_of<T>();
  static constexpr int vector = static_cast<int>(16 / sizeof(T));

  static constexpr row_policy with(const row_cut& cut, int elements, bool hardware_exp) {
    return {.threads = cut.threads,
            .lanes_a_row = cut.lanes,
            .rows = cut.threads / cut.lanes,
            .vector = elements,
            .held = cut.held,
            .ahead = cut.ahead,
            .hardware_exp = hardware_exp};
  }
  static constexpr candidate_list<row_policy, 5> candidates(const row_kernel_row& row) {
    return {{with(row.any_short, 1, row.hardware_exp), with(row.short_row, vector, row.hardware_exp),
             with(row.medium, vector, row.hardware_exp), with(row.streamed, vector, row.hardware_exp),
             with(row.any_streamed, 1, row.hardware_exp)}};
  }
  static constexpr choice select(const row_kernel_row&, const row_policy (&candidates)[5], const row_problem& p) {
    if (p.columns <= 32) return {0, "a lane of a warp has one element"};
    if (p.vector < vector) {
      if (p.columns <= candidates[0].capacity())
        return {0, "short rows, operands not contiguous or not aligned alike: a warp keeps a row in registers"};
      return {4, "operands not contiguous or not aligned alike: single elements, each row read once a pass"};
    }
    if (p.columns <= candidates[1].capacity()) return {1, "short rows: a warp keeps a row in registers"};
    if (p.columns <= candidates[2].capacity()) return {2, "a block keeps the row in registers: it is read once"};
    return {3, "rows longer than a block's registers: read once a pass"};
  }
};

/// A row of the CPU's table. A row of the matrix is "kept" if the kernel keeps its elements on the stack between the
/// passes.
struct row_cpu_row {
  arch from;
  int rows;        // matrix rows of a block, if they are short enough to be kept
  int kept_bytes;  // bytes, in the accumulation type, of the longest matrix row that is kept
  evidence measured;
};
inline constexpr row_cpu_row row_cpu_rows[] = {
    {.from = arch::cpu,
     .rows = 8,
     .kept_bytes = 256 << 10,
     .measured = not_measured("estimated: a kept row is on the stack, and stays in the L2 cache")},
};

/// Row, candidates and selector for elements of T on the CPU: a pack is one vector register of the accumulation type.
/// A row that is kept needs one exponential for each element. A longer row is read twice, and softmax and the gradient
/// of cross-entropy then need two exponentials for each element.
template <class T>
struct row_rows_cpu {
  static constexpr const auto& rows = row_cpu_rows;
  static constexpr int vector = static_cast<int>(vector_bytes() / sizeof(accumulator_t<T>));

  static constexpr candidate_list<row_policy, 3> candidates(const row_cpu_row& row) {
    const int held = row.kept_bytes / vector_bytes();
    return {{{.threads = 1, .lanes_a_row = 1, .rows = row.rows, .vector = vector, .held = held},
             {.threads = 1, .lanes_a_row = 1, .rows = 1, .vector = vector, .held = 0},
             {.threads = 1, .lanes_a_row = 1, .rows = 1, .vector = 1, .held = 0}}};
  }
  static constexpr choice select(const row_cpu_row&, const row_policy (&candidates)[3], const row_problem& p) {
    if (!p.contiguous) return {2, "columns are not contiguous: single elements"};
    if (p.columns <= candidates[0].capacity()) return {0, "the row stays in the L2 cache between the passes"};
    return {1, "rows longer than the L2 cache: read once a pass"};
  }
};

template <class T>
struct row_table_gpu : policy_table<row_rows_gpu<T>> {};
template <class T>
struct row_table_cpu : policy_table<row_rows_cpu<T>> {};

}  // namespace tilery::inline TILERY_ABI
