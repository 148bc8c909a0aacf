// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Joins what the virtual GPU said with what compute-sanitizer and Nsight Compute said of the same kernels. Called by
// compare.sh, which has put the tools' outputs into a folder:
//
//   machine.txt                            facts of the machine, key=value
//   KERNEL.TOOL.log, KERNEL.twin.TOOL.log  what compute-sanitizer printed
//   patterns.txt, ncu.csv                  the patterns in the order of their launches, their counters
//
//   hardware_join metrics                      prints the counters that ncu is to be asked for
//   hardware_join kernels VIRTUAL_GPU.json     prints the planted kernels' names
//   hardware_join VIRTUAL_GPU.json LOGS OUT    writes OUT, LOGS/planted.tsv and LOGS/patterns.tsv, prints a summary
#include "tests/hardware/profiler_output.hpp"
#include "tests/hardware/sanitizer_output.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>

namespace {

using namespace tilery_tests;
using nlohmann::ordered_json;

constexpr const char* tools[] = {"memcheck", "racecheck", "initcheck", "synccheck"};

ordered_json to_json(const verdict& v) {
  ordered_json json = {{"state", v.state}};
  if (v.reported()) json["reports"] = v.reports;
  if (!v.first.empty()) json["first"] = v.first;
  return json;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

std::string words(const ordered_json& list) {
  std::string all;
  for (const auto& each : list) all += (all.empty() ? "" : ", ") + each.get<std::string>();
  return all.empty() ? "nothing" : all;
}

struct totals {
  int compared = 0, by_both = 0, by_virtual_gpu = 0, by_tools = 0, twins = 0, twins_reported = 0, patterns = 0,
      patterns_alike = 0;
};

ordered_json join_planted(const ordered_json& virtual_gpu, const std::string& logs, std::ofstream& table, totals& sum) {
  table << "kernel\tvirtual GPU";
  for (const char* tool : tools) table << '\t' << tool;
  table << "\tfound by\ttwin\n";
  ordered_json all = ordered_json::array();
  for (const auto& each : virtual_gpu.at("planted")) {
    const std::string name = each.at("kernel");
    ordered_json entry = {{"kernel", name}, {"virtual_gpu", each}};
    entry["virtual_gpu"].erase("kernel");
    table << name << '\t' << words(each.at("found"));
    bool ran = false, found = false;
    std::string of_twin = each.at("in_twin").empty() ? "" : "virtual GPU";
    bool twin_ran = false;
    for (const char* tool : tools) {
      const verdict wrong = read_sanitizer(logs + "/" + name + "." + tool + ".log"),
                    twin = read_sanitizer(logs + "/" + name + ".twin." + tool + ".log");
      entry[tool] = to_json(wrong), entry[tool]["twin"] = to_json(twin);
      table << '\t' << wrong.cell();
      ran = ran || wrong.state != "not run", found = found || wrong.reported();
      twin_ran = twin_ran || twin.state != "not run";
      if (twin.state != "not run" && twin.state != "clean")
        of_twin += (of_twin.empty() ? "" : ", ") + std::string(tool) + " " + twin.cell();
    }
    const bool virtual_found = !each.at("found").empty();
    const char* by = !ran                     ? "not compared"
                     : found && virtual_found ? "both"
                     : found                  ? "the tools"
                     : virtual_found          ? "the virtual GPU"
                                              : "neither";
    entry["found_by"] = by;
    table << '\t' << by << '\t' << (!of_twin.empty() ? of_twin : twin_ran ? "clean" : "not compared") << '\n';
    sum.compared += ran, sum.by_both += ran && found && virtual_found;
    sum.by_virtual_gpu += ran && virtual_found, sum.by_tools += found;
    sum.twins += twin_ran, sum.twins_reported += twin_ran && !of_twin.empty();
    all.push_back(entry);
  }
  return all;
}

ordered_json join_patterns(const ordered_json& virtual_gpu, const std::string& logs, std::ofstream& table,
                           totals& sum) {
  const auto measured = read_patterns(logs);
  table << "pattern\tunit\tvirtual GPU\tGPU\tverdict\n";
  ordered_json all = ordered_json::array();
  for (const auto& each : virtual_gpu.at("patterns")) {
    const std::string name = each.at("pattern"), kind = each.at("kind");
    const double modelled = each.at("cost").get<double>() / each.at("requests").get<double>();
    ordered_json entry = {{"pattern", name}, {"unit", each.at("unit")}, {"virtual_gpu", modelled}};
    std::string cell = "", said = "not compared";
    const auto found = measured.find(name);
    for (const counters& c : all_counters) {
      if (kind != c.kind || found == measured.end()) continue;
      const auto requests = found->second.find(c.requests), cost = found->second.find(c.cost);
      if (requests == found->second.end() || cost == found->second.end() || requests->second == 0) continue;
      const double real = cost->second / requests->second;
      entry["gpu"] = real, entry["requests"] = requests->second;
      cell = number(real), said = real == modelled ? "alike" : "DIFFERS";
      ++sum.patterns, sum.patterns_alike += real == modelled;
    }
    table << name << '\t' << each.at("unit").get<std::string>() << '\t' << number(modelled) << '\t'
          << (cell.empty() ? " " : cell) << '\t' << said << '\n';
    all.push_back(entry);
  }
  return all;
}

ordered_json read_json(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + " cannot be read");
  return ordered_json::parse(file);
}

void join(const std::string& virtual_path, const std::string& logs, const std::string& out) {
  const ordered_json virtual_gpu = read_json(virtual_path);
  ordered_json all;
  const auto facts = lines_of(logs + "/machine.txt");
  for (const std::string& line : facts ? *facts : std::vector<std::string>{})
    if (const auto at = line.find('='); at != std::string::npos && at + 1 < line.size())
      all["machine"][line.substr(0, at)] = line.substr(at + 1);
  all["model"] = virtual_gpu.at("model"), all["schedules"] = virtual_gpu.at("schedules");

  totals sum;
  std::ofstream planted(logs + "/planted.tsv"), patterns(logs + "/patterns.tsv"), file(out);
  all["planted"] = join_planted(virtual_gpu, logs, planted, sum);
  all["patterns"] = join_patterns(virtual_gpu, logs, patterns, sum);
  all["summary"] = {{"kernels_compared", sum.compared},  {"found_by_virtual_gpu", sum.by_virtual_gpu},
                    {"found_by_tools", sum.by_tools},    {"found_by_both", sum.by_both},
                    {"twins_compared", sum.twins},       {"twins_with_reports", sum.twins_reported},
                    {"patterns_compared", sum.patterns}, {"patterns_alike", sum.patterns_alike}};
  file << all.dump(2) << '\n';
  if (!file.flush() || !planted.flush() || !patterns.flush())
    throw std::runtime_error(out + ", or the tables in " + logs + ", cannot be written");
  std::printf(
      "%d faults compared: the virtual GPU finds %d, the tools find %d, both find %d; reports on %d of %d twins\n",
      sum.compared, sum.by_virtual_gpu, sum.by_tools, sum.by_both, sum.twins_reported, sum.twins);
  std::printf("%d patterns compared: %d alike\n", sum.patterns, sum.patterns_alike);
}

}  // namespace

int main(int count, char** arguments) try {
  const std::vector<std::string> given(arguments + 1, arguments + count);
  if (given.size() == 1 && given[0] == "metrics") {
    std::string list;
    for (const counters& c : all_counters) list += (list.empty() ? "" : ",") + std::string(c.requests) + "," + c.cost;
    std::puts(list.c_str());
  } else if (given.size() == 2 && given[0] == "kernels") {
    const ordered_json virtual_gpu = read_json(given[1]);
    for (const auto& each : virtual_gpu.at("planted")) std::puts(each.at("kernel").get<std::string>().c_str());
  } else if (given.size() == 3) {
    join(given[0], given[1], given[2]);
  } else {
    return std::fprintf(stderr, "usage: hardware_join VIRTUAL_GPU.json LOGS OUT\n"), 2;
  }
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "hardware_join: %s\n", e.what());
  return 1;
}
