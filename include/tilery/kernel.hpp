// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What it takes to write a kernel of one's own: packs and their math, memory, `launch`. Executors are included apart.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/copy.hpp>
#include <tilery/core/buffer.hpp>
#include <tilery/core/convert.hpp>
#include <tilery/core/math.hpp>
#include <tilery/simt/kernel.hpp>
#include <tilery/simt/memory.hpp>
#include <tilery/simt/order.hpp>

#include <tilery/core/macros_on.inc>
