// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// All epilogues of epilogue_table.hpp as one type whose kind, the index of a row, is chosen at run time: one kernel
// then serves them all. And the places of a chain of them: operands in an executor's memory, and the expected outputs.
#pragma once

#include "tests/epilogue_table.hpp"
#include "tests/worst_error.hpp"

namespace tilery_tests {

/// One of several epilogues, chosen at run time: a kernel is compiled once for all of them.
template <class... E>
struct any_of;
template <class First, class... Rest>
struct any_of<First, Rest...> : tilery::epilogue::step {
  static constexpr bool sums_columns = First::sums_columns || any_of<Rest...>::sums_columns;
  int index;
  First first;
  any_of<Rest...> rest;
  TILERY_SIMT any_of(int i, First a, Rest... others) : index(i), first(a), rest(i - 1, others...) {}
  TILERY_SIMT any_of(int i, First a, any_of<Rest...> others) : index(i), first(a), rest(others) {}

  template <class S, int N, int Columns>
  TILERY_SIMT auto in_tile() const {
    return with(index, tilery::epilogue::in_tile<S, N, Columns>(first), rest.template in_tile<S, N, Columns>());
  }

  template <class Lane, class T, int N>
  TILERY_SIMT tilery::pack<T, N> operator()(Lane lane, tilery::pack<T, N> x, int row, int column) {
    return index == 0 ? first(lane, x, row, column) : rest(lane, x, row, column);
  }
  template <class Lane>
  TILERY_SIMT void end(Lane lane) {
    index == 0 ? first.end(lane) : rest.end(lane);
  }
  template <class F>
  void for_totals(F&& f) {
    index == 0 ? first.for_totals(f) : rest.for_totals(f);
  }
  void shape(int m, int n) { first.shape(m, n), rest.shape(m, n); }
  void describe(tilery::operands& all) const { index == 0 ? first.describe(all) : rest.describe(all); }
  tilery::finding check(int m, int n) const { return index == 0 ? first.check(m, n) : rest.check(m, n); }

private:
  template <class One, class... Others>
  TILERY_SIMT static any_of<One, Others...> with(int i, const One& one, const any_of<Others...>& others) {
    return {i, one, others};
  }
};
template <>
struct any_of<> : tilery::epilogue::none {
  TILERY_SIMT explicit any_of(int) {}
  template <class S, int N, int Columns>
  TILERY_SIMT any_of in_tile() const {
    return *this;
  }
};

/// any_of<E...> of the epilogues that the rows make.
template <class Table>
struct any_of_table;
template <class... E>
struct any_of_table<const std::tuple<epilogue_row<E>...>> {
  using type = any_of<E...>;
};
/// One of all epilogues of the table.
using any_epilogue = any_of_table<decltype(epilogue_table)>::type;
/// An epilogue whose call operator is not inlined: a kernel has its code once, for all places of a chain.
template <class Any>
struct one_text : Any {
  TILERY_SIMT explicit one_text(const Any& any) : Any(any) {}
  template <class Lane, class T, int N>
#ifdef __CUDACC__
  __host__ __device__
#endif
      __attribute__((noinline)) tilery::pack<T, N>
      operator()(Lane lane, tilery::pack<T, N> x, int row, int column) {
    return Any::operator()(lane, x, row, column);
  }
};
/// A struct, not an alias: its short name is a part of the name of each function in a kernel.
struct chosen_epilogue : any_epilogue {
  using any_epilogue::any_epilogue;
  template <class S, int N, int Columns>
  TILERY_SIMT auto in_tile() const {
    return one_text(any_epilogue::in_tile<S, N, Columns>());
  }
};

/// A place in a chain whose operands are in an executor's memory, each with a drawn layout.
template <class Fixture>
struct place_in_chain : epilogue_operands {
  place_in_chain(const Fixture& on, int rows_of_c, int columns_of_c) : epilogue_operands{rows_of_c, columns_of_c} {
    const auto any = [] { return layouts[draw(0, 4)]; };
    bias_at = place(on, bias, 1, n, any());
    rows_at = place(on, rows, 1, m, any());
    residual_at = place(on, residual, m, n, any());
    wide_at = place(on, wide, m, n, any());
    z_at = place(on, z, m, n, any());
    stored = place(on, std::vector<tilery::bf16>(m * n), m, n, any());
    stored_wide = place(on, std::vector<float>(m * n), m, n, any());
    start(on);
  }
  /// Resets the outputs that a call adds to.
  void start(const Fixture& on) {
    amax = on.put(std::vector<float>{first_amax});
    sums_at = place(on, old_sums, 1, n, layouts[draw(0, 4)]);
  }

  chosen_epilogue epilogue(int kind) const {
    return std::apply([&](const auto&... row) { return chosen_epilogue(kind, row.make(*this)...); }, epilogue_table);
  }
  /// What that makes of a number at (i, j), and its error bound, if the arithmetic has this unit roundoff.
  traced expected(int kind, traced x, int i, int j, double unit = 0x1p-24) const {
    return epilogues[kind].expected(*this, x, i, j, 32 * unit);
  }
  /// The matrix that has been stored beside C; empty if this kind stores none.
  std::vector<float> written(const Fixture& on, int kind) const {
    if (epilogues[kind].writes == side_output::f32_matrix) return gather(on, stored_wide);
    std::vector<float> result;
    if (epilogues[kind].writes == side_output::bf16_matrix)
      for (const tilery::bf16 x : gather(on, stored)) result.push_back(tilery::convert<float>(x));
    return result;
  }
  /// The stored number, and its error bound, where the number is x.
  static traced stored_from(int kind, traced x) {
    const double unit = epilogues[kind].writes == side_output::bf16_matrix ? 0x1p-8 : 0x1p-24;
    return {x.value, x.error * 1.01 + unit * std::fabs(x.value) + 1e-30};
  }

  /// What this place makes of all numbers that come to it: their largest magnitude, and the sums of columns.
  class totals {
  public:
    totals(const place_in_chain& place, int kind) : place_(place), writes_(epilogues[kind].writes), sums_(place.n) {}

    void add(traced x, int column) {
      largest_.value = std::max(largest_.value, std::fabs(x.value));
      largest_.error = std::max(largest_.error, x.error + 0x1p-24 * std::fabs(x.value) + 1e-30);
      traced& sum = sums_[static_cast<std::size_t>(column)];
      sum.value += x.value, sum.error += x.error + 64 * 0x1p-24 * std::fabs(x.value);
    }
    void compare(const Fixture& on, worst_error& worst) const {
      if (writes_ == side_output::largest_magnitude)
        worst.compare(on.get(place_.amax)[0], largest_.value, largest_.error);
      if (writes_ != side_output::column_sums) return;
      const auto got = gather(on, place_.sums_at);
      for (std::size_t j = 0; j < sums_.size(); ++j) {
        const double want = sums_[j].value + place_.sums_beta * place_.old_sums[j];
        worst.compare(got[j], want, sums_[j].error + 0x1p-23 * (std::fabs(want) + std::fabs(place_.old_sums[j])));
      }
    }

  private:
    const place_in_chain& place_;
    side_output writes_;
    traced largest_{first_amax, 0};
    std::vector<traced> sums_;
  };
};

}  // namespace tilery_tests
