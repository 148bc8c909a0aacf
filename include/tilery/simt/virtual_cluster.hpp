// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The loads and stores of a lane of the virtual GPU in the shared memory of the blocks of its cluster (distributed
// shared memory).
#pragma once
#pragma GCC system_header

#include <tilery/simt/memory.hpp>
#include <tilery/simt/virtual/block_watch.hpp>

namespace tilery::inline TILERY_ABI {

template <class Lane, bool Checked>
class virtual_cluster {
public:
  /// Returns the address, in the shared memory of the cluster's block `rank`, at the offset that `mine` has in this
  /// block's. Call sync_cluster() before the first access: it ensures that all blocks of the cluster have started.
  template <class T>
  TILERY_SIMT dsmem_ptr<T> of_block([[maybe_unused]] smem_ptr<T> mine, int rank, where = {}) const {
    std::ptrdiff_t offset = 0;
#ifndef __CUDA_ARCH__
    offset = reinterpret_cast<const std::byte*>(mine.raw()) - static_cast<const std::byte*>(self().block_->shared());
#endif
    return dsmem_ptr<T>(static_cast<std::uint32_t>(offset), rank);
  }
  template <class T>
  TILERY_SIMT T load(dsmem_ptr<T> p, where at = {}) const {
    return read<T>(p, at);
  }
  template <class T, int N>
  TILERY_SIMT pack<T, N> load(dsmem_ptr<T> p, width_t<N>, where at = {}) const {
    return read<pack<T, N>>(p, at);
  }
  template <class T>
  TILERY_SIMT void store(dsmem_ptr<T> p, T value, where at = {}) const {
    write(p, value, at);
  }
  template <class T, int N>
  TILERY_SIMT void store(dsmem_ptr<T> p, pack<T, N> value, where at = {}) const {
    write(p, value, at);
  }

private:
  template <class Value, class T>
  TILERY_SIMT Value read([[maybe_unused]] dsmem_ptr<T> p, [[maybe_unused]] where at) const {
    Value result{};
#ifndef __CUDA_ARCH__
    if (const void* there = reach<sizeof(Value)>(p.rank(), p.address(), false, at))
      __builtin_memcpy(static_cast<void*>(&result), there, sizeof(Value));
    else
      __builtin_memset(static_cast<void*>(&result), 0xff, sizeof(Value));
#endif
    return result;
  }
  template <class T, class Value>
  TILERY_SIMT void write([[maybe_unused]] dsmem_ptr<T> p, [[maybe_unused]] const Value& value,
                         [[maybe_unused]] where at) const {
#ifndef __CUDA_ARCH__
    if (void* there = reach<sizeof(Value)>(p.rank(), p.address(), true, at))
      __builtin_memcpy(there, static_cast<const void*>(&value), sizeof(Value));
#endif
  }
  TILERY_SIMT const Lane& self() const { return static_cast<const Lane&>(*this); }

#ifndef __CUDA_ARCH__
  /// Returns the host address of an access to the shared memory of the cluster's block `rank`. A checked lane gets null
  /// if the access is not allowed (the fault is reported). An unchecked lane throws if the block does not exist or the
  /// address is misaligned; bounds are not checked.
  template <int Bytes>
  void* reach(int rank, std::uint32_t address, [[maybe_unused]] bool writes, where at) const {
    constexpr std::uint32_t power = Bytes & -Bytes, unit = power < 16 ? power : 16;
    const auto offset = static_cast<std::int32_t>(address);  // negative: below the start of the shared memory
    const Lane& lane = self();
    const virtual_machine::block* const owner = lane.block_->cluster().at(rank);
    if constexpr (Checked) {
      const std::uint32_t site = lane.site(writes ? "store" : "load", at);
      if (!lane.watch()->reaches(lane.rank_, rank, offset, Bytes, address % unit == 0, writes, site)) return nullptr;
    } else {
      if (!owner) throw error({"there is no block ", rank, " in a cluster of ", lane.cluster_size()}, at);
      if (address % unit != 0) Lane::misaligned(Bytes, reinterpret_cast<const void*>(std::uintptr_t{address}), at);
    }
    return static_cast<std::byte*>(owner->shared()) + offset;
  }
#endif
};

}  // namespace tilery::inline TILERY_ABI
