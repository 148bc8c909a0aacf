// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The problems of the GEMM benchmarks, read from gemm_shapes.txt, which says what its columns are.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace tilery_benchmarks {

/// One GEMM of one element type: C (m x n) = op(A) (m x k) op(B) (k x n), each row-major and dense as it is stored; or
/// a batch of them, whose matrices follow one another.
struct gemm_shape {
  std::string group, name;
  int m = 0, n = 0, k = 0;
  bool a_transposed = false, b_transposed = false;  // as stored: A is k x m, B is n x k
  int batch = 1;
  std::string type;
  bool quick = false, memory_bound = false;

  double flops() const { return 2.0 * batch * m * n * k; }
  /// Bytes that must move through memory, at least, with elements of A and B, and of C, of so many bytes.
  double bytes(int of_a_and_b, int of_c) const {
    return 1.0 * batch * (of_a_and_b * (1.0 * m * k + 1.0 * k * n) + of_c * (1.0 * m * n));
  }
  std::string layout() const { return {a_transposed ? 'T' : 'N', b_transposed ? 'T' : 'N'}; }
  /// GROUP/NAME/MxNxK/TYPE/LAYOUT; of a batch GROUP/NAME/BATCH_of_MxNxK/TYPE/LAYOUT.
  std::string title() const {
    const std::string many = batch == 1 ? "" : std::to_string(batch) + "_of_";
    return group + "/" + name + "/" + many + std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k) +
           "/" + type + "/" + layout();
  }
};

/// "a,b" as {"a", "b"}.
inline std::vector<std::string> comma_separated(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
  return parts;
}

/// A column's number.
inline int number_of(const std::string& column, const std::string& text) {
  int value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, value);
  if (failure != std::errc{} || rest != end || value < 1)
    throw std::runtime_error(column + " is " + text + "; it must be a whole number, at least 1, of 32 bits");
  return value;
}

/// The shapes of one line: one for each layout and type that it lists.
inline std::vector<gemm_shape> shapes_of_line(const std::string& line) {
  gemm_shape shape;
  std::string m, n, k, layouts, batch, types, flags, more;
  std::istringstream in(line);
  in >> shape.group >> shape.name >> m >> n >> k >> layouts >> batch >> types >> flags;
  if (!in || in >> more)
    throw std::runtime_error("a line has nine columns: group, name, m, n, k, layouts, batch, types, flags");
  shape.m = number_of("m", m), shape.n = number_of("n", n), shape.k = number_of("k", k);
  shape.batch = number_of("batch", batch);
  for (const std::string& flag : comma_separated(flags)) {
    if (flag == "quick")
      shape.quick = true;
    else if (flag == "memory")
      shape.memory_bound = true;
    else if (flag != "-")
      throw std::runtime_error("the flag " + flag + " is none of quick, memory and -");
  }
  const std::vector<std::string> known = {"f32", "f64", "tf32", "f16", "bf16", "fp8_e4m3", "s8"};
  std::vector<gemm_shape> shapes;
  for (const std::string& type : comma_separated(types)) {
    if (std::find(known.begin(), known.end(), type) == known.end())
      throw std::runtime_error("the type " + type + " is none of f32, f64, tf32, f16, bf16, fp8_e4m3 and s8");
    for (const std::string& layout : comma_separated(layouts)) {
      if (layout != "NN" && layout != "NT" && layout != "TN" && layout != "TT")
        throw std::runtime_error("the layout " + layout + " is none of NN, NT, TN and TT");
      shape.type = type;
      shape.a_transposed = layout[0] == 'T', shape.b_transposed = layout[1] == 'T';
      shapes.push_back(shape);
    }
  }
  return shapes;
}

/// The shapes of a text; throws std::runtime_error with the line's number.
inline std::vector<gemm_shape> parse_gemm_shapes(const std::string& text) {
  std::vector<gemm_shape> shapes;
  std::istringstream in(text);
  int number = 1;
  for (std::string line; std::getline(in, line); ++number) {
    line = line.substr(0, line.find('#'));
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      for (gemm_shape& shape : shapes_of_line(line)) shapes.push_back(shape);
    } catch (const std::runtime_error& error) {
      throw std::runtime_error("line " + std::to_string(number) + " of the shapes: " + error.what());
    }
  }
  return shapes;
}

/// The shapes of a file.
inline std::vector<gemm_shape> read_gemm_shapes(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  if (!in || !(text << in.rdbuf())) throw std::runtime_error("the shapes in " + path + " cannot be read");
  return parse_gemm_shapes(text.str());
}

}  // namespace tilery_benchmarks
