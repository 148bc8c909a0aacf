// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The GPUs that this unit is compiled for, and those whose tensor cores multiply elements of some types.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>
#include <tilery/core/error.hpp>
#include <tilery/tile/mma_tile.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// The GPUs that this unit is compiled for: below sm_80, and from sm_80 on. Both are true if nvcc does not compile the
/// unit, because the virtual GPU may have any arch.
struct built_for {
  bool sm_75 = true, sm_80 = true;
};
constexpr built_for archs_of_unit() {
#ifdef __CUDA_ARCH_LIST__
  built_for all{false, false};
  for (const int arch : {__CUDA_ARCH_LIST__}) (arch < 800 ? all.sm_75 : all.sm_80) = true;
  return all;
#else
  return {};
#endif
}

/// The end of a refusal: what to do where no tensor cores multiply elements of T.
template <class T>
inline constexpr const char* what_else = sizeof(T) == 1            ? ": convert the operands to half"
                                         : std::is_same_v<T, tf32> ? ": take the operands as float"
                                         : archs_of_unit().sm_75   ? ": a gemm_simt_policy, or no policy, works there"
                                                                   : ": add sm_75 to nvcc's -gencode options";

/// Refuses an arch whose tensor cores do not multiply elements of T by elements of U.
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
