// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the command lines of the course's programs say.
#pragma once

#include "course.hpp"

namespace learn {

/// Which lesson to run; none: list them.
struct lesson_options {
  const course* of = nullptr;
  int number = 0;
  show_options how;
};
/// Nothing where the program is to end with this status: help was asked for, or an option is wrong.
std::optional<lesson_options> read_lesson_options(int count, char** arguments, const std::vector<course>& all,
                                                  int& status);

struct exercise_options {
  int number = 0;
  bool solution = false, stop_at_first = false;
};
std::optional<exercise_options> read_exercise_options(int count, char** arguments, int exercises, int& status);

}  // namespace learn
