// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The happens-before relation of a launch, as seen from one block: for each lane, the accesses that are ordered before
// its next access. "A lane knows an access" means that the access happens before whatever the lane does next. "The lane
// learns an access" means that from now on it knows the access.
//
// Actors. An access is made by an actor, a lane or a copy engine. A copy engine executes asynchronous copies: a lane
// knows the accesses of a copy only after it has waited for the copy. Actors form groups (group_id): the members of a
// warp are its lanes; an engine of a warp has one member for each of these lanes, the engine of an mbarrier has one.
//
// Time. Each actor has a time. A lane's time increases at its releases and barriers. The time of an engine is the
// number of groups of copies that the lane has committed, or the number of complete phases of the mbarrier. A vector
// clock (vector_clock.hpp) stores one time t for each actor: the accesses of this actor at times below t are known.
//
// Clocks. The lanes of a warp share a clock, which holds what all of them know. A lane that learns more, by an acquire
// or a wait, keeps this in a clock of its own until the next barrier of its warp or block.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/epoch.hpp>
#include <tilery/simt/virtual/vector_clock.hpp>

#include <memory>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// The accesses that a lane or all lanes of a warp know (`known`), and the accesses that proxy fences have made visible
/// to the asynchronous proxy (`fenced`).
struct knowledge {
  vector_clock known, fenced;

  void join(const knowledge& other) {
    known.join(other.known);
    fenced.join(other.fenced);
  }
};

class block_order {
public:
  static constexpr int warp_lanes = 32;

  block_order(int threads)
      : threads_(threads),
        warps_(static_cast<std::size_t>((threads + warp_lanes - 1) / warp_lanes)),
        lanes_(static_cast<std::size_t>(threads)) {}

  /// Forgets everything: block number `block` of the grid begins.
  void begin(std::uint32_t block) {
    block_ = block;
    engines_ = 0;
    for (knowledge& w : warps_) {
      w.known = vector_clock(block, warp_count());
      w.fenced = vector_clock(block, warp_count());
    }
    for (lane_state& l : lanes_) l.time = 0, l.alone.reset();
  }

  std::uint32_t block() const { return block_; }
  int lane_count() const { return threads_; }
  int warp_count() const { return static_cast<int>(warps_.size()); }
  /// The lane's time. It increases at the lane's releases and proxy fences, and at each sync_warp, sync_block and
  /// sync_cluster that the lane passes. A clock that holds the time t of a lane knows all accesses that the lane has
  /// made at times below t.
  std::uint32_t time(int lane) const { return lanes_[static_cast<std::size_t>(lane)].time; }
  group_id warp_of(int lane) const { return {block_, static_cast<std::uint32_t>(lane / warp_lanes)}; }

  /// Returns a new group of actors: for a copy engine of this block, or for the copies that an mbarrier counts.
  group_id new_engine() { return {block_, static_cast<std::uint32_t>(warp_count() + engines_++)}; }

  // knows(): true if the access, or all accesses of `r`, are ordered before the next access of `lane`. The access is by
  // member `member` of the group `who`, at time `at`. A lane knows its own accesses, but knows those of the copies that
  // it has issued only after it has waited for these copies.

  bool knows(int lane, group_id who, int member, std::uint32_t at, access_mode mode) const {
    if (!is_engine(mode) && who == warp_of(lane) && member == lane % warp_lanes) return true;
    if (warp(lane).known.knows(who, member, at)) return true;
    const knowledge* alone = lanes_[static_cast<std::size_t>(lane)].alone.get();
    return alone && alone->known.knows(who, member, at);
  }
  bool knows(int lane, const epoch& e) const { return knows(lane, e.who, e.member, e.time, e.mode); }
  bool knows(int lane, const readers& r) const {
    if (warp(lane).known.knows(r.who, vector_clock::all_members, r.time)) return true;
    for (std::uint32_t rest = r.members; rest; rest &= rest - 1)
      if (!knows(lane, r.who, __builtin_ctz(rest), r.time, r.mode)) return false;
    return true;
  }
  /// True if the clock of the lane's warp holds a later time than r.time for the whole group of the readers: then the
  /// readers' accesses are ordered before the next access of every lane of this warp. False if a clock holds such times
  /// only for single members of the group, or if only clocks of single lanes hold them.
  bool warp_knows(int lane, const readers& r) const {
    return warp(lane).known.knows(r.who, vector_clock::all_members, r.time);
  }
  /// True if the access `e` through the generic proxy is visible to an operation through the asynchronous proxy that
  /// the lane issues now.
  bool fenced(int lane, const epoch& e) const {
    if (warp(lane).fenced.knows(e.who, e.member, e.time)) return true;
    const knowledge* alone = lanes_[static_cast<std::size_t>(lane)].alone.get();
    return alone && alone->fenced.knows(e.who, e.member, e.time);
  }

  /// True if the access `e`, by a lane of another block, is ordered before the next access of at least one lane of this
  /// block.
  bool known_to_any(const epoch& e) const {
    const auto knows = [&](const knowledge& k) { return k.known.knows(e.who, e.member, e.time); };
    return std::any_of(warps_.begin(), warps_.end(), knows) ||
           std::any_of(lanes_.begin(), lanes_.end(), [&](const lane_state& l) { return l.alone && knows(*l.alone); });
  }

