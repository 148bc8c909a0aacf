// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The operands of the GEMM for a C with few rows or few columns (gemm_skinny), as a warp reads them. The long operand
// is B if C has few rows, else A; the other operand is the short one. A row of an operand is all its elements along k
// at one m (of A) or n (of B). A piece of the long operand goes from global memory straight into the registers of the
// lanes (skinny_piece). The warp multiplies it by a piece of the short operand, which goes through shared memory that
// only this warp uses (skinny_factors, skinny_panel).
#pragma once
#pragma GCC system_header

#include <tilery/core/convert.hpp>
#include <tilery/simt/memory.hpp>
#include <tilery/simt/step.hpp>
#include <tilery/tile/panel.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// N elements in registers. Elements of 16 bits are stored two in a 32-bit register: compilers do not achieve this
/// themselves if both packs and single elements are written.
template <class T, int N>
struct skinny_registers {
  using word = std::conditional_t<(sizeof(T) < 4), std::uint32_t, T>;
  static constexpr int per_word = static_cast<int>(sizeof(word) / sizeof(T)), count = N / per_word;
  word words[count];

  TILERY_SIMT void clear() {
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < count; ++i) words[i] = word(0);
  }
  /// Sets the elements from `first` on to a pack; `first` and M must be multiples of per_word.
  template <int M>
  TILERY_SIMT void set(int first, const pack<T, M>& values) {
    const auto held = reinterpret<pack<word, M / per_word>>(values);
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < M / per_word; ++i) words[first / per_word + i] = held[i];
  }
  /// Sets element i to `value`. The element must be 0 before the call.
  TILERY_SIMT void set(int i, T value) {
    if constexpr (per_word == 1)
      words[i] = value;
    else
      words[i / 2] |= std::uint32_t{reinterpret<typename element<T>::bits>(value)} << (16 * (i % 2));
  }
  TILERY_SIMT T operator[](int i) const {
    if constexpr (per_word == 1)
      return words[i];
    else
      return reinterpret<T>(static_cast<typename element<T>::bits>(words[i / 2] >> (16 * (i % 2))));
  }
  /// Drops the first M elements, moves the rest to the beginning, and appends `others`, M elements, at the end. All
  /// indices are constants: so a loop that is not unrolled can fill all registers.
  template <int M>
  TILERY_SIMT void push(const skinny_registers<T, M>& others) {
    constexpr int more = skinny_registers<T, M>::count;
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i + more < count; ++i) words[i] = words[i + more];
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < more; ++i) words[count - more + i] = others.words[i];
  }
};

/// The positions along k of one lane's elements. A warp has `lanes` = 4 lanes along k, and 8 along the outer dimension
/// of the operand (m of A, n of B). A run is one 16-byte pack along k. The four lanes take the runs of a row in turn,
/// so that they read contiguous memory together.
template <class T>
struct skinny_k {
  static constexpr int lanes = 4, run = static_cast<int>(16 / sizeof(T));

  /// The k of element i of the first of the four lanes. Element i of lane l (0 to 3) is at of(i) + l * run.
  TILERY_SIMT static constexpr int of(int i) { return i / run * (lanes * run) + i % run; }
};

/// Starts to load the lane's elements of Lines rows of an operand: the first of these rows, in which the lane's first
/// element is at `line`, then every Apart-th row. In the registers `to` the rows follow each other. They are loaded in
/// packs if has_packs is true, else element by element. `rows_left` and `left` are the numbers of rows and of elements
/// along k from `line` to the operand's end; elements past the end are not loaded. `to` must be all 0 before the call.
template <int Lines, int Apart, class Lane, class T, int N>
TILERY_SIMT void fetch_lines(Lane lane, const panel<T>& from, gmem_ptr<const T> line, int rows_left, int left,
                             bool has_packs, skinny_registers<T, N>& to, where at) {
  using ks = skinny_k<T>;
  constexpr int length = N / Lines;
  if (has_packs) {
    TILERY_UNROLL_ON_GPU
    for (int r = 0; r < Lines; ++r, line = line + Apart * from.outer_stride) {
      TILERY_UNROLL_ON_GPU
      for (int i = 0; i < length; i += ks::run)
        if (r * Apart < rows_left && ks::of(i) < left)
          to.set(r * length + i, lane.load(line + ks::of(i), width<ks::run>, at));
    }
  } else {
    TILERY_ROLLED
    for (int r = 0; r < Lines; ++r, line = line + Apart * from.outer_stride) {
      skinny_registers<T, length> one;  // one row
      one.clear();
      auto element = line;
      TILERY_UNROLL_ON_GPU
      for (int i = 0; i < length; ++i) {
        if (r * Apart < rows_left && ks::of(i) < left) one.set(i, lane.load(element, at));
        element = element + (ks::of(i + 1) - ks::of(i)) * from.k_stride;
      }
      to.push(one);
    }
  }
}

