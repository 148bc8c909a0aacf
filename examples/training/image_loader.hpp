// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Turns images into a network's input: in an order that is drawn anew each epoch, scaled, and where wanted moved (a
// random crop of the image in a frame of background) and mirrored. The order is a function of the seed and the epoch,
// and what is done to an image a function of the seed, the epoch and the image: images may be loaded in any order, by
// any number of threads, and from any epoch on.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "pixel_scale.hpp"
#include "random.hpp"

namespace tilery_examples {

/// What is done to training images, so that no epoch shows the same.
struct image_changes {
  int crop = 0;       ///< moved by up to so many pixels in each direction; background comes in from the edge
  bool flip = false;  ///< half of the images are mirrored, left to right
};

class image_loader {
public:
  /// Loads `images` in their own order and unchanged until `begin_epoch` is called. Keeps a reference to `images`.
  image_loader(const labelled_images& images, pixel_scale scale, image_changes changes = {}, std::uint64_t seed = 0)
      : images_(images), scaled_(scale.table()), changes_(changes), seed_(seed), order_(images.count) {
    std::iota(order_.begin(), order_.end(), 0U);
  }

  std::size_t count() const { return order_.size(); }

  /// Draws the order of an epoch (Fisher and Yates), and changes images from now on.
  void begin_epoch(int epoch) {
    epoch_ = epoch;
    std::iota(order_.begin(), order_.end(), 0U);
    for (std::size_t i = order_.size(); i-- > 1;) {
      const auto drawn =
          draw(seed_, random_use::order, static_cast<std::uint32_t>(epoch), static_cast<std::uint32_t>(i));
      std::swap(order_[i], order_[first_bits(drawn) % (i + 1)]);
    }
  }

  /// The image at a position of the epoch's order, as (row, column, channel) to `values`; returns its label.
  std::int32_t load(std::size_t position, float* values) const {
    const std::uint32_t image = order_[position];
    const int rows = static_cast<int>(images_.rows), columns = static_cast<int>(images_.columns);
    const int channels = static_cast<int>(images_.channels);
    const move m = move_of(image);
    const std::uint8_t* from = images_.pixels.data() + image * images_.shape().values();
    for (int row = 0; row < rows; ++row)
      for (int column = 0; column < columns; ++column) {
        const int seen_row = row + m.down, seen = (m.mirrored ? columns - 1 - column : column) + m.right;
        const bool inside = seen_row >= 0 && seen_row < rows && seen >= 0 && seen < columns;
        const std::uint8_t* pixel = from + (std::ptrdiff_t{seen_row} * columns + seen) * channels;
        for (int channel = 0; channel < channels; ++channel) *values++ = scaled_[inside ? pixel[channel] : 0];
      }
    return images_.labels[image];
  }

private:
  /// What is done to an image: output pixel (row, column) shows (row + down, column + right), mirrored columns.
  struct move {
    int down = 0, right = 0;
    bool mirrored = false;
  };
  move move_of(std::uint32_t image) const {
    if (epoch_ < 0 || (changes_.crop == 0 && !changes_.flip)) return {};
    const auto drawn = draw(seed_, random_use::changes, static_cast<std::uint32_t>(epoch_), image);
    const auto up_to_crop = [this](std::uint32_t bits) {
      return static_cast<int>(bits % static_cast<std::uint32_t>(2 * changes_.crop + 1)) - changes_.crop;
    };
    return {up_to_crop(drawn.word[0]), up_to_crop(drawn.word[1]), changes_.flip && (drawn.word[2] & 1) != 0};
  }

  const labelled_images& images_;
  std::array<float, 256> scaled_;
  image_changes changes_;
  std::uint64_t seed_;
  int epoch_ = -1;  // before the first: images are not changed
  std::vector<std::uint32_t> order_;
};

}  // namespace tilery_examples
