// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The geometry of convolutions in one dimension, against counting: the extent of y, and the residue classes of a data
// gradient.
#include <tilery/policies/conv_geometry.hpp>

#include <gtest/gtest.h>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace tilery;

TEST(conv_geometry, counts_the_positions_of_the_filter) {
  for (int in = 1; in <= 9; ++in)
    for (int taps = 1; taps <= 5; ++taps)
      for (int stride = 1; stride <= 4; ++stride)
        for (int dilation = 1; dilation <= 3; ++dilation)
          for (int before = 0; before <= 4; ++before)
            for (int after = 0; after <= 4; ++after) {
              int count = 0;
              while (count * stride + dilation * (taps - 1) < in + before + after) ++count;
              ASSERT_EQ(conv_extent(in, before, after, dilation, taps, stride), count)
                  << in << " + " << before << " + " << after << ", " << taps << " taps, stride " << stride
                  << ", dilation " << dilation;
            }
}

// Every coordinate of x is in one class, and its class has each tap that reaches it, from the right coordinate of y,
// and no other tap.
TEST(conv_geometry, has_a_residue_class_for_each_coordinate) {
  using reach = std::set<std::pair<int, int>>;  // tap, coordinate of y
  for (int in = 1; in <= 8; ++in)
    for (int taps = 1; taps <= 5; ++taps)
      for (int stride = 1; stride <= 6; ++stride)
        for (int dilation = 1; dilation <= 6; ++dilation)
          for (int before = 0; before <= 7; ++before) {
            conv_geometry g;
            g.in.of[1] = in, g.taps.of[1] = taps, g.stride.of[1] = stride, g.dilation.of[1] = dilation;
            g.before.of[1] = before;
            std::vector<int> seen(static_cast<std::size_t>(in));
            for (int first = 0; first < stride; ++first) {
              const conv_residue c = residue_of(g, 1, first);
              ASSERT_EQ(c.first, first);
              for (int i = 0; i < c.count; ++i) {
                const int h = first + i * stride;
                ASSERT_LT(h, in);
                ++seen[static_cast<std::size_t>(h)];
                reach got, want;
                for (int j = 0; j < c.taps; ++j)
                  got.emplace(c.first_tap + j * c.tap_stride, i * c.walk.step + c.walk.origin + j * c.walk.tap_step);
                for (int r = 0; r < taps; ++r)
                  if ((h + before - r * dilation) % stride == 0) want.emplace(r, (h + before - r * dilation) / stride);
                ASSERT_EQ(got, want) << "coordinate " << h << " of " << in << ", " << taps << " taps, stride " << stride
                                     << ", dilation " << dilation << ", padding " << before;
              }
            }
            ASSERT_EQ(seen, std::vector<int>(static_cast<std::size_t>(in), 1));
          }
}

// A single number stands for all dimensions, and missing first dimensions get the number that leaves them alone.
static_assert(spatial<2>(3) == spatial<2>(3, 3) && spatial<2>{1, 2}[1] == 2 && spatial<3>{2, 3, 4}.volume() == 24);
static_assert(spatial<2>{5, 7}.in_three(1) == spatial<3>{1, 5, 7} && spatial<1>(4).in_three(0) == spatial<3>{0, 0, 4});
static_assert(forward_walk({.in = 9, .stride = 2, .before = 1, .dilation = 3}, 1).origin == -1);

}  // namespace
