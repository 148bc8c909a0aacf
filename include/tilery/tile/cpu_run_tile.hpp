// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The innermost loop of the CPU's convolutions: it computes a tile of sums in vector registers. The sums go over
// several runs; a run is a number of steps that are equally spaced in memory. For each step the loop loads one row of B
// as vectors, and broadcasts one element of A for each row of the tile. The rows of A are anywhere in memory: each has
// an offset, the same for all steps of all runs. So a row can be a pixel, and a run one row of the filter's taps.
#pragma once
#pragma GCC system_header

#include <tilery/tile/cpu_register_tile.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// One run of steps. Step k reads A at a + row offset + k a_step, and the row of B at b + k b_step.
template <class S>
struct cpu_run {
  gmem_ptr<const cpu_factor<S>> a, b;
  std::int32_t steps;
};

/// The operands of one register tile. The sums have the accumulation type S.
template <class S>
struct cpu_run_operands {
  const cpu_run<S>* runs;
  std::int32_t number_of_runs;
  const std::int64_t* row_offsets;  // one for each row of the tile, in elements
  std::int64_t a_step, b_step;      // elements from one step to the next
  gmem_ptr<S> sums;                 // (row, column), rows contiguous, one after another
  bool add;                         // true: add to the values in `sums`; false: overwrite them unread
};

/// sums = A B, or sums += A B if t.add, over all runs. The tile has Rows rows and Vectors vectors of Lanes columns
/// each.
template <class S, int Lanes, int Rows, int Vectors>
void multiply_runs(const cpu_run_operands<S>& t) {
  using factor = cpu_factor<S>;
  constexpr cpu_lane lane({0, 0, 0}, {1, 1, 1});
  pack<factor, Lanes> sums[Rows][Vectors];
  TILERY_UNROLL
  for (int i = 0; i < Rows; ++i) {
    TILERY_UNROLL
    for (int v = 0; v < Vectors; ++v) sums[i][v] = splat<Lanes>(factor(0));
  }
  const std::int64_t* const offsets = t.row_offsets;
  const std::int64_t a_step = t.a_step, b_step = t.b_step;
  const gmem_ptr<S> out = t.sums;
  const bool add = t.add;

  const cpu_run<S>* run = t.runs;
  for (std::int32_t left = t.number_of_runs; left > 0; --left, ++run) {
    gmem_ptr<const factor> a = run->a, b = run->b;
    for (std::int32_t k = run->steps; k > 0; --k) {
      pack<factor, Lanes> b_row[Vectors];
      TILERY_UNROLL
      for (int v = 0; v < Vectors; ++v) b_row[v] = lane.load(b + v * Lanes, width<Lanes>);
      TILERY_UNROLL
      for (int i = 0; i < Rows; ++i) {
        const auto a_value = splat<Lanes>(lane.load(a + offsets[i]));
        TILERY_UNROLL
        for (int v = 0; v < Vectors; ++v) sums[i][v] = fma(a_value, b_row[v], sums[i][v]);
      }
      a = a + a_step;
      b = b + b_step;
    }
  }

  TILERY_UNROLL
  for (int i = 0; i < Rows; ++i) {
    TILERY_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      const auto to = out + (i * Vectors + v) * Lanes;
      auto sum = convert<S>(sums[i][v]);
      if (add) sum = lane.load(to, width<Lanes>) + sum;
      lane.store(to, sum);
    }
  }
}

/// Calls the multiply_runs above for `rows` rows (1 to Rows, which is even) and `vectors` vectors (1 to Vectors), which
/// are known at run time only. An odd number of rows is rounded up: there must be an offset, and room in `sums`, for
/// one row more.
template <class S, int Lanes, int Rows, int Vectors>
void multiply_runs(int rows, int vectors, const cpu_run_operands<S>& t) {
  static constexpr auto all = []<int... Index>(std::integer_sequence<int, Index...>) {
    using function = void (*)(const cpu_run_operands<S>&);
    struct table {
      function of[sizeof...(Index)];
    };
    return table{{multiply_runs<S, Lanes, 2 * (Index / Vectors + 1), Index % Vectors + 1>...}};
  }
  (std::make_integer_sequence<int, Rows / 2 * Vectors>{});
  all.of[((rows + 1) / 2 - 1) * Vectors + vectors - 1](t);
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
