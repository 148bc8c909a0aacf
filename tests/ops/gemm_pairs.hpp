// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The rows of gemm_pairs.txt, which states its columns, their values and the values that exclude each other.
#pragma once

#include "tests/epilogue_table.hpp"
#include "tests/ops/gemm_pairs_text.hpp"

#include <array>
#include <set>
#include <sstream>
#include <stdexcept>

namespace tilery_tests {

/// The lines of the table that begin with #:, as tests/covering.sh reads them.
struct pairs_description {
  std::vector<std::vector<std::string>> columns;             // values of each column
  std::vector<std::vector<std::set<std::string>>> excluded;  // no row has a value of each of these sets

  explicit pairs_description(const std::string& text) {
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
      std::istringstream words(line);
      std::string mark, kind, word;
      if (!(words >> mark >> kind) || mark != "#:") continue;
      if (kind == "column") {
        words >> word;  // its name
        columns.emplace_back();
        while (words >> word) columns.back().push_back(word);
      } else {
        excluded.emplace_back();
        while (words >> word) {
          std::istringstream values(word);
          excluded.back().emplace_back();
          for (std::string value; std::getline(values, value, ',');) excluded.back().back().insert(value);
        }
      }
    }
  }
};
inline const pairs_description& description_of_pairs() {
  static const pairs_description of_table(gemm_pairs_text);
  return of_table;
}

/// A GEMM of the table.
struct pairs_row {
  std::string type, layout, epilogue, factors, schedule;
  int line = 0;

  bool strided() const { return layout == "strided"; }
  bool a_transposed() const { return layout[0] == 'T'; }
  bool b_transposed() const { return layout[1] == 'T'; }
  std::array<std::string, 5> columns() const { return {type, layout, epilogue, factors, schedule}; }
  std::string text() const {
    std::string all = "line " + std::to_string(line) + ":";
    for (const std::string& column : columns()) all += " " + column;
    return all;
  }
};

/// The index of a value among those that a column may have.
template <class Names>
int place_among(const Names& names, const std::string& value) {
  const auto found = std::find(std::begin(names), std::end(names), value);
  if (found == std::end(names)) throw std::runtime_error("there is no " + value);
  return static_cast<int>(found - std::begin(names));
}

/// "bias|relu" as the three places of a chain, by their kinds.
inline std::array<int, 3> kinds_of(const std::string& chain) {
  std::array<int, 3> kinds{};  // none
  std::istringstream in(chain);
  std::size_t count = 0;
  for (std::string name; std::getline(in, name, '|'); ++count) {
    if (count == kinds.size()) throw std::runtime_error("a chain has at most three epilogues");
    kinds[count] = place_among(epilogue_names(), name);
  }
  return kinds;
}

/// The row of a line; throws std::runtime_error if a value is unknown or excluded by another one. The epilogue may be
/// any chain.
inline pairs_row row_of_line(const std::string& line) {
  pairs_row row;
  std::string more;
  std::istringstream in(line);
  in >> row.type >> row.layout >> row.epilogue >> row.factors >> row.schedule;
  if (!in || in >> more) throw std::runtime_error("a line has five columns: type, layout, epilogue, factors, schedule");
  const auto values = row.columns();
  for (const std::size_t i : {0, 1, 3, 4}) place_among(description_of_pairs().columns.at(i), values[i]);
  kinds_of(row.epilogue);
  for (const auto& sets : description_of_pairs().excluded)
    if (std::all_of(sets.begin(), sets.end(), [&](const std::set<std::string>& set) {
          return std::any_of(values.begin(), values.end(), [&](const std::string& v) { return set.contains(v); });
        }))
      throw std::runtime_error("a line with \"#: never\" excludes this row");
  return row;
}

/// The rows of a text; throws std::runtime_error with the line's number.
inline std::vector<pairs_row> all_pairs(const std::string& text) {
  std::istringstream in(text);
  std::vector<pairs_row> rows;
  int number = 1;
  for (std::string line; std::getline(in, line); ++number) {
    line = line.substr(0, line.find('#'));
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      rows.push_back(row_of_line(line));
      rows.back().line = number;
    } catch (const std::runtime_error& error) {
      throw std::runtime_error("line " + std::to_string(number) + " of the pairs: " + error.what());
    }
  }
  return rows;
}

}  // namespace tilery_tests
