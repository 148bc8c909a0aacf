// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The problems of the convolution benchmarks, read from conv_shapes.txt, which says what its columns are.
#pragma once

#include "benchmarks/gemm_shapes.hpp"

namespace tilery_benchmarks {

/// One 2-D convolution, channels-last and dense. The padding is the same before and after.
struct conv_shape {
  std::string group, name;
  int channels = 0, height = 0, width = 0, filters = 0;
  int taps_height = 0, taps_width = 0, stride = 1, padding = 0, dilation = 1, groups = 1;
  bool quick = false;

  int out_height() const { return (height + 2 * padding - dilation * (taps_height - 1) - 1) / stride + 1; }
  int out_width() const { return (width + 2 * padding - dilation * (taps_width - 1) - 1) / stride + 1; }
  /// Operations for one image, the same in each direction; products with padding count.
  double flops() const {
    return 2.0 * out_height() * out_width() * filters * taps_height * taps_width * channels / groups;
  }
};

/// A column's number, which may be 0.
inline int number_or_zero(const std::string& column, const std::string& text) {
  return text == "0" ? 0 : number_of(column, text);
}

/// The shape of one line.
inline conv_shape conv_shape_of_line(const std::string& line) {
  conv_shape s;
  std::string channels, height, width, filters, taps, stride, padding, dilation, groups, flags, more;
  std::istringstream in(line);
  in >> s.group >> s.name >> channels >> height >> width >> filters >> taps >> stride >> padding >> dilation >>
      groups >> flags;
  if (!in || in >> more)
    throw std::runtime_error(
        "a line has twelve columns: group, name, channels, height, width, filters, taps, stride, padding, dilation, "
        "groups, flags");
  s.channels = number_of("channels", channels), s.height = number_of("height", height);
  s.width = number_of("width", width), s.filters = number_of("filters", filters);
  const auto x = taps.find('x');
  if (x == std::string::npos) throw std::runtime_error("taps is " + taps + "; it must be like 3x3");
  s.taps_height = number_of("taps", taps.substr(0, x)), s.taps_width = number_of("taps", taps.substr(x + 1));
  s.stride = number_of("stride", stride), s.padding = number_or_zero("padding", padding);
  s.dilation = number_of("dilation", dilation), s.groups = number_of("groups", groups);
  if (s.channels % s.groups != 0 || s.filters % s.groups != 0)
    throw std::runtime_error("groups is " + groups + "; it must divide channels and filters");
  if (s.height + 2 * s.padding < s.dilation * (s.taps_height - 1) + 1 ||
      s.width + 2 * s.padding < s.dilation * (s.taps_width - 1) + 1)
    throw std::runtime_error("the filter is larger than the padded image");
  if (flags != "quick" && flags != "-") throw std::runtime_error("the flag " + flags + " is none of quick and -");
  s.quick = flags == "quick";
  return s;
}

/// The shapes of a text; throws std::runtime_error with the line's number.
inline std::vector<conv_shape> parse_conv_shapes(const std::string& text) {
  std::vector<conv_shape> shapes;
  std::istringstream in(text);
  int number = 1;
  for (std::string line; std::getline(in, line); ++number) {
    line = line.substr(0, line.find('#'));
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      shapes.push_back(conv_shape_of_line(line));
    } catch (const std::runtime_error& error) {
      throw std::runtime_error("line " + std::to_string(number) + " of the shapes: " + error.what());
    }
  }
  return shapes;
}

/// The shapes of a file.
inline std::vector<conv_shape> read_conv_shapes(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  if (!in || !(text << in.rdbuf())) throw std::runtime_error("the shapes in " + path + " cannot be read");
  return parse_conv_shapes(text.str());
}

}  // namespace tilery_benchmarks
