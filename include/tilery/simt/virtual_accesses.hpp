// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The loads and stores of a lane of the virtual GPU, in global memory and in its block's shared memory. A checked lane
// asks the checks of its block (the block_watch of simt/virtual/block_watch.hpp) before each access. A load that is not
// allowed returns a value with all bits set, a NaN for floating-point types; a store that is not allowed does nothing.
#pragma once
#pragma GCC system_header

#include <tilery/simt/memory.hpp>
#include <tilery/simt/virtual/block_watch.hpp>

namespace tilery::inline TILERY_ABI {

template <class Lane, bool Checked>
class virtual_accesses {
  using access_mode = virtual_machine::access_mode;

public:
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

#ifndef __CUDA_ARCH__
protected:
  /// Returns true if the access is allowed. If not, a checked lane reports a fault and returns false. An unchecked lane
  /// checks only the alignment (is_aligned() in block_watch.hpp): it throws if the address is misaligned, where a GPU
  /// would fault. An access of 32 bytes or more counts as several accesses of 16 bytes.
  template <bool Writes, class Value, class Pointer>
  bool may_access(Pointer p, [[maybe_unused]] const char* name, [[maybe_unused]] access_mode mode, where at) const {
    constexpr int bytes = sizeof(Value);
    if constexpr (Checked) {
      constexpr bool is_shared = std::is_same_v<Pointer, smem_ptr<typename Pointer::element_type>>;
      return checked_access<is_shared, Writes, bytes>(self(), p.raw(), name, mode, at);
    } else {
      if (!virtual_machine::is_aligned<bytes>(p.raw())) [[unlikely]]
        misaligned(bytes, p.raw(), at);
      return true;
    }
  }
  /// Returns true if an atomic on this element of shared memory is allowed. `overwrites`: true if the new element does
  /// not depend on the old one.
  template <bool Writes, class T>
  bool may_atomically(smem_ptr<T> p, [[maybe_unused]] const char* name, [[maybe_unused]] access_mode mode,
                      [[maybe_unused]] bool overwrites, where at) const {
    if constexpr (Checked)
      return self().watch()->template atomic_in_shared<Writes, sizeof(T)>(self().rank_, p.raw(), self().site(name, at),
                                                                          mode, overwrites);
    else
      return may_access<Writes, T>(p, name, mode, at);
  }
  [[noreturn, gnu::noinline]] static void misaligned(int bytes, const void* raw, where at) {
    throw error("an access of " + std::to_string(bytes) + " bytes is at an address that is " +
                    std::to_string(reinterpret_cast<std::uintptr_t>(raw) % 16) +
                    " more than a multiple of 16; it must be aligned to its size",
                at);
  }
#endif

private:
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
  TILERY_SIMT const Lane& self() const { return static_cast<const Lane&>(*this); }

#ifndef __CUDA_ARCH__
  /// Checks an access. Has a fast path for a load of shared memory in a loop. Neither this function nor unusual_access
  /// is inlined, to keep the code small: a kernel has many accesses.
  template <bool Shared, bool Writes, int Bytes>
  [[gnu::noinline]] static bool checked_access(Lane lane, const void* pointer, const char* name, access_mode mode,
                                               where at) {
    if constexpr (Shared && !Writes)
      if (lane.watch()->template repeats_load<Bytes>(lane.rank_, pointer, name, at)) [[likely]]
        return true;
    return unusual_access<Shared, Writes, Bytes>(lane, pointer, name, mode, at);
  }
  template <bool Shared, bool Writes, int Bytes>
  [[gnu::noinline]] static bool unusual_access(Lane lane, const void* pointer, const char* name, access_mode mode,
                                               where at) {
    return lane.watch()->template may_access<Shared, Writes, Bytes>(lane.rank_, pointer, lane.site(name, at), mode);
  }
#endif
};

}  // namespace tilery::inline TILERY_ABI
