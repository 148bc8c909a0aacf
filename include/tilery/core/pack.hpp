// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// pack: N neighbouring elements in registers, loaded or stored together: on a GPU by one memory access, or by one per
// 16 bytes. On the device a pack is an array that the compiler keeps in registers. On the host a pack is a native
// vector (the vector extension of g++ and clang), and an addition or multiplication is one vector instruction if the
// pack is not wider than vector_bytes() (arch.hpp). The layout in memory is the same on host and device, so packs may
// be members of kernel parameters.
#pragma once
#pragma GCC system_header

#include <tilery/core/element.hpp>

// g++ warns that packs wider than the target's vectors are passed in memory. That does not matter: in builds with
// optimisation every function here is inlined.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

namespace tilery::inline TILERY_ABI {

/// The bytes of a value as another type of the same size.
template <class To, class From>
TILERY_SIMT To reinterpret(const From& value) {
  static_assert(sizeof(To) == sizeof(From));
  To result;
  __builtin_memcpy(static_cast<void*>(&result), static_cast<const void*>(&value), sizeof(To));
  return result;
}

/// N elements of T; N is a power of two. Arithmetic is defined for packs of float, double and integers. Packs of half,
/// bf16, tf32 and fp8 only hold elements: convert these packs to float first (convert.hpp).
template <class T, int N>
struct alignas(N * sizeof(T)) pack {
  static_assert(N > 0 && (N & (N - 1)) == 0, "the width of a pack must be a power of two");
  using value_type = T;
  using bits_type = typename element<T>::bits;
  static constexpr int width = N;

#ifdef __CUDA_ARCH__
  T native[N];
#else
  typedef bits_type native_type __attribute__((vector_size(N * sizeof(bits_type))));
  native_type native;
#endif

  TILERY_SIMT T operator[](int i) const {
#ifdef __CUDA_ARCH__
    return native[i];
#else
    return reinterpret<T>(static_cast<bits_type>(native[i]));
#endif
  }

  TILERY_SIMT void set(int i, T value) {
#ifdef __CUDA_ARCH__
    native[i] = value;
#else
    native[i] = reinterpret<bits_type>(value);
#endif
  }
};

/// The element type of a native vector V of 32- or 64-bit elements; for a scalar V (float, double, int) V itself. Math
/// functions use it, because they are written once for scalars and vectors.
template <class V>
struct scalar_of {
  template <class U>
  static auto element_of(U v) -> decltype(v[0] + v[0]);
  using type = decltype(element_of(V{}));
};
template <>
struct scalar_of<float> {
  using type = float;
};
template <>
struct scalar_of<double> {
  using type = double;
};
template <>
struct scalar_of<int> {
  using type = int;
};

/// Applies f to packs, element by element. f is a function object that accepts scalars and native vectors: the device
/// calls f for each element, the host once for the whole vectors.
template <class F, class T, int N, class... Packs>
TILERY_SIMT pack<T, N> apply(F f, const pack<T, N>& first, const Packs&... others) {
  pack<T, N> result;
#ifdef __CUDA_ARCH__
  TILERY_UNROLL
  for (int i = 0; i < N; ++i) result.native[i] = f(first.native[i], others.native[i]...);
#else
  result.native = f(first.native, others.native...);
#endif
  return result;
}

/// A pack with the value in all N elements.
template <int N, class T>
TILERY_SIMT pack<T, N> splat(T value) {
  pack<T, N> result;
#ifdef __CUDA_ARCH__
  TILERY_UNROLL
  for (int i = 0; i < N; ++i) result.native[i] = value;
#else
  const auto bits = reinterpret<typename pack<T, N>::bits_type>(value);
  if constexpr (sizeof(T) >= 4) {
    result.native = bits - typename pack<T, N>::native_type{};  // compiles to a broadcast
  } else {
    for (int i = 0; i < N; ++i) result.native[i] = bits;
  }
#endif
  return result;
}

/// The larger of a and b. If a is NaN, the result is b. If only b is NaN, the result is NaN on the host, and a on a
/// GPU: the GPU's maximum instruction, which fmaxf and fmax use, ignores a NaN.
struct larger {
  template <class V>
  TILERY_SIMT V operator()(V a, V b) const {
#ifdef __CUDA_ARCH__
    if constexpr (std::is_same_v<V, float>) return fmaxf(a, b);
    if constexpr (std::is_same_v<V, double>) return fmax(a, b);
#endif
    return a > b ? a : b;
  }
};

/// a + b. Signed 32-bit integers, scalar or in a native vector, wrap on overflow. (Overflow of int is undefined in C++,
/// and sums of int8 products may overflow.)
template <class V>
TILERY_SIMT V wrapping_sum(V a, V b) {
  if constexpr (std::is_same_v<V, std::int32_t>) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
#ifndef __CUDA_ARCH__
  } else if constexpr (requires(V v) { v[0]; }) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(a[0])>, std::int32_t>) {
      typedef std::uint32_t words __attribute__((vector_size(sizeof(V))));
      return reinterpret<V>(reinterpret<words>(a) + reinterpret<words>(b));
    } else {
      return a + b;
    }
