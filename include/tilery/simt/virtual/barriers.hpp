// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Barriers of a block that are objects: the 16 named barriers, and the mbarriers in shared memory with their phases,
// arrivals and outstanding bytes of copies. This file models their function alone; the block's watch tracks the
// happens-before order that they create.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/fault.hpp>

#include <cstring>
#include <functional>
#include <unordered_map>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// A copy in flight: issued, but its bytes have not been written yet.
struct engine_copy {
  void* to = nullptr;
  const void* from = nullptr;
  std::size_t bytes = 0;
  std::size_t valid = 0;  // bytes read from the source; the rest of the destination becomes zeros

  void land() const {
    if (valid > 0) std::memcpy(to, from, valid);  // an empty operand's pointer may be null
    std::memset(static_cast<std::byte*>(to) + valid, 0, bytes - valid);
  }
};

/// An mbarrier. A phase is complete when all expected arrivals and all expected bytes have come.
struct mbarrier_state {
  int expected = 0;  // arrivals per phase; 0: not initialised
  int missing = 0;
  std::int64_t missing_bytes = 0;
  std::uint32_t phase = 0;
  std::vector<engine_copy> copies;  // in flight; they land when a lane waits
  std::vector<int> waiting;         // lanes

  bool over() const { return missing == 0 && missing_bytes == 0; }
  /// True if all arrivals have come, and more bytes than they expect: the phase can never complete.
  bool overfull() const { return expected > 0 && missing == 0 && missing_bytes < 0; }
  /// Bytes of the copies in flight.
  std::int64_t bytes_under_way() const {
    std::int64_t sum = 0;
    for (const engine_copy& c : copies) sum += static_cast<std::int64_t>(c.bytes);
    return sum;
  }
  /// The largest count, from the PTX ISA 8.5, "Size and alignment of an mbarrier object": arrivals are 1 to `most`,
  /// pending bytes -`most` to `most`.
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
  /// Begins the next phase if this one is complete. Returns true if it was.
  static bool turn(mbarrier_state& b) {
    if (b.expected == 0 || !b.over()) return false;
    ++b.phase;
    b.missing = b.expected;
    return true;
  }
  /// Executes the copies in flight of the mbarrier.
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
