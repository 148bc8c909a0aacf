// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Atomics and fences of the CPU's lane (simt/lane.hpp says what each function does). Blocks run on several host
// threads, so atomics on global memory are the host's own, sequentially consistent for every order. A block has one
// lane, so atomics on its shared memory are plain accesses.
#pragma once
#pragma GCC system_header

#include <tilery/core/where.hpp>
#include <tilery/simt/order.hpp>

#include <concepts>

namespace tilery::inline TILERY_ABI {

class cpu_atomics {
public:
  template <atomic_pointer P>
  TILERY_SIMT auto atomic_add(P p, typename P::element_type value, order = order::relaxed, scope = scope_of<P>,
                              where = {}) const {
    using T = typename P::element_type;
    return change(p, [value](T old) -> T { return old + value; });
  }
  template <atomic_pointer P>
  requires std::integral<typename P::element_type> TILERY_SIMT auto atomic_max(P p, typename P::element_type value,
                                                                               order = order::relaxed,
                                                                               scope = scope_of<P>, where = {}) const {
    using T = typename P::element_type;
    return change(p, [value](T old) -> T { return old < value ? value : old; });
  }
  template <atomic_pointer P>
  TILERY_SIMT auto atomic_exchange(P p, typename P::element_type value, order = order::relaxed, scope = scope_of<P>,
                                   where = {}) const {
    using T = typename P::element_type;
    return change(p, [value](T) -> T { return value; });
  }
  /// Stores `value` if the element has the bits of `expected`. Returns the old element. Elements have 4 or 8 bytes.
  template <atomic_pointer P>
  TILERY_SIMT auto atomic_compare_exchange(P p, typename P::element_type expected, typename P::element_type value,
                                           order = order::relaxed, scope = scope_of<P>, where = {}) const {
    using T = typename P::element_type;
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "a compare-and-swap is of 4 or 8 bytes");
    return change(p, [&](T old) -> T { return __builtin_memcmp(&old, &expected, sizeof(T)) == 0 ? value : old; });
  }
  template <atomic_pointer P>
  TILERY_SIMT auto atomic_load(P p, order = order::relaxed, scope = scope_of<P>, where = {}) const {
    typename P::element_type value = *p.raw();
#ifndef __CUDA_ARCH__
    if constexpr (!is_shared_pointer<P>) __atomic_load(p.raw(), &value, __ATOMIC_SEQ_CST);
#endif
    return value;
  }
  template <atomic_pointer P>
  TILERY_SIMT void atomic_store(P p, typename P::element_type value, order = order::relaxed, scope = scope_of<P>,
                                where = {}) const {
#ifndef __CUDA_ARCH__
    if constexpr (is_shared_pointer<P>)
      *p.raw() = value;
    else
      __atomic_store(p.raw(), &value, __ATOMIC_SEQ_CST);
#endif
  }
  TILERY_SIMT void fence(order = order::acquire_release, scope = scope::device, where = {}) const {
#ifndef __CUDA_ARCH__
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
  }

private:
  /// Replaces the element by next(element), in one atomic step if it is in global memory. Returns the old element.
  template <class P, class Next>
  TILERY_SIMT auto change(P p, Next next) const {
    using T = typename P::element_type;
#ifndef __CUDA_ARCH__
    if constexpr (is_shared_pointer<P>) {
      const T old = *p.raw();
      *p.raw() = next(old);
      return old;
    } else {
      T old = atomic_load(p), now;
      do {
        now = next(old);
      } while (!__atomic_compare_exchange(p.raw(), &old, &now, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
      return old;
    }
#else
    return T{};
#endif
  }
};

}  // namespace tilery::inline TILERY_ABI
