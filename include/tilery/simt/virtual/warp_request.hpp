// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The cost of one warp-wide access, for the profile of the virtual GPU: the number of 32-byte sectors of global memory,
// or of wavefronts of shared memory. A wavefront is one pass through the banks: in it, each bank serves one 4-byte
// word.
//
// Shared memory has 32 banks of 4 bytes and delivers 128 bytes per clock (CUDA C++ Programming Guide, "Compute
// Capability 5.x"; later compute capabilities keep this). So with up to 4 bytes per lane, the whole warp is one group
// of lanes that is served at once. With 8 bytes per lane, a group is a half-warp (16 lanes); with 16 bytes, a
// quarter-warp (8 lanes). A group takes as many wavefronts as the largest number of distinct words in one bank. A word
// that several lanes access counts once: a read is broadcast.
//
// In loads of 8 or 16 bytes per lane, two neighbouring groups are served together if each lane i reads the same address
// as lane i^1, or each lane i the same address as lane i^2 (^: exclusive or): without bank conflicts, a 16-byte load
// then takes 2 wavefronts, not 4. NVIDIA stated this for the loads of compute capability 7.x
// (forums.developer.nvidia.com/t/unexpected-shared-memory-bank-conflict/77228). An H200 (9.0) does the same: its
// counters gave the costs computed here for each of 460 loads of up to 16 bytes and stores of up to 8 bytes, half of
// them random (tests/hardware checks this file against benchmarks/results/h200/virtual_gpu_requests.csv). The archs
// between 7.x and 9.0, and those after 9.0, are assumed to have these costs, too. The cost of atomics on shared memory
// is an estimate (shared_atomic_cost()).
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>

