// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operands for the cases in this folder. They are compiled, never run.
#pragma once

#include <tilery/cpu.hpp>
#include <tilery/cuda.hpp>
#include <tilery/tilery.hpp>
#if !defined(__CUDACC__) && !defined(BROKEN)
#include <tilery/virtual_gpu.hpp>
#endif

#include <vector>

inline const tilery::matrix_view<const float> a, b;
inline const tilery::matrix_view<float> c;
inline const tilery::matrix_view<double> doubles;
inline const tilery::matrix_view<const tilery::half> halves;
inline const tilery::matrix_view<tilery::half> half_c;

// Of convolutions in two dimensions: images, a filter, and what they give.
inline const tilery::tensor_view<const float, 4> x4, w4;
inline const tilery::tensor_view<float, 4> y4;
inline const tilery::tensor_view<const tilery::int8, 4> bytes4;

// Where nvcc compiles the case, its kernels are a real GPU's. A C++ compiler must stop ahead of a kernel's text: what
// is broken has a GPU without one, and need not read the virtual one.
#ifdef __CUDACC__
using gpu = tilery::cuda;
#elif !defined(BROKEN)
using gpu = tilery::virtual_gpu;
#else
struct gpu : tilery::host_memory {
  struct lane : tilery::cpu_lane {
    static constexpr bool is_whole_block = false, takes_any_alignment = false;
    static constexpr int warp_size = 32;
  };
  static constexpr bool uses_cpu_kernels = false, blocks_may_wait = false, has_doubles = true;
  static constexpr int parameter_bytes() { return tilery::largest_parameter_bytes; }
  tilery::arch target(tilery::where = {}) const { return tilery::arch::sm_90; }
  template <class Kernel, class Params>
  void run(tilery::index3, const Params&, const tilery::operands&, tilery::where) const {}
};
#endif
