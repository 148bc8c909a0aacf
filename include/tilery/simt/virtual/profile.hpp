// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The profile of a launch, as data: for each line of the kernel, how much data it moved, its other work, and what that
// costs.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch_peaks.hpp>
#include <tilery/simt/index.hpp>
#include <tilery/simt/step.hpp>
#include <tilery/simt/virtual/site.hpp>

#include <algorithm>
#include <vector>

namespace tilery::inline TILERY_ABI {

/// The kind of work at a site: an access to one kind of memory, a synchronisation, or arithmetic.
enum class site_kind : int {
  global_load,
  global_store,
  shared_load,
  shared_store,
  atomic,
  shared_atomic,
  async_copy,
  shuffle,
  barrier,
  wait,
  fence,
  operations
};

constexpr const char* name_of(site_kind k) {
  constexpr const char* names[] = {"global load", "global store",  "shared load", "shared store",
                                   "atomic",      "shared atomic", "async copy",  "shuffle",
                                   "barrier",     "wait",          "fence",       "operations"};
  return names[static_cast<int>(k)];
}

/// True for accesses to global memory, whose cost is counted in sectors.
constexpr bool is_global(site_kind k) {
  return k == site_kind::global_load || k == site_kind::global_store || k == site_kind::atomic ||
         k == site_kind::async_copy;
}
/// True for accesses to shared memory, whose cost is counted in wavefronts.
constexpr bool is_shared(site_kind k) {
  return k == site_kind::shared_load || k == site_kind::shared_store || k == site_kind::shared_atomic;
}

/// The cost of one site over a whole launch. A site with several kinds of work has one site_profile for each kind.
struct site_profile {
  tilery::site site;
  site_kind kind = site_kind::global_load;
  std::int64_t requests = 0;           ///< warp-wide executions
  std::int64_t lanes = 0;              ///< lanes that took part, summed over all requests
  std::int64_t bytes = 0;              ///< requested by the lanes
  std::int64_t sectors = 0;            ///< 32-byte sectors of global memory, counted for each request separately
  std::int64_t fewest_sectors = 0;     ///< sectors for the same number of distinct bytes, if these were contiguous
  std::int64_t wavefronts = 0;         ///< passes through the 32 banks of shared memory
  std::int64_t fewest_wavefronts = 0;  ///< wavefronts of the same accesses without bank conflicts
  std::int64_t divergent = 0;          ///< requests in which some live lanes did not take part
  std::int64_t operations[static_cast<int>(compute_unit::count)] = {};  ///< multiply-adds or function values, by unit

  /// Estimates how many clocks one SM would be busy with this site alone; used to sort sites. The result is the largest
  /// of three times, plus the time of the arithmetic at each unit's rate. The three are: 1 clock to issue each request,
  /// 1 clock for 2 sectors from L2, 1 clock for each wavefront.
  double cycles(const arch_peaks& on) const;
};

/// Returns the operations per clock of one SM on a unit; 0 if the SM has no such unit.
constexpr int rate_of(compute_unit u, const unit_rates& rates) {
  const int all[] = {rates.fma_f32,     rates.fma_f64,   rates.fma_f16,   rates.special,   rates.tensor_f16,
                     rates.tensor_tf32, rates.tensor_f8, rates.tensor_s8, rates.tensor_f64};
  return all[static_cast<int>(u)];
}

inline double site_profile::cycles(const arch_peaks& on) const {
  double sum =
      std::max({static_cast<double>(requests), static_cast<double>(sectors) / 2, static_cast<double>(wavefronts)});
  for (int u = 0; u < static_cast<int>(compute_unit::count); ++u)
    if (const int rate = rate_of(static_cast<compute_unit>(u), on.a_clock))
      sum += static_cast<double>(operations[u]) / rate;
  return sum;
}

/// The profile of a launch. `sites` is sorted by cost (`site_profile::cycles`), the most expensive site first. The
/// `unique_bytes` count whole sectors of global memory, each sector once: what the launch must at least read and write.
struct launch_profile {
  const char* kernel = "";
  tilery::arch arch = arch::sm_90;
  index3 blocks;
  int threads = 0;
  int shared_bytes = 0;
  std::int64_t unique_bytes_read = 0;
  std::int64_t unique_bytes_written = 0;
  std::vector<site_profile> sites;

  std::int64_t total(std::int64_t site_profile::*what) const {
    std::int64_t sum = 0;
    for (const site_profile& s : sites) sum += s.*what;
    return sum;
  }
  std::int64_t operations(compute_unit u) const {
    std::int64_t sum = 0;
    for (const site_profile& s : sites) sum += s.operations[static_cast<int>(u)];
    return sum;
  }
};

}  // namespace tilery::inline TILERY_ABI
