// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The definition of an epilogue step: a struct whose call operator takes a pack (N neighbouring elements of a row of
// alpha A B + beta C, or of the previous step's result), its row and its first column, and returns a pack of new
// values. `a | b` is a step that runs a, then b. A user's step is a struct that derives from `step` and has the same
// call operator. It must be a named struct outside of functions, because nvcc takes no local types and no lambdas as
// template arguments of kernels.
#pragma once
#pragma GCC system_header

#include <tilery/core/operand.hpp>
#include <tilery/simt/memory.hpp>

#include <type_traits>

namespace tilery::inline TILERY_ABI {

namespace epilogue {

/// The base class of every epilogue step, also of a user's step: `|` recognises steps by it. A step has a call
/// operator,
///
///   template <class Lane, class T, int N>
///   TILERY_SIMT pack<T, N> operator()(Lane lane, pack<T, N> x, int row, int column);  // const if it stores nothing
///
/// which is called once for each pack of C, in any order. `row` is in bounds; in a batch, `row` counts the rows of all
/// matrices as if they were one matrix, one below the other. `column` is the column of the first element; it is in
/// bounds, and a multiple of N. At C's right edge the last elements of a pack may be out of bounds, and must not be
/// stored.
///
/// Defaults. The other members have defaults that do nothing; a step hides those that it needs by its own members.
///
/// Host. `describe` appends the step's operands to a list, `check` compares them with C (m x n), `check_sums<S>` checks
/// the step's numbers for packs of S, and `shape` receives the size of C. In a batch, m is the number of rows of all
/// matrices together.
///
/// State. Each lane works on a copy of the step, from the first pack of its warp's tile to the last one (on the CPU the
/// copy may serve several tiles, one below the other), and may store values in it. Then all lanes of the warp call
/// `end` together. If the type of the stored values depends on the type or the length of the packs, the step has a
/// member `in_tile<S, N, Columns>()`. It returns the object that is called instead of the step in one tile: the packs
/// are pack<S, N>, and a lane has at most `Columns` packs side by side in a row of C.
///
/// Prefetch. The CPU's kernels may call `prefetch(row, column)` some time before they call the step for the elements of
/// this row from this column on. The step prefetches the cache lines that it will read there.
///
/// Totals. If a step has totals that the op finishes after the GEMM (epilogue_bias_gradient.hpp), its `for_totals(f)`
/// calls f with the step.
struct step {
  static constexpr bool sums_columns = false;  // true: the step adds up columns of C, as bias_gradient does
  void describe(operands&) const {}
  finding check(int, int) const { return {}; }
  template <class S>
  finding check_sums() const {
    return {};
  }
  void shape(int, int) {}
  TILERY_SIMT void prefetch(int, int) const {}
  template <class Lane>
  TILERY_SIMT void end(Lane) {}
  template <class F>
  void for_totals(F&&) {}
};

/// Returns the object that is called instead of step `e` in one tile: e.in_tile(), or a copy of e if there is no such
/// member. The packs are pack<S, N>, and a lane has at most `Columns` packs side by side in a row of C.
template <class S, int N, int Columns, class E>
TILERY_SIMT auto in_tile(const E& e) {
  if constexpr (requires { e.template in_tile<S, N, Columns>(); })
    return e.template in_tile<S, N, Columns>();
  else
    return e;
}

/// True if E derives from `step`, and a launch can copy its bytes to the GPU.
template <class E>
concept epilogue_step = std::derived_from<E, step> && std::is_trivially_copyable_v<E>;

/// The epilogue of a plain GEMM: returns its argument, alpha A B + beta C, unchanged.
struct none : step {
  template <class Lane, class T, int N>
  TILERY_SIMT pack<T, N> operator()(Lane, pack<T, N> x, int, int) const {
    return x;
  }
};

/// The step that `|` makes: runs `first`, then `second` on the result of `first`.
template <class First, class Second>
struct chain : step {
  static constexpr bool sums_columns = First::sums_columns || Second::sums_columns;
  First first;
  Second second;
  TILERY_SIMT chain(First a, Second b) : first(a), second(b) {}

  template <class S, int N, int Columns>
  TILERY_SIMT auto in_tile() const {
    const auto a = epilogue::in_tile<S, N, Columns>(first);
    const auto b = epilogue::in_tile<S, N, Columns>(second);
    return chain<std::remove_const_t<decltype(a)>, std::remove_const_t<decltype(b)>>(a, b);
  }

  template <class Lane, class T, int N>
  TILERY_SIMT pack<T, N> operator()(Lane lane, pack<T, N> x, int row, int column) {
    return second(lane, first(lane, x, row, column), row, column);
  }
  TILERY_SIMT void prefetch(int row, int column) const { first.prefetch(row, column), second.prefetch(row, column); }
  template <class Lane>
  TILERY_SIMT void end(Lane lane) {
    first.end(lane), second.end(lane);
  }
  template <class F>
  void for_totals(F&& f) {
    first.for_totals(f), second.for_totals(f);
  }
  void describe(operands& all) const { first.describe(all), second.describe(all); }
  void shape(int m, int n) { first.shape(m, n), second.shape(m, n); }
  finding check(int m, int n) const {
    if (auto found = first.check(m, n)) return found;
    return second.check(m, n);
  }
  template <class S>
  finding check_sums() const {
    if (auto found = first.template check_sums<S>()) return found;
    return second.template check_sums<S>();
  }
};

template <epilogue_step First, epilogue_step Second>
chain<First, Second> operator|(First first, Second second) {
  return {first, second};
}

}  // namespace epilogue

}  // namespace tilery::inline TILERY_ABI
