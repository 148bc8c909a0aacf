// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// When a lane polls: its atomic finds what the same lane has found, and left, at this place before. It may repeat that
// until somebody else writes there, so others are to run first.
#pragma once
#pragma GCC system_header

#include <algorithm>
#include <cstdint>
#include <utility>

namespace tilery::inline TILERY_ABI::virtual_machine {

/// What one lane's atomics have found. The last few places are kept; a lane that goes round more of them lets the
/// others run from time to time.
class polling {
public:
  /// Rounds in which all lanes that are left only wait or poll, until they count as stuck. A lane that looks some
  /// thousand times and then gives up is not.
  static constexpr int patience = 1 << 16;

  void forget() { noted_ = 0; }

  /// Whether an atomic at `place`, which finds `value`, is to let others run before it. One that will change it, as a
  /// compare-and-swap behind a load, does not poll.
  bool lets_others_run(const void* place, std::uint64_t value, bool changes) {
    const note* const known = find(place);
    return (known && known->value == value && !changes) || ++atomics_ % round == 0;
  }
  /// Notes what an atomic finds. Returns whether it is known to have changed.
  bool finds(const void* place, std::uint64_t value) {
    if (note* const known = find(place)) return std::exchange(known->value, value) != value;
    note* const unused = find(nullptr);
    (unused ? *unused : notes_[noted_++ % kept]) = {place, value};
    return false;
  }
  /// The lane has changed what is there: that it will find the same next time says nothing of the others.
  void changes(const void* place) {
    if (note* const known = find(place)) known->place = nullptr;
  }

private:
  struct note {
    const void* place;
    std::uint64_t value;
  };
  static constexpr std::uint32_t kept = 8, round = 1024;

  note* find(const void* place) {
    note* const end = notes_ + std::min(noted_, kept);
    note* const found = std::find_if(notes_, end, [&](const note& n) { return n.place == place; });
    return found == end ? nullptr : found;
  }

  note notes_[kept];
  std::uint32_t noted_ = 0, atomics_ = 0;
};

}  // namespace tilery::inline TILERY_ABI::virtual_machine
