// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Stops a device pass that compiles an atom for a device without the atom's instruction. Without this check the pass
// would compile another arch's assembly, or the host's model.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>

namespace tilery::inline TILERY_ABI {

/// The features of the device that this pass compiles for. Only CUDA's device passes have text of atoms.
#ifdef __CUDA_ARCH__
inline constexpr features features_of_pass =
    __CUDA_ARCH__ >= 750 ? limits(arch_of(__CUDA_ARCH__ / 10)).features : features::none;
inline constexpr bool is_device_pass = true;
#else
inline constexpr features features_of_pass = features::none;
inline constexpr bool is_device_pass = TILERY_IS_DEVICE_PASS;
#endif

/// True if this pass has the text of an atom that needs a feature. A host pass has the host model. So has a device pass
/// for lanes of the host: nvcc's device pass instantiates the host's code, too, and never runs it.
template <features Needs, class Lane>
inline constexpr bool has_text = !is_device_pass || !Lane::runs_on_device || includes(features_of_pass, Needs);

}  // namespace tilery::inline TILERY_ABI
