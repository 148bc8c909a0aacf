// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One unit of a program whose units, or libraries, are compiled for different GPUs. UNIT is the name of its function.
#include "tests/compile/units/answer.hpp"

#include <tilery/cpu.hpp>
#include <tilery/cuda.hpp>

#include <cstdio>
#include <string>

// Few policies: this is about linking.
constexpr tilery::gemm_simt_policy gpu_gemm{.block = {64, 64, 8},
                                            .lane = {4, 4},
                                            .a = tilery::along::any,
                                            .b = tilery::along::any,
                                            .vector = 1,
                                            .c_vector = 1};
constexpr tilery::gemm_cpu_policy cpu_gemm{.rows = 4, .vectors = 2};
constexpr tilery::row_policy gpu_rows{};
constexpr tilery::row_policy cpu_rows{.threads = 1,
                                      .lanes_a_row = 1,
                                      .rows = 8,
                                      .vector = 1,
                                      .held = 0,
                                      .lowest = tilery::arch::cpu};

/// Whether this unit's results are right: on the CPU, and on the GPU where there is one that its code is for.
bool UNIT(const char* name) {
  const bool on_cpu = right(answer_on(
      tilery::cpu(), [](auto&... operands) { tilery::gemm<cpu_gemm>(operands...); },
      [](auto&... operands) { tilery::softmax<cpu_rows>(operands...); }));
  bool on_gpu = true;
  std::string told = "no device";
  try {
    if (tilery::with_cuda([&](const tilery::cuda& gpu) {
          on_gpu = right(answer_on(
              gpu, [](auto&... operands) { tilery::gemm<gpu_gemm>(operands...); },
              [](auto&... operands) { tilery::softmax<gpu_rows>(operands...); }));
        }))
      told = on_gpu ? "right" : "WRONG";
  } catch (const tilery::error& e) {
    told = e.what();
    on_gpu = told.find("has no code of gemm_simt for this device") != std::string::npos;
  }
  std::printf("%s: cpu %s, gpu %s\n", name, on_cpu ? "right" : "WRONG", told.c_str());
  return on_cpu && on_gpu;
}
