// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The lane of the virtual GPU. Each member function models one instruction. At a barrier or a shuffle, the lane's fiber
// waits. `where` is the caller's line, which reports name. A checked lane asks its block's watch before each access.
// nvcc's device pass compiles these bodies, too, because kernels are templates of the lane; there they are empty, and
// they never run.
#pragma once
#pragma GCC system_header

#include <tilery/simt/memory.hpp>
#include <tilery/simt/order.hpp>
#include <tilery/simt/refused_store.hpp>
#include <tilery/simt/step.hpp>
#include <tilery/simt/virtual_atomics.hpp>
#include <tilery/simt/virtual_engine.hpp>
#include <tilery/simt/virtual_step.hpp>

namespace tilery::inline TILERY_ABI {

template <bool Checked>
class virtual_lane : public virtual_atomics<virtual_lane<Checked>, Checked>, public refused_store {
public:
  static constexpr bool alone = false;
  static constexpr int warp_size = virtual_machine::block::warp_lanes;
  TILERY_SIMT static constexpr int threads(int of_policy) { return of_policy; }

  TILERY_SIMT virtual_lane(virtual_machine::block& owner, int rank) : block_(&owner), rank_(rank) {}

  TILERY_SIMT int rank() const { return rank_; }
  TILERY_SIMT int warp() const { return rank_ / warp_size; }
  TILERY_SIMT int warp_rank() const { return rank_ % warp_size; }
  TILERY_SIMT index3 block() const {
    index3 result;
#ifndef __CUDA_ARCH__
    result = block_->at();
#endif
    return result;
  }
  TILERY_SIMT index3 blocks() const {
    index3 result;
#ifndef __CUDA_ARCH__
    result = block_->of();
#endif
    return result;
  }

  TILERY_SIMT int cluster_rank() const {
#ifndef __CUDA_ARCH__
    return block_->cluster_rank();
#else
    return 0;
#endif
  }
  TILERY_SIMT int cluster_size() const {
#ifndef __CUDA_ARCH__
    return static_cast<int>(block_->cluster().blocks.size());
#else
    return 1;
#endif
  }

  TILERY_SIMT auto step([[maybe_unused]] const char* name, [[maybe_unused]] where at = {}) const {
    if constexpr (Checked)
      return virtual_step(watch(), rank_, name, at);
    else
      return no_step{};
  }

  /// Counts arithmetic of this lane for the profile: `count` multiply-adds, or values of a special function.
  TILERY_SIMT void operations([[maybe_unused]] compute_unit on, [[maybe_unused]] int count,
                              [[maybe_unused]] where at = {}) const {
#ifndef __CUDA_ARCH__
    if constexpr (Checked) watch()->operations(site("operations", at), on, count);
#endif
  }

  /// States that no lane reads the values of these elements after the next sync_block (in a cluster: after the next
  /// sync_cluster), as in a pipeline stage that is about to be refilled. One lane's call is enough. With
  /// `virtual_gpu::options::poison_discarded`, the elements become NaN at that barrier, and a read before the next
  /// write is reported. Otherwise, and on all other executors, the call does nothing.
  template <class T>
  TILERY_SIMT void discard([[maybe_unused]] smem_ptr<T> first, [[maybe_unused]] int elements,
                           [[maybe_unused]] where at = {}) const {
#ifndef __CUDA_ARCH__
    if constexpr (Checked)
      if (watch()->poisons_discarded())
        watch()->discard(rank_, first.raw(), static_cast<std::int64_t>(elements * sizeof(T)), site("discard", at));
#endif
  }

