// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Renders the profile of a launch as a table for a terminal, the most expensive site first. A site (site.hpp) is a
// place in the kernel that accesses memory, synchronises or computes.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/roofline.hpp>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// Returns value / of, or 0 if `of` is 0.
inline double ratio(std::int64_t value, std::int64_t of) {
  return of == 0 ? 0 : static_cast<double>(value) / static_cast<double>(of);
}

/// Returns a number with at most two decimals and no trailing zeros: "4", "4.5", "4.25".
inline std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  std::string result = text;
  while (result.back() == '0') result.pop_back();
  if (result.back() == '.') result.pop_back();
  return result;
}

/// For accesses to memory, returns the average cost of a request (one access of a warp), such as "8 sectors a request,
/// 4 at best" (4: if the distinct bytes were contiguous and aligned; for wavefronts: without bank conflicts). For
/// arithmetic, returns the number of operations of each unit. For synchronisations, returns an empty string.
inline std::string cost_text(const site_profile& s) {
  const auto text = [&](std::int64_t value, std::int64_t fewest, const char* what) {
    std::string result =
        short_number(ratio(value, s.requests)) + " " + what + (value == s.requests ? " a request" : "s a request");
    if (value != fewest) result += ", " + short_number(ratio(fewest, s.requests)) + " at best";
    return result;
  };
  if (is_global(s.kind)) return text(s.sectors, s.fewest_sectors, "sector");
  if (is_shared(s.kind)) return text(s.wavefronts, s.fewest_wavefronts, "wavefront");
  std::string result;
  for (int u = 0; u < static_cast<int>(compute_unit::count); ++u)
    if (s.operations[u] != 0)
      result += (result.empty() ? "" : ", ") + count_text(static_cast<double>(s.operations[u])) + " " +
                name_of(static_cast<compute_unit>(u));
  return result;
}

/// Returns the share of the site's requests in which some live lanes did not take part (site_profile::divergent), such
/// as "3 % divergent"; an empty string if there are no such requests.
inline std::string divergence_text(const site_profile& s) {
  return s.divergent == 0 ? "" : short_number(ratio(s.divergent, s.requests) * 100) + " % divergent";
}

}  // namespace virtual_machine

/// Returns the grid's and block's sizes, the bytes read and written and the roofline bound of a launch, then one line
/// of text for each site. Columns: the site's share of the launch's cost (site_profile::cycles), the kind of work, the
/// number of requests, the average cost of a request and the share of divergent requests (for arithmetic: the
/// operations), and the place in the source.
inline std::string text_of(const launch_profile& launch) {
  using namespace virtual_machine;
  const arch_peaks& on = peaks(launch.arch);
  std::string result = std::string(launch.kernel) + ": " + std::to_string(launch.blocks.volume()) + " blocks of " +
                       std::to_string(launch.threads) + " threads, " + std::to_string(launch.shared_bytes) +
                       " bytes of shared memory; reads " +
                       with_unit(static_cast<double>(launch.unique_bytes_read), "B") + " and writes " +
                       with_unit(static_cast<double>(launch.unique_bytes_written), "B") +
                       ", each sector counted once\n" + bound_of(launch).text() + "\n";
  double all = 0;
  for (const site_profile& s : launch.sites) all += s.cycles(on);
  result += "  cost  kind             requests  each\n";
  for (const site_profile& s : launch.sites) {
    char start[96];
    std::snprintf(start, sizeof start, "%4.0f %%  %-13s %11lld  ", all > 0 ? s.cycles(on) / all * 100 : 0,
                  name_of(s.kind), static_cast<long long>(s.requests));
    const std::string cost = cost_text(s), divergence = divergence_text(s);
    result += start + cost + (cost.empty() || divergence.empty() ? "" : ", ") + divergence +
              (cost.empty() && divergence.empty() ? "" : "; ") + s.site.text() + "\n";
  }
  return result;
}

}  // namespace tilery::inline TILERY_ABI
