// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Choosing among a few policies at run time: a selector returns the index of a candidate and the reason for it;
// with_candidate instantiates the kernel of each candidate once and calls the chosen one.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <cstddef>
#include <utility>

namespace tilery::inline TILERY_ABI {

/// A selector's answer: the index of a candidate in its table, and the reason in words.
struct choice {
  int index;
  const char* reason;
};

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
