// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A lane of the virtual GPU. Each verb is the model of one instruction; where lanes meet, the lane's fiber waits.
// `where` is the line of the kernel that calls: reports name it. Kernels are compiled for the device, too, so nvcc sees
// these bodies in its device pass; there they are empty, and never run.
#pragma once

#include <tilery/simt/memory.hpp>
#include <tilery/simt/order.hpp>
#include <tilery/simt/virtual/block.hpp>

#include <atomic>

namespace tilery::inline TILERY_ABI {

class virtual_lane {
public:
  static constexpr bool alone = false;
  static constexpr int warp_size = virtual_machine::block::warp_lanes;
  SIMT static constexpr int threads(int of_policy) { return of_policy; }

  SIMT virtual_lane(virtual_machine::block& owner, int rank) : block_(&owner), rank_(rank) {}

  SIMT int rank() const { return rank_; }
  SIMT int warp() const { return rank_ / warp_size; }
  SIMT int warp_rank() const { return rank_ % warp_size; }
  SIMT index3 block() const {
    index3 result;
#ifndef __CUDA_ARCH__
    result = block_->at();
#endif
    return result;
  }
  SIMT index3 blocks() const {
    index3 result;
#ifndef __CUDA_ARCH__
    result = block_->of();
#endif
    return result;
  }

  SIMT void sync_block([[maybe_unused]] where at = {}) const {
#ifndef __CUDA_ARCH__
    block_->sync_block(rank_, at);
#endif
  }
  SIMT void sync_warp(where at = {}) const { meet(verb::sync_warp, 0, at); }

  template <class T>
  SIMT T shuffle(T value, int from, where at = {}) const {
    return from_table<T>(meet(verb::shuffle, to_table(value), at), from & (warp_size - 1));
  }
  template <class T>
  SIMT T shuffle_xor(T value, int mask, where at = {}) const {
    return from_table<T>(meet(verb::shuffle_xor, to_table(value), at), warp_rank() ^ (mask & (warp_size - 1)));
  }
  template <class T>
  SIMT T shuffle_down(T value, int delta, where at = {}) const {
    const int from = warp_rank() + (delta & (warp_size - 1));
    return from_table<T>(meet(verb::shuffle_down, to_table(value), at), from < warp_size ? from : warp_rank());
  }
  SIMT unsigned ballot(bool vote, where at = {}) const {
    unsigned result = 0;
    if (const std::uint64_t* table = meet(verb::ballot, vote, at))
      for (int i = 0; i < warp_size; ++i) result |= static_cast<unsigned>(table[i] & table[warp_size] >> i & 1) << i;
    return result;
  }

  template <class T>
  SIMT std::remove_const_t<T> load(gmem_ptr<T> p, where at = {}) const {
    return read<std::remove_const_t<T>>(p.raw(), at);
  }
  template <class T>
  SIMT T load(smem_ptr<T> p, where at = {}) const {
    return read<T>(p.raw(), at);
  }
  template <class T, int N>
  SIMT auto load(gmem_ptr<T> p, width_t<N>, where at = {}) const {
    return read<pack<std::remove_const_t<T>, N>>(p.raw(), at);
  }
  template <class T, int N>
  SIMT auto load(smem_ptr<T> p, width_t<N>, where at = {}) const {
    return read<pack<T, N>>(p.raw(), at);
  }
  template <class T>
  SIMT void store(gmem_ptr<T> p, T value, where at = {}) const {
    write(p.raw(), value, at);
  }
  template <class T>
  SIMT void store(smem_ptr<T> p, T value, where at = {}) const {
    write(p.raw(), value, at);
  }
  template <class T, int N>
  SIMT void store(gmem_ptr<T> p, pack<T, N> value, where at = {}) const {
    write(p.raw(), value, at);
  }
  template <class T, int N>
  SIMT void store(smem_ptr<T> p, pack<T, N> value, where at = {}) const {
    write(p.raw(), value, at);
  }

