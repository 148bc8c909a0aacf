// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operands for the cases in this folder. They are compiled, never run.
#pragma once

#include <tilery/cpu.hpp>
#include <tilery/cuda.hpp>
#include <tilery/tilery.hpp>
#include <tilery/virtual_gpu.hpp>

inline const tilery::matrix_view<const float> a, b;
inline const tilery::matrix_view<float> c;
inline const tilery::matrix_view<double> doubles;
inline const tilery::matrix_view<const tilery::half> halves;
inline const tilery::matrix_view<tilery::half> half_c;

// Where nvcc compiles the case, its kernels are a real GPU's.
#ifdef __CUDACC__
using gpu = tilery::cuda;
#else
using gpu = tilery::virtual_gpu;
#endif
