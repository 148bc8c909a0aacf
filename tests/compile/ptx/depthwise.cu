// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The depthwise convolutions' candidates for elements of ELEMENT.
#include "kernels.hpp"

#include <tilery/kernels/conv/depthwise.hpp>
#include <tilery/kernels/conv/depthwise_weight.hpp>
#include <tilery/ops/depthwise_params.hpp>

using tilery::half, tilery::bf16;
using T = ELEMENT;
using S = tilery::accumulator_t<T>;

// The filter is copied to shared memory element by element, and read from there in packs of 16 bytes at most. Where it
// is too large, its taps are loaded one by one.
struct images {
  using params = tilery::ops::depthwise_product<T, T, tilery::epilogue::none>;
  template <tilery::depthwise_policy P>
  using kernel = tilery::depthwise<P, params>;
  static constexpr meant_accesses meant(const tilery::depthwise_policy& p) {
    const int element = sizeof(T), pack = p.vector * element;
    return {{element, pack}, {pack, pack}, pack, {element, element}};
  }
};

struct weight {
  using params = tilery::depthwise_weight_params<T, S>;
  template <tilery::depthwise_weight_policy P>
  using kernel = tilery::depthwise_weight<P, T, S>;
  static constexpr meant_accesses meant(const tilery::depthwise_weight_policy& p) {
    const int pack = p.vector * static_cast<int>(sizeof(T)), sums = p.vector * static_cast<int>(sizeof(S));
    const int access = sums < 16 ? sums : 16;
    return {{pack, pack}, {access, access}, access, {access, access}};
  }
};

struct totals {
  using params = tilery::ops::depthwise_total<T, T, tilery::epilogue::none>;
};

void use() {
  compile_candidates<tilery::depthwise_table_gpu<T>, images>();
  compile_candidates<tilery::depthwise_weight_table_gpu<T>, weight>();
  constexpr int element = sizeof(T), sum = sizeof(S);
  compile<tilery::depthwise_totals<256, 1, totals::params>, totals::params,
          meant_accesses{{element < sum ? element : sum, sum}, {element, element}, sum, {sum, sum}}>();
}
