// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Includes all epilogues: the functions that a GEMM applies to alpha A B + beta C before it stores the result to C.
// epilogue_step.hpp defines an epilogue step, and `|`, which joins two steps. epilogue_check.hpp has the compile errors
// for a wrong step. Each of the other files has steps of one kind: sums of columns, further outputs, stochastic
// rounding, new values.
#pragma once
#pragma GCC system_header

#include <tilery/tile/epilogue_bias_gradient.hpp>
#include <tilery/tile/epilogue_check.hpp>
#include <tilery/tile/epilogue_outputs.hpp>
#include <tilery/tile/epilogue_rounding.hpp>
#include <tilery/tile/epilogue_step.hpp>
#include <tilery/tile/epilogue_values.hpp>
