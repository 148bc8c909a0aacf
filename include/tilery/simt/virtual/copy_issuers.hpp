// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The lanes that issued bulk copies whose bytes an mbarrier counts. Such copies are the accesses of the mbarrier's copy
// engine (mbarrier_checks.hpp), so the access history does not hold the lane. All blocks of a launch share the table:
// a copy reads global memory, and a lane of another block may find it there, even after the copy's block has ended.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/vector_clock.hpp>

#include <cstdint>
#include <unordered_map>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class copy_issuers {
public:
  /// Notes that `lane` of the engine's block has issued a copy at this site. If several lanes issue copies of one
  /// engine at one site, the last of them counts.
  void add(group_id engine, std::uint32_t site, int lane) { lanes_[{engine, site}] = lane; }
  /// Returns the rank in its block of the lane that issued the engine's copy at this site; -1 if there was none, as for
  /// the engines of warps.
  int lane_of(group_id engine, std::uint32_t site) const {
    const auto found = lanes_.find({engine, site});
    return found == lanes_.end() ? -1 : found->second;
  }

private:
  struct key {
    group_id engine;
    std::uint32_t site;
    bool operator==(const key&) const = default;
  };
  struct hash {
    std::size_t operator()(const key& k) const {
      const std::uint64_t engine = std::uint64_t{k.engine.block} << 32 | k.engine.local;
      return static_cast<std::size_t>((engine ^ std::uint64_t{k.site} << 20) * 0x9e3779b97f4a7c15u);
    }
  };

  std::unordered_map<key, int, hash> lanes_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
