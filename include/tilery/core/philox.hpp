// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// philox: random numbers as a function of a counter and a key. A lane can compute any number of the sequence without
// the numbers before it, and all executors get the same bits.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI {

/// 128 bits: a counter, or the random bits that Philox computes from it.
struct philox_words {
  std::uint32_t word[4];
};

/// Returns 128 random bits for a counter and a key by Philox4x32-10, 10 rounds (Salmon, Moraes, Dror, Shaw: Parallel
/// random numbers: as easy as 1, 2, 3; SC 2011). The constants are those of the authors' library Random123, and the
/// results equal Random123's bit for bit.
TILERY_SIMT philox_words philox(philox_words counter, std::uint64_t key) {
  auto low = static_cast<std::uint32_t>(key), high = static_cast<std::uint32_t>(key >> 32);
  TILERY_UNROLL
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xd2511f53} * counter.word[0],
                        b = std::uint64_t{0xcd9e8d57} * counter.word[2];
    counter = {{static_cast<std::uint32_t>(b >> 32) ^ counter.word[1] ^ low, static_cast<std::uint32_t>(b),
                static_cast<std::uint32_t>(a >> 32) ^ counter.word[3] ^ high, static_cast<std::uint32_t>(a)}};
    low += 0x9e3779b9, high += 0xbb67ae85;
  }
  return counter;
}

}  // namespace tilery::inline TILERY_ABI
