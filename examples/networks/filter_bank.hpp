// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The filters of a network's first layer, the only ones that can be looked at: they have the channels of an image.
#pragma once

#include <cstdint>

#include "../io/picture.hpp"

namespace tilery_examples {

/// Filters inside of a network's tensor of all weights. Value v of filter f, with v counting (row, column, channel), is
/// element offset + f filter_stride + v value_stride.
struct filter_bank {
  std::int64_t offset;
  int count;
  image_shape shape;  ///< of one filter
  std::int64_t filter_stride, value_stride;
};

}  // namespace tilery_examples
