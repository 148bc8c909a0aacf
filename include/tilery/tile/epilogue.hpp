// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What happens to a GEMM's sums on their way to C: all epilogues, and how they are joined. Each is an idea of its own,
// and so is each file.
#pragma once
#pragma GCC system_header

#include <tilery/tile/epilogue_bias_gradient.hpp>
#include <tilery/tile/epilogue_outputs.hpp>
#include <tilery/tile/epilogue_rounding.hpp>
#include <tilery/tile/epilogue_step.hpp>
#include <tilery/tile/epilogue_values.hpp>
