// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "command_line.hpp"

#include <CLI/CLI.hpp>

namespace learn {

namespace {

arch arch_named(const std::string& name) {
  for (const arch_limits& each : all_arch_limits)
    if (each.name == name && each.id != arch::cpu) return each.id;
  throw CLI::ValidationError("--arch", name + " is no GPU arch; sm_90 is one");
}

}  // namespace

std::optional<lesson_options> read_lesson_options(int count, char** arguments, const std::vector<course>& all,
                                                  int& status) {
  lesson_options o;
  std::string model = "sm_90";
  CLI::App app("Runs a lesson on the virtual GPU, checks it, and compares its profile with that of the step before.",
               "learn");
  for (const course& c : all) {
    CLI::App* command = app.add_subcommand(c.name, "a lesson of this course: " + std::string(c.computes));
    command->add_option("number", o.number, "Which lesson")
        ->required()
        ->check(CLI::Range(1, static_cast<int>(c.lessons.size())));
    command->add_option("--size", o.how.size, "Other sizes")
        ->expected(static_cast<int>(c.size_names.size()))
        ->check(CLI::Range(1, 4096));
    command->add_option("--arch", model, "The GPU arch to model")->capture_default_str();
    command->add_option("--html", o.how.html, "Writes the kernel's source with its costs to this file");
  }
  try {
    app.parse(count, arguments);
    o.how.model = arch_named(model);
  } catch (const CLI::ParseError& e) {
    status = app.exit(e);
    return {};
  }
  for (const course& c : all)
    if (app.got_subcommand(c.name)) o.of = &c;
  return o;
}

std::optional<exercise_options> read_exercise_options(int count, char** arguments, int exercises, int& status) {
  exercise_options o;
  CLI::App app("Runs an exercise on the virtual GPU and says what is still wrong with it.", "exercise");
  CLI::App* check = app.add_subcommand("check", "judges an exercise");
  check->add_option("number", o.number, "Which one")->required()->check(CLI::Range(1, exercises));
  check->add_flag("--solution", o.solution, "Judges the solution instead");
  check->add_flag("--stop-at-first", o.stop_at_first, "Throws at the first fault, inside the lane: for a debugger");
  app.require_subcommand(1);
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& e) {
    status = app.exit(e);
    return {};
  }
  return o;
}

}  // namespace learn
