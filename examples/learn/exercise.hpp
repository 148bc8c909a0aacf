// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs the kernel of an exercise on the virtual GPU.
#pragma once

#include "task.hpp"

#include <tilery/kernel.hpp>
#include <tilery/virtual_gpu.hpp>

namespace learn {

struct exercise_params {
  gmem_matrix<const float> x;
  gmem_matrix<float> y;
};

template <class Kernel>
attempt try_kernel(const task& of, bool stop_at_first) {
  attempt made{drawn(of.rows, of.columns, 7), host_matrix(of.y_rows, of.y_columns), {}, {}};
  const virtual_gpu gpu(arch::sm_90, {.report = &made.report, .stop_at_first = stop_at_first});
  const device_matrix x(gpu, made.x), y(gpu, made.y);
  const exercise_params p{for_kernel<const float>(x.view()), for_kernel<float>(y.view())};
  try {
    launch<Kernel>(gpu, Kernel::blocks(p), p, {reads("x", x.view()), writes("y", y.view())});
  } catch (const std::exception& e) {
    made.failure = e.what();
  }
  y.read_into(made.y);
  return made;
}

template <class Kernel, class Solution>
exercise exercise_of(int number) {
  return {number, try_kernel<Kernel>, try_kernel<Solution>};
}

}  // namespace learn
