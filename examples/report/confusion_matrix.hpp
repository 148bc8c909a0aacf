// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which classes a network takes for which: counts of the tested images by their class and by what they were taken for,
// as numbers, as a sentence, and drawn as a picture (SVG).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tilery/core/where.hpp>

#include "../io/atomic_file.hpp"
#include "decimal.hpp"

namespace tilery_examples {

/// Text inside of an SVG file: what XML gives a meaning is written as an entity, control characters become spaces.
inline std::string svg_text(std::string_view text) {
  std::string safe;
  for (const char letter : text) {
    if (letter == '<')
      safe += "&lt;";
    else if (letter == '>')
      safe += "&gt;";
    else if (letter == '&')
      safe += "&amp;";
    else
      safe += static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f ? ' ' : letter;
  }
  return safe;
}

/// Counts of tested images, (class, taken for).
class confusion_matrix {
public:
  explicit confusion_matrix(std::vector<std::string> class_names)
      : names_(std::move(class_names)), counts_(names_.size() * names_.size()) {}

  std::size_t classes() const { return names_.size(); }
  const std::string& name(std::size_t of) const { return names_[of]; }
  void add(std::size_t label, std::size_t taken_for) { ++counts_[label * classes() + taken_for]; }
  std::uint64_t count(std::size_t label, std::size_t taken_for) const { return counts_[label * classes() + taken_for]; }
  std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t n : counts_) sum += n;
    return sum;
  }
  /// The share of all images that were taken for what they are; 0 without images.
  double accuracy() const {
    std::uint64_t right = 0;
    for (std::size_t i = 0; i < classes(); ++i) right += count(i, i);
    return total() == 0 ? 0 : static_cast<double>(right) / static_cast<double>(total());
  }

  /// The most frequent confusion, as "shirt taken for T-shirt/top, 93 of 1000 times"; nothing where there is none.
  std::optional<std::string> most_frequent() const {
    std::size_t label = 0, taken_for = 0;
    std::uint64_t most = 0;
    for (std::size_t i = 0; i < classes(); ++i)
      for (std::size_t j = 0; j < classes(); ++j)
        if (i != j && count(i, j) > most) most = count(i, j), label = i, taken_for = j;
    if (most == 0) return std::nullopt;
    return names_[label] + " taken for " + names_[taken_for] + ", " + std::to_string(most) + " of " +
           std::to_string(of_class(label)) + " times";
  }

  /// The picture: a row for each class, a column for each that it was taken for. A cell has its count, and is the
  /// darker the larger its share of the row is: blue on the diagonal, orange beside it.
  std::string svg(const std::string& title) const {
    constexpr int cell = 44, top = 60;
    std::size_t longest = 5;
    for (const std::string& name : names_) longest = std::max(longest, name.size());
    const int left = 40 + 8 * static_cast<int>(std::min<std::size_t>(longest, 30)),
              side = cell * static_cast<int>(classes());
    const int bottom = left - 20;  // the names once more, slanted
    const auto at = [](int x, int y) { return "x='" + std::to_string(x) + "' y='" + std::to_string(y) + "'"; };
    std::string text = "<svg xmlns='http://www.w3.org/2000/svg' width='" + std::to_string(left + side + 30) +
                       "' height='" + std::to_string(top + side + bottom) +
                       "' font-family='Helvetica,Arial,sans-serif' font-size='13' fill='#3c4048'>\n"
                       "<rect width='100%' height='100%' fill='#ffffff'/>\n<text " +
                       at(left, 28) + " font-size='17'>" + svg_text(title) + "</text>\n<text " + at(left, 48) +
                       ">row: class, column: taken for; accuracy " + decimal(100 * accuracy(), 2) + " %</text>\n";
    for (std::size_t i = 0; i < classes(); ++i) {
      const int y = top + cell * static_cast<int>(i), column = left + cell * static_cast<int>(i) + cell / 2;
      text += "<text " + at(left - 8, y + cell / 2 + 5) + " text-anchor='end'>" + svg_text(names_[i]) + "</text>\n";
      text += "<text transform='translate(" + std::to_string(column) + "," + std::to_string(top + side + 16) +
              ") rotate(-45)' text-anchor='end'>" + svg_text(names_[i]) + "</text>\n";
      for (std::size_t j = 0; j < classes(); ++j) text += cell_of(i, j, left + cell * static_cast<int>(j), y, cell);
    }
    return text + "</svg>\n";
  }

  /// Writes the picture; it replaces an older file in one step. Throws `tilery::error` when it cannot be written.
  void write(const std::filesystem::path& path, const std::string& title, tilery::where at = {}) const {
    atomic_file file(path, at);
    file.write(svg(title));
    file.commit();
  }

private:
  std::uint64_t of_class(std::size_t label) const {
    std::uint64_t sum = 0;
    for (std::size_t j = 0; j < classes(); ++j) sum += count(label, j);
    return sum;
  }

  std::string cell_of(std::size_t label, std::size_t taken_for, int x, int y, int size) const {
    const std::uint64_t n = count(label, taken_for), all = of_class(label);
    const double share = all == 0 ? 0 : static_cast<double>(n) / static_cast<double>(all);
    // Small shares are seen, too. The root makes one image of a hundred a tenth of the full colour.
    const std::string opacity = decimal(std::sqrt(share), 3), place = std::to_string(x) + "' y='" + std::to_string(y);
    const std::string extent = "' width='" + std::to_string(size) + "' height='" + std::to_string(size) + "'";
    std::string text = "<rect x='" + place + extent + " stroke='#e4e7ec' fill='" +
                       (label == taken_for ? "#1b5fb0" : "#c2571a") + "' fill-opacity='" + opacity + "'/>\n";
    if (n > 0)
      text += "<text x='" + std::to_string(x + size / 2) + "' y='" + std::to_string(y + size / 2 + 5) +
              "' text-anchor='middle' font-size='12'" + (share > 0.4 ? " fill='#ffffff'" : "") + ">" +
              std::to_string(n) + "</text>\n";
    return text;
  }

  std::vector<std::string> names_;
  std::vector<std::uint64_t> counts_;
};

}  // namespace tilery_examples
