// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The progress of a block's lanes. A verb is a call of a lane's function, such as a load; a site is a verb with its
// source line (site.hpp). A tile step is the execution of a function that has called lane.step(), which gives it a name
// in reports (simt/step.hpp). For each lane, this file keeps the current tile step, the site of the last verb, and the
// number of verbs until the lane lets other lanes run. The step limit (virtual_gpu::options) has nothing to do with
// tile steps: it is the largest number of verbs of all lanes of a block. A block that executes verbs without end
// exceeds the limit and is reported.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/block_events.hpp>
#include <tilery/simt/virtual/site.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// Thrown in a lane when its block has exceeded the step limit. The fault has been reported before the throw.
struct step_limit_reached {};

class lane_progress {
public:
  struct lane_state {
    // numbers in the site_table: the tile step (0: outside of all steps); the last verb's site (0: no verb yet)
    std::uint32_t step = 0, site = 0;
    // verbs_planned: number of verbs that plan() allows before other lanes run; verbs_left: how many of them are left
    // (-1: other lanes must run before the lane executes its current verb)
    std::int64_t verbs_left = 0, verbs_planned = 0;
    std::uint64_t random = 0;  // state of the random generator; unused without a seed
  };

  /// `step_limit`: the most verbs of all lanes of the block together. `seed`: seed of the random delays; 0: no random
  /// delays. Without a seed, a lane executes up to 4096 verbs before other lanes run. For small step limits it is
  /// fewer, so that all lanes together plan at most a quarter of the limit (but each lane at least 1 verb).
  lane_progress(site_table& sites, int threads, std::int64_t step_limit, std::uint64_t seed)
      : sites_(sites),
        step_limit_(step_limit),
        seed_(seed),
        verbs_at_once_(std::clamp<std::int64_t>(step_limit / (4 * threads), 1, 4096)),
        lanes_(static_cast<std::size_t>(threads)) {}

  /// Begins block number `block` of the grid.
  void begin(std::uint32_t block) {
    verbs_of_all_ = 0;
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      lanes_[i] = {};
      lanes_[i].random = seed_ + 0x9e3779b97f4a7c15u * (block * lanes_.size() + i + 1);
      plan(lanes_[i]);
    }
  }

  lane_state& of(int lane) { return lanes_[static_cast<std::size_t>(lane)]; }
  /// The number of the site of the lane's last verb.
  std::uint32_t site_of(int lane) const { return lanes_[static_cast<std::size_t>(lane)].site; }

  /// Enters the tile step `name`, which line `at` calls. Returns the number of the step in which the lane was before,
  /// for leave().
  std::uint32_t enter(int lane, const char* name, where at) {
    lane_state& l = of(lane);
    return std::exchange(l.step, sites_.step(l.step, name, at));
  }
  /// Returns to the step `outer`.
  void leave(int lane, std::uint32_t outer) { of(lane).step = outer; }

  /// Returns the number of the site of the verb `name` at line `at`, and counts one verb of the lane.
  std::uint32_t at_site(int lane, const char* name, where at) {
    lane_state& l = of(lane);
    --l.verbs_left;
    return l.site = sites_.number(l.step, name, at);
  }

  /// True if the lane has used up its planned verbs: other lanes must run before the lane continues.
  bool used_up(int lane) const { return lanes_[static_cast<std::size_t>(lane)].verbs_left < 0; }
  /// Adds the lane's verbs since the last plan to those of the block, and plans the lane's next verbs. Returns false if
  /// the block has exceeded the step limit.
  bool plan_more(int lane) {
    lane_state& l = of(lane);
    verbs_of_all_ += l.verbs_planned - l.verbs_left;
    if (verbs_of_all_ > step_limit_) return false;
    plan(l);
    return true;
  }

  /// Returns the sites of the lanes' last verbs as text: one line for each site, with the ranks of its lanes.
  std::string last_sites() const {
    std::map<std::uint32_t, std::vector<int>> lanes_at;
    for (std::size_t i = 0; i < lanes_.size(); ++i) lanes_at[lanes_[i].site].push_back(static_cast<int>(i));
    std::string text;
    for (const auto& [site, lanes] : lanes_at)
      text += "\n  lanes" + ranges(lanes) +
              (site == 0 ? " have not begun" : " were last in " + sites_.describe(site).text());
    return text;
  }

private:
  /// Plans the number of verbs after which the lane lets other lanes run. Without a seed, this number is
  /// verbs_at_once_, so that a lane that spins on a flag does not stop its block. With a seed, it is random
  /// (xorshift64) with mean 7: before each further verb, other lanes run with probability 1/8.
  void plan(lane_state& l) const {
    std::int64_t verbs = verbs_at_once_;
    if (seed_ != 0) {
      std::uint64_t& r = l.random;
      for (verbs = 0; r ^= r << 13, r ^= r >> 7, r ^= r << 17, r % 8 != 0;) ++verbs;
    }
    l.verbs_left = l.verbs_planned = verbs;
  }

  site_table& sites_;
  std::int64_t step_limit_;
  std::uint64_t seed_;
  std::int64_t verbs_at_once_;     // verbs of a lane until other lanes run, without a seed
  std::int64_t verbs_of_all_ = 0;  // verbs of all lanes of the block, each lane's up to its last plan()
  std::vector<lane_state> lanes_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
