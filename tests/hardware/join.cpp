// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Joins what the virtual GPU said with what compute-sanitizer and Nsight Compute said of the same kernels. Called by
// compare.sh, which has put the tools' outputs into a folder:
//
//   machine.txt                            facts of the machine, key=value
//   KERNEL.TOOL.log, KERNEL.twin.TOOL.log  what compute-sanitizer printed
//   {patterns,requests,ops}.{txt,csv}      their names in the order of the launches, and their counters
//
//   hardware_join metrics                      prints the counters that ncu is to be asked for
//   hardware_join kernels VIRTUAL_GPU.json     prints the planted kernels' names
//   hardware_join VIRTUAL_GPU.json LOGS OUT    writes OUT.json, what it measured of the requests into OUT_requests.csv,
//                                              and LOGS/{planted,patterns,requests,ops}.tsv; prints a summary
#include "tests/hardware/profiler_output.hpp"
#include "tests/hardware/sanitizer_output.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
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
  std::snprintf(text, sizeof text, "%.12g", value);
  return text;
}

std::string words(const ordered_json& list) {
  std::string all;
  for (const auto& each : list) all += (all.empty() ? "" : ", ") + each.get<std::string>();
  return all.empty() ? "nothing" : all;
}

/// Counts are whole numbers, and are written so.
std::int64_t whole(double count) { return static_cast<std::int64_t>(count); }

