// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The policy of the kernels that reduce along rows (softmax, cross-entropy), its rules, its candidates and the
// selector. A group of lanes shares a row: a warp, a whole block, or the only lane of a block on the CPU.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>
#include <tilery/core/element.hpp>
#include <tilery/core/error.hpp>
#include <tilery/policies/choice.hpp>

namespace tilery::inline TILERY_ABI {

/// How a row kernel cuts a matrix.
struct row_policy {
  int threads = 128;          // threads of a block
  int lanes_a_row = 32;       // lanes that share a row: a warp, or the whole block; 1 on the CPU
  int rows = 4;               // rows of a block
  int vector = 4;             // elements of one access; 1 serves any strides and alignment
  int held = 4;               // packs that a lane keeps between the passes; 0: each pass reads the row from memory
  int ahead = 1;              // loads in flight: packs that a lane reads before it uses the first one, if held is 0
  bool hardware_exp = false;  // e^x by the GPU's own instruction (math::hardware_exp), for float
  arch lowest = arch::sm_75;
  host_isa isa = native_isa;

  /// Elements of the longest row that a group of lanes can keep.
  constexpr int capacity() const { return lanes_a_row * vector * held; }
  constexpr int warps() const { return threads / 32; }
};

// Compilers quote the line of a call, and the sentence must stand on it.
// clang-format off
/// Returns the sentence of the first rule that the policy breaks, or null.
constexpr const char* broken_rule(const row_policy& p, when_broken how = when_broken::say) {
  if (p.vector < 1 || (p.vector & (p.vector - 1)))
    return broken("row_policy.vector must be a power of two, because an access is one pack", how);
  if (p.held < 0 || p.rows < 1) return broken("row_policy.held must not be negative, and rows at least 1", how);
  if (p.ahead < 1)
    return broken("row_policy.ahead must be at least 1, because a lane reads a pack before it uses it", how);
  if (p.lowest == arch::cpu) {
    if (p.threads != 1 || p.lanes_a_row != 1)
      return broken("row_policy.threads and lanes_a_row must be 1 on the CPU, because its blocks have one lane", how);
    return nullptr;
  }
  if (p.threads < 32 || p.threads % 32 || p.threads > 1024)
    return broken("row_policy.threads must be a multiple of 32, from 32 to 1024", how);
  if (p.vector > 16)
    return broken("row_policy.vector must be at most 16, because the ends of a row have one lane an element", how);
  if (p.lanes_a_row != 32 && p.lanes_a_row != p.threads)
    return broken("row_policy.lanes_a_row must be 32 or threads, because a row belongs to a warp or to a block", how);
  if (p.rows != p.threads / p.lanes_a_row)
    return broken("row_policy.rows must be threads / lanes_a_row, because each group of lanes has one row", how);
  return nullptr;
}
// clang-format on

/// What a row kernel's selector knows of a problem.
struct row_problem {
  int rows = 0, columns = 0;
  int vector = 1;           // elements of the widest pack that widest_pack_alike finds for all operands
  bool contiguous = false;  // true if the columns of every operand are contiguous
};

/// Returns null if the policy can run the problem, otherwise the reason.
constexpr const char* misfit(const row_policy& p, const row_problem& problem) {
  if (p.lowest == arch::cpu) {
    if (p.vector > 1 && !problem.contiguous)
      return "the columns of an operand are not contiguous; vector = 1 serves them";
  } else if (p.vector > problem.vector)
    return "the operands' rows do not begin alike for the policy's packs; columns must be contiguous, and pointers and "
           "row strides differ by multiples of `vector` elements; vector = 1 serves all";
  if (p.held && problem.columns > p.capacity())
    return "a row is longer than the lanes can keep; held = 0 serves every length";
  return nullptr;
}

/// A candidate for rows of T on a GPU, with `lanes` lanes for each row. 16-bit elements use the hardware's e^x: they
/// load in half the time of float, and the polynomial for e^x would take longer than the loads.
template <class T>
constexpr row_policy gpu_rows(int threads, int lanes, int vector, int held, int ahead = 1) {
  return {.threads = threads,
          .lanes_a_row = lanes,
          .rows = threads / lanes,
          .vector = vector,
          .held = held,
          .ahead = ahead,
          .hardware_exp = sizeof(T) == 2};
}

/// Candidates for rows of T on a GPU. Their sizes are computed from the registers of a lane and the bytes that an SM
/// needs in flight. For long rows, the rows that are in work at once fit the L2 cache, where the second pass finds
/// them.
///
/// Evidence. The second and third candidate were measured on an H200, in a version that served rows of whole packs
/// only.
template <class T>
struct row_table_gpu {
  static constexpr int vector = static_cast<int>(16 / sizeof(T)), few = 32 / vector;
  static constexpr row_policy candidates[5] = {
      gpu_rows<T>(128, 32, 1, 8),                                // up to 256 columns, any strides
      gpu_rows<T>(128, 32, vector, few),                         // up to 1024 columns: a warp for each row
      gpu_rows<T>(256, 256, vector, few),                        // up to 8192 columns: a block for each row
      gpu_rows<T>(768, 768, vector, 0, sizeof(T) == 4 ? 4 : 2),  // any length; loads in flight fit 80 registers
      gpu_rows<T>(256, 256, 1, 0, 8),                            // any length, any strides
  };

  static constexpr choice choose(const row_problem& p) {
    if (p.columns <= 32) return {0, "a lane of a warp has one element"};
    if (p.vector < vector) {
      if (p.columns <= candidates[0].capacity())
        return {0, "short rows that no packs cut alike: a warp keeps one in registers"};
      return {4, "rows that no packs cut alike: single elements, read once a pass"};
    }
    if (p.columns <= candidates[1].capacity()) return {1, "short rows: a warp keeps one in registers"};
    if (p.columns <= candidates[2].capacity()) return {2, "a block keeps the row in registers: it is read once"};
    return {3, "rows longer than a block's registers: read once a pass"};
  }
};

/// Candidates for rows of T on the CPU: a pack is one vector register. A row of up to 256 KiB is kept on the stack, in
/// the L2 cache, and needs one exponential for each element; a longer row is read twice and needs two.
template <class T>
struct row_table_cpu {
  static constexpr int vector = static_cast<int>(vector_bytes() / sizeof(accumulator_t<T>));
  static constexpr int held = static_cast<int>(262144 / vector_bytes());
  static constexpr row_policy candidates[3] = {
      {.threads = 1, .lanes_a_row = 1, .rows = 8, .vector = vector, .held = held, .lowest = arch::cpu},
      {.threads = 1, .lanes_a_row = 1, .rows = 1, .vector = vector, .held = 0, .lowest = arch::cpu},
      {.threads = 1, .lanes_a_row = 1, .rows = 1, .vector = 1, .held = 0, .lowest = arch::cpu},
  };

  static constexpr choice choose(const row_problem& p) {
    if (!p.contiguous) return {2, "columns are not contiguous: single elements"};
    if (p.columns <= candidates[0].capacity()) return {0, "the row stays in the second-level cache between the passes"};
    return {1, "rows longer than the second-level cache: read once a pass"};
  }
};

}  // namespace tilery::inline TILERY_ABI
