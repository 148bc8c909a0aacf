// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every public header after the macros of hostile_macros.hpp, which are all there afterwards.
#include "hostile_macros.hpp"

#include <tilery/activation.hpp>
#include <tilery/column_sum.hpp>
#include <tilery/copy.hpp>
#include <tilery/cpu.hpp>
#include <tilery/cuda.hpp>
#include <tilery/fill.hpp>
#include <tilery/gemm.hpp>
#include <tilery/gemm_batched.hpp>
#include <tilery/gemm_grouped.hpp>
#include <tilery/global_pool.hpp>
#include <tilery/gradient_norm.hpp>
#include <tilery/kernel.hpp>
#include <tilery/loss.hpp>
#include <tilery/optimizer.hpp>
#include <tilery/pad.hpp>
#include <tilery/pool.hpp>
#include <tilery/softmax.hpp>
#include <tilery/tilery.hpp>
#include <tilery/upsample.hpp>
#include <tilery/validate.hpp>
#include <tilery/virtual_gpu.hpp>

#if !defined(min) || !defined(max) || !defined(near) || !defined(far) || !defined(small) || !defined(slots) || \
    !defined(I)
#error "the program's macros must be back after the headers"
#endif
