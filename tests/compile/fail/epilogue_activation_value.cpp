// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: an activation must be a struct, such as tilery::activation::gelu, with the static function template V value(V x)
#include "operands.hpp"

struct square {
#ifdef BROKEN
  template <class V>
  TILERY_SIMT V operator()(V x) const {
#else
  template <class V>
  TILERY_SIMT static V value(V x) {
#endif
      return x * x;
}
}
;

void use() {
  tilery::validate(tilery::cpu(), [](const auto& e) {
    tilery::gemm(e, a, b, c, tilery::epilogue::scale(2) | tilery::epilogue::activate<square>());
  });
}
