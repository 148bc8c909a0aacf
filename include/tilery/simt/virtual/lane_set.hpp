// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A set of lanes of one block, stored with one bit per lane. A block uses it for the lanes that are ready to run, and
// for the lanes that wait in sync_block (block.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class lane_set {
public:
  explicit lane_set(int threads) : words_((static_cast<std::size_t>(threads) + 63) / 64) {}

  void insert(int lane) { words_[static_cast<std::size_t>(lane) / 64] |= bit(lane); }
  void erase(int lane) { words_[static_cast<std::size_t>(lane) / 64] &= ~bit(lane); }
  void clear() { std::fill(words_.begin(), words_.end(), 0); }
  /// Adds the lanes of a warp whose bits are set in the mask `lanes`. A word of 64 bits holds two warps.
  void insert_warp(int warp, std::uint32_t lanes) {
    words_[static_cast<std::size_t>(warp) / 2] |= std::uint64_t{lanes} << (warp % 2 * 32);
  }
  /// Moves all lanes of `other` to this set.
  void take(lane_set& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= std::exchange(other.words_[i], 0);
  }

  /// Returns the first lane of the set from lane `from` upwards, wrapping around; -1 if the set is empty.
  int next(int from) const {
    const std::size_t words = words_.size();
    std::size_t word = static_cast<std::size_t>(from) / 64;
    std::uint64_t bits = words_[word] & (~std::uint64_t{0} << (from % 64));
    for (std::size_t i = 0; i <= words; ++i) {  // looks at the first word twice: at last for its lanes below `from`
      if (bits) return static_cast<int>(word * 64) + std::countr_zero(bits);
      word = word + 1 == words ? 0 : word + 1;
      bits = words_[word];
    }
    return -1;
  }

private:
  static std::uint64_t bit(int lane) { return std::uint64_t{1} << (lane % 64); }

  std::vector<std::uint64_t> words_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
