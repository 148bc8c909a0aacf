// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Prints what became of a lesson: its result, its faults, its profile, and the step before beside it.
#include "course.hpp"

#include <tilery/simt/virtual/profile_html.hpp>
#include <tilery/simt/virtual/profile_text.hpp>

#include <cstdio>
#include <fstream>

namespace learn {

totals add_up(const launch_profile& launch) {
  totals result;
  for (const site_profile& s : launch.sites) {
    if (is_global(s.kind)) result.bytes += s.bytes, result.requests += s.requests, result.sectors += s.sectors;
    if (is_shared(s.kind)) result.shared_requests += s.requests, result.wavefronts += s.wavefronts;
    if (s.kind == site_kind::barrier) result.barriers += s.requests;
  }
  return result;
}

namespace {

/// One multiprocessor with its share of L2 and DRAM. Kernels are compared on it, because on a whole GPU a small grid is
/// bound by how few blocks it has, and kernels with large tiles have fewer.
arch_peaks one_multiprocessor(arch model) {
  arch_peaks one = peaks(model);
  one.dram_bytes_a_second /= one.multiprocessors;
  one.l2_bytes_a_clock /= one.multiprocessors;
  one.multiprocessors = 1;
  return one;
}

std::string number(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}
/// 1234567 as 1,234,567
std::string count(std::int64_t value) {
  std::string text = std::to_string(value);
  for (int i = static_cast<int>(text.size()) - 3; i > 0; i -= 3) text.insert(static_cast<std::size_t>(i), ",");
  return text;
}
std::string microseconds(double seconds) { return number("%.3g us", seconds * 1e6); }
std::string a_request(std::int64_t value, std::int64_t requests) {
  return requests == 0 ? "-" : number("%.2f", static_cast<double>(value) / static_cast<double>(requests));
}

/// The rows of the comparison, as text: what it is, and the value.
std::vector<std::pair<const char*, std::string>> rows_of(const launch_profile& launch) {
  const totals sum = add_up(launch);
  const arch_peaks one = one_multiprocessor(launch.arch);
  const roofline bound = bound_of(launch, one);
  double clocks = 0;
  for (const site_profile& s : launch.sites) clocks += s.cycles(one);
  return {{"bytes asked of global memory", count(sum.bytes)},
          {"sectors of 32 bytes", count(sum.sectors)},
          {"sectors a request", a_request(sum.sectors, sum.requests)},
          {"requests of shared memory", count(sum.shared_requests)},
          {"wavefronts of shared memory", count(sum.wavefronts)},
          {"wavefronts a request", a_request(sum.wavefronts, sum.shared_requests)},
          {"barriers, by warp", count(sum.barriers)},
          {"clocks, all lines added", count(static_cast<std::int64_t>(clocks))},
          {"lower bound", microseconds(bound.seconds())},
          {"bound by", bound.bound_by()}};
}

void print_comparison(const launch_profile* before, const launch_profile& now) {
  const auto mine = rows_of(now);
  std::printf("\n%-30s %24s %24s\n", "", before ? before->kernel : "", now.kernel);
  for (std::size_t i = 0; i < mine.size(); ++i)
    std::printf("%-30s %24s %24s\n", mine[i].first, before ? rows_of(*before)[i].second.c_str() : "",
                mine[i].second.c_str());
}

bool print_aim(const aim& to, const launch_profile& before, const launch_profile& now) {
  const std::int64_t was = add_up(before).*to.of, is = add_up(now).*to.of;
  const double share = was == 0 ? 1 : static_cast<double>(is) / static_cast<double>(was);
  const bool reached = share <= to.share;
  std::printf("\n%s: %s: %s, %.0f %% of the %s of the step before (the aim: at most %.0f %%)\n",
              reached ? "better" : "NOT BETTER", to.what, count(is).c_str(), share * 100, count(was).c_str(),
              to.share * 100);
  return reached;
}

}  // namespace

bool show(const course& of, int number, const show_options& how) {
  const lesson& now = of.lessons.at(static_cast<std::size_t>(number - 1));
  const lesson* before = number > 1 ? &of.lessons[static_cast<std::size_t>(number - 2)] : nullptr;
  const sizes& size = how.size.empty() ? of.usual : how.size;
  std::printf("%s: %s\n%s;", now.name.c_str(), now.idea, of.computes);
  for (std::size_t i = 0; i < size.size(); ++i) std::printf(" %s = %d", of.size_names[i], size[i]);

  const outcome mine = now.on_virtual_gpu(how.model, size);
  std::printf("\n\n%s: largest error %.2g (rounding allows %.2g)\n", mine.right() ? "right" : "WRONG", mine.error,
              mine.allowed);
  for (const fault& f : mine.report.faults) std::printf("found: %s\n", f.text().c_str());
  if (mine.report.faults.empty()) std::printf("the virtual GPU has no findings\n");
  if (const std::optional<outcome> gpu = now.on_cuda(size))
    std::printf("%s on this machine's GPU: largest error %.2g, %s a launch\n", gpu->right() ? "right" : "WRONG",
                gpu->error, microseconds(gpu->seconds).c_str());

  bool good = mine.right() && mine.report.faults.empty();
  if (mine.report.profiles.empty()) {
    std::printf("no profile was taken\n");
    return false;
  }
  const launch_profile& profile = mine.report.profiles.front();
  std::printf("\n%s", text_of(profile).c_str());

  const arch_peaks one = one_multiprocessor(how.model);
  outcome theirs;
  if (before) theirs = before->on_virtual_gpu(how.model, size);
  print_comparison(before ? &theirs.report.profiles.at(0) : nullptr, profile);
  if (mine.multiply_adds > 0)
    std::printf("%-30s %24s %24s\n", "the multiply-adds alone", "",
                microseconds(mine.multiply_adds / one.a_clock.fma_f32 / one.clock).c_str());
  std::printf("The bounds are of one SM of %s, which has the whole work to do.\n", one.product);
  if (before) good = print_aim(now.improves, theirs.report.profiles[0], profile) && good;

  if (!how.html.empty()) {
    std::ofstream file(how.html);
    file << html_of(profile, mine.report.faults);
    file.close();
    if (!file) throw error("learn: " + how.html + " could not be written");
    std::printf("\nthe source with its costs: %s\n", how.html.c_str());
  }
  return good;
}

}  // namespace learn
