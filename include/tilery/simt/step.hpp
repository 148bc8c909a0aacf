// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Notes that a kernel makes for the virtual GPU's reports. On all other executors they do nothing.
//
//   [[maybe_unused]] const auto step = lane.step("load a tile", at);   // at the beginning of a tile function
//   lane.operations(compute_unit::fma_f32, m * n * k);                 // arithmetic that the next lines do
//   lane.discard(smem.stage[i].at(0), 64);                             // values that no lane reads any more
//
// A tile function is a function that a kernel calls to work on a tile; a tile step, or step, is such a function that
// calls lane.step(). The step begins with this call, and ends at the end of the scope of the object that the call
// returns. A report names the step, the kernel's line that called the step's function, and the line inside that
// function.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <type_traits>

namespace tilery::inline TILERY_ABI {

/// The unit of an SM that an operation needs. `special` computes special functions, such as e^x.
enum class compute_unit : int {
  fma_f32,
  fma_f64,
  fma_f16,
  special,
  tensor_f16,
  tensor_tf32,
  tensor_f8,
  tensor_s8,
  tensor_f64,
  count
};

constexpr const char* name_of(compute_unit u) {
  constexpr const char* names[] = {"fma f32",     "fma f64",   "fma f16",   "special",   "tensor f16",
                                   "tensor tf32", "tensor f8", "tensor s8", "tensor f64"};
  return names[static_cast<int>(u)];
}

/// The unit that computes multiply-adds of type T in kernels without tensor cores, which multiply half and bf16 as
/// float.
template <class T>
inline constexpr compute_unit fma_unit = std::is_same_v<T, double> ? compute_unit::fma_f64 : compute_unit::fma_f32;

/// The step object of lanes that do not report.
struct no_step {};

}  // namespace tilery::inline TILERY_ABI
