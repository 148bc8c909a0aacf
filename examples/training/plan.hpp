// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The numbers that decide a training's result: with the same plan, data set and kind of executor two trainings have the
// same bits. A checkpoint keeps the plan, so that a resumed training goes on with it.
#pragma once

#include <cstdint>

namespace tilery_examples {

struct training_plan {
  std::uint64_t seed = 1;  ///< of the weights, of the order of the images, and of crop and flip
  int epochs = 12;         ///< passes over the training images
  int batch = 128;         ///< images a step
  int steps = 0;           ///< end after so many steps; 0: train all epochs
  double rate = 1.5e-3;    ///< highest learning rate
  double decay = 0;        ///< weight decay of AdamW
  int crop = 0;            ///< each image is moved by up to so many pixels in each direction
  bool flip = false;       ///< half of the images are mirrored, left to right

  /// The steps to make with so many batches an epoch.
  int steps_of(int batches_an_epoch) const {
    const std::int64_t all = std::int64_t{epochs} * batches_an_epoch;
    return static_cast<int>(steps > 0 && steps < all ? steps : all);
  }
};

}  // namespace tilery_examples
