// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a launch did, as data: for each line of the kernel what it moved and what that costs.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch_peaks.hpp>
#include <tilery/simt/index.hpp>
#include <tilery/simt/step.hpp>
#include <tilery/simt/virtual/site.hpp>

#include <algorithm>
#include <vector>

namespace tilery::inline TILERY_ABI {

/// Which memory, or which kind of meeting, a site is about.
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

/// Whether accesses of this kind are of global memory, whose cost is sectors.
constexpr bool is_global(site_kind k) {
  return k == site_kind::global_load || k == site_kind::global_store || k == site_kind::atomic ||
         k == site_kind::async_copy;
}
/// Whether accesses of this kind are of shared memory, whose cost is wavefronts.
constexpr bool is_shared(site_kind k) {
  return k == site_kind::shared_load || k == site_kind::shared_store || k == site_kind::shared_atomic;
}

/// The cost of one site over a whole launch. A site that does several kinds of things has a profile for each.
struct site_profile {
  tilery::site site;
  site_kind kind = site_kind::global_load;
  std::int64_t requests = 0;           ///< warp-wide executions
  std::int64_t lanes = 0;              ///< lanes that took part, over all requests
  std::int64_t bytes = 0;              ///< asked for by lanes
  std::int64_t sectors = 0;            ///< of 32 bytes, of global memory (each request by itself)
  std::int64_t fewest_sectors = 0;     ///< that the same distinct bytes need
  std::int64_t wavefronts = 0;         ///< passes through shared memory's 32 banks
  std::int64_t fewest_wavefronts = 0;  ///< that the same accesses need without a conflict
  std::int64_t divergent = 0;          ///< requests in which some live lanes took no part
  std::int64_t operations[static_cast<int>(compute_unit::count)] = {};  ///< multiply-adds or function values, by unit

  /// An estimate to sort by: how long one multiprocessor would be busy with this site alone, in clocks. A warp's access
  /// takes a clock to issue, two sectors a clock come from L2, a wavefront takes a clock; arithmetic as the units can.
  double cycles(const arch_peaks& on) const;
};

/// What a multiprocessor of a product does in a clock on one unit; 0 where it has none.
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

/// A launch, its sites in the order of their cost (`site_profile::cycles`), the dearest first.
struct launch_profile {
  const char* kernel = "";
  tilery::arch arch = arch::sm_90;
  index3 blocks;
  int threads = 0;
  int shared_bytes = 0;
  std::int64_t unique_bytes_read =
      0;  ///< of global memory, in whole sectors, each counted once: what the launch must fetch
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
