// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Barriers of a block that are objects: the sixteen named ones, and mbarriers in shared memory with their phases, their
// arrivals and the bytes that copies still have to bring. This is how they work; what lanes learn by them is the
// watch's business.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/fault.hpp>

#include <cstring>
#include <functional>
#include <unordered_map>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// A copy that an engine has still to make.
struct engine_copy {
  void* to = nullptr;
  const void* from = nullptr;
  std::size_t bytes = 0;
  std::size_t valid = 0;  // the rest becomes zeros

  void land() const {
    if (valid > 0) std::memcpy(to, from, valid);  // an empty operand may be nowhere
    std::memset(static_cast<std::byte*>(to) + valid, 0, bytes - valid);
  }
};

/// An mbarrier: a phase is over when all arrivals and all bytes that it expects have come.
struct mbarrier_state {
  int expected = 0;  // arrivals a phase; 0: not initialised
  int missing = 0;
  std::int64_t missing_bytes = 0;
  std::uint32_t phase = 0;
  std::vector<engine_copy> copies;  // they land when somebody waits
  std::vector<int> waiting;         // lanes

  bool over() const { return missing == 0 && missing_bytes == 0; }
  /// All arrivals have come, and more bytes than they expect: the phase cannot end any more.
  bool overfull() const { return expected > 0 && missing == 0 && missing_bytes < 0; }
  /// Bytes of copies that are under way.
  std::int64_t bytes_under_way() const {
    std::int64_t sum = 0;
    for (const engine_copy& c : copies) sum += static_cast<std::int64_t>(c.bytes);
    return sum;
  }
  /// PTX ISA 8.5, "Size and alignment of an mbarrier object": arrivals from 1 on, pending bytes of either sign.
  static constexpr std::int64_t most = (1 << 20) - 1;
};

struct named_barrier {
  int expected = 0;
  int arrived = 0;
  std::vector<int> waiting;
};

class barriers {
public:
  static constexpr int named = 16;

  void clear() {
    mbarriers_.clear();
    for (named_barrier& b : named_) b = {};
  }
  mbarrier_state& at(const void* address) { return mbarriers_[address]; }
  named_barrier& number(int i) { return named_[i]; }

  void init(const void* address, int arrivals) {
    mbarrier_state& b = mbarriers_[address];
    b = {};
    b.expected = b.missing = arrivals;
  }
  /// Begins the next phase where this one is over. Returns whether it was.
  static bool turn(mbarrier_state& b) {
    if (b.expected == 0 || !b.over()) return false;
    ++b.phase;
    b.missing = b.expected;
    return true;
  }
  /// Makes the copies that the barrier waits for.
  static void land(mbarrier_state& b) {
    for (const engine_copy& c : b.copies) {
      c.land();
      b.missing_bytes -= static_cast<std::int64_t>(c.bytes);
    }
    b.copies.clear();
  }

private:
  std::unordered_map<const void*, mbarrier_state> mbarriers_;
  named_barrier named_[named];
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
