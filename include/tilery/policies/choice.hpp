// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Choosing among a few policies at run time: a selector returns the index of a candidate and the reason for it;
// with_candidate instantiates the kernel of each candidate once and calls the chosen one.
// The candidates are in a table (policy_table.hpp). Each row of a table is for one arch and the later archs up to that
// of the next row, and has a list of candidates. Table::candidates has the candidates of all rows, each once.
#pragma once
#pragma GCC system_header

#include <tilery/policies/evidence.hpp>

#include <cstddef>
#include <utility>

namespace tilery::inline TILERY_ABI {

/// The choice of a candidate. In the result of a table's select(), `index` is an index in the list of the row's
/// candidates, and only `index` and `reason` are set. In the result of policy_table::choose(), `index` is an index in
/// Table::candidates, and all members are set.
struct choice {
  int index;
  const char* reason;
  int place = 0;                       // the index in the list of the row's candidates (the default is not `index`,
                                       // because nvcc 13.0 cannot evaluate that in constant expressions)
  arch from = arch::sm_75;             // the row's first arch
  const evidence* measured = nullptr;  // the row's evidence
};

/// Returns in words the table's row from which policy_table::choose() made this choice: its first arch and its
/// evidence.
inline sentence describe_row(const choice& c) {
  return {"from the table's row for ", limits(c.from).name, ", ", describe(*c.measured)};
}

/// Calls f.operator()<policy>() with the policy at `index` of the constexpr array Table::candidates. f is instantiated
/// once for each candidate.
template <class Table, class F>
void with_candidate(int index, F&& f) {
  [&]<std::size_t... Index>(std::index_sequence<Index...>) {
    ((static_cast<int>(Index) == index ? f.template operator()<Table::candidates[Index]>() : void()), ...);
  }
  (std::make_index_sequence<sizeof(Table::candidates) / sizeof(Table::candidates[0])>{});
}

}  // namespace tilery::inline TILERY_ABI
