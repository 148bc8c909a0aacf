// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// exp, log, tanh, erf and sqrt. One source serves a float, a double and a native vector of either, so that executors
// agree and the host's compiler vectorises. The functions are polynomials. Their coefficients are Chebyshev fits,
// computed with 40 digits; the degree and error of each fit are beside it. Error bounds over all finite arguments: 2
// units in the last place for float and 4 for double; erf: 4 for float and 6 for double.
#pragma once
#pragma GCC system_header

#include <tilery/core/exponential.hpp>
#include <tilery/core/square_root.hpp>
#include <tilery/core/tanh_erf.hpp>
