// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A scale for each output channel of a convolution, multiplied into its filters: conv(x, scale w) = scale conv(x, w),
// and filters are far smaller than images. Two small kernels, forward and backward, each written once for all machines:
// a block has a filter.
#pragma once

#include <tilery/kernel.hpp>

namespace tilery_examples {

struct scale_filters_params {
  tilery::gmem_matrix<const float> filters;  // (filter, weight)
  tilery::gmem_ptr<const float> scale;       // (filter)
  tilery::gmem_matrix<float> scaled;         // (filter, weight)
};

/// scaled[f, i] = scale[f] filters[f, i].
struct scale_filters {
  static constexpr const char* name = "scale_filters";
  static constexpr int threads = 64;
  static constexpr bool allows_one_lane = true;
  using shared = tilery::no_shared;

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const scale_filters_params& p, shared&) {
    const int f = lane.block().x;
    const float scale = lane.load(p.scale + f);
    for (int i = lane.rank(); i < p.filters.columns; i += lane.threads(threads))
      lane.store(p.scaled.at(f, i), scale * lane.load(p.filters.at(f, i)));
  }
};

struct scale_filters_backward_params {
  tilery::gmem_matrix<const float> filters, scaled_gradient;  // (filter, weight)
  tilery::gmem_ptr<const float> scale;                        // (filter)
  tilery::gmem_matrix<float> filters_gradient;                // (filter, weight)
  tilery::gmem_ptr<float> scale_gradient;                     // (filter)
};

/// filters_gradient[f, i] = scale[f] scaled_gradient[f, i], and scale_gradient[f] = the sum over i of
/// filters[f, i] scaled_gradient[f, i], added up by one warp in a fixed order.
struct scale_filters_backward {
  static constexpr const char* name = "scale_filters_backward";
  static constexpr int threads = 32;
  static constexpr bool allows_one_lane = true;
  using shared = tilery::no_shared;

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const scale_filters_backward_params& p, shared&) {
    const int f = lane.block().x;
    const float scale = lane.load(p.scale + f);
    float sum = 0;
    for (int i = lane.rank(); i < p.filters.columns; i += lane.threads(threads)) {
      const float gradient = lane.load(p.scaled_gradient.at(f, i));
      sum += lane.load(p.filters.at(f, i)) * gradient;
      lane.store(p.filters_gradient.at(f, i), scale * gradient);
    }
    for (int mask = Lane::warp_size / 2; mask > 0; mask /= 2) sum += lane.shuffle_xor(sum, mask);
    if (lane.rank() == 0) lane.store(p.scale_gradient + f, sum);
  }
};

}  // namespace tilery_examples
