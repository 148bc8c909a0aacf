// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Choosing among few: a selector returns the index of a candidate and its reason; the op's switch instantiates each
// candidate once.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <cstddef>
#include <utility>

namespace tilery::inline TILERY_ABI {

/// A selector's answer: which candidate of the table, and why.
struct choice {
  int index;
  const char* reason;
};

/// Calls f.operator()<policy>() for the candidate `index` of a table: one instantiation a candidate.
/// `Table::candidates` is a constexpr array of policies.
template <class Table, class F>
void with_candidate(int index, F&& f) {
  [&]<std::size_t... Index>(std::index_sequence<Index...>) {
    ((static_cast<int>(Index) == index ? f.template operator()<Table::candidates[Index]>() : void()), ...);
  }
  (std::make_index_sequence<sizeof(Table::candidates) / sizeof(Table::candidates[0])>{});
}

}  // namespace tilery::inline TILERY_ABI
