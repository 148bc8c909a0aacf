// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the virtual GPU says of the planted kernels, the access patterns, the requests and the ops, as JSON: the side of
// the comparison that needs no GPU. Fails where a fault is not found, where a twin is not clean, where a pattern's cost
// is not the one by hand, or where a request's is not the one that a GPU's counters gave.
//
//   hardware_on_virtual_gpu FILE [MEASURED.csv ...]
#include "tests/hardware/counts_on_virtual_gpu.hpp"
#include "tests/hardware/planted_kernels.hpp"
#include "tests/hardware/requests.hpp"
#include "tests/hardware/text_lines.hpp"

#include <cstdio>
#include <fstream>
#include <map>
#include <set>

namespace {

using namespace tilery;
using namespace tilery_tests;
using nlohmann::ordered_json;
using kinds = std::set<std::string>;

constexpr std::uint64_t seeds[] = {0, 1, 2, 3, 4};
int wrong = 0;

void expect(bool holds, const std::string& sentence) {
  if (!holds) std::fprintf(stderr, "hardware_on_virtual_gpu: %s\n", sentence.c_str()), ++wrong;
}

/// The kinds of fault of one launch.
template <class Kernel>
kinds found_in(std::uint64_t seed) {
  alignas(64) static float in[planted_elements], out[planted_elements];
  alignas(64) static int flag[1];
  flag[0] = 0;
  launch_report report;
  const virtual_gpu gpu(arch::sm_90, {.report = &report, .seed = seed});
  const buffer<float> fresh(gpu, planted_elements);  // nobody has written it
  launch<Kernel>(gpu, {Kernel::blocks},
                 planted_params{gmem_ptr<const float>(in), gmem_ptr<float>(out), gmem_ptr<float>(fresh.data_handle()),
                                gmem_ptr<int>(flag), planted_elements},
                 {reads("in", vector(static_cast<const float*>(in), planted_elements)),
                  writes("out", vector(out, planted_elements)), own(writes("fresh", fresh.view())),
                  writes("flag", vector(flag, 1))});
  kinds found;
  for (const fault& f : report.faults) found.insert(name_of(f.kind));
  return found;
}

template <class Planted>
ordered_json planted_entry(Planted) {
  using kernel = typename Planted::wrong;
  const kinds meant{kernel::finding};
  kinds all, of_twin;
  for (const std::uint64_t seed : seeds) {
    const kinds found = found_in<kernel>(seed);
    expect(found == meant, std::string(kernel::name) + ", seed " + std::to_string(seed) + ": found " +
                               ordered_json(found).dump() + " instead of " + ordered_json(meant).dump());
    all.insert(found.begin(), found.end());
    of_twin.merge(found_in<typename Planted::right>(seed));
  }
  expect(of_twin.empty(), "the twin of " + std::string(kernel::name) + ": found " + ordered_json(of_twin).dump());
  return {{"kernel", kernel::name}, {"found", all}, {"in_twin", of_twin}};
}

template <class Pattern>
ordered_json pattern_entry(Pattern) {
  constexpr access_pattern p = Pattern::value;
  alignas(128) static float in[pattern_words], out[pattern_words];
  launch_report report;
  launch<typename Pattern::kernel>(virtual_gpu(arch::sm_90, {.report = &report}), {1},
                                   pattern_params{gmem_ptr<const float>(in), gmem_ptr<float>(out)},
                                   {reads("in", vector(static_cast<const float*>(in), pattern_words)),
                                    writes("out", vector(out, pattern_words))});
  for (const fault& f : report.faults) expect(false, p.name() + ": " + f.text());
  const tally sum = total(report.profiles.at(0), p.kind);
  expect(sum.requests == 1 && sum.cost == p.cost, p.name() + ": " + std::to_string(sum.cost) + " " + sum.unit + " in " +
                                                      std::to_string(sum.requests) + " requests; by hand, it is " +
                                                      std::to_string(p.cost) + " in one");
  return {{"pattern", p.name()},
          {"kind", name_of(p.kind)},
          {"unit", sum.unit},
          {"requests", sum.requests},
          {"cost", sum.cost}};
}

alignas(128) float request_in[request_units * 4], request_out[request_units * 4], request_result[32];

/// The kernels leave memory unwritten that they read, so nothing is checked.
tally cost_of(const request& r) {
  tally found{};
  visit_request_kernel(r.kind, r.bytes, [&](auto kernel) {
    using K = decltype(kernel);
    using T = typename K::element;
    request_params<T> p{gmem_ptr<const T>(reinterpret_cast<const T*>(request_in)),
                        gmem_ptr<T>(reinterpret_cast<T*>(request_out)),
                        gmem_ptr<float>(request_result),
                        r.lanes,
                        {}};
    std::copy(r.at, r.at + 32, p.at);
    launch_report report;
    launch<K>(virtual_gpu(arch::sm_90, {.checks = checks::profile, .report = &report}), {1}, p);
    found = total(report.profiles.at(0), r.kind);
  });
  return found;
}

/// Lines of a request's name, a comma, and the cost that a GPU's counters gave. Returns how many there are.
int compare_with_measured(const std::map<std::string, std::int64_t>& costs, const std::string& path) {
  const auto lines = lines_of(path);
  expect(lines.has_value(), path + " cannot be read");
  for (const std::string& line : lines.value_or(std::vector<std::string>{})) {
    const auto comma = line.rfind(',');
    const auto modelled = costs.find(line.substr(0, comma));
    expect(modelled != costs.end(), path + " has a request that is not among these: " + line);
    if (modelled != costs.end())
      expect(std::to_string(modelled->second) == line.substr(comma + 1),
             line + " were measured; the virtual GPU counts " + std::to_string(modelled->second));
  }
  return static_cast<int>(lines ? lines->size() : 0);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) return std::fprintf(stderr, "usage: hardware_on_virtual_gpu FILE [MEASURED.csv ...]\n"), 2;
  ordered_json all = {{"model", "sm_90"}, {"schedules", std::size(seeds)}};
  for_each_planted([&](auto planted) { all["planted"].push_back(planted_entry(planted)); });
  for_each_pattern([&](auto pattern) { all["patterns"].push_back(pattern_entry(pattern)); });
  std::map<std::string, std::int64_t> costs;
  for (const request& r : all_requests()) {
    const auto found = cost_of(r);
    expect(found.requests == 1, r.name() + " is " + std::to_string(found.requests) + " requests");
    costs[r.name()] = found.cost;
    all["requests"].push_back({{"request", r.name()}, {"kind", name_of(r.kind)}, {"cost", found.cost}});
  }
  int measured = 0;
  for (int i = 2; i < count; ++i) measured += compare_with_measured(costs, arguments[i]);
  all["ops"] = ops_on_virtual_gpu(expect);
  std::ofstream file(arguments[1]);
  file << all.dump(2) << '\n';
  expect(file.good(), std::string(arguments[1]) + " cannot be written");
  std::printf(
      "%zu planted kernels with their twins, %zu patterns, %zu requests (%d of them measured), %zu ops, %d wrong\n",
      all["planted"].size(), all["patterns"].size(), all["requests"].size(), measured, all["ops"].size(), wrong);
  return wrong == 0 ? 0 : 1;
}
