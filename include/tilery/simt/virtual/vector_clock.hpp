// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A vector clock: the set of all accesses that happen before the next access of an observer, in compact form. "The
// observer knows an access" means that the access is in this set. An observer is a lane, or all lanes of a warp; a
// release copies the observer's clock for the lanes that acquire. For each actor the clock stores one time t: the
// observer knows the actor's accesses at times below t. A lane's time increases at its releases and barriers.
//
// An actor is a lane, or one member of a copy engine. Actors form groups (group_id). The lanes of a warp are a group:
// after a barrier they all have the same time, so one number suffices for the warp. The engines of a warp, for
// asynchronous copies that lanes wait for by cp.async groups, are groups with one member for each lane; a member's time
// is the number of cp.async groups that the lane has committed. The copies that an mbarrier counts are made by an
// engine with one member, whose time is the number of complete phases. The method is that of vector clocks and epochs
// (Flanagan and Freund, FastTrack, PLDI 2009).
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// The name of a group of actors: the lanes of a warp, or a copy engine.
struct group_id {
  std::uint32_t block = 0;  // number of the block in the grid
  std::uint32_t local = 0;  // number in the block: warps first, then engines
  bool operator==(const group_id&) const = default;
  auto operator<=>(const group_id&) const = default;
};

class vector_clock {
public:
  static constexpr int all_members = -1;  // as the argument `member`: all members of the group

  /// A clock that knows nothing and belongs to no block.
  vector_clock() = default;
  /// A clock that knows nothing, of an observer in this block of `warps` warps.
  vector_clock(std::uint32_t block, int warps) : block_(block), warps_(static_cast<std::size_t>(warps)) {}

  /// True if the observer knows the accesses that member `member` of group `who` has made at `time`.
  bool knows(group_id who, int member, std::uint32_t time) const {
    if (who.block == block_ && who.local < warps_.size() && time < warps_[who.local]) return true;
    return !others_.empty() && knows_other(who, member, time);
  }
  /// Returns the time of a warp of the observer's block: the observer knows all accesses of its lanes at smaller times.
  std::uint32_t of_warp(std::uint32_t warp) const { return warps_[warp]; }
  void set_warp(std::uint32_t warp, std::uint32_t time) { warps_[warp] = time; }
  /// True if the clock stores no times of single lanes, engines or other blocks: only those of the warps of the
  /// observer's block.
  bool only_warps() const { return others_.empty(); }
  /// True if no access is known.
  bool empty() const {
    return others_.empty() && std::all_of(warps_.begin(), warps_.end(), [](std::uint32_t t) { return t == 0; });
  }

  /// Adds the accesses that member `member` of group `who` has made at times below `time`. `member` may be
  /// `all_members`.
  void learn(group_id who, int member, std::uint32_t time) {
    if (who.block == block_ && who.local < warps_.size() && (member == all_members || warps_[who.local] >= time)) {
      warps_[who.local] = std::max(warps_[who.local], time);
      return;
    }
    const entry wanted{who, member, time};
    const auto at = std::lower_bound(others_.begin(), others_.end(), wanted, before);
    if (at != others_.end() && at->who == who && at->member == member)
      at->time = std::max(at->time, time);
    else
      others_.insert(at, wanted);
    compact_if_large();
  }

  /// Adds all accesses that the other clock knows.
  void join(const vector_clock& other) {
    for (std::uint32_t w = 0; w < other.warps_.size(); ++w)
      if (other.warps_[w] > 0) learn({other.block_, w}, all_members, other.warps_[w]);
    if (other.others_.empty()) return;
    std::vector<entry> both;  // the merged entries of the two sorted lists
    both.reserve(others_.size() + other.others_.size());
    auto mine = others_.begin();
    for (const entry& e : other.others_) {
      if (e.who.block == block_ && e.who.local < warps_.size() &&
          (e.member == all_members || warps_[e.who.local] >= e.time)) {
        warps_[e.who.local] = std::max(warps_[e.who.local], e.time);
        continue;
      }
      while (mine != others_.end() && before(*mine, e)) both.push_back(*mine++);
      both.push_back(e);
      if (mine != others_.end() && !before(e, *mine)) both.back().time = std::max(e.time, mine->time), ++mine;
    }
    both.insert(both.end(), mine, others_.end());
    others_ = std::move(both);
    compact_if_large();
  }

private:
  /// States that the observer knows the accesses that member `member` of group `who` has made at times below `time`.
  struct entry {
    group_id who;
    int member;
    std::uint32_t time;
  };
  /// The order of others_: by group, then by member (`all_members` first).
  static bool before(const entry& a, const entry& b) { return a.who == b.who ? a.member < b.member : a.who < b.who; }

  /// knows(), for the entries of others_ alone.
  bool knows_other(group_id who, int member, std::uint32_t time) const {
    auto at = std::lower_bound(others_.begin(), others_.end(), entry{who, all_members, 0}, before);
    for (; at != others_.end() && at->who == who; ++at)
      if ((at->member == all_members || at->member == member) && time < at->time) return true;
    return false;
  }

  /// Calls compact() if others_ has more than 64 entries, and more than twice as many as after the last compact().
  void compact_if_large() {
    if (others_.size() <= compact_at_) return;
    compact();
    compact_at_ = std::max<std::size_t>(64, 2 * others_.size());
  }
  /// Where all 32 members of a group have entries, raises the group's time to the least of their times. (The time of a
  /// group is in its entry for all_members, which is added if it is missing; for a warp of the observer's block, in
  /// warps_.) Then drops the entries of single members whose time is not greater than that of their group.
  void compact() {
    std::vector<entry> kept;
    for (std::size_t i = 0; i < others_.size();) {
      std::size_t end = i;
      std::uint32_t whole = 0, least = ~std::uint32_t{0};  // the group's time; the least time of a single member
      int lanes = 0;
      for (; end < others_.size() && others_[end].who == others_[i].who; ++end) {
        const entry& e = others_[end];
        if (e.member == all_members)
          whole = e.time;
        else
          least = std::min(least, e.time), ++lanes;
      }
      const group_id who = others_[i].who;
      if (who.block == block_ && who.local < warps_.size()) {
        if (lanes == 32) warps_[who.local] = std::max(warps_[who.local], least);
        whole = warps_[who.local];
      } else {
        if (lanes == 32) whole = std::max(whole, least);
        if (whole > 0) kept.push_back({who, all_members, whole});
      }
      for (; i < end; ++i)
        if (others_[i].member != all_members && others_[i].time > whole) kept.push_back(others_[i]);
    }
    others_ = std::move(kept);
  }

  std::uint32_t block_ = ~std::uint32_t{0};  // the observer's block
  std::vector<std::uint32_t> warps_;         // times of the warps of the observer's block
  std::size_t compact_at_ = 64;              // number of entries of others_ above which compact() is called
  std::vector<entry> others_;                // single lanes, engines and other blocks, in the order of before()
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
