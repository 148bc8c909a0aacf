// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reads the table of a learning curve back, so that a resumed training goes on with it.
#pragma once

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <tilery/core/error.hpp>

#include "learning_curve_plot.hpp"

namespace tilery_examples {

/// Cuts the text before the next comma, or all of it, from the front of `line`, and reads it as a number to `value`.
/// Returns false where it is none.
template <class Number>
bool read_field(std::string_view& line, Number& value) {
  const std::string_view field = line.substr(0, line.find(','));
  line.remove_prefix(field.size() < line.size() ? field.size() + 1 : field.size());
  const auto [end, failed] = std::from_chars(field.data(), field.data() + field.size(), value);
  return failed == std::errc() && end == field.data() + field.size();
}

/// The rows of the table at `path` up to step `last`, as `learning_curve::csv` writes them; none where there is no such
/// file. Throws `tilery::error` when the file cannot be read or is no such table.
inline std::vector<curve_row> read_curve_table(const std::filesystem::path& path, std::uint64_t last,
                                               tilery::where at = {}) {
  std::vector<curve_row> rows;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return rows;
  const auto refuse = [&](const std::string& predicate) {
    throw tilery::error("The learning curve " + path.string() + " " + predicate, at);
  };
  std::ifstream file(path);
  if (!file) refuse("cannot be opened.");
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (number == 1 && line == "step,epoch,loss,test_accuracy,seconds") continue;
    curve_row row{};
    std::string_view rest = line;
    bool fits = number > 1 && read_field(rest, row.step) && read_field(rest, row.epoch) && read_field(rest, row.loss);
    if (fits && rest.starts_with(','))
      rest.remove_prefix(1);
    else
      fits = fits && read_field(rest, row.test_accuracy.emplace());
    if (!fits || !read_field(rest, row.seconds) || !rest.empty())
      refuse("has a line " + std::to_string(number) +
             " that is no row of a learning curve; it must have a step, an epoch, a loss, an accuracy or nothing, and "
             "seconds.");
    if (row.step <= last) rows.push_back(row);
  }
  if (file.bad()) refuse("cannot be read.");
  return rows;
}

}  // namespace tilery_examples
