// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// All epilogues: what a GEMM computes from its sums before it stores them to C. epilogue_step.hpp defines an epilogue
// step and how `|` joins two; each of the other files has one kind of step.
#pragma once
#pragma GCC system_header

#include <tilery/tile/epilogue_bias_gradient.hpp>
#include <tilery/tile/epilogue_check.hpp>
#include <tilery/tile/epilogue_outputs.hpp>
#include <tilery/tile/epilogue_rounding.hpp>
#include <tilery/tile/epilogue_step.hpp>
#include <tilery/tile/epilogue_values.hpp>
