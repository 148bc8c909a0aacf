// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `main` of the suites that have none of their own, on the host.
#pragma once

#include "benchmarks/table.hpp"

int main(int count, char** arguments) {
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  tilery_benchmarks::run_with_table();
  benchmark::Shutdown();
  return 0;
}
