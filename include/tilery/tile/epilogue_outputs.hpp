// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Epilogue steps that write another output in addition to C: `store` writes the values that reach it in the chain of
// steps, and `amax` their largest magnitude. Both pass the values on unchanged.
#pragma once
#pragma GCC system_header

#include <tilery/tile/epilogue_operand.hpp>
#include <tilery/tile/epilogue_step.hpp>

namespace tilery::inline TILERY_ABI {

namespace epilogue {

/// Z = x, rounded to nearest. x is the matrix of the values that reach this step of the chain; Z is m x n, of any type
/// and strides. In `bias(b) | store(z) | gelu()`, Z is the pre-activation that the backward pass needs. The steps after
/// `store` use x without this rounding.
template <class T>
struct store : step {
  operand_matrix<T> to;  // Z

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

/// amax = max(amax, |x|) over all values x that reach this step of the chain. amax is one float, which the caller
/// initialises with +0 or a positive number: with 0 the result is the largest magnitude of this GEMM alone.
///
/// Types. Values of double or int32 are converted to float, then compared.
///
/// NaN and infinity. A NaN among the values makes amax NaN; otherwise an infinity makes it infinity.
///
/// Determinism. A maximum does not depend on the order of its candidates.
///
/// Method. A lane keeps the largest magnitude of its elements of a tile. At the end of the tile (on the CPU, of one or
/// more tiles) each warp does one atomic maximum on the bits of amax as an unsigned integer: the bits of non-negative
/// floats have the same order as the floats, with NaN above infinity.
struct amax : step {
  gmem_ptr<std::uint32_t> bits;  // of amax
  std::int32_t elements;         // of the caller's vector; must be 1
  std::int32_t columns = 0;      // of C; elements of a pack beyond them are ignored
  std::uint32_t largest = 0;     // bits of the largest |x| of this lane so far

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
                   1,
                   {elements},
                   {1},
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
