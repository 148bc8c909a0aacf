// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The row kernels' candidates for elements of ELEMENT.
#include "kernels.hpp"

#include <tilery/kernels/softmax.hpp>
#include <tilery/kernels/softmax_cross_entropy.hpp>
#include <tilery/policies/row_table.hpp>

using tilery::half, tilery::bf16;
using T = ELEMENT;

// Packs, and the edges of rows element by element.
constexpr int pack_bytes(const tilery::row_policy& p) { return p.vector * static_cast<int>(sizeof(T)); }
constexpr width_range from_to(int a, int b) { return a < b ? width_range{a, b} : width_range{b, a}; }
constexpr width_range with_edges(const tilery::row_policy& p) { return {sizeof(T), pack_bytes(p)}; }

struct forward {
  using params = tilery::softmax_params<T>;
  template <tilery::row_policy P>
  using kernel = tilery::softmax_kernel<P, T>;
  static constexpr meant_accesses meant(const tilery::row_policy& p) { return {with_edges(p), with_edges(p)}; }
};

struct backward {
  using params = tilery::softmax_backward_params<T>;
  template <tilery::row_policy P>
  using kernel = tilery::softmax_backward_kernel<P, T>;
  static constexpr meant_accesses meant(const tilery::row_policy& p) { return forward::meant(p); }
};

struct cross_entropy {
  using params = tilery::softmax_cross_entropy_params<T>;
  template <tilery::row_policy P>
  using kernel = tilery::softmax_cross_entropy_kernel<P, T>;
  // Its label and the element there are read alone; its loss is a float or double.
  static constexpr meant_accesses meant(const tilery::row_policy& p) {
    const int element = sizeof(T), label = 4, loss = sizeof(tilery::accumulator_t<T>);
    return {{element < label ? element : label, from_to(label, pack_bytes(p)).widest},
            {element, from_to(loss, pack_bytes(p)).widest}};
  }
};

void use() {
  compile_candidates<tilery::row_table_gpu<T>, forward>();
  compile_candidates<tilery::row_table_gpu<T>, backward>();
  compile_candidates<tilery::row_table_gpu<T>, cross_entropy>();
}