  TILERY_SIMT void sync_block([[maybe_unused]] where at = {}) const {
#ifndef __CUDA_ARCH__
    if constexpr (Checked) watch()->comes_to_barrier(rank_, site("sync_block", at));
    block_->sync_block(rank_, at);
#endif
  }
  TILERY_SIMT void sync_cluster([[maybe_unused]] where at = {}) const {
#ifndef __CUDA_ARCH__
    if constexpr (Checked) watch()->comes_to_cluster(rank_, site("sync_cluster", at));
    block_->sync_cluster(rank_, at);
#endif
  }
  TILERY_SIMT void sync_warp(where at = {}) const { meet(verb::sync_warp, 0, at); }

  template <class T>
  TILERY_SIMT T shuffle(T value, int from, where at = {}) const {
    return from_table<T>(meet(verb::shuffle, to_table(value), at), from & (warp_size - 1));
  }
  template <class T>
  TILERY_SIMT T shuffle_xor(T value, int mask, where at = {}) const {
    return from_table<T>(meet(verb::shuffle_xor, to_table(value), at), warp_rank() ^ (mask & (warp_size - 1)));
  }
  template <class T>
  TILERY_SIMT T shuffle_down(T value, int delta, where at = {}) const {
    const int from = warp_rank() + (delta & (warp_size - 1));
    return from_table<T>(meet(verb::shuffle_down, to_table(value), at), from < warp_size ? from : warp_rank());
  }
  TILERY_SIMT unsigned ballot(bool vote, where at = {}) const {
    unsigned result = 0;
    if (const std::uint64_t* table = meet(verb::ballot, vote, at))
      for (int i = 0; i < warp_size; ++i) result |= static_cast<unsigned>(table[i] & table[warp_size] >> i & 1) << i;
    return result;
  }

  template <class T>
  TILERY_SIMT std::remove_const_t<T> load(gmem_ptr<T> p, where at = {}) const {
    return read<std::remove_const_t<T>>(p, at);
  }
  template <class T>
  TILERY_SIMT T load(smem_ptr<T> p, where at = {}) const {
    return read<T>(p, at);
  }
  template <class T, int N>
  TILERY_SIMT auto load(gmem_ptr<T> p, width_t<N>, where at = {}) const {
    return read<pack<std::remove_const_t<T>, N>>(p, at);
  }
  template <class T, int N>
  TILERY_SIMT auto load(smem_ptr<T> p, width_t<N>, where at = {}) const {
    return read<pack<T, N>>(p, at);
  }
  using refused_store::store;
  template <class T>
  TILERY_SIMT void store(gmem_ptr<T> p, T value, where at = {}) const {
    write(p, value, at);
  }
  template <class T>
  TILERY_SIMT void store(smem_ptr<T> p, T value, where at = {}) const {
    write(p, value, at);
  }
  template <class T, int N>
  TILERY_SIMT void store(gmem_ptr<T> p, pack<T, N> value, where at = {}) const {
    write(p, value, at);
  }
  template <class T, int N>
  TILERY_SIMT void store(smem_ptr<T> p, pack<T, N> value, where at = {}) const {
    write(p, value, at);
  }

  /// Returns the address at the same offset in the shared memory of the cluster's block `rank`. Call sync_cluster()
  /// before the first access: it ensures that all blocks of the cluster have started.
  template <class T>
  TILERY_SIMT dsmem_ptr<T> of_block([[maybe_unused]] smem_ptr<T> mine, int rank, where = {}) const {
    std::ptrdiff_t offset = 0;
#ifndef __CUDA_ARCH__
    offset = reinterpret_cast<const std::byte*>(mine.raw()) - static_cast<const std::byte*>(block_->shared());
#endif
    return dsmem_ptr<T>(static_cast<std::uint32_t>(offset), rank);
  }
  template <class T>
  TILERY_SIMT T load(dsmem_ptr<T> p, where at = {}) const {
    return read_remote<T>(p, at);
  }
  template <class T, int N>
  TILERY_SIMT pack<T, N> load(dsmem_ptr<T> p, width_t<N>, where at = {}) const {
    return read_remote<pack<T, N>>(p, at);
  }
  template <class T>
  TILERY_SIMT void store(dsmem_ptr<T> p, T value, where at = {}) const {
    write_remote(p, value, at);
  }
  template <class T, int N>
  TILERY_SIMT void store(dsmem_ptr<T> p, pack<T, N> value, where at = {}) const {
    write_remote(p, value, at);
  }

