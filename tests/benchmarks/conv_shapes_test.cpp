// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The shapes of the convolution benchmarks: what a line means, and which lines are refused.
#include "benchmarks/conv_shapes.hpp"

#include <gtest/gtest.h>

namespace {

using namespace tilery_benchmarks;

std::string refusal_of(const std::string& text) {
  try {
    parse_conv_shapes(text);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "none";
}

TEST(conv_shapes, a_line_is_a_convolution) {
  const auto shapes = parse_conv_shapes("# a comment\n\nnet first 6 10 9 4 3x2 2 1 1 2 quick # why\n");
  ASSERT_EQ(shapes.size(), 1u);
  const conv_shape& s = shapes[0];
  EXPECT_EQ(s.group + s.name, "netfirst");
  EXPECT_TRUE(s.taps_height == 3 && s.taps_width == 2 && s.stride == 2 && s.padding == 1 && s.groups == 2 && s.quick);
  EXPECT_EQ(s.out_height(), 5);
  EXPECT_EQ(s.out_width(), 5);
  EXPECT_EQ(s.flops(), 2 * 25 * 4 * 6 * 3);
}

TEST(conv_shapes, wrong_lines_are_refused_with_their_number) {
  EXPECT_EQ(refusal_of("net first 6 10 9 4 3x2 2 1 1 2\n").rfind("line 1 of the shapes: a line has twelve columns", 0),
            0u);
  EXPECT_EQ(refusal_of("\nnet first 6 10 9 4 3 2 1 1 2 -\n"), "line 2 of the shapes: taps is 3; it must be like 3x3");
  EXPECT_EQ(refusal_of("net first 6 10 9 4 3x3 2 1 1 4 -\n"),
            "line 1 of the shapes: groups is 4; it must divide channels and filters");
  EXPECT_EQ(refusal_of("net first 6 2 9 4 3x3 2 0 1 1 -\n"),
            "line 1 of the shapes: the filter is larger than the padded image");
  EXPECT_EQ(refusal_of("net first 6 10 9 4 3x3 0 0 1 1 -\n"),
            "line 1 of the shapes: stride is 0; it must be a whole number, at least 1, of 32 bits");
  EXPECT_EQ(refusal_of("net first 6 10 9 4 3x3 1 0 1 1 fast\n"),
            "line 1 of the shapes: the flag fast is none of quick and -");
}

TEST(conv_shapes, the_file_has_the_layers_of_resnet_50_that_are_no_gemm) {
  int layers = 0;
  for (const conv_shape& s : read_conv_shapes(TILERY_CONV_SHAPES)) {
    layers += s.group == "resnet50";
    EXPECT_FALSE(s.group == "resnet50" && s.taps_width == 1 && s.stride == 1) << s.name;
  }
  EXPECT_EQ(layers, 11);
}

TEST(conv_shapes, the_other_file_has_depthwise_convolutions_alone) {
  const auto shapes = read_conv_shapes(TILERY_CONV_DEPTHWISE_SHAPES);
  EXPECT_EQ(shapes.size(), 14u);
  for (const conv_shape& s : shapes) EXPECT_TRUE(s.groups == s.channels && s.filters == s.channels) << s.name;
}

}  // namespace
