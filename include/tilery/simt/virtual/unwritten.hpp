// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Detects global memory that was never written since its allocation. The virtual GPU fills its allocations with a
// pattern: each aligned 4-byte word gets a value that depends on its address. A word that still holds this value counts
// as never written. So writes by the host need no tracking.
//
// Errors. The value is a float NaN whose bits no computation makes: float data are never equal to it. Its upper half is
// a NaN in half and in bf16: data of these types can be equal to it only if the element in the upper half is a NaN.
// Other data are equal to it by chance: for random bits, with probability 2^-32 per word. An 8-byte element counts as
// never written only if both of its words do: 2^-64. Never found are the last bytes of an allocation if they fill no
// word, and an unwritten element of less than 4 bytes in whose word another element was written.
#pragma once
#pragma GCC system_header

#include <tilery/core/operand.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// Returns the pattern of the aligned 4-byte word at an address: a quiet float NaN with 22 bits that depend on the
/// address. It is none of the NaNs that computations make: 0x7fc00000 (C++ and Arm), 0x7fffffff (CUDA) and 0xffc00000
/// (x86, sign set).
inline std::uint32_t unwritten_word(std::uintptr_t address) {
  const std::uint64_t h = (address >> 2) * 0x9e3779b97f4a7c15u;  // 2^64 / the golden ratio: spreads the bits
  const auto payload = static_cast<std::uint32_t>(h >> 42);      // 22 bits
  return 0x7fc00000u | (payload == 0 || payload == 0x3fffff ? 0x2a5a5au : payload);
}

/// Fills the 4-byte words of a piece of memory with the pattern. The address `memory` must be a multiple of 4. Up to 3
/// bytes at the end, which are no whole word, stay as they are.
inline void mark_unwritten(void* memory, std::size_t bytes) {
  auto* at = static_cast<std::byte*>(memory);
  for (std::size_t i = 0; i + 4 <= bytes; i += 4) {
    const std::uint32_t word = unwritten_word(reinterpret_cast<std::uintptr_t>(at + i));
    std::memcpy(at + i, &word, 4);
  }
}

/// True if each of the `Words` 4-byte words from `address` on holds its pattern. `address` must be a multiple of 4.
template <int Words>
bool is_unwritten(std::uintptr_t address) {
  for (int i = 0; i < Words; ++i, address += 4) {
    std::uint32_t value;
    std::memcpy(&value, reinterpret_cast<const void*>(address), 4);
    // the upper 10 bits, which are equal in all patterns, are compared first: this is quicker
    if (value >> 22 != 0x7fc00000u >> 22 || value != unwritten_word(address)) return false;
  }
  return true;
}

/// Counts the bytes of [address, address + bytes) that were never written. Memory is examined in aligned units of
/// 4 * `Words` bytes: a unit was never written if all of its words hold their patterns. [begin, end) is the memory that
/// may be read: units that are not wholly in it are not counted.
template <int Words>
int unwritten_bytes(std::uintptr_t address, int bytes, std::uintptr_t begin, std::uintptr_t end) {
  constexpr std::uintptr_t size = 4 * Words;
  int count = 0;
  const std::uintptr_t last = address + static_cast<std::uintptr_t>(bytes);
  for (std::uintptr_t word = address / size * size; word < last; word += size) {
    if (word < begin || word + size > end || !is_unwritten<Words>(word)) continue;
    const std::uintptr_t from = word > address ? word : address, to = word + size < last ? word + size : last;
    count += static_cast<int>(to - from);
  }
  return count;
}
/// Counts the bytes of [address, address + bytes) that were never written, as the function above does. The units have 8
/// bytes for 8-byte elements, and 4 bytes for elements of any other size.
inline int unwritten_bytes(std::uintptr_t address, int bytes, std::uintptr_t begin, std::uintptr_t end,
                           std::int64_t element_bytes) {
  return element_bytes == 8 ? unwritten_bytes<2>(address, bytes, begin, end)
                            : unwritten_bytes<1>(address, bytes, begin, end);
}

/// The elements of an operand that were never written.
struct unwritten_elements {
  std::int64_t count = 0, all = 0;        // number of unwritten elements, and of all elements of the operand
  std::int64_t first[largest_rank] = {};  // indices of the first unwritten element; valid if `count` is not 0
};
/// Finds the elements of an operand that were never written. An element of less than 4 bytes is not found if another
/// element in its word was written, or if its word is not wholly inside the operand.
inline unwritten_elements unwritten_elements_of(const operand& o) {
  unwritten_elements found{0, o.size(), {}};
  if (found.all == 0) return found;
  const auto begin = reinterpret_cast<std::uintptr_t>(o.begin()), end = reinterpret_cast<std::uintptr_t>(o.end());
  const int bytes = static_cast<int>(o.element_bytes), last = o.rank - 1;
  std::int64_t index[largest_rank] = {};
  for (bool more = true; more;) {
    std::int64_t row = 0;  // offset of the first element of the current row (last index 0), in elements
    for (int d = 0; d < last; ++d) row += index[d] * o.strides[d];
    for (index[last] = 0; index[last] < o.extents[last]; ++index[last]) {
      const std::int64_t at = row + index[last] * o.strides[last];
      const std::uintptr_t address = begin + static_cast<std::uintptr_t>(at * o.element_bytes);
      if (unwritten_bytes(address, bytes, begin, end, o.element_bytes) < bytes) continue;
      if (found.count++ == 0) std::memcpy(found.first, index, sizeof(index));
    }
    more = false;  // advances the indices of the other dimensions to the next row; `more` stays false after the last
    for (int d = last - 1; d >= 0 && !more; --d) {
      more = ++index[d] < o.extents[d];
      if (!more) index[d] = 0;
    }
  }
  return found;
}

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
