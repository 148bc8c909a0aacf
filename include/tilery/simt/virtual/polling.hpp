// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Detects lanes that poll, that is, spin on an address until another lane changes its value. A lane polls if its atomic
// finds the value that the lane's previous atomic found at this address, and does not change the value. The virtual GPU
// runs lanes one after another, so it must then let other lanes run, or the polling lane would spin forever.
#pragma once
#pragma GCC system_header

#include <algorithm>
#include <cstdint>
#include <utility>

namespace tilery::inline TILERY_ABI::virtual_machine {

/// The values that one lane's atomics have found, for up to 8 addresses. If a lane polls more than 8 addresses in turn,
/// the polling is not detected. Therefore a lane also lets other lanes run at every 1024th atomic that is not detected
/// as polling.
class polling {
public:
  /// The number of the scheduler's rounds (grid.hpp) without progress after which lanes that poll count as a deadlock.
  /// In such a round, a host thread runs each of its waiting clusters once. Progress means, for example, that a lane
  /// ends, or that an atomic finds another value than before. The number is this large because a kernel may poll some
  /// thousand times, give up and then do something else. (The constant `round` below counts atomics, not these rounds.)
  static constexpr int patience = 1 << 16;

  /// Forgets all values: the lane begins a new block.
  void forget() { noted_ = 0; }

  /// Returns true if other lanes must run before an atomic on the address `place` that would find `value`: because the
  /// lane polls, or because other lanes run at every 1024th call without polling. Call it once before each atomic that
  /// reads. `changes`: true if the atomic is going to change the value, as a compare-and-swap that succeeds does. Such
  /// an atomic does not poll.
  bool lets_others_run(const void* place, std::uint64_t value, bool changes) {
    const note* const known = find(place);
    return (known && known->value == value && !changes) || ++atomics_ % round == 0;
  }
  /// Notes the value that an atomic finds at `place`. Returns true if a different value was noted for this address
  /// before.
  bool finds(const void* place, std::uint64_t value) {
    if (note* const known = find(place)) return std::exchange(known->value, value) != value;
    note* const unused = find(nullptr);  // a note that changes() has dropped
    (unused ? *unused : notes_[noted_++ % kept]) = {place, value};
    return false;
  }
  /// To be called after the lane itself has changed the value at `place`. Drops the note of this address: if the lane's
  /// next atomic finds the value that the lane wrote, the lane does not poll yet.
  void changes(const void* place) {
    if (note* const known = find(place)) known->place = nullptr;
  }

private:
  struct note {
    const void* place;
    std::uint64_t value;
  };
  // kept: the largest number of notes; a note for a ninth address replaces an older note. round: other lanes run at
  // every 1024th call of lets_others_run() that has detected no polling.
  static constexpr std::uint32_t kept = 8, round = 1024;

  note* find(const void* place) {
    note* const end = notes_ + std::min(noted_, kept);
    note* const found = std::find_if(notes_, end, [&](const note& n) { return n.place == place; });
    return found == end ? nullptr : found;
  }

  note notes_[kept];
  // noted_: the number of new addresses that were noted without reusing a dropped note; the first min(noted_, kept)
  // entries of notes_ are in use or dropped. atomics_: the number of calls of lets_others_run() without polling.
  std::uint32_t noted_ = 0, atomics_ = 0;
};

}  // namespace tilery::inline TILERY_ABI::virtual_machine
