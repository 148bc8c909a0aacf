// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Global memory that nobody has written since it was allocated. The virtual GPU fills what it allocates with a pattern
// that depends on the address, eight bytes at a time: whoever reads it back, reads what was never written. Writes of
// the host need not be seen for that, and the chance that data look like it is 2^-64.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// What the aligned eight bytes at an address hold when nobody has written them. A NaN of a double, often.
inline std::uint64_t unwritten_word(std::uintptr_t address) {
  std::uint64_t h = address * 0x9e3779b97f4a7c15u + 0x1f83d9abfb41bd6bu;
  return (h ^ h >> 31) | std::uint64_t{0x7ff8} << 48;
}

/// Marks all whole words of a piece of memory that begins at a multiple of 8.
inline void mark_unwritten(void* memory, std::size_t bytes) {
  auto* at = static_cast<std::byte*>(memory);
  for (std::size_t i = 0; i + 8 <= bytes; i += 8) {
    const std::uint64_t word = unwritten_word(reinterpret_cast<std::uintptr_t>(at + i));
    std::memcpy(at + i, &word, 8);
  }
}

/// How many of the bytes [address, address + bytes) lie in words that nobody has written. Words that reach out of
/// [begin, end), where memory is known to be, are not looked at.
inline int unwritten_bytes(std::uintptr_t address, int bytes, std::uintptr_t begin, std::uintptr_t end) {
  int count = 0;
  const std::uintptr_t last = address + static_cast<std::uintptr_t>(bytes);
  for (std::uintptr_t word = address / 8 * 8; word < last; word += 8) {
    if (word < begin || word + 8 > end) continue;
    std::uint64_t value;
    std::memcpy(&value, reinterpret_cast<const void*>(word), 8);
    if (value != unwritten_word(word)) continue;
    const std::uintptr_t from = word > address ? word : address, to = word + 8 < last ? word + 8 : last;
    count += static_cast<int>(to - from);
  }
  return count;
}

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
