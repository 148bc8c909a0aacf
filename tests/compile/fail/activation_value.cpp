// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: an activation must be a struct, such as tilery::activation::gelu, with the static function template V value(V x)
#include "operands.hpp"

#ifdef BROKEN
void use() { tilery::activate<tilery::epilogue::gelu>(gpu(), a, c); }
#else
void use() { tilery::activate<tilery::activation::gelu>(gpu(), a, c); }
#endif
