// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The sentences with which the virtual GPU's reports of races, out-of-bounds and misaligned accesses end. They name
// the barrier, fence, wait or alignment that is missing, the rule that the accesses break, or (for an access out of
// bounds) the layout of the operand.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/fault.hpp>
#include <tilery/simt/virtual/global_memory.hpp>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// The message for a misaligned access. The required alignment is the smaller of the access's size and 16 bytes. The
/// message is inexact in two cases. The address of an access whose size is no power of two must only be a multiple of
/// the largest power of two that divides the size (at most 16 bytes). Both addresses and the size of a bulk copy must
/// be multiples of 16 bytes, whatever the size is.
inline constexpr const char* must_be_aligned =
    "the address must be a multiple of the access's size, or of 16 if the size is larger than 16";

/// The weakest barrier that would order two unordered accesses; a larger value is a stronger barrier. `other`: no
/// barrier would make the two accesses correct, or a wait or a fence is missing instead. `between_blocks`: two blocks
/// access global memory; a release by one and an acquire by the other are needed (two blocks of one cluster may also
/// use a sync_cluster).
enum class remedy : std::uint8_t { other, sync_warp, sync_block, sync_cluster, between_blocks };

/// Two accesses to the same bytes that are in conflict: the access `before` was executed first, and the fault was found
/// at the access `now`. The members `now` and `before` are the modes of the two accesses (epoch.hpp).
struct access_pair {
  fault_kind kind = fault_kind::race;
  access_mode now = access_mode::plain, before = access_mode::plain;
  // same_warp: `before` is by a lane, and `now` is by a lane of the same warp or by a copy that such a lane has issued.
  // same_block: both are by lanes or copies of one block. in_shared: the bytes are in shared memory.
  bool same_warp = false, same_block = false, in_shared = false;
  bool one_line_stores = false;  // both are plain stores at one site: one source line, with one call in the kernel

  /// Returns the weakest barrier that would order the two accesses, or remedy::other.
  remedy needs() const {
    if (kind != fault_kind::race || now == access_mode::constant || before == access_mode::constant ||
        (is_atomic(now) && is_atomic(before)))
      return remedy::other;
    return same_warp    ? remedy::sync_warp
           : same_block ? remedy::sync_block
           : in_shared  ? remedy::sync_cluster
                        : remedy::between_blocks;
  }
};

/// States that one of two accesses in conflict belongs to a later iteration of a loop than the other access. The source
/// line of the access in the later iteration is above the line of the barrier that the lanes passed last
/// (access_reports::later_iteration_of has the whole test). A report names this barrier, because a reader could believe
/// that it orders the two accesses.
struct later_iteration {
  std::uint32_t barrier = 0;  // the barrier's site; 0: no access is known to belong to a later iteration
  const char* verb = "";      // "load", "store" ...: the access in the later iteration
  std::string place;          // the barrier's file and line
};

/// Returns a sentence that names the missing barrier. `needed` is not `other`.
inline std::string missing_barrier(remedy needed, const later_iteration& later) {
  const std::string barrier = needed == remedy::sync_warp    ? "a sync_warp"
                              : needed == remedy::sync_block ? "a barrier of the block"
                                                             : "a sync_cluster";
  if (needed == remedy::between_blocks)
    return "nothing orders the two blocks: a release of device scope by the one and an acquire by the other are missing";
  if (later.barrier == 0) return barrier + " between them is missing";
  return "the " + std::string(later.verb) + " belongs to a later iteration of the loop, after the barrier at " +
         later.place + ": " + barrier + " at the end of the loop's body is missing, too";
}

/// Returns a sentence that says what the two accesses lack, or which rule they break.
inline std::string missing_order(const access_pair& p, const later_iteration& later) {
  if (p.kind == fault_kind::missing_wait)
    return "the copy is still in flight: a wait for it between the two accesses is missing";
  if (p.now == access_mode::constant || p.before == access_mode::constant)
    return "memory that is read through a pointer to const must not be written during the launch";
  if (p.kind == fault_kind::missing_fence)
    return "the two accesses are ordered, but the copy goes through the asynchronous proxy: a proxy fence between "
           "them is missing";
  if (is_atomic(p.now) && is_atomic(p.before) && !of_one_width(p.now, p.before))
    return "atomics of different widths are not atomic to each other: all atomics at one address must have the same "
           "width";
  if (is_atomic(p.now) && is_atomic(p.before)) return "an atomic of block scope does not reach the other block";
  if (p.one_line_stores && later.barrier == 0)
    return "several lanes store to the same address by this line: only one of them may store, unless all "
           "store by an atomic";
  return missing_barrier(p.needs(), later);
}

/// Returns the shape, element size and strides of an operand as text, for the report of an access to bytes that belong
/// to no element of the operand. `in_a_gap`: true if these bytes are between two elements of the operand.
inline std::string layout_of(const operand& o, bool in_a_gap) {
  std::string says = std::string(o.name) + " has " + o.shape().c_str() + " elements of " +
                     std::to_string(o.element_bytes) + " bytes, with stride" + (o.rank > 1 ? "s " : " ");
  for (int d = 0; d < o.rank; ++d)
    says += (d == 0 ? "" : d + 1 < o.rank ? ", " : " and ") + std::to_string(o.strides[d]);
  if (in_a_gap)
    says += o.rank == 2   ? "; this address is between its rows"
            : o.rank == 3 ? "; this address is between its rows or matrices"
                          : "; this address is between its elements";
  return says;
}

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
