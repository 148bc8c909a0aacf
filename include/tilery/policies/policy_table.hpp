// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A table of policies has rows of data (tile sizes and the like). A row is for its arch, the field `from`, and all
// later archs before that of the next row. A table finds the row of the device at run time. Each row yields a list
// of policies, its candidates, from which a selector chooses. The table has one list, without duplicates, of the
// candidates of all rows that a device can select in this translation unit (called unit below): equal policies of two
// rows are one candidate, and so one kernel.
//
// To tune an op for an arch, add a row with the arch as `from` to the array of the element type; nothing else changes.
#pragma once
#pragma GCC system_header

#include <tilery/policies/choice.hpp>

namespace tilery::inline TILERY_ABI {

/// Returns the index of the row for a device of the arch `target`: of the rows whose arch `from` is not later than
/// `target`, the row with the latest arch. -1 if there is no such row.
template <class Row, std::size_t Rows>
constexpr int row_for(const Row (&rows)[Rows], arch target) {
  int best = -1;
  for (int i = 0; i < static_cast<int>(Rows); ++i)
    if (is_at_least(target, rows[i].from) && (best < 0 || is_at_least(rows[i].from, rows[best].from))) best = i;
  return best;
}

#ifdef __CUDA_ARCH_LIST__
/// The compute capabilities for which nvcc compiles this unit, multiplied by 100: 800 is sm_80.
inline constexpr int unit_archs[] = {__CUDA_ARCH_LIST__};
#endif

/// Returns the arch for which this unit has the kernels that a device of the arch `target` runs: the latest of the
/// unit's archs that is not later than `target` (the unit's first arch if all are later). Policies for later archs are
/// not instantiated. Returns `target` itself for the CPU, and without nvcc: then only the virtual GPU, the executor
/// that runs GPU kernels on the host, runs GPU kernels, and it may have any arch.
constexpr arch arch_in_unit(arch target) {
#ifdef __CUDA_ARCH_LIST__
  if (limits(target).vendor != vendor::nvidia) return target;
  arch best = arch_of(unit_archs[0] / 10);
  for (const int number : unit_archs)
    if (const arch built = arch_of(number / 10);
        is_at_least(target, built) && (is_at_least(built, best) || !is_at_least(target, best)))
      best = built;
  return best;
#else
  return target;
#endif
}

/// True if a device can select row `index` in this unit. If no row is for any of the unit's archs, this is true for row
/// 0 only, because a table needs a candidate. The kernels of row 0 then have no code, and the op throws an error for
/// every GPU before it selects.
template <class Row, std::size_t Rows>
constexpr bool is_selectable([[maybe_unused]] const Row (&rows)[Rows], [[maybe_unused]] int index) {
#ifdef __CUDA_ARCH_LIST__
  if (limits(rows[index].from).vendor != vendor::nvidia) return true;
  bool has_row = false;
  for (const int number : unit_archs) {
    const int row = row_for(rows, arch_of(number / 10));
    if (row == index) return true;
    has_row = has_row || row >= 0;
  }
  return index == 0 && !has_row;
#else
  return true;
#endif
}

/// The candidates of one row. The selector returns an index in `all`.
template <class Policy, int Size>
struct candidate_list {
  static constexpr int size = Size;
  using policy = Policy;
  Policy all[Size];
};

/// The candidates of all rows. The first `count` elements of `all` are the distinct candidates of the selectable rows.
/// For a selectable row, index[row][place] is the index in `all` of the candidate with the index `place` in the row's
/// list.
template <class Policy, int Rows, int Places>
struct candidates_of_rows {
  candidate_list<Policy, Places> rows[Rows];
  Policy all[Rows * Places];
  int count = 0, index[Rows][Places] = {};
};

/// True if two policies are equal, apart from their field `lowest`.
template <class Policy>
constexpr bool same_but_for_arch(Policy a, const Policy& b) {
  if constexpr (requires { a.lowest; }) a.lowest = b.lowest;
  return a == b;
}

/// Collects the candidates of Source's rows (policy_table below says what a Source has). The field `lowest` of each
/// candidate becomes the earliest arch whose row has the candidate: nvcc then compiles no kernel for earlier archs.
template <class Source>
constexpr auto collect_candidates() {
  using list = decltype(Source::candidates(Source::rows[0]));
  constexpr int rows = static_cast<int>(sizeof(Source::rows) / sizeof(Source::rows[0]));
  candidates_of_rows<typename list::policy, rows, list::size> found{};
  for (int r = 0; r < rows; ++r) {
    found.rows[r] = Source::candidates(Source::rows[r]);
    for (int place = 0; place < list::size; ++place) {
      auto& one = found.rows[r].all[place];
      if constexpr (requires { one.lowest; }) {
        one.lowest = Source::rows[r].from;
        for (int earlier = 0; earlier < r; ++earlier)
          for (const auto& other : found.rows[earlier].all)
            if (same_but_for_arch(other, one) && is_at_least(one.lowest, other.lowest)) one.lowest = other.lowest;
      }
      if (!is_selectable(Source::rows, r)) continue;
      int at = 0;
      while (at < found.count && !(found.all[at] == one)) ++at;
      if (at == found.count) found.all[found.count++] = one;
      found.index[r][place] = at;
    }
  }
  return found;
}
template <class Source>
inline constexpr auto collected = collect_candidates<Source>();

/// Returns the distinct candidates in an array that has exactly as many elements.
template <class Source>
constexpr auto distinct_candidates() {
  constexpr int count = collected<Source>.count;
  candidate_list<std::remove_cvref_t<decltype(collected<Source>.all[0])>, count> list{};
  for (int i = 0; i < count; ++i) list.all[i] = collected<Source>.all[i];
  return list;
}
template <class Source>
inline constexpr auto distinct = distinct_candidates<Source>();

/// The table of a Source, which has
///   rows                     a constexpr array; each row has `from`, an arch, and `measured`, its evidence
///   candidates(row)          the row's candidate_list
///   select(row, list, p)     a choice for problem p: the index in the row's list, and the reason.
template <class Source>
struct policy_table {
  /// The candidates that a device can select in this unit, each once.
  static constexpr const auto& candidates = distinct<Source>.all;

  /// Returns the index of the row for a device; 0 if no row is for its arch.
  static constexpr int index_of(arch target) {
    const int found = row_for(Source::rows, arch_in_unit(target));
    return found < 0 ? 0 : found;
  }
  /// Returns the row for a device.
  static constexpr const auto& row(arch target) { return Source::rows[index_of(target)]; }
  /// Returns the candidates of the row for a device, in the order of Source::candidates(row).
  static constexpr const auto& candidates_for(arch target) { return collected<Source>.rows[index_of(target)].all; }

  /// Selects the policy for problem `p` on a device of the arch `target`. The result's `index` is an index in
  /// `candidates`, its `place` an index in candidates_for(target).
  template <class Problem>
  static constexpr choice choose(const Problem& p, arch target) {
    const int r = index_of(target);
    const choice c = Source::select(Source::rows[r], collected<Source>.rows[r].all, p);
    return {collected<Source>.index[r][c.index], c.reason, c.index, Source::rows[r].from, &Source::rows[r].measured};
  }
  /// Selects the policy for problem `p` on its own device, p.target.
  template <class Problem>
  static constexpr choice choose(const Problem& p) requires requires {
    p.target;
  }
  { return choose(p, p.target); }
};

}  // namespace tilery::inline TILERY_ABI
