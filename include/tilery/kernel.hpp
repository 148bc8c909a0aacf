// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// All headers for writing your own kernel: packs (a few neighbouring elements that a lane keeps in registers,
// core/pack.hpp) and their math, memory, `launch`. Include the executors separately:
// tilery/cuda.hpp, tilery/cpu.hpp, tilery/virtual_gpu.hpp.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/copy.hpp>
#include <tilery/core/buffer.hpp>
#include <tilery/core/convert.hpp>
#include <tilery/core/math.hpp>
#include <tilery/simt/launch.hpp>
#include <tilery/simt/memory.hpp>
#include <tilery/simt/order.hpp>

#include <tilery/core/macros_on.inc>
