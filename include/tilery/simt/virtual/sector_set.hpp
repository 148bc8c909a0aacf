// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A set of 32-byte sectors of global memory. The profile of a launch uses two such sets to count the distinct sectors
// that the launch reads and writes. One bit stands for each sector. The bits are stored in pages; a page is created
// when its first sector is added.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>

namespace tilery::inline TILERY_ABI::virtual_machine {

class sector_set {
public:
  /// Adds a sector by its number (address / 32).
  void insert(std::uintptr_t sector) {
    std::uint64_t& word = page_of(sector / page_sectors)[sector % page_sectors / 64];
    const std::uint64_t bit = std::uint64_t{1} << (sector % 64);
    size_ += (word & bit) == 0;
    word |= bit;
  }
  /// Returns the number of distinct sectors.
  std::int64_t size() const { return size_; }

private:
  static constexpr std::uintptr_t page_sectors = 2048;  // a page has 2048 bits (256 bytes), for 64 KiB of memory
  using page = std::array<std::uint64_t, page_sectors / 64>;

  /// Returns page `number` (address / 64 KiB), and creates the page if it does not exist.
  page& page_of(std::uintptr_t number) {
    recent& entry = recent_[number % recent_.size()];
    if (entry.bits == nullptr || entry.number != number) {
      std::unique_ptr<page>& found = pages_[number];
      if (!found) found = std::make_unique<page>();
      entry = {number, found.get()};
    }
    return *entry.bits;
  }

  /// An entry of the cache of recently used pages. The cache has 16 entries, by the page's number modulo 16, and not
  /// only one, because kernels alternate between their operands.
  struct recent {
    std::uintptr_t number = 0;
    page* bits = nullptr;
  };
  std::array<recent, 16> recent_{};
  std::unordered_map<std::uintptr_t, std::unique_ptr<page>> pages_;
  std::int64_t size_ = 0;
};

}  // namespace tilery::inline TILERY_ABI::virtual_machine
