// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The rows of gemm_pairs.txt, which says what its columns are, and the pairs of values that they lack.
#pragma once

#include "tests/epilogue_choice.hpp"

#include <array>
#include <set>
#include <sstream>
#include <stdexcept>

namespace tilery_tests {

/// What the columns may say; a chain of up to three epilogues is written with bars.
inline const std::vector<std::string> pairs_types = {"f64",      "f32",      "tf32",      "f16",       "bf16",
                                                     "fp8_e4m3", "fp8_e5m2", "fp8_mixed", "s8_to_f32", "s8"};
inline const std::vector<std::string> pairs_layouts = {"NN", "NT", "TN", "TT", "strided"};
inline const std::vector<std::string> pairs_factors = {"one", "alpha", "beta", "both"};
inline const std::vector<std::string> pairs_schedules = {"one_block", "split_k", "stream_k", "batched", "grouped"};

/// Pairs that there cannot be: stochastic rounding is for sums of float.
inline const std::set<std::array<std::string, 2>> no_pairs = {{"f64", "round_by_chance"}};

/// Types whose groups are strided; those of the others are aligned. There is a kernel for one of the two.
inline const std::set<std::string> types_with_strided_groups = {"f64", "tf32", "f16", "fp8_mixed", "s8"};

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

/// The place of a value among those that a column may have.
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
    kinds[count] = place_among(epilogue_names, name);
  }
  return kinds;
}

/// A line's row.
inline pairs_row row_of_line(const std::string& line) {
  pairs_row row;
  std::string more;
  std::istringstream in(line);
  in >> row.type >> row.layout >> row.epilogue >> row.factors >> row.schedule;
  if (!in || in >> more) throw std::runtime_error("a line has five columns: type, layout, epilogue, factors, schedule");
  place_among(pairs_types, row.type), place_among(pairs_layouts, row.layout);
  place_among(pairs_factors, row.factors), place_among(pairs_schedules, row.schedule);
  kinds_of(row.epilogue);
  if (row.schedule == "grouped" && row.strided() != types_with_strided_groups.contains(row.type))
    throw std::runtime_error("groups of " + row.type + " must " + (row.strided() ? "not " : "") + "be strided");
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

/// The pairs of two columns' values that no row has. Epilogues are all that there are, and the chains of the rows.
inline std::vector<std::string> missing_pairs(const std::vector<pairs_row>& rows) {
  std::vector<std::string> epilogues(std::begin(epilogue_names), std::end(epilogue_names));
  for (const pairs_row& row : rows)
    if (row.epilogue.find('|') != std::string::npos) epilogues.push_back(row.epilogue);
  const std::vector<std::string> values[] = {pairs_types, pairs_layouts, epilogues, pairs_factors, pairs_schedules};
  std::set<std::array<std::string, 2>> has = no_pairs;
  for (const pairs_row& row : rows)
    for (int i = 0; i < 5; ++i)
      for (int j = i + 1; j < 5; ++j) has.insert({row.columns()[i], row.columns()[j]});
  std::vector<std::string> missing;
  for (int i = 0; i < 5; ++i)
    for (int j = i + 1; j < 5; ++j)
      for (const std::string& one : values[i])
        for (const std::string& other : values[j])
          if (has.insert({one, other}).second) missing.push_back(one + " with " + other);
  return missing;
}

}  // namespace tilery_tests
