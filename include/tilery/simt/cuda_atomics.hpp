// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Atomics and fences of a CUDA GPU's lane, on global memory and on the block's shared memory (simt/lane.hpp has the
// contract). A read-modify-write is CUDA's own function, a load or store is a volatile access. Each has relaxed order,
// with a fence before it for release and a fence after it for acquire.
#pragma once
#pragma GCC system_header

#include <tilery/core/where.hpp>
#include <tilery/simt/order.hpp>

#include <concepts>
#include <cstdint>

namespace tilery::inline TILERY_ABI {

class cuda_atomics {
#ifdef __CUDACC__
public:
  /// Adds `value` to the element. Returns the old element.
  template <atomic_pointer P>
  TILERY_SIMT auto atomic_add(P p, typename P::element_type value, order o = order::relaxed, scope s = scope_of<P>,
                              where = {}) const {
    return around(o, s, [&] {
#ifdef __CUDA_ARCH__
      return s == scope::block    ? atomicAdd_block(p.raw(), value)
             : s == scope::device ? atomicAdd(p.raw(), value)
                                  : atomicAdd_system(p.raw(), value);
#else
      return value;
#endif
    });
  }
  /// Stores the larger of `value` and the element. Returns the old element. The final element does not depend on the
  /// order of the lanes.
  template <atomic_pointer P>
  requires std::integral<typename P::element_type> TILERY_SIMT auto atomic_max(P p, typename P::element_type value,
                                                                               order o = order::relaxed,
                                                                               scope s = scope_of<P>,
                                                                               where = {}) const {
    return around(o, s, [&] {
#ifdef __CUDA_ARCH__
      return s == scope::block    ? atomicMax_block(p.raw(), value)
             : s == scope::device ? atomicMax(p.raw(), value)
                                  : atomicMax_system(p.raw(), value);
#else
      return value;
#endif
    });
  }
  /// Stores `value`. Returns the old element.
  template <atomic_pointer P>
  TILERY_SIMT auto atomic_exchange(P p, typename P::element_type value, order o = order::relaxed, scope s = scope_of<P>,
                                   where = {}) const {
    return around(o, s, [&] {
#ifdef __CUDA_ARCH__
      return s == scope::block    ? atomicExch_block(p.raw(), value)
             : s == scope::device ? atomicExch(p.raw(), value)
                                  : atomicExch_system(p.raw(), value);
#else
      return value;
#endif
    });
  }
  /// Stores `value` if the element has the bits of `expected`. Returns the old element. Elements have 4 or 8 bytes.
  template <atomic_pointer P>
  TILERY_SIMT auto atomic_compare_exchange([[maybe_unused]] P p, [[maybe_unused]] typename P::element_type expected,
                                           typename P::element_type value, order o = order::relaxed,
                                           scope s = scope_of<P>, where = {}) const {
    using T = typename P::element_type;
    using bits = std::conditional_t<sizeof(T) == 4, unsigned, unsigned long long>;
    static_assert(sizeof(T) == sizeof(bits), "a compare-and-swap is of 4 or 8 bytes");
    return around(o, s, [&] {
#ifdef __CUDA_ARCH__
      bits* const there = reinterpret_cast<bits*>(p.raw());
      const bits from = reinterpret<bits>(expected), to = reinterpret<bits>(value);
      return reinterpret<T>(s == scope::block    ? atomicCAS_block(there, from, to)
                            : s == scope::device ? atomicCAS(there, from, to)
                                                 : atomicCAS_system(there, from, to));
#else
      return value;
#endif
    });
  }
  /// Returns the element.
  template <atomic_pointer P>
  TILERY_SIMT auto atomic_load(P p, order o = order::relaxed, scope s = scope_of<P>, where = {}) const {
    using T = typename P::element_type;
    return around(o, s, [&]() -> T { return *static_cast<const volatile T*>(p.raw()); });
  }
  /// Stores `value`.
  template <atomic_pointer P>
  TILERY_SIMT void atomic_store(P p, typename P::element_type value, order o = order::relaxed, scope s = scope_of<P>,
                                where = {}) const {
    around(o, s, [&] {
      *static_cast<volatile typename P::element_type*>(p.raw()) = value;
      return 0;
    });
  }
  /// A fence of the scope. Its order is sequentially consistent, whatever the argument.
  TILERY_SIMT void fence(order = order::acquire_release, [[maybe_unused]] scope s = scope::device, where = {}) const {
#ifdef __CUDA_ARCH__
    if (s == scope::block)
      __threadfence_block();
    else if (s == scope::device)
      __threadfence();
    else
      __threadfence_system();
#endif
  }
  /// Loads the element at `flag` with acquire order until done(element) is true.
  template <class T, class Done>
  TILERY_SIMT void wait_until(gmem_ptr<T> flag, Done done, scope s = scope::device, where = {}) const {
    while (!done(atomic_load(flag, order::acquire, s))) {
#ifdef __CUDA_ARCH__
      __nanosleep(32);
#endif
    }
  }

private:
  // Makes an access of relaxed order with a fence before it for release and a fence after it for acquire: the
  // fence-based synchronisation of the PTX memory model.
  template <class Access>
  TILERY_SIMT auto around(order o, scope s, Access access) const {
    if (o == order::release || o == order::acquire_release) fence(o, s);
    auto result = access();
    if (o == order::acquire || o == order::acquire_release) fence(o, s);
    return result;
  }
#endif
};

}  // namespace tilery::inline TILERY_ABI
