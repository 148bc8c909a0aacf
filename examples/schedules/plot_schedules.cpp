// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Draws the schedules of the learning rate (tilery/schedule.hpp) over 1,000 updates with gnuplot:
//   plot_schedules > schedules.svg
#include <tilery/schedule.hpp>

#include <cstdio>
#include <string>

#include <unistd.h>

#include "../report/gnuplot.hpp"

namespace {

constexpr int updates = 1000;

/// Adds a schedule's points as a block of gnuplot data, and its line to the `plot` command.
template <class Schedule>
void draw(const char* title, const Schedule& schedule, std::string& data, std::string& plot) {
  const std::string block = "$s" + std::to_string(plot.size());
  data += block + " << end_of_data\n";
  for (int done = 0; done < updates; ++done) data += std::to_string(done) + " " + std::to_string(schedule(done)) + "\n";
  data += "end_of_data\n";
  plot += (plot.empty() ? "plot " : ", ") + block + " with lines linewidth 2 title " +
          tilery_examples::gnuplot_string(title);
}

}  // namespace

int main() {
  namespace schedule = tilery::schedule;
  std::string data, plot;
  draw("linear", schedule::linear{updates}, data, plot);
  draw("polynomial, power 2", schedule::polynomial{updates, 2}, data, plot);
  draw("cosine after a warm-up", schedule::warm_up{100, schedule::cosine{updates - 100}}, data, plot);
  draw("cosine with restarts", schedule::cosine_with_restarts{142, 2}, data, plot);
  draw("step decay", schedule::step_decay{250, 0.5}, data, plot);
  draw("warm-up, stable, decay", schedule::warm_up_stable_decay{updates, 50, 200}, data, plot);
  draw("one cycle", schedule::one_cycle{updates}, data, plot);
  const std::string script = data +
                             "set terminal svg noenhanced size 900,420 background rgb '#ffffff'\n"
                             "set xlabel 'updates made'\nset ylabel 'rate factor'\nset yrange [0:1.05]\n"
                             "set key outside right\n" +
                             plot + "\n";
  try {
    if (tilery_examples::run_gnuplot(script, STDOUT_FILENO)) return 0;
    std::fprintf(stderr, "plot_schedules: gnuplot is not on PATH.\n");
  } catch (const tilery::error& e) {
    std::fprintf(stderr, "plot_schedules: %s\n", e.what());
  }
  return 1;
}
