// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The version of tilery. CMake reads these three numbers from this file. The name of the namespace TILERY_ABI
// (annotations.hpp) repeats the first two.
#pragma once
#pragma GCC system_header

namespace tilery {

inline constexpr int version_major = 0;
inline constexpr int version_minor = 1;
inline constexpr int version_patch = 0;

}  // namespace tilery