  /// True if the lane knows the first accesses (time 0) of at least one lane of block `other`: then that block has
  /// begun. That block has as many threads as this one.
  bool knows_of(int lane, std::uint32_t other) const {
    for (int i = 0; i < threads_; ++i)
      if (knows(lane, {other, static_cast<std::uint32_t>(i / warp_lanes)}, i % warp_lanes, 0, access_mode::plain))
        return true;
    return false;
  }

  /// Executes a release: returns the accesses that the lane knows or has made. The lane's time advances, so that its
  /// later accesses are not included.
  knowledge release(int lane) {
    lane_state& l = lanes_[static_cast<std::size_t>(lane)];
    knowledge given = warp(lane);
    if (l.alone) given.join(*l.alone);
    ++l.time;
    given.known.learn(warp_of(lane), lane % warp_lanes, l.time);
    return given;
  }
  /// Executes an acquire: the lane learns the accesses `given` that a release has returned.
  void acquire(int lane, const knowledge& given) { alone(lane).join(given); }
  /// Records a wait for copies: the lane learns the accesses that this engine has made for this member at times below
  /// `time`.
  void wait_for(int lane, group_id engine, int member, std::uint32_t time) {
    alone(lane).known.learn(engine, member, time);
  }
  /// Executes a proxy fence: every access that the lane knows or has made becomes visible to the asynchronous proxy.
  void fence_proxy(int lane) {
    const vector_clock seen = release(lane).known;
    alone(lane).fenced.join(seen);
  }

  /// Records a barrier of warp `w` that orders memory (sync_warp): each lane learns what any lane of the warp knows or
  /// has made.
  void pass_warp_barrier(int w) {
    knowledge& k = warps_[static_cast<std::size_t>(w)];
    const std::uint32_t time = gather(w) + 1;
    set_time(w, time);
    k.known.set_warp(static_cast<std::uint32_t>(w), time);
  }
  /// Records a barrier of the block (sync_block): each lane learns what any lane of the block knows or has made.
  void pass_block_barrier() {
    std::uint32_t time = 0;
    // true if all clocks hold only times of this block's warps, and no lane has executed a proxy fence since the block
    // began: then the clocks need not be joined, because after the barrier each of them holds `time` for every warp
    bool plain = true;
    for (int w = 0; w < warp_count(); ++w) {
      time = std::max(time, gather(w) + 1);
      const knowledge& k = warps_[static_cast<std::size_t>(w)];
      plain = plain && k.known.only_warps() && k.fenced.empty();
    }
    knowledge together;
    together.known = together.fenced = vector_clock(block_, warp_count());
    for (int w = 0; w < warp_count(); ++w) {
      set_time(w, time);
      if (!plain) together.join(warps_[static_cast<std::size_t>(w)]);
    }
    for (std::uint32_t w = 0; w < warps_.size(); ++w) together.known.set_warp(w, time);
    for (knowledge& k : warps_) {
      if (plain)
        for (std::uint32_t w = 0; w < warps_.size(); ++w) k.known.set_warp(w, time);
      else
        k = together;
    }
  }

  // A barrier of the cluster consists of pass_block_barrier() of each block that has not ended, and then learn() of
  // each block.

  /// The accesses that all lanes know. Valid directly after pass_block_barrier(), which makes the clocks of all warps
  /// equal.
  const knowledge& shared_by_all() const { return warps_.front(); }
  /// All lanes of this block learn `others`: the accesses that the lanes of the cluster's blocks know.
  void learn(const knowledge& others) {
    for (knowledge& k : warps_) k.join(others);
  }

private:
  struct lane_state {
    std::uint32_t time = 0;
    std::unique_ptr<knowledge> alone;  // what this lane alone has learnt since its warp's last barrier; null: nothing
  };

  const knowledge& warp(int lane) const { return warps_[static_cast<std::size_t>(lane / warp_lanes)]; }
  /// Returns the lane's own clock; creates it if there is none.
  knowledge& alone(int lane) {
    auto& own = lanes_[static_cast<std::size_t>(lane)].alone;
    if (!own)
      own = std::make_unique<knowledge>(
          knowledge{vector_clock(block_, warp_count()), vector_clock(block_, warp_count())});
    return *own;
  }

  /// Merges the lanes' own clocks into the clock of their warp `w`. Returns the latest time of these lanes.
  std::uint32_t gather(int w) {
    std::uint32_t time = 0;
    for (int i = w * warp_lanes; i < std::min(threads_, (w + 1) * warp_lanes); ++i) {
      lane_state& l = lanes_[static_cast<std::size_t>(i)];
      time = std::max(time, l.time);
      if (l.alone) warps_[static_cast<std::size_t>(w)].join(*l.alone), l.alone.reset();
    }
    return time;
  }
  /// Sets the time of all lanes of warp `w`.
  void set_time(int w, std::uint32_t time) {
    for (int i = w * warp_lanes; i < std::min(threads_, (w + 1) * warp_lanes); ++i)
      lanes_[static_cast<std::size_t>(i)].time = time;
  }

  int threads_;
  std::uint32_t block_ = 0;
  int engines_ = 0;               // number of engines that new_engine() has returned
  std::vector<knowledge> warps_;  // by warp: the clocks that its lanes share
  std::vector<lane_state> lanes_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
