// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `main` of the suites that are built twice, for a GPU: without one it ends with the status 77, and what CUDA refuses
// is told in a sentence.
#pragma once

#include <benchmark/benchmark.h>

#include <tilery/cuda.hpp>

#include "benchmarks/table.hpp"

#include <cstdio>

int main(int count, char** arguments) try {
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  if (tilery::cuda_devices() == 0) return std::fprintf(stderr, "%s: there is no GPU\n", arguments[0]), 77;
  tilery_benchmarks::run_with_table();
  benchmark::Shutdown();
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s: %s\n", arguments[0], error.what());
  return 1;
}
