// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How training went: a row for each step that was looked at, kept as a table (CSV) and drawn as a picture (SVG).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <tilery/core/where.hpp>

#include "../io/atomic_file.hpp"
#include "decimal.hpp"
#include "gnuplot.hpp"
#include "learning_curve_plot.hpp"

namespace tilery_examples {

/// The rows of one training run.
class learning_curve {
public:
  /// `title` stands above the picture.
  explicit learning_curve(std::string title = {}) : title_(std::move(title)) {}

  void add(const curve_row& row) { rows_.push_back(row); }
  std::span<const curve_row> rows() const { return rows_; }

  /// The table: a line of names, then a line for each row. Numbers are the shortest that read back to the same value.
  std::string csv() const {
    std::string text = "step,epoch,loss,test_accuracy,seconds\n";
    for (const curve_row& row : rows_) {
      text += std::to_string(row.step) + ',' + decimal(row.epoch) + ',' + decimal(row.loss) + ',';
      if (row.test_accuracy) text += decimal(*row.test_accuracy);
      text += ',' + decimal(row.seconds) + '\n';
    }
    return text;
  }

  /// Writes the table to `table`; it replaces an older file in one step. Throws `tilery::error` when it cannot be
  /// written.
  void write_table(const std::filesystem::path& table, tilery::where at = {}) const {
    atomic_file csv_file(table, at);
    csv_file.write(csv());
    csv_file.commit();
  }

  /// Writes the table to `table` and the picture to `picture`; each replaces an older file in one step.
  /// Returns nothing, or the sentence that says why there is no picture: no gnuplot on PATH, or nothing to draw.
  /// An older picture stays then. Throws `tilery::error` when a file cannot be written or gnuplot fails; the table is
  /// in place by then.
  [[nodiscard]] std::optional<std::string> write(const std::filesystem::path& table,
                                                 const std::filesystem::path& picture, tilery::where at = {}) const {
    write_table(table, at);
    const std::string no_picture = "The learning curve is in " + table.string() + " without a picture, because ";
    const std::string script = learning_curve_script(rows_, title_);
    if (script.empty()) return no_picture + "it has no finite loss to draw.";
    atomic_file svg_file(picture, at);
    if (!run_gnuplot(script, svg_file.descriptor(), at)) return no_picture + "gnuplot is not on PATH.";
    svg_file.commit();
    return std::nullopt;
  }

private:
  std::string title_;
  std::vector<curve_row> rows_;
};

}  // namespace tilery_examples
