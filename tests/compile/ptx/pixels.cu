// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The candidates of the pixel kernels and of global pooling for elements of ELEMENT.
#include "kernels.hpp"

#include <tilery/kernels/global_pool.hpp>
#include <tilery/kernels/pixels/average_pool.hpp>
#include <tilery/kernels/pixels/linear.hpp>
#include <tilery/kernels/pixels/max_pool.hpp>
#include <tilery/kernels/pixels/pixel_sum.hpp>
#include <tilery/policies/global_pool_table.hpp>
#include <tilery/policies/pixel_table.hpp>
#include <tilery/tile/padding_axis.hpp>
#include <tilery/tile/resample_axis.hpp>

using tilery::half, tilery::bf16;
using T = ELEMENT;

// Bytes of an access to a pack of elements of some bytes: at most 16.
constexpr int access(int vector, int bytes) { return vector * bytes < 16 ? vector * bytes : 16; }
constexpr width_range either(int a, int b) { return a < b ? width_range{a, b} : width_range{b, a}; }
constexpr width_range elements(int vector) { return {access(vector, sizeof(T)), access(vector, sizeof(T))}; }
constexpr width_range with_indices(int vector) { return either(access(vector, sizeof(T)), access(vector, 4)); }

/// A kernel that loads and stores packs of elements.
template <class Params>
struct plain {
  using params = Params;
  template <tilery::pixel_policy P>
  using kernel = tilery::pixels_kernel<P, Params>;
  static constexpr meant_accesses meant(const tilery::pixel_policy& p) {
    return {elements(p.vector), elements(p.vector)};
  }
};
struct max_pool : plain<tilery::max_pool_params<T, true>> {
  static constexpr meant_accesses meant(const tilery::pixel_policy& p) {
    return {elements(p.vector), with_indices(p.vector)};
  }
};
struct max_pool_gradient : plain<tilery::max_pool_gradient_params<T>> {
  static constexpr meant_accesses meant(const tilery::pixel_policy& p) {
    return {with_indices(p.vector), elements(p.vector)};
  }
};

/// Global pooling: the results and the last channels of an image are single elements; the values in shared memory are
/// packs of the accumulation type.
template <class Reduction>
struct global {
  using params = tilery::global_pool_params<T>;
  template <tilery::global_pool_policy P>
  using kernel = tilery::global_pool_kernel<P, T, Reduction>;
  static constexpr meant_accesses meant(const tilery::global_pool_policy& p) {
    const int value = sizeof(tilery::accumulator_t<T>), in_shared = access(p.vector, value);
    return {{sizeof(T), access(p.vector, sizeof(T))},
            Reduction::has_place ? either(sizeof(T), 4) : elements(1),
            in_shared,
            {in_shared, in_shared}};
  }
};

void use() {
  using table = tilery::pixel_table_gpu<T>;
  using table_with_indices = tilery::pixel_table_gpu<std::conditional_t<sizeof(T) == 2, float, T>>;
  compile_candidates<table, plain<tilery::max_pool_params<T, false>>>();
  compile_candidates<table_with_indices, max_pool>();
  compile_candidates<table_with_indices, max_pool_gradient>();
  compile_candidates<table, plain<tilery::average_pool_params<T>>>();
  compile_candidates<table, plain<tilery::average_pool_gradient_params<T>>>();
  compile_candidates<table, plain<tilery::linear_params<T>>>();
  compile_candidates<table, plain<tilery::linear_gradient_params<T>>>();
  compile_candidates<table, plain<tilery::pixel_sum_params<T, tilery::tile::nearest_axis, false>>>();
  compile_candidates<table, plain<tilery::pixel_sum_params<T, tilery::tile::nearest_axis, true>>>();
  compile_candidates<table, plain<tilery::pixel_sum_params<T, tilery::tile::padding_axis, false>>>();
  compile_candidates<table, plain<tilery::pixel_sum_params<T, tilery::tile::padding_axis, true>>>();
  compile_candidates<tilery::global_pool_table_gpu<T>, global<tilery::mean_of_pixels>>();
  compile_candidates<tilery::global_pool_table_gpu<T>, global<tilery::maximum_of_pixels<true>>>();
}