  /// The atoms' host model runs their asynchronous copies and barriers on this engine.
  auto engine() const { return virtual_engine<Checked>(*block_, rank_); }

private:
  friend virtual_atomics<virtual_lane, Checked>;
  using verb = virtual_machine::verb;
  using access_mode = virtual_machine::access_mode;

  TILERY_SIMT const std::uint64_t* meet([[maybe_unused]] verb what, [[maybe_unused]] std::uint64_t value,
                                        [[maybe_unused]] where at) const {
#ifndef __CUDA_ARCH__
    if constexpr (Checked) watch()->comes_to_warp(rank_, what, site(name_of(what), at));
    return block_->warp_collective(rank_, what, value, at);
#else
    return nullptr;
#endif
  }

  template <class T>
  TILERY_SIMT static std::uint64_t to_table(T value) {
    static_assert(sizeof(T) <= 8, "a shuffle moves at most 8 bytes");
    std::uint64_t slot = 0;
    __builtin_memcpy(&slot, static_cast<const void*>(&value), sizeof(T));
    return slot;
  }
  template <class T>
  TILERY_SIMT static T from_table([[maybe_unused]] const std::uint64_t* table, [[maybe_unused]] int lane) {
    T value{};
#ifndef __CUDA_ARCH__
    __builtin_memcpy(static_cast<void*>(&value), &table[lane], sizeof(T));
#endif
    return value;
  }

