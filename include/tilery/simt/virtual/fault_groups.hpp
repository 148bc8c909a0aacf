// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The order in which the faults of a launch are reported, and the groups of faults with one cause. Reads of
// uninitialised bytes come last, because they often are a consequence of races. Faults of missing order (races, missing
// waits and fences, early ends and accesses) come before them, and all other faults, such as accesses out of bounds,
// come first. Races that one barrier would fix form a group, with the reads of uninitialised bytes that they may have
// caused; these reads follow the races of their group. The text of each race of a group asks for the strongest barrier
// that any race of the group needs.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/missing_order.hpp>

#include <algorithm>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// The facts about a fault that `fault` does not store.
///
/// needed: the kind of barrier that would fix the fault if it were added to the kernel; remedy::other if no barrier
/// would fix the fault.
///
/// later: set if the two accesses of the fault belong to different iterations of a loop, and the loop's body already
/// has a barrier whose source line is between the lines of the two accesses (missing_order.hpp). `later` names this
/// barrier. It does not order the two accesses, because the access above the barrier's line belongs to the later
/// iteration: a barrier at the end of the loop's body is missing, too.
struct fault_origin {
  remedy needed = remedy::other;
  later_iteration later;
};

class fault_groups {
public:
  /// Sorts the faults. Gives the faults of each group that has at least two of them the same number (fault::cause), and
  /// changes their texts. `origins[i]` belongs to `faults[i]`.
  static void arrange(std::vector<fault>& faults, const std::vector<fault_origin>& origins) {
    fault_groups all{faults, origins, {}};
    for (std::size_t i = 0; i < faults.size(); ++i) all.add_race(i);
    for (std::size_t i = 0; i < faults.size(); ++i) all.add_unwritten(i);
    all.sort();
  }

private:
  /// Faults that one added barrier would fix. If `later` is 0, the barrier can be added after any of the source lines
  /// `first` to `last` of the file. Otherwise the accesses belong to different iterations of a loop, and the loop's
  /// body has a barrier already (fault_origin::later): a barrier must be added at the end of the loop's body, and
  /// `first` and `last` have no meaning.
  struct group {
    const fault* example;  // the fault that was found first
    std::uint32_t later;   // site of the barrier that the loop's body has already, or 0
    int first, last;
    std::vector<std::size_t> members;  // indices of the faults
  };

  fault_groups(std::vector<fault>& faults, const std::vector<fault_origin>& origins, std::vector<group> groups)
      : faults_(faults), origins_(origins), groups_(std::move(groups)) {}

  /// Returns the line in the kernel's own source that makes the access, or that calls the tile step which makes the
  /// access. A tile step is any function that calls lane.step() (step.hpp), in this library or in the user's program.
  static where line_of(const fault_access& a) { return a.site.kernel_line; }
  static bool same_file(const fault& a, const fault& b) {
    return std::strcmp(line_of(a.now).file, line_of(b.now).file) == 0;
  }

  /// Adds fault `i` to a group if an added barrier would fix the fault, and the lines of both accesses are in one file.
  /// The barrier would be between these two lines, or at the end of a loop's body. The fault joins the first group on
  /// the same memory that the same barrier would fix; if there is none, the fault begins a new group.
  void add_race(std::size_t i) {
    const fault& f = faults_[i];
    const fault_origin& o = origins_[i];
    const where now = line_of(f.now), before = line_of(f.before);
    if (o.needed == remedy::other || std::strcmp(now.file, before.file) != 0) return;
    const int first = std::min(now.line, before.line), last = std::max(now.line, before.line) - 1;
    if (o.later.barrier == 0 && last < first) return;  // both accesses on one line: no place for a barrier between them
    for (group& g : groups_) {
      if (g.later != o.later.barrier || g.example->memory != f.memory || !same_file(*g.example, f)) continue;
      const int both_first = std::max(g.first, first), both_last = std::min(g.last, last);
      if (g.later == 0 && both_last < both_first) continue;
      g.first = both_first, g.last = both_last;
      g.members.push_back(i);
      return;
    }
    groups_.push_back({&f, o.later.barrier, first, last, {i}});
  }
  /// If fault `i` is a read of uninitialised bytes, adds it to the group of a race on the same memory in which a read
  /// at the same source line takes part: the uninitialised read probably came before the write of this race.
  void add_unwritten(std::size_t i) {
    const fault& f = faults_[i];
    if (f.kind != fault_kind::uninitialised) return;
    for (group& g : groups_)
      for (const std::size_t m : g.members) {
        const fault& race = faults_[m];
        if (race.kind != fault_kind::race || race.memory != f.memory ||
            !(reads_at(race.now, f) || reads_at(race.before, f)))
          continue;
        g.members.push_back(i);
        return;
      }
  }
  /// True if `a` is a read at the line of the uninitialised read `read`.
  static bool reads_at(const fault_access& a, const fault& read) {
    const where x = a.site.line, y = read.now.site.line;
    return !a.writes && x.line == y.line && std::strcmp(x.file, y.file) == 0;
  }

  /// Returns the rank of a kind of fault. Faults of lower ranks are reported first.
  static int rank_of(fault_kind kind) {
    switch (kind) {
      case fault_kind::race:
      case fault_kind::missing_wait:
      case fault_kind::missing_fence:
      case fault_kind::early_end:
      case fault_kind::early_access: return 1;
      case fault_kind::uninitialised: return 2;
      default: return 0;
    }
  }

  /// Numbers the groups that have at least two faults, changes the texts of their faults, and sorts all faults. The
  /// order: by rank_of(), and within a rank by the time of discovery. A group stays together: all of its faults are
  /// sorted as if they were its leader. The leader is the fault that was found first of those that need the strongest
  /// barrier of the group. The rank of a group is 1, also for its reads of uninitialised bytes.
  void sort() {
    // leader: index of the group's leader, or of a fault without a group. member: position in the group
    struct place {
      int rank;
      std::size_t leader, member;
      auto operator<=>(const place&) const = default;
    };
    std::vector<std::pair<place, std::size_t>> order;
    for (std::size_t i = 0; i < faults_.size(); ++i) order.push_back({{rank_of(faults_[i].kind), i, 0}, i});
    int causes = 0;
    for (group& g : groups_) {
      if (g.members.size() < 2) continue;
      ++causes;
      std::stable_sort(g.members.begin(), g.members.end(), [&](std::size_t a, std::size_t b) {
        return origins_[a].needed > origins_[b].needed;  // uninitialised reads need no barrier, and come last
      });
      const std::size_t leader = g.members.front();
      for (std::size_t m = 0; m < g.members.size(); ++m) {
        fault& f = faults_[g.members[m]];
        f.cause = causes;
        order[g.members[m]].first = {1, leader, m};
        if (f.kind == fault_kind::uninitialised)
          f.missing += "; the missing barrier may be the cause";
        else
          f.missing = missing_barrier(origins_[leader].needed, origins_[g.members[m]].later);
      }
    }
    std::sort(order.begin(), order.end());
    std::vector<fault> sorted;
    for (const auto& [place, i] : order) sorted.push_back(std::move(faults_[i]));
    faults_ = std::move(sorted);
  }

  std::vector<fault>& faults_;
  const std::vector<fault_origin>& origins_;
  std::vector<group> groups_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
