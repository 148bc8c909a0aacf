// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// exp, log, tanh, erf and sqrt. One source serves a float, a double and a native vector (pack.hpp) of either, so that
// all executors use the same formulas and the host's compiler vectorises them.
// Polynomials. All functions but sqrt are computed from polynomials. Their coefficients are Chebyshev fits, computed
// with 40 digits. A comment beside each fit gives its degree and its error before the coefficients are rounded.
// Accuracy. Error bounds over all finite arguments: 2 units in the last place for float and 4 for double; erf: 4 for
// float and 6 for double. sqrt is correctly rounded. hardware_exp (exponential.hpp) has its own bound.
#pragma once
#pragma GCC system_header

#include <tilery/core/exponential.hpp>
#include <tilery/core/sign.hpp>
#include <tilery/core/square_root.hpp>
#include <tilery/core/tanh_erf.hpp>
