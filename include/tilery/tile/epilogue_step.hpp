// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What an epilogue is: a struct whose call operator takes a pack of sums, its row and its first column; `|` runs one
// after the other. Write your own with the same call operator; it must be a named struct (nvcc takes no local types or
// lambdas as template arguments of kernels).
#pragma once
#pragma GCC system_header

#include <tilery/core/operand.hpp>
#include <tilery/simt/memory.hpp>

#include <type_traits>

namespace tilery::inline TILERY_ABI {

namespace epilogue {

/// Base of every epilogue, the user's own included: it is how `|` knows them. The call operator,
///
///   template <class Lane, class T, int N>
///   TILERY_SIMT pack<T, N> operator()(Lane lane, pack<T, N> x, int row, int column);  // const, if nothing is kept
///
/// is called once for each pack of C, in any order. The row is inside of C, the first column is, and a multiple of N;
/// at C's right edge the last elements of a pack may be outside, and must not be stored.
///
/// The others have defaults, and are hidden by those that an epilogue brings: on the host, `describe` its operands,
/// `check` them against C (m x n), and note the `shape` of C; in a kernel, `end`. Each warp works on a copy of the
/// epilogue from the first pack of its tile to the last one, and may keep something in it; `end` is called then, by
/// all lanes of the warp together. Where what it keeps depends on the packs it brings `in_tile<S, N, Columns>()`,
/// which makes what works in its place in a tile of pack<S, N>, of which a lane has as many beside each other as
/// Columns says. An epilogue with totals that the op is to finish (epilogue_bias_gradient.hpp) is handed to the op by
/// `for_totals`.
struct step {
  static constexpr bool sums_columns = false;
  void describe(operands&) const {}
  finding check(int, int) const { return {}; }
  void shape(int, int) {}
  template <class Lane>
  TILERY_SIMT void end(Lane) {}
  template <class F>
  void for_totals(F&&) {}
};

/// What works in an epilogue's place in one tile, where a lane has packs pack<S, N> of so many Columns.
template <class S, int N, int Columns, class E>
TILERY_SIMT auto in_tile(const E& e) {
  if constexpr (requires { e.template in_tile<S, N, Columns>(); })
    return e.template in_tile<S, N, Columns>();
  else
    return e;
}

template <class E>
concept epilogue_step = std::derived_from<E, step> && std::is_trivially_copyable_v<E>;

/// C = sums.
struct none : step {
  template <class Lane, class T, int N>
  TILERY_SIMT pack<T, N> operator()(Lane, pack<T, N> x, int, int) const {
    return x;
  }
};

/// First one, then the other.
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
};

template <epilogue_step First, epilogue_step Second>
chain<First, Second> operator|(First first, Second second) {
  return {first, second};
}

}  // namespace epilogue

}  // namespace tilery::inline TILERY_ABI