/// Four rows of the long operand by the lane's K elements along k (skinny_k), in the registers of one lane.
template <class T, int K>
class skinny_piece {
  using ks = skinny_k<T>;
  static constexpr int run_of_rows = lesser(4, ks::run);

public:
  /// Returns how the operand is read: in packs along the outer dimension, in packs along k, or (any) element by
  /// element.
  TILERY_SIMT static along way(const panel<T>& from) {
    if (from.has_packs(along::outer, run_of_rows)) return along::outer;
    return from.has_packs(along::k, ks::run) ? along::k : along::any;
  }

  /// Starts to load the piece at (outer, k), in the way that way() returned. Elements out of bounds are 0, and add
  /// nothing to a sum.
  template <class Lane>
  TILERY_SIMT void fetch(Lane lane, const panel<T>& from, int outer, int k, along way, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("fetch the long operand", at);
    auto line = from.data + (outer * from.outer_stride + k * from.k_stride);  // incremented to save address registers
    const int rows_left = from.outer - outer, left = from.k - k;
    held_.clear();
    if (way == along::outer) {
      TILERY_UNROLL_ON_GPU
      for (int i = 0; i < K; ++i) {
        TILERY_UNROLL_ON_GPU
        for (int r = 0; r < 4; r += run_of_rows)
          if (ks::of(i) < left && r < rows_left) held_.set(4 * i + r, lane.load(line + r, width<run_of_rows>, at));
        line = line + (ks::of(i + 1) - ks::of(i)) * from.k_stride;
      }
    } else {
      fetch_lines<4, 1>(lane, from, line, rows_left, left, way == along::k, held_, at);
    }
  }

  /// The lane's element i along k of row `row` (0 to 3). The registers are in the order (i, row) if the piece was read
  /// in packs along the outer dimension, else (row, i).
  TILERY_SIMT T at(int row, int i, along way) const {
    return way == along::outer ? held_[4 * i + row] : held_[row * K + i];
  }

private:
  skinny_registers<T, 4 * K> held_;
};

/// A warp's piece of the short operand, Rows rows by K elements along k, in shared memory in the order (k, row). 32
/// bytes of padding follow each run along k. The four runs that the lanes along k read together, and the four that they
/// write together, are then in different banks.
template <class T, class Sum, int Rows, int K>
struct skinny_panel {
  static constexpr int run = skinny_k<T>::run, pad = static_cast<int>(32 / sizeof(Sum));
  shared_array<Sum, K * Rows + K / run * pad> elements;

  TILERY_SIMT smem_ptr<Sum> at(int k, int row) { return elements.at(k * Rows + k / run * pad + row); }
};

/// The elements that one lane has of the warp's piece of the short operand, in registers, between global memory (fetch)
/// and a skinny_panel in shared memory (put). A lane has every eighth row, and of each row the elements that skinny_k
/// gives it.
template <class T, class Sum, int Rows, int K>
class skinny_factors {
  using ks = skinny_k<T>;
  static constexpr int rows_at_a_time = 32 / ks::lanes, rows = Rows / rows_at_a_time, length = K / ks::lanes;
  static_assert(rows * rows_at_a_time == Rows && length % ks::run == 0, "the lanes must cover the rows in whole packs");

public:
  using shared = skinny_panel<T, Sum, Rows, K>;

  /// Starts to load the piece at (outer, k), in packs along k if has_packs is true, else element by element. Elements
  /// out of bounds are 0.
  template <class Lane>
  TILERY_SIMT void fetch(Lane lane, const panel<T>& from, int outer, int k, bool has_packs, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("fetch the short operand", at);
    outer += row_of(lane), k += k_of(lane);
    const int rows_left = from.outer - outer, left = from.k - k;
    auto line = from.data + (outer * from.outer_stride + k * from.k_stride);
    held_.clear();
    fetch_lines<rows, rows_at_a_time>(lane, from, line, rows_left, left, has_packs, held_, at);
  }

  /// Stores the fetched piece to shared memory.
  template <class Lane>
  TILERY_SIMT void put(Lane lane, shared& to, where at = {}) const {
    [[maybe_unused]] const auto step = lane.step("put the short operand", at);
    TILERY_UNROLL_ON_GPU
    for (int r = 0; r < rows; ++r) {
      TILERY_UNROLL_ON_GPU
      for (int i = 0; i < length; ++i)
        lane.store(to.at(k_of(lane) + ks::of(i), row_of(lane) + r * rows_at_a_time),
                   convert<Sum>(held_[r * length + i]), at);
    }
  }

private:
  /// The lane's first row in the piece. The warp reads 8 rows at once, each by 4 lanes.
  template <class Lane>
  TILERY_SIMT static int row_of(Lane lane) {
    return lane.warp_rank() / ks::lanes;
  }
  /// The lane's first k in the piece.
  template <class Lane>
  TILERY_SIMT static int k_of(Lane lane) {
    return lane.warp_rank() % ks::lanes * ks::run;
  }

  skinny_registers<T, rows * length> held_;
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
