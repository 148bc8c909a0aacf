// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Detects lanes that poll. A lane polls if its atomic finds the value that the lane found at this address before, and
// leaves it unchanged. The lane may repeat that until another lane writes to the address, so other lanes run first.
#pragma once
#pragma GCC system_header

#include <algorithm>
#include <cstdint>
#include <utility>

namespace tilery::inline TILERY_ABI::virtual_machine {

/// The values that one lane's atomics have found at the last 8 addresses. A lane that polls more addresses in turn is
/// not detected; it lets other lanes run at every 1024th atomic.
class polling {
public:
  /// Rounds in which all live lanes only wait or poll, after which the launch counts as a deadlock. A lane that gives
  /// up after some thousand polls is no deadlock.
  static constexpr int patience = 1 << 16;

  void forget() { noted_ = 0; }

  /// True if other lanes must run before an atomic at `place` that finds `value`. `changes`: the atomic will change the
  /// value, for example a compare-and-swap after a load. Such an atomic does not poll.
  bool lets_others_run(const void* place, std::uint64_t value, bool changes) {
    const note* const known = find(place);
    return (known && known->value == value && !changes) || ++atomics_ % round == 0;
  }
  /// Notes the value that an atomic finds. Returns true if it differs from the noted value of this place.
  bool finds(const void* place, std::uint64_t value) {
    if (note* const known = find(place)) return std::exchange(known->value, value) != value;
    note* const unused = find(nullptr);
    (unused ? *unused : notes_[noted_++ % kept]) = {place, value};
    return false;
  }
  /// The lane has changed the value at `place`: drops the note. If the lane finds its own value next time, it does not
  /// poll yet.
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
