// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Convolutions in one, two and three spatial dimensions. conv2d.hpp has their documentation.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/conv1d.hpp>
#include <tilery/conv2d.hpp>
#include <tilery/conv3d.hpp>

#include <tilery/core/macros_on.inc>
