// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checks of sync_block, sync_cluster and a warp's collectives (sync_warp, shuffles, votes, warp instructions). All
// lanes of a block must call a sync_block at one site, and all lanes of a warp must call a sync_cluster at one site. A
// site is an operation with its source line (site.hpp). No lane may end before a barrier or collective that other lanes
// of its block, cluster or warp reach. The faults are reported only if the launch asks for checks::barriers.
// warp_collective_state.hpp checks that the lanes of a warp call the same collective.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/named_barrier_checks.hpp>

#include <bit>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class collective_checks : public named_barrier_checks {
public:
  using named_barrier_checks::named_barrier_checks;

  /// Counts, for the profile, the arrival of a lane at a collective of its warp.
  void arrives_at_collective(int lane, verb what, std::uint32_t site) {
    if (profiles_)
      requests_.synchronisation(site, what == verb::sync_warp ? site_kind::barrier : site_kind::shuffle, lane);
  }
  /// Checks the arrival of a lane at a sync_block: its site must be that of the first lane that has arrived at this
  /// sync_block.
  void arrives_at_block_barrier(int lane, std::uint32_t site) {
    if (profiles_) requests_.synchronisation(site, site_kind::barrier, lane);
    if (barrier_site_ == 0) barrier_site_ = site, barrier_lane_ = lane;
    if (barrier_site_ == site || !launch_.checks_for(checks::barriers)) return;
    fault f =
        new_fault(fault_kind::collective, lane, false, "", 0, 0, "all lanes of the block must reach the same barrier");
    f.before.block = f.now.block, f.before.lane = barrier_lane_;
    launch_.found(std::move(f), site, barrier_site_);
  }
  /// Checks the arrival of a lane at a sync_cluster: its site must be that of the first lane of its warp that has
  /// arrived at this sync_cluster.
  void arrives_at_cluster_barrier(int lane, std::uint32_t site) {
    if (profiles_) requests_.synchronisation(site, site_kind::barrier, lane);
    cluster_lane_ = lane, cluster_site_ = site;
    first_arrival& first = cluster_first_[static_cast<std::size_t>(lane / block::warp_lanes)];
    if (first.site == 0) first = {site, lane};
    if (first.site == site || !launch_.checks_for(checks::barriers)) return;
    fault f = new_fault(fault_kind::collective, lane, false, "", 0, 0,
                        "all lanes of a warp must reach the same sync_cluster");
    f.before.block = f.now.block, f.before.lane = first.lane;
    launch_.found(std::move(f), site, first.site);
  }

protected:
  /// To be called when a block begins.
  void begin_collectives() {
    barrier_site_ = 0;
    cluster_first_.assign(static_cast<std::size_t>(order_.warp_count()), {});
  }

  /// Called when a collective is complete. If lanes of the warp had ended before, reports their number. `lanes`: the
  /// mask of the warp's live lanes; `site`: the site of the collective.
  void check_warp(int warp, std::uint32_t lanes, std::uint32_t site) {
    const int of = std::min(block::warp_lanes, order_.lane_count() - warp * block::warp_lanes);
    ended_before(warp * block::warp_lanes + std::countr_zero(lanes), site, of - std::popcount(lanes), "warp");
  }
  /// Called when a sync_block is complete. If lanes of the block had ended before, reports their number. Then prepares
  /// for the next sync_block. `lanes`: the number of the block's live lanes.
  void check_block(int lanes) {
    ended_before(barrier_lane_, barrier_site_, order_.lane_count() - lanes, "block");
    barrier_site_ = 0;
  }
  /// The site of the sync_block at which lanes have arrived and that is not complete; 0: no lane has arrived.
  std::uint32_t barrier_site() const { return barrier_site_; }
  /// Called when a sync_cluster is complete. Reports that `ended` lanes of the cluster had ended before, unless `ended`
  /// is 0.
  void check_cluster(int ended) { ended_before(cluster_lane_, cluster_site_, ended, "cluster"); }
  /// Prepares for the next sync_cluster.
  void forget_cluster_sites() { std::fill(cluster_first_.begin(), cluster_first_.end(), first_arrival{}); }

private:
  /// The first lane of a warp that has arrived at the current sync_cluster, and its site; site 0: no lane has arrived.
  struct first_arrival {
    std::uint32_t site = 0;
    int lane = 0;
  };

  /// Reports that `ended` lanes of the warp, block or cluster (its name is `of`) did not reach the barrier or
  /// collective at `site`. The report names `lane`, which has reached it.
  void ended_before(int lane, std::uint32_t site, int ended, const char* of) {
    if (ended <= 0 || !launch_.checks_for(checks::barriers)) return;
    report(fault_kind::barrier_misuse, lane_itself(lane, site, access_mode::plain), false, "", 0, 0,
           std::to_string(ended) + (ended == 1 ? " lane of the " : " lanes of the ") + of +
               (ended == 1 ? " has" : " have") +
               " ended without reaching it, by an early return or a branch that skips it; all lanes must reach it");
  }

  std::uint32_t barrier_site_ = 0, cluster_site_ = 0;
  int barrier_lane_ = 0, cluster_lane_ = 0;   // first lane at the sync_block; last lane at the sync_cluster
  std::vector<first_arrival> cluster_first_;  // by warp
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
