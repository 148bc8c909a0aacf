// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// All update rules (kernels/optimizer/rule.hpp says what a rule is).
#pragma once
#pragma GCC system_header

#include <tilery/kernels/optimizer/adadelta.hpp>
#include <tilery/kernels/optimizer/adagrad.hpp>
#include <tilery/kernels/optimizer/adam.hpp>
#include <tilery/kernels/optimizer/ademamix.hpp>
#include <tilery/kernels/optimizer/lion.hpp>
#include <tilery/kernels/optimizer/lookahead.hpp>
#include <tilery/kernels/optimizer/moving_average.hpp>
#include <tilery/kernels/optimizer/nadam.hpp>
#include <tilery/kernels/optimizer/radam.hpp>
#include <tilery/kernels/optimizer/rmsprop.hpp>
#include <tilery/kernels/optimizer/schedule_free_adamw.hpp>
#include <tilery/kernels/optimizer/sgd.hpp>
