// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checks of the barriers of a block and of a cluster, and of a warp's collectives: all lanes must arrive at the
// same line, and no lane may have ended before.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/named_barrier_checks.hpp>

#include <bit>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class collective_checks : public named_barrier_checks {
public:
  using named_barrier_checks::named_barrier_checks;

  /// A lane arrives at a collective of its warp.
  void arrives_at_collective(int lane, verb what, std::uint32_t site) {
    if (profiles_)
      requests_.synchronisation(site, what == verb::sync_warp ? site_kind::barrier : site_kind::shuffle, lane);
  }
  /// A lane arrives at a barrier of the block: all lanes must arrive at the same one.
  void arrives_at_block_barrier(int lane, std::uint32_t site) {
    if (profiles_) requests_.synchronisation(site, site_kind::barrier, lane);
    if (barrier_site_ == 0) barrier_site_ = site, barrier_lane_ = lane;
    if (barrier_site_ == site || !launch_.checks_for(checks::meetings)) return;
    fault f = new_fault(fault_kind::collective, lane, false, "", 0, 0,
                        "all lanes of the block must come to the same barrier");
    f.before.block = f.now.block, f.before.lane = barrier_lane_;
    launch_.found(std::move(f), site, barrier_site_);
  }
  /// A lane arrives at a barrier of the cluster: the lanes of a warp must arrive at the same one.
  void arrives_at_cluster_barrier(int lane, std::uint32_t site) {
    if (profiles_) requests_.synchronisation(site, site_kind::barrier, lane);
    cluster_lane_ = lane, cluster_site_ = site;
    std::uint32_t& first = cluster_sites_[static_cast<std::size_t>(lane / block::warp_lanes)];
    if (first == 0) first = site;
    if (first == site || !launch_.checks_for(checks::meetings)) return;
    fault f = new_fault(fault_kind::collective, lane, false, "", 0, 0,
                        "all lanes of a warp must come to the same sync_cluster");
    f.before.block = f.now.block, f.before.lane = lane / block::warp_lanes * block::warp_lanes;
    launch_.found(std::move(f), site, first);
  }

protected:
  void begin_collectives() {
    barrier_site_ = 0;
    cluster_sites_.assign(static_cast<std::size_t>(order_.warp_count()), 0);
  }

  /// A collective of a warp is complete. `lanes`: the mask of its live lanes; `site`: of the collective.
  void check_warp(int warp, std::uint32_t lanes, std::uint32_t site) {
    const int of = std::min(block::warp_lanes, order_.lane_count() - warp * block::warp_lanes);
    ended_before(warp * block::warp_lanes + std::countr_zero(lanes), site, of - std::popcount(lanes), "warp");
  }
  /// A barrier of the block is complete. `lanes`: the number of its live lanes.
  void check_block(int lanes) {
    ended_before(barrier_lane_, barrier_site_, order_.lane_count() - lanes, "block");
    barrier_site_ = 0;
  }
  /// The site of the barrier of the block that is in progress.
  std::uint32_t barrier_site() const { return barrier_site_; }
  /// A barrier of the cluster is complete. `ended`: the number of the cluster's lanes that had ended before.
  void check_cluster(int ended) { ended_before(cluster_lane_, cluster_site_, ended, "cluster"); }
  void forget_cluster_sites() { std::fill(cluster_sites_.begin(), cluster_sites_.end(), 0); }

private:
  void ended_before(int lane, std::uint32_t site, int ended, const char* of) {
    if (ended <= 0 || !launch_.checks_for(checks::meetings)) return;
    report(fault_kind::barrier_misuse, lane_itself(lane, site, access_mode::plain), false, "", 0, 0,
           std::to_string(ended) + (ended == 1 ? " lane of the " : " lanes of the ") + of +
               (ended == 1 ? " has" : " have") +
               " ended without coming to it: left the kernel, or gone around it in a branch; all must come");
  }

  std::uint32_t barrier_site_ = 0, cluster_site_ = 0;
  int barrier_lane_ = 0, cluster_lane_ = 0;   // barrier: of the first lane to arrive; cluster: of the last one
  std::vector<std::uint32_t> cluster_sites_;  // by warp: the sync_cluster of its first lane
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
