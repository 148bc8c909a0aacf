// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The element types of tensors. For each: its name, the type in which its elements are summed, and the type that stores
// its bits in native vectors (pack.hpp: the vectors of the host's compiler).
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>
#include <cstdint>
#include <type_traits>

namespace tilery::inline TILERY_ABI {

using half = __half;             ///< IEEE binary16: 5 exponent bits, 10 fraction bits
using bf16 = __nv_bfloat16;      ///< the upper 16 bits of a float: 8 exponent bits, 7 fraction bits
using fp8_e4m3 = __nv_fp8_e4m3;  ///< 4 exponent bits, 3 fraction bits, no infinity, largest value 448
using fp8_e5m2 = __nv_fp8_e5m2;  ///< 5 exponent bits, 2 fraction bits, largest value 57344
using int8 = std::int8_t;

/// A float of which tensor cores ignore the lower 13 fraction bits.
struct tf32 {
  float value;
};

/// The properties of an element type T. `bits` is an arithmetic type of the same size, the element type of native
/// vectors (pack.hpp: the vectors of the host's compiler) that hold T. `accumulator` is the type of sums of T. `name`
/// is T's name in messages.
template <class T>
struct element;

// clang-format off
template <> struct element<double>   { using bits = double;        using accumulator = double; static constexpr const char* name = "f64"; };
template <> struct element<float>    { using bits = float;         using accumulator = float;  static constexpr const char* name = "f32"; };
template <> struct element<tf32>     { using bits = float;         using accumulator = float;  static constexpr const char* name = "tf32"; };
template <> struct element<half>     { using bits = std::uint16_t; using accumulator = float;  static constexpr const char* name = "f16"; };
template <> struct element<bf16>     { using bits = std::uint16_t; using accumulator = float;  static constexpr const char* name = "bf16"; };
template <> struct element<fp8_e4m3> { using bits = std::uint8_t;  using accumulator = float;  static constexpr const char* name = "fp8_e4m3"; };
template <> struct element<fp8_e5m2> { using bits = std::uint8_t;  using accumulator = float;  static constexpr const char* name = "fp8_e5m2"; };
template <> struct element<int8>     { using bits = std::int8_t;   using accumulator = std::int32_t; static constexpr const char* name = "s8"; };
template <> struct element<std::int32_t>  { using bits = std::int32_t;  using accumulator = std::int32_t;  static constexpr const char* name = "s32"; };
template <> struct element<std::int64_t>  { using bits = std::int64_t;  using accumulator = std::int64_t;  static constexpr const char* name = "s64"; };
template <> struct element<std::uint8_t>  { using bits = std::uint8_t;  using accumulator = std::int32_t;  static constexpr const char* name = "u8"; };
template <> struct element<std::uint16_t> { using bits = std::uint16_t; using accumulator = std::int32_t;  static constexpr const char* name = "u16"; };
template <> struct element<std::uint32_t> { using bits = std::uint32_t; using accumulator = std::uint32_t; static constexpr const char* name = "u32"; };
template <class T> struct element<const T> : element<T> {};
// clang-format on

/// The integer types without a row above: bool, char, short, unsigned 64-bit integers, either long or long long
/// (int64_t is the other of these two), wchar_t and the characters of 8, 16 and 32 bits. An op can copy or fill tensors
/// of these types, and convert from them.
template <class T>
requires(std::is_integral_v<T> && sizeof(T) <= 8) struct element<T> {
  using bits = std::conditional_t<
      sizeof(T) == 1, std::uint8_t,
      std::conditional_t<sizeof(T) == 2, std::int16_t, std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>>>;
  using accumulator =
      std::conditional_t<sizeof(T) == 8, std::int64_t,
                         std::conditional_t<sizeof(T) == 4 && std::is_unsigned_v<T>, std::uint32_t, std::int32_t>>;
  static constexpr const char* name = std::is_same_v<T, bool> ? "bool"
                                      : sizeof(T) == 1        ? (std::is_signed_v<T> ? "s8" : "u8")
                                      : sizeof(T) == 2        ? (std::is_signed_v<T> ? "s16" : "u16")
                                      : sizeof(T) == 4        ? (std::is_signed_v<T> ? "s32" : "u32")
                                      : std::is_signed_v<T>   ? "s64"
                                                              : "u64";
};

/// The type of sums of T: float for floating-point types of up to 32 bits, double for double; for integers see
/// `accumulator` above.
template <class T>
using accumulator_t = typename element<T>::accumulator;

template <class T>
inline constexpr bool is_fp8 = std::is_same_v<T, fp8_e4m3> || std::is_same_v<T, fp8_e5m2>;

}  // namespace tilery::inline TILERY_ABI
