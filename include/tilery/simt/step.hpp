// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Names for the steps of a kernel: `[[maybe_unused]] const auto step = lane.step("load a tile", at);` at the begin of a
// tile function. Reports of the virtual GPU tell the step, the kernel's line that called it, and the line inside it; on
// the other machines it is nothing.
#pragma once

#include <tilery/core/annotations.hpp>

namespace tilery::inline TILERY_ABI {

/// A step on a machine that does not report.
struct no_step {};

}  // namespace tilery::inline TILERY_ABI
