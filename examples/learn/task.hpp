// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The exercises: what each must compute and how fast, and what became of an attempt. Exercises and their solutions are
// judged by the same code.
#pragma once

#include "matrices.hpp"

#include <tilery/simt/virtual/checks.hpp>

#include <functional>
#include <string>
#include <vector>

namespace learn {

/// What an exercise asks for.
struct task {
  const char* asks;
  int rows, columns;      ///< of x
  int y_rows, y_columns;  ///< of the result
  double (*reference)(const host_matrix& x, int row, int column);
  double most_sectors = 32;     ///< a request of global memory may take
  double most_wavefronts = 32;  ///< a request of shared memory may take
};
inline constexpr int task_count = 5;
const task& task_of(int number);

/// How an attempt went.
struct attempt {
  host_matrix x, y;
  launch_report report;
  std::string failure;  ///< what ended the launch, if something did
};

/// An exercise with its solution.
struct exercise {
  int number;
  std::function<attempt(const task&, bool stop_at_first)> run, run_solution;
};

/// Prints what is still wrong with an attempt. Whether nothing is.
bool judge(int number, const attempt& made);

/// The main function of a program that holds some exercises.
int run_exercises(int count, char** arguments, const std::vector<exercise>& all);

}  // namespace learn
