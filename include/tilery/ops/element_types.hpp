// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sets of element types for the checks of ops.
#pragma once
#pragma GCC system_header

#include <tilery/core/element.hpp>

#include <type_traits>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// True for double, float, half and bf16.
template <class T>
constexpr bool is_float_type =
    std::is_same_v<T, double> || std::is_same_v<T, float> || std::is_same_v<T, half> || std::is_same_v<T, bf16>;

/// True for double, float, half, bf16, tf32 and fp8.
template <class T>
constexpr bool is_any_float = is_float_type<T> || std::is_same_v<T, tf32> || is_fp8<T>;

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