  // Atomics are sequentially consistent here whatever the order asked for: a weaker model has to be checked, not run.
  template <class T>
  SIMT T atomic_add(gmem_ptr<T> p, T value, order = order::relaxed, scope = scope::device,
                    [[maybe_unused]] where at = {}) const {
#ifndef __CUDA_ARCH__
    return atomic(p.raw(), at).fetch_add(value);
#else
    return value;
#endif
  }
  template <class T>
  SIMT T atomic_exchange(gmem_ptr<T> p, T value, order = order::relaxed, scope = scope::device,
                         [[maybe_unused]] where at = {}) const {
#ifndef __CUDA_ARCH__
    return atomic(p.raw(), at).exchange(value);
#else
    return value;
#endif
  }
  template <class T>
  SIMT T atomic_load(gmem_ptr<T> p, order = order::relaxed, scope = scope::device,
                     [[maybe_unused]] where at = {}) const {
#ifndef __CUDA_ARCH__
    return atomic(p.raw(), at).load();
#else
    return T{};
#endif
  }
  template <class T>
  SIMT void atomic_store(gmem_ptr<T> p, [[maybe_unused]] T value, order = order::relaxed, scope = scope::device,
                         [[maybe_unused]] where at = {}) const {
#ifndef __CUDA_ARCH__
    atomic(p.raw(), at).store(value);
#endif
  }
  SIMT void fence(order = order::acquire_release, scope = scope::device, where = {}) const {
#ifndef __CUDA_ARCH__
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
  }
  /// Waits until `done(value at flag)`. Other lanes and other resident blocks run meanwhile.
  template <class T, class Done>
  SIMT void wait_until(gmem_ptr<T> flag, Done done, scope = scope::device, [[maybe_unused]] where at = {}) const {
#ifndef __CUDA_ARCH__
    block_->wait_until(
        rank_, [&] { return done(atomic(flag.raw(), at).load()); }, at);
#endif
  }

private:
  using verb = virtual_machine::verb;

  SIMT const std::uint64_t* meet([[maybe_unused]] verb what, [[maybe_unused]] std::uint64_t value,
                                 [[maybe_unused]] where at) const {
#ifndef __CUDA_ARCH__
    return block_->meet_warp(rank_, what, value, at);
#else
    return nullptr;
#endif
  }

  template <class T>
  SIMT static std::uint64_t to_table(T value) {
    static_assert(sizeof(T) <= 8, "a shuffle moves at most 8 bytes");
    std::uint64_t slot = 0;
    __builtin_memcpy(&slot, static_cast<const void*>(&value), sizeof(T));
    return slot;
  }
  template <class T>
  SIMT static T from_table([[maybe_unused]] const std::uint64_t* table, [[maybe_unused]] int lane) {
    T value{};
#ifndef __CUDA_ARCH__
    __builtin_memcpy(static_cast<void*>(&value), &table[lane], sizeof(T));
#endif
    return value;
  }

  template <class Value, class T>
  SIMT static Value read(T* raw, [[maybe_unused]] where at) {
#ifdef __CUDA_ARCH__
    return Value{};
#else
    check_alignment<sizeof(Value)>(raw, at);
    Value result;
    __builtin_memcpy(static_cast<void*>(&result), static_cast<const void*>(raw), sizeof(Value));
    return result;
#endif
  }
  template <class T, class Value>
  SIMT static void write(T* raw, [[maybe_unused]] const Value& value, [[maybe_unused]] where at) {
#ifndef __CUDA_ARCH__
    check_alignment<sizeof(Value)>(raw, at);
    __builtin_memcpy(static_cast<void*>(raw), static_cast<const void*>(&value), sizeof(Value));
#endif
  }

#ifndef __CUDA_ARCH__
  /// A GPU faults on an access that is not aligned to its size; 32 bytes and more are several accesses of 16.
  template <int Bytes>
  static void check_alignment(const void* raw, where at) {
    constexpr std::uintptr_t unit = Bytes < 16 ? Bytes : 16;
    if (reinterpret_cast<std::uintptr_t>(raw) % unit != 0) [[unlikely]]
      misaligned(Bytes, raw, at);
  }
  [[noreturn, gnu::noinline]] static void misaligned(int bytes, const void* raw, where at) {
    throw error("an access of " + std::to_string(bytes) + " bytes is at an address that is " +
                    std::to_string(reinterpret_cast<std::uintptr_t>(raw) % 16) +
                    " more than a multiple of 16; it must be aligned to its size",
                at);
  }
  template <class T>
  static std::atomic_ref<T> atomic(T* raw, where at) {
    check_alignment<sizeof(T)>(raw, at);
    return std::atomic_ref<T>(*raw);
  }
#else
  template <class T>
  SIMT static int atomic(T*, where) {
    return 0;
  }
#endif

  virtual_machine::block* block_;
  int rank_;
};

}  // namespace tilery::inline TILERY_ABI
