// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Detects global memory that was never written since its allocation. The virtual GPU fills its allocations with a
// pattern of 4-byte words that depends on the address; a word that holds its pattern was never written. So writes by
// the host need no tracking. The pattern is a float NaN, and its upper half a NaN of half and of bf16, with bits that
// no computation makes: no float data equal it. Other data equal it by chance, with probability 2^-32 per word, or
// 2^-64 per 8-byte element, of which both halves are compared.
#pragma once
#pragma GCC system_header

#include <tilery/core/operand.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// The pattern of the aligned 4-byte word at an address: a quiet float NaN that is neither x86's default NaN nor
/// CUDA's.
inline std::uint32_t unwritten_word(std::uintptr_t address) {
  const std::uint64_t h = (address >> 2) * 0x9e3779b97f4a7c15u;
  const auto payload = static_cast<std::uint32_t>(h >> 42);  // 22 bits
  return 0x7fc00000u | (payload == 0 || payload == 0x3fffff ? 0x2a5a5au : payload);
}

/// Fills the whole words of a piece of memory with the pattern. `memory` must be a multiple of 4.
inline void mark_unwritten(void* memory, std::size_t bytes) {
  auto* at = static_cast<std::byte*>(memory);
  for (std::size_t i = 0; i + 4 <= bytes; i += 4) {
    const std::uint32_t word = unwritten_word(reinterpret_cast<std::uintptr_t>(at + i));
    std::memcpy(at + i, &word, 4);
  }
}

/// True if the `Words` aligned 4-byte words from `address` on hold the pattern.
template <int Words>
bool is_unwritten(std::uintptr_t address) {
  for (int i = 0; i < Words; ++i, address += 4) {
    std::uint32_t value;
    std::memcpy(&value, reinterpret_cast<const void*>(address), 4);
    if (value >> 22 != 0x7fc00000u >> 22 || value != unwritten_word(address)) return false;
  }
  return true;
}

/// Counts the bytes of [address, address + bytes) that are in unwritten units of 4 * `Words` bytes. Units that are not
/// wholly in [begin, end), the memory that may be read, are not counted.
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
/// The same with the unit chosen by the element type: 8-byte elements are compared as a whole, others word by word.
inline int unwritten_bytes(std::uintptr_t address, int bytes, std::uintptr_t begin, std::uintptr_t end,
                           std::int64_t element_bytes) {
  return element_bytes == 8 ? unwritten_bytes<2>(address, bytes, begin, end)
                            : unwritten_bytes<1>(address, bytes, begin, end);
}

/// The number of elements of an operand that were never written, and the indices of the first one.
struct unwritten_elements {
  std::int64_t count = 0, all = 0;
  std::int64_t first[largest_rank] = {};
};
inline unwritten_elements unwritten_elements_of(const operand& o) {
  unwritten_elements found{0, o.size(), {}};
  if (found.all == 0) return found;
  const auto begin = reinterpret_cast<std::uintptr_t>(o.begin()), end = reinterpret_cast<std::uintptr_t>(o.end());
  const int bytes = static_cast<int>(o.element_bytes), last = o.rank - 1;
  std::int64_t index[largest_rank] = {};
  for (bool more = true; more;) {
    std::int64_t row = 0;  // the offset of the first element along the last dimension
    for (int d = 0; d < last; ++d) row += index[d] * o.strides[d];
    for (index[last] = 0; index[last] < o.extents[last]; ++index[last]) {
      const std::int64_t at = row + index[last] * o.strides[last];
      const std::uintptr_t address = begin + static_cast<std::uintptr_t>(at * o.element_bytes);
      if (unwritten_bytes(address, bytes, begin, end, o.element_bytes) < bytes) continue;
      if (found.count++ == 0) std::memcpy(found.first, index, sizeof(index));
    }
    more = false;
    for (int d = last - 1; d >= 0 && !more; --d) {
      more = ++index[d] < o.extents[d];
      if (!more) index[d] = 0;
    }
  }
  return found;
}

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
