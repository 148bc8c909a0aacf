// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: an activation must have the static function template V derivative(V x), or V gradient(V x, V dy)
#include "operands.hpp"

struct square {
  template <class V>
  TILERY_SIMT static V value(V x) {
    return x * x;
  }
#ifndef BROKEN
  template <class V>
  TILERY_SIMT static V derivative(V x) {
    return x + x;
  }
#endif
};

void use() { tilery::activate_backward<square>(gpu(), a, a, c); }
