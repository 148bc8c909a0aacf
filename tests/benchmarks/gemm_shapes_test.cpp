// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The host's part of the GEMM benchmarks: their shapes, its data, what it takes for right, and its means.
#include "benchmarks/gemm_shapes.hpp"
#include "benchmarks/gemm_reference.hpp"
#include "benchmarks/ratios.hpp"

#include <gtest/gtest.h>

#include <tilery/cpu.hpp>
#include <tilery/gemm_batched.hpp>

#include <set>

namespace {

using namespace tilery;
using namespace tilery_benchmarks;

std::string refusal_of(const std::string& text) {
  try {
    parse_gemm_shapes(text);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "none";
}

TEST(gemm_shapes, a_line_stands_for_each_pair_of_its_layouts_and_types) {
  const auto shapes = parse_gemm_shapes("# a comment\n\nsquare n8 8 9 10 NT,TN 1 f32,bf16 quick,memory # why\n");
  ASSERT_EQ(shapes.size(), 4u);
  EXPECT_EQ(shapes[0].title(), "square/n8/8x9x10/f32/NT");
  EXPECT_EQ(shapes[3].title(), "square/n8/8x9x10/bf16/TN");
  EXPECT_TRUE(shapes[0].quick && shapes[0].memory_bound && shapes[0].b_transposed && !shapes[0].a_transposed);
  EXPECT_EQ(shapes[0].flops(), 2 * 8 * 9 * 10);
  EXPECT_EQ(shapes[0].bytes(4, 4), 4 * (80 + 90 + 72));
}

TEST(gemm_shapes, a_batch_counts_in_operations_bytes_and_title) {
  const auto shapes = parse_gemm_shapes("attention scores 8 9 10 NT 96 bf16 quick\n");
  ASSERT_EQ(shapes.size(), 1u);
  EXPECT_EQ(shapes[0].title(), "attention/scores/96_of_8x9x10/bf16/NT");
  EXPECT_EQ(shapes[0].flops(), 96 * 2 * 8 * 9 * 10);
  EXPECT_EQ(shapes[0].bytes(2, 4), 96 * (2 * (80 + 90) + 4 * 72));
  EXPECT_TRUE(shapes[0].quick);
  const gemm_shape large = parse_gemm_shapes("large n 65536 65536 65536 NN 1000 f32 -\n").front();
  EXPECT_EQ(large.flops(), 2000 * 0x1p48);
  EXPECT_EQ(large.bytes(4, 4), 12000 * 0x1p32);
}

TEST(gemm_shapes, a_broken_line_is_told_with_its_number) {
  EXPECT_EQ(refusal_of("\nsquare n8 8 8 NN 1 f32 -\n"),
            "line 2 of the shapes: a line has nine columns: group, name, m, n, k, layouts, batch, types, flags");
  EXPECT_EQ(refusal_of("square n8 8 8 8 NN 1 f32 - more\n"),
            "line 1 of the shapes: a line has nine columns: group, name, m, n, k, layouts, batch, types, flags");
  const std::string number = "; it must be a whole number, at least 1, of 32 bits";
  EXPECT_EQ(refusal_of("square n8 8 0 8 NN 1 f32 -\n"), "line 1 of the shapes: n is 0" + number);
  for (const std::string batch : {"0", "-1", "x", "2x", "1.5", "2147483648"})
    EXPECT_EQ(refusal_of("square n8 8 8 8 NN " + batch + " f32 -\n"),
              "line 1 of the shapes: batch is " + batch + number);
  EXPECT_EQ(refusal_of("square n8 8 8 8 NX 1 f32 -\n"),
            "line 1 of the shapes: the layout NX is none of NN, NT, TN and TT");
  EXPECT_EQ(refusal_of("square n8 8 8 8 NN 1 f31 -\n"),
            "line 1 of the shapes: the type f31 is none of f32, f64, tf32, f16, bf16, fp8_e4m3 and s8");
  EXPECT_EQ(refusal_of("square n8 8 8 8 NN 1 f32 slow\n"),
            "line 1 of the shapes: the flag slow is none of quick, memory and -");
}

TEST(gemm_shapes, the_file_has_each_problem_once_and_marks_what_memory_bounds) {
  std::set<std::string> problems, quick;
  for (const gemm_shape& s : read_gemm_shapes(TILERY_GEMM_SHAPES)) {
    EXPECT_TRUE(problems.insert(s.title()).second) << s.title() << " stands there twice";
    if (s.quick) quick.insert(s.type + "/" + s.layout() + "/" + std::to_string(s.n));
    const bool wide = s.type == "f32" || s.type == "f64";
    const double balance =
        wide ? 20 : 295;  // operations a byte: 67 and 989 TFLOP/s by 3.35 TB/s, H100 SXM's data sheet
    const int bytes = s.type == "f64" ? 8 : wide ? 4 : 2;
    const double intensity = s.flops() / s.bytes(bytes, bytes);
    const bool is_marked_by_intensity = s.memory_bound || s.group == "skinny" || s.batch > 1;
    EXPECT_TRUE(!is_marked_by_intensity || s.memory_bound == (intensity < balance)) << s.title();
  }
  EXPECT_EQ(quick,
            (std::set<std::string>{"f32/NN/512", "f32/NN/1024", "f32/NN/2048", "f32/NN/4096", "f32/NN/8192",
                                   "f32/NT/1024", "f32/NT/4096", "f32/TN/4096", "bf16/NN/1024", "bf16/NN/2048",
                                   "bf16/NN/4096", "bf16/NN/8192", "bf16/NT/1024", "bf16/NT/4096", "bf16/TN/4096",
                                   "f64/NN/2048", "tf32/NT/4096", "s8/NT/4096", "fp8_e4m3/NT/4096"}));
}

TEST(gemm_shapes, the_file_has_the_batches_of_attention_and_many_small_ones) {
  std::set<std::string> batches;
  for (const gemm_shape& s : read_gemm_shapes(TILERY_GEMM_SHAPES))
    if (s.batch > 1) batches.insert(s.title());
  std::set<std::string> expected;
  for (const std::string type : {"f32", "bf16"})
    for (const std::string problem :
         {"gpt2_scores/96_of_1024x1024x64/NT", "gpt2_values/96_of_1024x64x1024/NN", "gpt2_dp/96_of_1024x1024x64/NT",
          "gpt2_dv/96_of_1024x64x1024/TN", "gpt2_dq/96_of_1024x64x1024/NN", "bert_scores/384_of_128x128x64/NT",
          "bert_values/384_of_128x64x128/NN"}) {
      const auto layout = problem.size() - 2;
      expected.insert("attention/" + problem.substr(0, layout) + type + "/" + problem.substr(layout));
    }
  expected.insert({"batched/n32/1000_of_32x32x32/f32/NN", "batched/n32/1000_of_32x32x32/bf16/NN"});
  EXPECT_EQ(batches, expected);
}

TEST(counted_uniform, fills_the_interval_evenly) {
  double sum = 0, squares = 0, least = 1, most = -1;
  constexpr int n = 100000;
  for (int i = 0; i < n; ++i) {
    const double v = counted_uniform<float>(1, i);
    sum += v, squares += v * v, least = std::min(least, v), most = std::max(most, v);
    EXPECT_NEAR(v, counted_uniform<double>(1, i), 0x1p-22);
    EXPECT_NEAR(v, as_double(counted_uniform<bf16>(1, i)), 0x1p-9 + 1e-9);
    EXPECT_NEAR(v, counted_uniform<tf32>(1, i).value, 0x1p-10);
    EXPECT_EQ(std::remainder(counted_uniform<tf32>(1, i).value, 0x1p-10), 0);
    EXPECT_NEAR(128 * v, counted_uniform<int8>(1, i), 1);
  }
  EXPECT_GE(least, -1);
  EXPECT_LE(most, 1);
  EXPECT_LT(least, -0.999);
  EXPECT_GT(most, 0.999);
  EXPECT_NEAR(sum / n, 0, 0.01);
  EXPECT_NEAR(squares / n, 1.0 / 3, 0.01);
  EXPECT_NE(counted_uniform<float>(1, 5), counted_uniform<float>(2, 5));
}

/// A set's operands as the GPU would hold them, and their product by the cpu executor.
template <class T>
struct product {
  gemm_shape shape;
  std::int64_t a_begin = 1024, b_begin = 4096;
  std::vector<T> a, b, c;

  product(int m, int n, int k, bool a_transposed, bool b_transposed, int batch = 1) {
    shape.m = m, shape.n = n, shape.k = k, shape.a_transposed = a_transposed, shape.b_transposed = b_transposed;
    shape.batch = batch;
    for (int i = 0; i < batch * m * k; ++i) a.push_back(counted_uniform<T>(seed_of_a, a_begin + i));
    for (int i = 0; i < batch * k * n; ++i) b.push_back(counted_uniform<T>(seed_of_b, b_begin + i));
    c.resize(std::size_t(batch) * m * n);
    gemm_batched(cpu(1), batch_of(a.data(), batch, m, k, a_transposed), batch_of(b.data(), batch, k, n, b_transposed),
                 batch_of(c.data(), batch, m, n, false));
  }
  double error() const {
    return sampled_error<T>(shape, a_begin, b_begin, [&](std::int64_t row) {
      return std::vector<T>(c.begin() + row * shape.n, c.begin() + (row + 1) * shape.n);
    });
  }
};

template <class T>
class gemm_reference : public testing::Test {};
using element_types = testing::Types<float, double, half, bf16>;
TYPED_TEST_SUITE(gemm_reference, element_types);

TYPED_TEST(gemm_reference, agrees_with_the_cpu_in_every_layout) {
  for (const bool a_transposed : {false, true})
    for (const bool b_transposed : {false, true}) {
      const product<TypeParam> p(37, 53, 300, a_transposed, b_transposed);
      EXPECT_LE(p.error(), relative_bound<TypeParam>(300)) << p.shape.layout();
      product<TypeParam> other = p;
      other.shape.a_transposed = !a_transposed;
      EXPECT_GT(other.error(), 0.1) << p.shape.layout();
      other.shape = p.shape, other.shape.b_transposed = !b_transposed;
      EXPECT_GT(other.error(), 0.1) << p.shape.layout();
    }
}

TYPED_TEST(gemm_reference, finds_one_missing_tile_of_k_and_a_nan) {
  product<TypeParam> p(37, 53, 4096, false, false);
  product<TypeParam> shorter = p;
  shorter.shape.k = 4096 - 8;
  for (int i = 0; i < 37; ++i)  // without the last 8 of k
    for (int j = 0; j < 53; ++j) {
      double sum = as_double(p.c[std::size_t(i) * 53 + j]);
      for (int l = 4096 - 8; l < 4096; ++l)
        sum -= as_double(p.a[std::size_t(i) * 4096 + l]) * as_double(p.b[std::size_t(l) * 53 + j]);
      shorter.c[std::size_t(i) * 53 + j] = convert<TypeParam>(static_cast<accumulator_t<TypeParam>>(sum));
    }
  shorter.shape.k = 4096;
  EXPECT_GT(shorter.error(), 4 * relative_bound<TypeParam>(4096));
  p.c[0] = convert<TypeParam>(static_cast<accumulator_t<TypeParam>>(NAN));
  EXPECT_FALSE(p.error() <= relative_bound<TypeParam>(4096));
}

TYPED_TEST(gemm_reference, agrees_with_a_batch_in_every_layout_and_finds_one_wrong_matrix) {
  for (const bool a_transposed : {false, true})
    for (const bool b_transposed : {false, true}) {
      const product<TypeParam> p(5, 7, 30, a_transposed, b_transposed, 8);
      EXPECT_LE(p.error(), relative_bound<TypeParam>(30)) << p.shape.layout();
      for (int wrong = 0; wrong < 8; ++wrong) {
        product<TypeParam> other = p;
        const auto one = [&](int i) { return other.c.begin() + i * 35; };
        std::copy(one((wrong + 1) % 8), one((wrong + 1) % 8) + 35, one(wrong));
        EXPECT_GT(other.error(), 0.1) << "matrix " << wrong << " of " << p.shape.layout();
        *one(wrong) = convert<TypeParam>(static_cast<accumulator_t<TypeParam>>(NAN));
        EXPECT_TRUE(std::isnan(other.error())) << "matrix " << wrong << " of " << p.shape.layout();
      }
    }
}

TEST(gemm_reference, the_first_and_the_last_of_many_matrices_are_sampled) {
  product<float> p(2, 3, 4, false, false, 1000);
  EXPECT_LE(p.error(), relative_bound<float>(4));
  p.c.front() += 1;
  EXPECT_GT(p.error(), 0.1);
  p.c.front() -= 1, p.c.back() += 1;
  EXPECT_GT(p.error(), 0.1);
}

TEST(gemm_reference, the_worse_of_two_errors_is_the_nan) {
  EXPECT_EQ(worse_of(1, 2), 2);
  EXPECT_EQ(worse_of(2, 1), 2);
  EXPECT_TRUE(std::isnan(worse_of(NAN, 1)) && std::isnan(worse_of(1, NAN)));
}

TEST(gemm_reference, tells_single_precision_from_tf32) { EXPECT_LT(relative_bound<float>(65536), 0x1p-12); }

TEST(gemm_reference, samples_reach_both_ends) {
  EXPECT_EQ(samples(1, 16), (std::vector<int>{0}));
  EXPECT_EQ(samples(3, 16), (std::vector<int>{0, 1, 2}));
  const auto of_many = samples(50257, 16);
  EXPECT_EQ(of_many.size(), 16u);
  EXPECT_EQ(of_many.front(), 0);
  EXPECT_EQ(of_many.back(), 50256);
}

// What cuBLASLt is defined to do, by its words: D = op(first) op(second), each stored by columns, the matrices of a
// batch a stride apart.
TEST(column_major, asks_for_the_same_products) {
  for (const bool a_transposed : {false, true})
    for (const bool b_transposed : {false, true}) {
      const product<double> p(5, 7, 11, a_transposed, b_transposed, 3);
      const column_major_call call = column_major(p.shape);
      EXPECT_EQ(call.result.rows, 7);
      EXPECT_EQ(call.result.columns, 5);
      const auto at = [](const std::vector<double>& x, const column_major_operand& o, int matrix, std::int64_t row,
                         std::int64_t column) {
        if (o.transposed) std::swap(row, column);
        EXPECT_TRUE(row < o.rows && column < o.columns && o.rows <= o.pitch);
        return x[static_cast<std::size_t>(matrix * o.step() + row + column * o.pitch)];
      };
      for (int i = 0; i < 3; ++i)
        for (int row = 0; row < 7; ++row)
          for (int column = 0; column < 5; ++column) {
            double sum = 0;
            for (int k = 0; k < 11; ++k) sum += at(p.b, call.first, i, row, k) * at(p.a, call.second, i, k, column);
            EXPECT_NEAR(sum, at(p.c, call.result, i, row, column), 1e-14) << p.shape.layout();
          }
    }
}

TEST(ratios, have_geometric_means_by_group_and_type) {
  EXPECT_DOUBLE_EQ(geometric_mean({0.5, 2}), 1);
  const auto lines = summarise({{"b", "f32", 0.5, 2}, {"b", "f32", 2, 2}, {"a", "bf16", 3, 4}, {"b", "bf16", 1, 1}});
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].group, "a");
  EXPECT_EQ(lines[2].group + lines[2].type, "bf32");
  EXPECT_EQ(lines[2].count, 2);
  EXPECT_DOUBLE_EQ(lines[2].best, 1);
  EXPECT_DOUBLE_EQ(lines[2].first, 2);
  EXPECT_DOUBLE_EQ(lines[2].lowest, 0.5);
  EXPECT_DOUBLE_EQ(lines[2].highest, 2);
}

}  // namespace
