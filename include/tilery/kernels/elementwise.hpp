// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The kernel of all ops that compute each element of a matrix independently. Params::step computes N neighbouring
// elements of a row. This kernel calls it for all elements of the block's part of a row: first in packs of P.vector
// elements, then for each single element that is left.
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/core/convert.hpp>
#include <tilery/policies/elementwise.hpp>
#include <tilery/simt/kernel.hpp>
#include <tilery/simt/memory.hpp>

namespace tilery::inline TILERY_ABI {

/// Params have `name`, `rows`, `columns`, and `step(lane, row, column, width<N>)`, which computes N elements of a row,
/// from (row, column) on. Instead of `step` they may have `steps_of_row(row)`, which computes what all elements of the
/// row have in common, and returns an object with the function `step`. Each lane of a block calls steps_of_row() once.
template <elementwise_policy P, class Params>
struct elementwise {
  static_assert(keeps_rules<P>(), "the policy breaks a rule");
  static constexpr const char* name = Params::name;
  static constexpr int threads = P.threads;
  static constexpr bool allows_one_lane = P.threads == 1;
  static constexpr int block_elements = P.block_elements();
  using shared = no_shared;

  /// Returns the number of blocks: each row is cut into pieces of block_elements elements, and each piece has a block.
  static std::int64_t block_count(const Params& p) { return std::int64_t{pieces(p.columns, block_elements)} * p.rows; }

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const Params& p, shared&) {
    const int pieces_a_row = pieces(p.columns, block_elements);
    const int row = lane.block().x / pieces_a_row;
    // The block's piece of the row is [begin, end); its packs are in [begin, whole).
    const int begin = lane.block().x % pieces_a_row * block_elements;
    const int end = p.columns - begin < block_elements ? p.columns : begin + block_elements;
    const int whole = begin + (end - begin) / P.vector * P.vector;
    const auto& steps = steps_of_row(p, row);
    for (int column = begin + lane.rank() * P.vector; column < whole; column += threads * P.vector)
      steps.step(lane, row, column, width<P.vector>);
    for (int column = whole + lane.rank(); column < end; column += threads) steps.step(lane, row, column, width<1>);
  }

private:
  /// Returns the object with the function `step`: that of the row, or p itself.
  TILERY_SIMT static decltype(auto) steps_of_row(const Params& p, int row) {
    if constexpr (requires { p.steps_of_row(row); })
      return p.steps_of_row(row);
    else
      return (p);  // the parentheses make the return type a reference: p is not copied
  }
};

/// Loads N elements of a row, from `column` on, and converts them to To. N > 1 needs contiguous columns, on a
/// GPU also packs at aligned addresses; N = 1 allows any column stride.
template <class To, class Lane, class T, int N>
TILERY_SIMT pack<To, N> load_as(Lane lane, const gmem_matrix<T>& m, int row, int column, width_t<N>, where at = {}) {
  [[maybe_unused]] const auto step = lane.step("load elements", at);
  if constexpr (N == 1)
    return splat<1>(convert<To>(lane.load(m.at(row, column))));
  else
    return convert<To>(lane.load(m.row(row) + column, width<N>));
}

/// Converts N values to the matrix's element type and stores them in a row, from `column` on. Strides and alignment are
/// those of load_as().
template <class Lane, class T, class From, int N>
TILERY_SIMT void store_as(Lane lane, const gmem_matrix<T>& m, int row, int column, pack<From, N> values,
                          where at = {}) {
  [[maybe_unused]] const auto step = lane.step("store elements", at);
  if constexpr (N == 1)
    lane.store(m.at(row, column), convert<T>(values[0]));
  else
    lane.store(m.row(row) + column, convert<T>(values));
}

}  // namespace tilery::inline TILERY_ABI
