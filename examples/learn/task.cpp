// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the exercises ask for, and how attempts are judged.
#include "task.hpp"

#include "command_line.hpp"

#include <algorithm>
#include <cstdio>

namespace learn {

namespace {

double mirrored(const host_matrix& x, int row, int column) { return x.at(row, x.columns - 1 - column); }
double smoothed(const host_matrix& x, int row, int column) {
  double sum = 0;
  for (int c = std::max(0, column - 1); c <= std::min(x.columns - 1, column + 1); ++c) sum += x.at(row, c);
  return sum / 3;
}
double row_sum(const host_matrix& x, int row, int) {
  double sum = 0;
  for (int c = 0; c < x.columns; ++c) sum += x.at(row, c);
  return sum;
}
double prefix_sum(const host_matrix& x, int row, int column) {
  double sum = 0;
  for (int c = 0; c <= column; ++c) sum += x.at(row, c);
  return sum;
}
double transposed(const host_matrix& x, int row, int column) { return x.at(column, row); }

const task tasks[task_count] = {
    {"mirrors each row", 4, 256, 4, 256, mirrored},
    {"replaces each element by the mean of itself and its two neighbours", 3, 250, 3, 250, smoothed},
    {"adds up each row", 4, 300, 4, 1, row_sum},
    {"gives each element the sum of its row up to it", 6, 32, 6, 32, prefix_sum},
    {"transposes a matrix, without a bank conflict", 64, 96, 96, 64, transposed, 4, 1},
};

bool print_wrong_results(const task& of, const attempt& made) {
  int wrong = 0;
  for (int row = 0; row < of.y_rows; ++row)
    for (int column = 0; column < of.y_columns; ++column) {
      const double reference = of.reference(made.x, row, column);
      if (error_of(made.y.at(row, column), reference) <= 1e-4) continue;
      if (wrong++ == 0)
        std::printf("  wrong: y[%d, %d] is %g; it must be %g\n", row, column, double{made.y.at(row, column)},
                    reference);
    }
  if (wrong > 1) std::printf("  so are %d more of %d elements\n", wrong - 1, of.y_rows * of.y_columns);
  return wrong > 0;
}

bool print_faults(const attempt& made) {
  constexpr std::size_t most_shown = 3;
  const std::vector<fault>& faults = made.report.faults;
  for (std::size_t i = 0; i < std::min(most_shown, faults.size()); ++i)
    std::printf("  found: %s\n", faults[i].text().c_str());
  if (faults.size() > most_shown) std::printf("  and %zu more\n", faults.size() - most_shown);
  if (faults.empty() && !made.failure.empty()) std::printf("  ended: %s\n", made.failure.c_str());
  return !faults.empty() || !made.failure.empty();
}

bool print_what_is_slow(const task& of, const attempt& made) {
  bool slow = false;
  for (const launch_profile& launch : made.report.profiles)
    for (const site_profile& s : launch.sites) {
      const bool shared = is_shared(s.kind);
      if (!shared && !is_global(s.kind)) continue;
      const double cost = static_cast<double>(shared ? s.wavefronts : s.sectors) / static_cast<double>(s.requests);
      const double most = shared ? of.most_wavefronts : of.most_sectors;
      if (cost <= most) continue;
      slow = true;
      std::printf("  slow: %s takes %.3g %s a request; it must take at most %g\n", s.site.text().c_str(), cost,
                  shared ? "wavefronts" : "sectors", most);
    }
  return slow;
}

}  // namespace

const task& task_of(int number) { return tasks[number - 1]; }

bool judge(int number, const attempt& made) {
  const task& of = task_of(number);
  std::printf("exercise %d %s\n", number, of.asks);
  const bool faulty = print_faults(made);
  const bool wrong = made.failure.empty() && print_wrong_results(of, made);
  const bool slow = print_what_is_slow(of, made);
  const bool solved = !faulty && !wrong && !slow;
  std::printf("%s\n", solved ? "solved: right results, and nothing found" : "not solved yet");
  return solved;
}

int run_exercises(int count, char** arguments, const std::vector<exercise>& all) {
  int status = 0;
  const std::optional<exercise_options> how = read_exercise_options(count, arguments, task_count, status);
  if (!how) return status;
  for (const exercise& each : all) {
    if (each.number != how->number) continue;
    const auto& run = how->solution ? each.run_solution : each.run;
    return judge(each.number, run(task_of(each.number), how->stop_at_first)) ? 0 : 1;
  }
  std::fprintf(stderr, "this program does not hold exercise %d\n", how->number);
  return 2;
}

}  // namespace learn
