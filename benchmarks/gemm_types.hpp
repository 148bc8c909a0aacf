// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The element types that the GEMM benchmarks know by name, and what C holds for each.
#pragma once

#include "benchmarks/gemm_shapes.hpp"

#include <tilery/gemm.hpp>

namespace tilery_benchmarks {

/// The element type of C where A and B have T: their own, but the sums' own type for tf32 and s8, and bf16 for fp8.
template <class T>
using gemm_result_t =
    std::conditional_t<std::is_same_v<T, tilery::tf32>, float,
                       std::conditional_t<std::is_same_v<T, tilery::int8>, std::int32_t,
                                          std::conditional_t<std::is_same_v<T, tilery::fp8_e4m3>, tilery::bf16, T>>>;

/// The factors of C = A B: fp8 must say what its elements are multiples of.
template <class T>
constexpr tilery::gemm_factors plain_factors() {
  if (tilery::is_fp8<T>) return {.scale_a = 1, .scale_b = 1};
  return {};
}

/// Bytes that must move through memory, at least.
template <class T>
double bytes_of(const gemm_shape& s) {
  return s.bytes(sizeof(T), sizeof(gemm_result_t<T>));
}

/// Calls use.template operator()<T>() for the type of that name; gemm_shapes.txt has no other.
template <class Use>
void with_element_type(const std::string& name, const Use& use) {
  if (name == "f32") use.template operator()<float>();
  if (name == "f64") use.template operator()<double>();
  if (name == "tf32") use.template operator()<tilery::tf32>();
  if (name == "f16") use.template operator()<tilery::half>();
  if (name == "bf16") use.template operator()<tilery::bf16>();
  if (name == "fp8_e4m3") use.template operator()<tilery::fp8_e4m3>();
  if (name == "s8") use.template operator()<tilery::int8>();
}

}  // namespace tilery_benchmarks
