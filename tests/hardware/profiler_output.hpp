// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reads the counters that Nsight Compute prints (ncu --csv --metrics ...), a line for each counter of each launch.
#pragma once

#include "tests/hardware/text_lines.hpp"

#include <map>
#include <stdexcept>

namespace tilery_tests {

/// The counters of a launch that tell how often an access was made and what it cost, as Nsight Compute names them.
struct counters {
  const char *kind, *requests, *cost;
};
constexpr counters all_counters[] = {
    {"global load", "l1tex__t_requests_pipe_lsu_mem_global_op_ld.sum",
     "l1tex__t_sectors_pipe_lsu_mem_global_op_ld.sum"},
    {"global store", "l1tex__t_requests_pipe_lsu_mem_global_op_st.sum",
     "l1tex__t_sectors_pipe_lsu_mem_global_op_st.sum"},
    {"shared load", "smsp__inst_executed_op_shared_ld.sum", "l1tex__data_pipe_lsu_wavefronts_mem_shared_op_ld.sum"},
    {"shared store", "smsp__inst_executed_op_shared_st.sum", "l1tex__data_pipe_lsu_wavefronts_mem_shared_op_st.sum"},
};

/// The cells of a line of quoted values.
inline std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (const char c : line)
    if (c == '"')
      quoted = !quoted;
    else if (c == ',' && !quoted)
      cells.emplace_back();
    else
      cells.back() += c;
  return cells;
}

/// The counters of each launch, in the order of the launches. Values have commas between thousands; what could not be
/// measured is n/a and left out. Ahead of the table are lines of progress.
inline std::vector<std::map<std::string, double>> read_counters(const std::vector<std::string>& lines) {
  std::map<long, std::map<std::string, double>> launches;
  std::map<std::string, std::size_t> columns;
  for (const std::string& line : lines) {
    if (!starts_with(line, "\"")) continue;
    const std::vector<std::string> cells = cells_of(line);
    if (columns.empty()) {
      for (std::size_t i = 0; i < cells.size(); ++i) columns[cells[i]] = i;
      for (const char* needed : {"ID", "Metric Name", "Metric Value"})
        if (!columns.count(needed)) throw std::runtime_error(std::string("ncu's table has no column ") + needed);
      continue;
    }
    if (cells.size() != columns.size()) throw std::runtime_error("ncu's table has a line of another length: " + line);
    std::string digits;
    for (const char c : cells[columns["Metric Value"]])
      if (c != ',') digits += c;
    auto& launch = launches[std::stol(cells[columns["ID"]])];
    if (!digits.empty() && digits.find_first_not_of("0123456789.") == std::string::npos)
      launch[cells[columns["Metric Name"]]] = std::stod(digits);
  }
  std::vector<std::map<std::string, double>> in_order;
  for (auto& entry : launches) in_order.push_back(std::move(entry.second));
  return in_order;
}

/// The counters of each launch by its name: NAME.txt has the names in the order of the launches, NAME.csv the counters.
/// Empty where ncu was not run.
inline std::map<std::string, std::map<std::string, double>> read_launches(const std::string& logs,
                                                                          const std::string& program) {
  const auto table = lines_of(logs + "/" + program + ".csv"), output = lines_of(logs + "/" + program + ".txt");
  if (!table || !output) return {};
  std::vector<std::string> names;
  for (const std::string& line : *output)
    if (starts_with(line, "launch: ")) names.push_back(line.substr(8));
  const auto launches = read_counters(*table);
  if (launches.size() != names.size())
    throw std::runtime_error("ncu measured " + std::to_string(launches.size()) + " launches, but " +
                             std::to_string(names.size()) + " of the " + program + " were launched; see " + program +
                             ".csv");
  std::map<std::string, std::map<std::string, double>> result;
  for (std::size_t i = 0; i < names.size(); ++i) result[names[i]] = launches[i];
  return result;
}

/// What a GPU's counters say of one kind of access in a launch.
struct measured {
  bool known = false;
  double requests = 0, cost = 0;
};
inline measured measured_of(const std::map<std::string, std::map<std::string, double>>& launches,
                            const std::string& name, const std::string& kind) {
  const auto launch = launches.find(name);
  if (launch == launches.end()) return {};
  for (const counters& c : all_counters) {
    const auto requests = launch->second.find(c.requests), cost = launch->second.find(c.cost);
    if (kind == c.kind && requests != launch->second.end() && cost != launch->second.end())
      return {true, requests->second, cost->second};
  }
  return {};
}

}  // namespace tilery_tests