#endif
  } else {
    return a + b;
  }
}

// clang-format off
struct plus { template <class V> TILERY_SIMT V operator()(V a, V b) const { return wrapping_sum(a, b); } };
struct minus { template <class V> TILERY_SIMT V operator()(V a, V b) const { return a - b; } };
struct times { template <class V> TILERY_SIMT V operator()(V a, V b) const { return a * b; } };
struct divided_by { template <class V> TILERY_SIMT V operator()(V a, V b) const { return a / b; } };
/// a * b + c; the compiler can make it one fused multiply-add if the target has the instruction.
struct multiply_add { template <class V> TILERY_SIMT V operator()(V a, V b, V c) const { return a * b + c; } };
/// The smaller of a and b; b if a or b is NaN.
struct smaller { template <class V> TILERY_SIMT V operator()(V a, V b) const { return a < b ? a : b; } };

template <class T, int N> TILERY_SIMT pack<T, N> operator+(pack<T, N> a, pack<T, N> b) { return apply(plus{}, a, b); }
template <class T, int N> TILERY_SIMT pack<T, N> operator-(pack<T, N> a, pack<T, N> b) { return apply(minus{}, a, b); }
template <class T, int N> TILERY_SIMT pack<T, N> operator*(pack<T, N> a, pack<T, N> b) { return apply(times{}, a, b); }
template <class T, int N> TILERY_SIMT pack<T, N> operator/(pack<T, N> a, pack<T, N> b) { return apply(divided_by{}, a, b); }
template <class T, int N> TILERY_SIMT pack<T, N> operator+(pack<T, N> a, T b) { return a + splat<N>(b); }
template <class T, int N> TILERY_SIMT pack<T, N> operator-(pack<T, N> a, T b) { return a - splat<N>(b); }
template <class T, int N> TILERY_SIMT pack<T, N> operator*(pack<T, N> a, T b) { return a * splat<N>(b); }
template <class T, int N> TILERY_SIMT pack<T, N> operator/(pack<T, N> a, T b) { return a / splat<N>(b); }
template <class T, int N> TILERY_SIMT pack<T, N> fma(pack<T, N> a, pack<T, N> b, pack<T, N> c) { return apply(multiply_add{}, a, b, c); }
template <class T, int N> TILERY_SIMT pack<T, N> max(pack<T, N> a, pack<T, N> b) { return apply(larger{}, a, b); }
template <class T, int N> TILERY_SIMT pack<T, N> min(pack<T, N> a, pack<T, N> b) { return apply(smaller{}, a, b); }
// clang-format on

/// Combines the elements of a pack by f in a fixed order: element i of the lower half with element i of the upper half,
/// then in the same way the halves of the N / 2 results, until one element is left.
template <class F, class T, int N>
TILERY_SIMT T fold(F f, pack<T, N> values) {
  T halves[N];
  TILERY_UNROLL
  for (int i = 0; i < N; ++i) halves[i] = values[i];
  TILERY_UNROLL
  for (int width = N / 2; width > 0; width /= 2) {
    TILERY_UNROLL
    for (int i = 0; i < width; ++i) halves[i] = f(halves[i], halves[i + width]);
  }
  return halves[0];
}

/// The sum of a pack's elements, in fold's order.
template <class T, int N>
TILERY_SIMT T sum(pack<T, N> values) {
  return fold(plus{}, values);
}
/// The largest of a pack's elements, by `larger`.
template <class T, int N>
TILERY_SIMT T largest(pack<T, N> values) {
  return fold(larger{}, values);
}

}  // namespace tilery::inline TILERY_ABI
