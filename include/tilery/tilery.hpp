// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// All ops. Include the executors separately: tilery/cuda.hpp, tilery/cpu.hpp, tilery/virtual_gpu.hpp.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/activation.hpp>
#include <tilery/column_sum.hpp>
#include <tilery/conv.hpp>
#include <tilery/copy.hpp>
#include <tilery/core/version.hpp>
#include <tilery/fill.hpp>
#include <tilery/gemm.hpp>
#include <tilery/gemm_batched.hpp>
#include <tilery/gemm_grouped.hpp>
#include <tilery/global_pool.hpp>
#include <tilery/gradient_norm.hpp>
#include <tilery/loss.hpp>
#include <tilery/optimizer.hpp>
#include <tilery/pad.hpp>
#include <tilery/pool.hpp>
#include <tilery/schedule.hpp>
#include <tilery/softmax.hpp>
#include <tilery/update.hpp>
#include <tilery/upsample.hpp>
#include <tilery/validate.hpp>

#include <tilery/core/macros_on.inc>
