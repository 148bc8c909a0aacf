// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The innermost loop of the CPU's convolutions: it computes a tile of sums in vector registers. The sums go over
// several runs; a run is a number of steps that are equally spaced in memory. For each step the loop loads one row of B
// as vectors, and broadcasts one element of A for each row of the tile. The rows of A are anywhere in memory: each has
// an offset, the same for all steps of all runs. So a row can be a pixel, and a run one row of the filter's taps.
//
// A tile with more than 8 rows has more offsets than the processor has registers for addresses. If its rows are evenly
// spaced, as the pixels of an image's row are, a third of the addresses is enough: x86 adds 0, 1 or 2 spacings itself.
#pragma once
#pragma GCC system_header

#include <tilery/tile/cpu_register_tile.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// One run of steps. Step k reads A at a + row offset + k a_step, and row k of B, whose rows are contiguous from b on.
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
  std::int64_t a_step;              // elements from one step to the next
  gmem_ptr<S> sums;                 // (row, column), rows contiguous, one after another
  bool add;                         // true: add to the values in `sums`; false: overwrite them unread
};

/// The most rows whose offsets stay in registers beside the other addresses of the loop.
inline constexpr int most_offsets_in_registers = 8;

/// True if the distance from each row to the next is the same.
inline bool are_evenly_spaced(const std::int64_t* row_offsets, int rows) {
  bool result = true;
  for (int i = 2; i < rows; ++i)
    result = result & (row_offsets[i] - row_offsets[i - 1] == row_offsets[1] - row_offsets[0]);
  return result;
}

/// The addresses of the Rows rows of A at one step. Even: the rows are evenly spaced.
template <class F, int Rows, bool Even>
class row_addresses {
  static constexpr int rows_of_base = 3;  // that are addressed from one register: x86 scales an index by 1 and by 2
  gmem_ptr<const F> bases_[Even ? pieces(Rows, rows_of_base) : 1];
  const std::int64_t* offsets_;
  std::int64_t spacing_;

public:
  row_addresses(gmem_ptr<const F> a, const std::int64_t* offsets)
      : offsets_(offsets), spacing_(offsets[1] - offsets[0]) {
    if constexpr (Even) {
      TILERY_UNROLL
      for (int i = 0; i < pieces(Rows, rows_of_base); ++i) bases_[i] = a + (offsets[0] + i * rows_of_base * spacing_);
    } else {
      bases_[0] = a;
    }
  }
  gmem_ptr<const F> operator[](int row) const {
    if constexpr (Even)
      return bases_[row / rows_of_base] + row % rows_of_base * spacing_;
    else
      return bases_[0] + offsets_[row];
  }
  void advance(std::int64_t step) {
    TILERY_UNROLL
    for (auto& base : bases_) base = base + step;
  }
};

/// sums = A B, or sums += A B if t.add, over all runs. The tile has Rows rows and Vectors vectors of Lanes columns
/// each. Even: the rows of A are evenly spaced.
template <class S, int Lanes, int Rows, int Vectors, bool Even>
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
  const std::int64_t a_step = t.a_step;
  const gmem_ptr<S> out = t.sums;
  const bool add = t.add;

  const cpu_run<S>* run = t.runs;
  for (std::int32_t left = t.number_of_runs; left > 0; --left, ++run) {
    row_addresses<factor, Rows, Even> a(run->a, offsets);
    gmem_ptr<const factor> b = run->b;
    for (std::int32_t k = run->steps; k > 0; --k) {
      pack<factor, Lanes> b_row[Vectors];
      TILERY_UNROLL
      for (int v = 0; v < Vectors; ++v) b_row[v] = lane.load(b + v * Lanes, width<Lanes>);
      TILERY_UNROLL
      for (int i = 0; i < Rows; ++i) {
        const auto a_value = splat<Lanes>(lane.load(a[i]));
        TILERY_UNROLL
        for (int v = 0; v < Vectors; ++v) sums[i][v] = fma(a_value, b_row[v], sums[i][v]);
      }
      a.advance(a_step);
      b = b + Vectors * Lanes;
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

/// True if a tile of so many rows has more offsets than registers hold.
constexpr bool has_many_offsets(int rows) { return rows > most_offsets_in_registers; }

/// Calls the multiply_runs above for `rows` rows (1 to Rows, which is even) and `vectors` vectors (1 to Vectors), which
/// are known at run time only. An odd number of rows is rounded up: there must be an offset, and room in `sums`, for
/// one row more.
template <class S, int Lanes, int Rows, int Vectors>
void multiply_runs(int rows, int vectors, const cpu_run_operands<S>& t) {
  using function = void (*)(const cpu_run_operands<S>&);
  struct table {
    function of[Rows / 2 * Vectors];
  };
  static constexpr auto any = []<int... Index>(std::integer_sequence<int, Index...>) {
    return table{{multiply_runs<S, Lanes, 2 * (Index / Vectors + 1), Index % Vectors + 1, false>...}};
  }
  (std::make_integer_sequence<int, Rows / 2 * Vectors>{});
  static constexpr auto even = []<int... Index>(std::integer_sequence<int, Index...>) {
    return table{{multiply_runs<S, Lanes, 2 * (Index / Vectors + 1), Index % Vectors + 1,
                                has_many_offsets(2 * (Index / Vectors + 1))>...}};
  }
  (std::make_integer_sequence<int, Rows / 2 * Vectors>{});
  const int pairs = (rows + 1) / 2;
  const bool is_even = has_many_offsets(2 * pairs) && are_evenly_spaced(t.row_offsets, 2 * pairs);
  (is_even ? even : any).of[(pairs - 1) * Vectors + vectors - 1](t);
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
