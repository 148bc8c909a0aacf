// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the virtual GPU counts of a launch, by kind of access, as a profiler's counters do.
#pragma once

#include "tests/hardware/access_patterns.hpp"

#include <tilery/virtual_gpu.hpp>

#include <nlohmann/json.hpp>

namespace tilery_tests {

/// What one kind of access did over a launch, and its unit.
struct tally {
  const char* unit;
  std::int64_t requests = 0, cost = 0;
};
inline tally total(const tilery::launch_profile& profile, access_kind kind) {
  tally sum{is_global(kind) ? "sectors" : "wavefronts"};
  for (const tilery::site_profile& s : profile.sites)
    if (std::string(name_of(s.kind)) == name_of(kind))
      sum.requests += s.requests, sum.cost += is_global(kind) ? s.sectors : s.wavefronts;
  return sum;
}

/// The ops as JSON, a launch each. Calls expect(whether it holds, sentence) for what must be.
nlohmann::ordered_json ops_on_virtual_gpu(void (*expect)(bool, const std::string&));

}  // namespace tilery_tests
