// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Planted faults: a kernel that is wrong in one place, and its twin that is right. The wrong one must be reported, of
// the meant kind and at the meant lines, under every schedule; the twin must run clean.
#pragma once

#include <tilery/virtual_gpu.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <vector>

namespace tilery_tests {

/// The lines of the two accesses, noted by the kernel itself: `lines.now = __LINE__, lane.store(…);`
inline struct { int now, before; } lines;

struct planted_params {
  tilery::gmem_ptr<const float> in;  // 256 values
  tilery::gmem_ptr<float> out;       // 256 values
  tilery::gmem_ptr<int> flags;       // 8, zero at the begin
};

/// What most planted kernels have in common.
struct planted_base {
  static constexpr const char* name = "planted";
  static constexpr int threads = 64;
  static constexpr bool allows_one_lane = false;
  static constexpr int blocks = 1;
  struct shared {
    tilery::shared_array<float, 256> x;
  };
};

/// Everything that a launch of the kernel reports.
template <class Kernel>
tilery::launch_report report_of(std::uint64_t seed, tilery::arch arch = tilery::arch::sm_90) {
  using namespace tilery;
  // With something between them: just outside of an operand is not inside of the next, wherever compilers put them.
  alignas(64) static struct {
    float in[256], behind_in[16], out[256], behind_out[16];
    int flags[8];
  } memory;
  auto& [in, behind_in, out, behind_out, flags] = memory;
  for (int i = 0; i < 256; ++i) in[i] = static_cast<float>(i), out[i] = 0;
  for (int& f : flags) f = 0;
  launch_report report;
  launch<Kernel>(virtual_gpu(arch, {.report = &report, .seed = seed}), {Kernel::blocks},
                 planted_params{gmem_ptr<const float>(in), gmem_ptr<float>(out), gmem_ptr<int>(flags)},
                 {reads("in", vector(static_cast<const float*>(in), 256)), writes("out", vector(out, 256)),
                  writes("flags", vector(flags, 8))});
  return report;
}

inline std::string text_of(const tilery::launch_report& report) {
  std::string all;
  for (const tilery::fault& f : report.faults) all += f.text() + "\n";
  return all;
}

/// `Kernel<true>` has the fault, `Kernel<false>` has not. A line of 0 is not compared.
template <template <bool> class Kernel>
void expect_fault(tilery::fault_kind kind, const std::string& part_of_text = "") {
  for (const std::uint64_t seed : {0, 1, 2, 3, 4}) {
    lines = {};
    const tilery::launch_report wrong = report_of<Kernel<true>>(seed);
    bool found = false;
    for (const tilery::fault& f : wrong.faults)
      found = found || (f.kind == kind && (!lines.now || f.now.site.line.line == lines.now) &&
                        (!lines.before || f.before.site.line.line == lines.before) &&
                        f.text().find(part_of_text) != std::string::npos);
    EXPECT_TRUE(found) << "seed " << seed << ": no " << name_of(kind) << " at lines " << lines.now << " and "
                       << lines.before << " with '" << part_of_text << "' in\n"
                       << text_of(wrong);
    for (const tilery::fault& f : wrong.faults)
      EXPECT_EQ(static_cast<int>(f.kind), static_cast<int>(kind)) << "seed " << seed << ": " << f.text();
    const tilery::launch_report right = report_of<Kernel<false>>(seed);
    EXPECT_TRUE(right.faults.empty()) << "seed " << seed << ", the twin:\n" << text_of(right);
  }
}

/// The same where it depends on the schedule which of the two accesses comes first, or which of some kinds is found.
template <template <bool> class Kernel, class... Kinds>
void expect_both_lines(Kinds... kinds) {
  for (const std::uint64_t seed : {0, 1, 2, 3, 4}) {
    lines = {};
    const tilery::launch_report wrong = report_of<Kernel<true>>(seed);
    int found = 0;
    for (const tilery::fault& f : wrong.faults)
      found += ((f.kind == kinds) || ...) &&
               std::minmax({f.now.site.line.line, f.before.site.line.line}) == std::minmax({lines.now, lines.before});
    EXPECT_GT(found, 0) << "seed " << seed << ": nothing of the kind at lines " << lines.now << " and " << lines.before
                        << " in\n"
                        << text_of(wrong);
    EXPECT_EQ(text_of(report_of<Kernel<false>>(seed)), "") << "seed " << seed << ", the twin";
  }
}

}  // namespace tilery_tests
