// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checks of named barriers (PTX: bar.sync and bar.arrive with a number from 1 to 15). All lanes of a warp must
// arrive, and all of them at one site (site.hpp). A site is a source line; if a function contains this line, each call
// of the function in the kernel makes a site of its own. All lanes that arrive at a barrier must give the same number
// of expected lanes. barriers.hpp models the barriers themselves: this class only checks them. In this file, `lane` is
// a rank in the block.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/mbarrier_checks.hpp>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class named_barrier_checks : public mbarrier_checks {
public:
  using mbarrier_checks::mbarrier_checks;

  /// Reports an arrival whose barrier number, or number of expected lanes, is not allowed.
  void no_such_named(int lane, int number, int lanes, std::uint32_t site) {
    report(fault_kind::barrier_misuse, lane_itself(lane, site, access_mode::plain), false, "", 0, 0,
           "barrier " + std::to_string(number) + " of " + std::to_string(lanes) +
               " lanes does not exist; the number must be 1 to 15 (0 is sync_block's), and the lanes whole warps");
  }
  /// Checks and records an arrival of one lane at a named barrier that expects `lanes` lanes. `waits`: true if the lane
  /// waits until the barrier is complete (bar.sync), false if the lane only arrives (bar.arrive).
  void arrives_at_named(int lane, int number, int lanes, bool waits, std::uint32_t site) {
    if (profiles_) requests_.synchronisation(site, site_kind::barrier, lane);
    barrier_record& b = named_[number];
    if (b.lanes != 0 && b.lanes != lanes)
      report(fault_kind::barrier_misuse, lane_itself(lane, site, access_mode::plain), false, "", 0, 0,
             "barrier " + std::to_string(number) + " is of " + std::to_string(lanes) + " lanes here, and of " +
                 std::to_string(b.lanes) + " where other lanes have arrived; both must be equal");
    b.lanes = lanes;
    b.given.join(order_.release(lane));
    if (waits) b.waiting.push_back(lane);
    b.last = lane, b.last_site = site;
    b.warps.resize(static_cast<std::size_t>(order_.warp_count()));
    warp_arrivals& w = b.warps[static_cast<std::size_t>(lane / block::warp_lanes)];
    if (w.lanes++ == 0) w.first = lane, w.site = site;
    if (w.site == site || !launch_.checks_for(checks::barriers)) return;
    fault f = new_fault(fault_kind::collective, lane, false, "", 0, 0, warp_collective_state::must_be_one_line);
    f.before = {{}, f.now.block, w.first, false};
    launch_.found(std::move(f), site, w.site);
  }

protected:
  /// To be called when a block begins: forgets the barriers of the previous block.
  void begin_barriers(const block& self) {
    begin_mbarriers(self);
    for (barrier_record& b : named_) b = {};
  }
  /// To be called when all lanes of the block have ended: makes the base classes' checks of the block's end.
  void end_barriers() {
    end_mbarriers();
    end_accesses(checks_the_end());
  }
  /// Records that a named barrier is complete: as many lanes as it expects have arrived. Every access that these lanes
  /// made before their arrivals happens before the next access of each lane that waits. Reports warps of which only
  /// some lanes have arrived.
  void publish_named(int number) {
    barrier_record& b = named_[number];
    for (const int lane : b.waiting) order_.acquire(lane, b.given);
    for (std::size_t w = 0; w < b.warps.size(); ++w) {
      // of: the number of lanes of warp w; the last warp of a block may have fewer than 32
      const int of = std::min(block::warp_lanes, order_.lane_count() - static_cast<int>(w) * block::warp_lanes);
      if (b.warps[w].lanes != 0 && b.warps[w].lanes != of)
        report(fault_kind::barrier_misuse, lane_itself(b.last, b.last_site, access_mode::plain), false, "", 0, 0,
               std::to_string(b.warps[w].lanes) + " lanes of warp " + std::to_string(w) + " have arrived at barrier " +
                   std::to_string(number) + "; all lanes of a warp must arrive");
    }
    b = {};
  }

private:
  /// The lanes of one warp that have arrived at a named barrier.
  struct warp_arrivals {
    int lanes = 0, first = 0;  // the number of lanes that have arrived; the lane that arrived first
    std::uint32_t site = 0;    // the number of the site at which the first lane arrived
  };
  /// The data of one named barrier for these checks, since the barrier was last complete.
  struct barrier_record {
    int lanes = 0;                     // number of lanes that the barrier expects; 0: no lane has arrived
    int last = 0;                      // the lane that arrived last
    std::uint32_t last_site = 0;       // the number of the site at which this lane arrived
    std::vector<warp_arrivals> warps;  // by warp of the block
    knowledge given;  // the accesses (block_order.hpp) that the arrivals release, and that the waiting lanes acquire
    std::vector<int> waiting;  // the lanes that wait (bar.sync)
  };

  barrier_record named_[barriers::named];  // by number
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
