// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Features: abilities of archs (instructions, and clusters of blocks) that not every arch has, as a set of bits. The
// table in core/arch.hpp states the features that each arch has. A kernel states the features that it needs
// (simt/kernel.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI {

/// A set of features: `features::copy_async | features::mma_f16`. The functions for a feature are in atoms/; those for
/// clusters are members of the lane (simt/lane.hpp). The shapes of mma.sync are m x n x k.
enum class features : std::uint32_t {
  none = 0,
  ldmatrix = 1 << 0,        ///< load_matrices: a warp loads 8 x 8 matrices from shared memory
  stmatrix = 1 << 1,        ///< store_matrices: a warp stores 8 x 8 matrices to shared memory
  named_barriers = 1 << 2,  ///< sync_named, arrive_named: barriers of some warps of a block
  copy_async = 1 << 3,      ///< cp.async: each lane copies 4, 8 or 16 bytes to shared memory
  mbarrier = 1 << 4,        ///< barriers in shared memory that count arrivals and bytes
  copy_bulk = 1 << 5,       ///< cp.async.bulk: one lane starts a copy of any multiple of 16 bytes
  clusters = 1 << 6,        ///< clusters of blocks: blocks access the shared memory of their cluster's blocks
  mma_f16 = 1 << 7,         ///< mma.sync of half and of bf16, 16 x 8 x 16
  mma_tf32 = 1 << 8,        ///< mma.sync of tf32, 16 x 8 x 8
  mma_f64 = 1 << 9,         ///< mma.sync of double, 8 x 8 x 4
  mma_s8 = 1 << 10,         ///< mma.sync of int8, 16 x 8 x 32
  mma_fp8 = 1 << 11,        ///< mma.sync of both fp8 types, 16 x 8 x 32
  end = 1 << 12             ///< no feature: the bit after the last one
};

constexpr features operator|(features a, features b) {
  return static_cast<features>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
constexpr features operator&(features a, features b) {
  return static_cast<features>(static_cast<std::uint32_t>(a) & static_cast<std::uint32_t>(b));
}

/// True if the set `all` has every feature of the set `wanted`.
constexpr bool includes(features all, features wanted) { return (all & wanted) == wanted; }

/// The first feature of `wanted`, in the order of the enum, that `all` lacks; `none` if `all` has every feature.
constexpr features first_missing(features all, features wanted) {
  for (std::uint32_t bit = 1; bit < static_cast<std::uint32_t>(features::end); bit <<= 1)
    if (includes(wanted, static_cast<features>(bit)) && !includes(all, static_cast<features>(bit)))
      return static_cast<features>(bit);
  return features::none;
}

/// The name of one feature in messages.
constexpr const char* name_of(features one) {
  switch (one) {
    case features::ldmatrix: return "ldmatrix";
    case features::stmatrix: return "stmatrix";
    case features::named_barriers: return "named barriers";
    case features::copy_async: return "cp.async";
    case features::mbarrier: return "mbarriers";
    case features::copy_bulk: return "cp.async.bulk";
    case features::clusters: return "clusters of blocks";
    case features::mma_f16: return "mma.sync of f16 and bf16";
    case features::mma_tf32: return "mma.sync of tf32";
    case features::mma_f64: return "mma.sync of f64";
    case features::mma_s8: return "mma.sync of s8";
    case features::mma_fp8: return "mma.sync of fp8";
    case features::none:
    case features::end: break;
  }
  return "no feature";
}

}  // namespace tilery::inline TILERY_ABI
