// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The state of a block's 16 named barriers (PTX: bar.sync, bar.arrive), and of its mbarriers in shared memory with
// their phases, arrivals and outstanding bytes of copies. This file models when a barrier is complete. Which accesses a
// barrier orders is recorded by the checks of the launch, if it has any (mbarrier_checks.hpp,
// named_barrier_checks.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/fault.hpp>

#include <cstring>
#include <functional>
#include <unordered_map>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// A copy by a copy engine. From its issue until land() the copy is in flight: it has copied no byte yet.
struct engine_copy {
  void* to = nullptr;
  const void* from = nullptr;
  std::size_t bytes = 0;
  std::size_t valid = 0;  // bytes read from the source; the rest of the destination becomes zeros

  /// Writes the destination.
  void land() const {
    if (valid > 0) std::memcpy(to, from, valid);  // an empty operand's pointer may be null
    std::memset(static_cast<std::byte*>(to) + valid, 0, bytes - valid);
  }
};

/// An mbarrier. A phase is complete when all expected arrivals and all expected bytes have come.
struct mbarrier_state {
  int expected = 0;                 // arrivals per phase; 0: not initialised
  int missing = 0;                  // arrivals that the current phase still needs
  std::int64_t missing_bytes = 0;   // bytes that arrivals expect, minus bytes of landed copies; may be below 0
  std::uint32_t phase = 0;          // number of complete phases since the initialisation
  std::vector<engine_copy> copies;  // in flight; they land when a lane waits for the mbarrier
  std::vector<int> waiting;         // ranks of the suspended lanes that wait for the current phase

  /// True if the current phase is complete.
  bool over() const { return missing == 0 && missing_bytes == 0; }
  /// True if all arrivals of the current phase have come, and the landed copies have more bytes than these arrivals
  /// expect: the phase cannot complete, unless the caller corrects missing_bytes.
  bool overfull() const { return expected > 0 && missing == 0 && missing_bytes < 0; }
  /// Returns the sum of the sizes of all copies in flight, in bytes.
  std::int64_t bytes_under_way() const {
    std::int64_t sum = 0;
    for (const engine_copy& c : copies) sum += static_cast<std::int64_t>(c.bytes);
    return sum;
  }
  /// The largest count of an mbarrier, from the PTX ISA 8.5 ("Size and alignment of an mbarrier object"): a phase
  /// expects 1 to `most` arrivals, and its pending bytes are -`most` to `most`.
  static constexpr std::int64_t most = (1 << 20) - 1;
};

/// One of the barriers of PTX's bar.sync and bar.arrive, which a kernel names by a number.
struct named_barrier {
  int expected = 0;          // lanes that must arrive
  int arrived = 0;           // lanes that have arrived, including those of bar.arrive, which do not wait
  std::vector<int> waiting;  // ranks of the suspended lanes
};

class barriers {
public:
  static constexpr int named = 16;  // number of barriers of a block in PTX; barrier 0 is reserved for sync_block

  void clear() {
    mbarriers_.clear();
    for (named_barrier& b : named_) b = {};
  }
  /// Returns the mbarrier at an address. If none is initialised there, `expected` of the result is 0.
  mbarrier_state& at(const void* address) { return mbarriers_[address]; }
  named_barrier& number(int i) { return named_[i]; }

  void init(const void* address, int arrivals) {
    mbarrier_state& b = mbarriers_[address];
    b = {};
    b.expected = b.missing = arrivals;
  }
  /// If the mbarrier's current phase is complete, begins the next phase and returns true. Otherwise returns false.
  static bool turn(mbarrier_state& b) {
    if (b.expected == 0 || !b.over()) return false;
    ++b.phase;
    b.missing = b.expected;
    return true;
  }
  /// Executes the mbarrier's copies in flight and subtracts their bytes from missing_bytes.
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