struct totals {
  int compared = 0, by_both = 0, by_virtual_gpu = 0, by_tools = 0, twins = 0, twins_reported = 0, patterns = 0,
      patterns_alike = 0, requests = 0, requests_alike = 0, counts = 0, counts_alike = 0;
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

// Costs are of a request; where a counter is n/a, nothing is compared.
ordered_json join_patterns(const ordered_json& virtual_gpu, const std::string& logs, std::ofstream& table,
                           totals& sum) {
  const auto launches = read_launches(logs, "patterns");
  table << "pattern\tunit\tvirtual GPU\tGPU\tverdict\n";
  ordered_json all = ordered_json::array();
  for (const auto& each : virtual_gpu.at("patterns")) {
    const std::string name = each.at("pattern");
    const double modelled = each.at("cost").get<double>() / each.at("requests").get<double>();
    ordered_json entry = {{"pattern", name}, {"unit", each.at("unit")}, {"virtual_gpu", modelled}};
    std::string cell = " ", said = "not compared";
    const measured found = measured_of(launches, name, each.at("kind"));
    if (found.known && found.requests > 0) {
      const double real = found.cost / found.requests;
      entry["gpu"] = real, entry["requests"] = whole(found.requests);
      cell = number(real), said = real == modelled ? "alike" : "DIFFERS";
      ++sum.patterns, sum.patterns_alike += real == modelled;
    }
    table << name << '\t' << each.at("unit").get<std::string>() << '\t' << number(modelled) << '\t' << cell << '\t'
          << said << '\n';
    all.push_back(entry);
  }
  return all;
}

// Single requests are many: those that differ are listed, the others counted. What was measured goes into a file,
// against which hardware_on_virtual_gpu tests the virtual GPU where there is no GPU.
ordered_json join_requests(const ordered_json& virtual_gpu, const std::string& logs, const std::string& measured_path,
                           std::ofstream& table, totals& sum) {
  const auto launches = read_launches(logs, "requests");
  ordered_json differ = ordered_json::array();
  std::map<std::string, std::pair<int, int>> by_kind;  // compared, alike
  std::string lines;
  for (const auto& each : virtual_gpu.at("requests")) {
    const std::string name = each.at("request");
    const measured found = measured_of(launches, name, each.at("kind"));
    if (!found.known) continue;
    auto& [compared, alike] = by_kind[name.substr(0, name.find(',', name.find(',') + 1))];
    const bool same = found.requests == 1 && found.cost == each.at("cost").get<double>();
    ++compared, alike += same, ++sum.requests, sum.requests_alike += same;
    lines += name + "," + number(found.cost) + "\n";
    if (!same)
      differ.push_back({{"request", name},
                        {"virtual_gpu", each.at("cost")},
                        {"gpu", whole(found.cost)},
                        {"gpu_requests", whole(found.requests)}});
  }
  table << "requests\tcompared\talike\n";
  ordered_json kinds = ordered_json::array();
  for (const auto& [kind, counts] : by_kind) {
    table << kind << " bytes\t" << counts.first << '\t' << counts.second << '\n';
    kinds.push_back({{"kind", kind + " bytes"}, {"compared", counts.first}, {"alike", counts.second}});
  }
  if (!lines.empty()) std::ofstream(measured_path) << lines;
  return {{"kinds", kinds}, {"differ", differ}};
}

// Whole kernels: requests and cost of each kind of access that either side makes.
ordered_json join_ops(const ordered_json& virtual_gpu, const std::string& logs, std::ofstream& table, totals& sum) {
  const auto launches = read_launches(logs, "ops");
  table << "op\taccess\tvirtual GPU\tGPU\tverdict\n";
  ordered_json all = ordered_json::array();
  for (const auto& each : virtual_gpu.at("ops")) {
    const std::string name = each.at("op");
    ordered_json entry = {{"op", name}, {"kernel", each.at("kernel")}, {"counts", ordered_json::array()}};
    for (const auto& count : each.at("counts")) {
      const std::string kind = count.at("kind"), unit = count.at("unit");
      const measured found = measured_of(launches, name, kind);
      const double requests = count.at("requests"), cost = count.at("cost");
      if (requests == 0 && found.requests == 0) continue;
      const auto cell = [](double n, double c) { return number(n) + ", " + number(c); };
      ordered_json both = {{"kind", kind}, {"unit", unit}, {"virtual_gpu", {whole(requests), whole(cost)}}};
      const bool same = found.known && found.requests == requests && found.cost == cost;
      if (found.known) both["gpu"] = {whole(found.requests), whole(found.cost)};
      sum.counts += found.known, sum.counts_alike += same;
      table << name << '\t' << kind << ": requests, " << unit << '\t' << cell(requests, cost) << '\t'
            << (found.known ? cell(found.requests, found.cost) : " ") << '\t'
            << (!found.known ? "not compared"
                : same       ? "alike"
                             : "DIFFERS")
            << '\n';
      entry["counts"].push_back(both);
    }
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
  std::ofstream planted(logs + "/planted.tsv"), patterns(logs + "/patterns.tsv"), requests(logs + "/requests.tsv"),
      ops(logs + "/ops.tsv"), file(out + ".json");
  all["planted"] = join_planted(virtual_gpu, logs, planted, sum);
  all["patterns"] = join_patterns(virtual_gpu, logs, patterns, sum);
  all["requests"] = join_requests(virtual_gpu, logs, out + "_requests.csv", requests, sum);
  all["ops"] = join_ops(virtual_gpu, logs, ops, sum);
  all["summary"] = {{"kernels_compared", sum.compared},  {"found_by_virtual_gpu", sum.by_virtual_gpu},
                    {"found_by_tools", sum.by_tools},    {"found_by_both", sum.by_both},
                    {"twins_compared", sum.twins},       {"twins_with_reports", sum.twins_reported},
                    {"patterns_compared", sum.patterns}, {"patterns_alike", sum.patterns_alike},
                    {"requests_compared", sum.requests}, {"requests_alike", sum.requests_alike},
                    {"op_counts_compared", sum.counts},  {"op_counts_alike", sum.counts_alike}};
  file << all.dump(2) << '\n';
  for (std::ofstream* each : {&planted, &patterns, &requests, &ops, &file})
    if (!each->flush()) throw std::runtime_error(out + ".json, or the tables in " + logs + ", cannot be written");
  std::printf(
      "%d faults compared: the virtual GPU finds %d, the tools find %d, both find %d; reports on %d of %d twins\n",
      sum.compared, sum.by_virtual_gpu, sum.by_tools, sum.by_both, sum.twins_reported, sum.twins);
  std::printf("%d patterns compared: %d alike\n%d requests compared: %d alike\n%d counts of ops compared: %d alike\n",
              sum.patterns, sum.patterns_alike, sum.requests, sum.requests_alike, sum.counts, sum.counts_alike);
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
