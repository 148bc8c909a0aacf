// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the virtual GPU says of the planted kernels and the access patterns, as JSON: the side of the comparison that
// needs no GPU. Fails where a fault is not found, where a twin is not clean, or where a cost is not the one by hand.
//
//   hardware_on_virtual_gpu FILE
#include "tests/hardware/access_patterns.hpp"
#include "tests/hardware/planted_kernels.hpp"

#include <tilery/virtual_gpu.hpp>

#include <nlohmann/json.hpp>

#include <cstdio>
#include <fstream>
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
                  writes("out", vector(out, planted_elements)), writes("fresh", fresh.view()),
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
  std::int64_t requests = 0, cost = 0;
  for (const site_profile& s : report.profiles.at(0).sites)
    if (std::string(name_of(s.kind)) == name_of(p.kind))
      requests += s.requests, cost += is_global(p.kind) ? s.sectors : s.wavefronts;
  const char* unit = is_global(p.kind) ? "sectors" : "wavefronts";
  expect(requests == 1 && cost == p.cost, p.name() + ": " + std::to_string(cost) + " " + unit + " in " +
                                              std::to_string(requests) + " requests; by hand, it is " +
                                              std::to_string(p.cost) + " in one");
  return {{"pattern", p.name()}, {"kind", name_of(p.kind)}, {"unit", unit}, {"requests", requests}, {"cost", cost}};
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return std::fprintf(stderr, "usage: hardware_on_virtual_gpu FILE\n"), 2;
  ordered_json all = {{"model", "sm_90"}, {"schedules", std::size(seeds)}};
  for_each_planted([&](auto planted) { all["planted"].push_back(planted_entry(planted)); });
  for_each_pattern([&](auto pattern) { all["patterns"].push_back(pattern_entry(pattern)); });
  std::ofstream file(arguments[1]);
  file << all.dump(2) << '\n';
  expect(file.good(), std::string(arguments[1]) + " cannot be written");
  std::printf("%zu planted kernels with their twins, %zu patterns, %d wrong\n", all["planted"].size(),
              all["patterns"].size(), wrong);
  return wrong == 0 ? 0 : 1;
}
