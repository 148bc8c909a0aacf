// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Atomics and fences of a lane of the virtual GPU, on global memory and on the block's shared memory (simt/lane.hpp
// says what each function does). The host executes all of them sequentially consistent. The race check of a checked
// lane uses the order and the scope of the call.
#pragma once
#pragma GCC system_header

#include <tilery/simt/memory.hpp>
#include <tilery/simt/order.hpp>
#include <tilery/simt/virtual_engine.hpp>

#include <atomic>
#include <concepts>

namespace tilery::inline TILERY_ABI {

template <class Lane, bool Checked>
class virtual_atomics {
public:
  /// Adds `value` to the element. Returns the old element.
  template <atomic_pointer P>
  TILERY_SIMT auto atomic_add(P p, typename P::element_type value, order o = order::relaxed, scope s = scope_of<P>,
                              where at = {}) const {
    return atomic<does::change>(p, "atomic_add", o, s, at, [value](auto ref) { return ref.fetch_add(value); });
  }
  /// Stores the larger of `value` and the element. Returns the old element.
  template <atomic_pointer P>
  requires std::integral<typename P::element_type> TILERY_SIMT auto atomic_max(P p, typename P::element_type value,
                                                                               order o = order::relaxed,
                                                                               scope s = scope_of<P>,
                                                                               where at = {}) const {
    return atomic<does::change>(p, "atomic_max", o, s, at, [value](auto ref) {
      auto old = ref.load();
      while (old < value && !ref.compare_exchange_weak(old, value))
        ;
      return old;
    });
  }
  /// Stores `value`. Returns the old element.
  template <atomic_pointer P>
  TILERY_SIMT auto atomic_exchange(P p, typename P::element_type value, order o = order::relaxed, scope s = scope_of<P>,
                                   where at = {}) const {
    return atomic<does::exchange>(p, "atomic_exchange", o, s, at, [value](auto ref) { return ref.exchange(value); });
  }
  /// Stores `value` if the element has the bits of `expected`. Returns the old element. Elements have 4 or 8 bytes.
  template <atomic_pointer P>
  TILERY_SIMT auto atomic_compare_exchange(P p, typename P::element_type expected, typename P::element_type value,
                                           order o = order::relaxed, scope s = scope_of<P>, where at = {}) const {
    static_assert(sizeof(expected) == 4 || sizeof(expected) == 8, "a compare-and-swap is of 4 or 8 bytes");
    return atomic<does::change>(p, "atomic_compare_exchange", o, s, at, [expected, value](auto ref) {
      auto old = expected;
      ref.compare_exchange_strong(old, value);
      return old;
    });
  }
  template <atomic_pointer P>
  TILERY_SIMT auto atomic_load(P p, order o = order::relaxed, scope s = scope_of<P>, where at = {}) const {
    return atomic<does::load>(p, "atomic_load", o, s, at, [](auto ref) { return ref.load(); });
  }
  template <atomic_pointer P>
  TILERY_SIMT void atomic_store(P p, typename P::element_type value, order o = order::relaxed, scope s = scope_of<P>,
                                where at = {}) const {
    atomic<does::store>(p, "atomic_store", o, s, at, [value](auto ref) {
      ref.store(value);
      return value;
    });
  }
  TILERY_SIMT void fence([[maybe_unused]] order o = order::acquire_release, [[maybe_unused]] scope s = scope::device,
                         [[maybe_unused]] where at = {}) const {
#ifndef __CUDA_ARCH__
    if constexpr (Checked) self().watch()->fence(self().rank_, o, s, self().site("fence", at));
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
  }
  /// Waits until done(element) is true for the element at `flag`. Meanwhile other lanes and other resident blocks run.
  template <class T, class Done>
  TILERY_SIMT void wait_until([[maybe_unused]] gmem_ptr<T> flag, [[maybe_unused]] Done done,
                              [[maybe_unused]] scope s = scope::device, [[maybe_unused]] where at = {}) const {
#ifndef __CUDA_ARCH__
    if (!self().template may_access<false, T>(flag, "wait_until", mode_of<T>(s), at)) return;
    self().block_->wait_until(
        self().rank_, [&] { return done(std::atomic_ref<T>(*flag.raw()).load()); }, at);
    if constexpr (Checked) self().watch()->atomic(self().rank_, flag.raw(), true, false, order::acquire, s);
#endif
  }

private:
  /// The effect of an atomic on the element. `exchange` stores a value that does not depend on the old element,
  /// `change` one that may.
  enum class does { load, store, exchange, change };

  /// Makes one atomic access. access(atomic_ref) returns the old element, for a store the new one; so does this
  /// function. A lane that polls lets other lanes run first (simt/virtual/polling.hpp). Returns 0 if the access is not
  /// allowed.
  template <does What, class P, class Access>
  TILERY_SIMT typename P::element_type atomic([[maybe_unused]] P p, [[maybe_unused]] const char* name,
                                              [[maybe_unused]] order o, [[maybe_unused]] scope s,
                                              [[maybe_unused]] where at, [[maybe_unused]] Access access) const {
    using T = typename P::element_type;
#ifndef __CUDA_ARCH__
    constexpr bool reads = What != does::store, writes = What != does::load;
    const Lane& lane = self();
    if constexpr (is_shared_pointer<P>) {
      const bool overwrites = What == does::store || What == does::exchange;
      if (!lane.template may_atomically<writes>(p, name, mode_of<T>(s), overwrites, at)) return T{};
    } else {
      if (!lane.template may_access<writes, T>(p, name, mode_of<T>(s), at)) return T{};
    }
    const std::atomic_ref<T> there(*p.raw());
    const auto look = [&] { return Lane::to_table(there.load()); };
    if constexpr (reads)
      lane.block_->before_atomic(lane.rank_, p.raw(), look, writes && would_change(there, access), at);
    if constexpr (Checked) lane.watch()->atomic(lane.rank_, p.raw(), reads, writes, o, s);
    const T found = access(there);
    if (reads && writes && look() != Lane::to_table(found)) lane.block_->after_change(lane.rank_, p.raw());
    return found;
#else
    return T{};
#endif
  }

#ifndef __CUDA_ARCH__
  /// True if the access would change the element: tries it on a copy.
  template <class T, class Access>
  static bool would_change(const std::atomic_ref<T>& there, Access access) {
    const T now = there.load();
    alignas(std::atomic_ref<T>::required_alignment) T copy = now;
    access(std::atomic_ref<T>(copy));
    return __builtin_memcmp(&copy, &now, sizeof(T)) != 0;
  }
#endif
  TILERY_SIMT const Lane& self() const { return static_cast<const Lane&>(*this); }
#ifndef __CUDA_ARCH__
  template <class T>
  static virtual_machine::access_mode mode_of(scope s) {
    return virtual_machine::atomic_mode(s != scope::block, sizeof(T));
  }
#endif
};

}  // namespace tilery::inline TILERY_ABI
