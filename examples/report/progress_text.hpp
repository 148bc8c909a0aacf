// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The words of the progress display: one line that fits a terminal's width, and one line for each finished epoch.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "decimal.hpp"

namespace tilery_examples {

/// How far training is.
struct progress_state {
  std::uint64_t epoch, epochs;           ///< the current epoch counts from 1
  std::uint64_t samples, epoch_samples;  ///< seen in this epoch, and in a whole one
  std::optional<double> loss;            ///< none before the first is known
  double samples_per_second;             ///< 0 while it is not known
  std::optional<double> seconds_left;    ///< none while it is not known
};

/// A quantity in three significant digits with k, M, G or T: 87.5k.
inline std::string short_quantity(double value) {
  constexpr std::array<const char*, 5> units{"", "k", "M", "G", "T"};
  std::size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < units.size(); ++unit) value /= 1000;
  return decimal(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0) + units[unit];
}

/// A duration as minutes and seconds, or hours, minutes and seconds: 1:02:03. Longer than a year is "a long time".
inline std::string clock_time(double seconds) {
  constexpr double year = 365.0 * 24 * 3600;
  if (!(seconds < year)) return "a long time";
  const auto whole = static_cast<std::uint64_t>(std::llround(std::max(seconds, 0.0)));
  const auto two_digits = [](std::uint64_t number) { return (number < 10 ? "0" : "") + std::to_string(number); };
  const std::uint64_t minutes = whole / 60 % 60, hours = whole / 3600;
  return (hours > 0 ? std::to_string(hours) + ":" + two_digits(minutes) : std::to_string(minutes)) + ":" +
         two_digits(whole % 60);
}

/// The line of a running epoch in at most `width` columns:
/// "epoch 2/10  50%  [====>   ]  loss 0.3412  87.5k samples/s  0:12 left".
/// Where it does not fit, the rate goes first, then the bar, then the time left; the rest is cut.
inline std::string progress_line(const progress_state& state, std::size_t width) {
  const double done =
      state.epoch_samples == 0
          ? 1.0
          : std::min(1.0, static_cast<double>(state.samples) / static_cast<double>(state.epoch_samples));
  std::string line = "epoch " + std::to_string(state.epoch) + "/" + std::to_string(state.epochs) + "  " +
                     std::to_string(static_cast<int>(100 * done)) + "%";
  const std::string loss = state.loss ? "  loss " + decimal(*state.loss, 4) : "";
  const std::string left = state.seconds_left ? "  " + clock_time(*state.seconds_left) + " left" : "";
  const std::string rate =
      state.samples_per_second > 0 ? "  " + short_quantity(state.samples_per_second) + " samples/s" : "";

  constexpr std::size_t frame = 4, shortest_bar = 8, longest_bar = 40;  // frame: two spaces and two brackets
  const auto fits = [&](std::size_t more) { return line.size() + more <= width; };
  std::string tail = loss;
  if (fits(frame + shortest_bar + loss.size() + left.size() + rate.size()))
    tail = loss + rate + left;
  else if (fits(loss.size() + left.size()))
    tail = loss + left;
  if (fits(frame + shortest_bar + tail.size())) {
    const std::size_t cells = std::min(longest_bar, width - line.size() - tail.size() - frame);
    const auto full = static_cast<std::size_t>(done * static_cast<double>(cells));
    line += "  [" + std::string(full, '=') + (full < cells ? ">" + std::string(cells - full - 1, ' ') : "") + "]";
  }
  line += tail;
  return line.substr(0, width);
}

/// What a finished epoch leaves behind.
struct epoch_summary {
  std::uint64_t epoch, epochs;
  std::optional<double> mean_loss, test_accuracy;  ///< the accuracy is a share, 0 to 1
  double samples_per_second;                       ///< of training alone; 0 where it is not known
  double seconds;                                  ///< with testing
};

/// The line of a finished epoch: "epoch 2/10: loss 0.3412, test accuracy 87.61 %, 87.5k samples/s, 4.1 s".
inline std::string epoch_line(const epoch_summary& summary) {
  std::string line = "epoch " + std::to_string(summary.epoch) + "/" + std::to_string(summary.epochs) + ": ";
  if (summary.mean_loss) line += "loss " + decimal(*summary.mean_loss, 4) + ", ";
  if (summary.test_accuracy) line += "test accuracy " + decimal(100 * *summary.test_accuracy, 2) + " %, ";
  if (summary.samples_per_second > 0) line += short_quantity(summary.samples_per_second) + " samples/s, ";
  return line + decimal(summary.seconds, summary.seconds < 100 ? 1 : 0) + " s";
}

}  // namespace tilery_examples
