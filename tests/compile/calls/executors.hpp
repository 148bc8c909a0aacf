// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <tilery/cpu.hpp>
#include <tilery/cuda.hpp>

#ifdef __CUDACC__
using gpu = tilery::cuda;
#else
#include <tilery/virtual_gpu.hpp>
using gpu = tilery::virtual_gpu;
#endif

template <class T>
using matrix = tilery::matrix_view<T>;
