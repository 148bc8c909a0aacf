// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The words of the checks of accesses: what would have made an access right.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/fault.hpp>
#include <tilery/simt/virtual/global_memory.hpp>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

inline constexpr const char* must_be_aligned =
    "the address must be a multiple of the access's size, or of 16 where that is larger";

/// What orders two accesses. `same_warp`, `same_block`: whether they are of one.
inline std::string missing_order(fault_kind kind, access_mode now, access_mode before, bool same_warp, bool same_block,
                                 bool in_shared) {
  if (kind == fault_kind::missing_wait) return "the copy is still under way: a wait for it between them is missing";
  if (now == access_mode::constant || before == access_mode::constant)
    return "a pointer to const promises that nobody writes this memory during the launch";
  if (kind == fault_kind::missing_fence)
    return "they are ordered, but the copy goes through the asynchronous proxy: a proxy fence between them is missing";
  if (is_atomic(now) && is_atomic(before)) return "an atomic of block scope does not reach the other block";
  if (same_warp) return "a sync_warp between them is missing";
  if (same_block) return "a barrier of the block between them is missing";
  if (in_shared) return "a sync_cluster between them is missing";
  return "nothing orders the two blocks: a release of device scope by the one and an acquire by the other are missing";
}

/// How an operand lies, of which an access has missed the elements.
inline std::string layout_of(const operand& o, bool in_a_gap) {
  const bool several = o.matrices > 1;
  std::string says = std::string(o.name) + " has ";
  if (several) says += std::to_string(o.matrices) + " x ";
  says += std::to_string(o.extents[0]) + " x " + std::to_string(o.extents[1]) + " elements of " +
          std::to_string(o.element_bytes) + " bytes, with strides ";
  if (several) says += std::to_string(o.matrix_stride) + ", ";
  says += std::to_string(o.strides[0]) + " and " + std::to_string(o.strides[1]);
  if (in_a_gap) says += several ? "; this lies between its rows or matrices" : "; this lies between its rows";
  return says;
}

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
