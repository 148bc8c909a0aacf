// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The profile of a launch on the virtual GPU, as data. It has an entry for each site (site.hpp: a source line of the
// kernel that accesses memory, synchronises or computes): the bytes that the site requests, its arithmetic operations,
// and its cost in sectors and wavefronts. profile_recorder.hpp makes the profile; profile_text.hpp, profile_html.hpp,
// report_json.hpp and roofline.hpp read it.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch_peaks.hpp>
#include <tilery/simt/index.hpp>
#include <tilery/simt/step.hpp>
#include <tilery/simt/virtual/site.hpp>

#include <algorithm>
#include <vector>

namespace tilery::inline TILERY_ABI {

/// The kind of work at a site: an access to one kind of memory, a synchronisation, or arithmetic. An asynchronous copy
/// between global and shared memory counts as two kinds of work, one for each memory (its global side and its shared
/// side). A bulk copy is a cp.async.bulk.
enum class site_kind : int {
  global_load,
  global_store,  // also the global side of a bulk copy from shared to global memory
  shared_load,   // also the shared side of a bulk copy from shared to global memory
  shared_store,  // also the shared side of an asynchronous copy from global to shared memory, bulk or not
  atomic,        // on global memory
  shared_atomic,
  async_copy,  // the global side of an asynchronous copy from global to shared memory, bulk or not
  shuffle,     // also a vote
  barrier,     // the arrival at a barrier of any kind, from sync_warp to mbarrier
  wait,        // for groups of asynchronous copies; a wait for an mbarrier is not counted
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

/// The work of one kind at one site, summed over a whole launch. A site with several kinds of work has one site_profile
/// for each kind.
struct site_profile {
  tilery::site site;
  site_kind kind = site_kind::global_load;
  std::int64_t requests = 0;        ///< warp-wide executions; a bulk copy is one request of one lane; 0 for arithmetic
  std::int64_t lanes = 0;           ///< lanes that took part, summed over all requests
  std::int64_t bytes = 0;           ///< sum of the bytes that each lane requests, even if lanes share bytes
  std::int64_t sectors = 0;         ///< 32-byte sectors of global memory, counted for each request separately
  std::int64_t fewest_sectors = 0;  ///< sectors if the distinct bytes of each request were contiguous and aligned
  std::int64_t wavefronts = 0;      ///< passes through the 32 banks of shared memory
  std::int64_t fewest_wavefronts = 0;  ///< wavefronts of the same accesses without bank conflicts
  /// Requests in which some lanes did not take part that were alive at the warp's last barrier or collective.
  std::int64_t divergent = 0;
  /// Multiply-adds of each unit; for compute_unit::special, function values.
  std::int64_t operations[static_cast<int>(compute_unit::count)] = {};

  /// Estimates how many clocks one SM would be busy if it did the work of this site for all blocks, and nothing else.
  /// This cost is used to sort sites:
  ///
  ///   max(requests, sectors / 2, wavefronts) + the sum over all units of operations / rate.
  ///
  /// This means 1 clock to issue a request, 1 clock for 2 sectors (64 bytes) from or to L2, and 1 clock for a
  /// wavefront. A unit's rate is in operations per clock. Units that the SM lacks (rate 0) are left out.
  double cycles(const arch_peaks& on) const;
};

/// Returns the rate of one SM on a unit, in operations per clock; 0 if the SM has no such unit.
constexpr int rate_of(compute_unit u, const unit_rates& rates) {
  // in the order of compute_unit
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

/// The profile of a launch. `sites` is sorted by cost (`site_profile::cycles`), the most expensive site first.
struct launch_profile {
  const char* kernel = "";
  tilery::arch arch = arch::sm_90;        ///< the arch that the virtual GPU modelled
  index3 blocks;                          ///< size of the grid
  int threads = 0;                        ///< of one block
  int shared_bytes = 0;                   ///< of one block
  std::int64_t unique_bytes_read = 0;     ///< whole sectors of global memory, each distinct sector counted once
  std::int64_t unique_bytes_written = 0;  ///< counted in the same way; sectors of atomics count in both sums
  std::vector<site_profile> sites;

  /// Returns the sum of one member over all sites, for example total(&site_profile::requests).
  std::int64_t total(std::int64_t site_profile::*what) const {
    std::int64_t sum = 0;
    for (const site_profile& s : sites) sum += s.*what;
    return sum;
  }
  /// Returns the operations of one unit, summed over all sites.
  std::int64_t operations(compute_unit u) const {
    std::int64_t sum = 0;
    for (const site_profile& s : sites) sum += s.operations[static_cast<int>(u)];
    return sum;
  }
};

}  // namespace tilery::inline TILERY_ABI
