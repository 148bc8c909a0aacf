// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The barriers, shuffles and votes of a lane of the virtual GPU (simt/lane.hpp says what each function does). In each
// of them, the lane's fiber waits until all lanes of its warp, block or cluster have arrived or ended.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/block_watch.hpp>

namespace tilery::inline TILERY_ABI {

template <class Lane, bool Checked>
class virtual_collectives {
  using verb = virtual_machine::verb;
  static constexpr int lanes = virtual_machine::block::warp_lanes;

public:
  TILERY_SIMT void sync_block([[maybe_unused]] where at = {}) const {
#ifndef __CUDA_ARCH__
    if constexpr (Checked) self().watch()->arrives_at_block_barrier(self().rank_, self().site("sync_block", at));
    self().block_->sync_block(self().rank_, at);
#endif
  }
  TILERY_SIMT void sync_cluster([[maybe_unused]] where at = {}) const {
#ifndef __CUDA_ARCH__
    if constexpr (Checked) self().watch()->arrives_at_cluster_barrier(self().rank_, self().site("sync_cluster", at));
    self().block_->sync_cluster(self().rank_, at);
#endif
  }
  TILERY_SIMT void sync_warp(where at = {}) const { collective(verb::sync_warp, 0, at); }

  template <class T>
  TILERY_SIMT T shuffle(T value, int from, where at = {}) const {
    return from_table<T>(collective(verb::shuffle, to_table(value), at), from & (lanes - 1));
  }
  template <class T>
  TILERY_SIMT T shuffle_xor(T value, int mask, where at = {}) const {
    const int from = self().warp_rank() ^ (mask & (lanes - 1));
    return from_table<T>(collective(verb::shuffle_xor, to_table(value), at), from);
  }
  template <class T>
  TILERY_SIMT T shuffle_down(T value, int delta, where at = {}) const {
    const int from = self().warp_rank() + (delta & (lanes - 1));
    return from_table<T>(collective(verb::shuffle_down, to_table(value), at), from < lanes ? from : self().warp_rank());
  }
  TILERY_SIMT unsigned ballot(bool vote, where at = {}) const {
    unsigned result = 0;
    if (const std::uint64_t* table = collective(verb::ballot, vote, at))
      for (int i = 0; i < lanes; ++i) result |= static_cast<unsigned>(table[i] & table[lanes] >> i & 1) << i;
    return result;
  }

protected:
  /// Returns the bytes of a value of at most 8 bytes, as one entry of the table that a warp collective exchanges.
  template <class T>
  TILERY_SIMT static std::uint64_t to_table(T value) {
    static_assert(sizeof(T) <= 8, "a shuffle moves at most 8 bytes");
    std::uint64_t slot = 0;
    __builtin_memcpy(&slot, static_cast<const void*>(&value), sizeof(T));
    return slot;
  }

private:
  /// Waits for the other lanes of the warp. Returns a table of the `value` of each lane; the entry after these is the
  /// mask of the lanes that have arrived.
  TILERY_SIMT const std::uint64_t* collective([[maybe_unused]] verb what, [[maybe_unused]] std::uint64_t value,
                                              [[maybe_unused]] where at) const {
#ifndef __CUDA_ARCH__
    if constexpr (Checked) self().watch()->arrives_at_collective(self().rank_, what, self().site(name_of(what), at));
    return self().block_->warp_collective(self().rank_, what, value, at);
#else
    return nullptr;
#endif
  }
  /// Returns the value of a lane of the warp from the table.
  template <class T>
  TILERY_SIMT static T from_table([[maybe_unused]] const std::uint64_t* table, [[maybe_unused]] int lane) {
    T value{};
#ifndef __CUDA_ARCH__
    __builtin_memcpy(static_cast<void*>(&value), &table[lane], sizeof(T));
#endif
    return value;
  }
  TILERY_SIMT const Lane& self() const { return static_cast<const Lane&>(*this); }
};

}  // namespace tilery::inline TILERY_ABI
