// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Makes a lesson of a kernel: runs it on the virtual GPU, and on the machine's GPU where there is one.
#pragma once

#include "course.hpp"
#include "matrices.hpp"

#include <tilery/cuda.hpp>
#include <tilery/kernel.hpp>
#include <tilery/virtual_gpu.hpp>

#include <chrono>

namespace learn {

/// A lesson from its problem (operands in an executor's memory, `start<Kernel>()` and `check()`) and its kernel.
template <template <class> class Problem, class Kernel>
lesson lesson_of(const char* idea, aim improves = {}) {
  return {Kernel::name, idea, improves,
          [](arch model, const sizes& size) {
            launch_report report;
            const virtual_gpu executor(model, virtual_gpu::options{.report = &report});
            const Problem<virtual_gpu> problem(executor, size);
            problem.template start<Kernel>();
            outcome result = problem.check();
            result.report = std::move(report);
            return result;
          },
          [](const sizes& size) {
            std::optional<outcome> result;
            with_cuda([&](const auto& gpu) {
              const Problem<std::decay_t<decltype(gpu)>> problem(gpu, size);
              problem.template start<Kernel>();
              result = problem.check();
              constexpr int launches = 20;
              const auto begin = std::chrono::steady_clock::now();
              for (int i = 0; i < launches; ++i) problem.template start<Kernel>();
              gpu.wait();
              const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
              result->seconds = took.count() / launches;
            });
            return result;
          }};
}

}  // namespace learn
