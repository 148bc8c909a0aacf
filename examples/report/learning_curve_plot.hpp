// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The picture of a learning curve as a gnuplot script: the loss over the steps, faint as measured and strong as
// smoothed, and below it the test accuracy over the epochs where there is one. Both panels span the same time.
// Long runs are thinned to the extremes of equal stretches, so that the picture stays small and keeps its spikes.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "curve_points.hpp"
#include "decimal.hpp"
#include "gnuplot.hpp"

namespace tilery_examples {

/// What is known after a step.
struct curve_row {
  std::uint64_t step;                   ///< optimizer steps so far
  double epoch;                         ///< passes over the training images so far
  double loss;                          ///< of the step's batch
  std::optional<double> test_accuracy;  ///< share of the test images that were right, 0 to 1
  double seconds;                       ///< since training began
};

/// The points as a block of data called `name`.
inline std::string gnuplot_data(const std::string& name, const curve_points& points) {
  std::string block = "$" + name + " << end_of_data\n";
  for (const auto& [x, y] : points) block += decimal(x) + " " + decimal(y) + "\n";
  return block + "end_of_data\n";
}

/// The command that makes the x axis end at the first and the last of `points`.
inline std::string gnuplot_x_range(const curve_points& points) {
  const double first = points.front().first, last = points.back().first;
  const double widen = first < last ? 0 : 1;  // gnuplot refuses an empty range
  return "set xrange [" + decimal(first - widen) + ":" + decimal(last + widen) + "]\n";
}

/// The gnuplot script that draws `rows`, which are in the order of their steps, under `title` as SVG; empty when no
/// loss is finite. Rows whose loss or epoch is not finite are left out.
inline std::string learning_curve_script(std::span<const curve_row> rows, const std::string& title) {
  curve_points losses, epochs, accuracies;
  double lowest = 0;
  for (const curve_row& row : rows) {
    if (!std::isfinite(row.loss) || !std::isfinite(row.epoch)) continue;
    lowest = std::min(lowest, row.loss);
    losses.emplace_back(static_cast<double>(row.step), row.loss);
    epochs.emplace_back(row.epoch, row.loss);
    if (row.test_accuracy && std::isfinite(*row.test_accuracy))
      accuracies.emplace_back(row.epoch, 100 * *row.test_accuracy);
  }
  if (losses.empty()) return {};
  const bool both = !accuracies.empty();
  constexpr std::size_t stretches = 1000;  // a little more than the picture's width in pixels
  const double reach = std::max(1.0, static_cast<double>(losses.size()) / 150);

  std::string script = gnuplot_data("loss", thinned(losses, stretches)) +
                       gnuplot_data("smoothed", thinned(smoothed(losses, reach), stretches)) +
                       "set encoding utf8\nset terminal svg noenhanced size 900," + (both ? "760" : "420") +
                       " background rgb '#ffffff' font 'Helvetica,Arial,sans-serif,15'\n";
  script +=
      "set border 3 linecolor rgb '#8a8f98'\n"
      "set tics nomirror out scale 0.6 textcolor rgb '#3c4048'\n"
      "set grid linetype 1 linewidth 0.6 linecolor rgb '#e4e7ec'\n"
      "set key top right textcolor rgb '#3c4048' samplen 2 spacing 1.3\n"
      "set lmargin 9\nset rmargin 4\n";
  script +=
      "set multiplot layout " + std::string(both ? "2" : "1") + ",1 title " + gnuplot_string(title) + " font ',18'\n";
  script +=
      "set xlabel 'step' textcolor rgb '#3c4048'\n"
      "set ylabel 'training loss' textcolor rgb '#3c4048'\n";
  if (lowest == 0) script += "set yrange [0:*]\n";
  script += gnuplot_x_range(losses) +
            "plot $loss with lines linewidth 1 linecolor rgb '#b9d2ef' title 'each batch', "
            "$smoothed with " +
            std::string(losses.size() < 30 ? "linespoints pointtype 7 pointsize 0.55" : "lines") +
            " linewidth 2.6 linecolor rgb '#1b5fb0' title 'smoothed'\n";
  if (both) {
    script += gnuplot_data("accuracy", accuracies) + gnuplot_x_range(epochs) +
              "set xlabel 'epoch'\nset ylabel 'test accuracy in %'\nset yrange [*:*]\n"
              "set offsets 0, 0, graph 0.06, graph 0.06\nset key bottom right\n"
              "plot $accuracy with linespoints linewidth 2.6 pointtype 7 pointsize 0.55 linecolor rgb '#c2571a' "
              "title 'last: " +
              decimal(accuracies.back().second, 2) + " %'\n";
  }
  return script + "unset multiplot\n";
}

}  // namespace tilery_examples
