// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The archs that this translation unit is compiled for, and the check that an arch has the tensor-core instruction for
// two element types.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>
#include <tilery/core/error.hpp>
#include <tilery/tile/mma_tile.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// The archs that this translation unit is compiled for. sm_75 is true if one of them is below sm_80, sm_80 is true if
/// one of them is sm_80 or later.
struct built_for {
  bool sm_75 = true, sm_80 = true;
};
/// Returns what nvcc's option -gencode says (__CUDA_ARCH_LIST__: 750, 800, ...). Other compilers do not define this
/// macro; then both members are true, because the virtual GPU may have any arch.
constexpr built_for archs_of_unit() {
#ifdef __CUDA_ARCH_LIST__
  built_for all{false, false};
  for (const int arch : {__CUDA_ARCH_LIST__}) (arch < 800 ? all.sm_75 : all.sm_80) = true;
  return all;
#else
  return {};
#endif
}

/// The end of the error message of check_instructions(): what to do on an arch without the instruction for T.
template <class T>
inline constexpr const char* what_else = sizeof(T) == 1            ? ": convert the operands to half"
                                         : std::is_same_v<T, tf32> ? ": take the operands as float"
                                         : archs_of_unit().sm_75   ? ": a gemm_simt_policy, or no policy, works there"
                                                                   : ": add sm_75 to nvcc's -gencode options";

/// Refuses an arch without the mma.sync instruction that this library uses for elements T of A and U of B. For float
/// (multiply_as::tf32 and tf32x3) that is the instruction for tf32.
template <class T, class U>
finding check_instructions(const char* op, arch target) {
  constexpr features needs =
      atoms::mma_shape<tile::mma_type<T, multiply_as::tf32>, tile::mma_type<U, multiply_as::tf32>>::needs;
  if (has_features(target, needs)) return {};
  return {sentence(op, ": ", element<T>::name, " needs the tensor cores of ", limits(first_with(needs)).name,
                   " or later; this device is an "),
          limits(target).name, what_else<T>};
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
