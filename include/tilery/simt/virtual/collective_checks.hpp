// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checks of sync_block, sync_cluster and a warp's collectives. All lanes of a block must arrive at the same
// sync_block, and all lanes of a warp at the same sync_cluster. No lane may end before a barrier or collective that
// other lanes of its block, cluster or warp reach. That the lanes of a warp call the same collective is checked in
// warp_collective_state.hpp.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/named_barrier_checks.hpp>

#include <bit>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class collective_checks : public named_barrier_checks {
public:
  using named_barrier_checks::named_barrier_checks;

  /// Counts, for the profile, the arrival of a lane at a sync_warp, a shuffle or a vote.
  void arrives_at_collective(int lane, verb what, std::uint32_t site) {
    if (profiles_)
      requests_.synchronisation(site, what == verb::sync_warp ? site_kind::barrier : site_kind::shuffle, lane);
  }
  /// Checks the arrival of a lane at a sync_block: its site must be that of the first lane that has arrived.
  void arrives_at_block_barrier(int lane, std::uint32_t site) {
    if (profiles_) requests_.synchronisation(site, site_kind::barrier, lane);
    if (barrier_site_ == 0) barrier_site_ = site, barrier_lane_ = lane;
    if (barrier_site_ == site || !launch_.checks_for(checks::meetings)) return;
    fault f =
        new_fault(fault_kind::collective, lane, false, "", 0, 0, "all lanes of the block must reach the same barrier");
    f.before.block = f.now.block, f.before.lane = barrier_lane_;
    launch_.found(std::move(f), site, barrier_site_);
  }
  /// Checks the arrival of a lane at a sync_cluster: its site must be that of the first lane of its warp that has
  /// arrived.
  void arrives_at_cluster_barrier(int lane, std::uint32_t site) {
    if (profiles_) requests_.synchronisation(site, site_kind::barrier, lane);
    cluster_lane_ = lane, cluster_site_ = site;
    std::uint32_t& first = cluster_sites_[static_cast<std::size_t>(lane / block::warp_lanes)];
    if (first == 0) first = site;
    if (first == site || !launch_.checks_for(checks::meetings)) return;
    fault f = new_fault(fault_kind::collective, lane, false, "", 0, 0,
                        "all lanes of a warp must reach the same sync_cluster");
    // the lane that arrived first is not kept: the report names lane 0 of the warp in its place
    f.before.block = f.now.block, f.before.lane = lane / block::warp_lanes * block::warp_lanes;
    launch_.found(std::move(f), site, first);
  }

protected:
  void begin_collectives() {
    barrier_site_ = 0;
    cluster_sites_.assign(static_cast<std::size_t>(order_.warp_count()), 0);
  }

  /// Reports how many lanes of a warp ended before a collective that is now complete, if there are any. `lanes`: the
  /// mask of the warp's live lanes; `site`: the site of the collective.
  void check_warp(int warp, std::uint32_t lanes, std::uint32_t site) {
    const int of = std::min(block::warp_lanes, order_.lane_count() - warp * block::warp_lanes);
    ended_before(warp * block::warp_lanes + std::countr_zero(lanes), site, of - std::popcount(lanes), "warp");
  }
  /// Reports how many lanes of the block ended before a sync_block that is now complete, if there are any, and prepares
  /// for the next sync_block. `lanes`: the number of the block's live lanes.
  void check_block(int lanes) {
    ended_before(barrier_lane_, barrier_site_, order_.lane_count() - lanes, "block");
    barrier_site_ = 0;
  }
  /// The site of the sync_block at which lanes have arrived and that is not complete; 0: no lane has arrived.
  std::uint32_t barrier_site() const { return barrier_site_; }
  /// Reports that `ended` lanes of the cluster ended before a sync_cluster that is now complete, unless `ended` is 0.
  void check_cluster(int ended) { ended_before(cluster_lane_, cluster_site_, ended, "cluster"); }
  /// Prepares for the next sync_cluster.
  void forget_cluster_sites() { std::fill(cluster_sites_.begin(), cluster_sites_.end(), 0); }

private:
  void ended_before(int lane, std::uint32_t site, int ended, const char* of) {
    if (ended <= 0 || !launch_.checks_for(checks::meetings)) return;
    report(fault_kind::barrier_misuse, lane_itself(lane, site, access_mode::plain), false, "", 0, 0,
           std::to_string(ended) + (ended == 1 ? " lane of the " : " lanes of the ") + of +
               (ended == 1 ? " has" : " have") +
               " ended without reaching it, by an early return or a branch that skips it; all lanes must reach it");
  }

  std::uint32_t barrier_site_ = 0, cluster_site_ = 0;
  int barrier_lane_ = 0, cluster_lane_ = 0;   // the first lane at the sync_block; the last one at the sync_cluster
  std::vector<std::uint32_t> cluster_sites_;  // by warp: the site of the first lane to arrive at the sync_cluster
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
