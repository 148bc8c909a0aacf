// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Adds up the profile of a launch. The recorder has a row of sums (a site_profile) for each site (site.hpp) and kind of
// work. It is given warp requests, each of which is one access (or synchronisation) of lanes of one warp together
// (warp_request.hpp). block_requests.hpp forms them from the accesses of single lanes, and adds them when the warp
// passes a sync_block, a sync_cluster or a collective, or when the block ends. Bulk copies and arithmetic are added
// immediately. Not thread-safe.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/profile.hpp>
#include <tilery/simt/virtual/sector_set.hpp>
#include <tilery/simt/virtual/warp_request.hpp>

#include <numeric>

namespace tilery::inline TILERY_ABI::virtual_machine {

class profile_recorder {
public:
  /// Returns the index of the row for a site and kind of work, and creates the row at the first call. `site`: the
  /// site's number in the site_table. A site may have several rows: a bulk copy, for example, has one for global memory
  /// and one for shared memory.
  int row(std::uint32_t site, site_kind kind) {
    constexpr std::size_t kinds = static_cast<std::size_t>(site_kind::operations) + 1;
    const std::size_t index = site * kinds + static_cast<std::size_t>(kind);
    if (index >= row_of_.size()) row_of_.resize((site + std::size_t{1}) * kinds * 2, -1);
    if (row_of_[index] < 0) {
      row_of_[index] = static_cast<int>(rows_.size());
      site_of_.push_back(site);
      rows_.emplace_back().kind = kind;
    }
    return row_of_[index];
  }

  /// Adds one request of a warp. `live`: the mask of the lanes that could have taken part; if some did not, the request
  /// is divergent. For kinds that access no memory, the request's addresses and bytes are not used.
  void add(int row, const warp_request& request, std::uint32_t live) {
    site_profile& to = rows_[static_cast<std::size_t>(row)];
    const int lanes = std::popcount(request.lanes);
    ++to.requests;
    to.lanes += lanes;
    to.divergent += (live & ~request.lanes) != 0;
    if (is_shared(to.kind)) {
      const wavefront_cost cost = to.kind == site_kind::shared_atomic
                                      ? shared_atomic_cost(request)
                                      : shared_cost(request, to.kind == site_kind::shared_load);
      to.bytes += lanes * request.bytes;
      to.wavefronts += cost.wavefronts;
      to.fewest_wavefronts += cost.fewest;
    } else if (is_global(to.kind)) {
      const sector_cost cost = global_cost(request, [&](std::uintptr_t sector) { mark(to.kind, sector); });
      to.bytes += lanes * request.bytes;
      to.sectors += cost.sectors;
      to.fewest_sectors += cost.fewest;
    }
  }

  /// Adds one request of a copy engine for `bytes` contiguous bytes, at least 1, from `at` on. The cost counts each
  /// sector of global memory, or each 128-byte row of the banks, of which the copy touches at least one byte. `at` is
  /// an address of global memory, or an offset in shared memory.
  void add_bulk(int row, std::uintptr_t at, int bytes) {
    site_profile& to = rows_[static_cast<std::size_t>(row)];
    const auto end = at + static_cast<std::uintptr_t>(bytes);
    ++to.requests, ++to.lanes, to.bytes += bytes;
    if (is_shared(to.kind)) {
      to.wavefronts += static_cast<std::int64_t>((end - 1) / banks_bytes - at / banks_bytes + 1);
      to.fewest_wavefronts += (bytes + banks_bytes - 1) / banks_bytes;
    } else {
      for (std::uintptr_t sector = at / sector_bytes; sector * sector_bytes < end; ++sector, ++to.sectors)
        mark(to.kind, sector);
      to.fewest_sectors += (bytes + sector_bytes - 1) / sector_bytes;
    }
  }

  /// Adds `requests` requests of `lanes` lanes in total, whose addresses were not kept. Their bytes and costs are
  /// extrapolated from the requests (at least one) that were added since the row was equal to `before`: the bytes in
  /// proportion to the lanes; sectors, wavefronts and divergent requests in proportion to the requests.
  void add_alike(int row, const site_profile& before, std::int64_t requests, std::int64_t lanes) {
    site_profile& to = rows_[static_cast<std::size_t>(row)];
    const std::int64_t known = to.requests - before.requests, known_lanes = to.lanes - before.lanes;
    // adds to `value` its growth since `from`, times by / of, rounded
    const auto extend = [](std::int64_t& value, std::int64_t from, std::int64_t by, std::int64_t of) {
      value += static_cast<std::int64_t>(
          static_cast<double>(value - from) * static_cast<double>(by) / static_cast<double>(of) + 0.5);
    };
    extend(to.bytes, before.bytes, lanes, known_lanes);
    for (const auto what : {&site_profile::sectors, &site_profile::fewest_sectors, &site_profile::wavefronts,
                            &site_profile::fewest_wavefronts, &site_profile::divergent})
      extend(to.*what, before.*what, requests, known);
    to.requests += requests;
    to.lanes += lanes;
  }
  /// Returns the sums of a row so far.
  const site_profile& at(int row) const { return rows_[static_cast<std::size_t>(row)]; }

  /// Adds `count` operations of one lane on a unit: multiply-adds, or function values on compute_unit::special.
  void operations(std::uint32_t site, compute_unit on, std::int64_t count) {
    rows_[static_cast<std::size_t>(row(site, site_kind::operations))].operations[static_cast<int>(on)] += count;
  }

  /// Adds a sector of global memory to the distinct sectors that the launch reads or writes (an atomic: both).
  /// `sector`: its address / 32.
  void mark(site_kind kind, std::uintptr_t sector) {
    if (kind != site_kind::global_store) read_.insert(sector);
    if (kind == site_kind::global_store || kind == site_kind::atomic) written_.insert(sector);
  }

  /// Returns the profile so far, the most expensive site first. `sites`: the table that has given out the site numbers.
  launch_profile result(const site_table& sites, const char* kernel, tilery::arch model, index3 blocks, int threads,
                        int shared_bytes) const {
    launch_profile
        all{kernel, model, blocks, threads, shared_bytes, read_.size() * sector_bytes, written_.size() * sector_bytes,
            rows_};
    for (std::size_t i = 0; i < rows_.size(); ++i) all.sites[i].site = sites.describe(site_of_[i]);
    const arch_peaks& on = peaks(model);
    std::stable_sort(all.sites.begin(), all.sites.end(),
                     [&](const site_profile& a, const site_profile& b) { return a.cycles(on) > b.cycles(on); });
    return all;
  }

private:
  std::vector<site_profile> rows_;
  std::vector<std::uint32_t> site_of_;  // by row
  std::vector<int> row_of_;             // by site and kind; -1: no row yet
  sector_set read_, written_;           // the distinct sectors that the launch has read and written
};

}  // namespace tilery::inline TILERY_ABI::virtual_machine
