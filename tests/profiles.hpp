// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the launches of a call move, as the virtual GPU counts it.
#pragma once

#include <tilery/virtual_gpu.hpp>

#include <gtest/gtest.h>
#include <cstring>
#include <vector>

namespace tilery_tests {

using namespace tilery;

/// Runs an op on aligned buffers and returns its launches' profiles; faults fail the test.
template <class Call>
std::vector<launch_profile> profiles_of(const Call& call, arch on = arch::sm_90) {
  launch_report report;
  call(virtual_gpu(on, {.report = &report}));
  for (const fault& f : report.faults) ADD_FAILURE() << f.text();
  return report.profiles;
}

/// The sum of a count over the sites of a kind inside a step ("" for all).
inline std::int64_t sum_of(const launch_profile& p, site_kind kind, std::int64_t site_profile::*what,
                           const char* step = "") {
  std::int64_t sum = 0;
  for (const site_profile& s : p.sites)
    if (s.kind == kind && (!*step || std::strcmp(s.site.step, step) == 0)) sum += s.*what;
  return sum;
}

}  // namespace tilery_tests