namespace tilery::inline TILERY_ABI::virtual_machine {

/// One access of a warp. Each lane accesses `bytes` bytes, 1, 2, 4, 8 or 16, at a multiple of `bytes`. A wider access
/// is several instructions, and so several requests (block_requests.hpp splits it).
struct warp_request {
  const std::uintptr_t* at;  // 32 addresses, by lane; only those of `lanes` are valid
  std::uint32_t lanes;       // bit i is set if lane i takes part
  int bytes;                 // per lane
};

inline constexpr int sector_bytes = 32;
inline constexpr int banks_bytes = 128;  // one row of the 32 banks of shared memory: 4 bytes of each

/// The cost of one request in global memory.
struct sector_cost {
  int sectors = 0;  ///< distinct sectors that the lanes access
  int fewest = 0;   ///< sectors if the distinct bytes of the lanes were contiguous and aligned
};

/// Counts the distinct sectors of global memory that a request accesses. Calls visit(address / 32) once for each
/// sector.
template <class Visit>
sector_cost global_cost(const warp_request& request, Visit visit) {
  std::uintptr_t at[32];
  int count = 0;
  bool ascending = true;
  for (std::uint32_t left = request.lanes; left; left &= left - 1) {
    at[count] = request.at[std::countr_zero(left)];
    ascending = ascending && (count == 0 || at[count - 1] <= at[count]);
    ++count;
  }
  if (!ascending) std::sort(at, at + count);
  int sectors = 0, distinct = 0;  // numbers of distinct sectors and of distinct addresses
  for (int i = 0; i < count; ++i) {
    if (i > 0 && at[i] == at[i - 1]) continue;
    ++distinct;
    if (i > 0 && at[i] / sector_bytes == at[i - 1] / sector_bytes) continue;
    ++sectors;
    visit(at[i] / sector_bytes);
  }
  return {sectors, (distinct * request.bytes + sector_bytes - 1) / sector_bytes};
}
/// Counts the distinct sectors of global memory that a request accesses.
inline sector_cost global_cost(const warp_request& request) {
  return global_cost(request, [](std::uintptr_t) {});
}

/// The cost of one request in shared memory.
struct wavefront_cost {
  int wavefronts = 0;  ///< passes through the banks
  int fewest = 0;      ///< passes without bank conflicts: one for each group in which a lane takes part
};

/// True if lanes whose ranks differ in the bit `apart` (1 or 2) read the same address, in each such pair of lanes that
/// both take part.
inline bool lanes_agree(const warp_request& request, int apart) {
  for (std::uint32_t left = request.lanes; left; left &= left - 1) {
    const int lane = std::countr_zero(left), other = lane ^ apart;
    if ((request.lanes >> other & 1) && request.at[lane] != request.at[other]) return false;
  }
  return true;
}

/// Returns the wavefronts of one group of lanes (or of two groups that are served together). A unit is an aligned piece
/// of 4, 8 or 16 bytes (2^unit_shift), and each lane accesses one unit. A row of the banks (128 bytes) has `columns`
/// units. Two units with equal indices in their rows are in the same banks, which are called a column here: the result
/// is the largest number of distinct units in one column. `at`, `lanes`: the addresses and the mask of the group's
/// lanes, counted from the first lane of the group; the mask is not 0.
inline int passes(const std::uintptr_t* at, std::uint32_t lanes, int unit_shift, int columns) {
  std::uintptr_t low = ~std::uintptr_t{0}, high = 0;
  for (std::uint32_t left = lanes; left; left &= left - 1) {
    const std::uintptr_t unit = at[std::countr_zero(left)] >> unit_shift;
    low = std::min(low, unit), high = std::max(high, unit);
  }
  if (high - low < static_cast<std::uintptr_t>(columns)) return 1;  // no two units in one column: the most common case
  std::uint32_t units[32][32];                                      // (column, distinct units in this column)
  std::uint8_t counts[32] = {};
  int most = 1;
  for (; lanes; lanes &= lanes - 1) {
    const auto unit = static_cast<std::uint32_t>(at[std::countr_zero(lanes)] >> unit_shift);
    const std::uint32_t column = unit & static_cast<std::uint32_t>(columns - 1);
    int i = 0;
    while (i < counts[column] && units[column][i] != unit) ++i;
    if (i < counts[column]) continue;
    units[column][counts[column]++] = unit;
    most = std::max(most, i + 1);
  }
  return most;
}

/// Returns the wavefronts of a load (`loads`) or a store of shared memory. The addresses in `request` are offsets in a
/// memory that starts at bank 0. An access of 1 or 2 bytes costs as much as an access to the 4-byte word that contains
/// these bytes.
inline wavefront_cost shared_cost(const warp_request& request, bool loads) {
  const int unit = std::max(4, request.bytes), columns = 128 / unit;
  int group = columns;  // number of lanes in a group: as many lanes as there are units in a row of the banks
  if (loads && unit > 4 && (lanes_agree(request, 1) || lanes_agree(request, 2))) group *= 2;
  const int unit_shift = std::countr_zero(static_cast<unsigned>(unit));
  wavefront_cost cost;
  for (int first = 0; first < 32; first += group) {
    const std::uint32_t lanes = request.lanes >> first & (0xffffffffu >> (32 - group));
    if (!lanes) continue;
    ++cost.fewest;
    cost.wavefronts += passes(request.at + first, lanes, unit_shift, columns);
  }
  return cost;
}

/// Estimates the wavefronts of an atomic on shared memory. Of the lanes that access one bank, a wavefront serves one
/// lane, even if the lanes access the same word. No hardware counter has confirmed this estimate yet. On a GPU, atomics
/// whose operations are first merged (such as additions of 1 by a whole warp) take fewer wavefronts.
inline wavefront_cost shared_atomic_cost(const warp_request& request) {
  const int unit = std::max(4, request.bytes), columns = 128 / unit;
  wavefront_cost cost;
  for (int first = 0; first < 32; first += columns) {
    const std::uint32_t lanes = request.lanes >> first & (0xffffffffu >> (32 - columns));
    int of_column[32] = {}, most = 0;
    for (std::uint32_t left = lanes; left; left &= left - 1) {
      const std::uintptr_t column = request.at[first + std::countr_zero(left)] / static_cast<std::uintptr_t>(unit) %
                                    static_cast<std::uintptr_t>(columns);
      most = std::max(most, ++of_column[column]);
    }
    cost.wavefronts += most;
    cost.fewest += lanes != 0;
  }
  return cost;
}

}  // namespace tilery::inline TILERY_ABI::virtual_machine
