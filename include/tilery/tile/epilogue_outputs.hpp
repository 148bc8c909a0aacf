// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Epilogues that write something else than C: the values as they are at this point of the chain, and their largest
// magnitude. Each hands on what it was given.
#pragma once
#pragma GCC system_header

#include <tilery/tile/epilogue_operand.hpp>
#include <tilery/tile/epilogue_step.hpp>

namespace tilery::inline TILERY_ABI {

namespace epilogue {

/// Z = x (m x n, any type and strides), rounded to nearest: the pre-activation, for the backward pass, in
/// `bias(b) | store(z) | gelu()`. What follows works on x as it was before the rounding.
template <class T>
struct store : step {
  operand_matrix<T> to;

  template <tensor_like<2> V>
  explicit store(const V& v, where at = {}) : to(tilery::view(v, at)) {
    static_assert(!std::is_const_v<T>, "epilogue::store writes: its elements must not be const");
  }
  template <class Lane, class S, int N>
  TILERY_SIMT pack<S, N> operator()(Lane lane, pack<S, N> x, int row, int column) const {
    to.store(lane, x, row, column);
    return x;
  }
  void describe(operands& all) const { all.push_back(to.described("the epilogue's stored matrix")); }
  finding check(int m, int n) const { return to.check("the epilogue's stored matrix", m, n); }
};
template <class V>
store(const V&) -> store<element_type_of<V>>;

/// amax = max(amax, |x|) over all x: one float, which the caller has set, to 0 for the largest magnitude of this GEMM
/// alone. Deterministic: a largest number does not depend on the order of its candidates. A NaN among the values makes
/// it NaN; an infinity, infinity. Doubles are compared as floats.
///
/// A lane keeps the largest of its tile, a warp has one atomic operation a tile, on the bits: those of non-negative
/// floats are ordered as the floats are, with NaN above infinity.
struct amax : step {
  gmem_ptr<std::uint32_t> bits;
  std::int32_t elements;
  std::int32_t columns = 0;
  std::uint32_t largest = 0;

  template <tensor_like<1> V>
  explicit amax(const V& v, where at = {})
      : bits(reinterpret_cast<std::uint32_t*>(tilery::view(v, at).pointer)), elements(tilery::view(v, at).extents[0]) {
    static_assert(std::is_same_v<element_type_of<V>, float>, "epilogue::amax needs a vector of one float, not const");
  }
  template <class Lane, class S, int N>
  TILERY_SIMT pack<S, N> operator()(Lane, pack<S, N> x, int, int column) {
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < N; ++i) {
      const std::uint32_t magnitude = reinterpret<std::uint32_t>(static_cast<float>(x[i])) & 0x7fffffffu;
      if (column + i < columns && magnitude > largest) largest = magnitude;
    }
    return x;
  }
  template <class Lane>
  TILERY_SIMT void end(Lane lane) {
    for (int mask = Lane::warp_size / 2; mask > 0; mask /= 2) {
      const std::uint32_t other = lane.shuffle_xor(largest, mask);
      if (other > largest) largest = other;
    }
    if (lane.warp_rank() == 0) lane.atomic_max(bits, largest);
  }
  void shape(int, int n) { columns = n; }
  void describe(operands& all) const {
    all.push_back({"the epilogue's amax",
                   reinterpret_cast<const std::byte*>(bits.raw()),
                   sizeof(float),
                   {1, elements},
                   {0, 1},
                   true,
                   false,
                   true});
  }
  finding check(int, int) const {
    if (elements == 1) return {};
    return {"the epilogue's amax has ", elements, " elements; it must have 1"};
  }
};

}  // namespace epilogue

}  // namespace tilery::inline TILERY_ABI
