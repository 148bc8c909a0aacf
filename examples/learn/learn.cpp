// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The program behind examples/learn.sh: lists the lessons, or runs one.
#include "command_line.hpp"

#include <cstdio>

namespace {

void list(const std::vector<learn::course>& courses) {
  for (const learn::course& c : courses) {
    std::printf("%s: %s\n", c.name.c_str(), c.computes);
    for (std::size_t i = 0; i < c.lessons.size(); ++i)
      std::printf("  %s %zu   %s\n", c.name.c_str(), i + 1, c.lessons[i].idea);
  }
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<learn::course> courses{learn::gemm_course(), learn::softmax_course()};
  int status = 0;
  const std::optional<learn::lesson_options> options = learn::read_lesson_options(count, arguments, courses, status);
  if (!options) return status;
  try {
    if (options->of) return learn::show(*options->of, options->number, options->how) ? 0 : 1;
    list(courses);
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
