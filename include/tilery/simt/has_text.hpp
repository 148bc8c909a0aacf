// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The condition `has_text`, by which atoms stop a device pass that compiles them for a device without their
// instruction. Without this condition the pass would compile another arch's assembly, or the host's model.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>

namespace tilery::inline TILERY_ABI {

/// The features of the device that this pass compiles for. Only CUDA's device passes have the assembly of atoms.
#ifdef __CUDA_ARCH__
inline constexpr features features_of_pass =
    __CUDA_ARCH__ >= 750 ? limits(arch_of(__CUDA_ARCH__ / 10)).features : features::none;
inline constexpr bool is_device_pass = true;
#else
inline constexpr features features_of_pass = features::none;
inline constexpr bool is_device_pass = TILERY_IS_DEVICE_PASS;
#endif

/// True if this pass can compile an atom that needs the features `Needs` for a lane type. In a device pass, a lane of
/// the device needs the atom's assembly. A host pass has the host model. So has a device pass for lanes of the host:
/// nvcc's device pass instantiates the host's code, too, and never runs it.
template <features Needs, class Lane>
inline constexpr bool has_text = !is_device_pass || !Lane::runs_on_device || includes(features_of_pass, Needs);

}  // namespace tilery::inline TILERY_ABI
