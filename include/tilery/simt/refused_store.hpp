// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A base class of the lanes: an overload of `store` for a value that does not have the pointer's element type. It is
// chosen if no other overload fits, and stops the compilation with a sentence instead of a list of candidates.
#pragma once
#pragma GCC system_header

#include <tilery/core/where.hpp>
#include <tilery/simt/memory.hpp>

namespace tilery::inline TILERY_ABI {

class refused_store {
public:
  template <class P, class V>
  TILERY_SIMT void store(P, V, where = {}) const {
    constexpr bool typed = requires { typename P::element_type; };
    static_assert(typed, "lane.store takes a gmem_ptr, a smem_ptr or a dsmem_ptr, and a value");
    if constexpr (typed) {
      constexpr bool constant = std::is_const_v<typename P::element_type>;
      static_assert(!constant, "lane.store: the pointer must not be to const elements");
      static_assert(constant || sizeof(V) == 0,
                    "lane.store: the value must have the type of the pointer's elements, or "
                    "be a pack of them: lane.store(p, 0.0f) for floats, or convert<T>(x)");
    }
  }
};

}  // namespace tilery::inline TILERY_ABI
