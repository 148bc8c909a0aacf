// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What happens to a GEMM's sums on their way to C. An epilogue is a struct whose call operator takes a pack of sums,
// its row and its first column; `|` runs one after the other. Write your own with the same call operator; it must be a
// named struct (nvcc takes no local types or lambdas as template arguments of kernels).
#pragma once

#include <tilery/core/convert.hpp>
#include <tilery/core/operand.hpp>
#include <tilery/simt/memory.hpp>
#include <tilery/tile/activation.hpp>

#include <type_traits>

namespace tilery::inline TILERY_ABI {

namespace epilogue {

/// Base of every epilogue, the user's own included: it is how `|` knows them. Defaults: no operands, nothing to check.
struct step {
  void describe(operands&) const {}
  finding check(int, int) const { return {}; }
};

template <class E>
concept epilogue_step = std::derived_from<E, step> && std::is_trivially_copyable_v<E>;

/// C = sums.
struct none : step {
  template <class Lane, class T, int N>
  SIMT pack<T, N> operator()(Lane, pack<T, N> x, int, int) const {
    return x;
  }
};

/// x times a factor.
struct scale : step {
  double factor;
  explicit scale(double by) : factor(by) {}
  template <class Lane, class T, int N>
  SIMT pack<T, N> operator()(Lane, pack<T, N> x, int, int) const {
    return x * static_cast<T>(factor);
  }
};

/// An activation, element by element.
template <class Activation>
struct activate : step {
  template <class Lane, class T, int N>
  SIMT pack<T, N> operator()(Lane, pack<T, N> x, int, int) const {
    return Activation::value(x);
  }
};
using relu = activate<activation::relu>;
using gelu = activate<activation::gelu>;
using silu = activate<activation::silu>;
using sigmoid = activate<activation::sigmoid>;
using tanh = activate<activation::tanh>;

/// x plus a vector with one element for each column of C (n of them).
template <class T>
struct bias : step {
  gmem_ptr<const T> values;
  std::int32_t extent;
  std::int64_t stride;

  template <tensor_like<1> V>
  explicit bias(const V& v)
      : values(tilery::view(v).pointer), extent(tilery::view(v).extents[0]), stride(tilery::view(v).strides[0]) {}

  template <class Lane, class S, int N>
  SIMT pack<S, N> operator()(Lane lane, pack<S, N> x, int, int column) const {
    TILERY_UNROLL
    for (int i = 0; i < N; ++i)
      if (column + i < extent) x.set(i, x[i] + convert<S>(lane.load(values + (column + i) * stride)));
    return x;
  }
  void describe(operands& all) const {
    all.push_back({"the epilogue's bias",
                   reinterpret_cast<const std::byte*>(values.raw()),
                   sizeof(T),
                   {1, extent},
                   {0, stride},
                   false});
  }
  finding check(int, int n) const {
    if (extent == n) return {};
    return {"the epilogue's bias has ", extent, " elements; it must have n = ", n};
  }
};
template <class V>
bias(const V&) -> bias<std::remove_const_t<element_type_of<V>>>;

/// First one, then the other.
template <class First, class Second>
struct chain : step {
  First first;
  Second second;
  chain(First a, Second b) : first(a), second(b) {}

  template <class Lane, class T, int N>
  SIMT pack<T, N> operator()(Lane lane, pack<T, N> x, int row, int column) const {
    return second(lane, first(lane, x, row, column), row, column);
  }
  void describe(operands& all) const { first.describe(all), second.describe(all); }
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
