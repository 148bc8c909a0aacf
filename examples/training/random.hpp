// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Random numbers of a training as a function of the seed and of what they are for. No generator's state goes from step
// to step, so a resumed training draws what an uninterrupted one does, and threads may draw in any order.
#pragma once

#include <cstdint>

#include <tilery/core/philox.hpp>

namespace tilery_examples {

/// What random numbers are for: two uses never share a counter.
enum class random_use : std::uint32_t {
  order,    ///< of the images: (epoch, position)
  changes,  ///< of an image by crop and flip: (epoch, image)
  weights,  ///< at the start: (tensor, element)
};

/// 128 random bits of one use, for a pair of numbers.
inline tilery::philox_words draw(std::uint64_t seed, random_use use, std::uint32_t first, std::uint32_t second) {
  return tilery::philox({{second, first, static_cast<std::uint32_t>(use), 0}}, seed);
}

/// The first 64 of these bits.
inline std::uint64_t first_bits(const tilery::philox_words& drawn) {
  return std::uint64_t{drawn.word[1]} << 32 | drawn.word[0];
}

}  // namespace tilery_examples
