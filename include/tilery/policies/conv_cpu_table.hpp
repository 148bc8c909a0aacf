// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of the CPU's convolution kernels (conv_cpu, conv_cpu_weight_gradient): register tile and strips by the
// host's instruction set, with their evidence, and the selector. A translation unit uses the row of the instruction set
// that it is compiled for.
#pragma once
#pragma GCC system_header

#include <tilery/core/element.hpp>
#include <tilery/policies/conv_cpu.hpp>
#include <tilery/policies/policy_table.hpp>

namespace tilery::inline TILERY_ABI {

/// A row of the table: the policy for one instruction set of the host.
struct conv_cpu_row {
  host_isa isa;
  arch from = arch::cpu;
  conv_cpu_policy policy;
  evidence measured;
};

inline constexpr conv_cpu_row conv_cpu_avx512_on_zen_4 = {.isa = host_isa::avx512,
                                                          .policy = {.rows = 14, .vectors = 2},
                                                          .measured = not_measured("to be measured")};

/// The row for an instruction set without AVX-512, which has 16 vector registers.
constexpr conv_cpu_row conv_cpu_narrow(host_isa isa) {
  conv_cpu_row row = conv_cpu_avx512_on_zen_4;
  row.isa = isa, row.policy.rows = 6, row.policy.isa = isa;
  row.measured = not_measured("the AVX-512 row, with the rows that 16 registers hold");
  return row;
}

/// The rows, one for each instruction set.
inline constexpr conv_cpu_row all_conv_cpu_rows[] = {
    conv_cpu_narrow(host_isa::baseline),
    conv_cpu_narrow(host_isa::avx2),
    conv_cpu_avx512_on_zen_4,
};

/// Returns the row of an instruction set.
constexpr const conv_cpu_row& conv_cpu_row_of(host_isa isa) {
  for (const conv_cpu_row& row : all_conv_cpu_rows)
    if (row.isa == isa) return row;
  return all_conv_cpu_rows[0];
}

/// Row, candidate and selector for elements of T.
template <class T>
struct conv_cpu_rows_of {
  static constexpr conv_cpu_row rows[1] = {conv_cpu_row_of(native_isa)};

  static constexpr candidate_list<conv_cpu_policy, 1> candidates(const conv_cpu_row& row) { return {{row.policy}}; }
  static constexpr choice select(const conv_cpu_row&, const conv_cpu_policy (&)[1], const conv_problem&) {
    return {0, "one register tile serves all shapes"};
  }
};

/// The table of the CPU's convolution kernels for elements of T.
template <class T>
struct conv_cpu_table : policy_table<conv_cpu_rows_of<T>> {};

}  // namespace tilery::inline TILERY_ABI
