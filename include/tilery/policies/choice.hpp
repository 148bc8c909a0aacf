// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Choosing among a few policies at run time: a selector returns the index of a candidate and the reason for it;
// with_candidate instantiates the kernel of each candidate once and calls the chosen one.
#pragma once
#pragma GCC system_header

#include <tilery/policies/evidence.hpp>

#include <cstddef>
#include <utility>

namespace tilery::inline TILERY_ABI {

/// The choice of a candidate. As a row's select() returns it, `index` is the place in the row's list of candidates; as
/// policy_table::choose() returns it, the index in Table::candidates. `reason` is in words.
struct choice {
  int index;
  const char* reason;
  int place = 0;                       // as chosen by policy_table::choose(): the place in the row's list (no default
                                       // `= index`: nvcc 13.0 cannot evaluate it in constant expressions)
  arch from = arch::sm_75;             // the row's first arch
  const evidence* measured = nullptr;  // the row's evidence
};

/// Describes the table's row that a choice was made from: its first arch and its evidence.
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