  template <class Value, class Pointer>
  TILERY_SIMT Value read([[maybe_unused]] Pointer p, [[maybe_unused]] where at) const {
#ifndef __CUDA_ARCH__
    constexpr bool constant = std::is_const_v<typename Pointer::element_type>;
    Value result;
    if (may_access<false, Value>(p, "load", constant ? access_mode::constant : access_mode::plain, at)) [[likely]]
      __builtin_memcpy(static_cast<void*>(&result), static_cast<const void*>(p.raw()), sizeof(Value));
    else
      __builtin_memset(static_cast<void*>(&result), 0xff, sizeof(Value));
    return result;
#else
    return Value{};
#endif
  }
  template <class Pointer, class Value>
  TILERY_SIMT void write([[maybe_unused]] Pointer p, [[maybe_unused]] const Value& value,
                         [[maybe_unused]] where at) const {
#ifndef __CUDA_ARCH__
    if (may_access<true, Value>(p, "store", access_mode::plain, at))
      __builtin_memcpy(static_cast<void*>(p.raw()), static_cast<const void*>(&value), sizeof(Value));
#endif
  }
  template <class Value, class T>
  TILERY_SIMT Value read_remote([[maybe_unused]] dsmem_ptr<T> p, [[maybe_unused]] where at) const {
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
  TILERY_SIMT void write_remote([[maybe_unused]] dsmem_ptr<T> p, [[maybe_unused]] const Value& value,
                                [[maybe_unused]] where at) const {
#ifndef __CUDA_ARCH__
    if (void* there = reach<sizeof(Value)>(p.rank(), p.address(), true, at))
      __builtin_memcpy(there, static_cast<const void*>(&value), sizeof(Value));
#endif
  }
#ifndef __CUDA_ARCH__
  virtual_machine::block_watch* watch() const { return static_cast<virtual_machine::block_watch*>(block_->events()); }
  /// Returns the number of the source line of this call. With a seed, other lanes may run first.
  std::uint32_t site(const char* name, where at) const {
    const std::uint32_t number = watch()->at_site(rank_, name, at);
    if (watch()->delays(rank_)) [[unlikely]]
      block_->yield(rank_);
    return number;
  }

  /// Returns true if the access is allowed. An unchecked lane throws if the address is not aligned to the access's
  /// size, where a GPU would fault. An access of 32 bytes or more is several accesses of 16 bytes.
  template <bool Writes, class Value, class Pointer>
  bool may_access(Pointer p, [[maybe_unused]] const char* name, [[maybe_unused]] access_mode mode, where at) const {
    constexpr int bytes = sizeof(Value);
    if constexpr (Checked) {
      constexpr bool is_shared = std::is_same_v<Pointer, smem_ptr<typename Pointer::element_type>>;
      return checked_access<is_shared, Writes, bytes>(*this, p.raw(), name, mode, at);
    } else {
      if (!virtual_machine::is_aligned<bytes>(p.raw())) [[unlikely]]
        misaligned(bytes, p.raw(), at);
      return true;
    }
  }
  /// Returns true if an atomic on this element of shared memory is allowed.
  template <bool Writes, class T>
  bool may_atomically(smem_ptr<T> p, [[maybe_unused]] const char* name, [[maybe_unused]] access_mode mode,
                      [[maybe_unused]] bool overwrites, where at) const {
    if constexpr (Checked)
      return watch()->template atomic_in_shared<Writes, sizeof(T)>(rank_, p.raw(), site(name, at), mode, overwrites);
    else
      return may_access<Writes, T>(p, name, mode, at);
  }
  /// Not inlined, to keep the code small: a kernel has many accesses.
  template <bool Shared, bool Writes, int Bytes>
  [[gnu::noinline]] static bool checked_access(virtual_lane lane, const void* pointer, const char* name,
                                               access_mode mode, where at) {
    if constexpr (Shared && !Writes)
      if (lane.watch()->template loads_again<Bytes>(lane.rank_, pointer, name, at)) [[likely]]
        return true;
    return unusual_access<Shared, Writes, Bytes>(lane, pointer, name, mode, at);
  }
  template <bool Shared, bool Writes, int Bytes>
  [[gnu::noinline]] static bool unusual_access(virtual_lane lane, const void* pointer, const char* name,
                                               access_mode mode, where at) {
    return lane.watch()->template may_access<Shared, Writes, Bytes>(lane.rank_, pointer, lane.site(name, at), mode);
  }
  /// Returns the host address of an access to the shared memory of the cluster's block `rank`, or null if the access is
  /// not allowed.
  template <int Bytes>
  void* reach(int rank, std::uint32_t address, [[maybe_unused]] bool writes, where at) const {
    constexpr std::uint32_t power = Bytes & -Bytes, unit = power < 16 ? power : 16;
    const auto offset = static_cast<std::int32_t>(address);  // negative before the beginning of the shared memory
    const virtual_machine::block* const owner = block_->cluster().at(rank);
    if constexpr (Checked) {
      const std::uint32_t number = site(writes ? "store" : "load", at);
      if (!watch()->reaches(rank_, rank, offset, Bytes, address % unit == 0, writes, number)) return nullptr;
    } else {
      if (!owner) throw error({"there is no block ", rank, " in a cluster of ", cluster_size()}, at);
      if (address % unit != 0) misaligned(Bytes, reinterpret_cast<const void*>(std::uintptr_t{address}), at);
    }
    return static_cast<std::byte*>(owner->shared()) + offset;
  }
  [[noreturn, gnu::noinline]] static void misaligned(int bytes, const void* raw, where at) {
    throw error("an access of " + std::to_string(bytes) + " bytes is at an address that is " +
                    std::to_string(reinterpret_cast<std::uintptr_t>(raw) % 16) +
                    " more than a multiple of 16; it must be aligned to its size",
                at);
  }
#else
  TILERY_SIMT virtual_machine::block_watch* watch() const { return nullptr; }
#endif

  virtual_machine::block* block_;
  int rank_;
};

}  // namespace tilery::inline TILERY_ABI
