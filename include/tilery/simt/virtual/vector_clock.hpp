// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A vector clock: the accesses of all actors that an observer knows, in compact form. An actor is a member (a lane) of
// a group (a warp). Each member's time counts its releases and barriers. After a barrier all lanes of a warp have the
// same time, so that one number suffices for the warp. Copy engines and mbarriers are groups, too. The method is that
// of vector clocks and epochs (Flanagan and Freund, FastTrack, PLDI 2009).
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// A group of actors: the lanes of a warp, or an engine.
struct group_id {
  std::uint32_t block = 0;
  std::uint32_t local = 0;  // warps first, then engines
  bool operator==(const group_id&) const = default;
  auto operator<=>(const group_id&) const = default;
};

class vector_clock {
public:
  static constexpr int all_members = -1;

  vector_clock() = default;
  vector_clock(std::uint32_t block, int warps) : block_(block), warps_(static_cast<std::size_t>(warps)) {}

  /// True if the member's accesses at `time` are known.
  bool knows(group_id who, int member, std::uint32_t time) const {
    if (who.block == block_ && who.local < warps_.size() && time < warps_[who.local]) return true;
    return !others_.empty() && knows_other(who, member, time);
  }
  /// The time of a warp of the own block: all accesses of its lanes before this time are known.
  std::uint32_t of_warp(std::uint32_t warp) const { return warps_[warp]; }
  void set_warp(std::uint32_t warp, std::uint32_t time) { warps_[warp] = time; }
  bool only_warps() const { return others_.empty(); }
  bool empty() const {
    return others_.empty() && std::all_of(warps_.begin(), warps_.end(), [](std::uint32_t t) { return t == 0; });
  }

  /// Learns the accesses before `time` of a member of the group, or of all members if `member` is `all_members`.
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

  /// Learns all that the other clock knows.
  void join(const vector_clock& other) {
    for (std::uint32_t w = 0; w < other.warps_.size(); ++w)
      if (other.warps_[w] > 0) learn({other.block_, w}, all_members, other.warps_[w]);
    if (other.others_.empty()) return;
    std::vector<entry> both;
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
  struct entry {
    group_id who;
    int member;
    std::uint32_t time;
  };
  static bool before(const entry& a, const entry& b) { return a.who == b.who ? a.member < b.member : a.who < b.who; }

  bool knows_other(group_id who, int member, std::uint32_t time) const {
    auto at = std::lower_bound(others_.begin(), others_.end(), entry{who, all_members, 0}, before);
    for (; at != others_.end() && at->who == who; ++at)
      if ((at->member == all_members || at->member == member) && time < at->time) return true;
    return false;
  }

  void compact_if_large() {
    if (others_.size() <= compact_at_) return;
    compact();
    compact_at_ = std::max<std::size_t>(64, 2 * others_.size());
  }
  /// Replaces 32 entries of single lanes by one entry of their warp, and drops the entries that the warp's time covers.
  void compact() {
    std::vector<entry> kept;
    for (std::size_t i = 0; i < others_.size();) {
      std::size_t end = i;
      std::uint32_t whole = 0, least = ~std::uint32_t{0};
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

  std::uint32_t block_ = ~std::uint32_t{0};
  std::vector<std::uint32_t> warps_;  // of the own block
  std::size_t compact_at_ = 64;
  std::vector<entry> others_;  // sorted: single lanes, engines, other blocks
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
