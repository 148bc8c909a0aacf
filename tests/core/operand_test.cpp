// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which operands provably share an element, and the sentences of the checks.
#include <tilery/core/buffer.hpp>
#include <tilery/core/operand.hpp>
#include <tilery/cpu.hpp>

#include <gtest/gtest.h>
#include <set>

namespace {

using namespace tilery;

float memory[4096];

matrix_view<float> strided(int offset, int rows, int columns, int row_stride, int column_stride) {
  matrix_view<float> v(memory + offset, rows, columns);
  v.strides[0] = row_stride, v.strides[1] = column_stride;
  return v;
}

bool really_share(const matrix_view<float>& a, const matrix_view<float>& b) {
  std::set<float*> elements;
  for (int i = 0; i < a.extents[0]; ++i)
    for (int j = 0; j < a.extents[1]; ++j) elements.insert(a.pointer + i * a.strides[0] + j * a.strides[1]);
  for (int i = 0; i < b.extents[0]; ++i)
    for (int j = 0; j < b.extents[1]; ++j)
      if (elements.count(b.pointer + i * b.strides[0] + j * b.strides[1])) return true;
  return false;
}

TEST(operand, equal_strides_are_solved_exactly) {
  for (int offset = 0; offset < 80; ++offset)
    for (const int row_stride : {16, 17, 5})
      for (const int column_stride : {1, 2, 3}) {
        const auto a = strided(100, 4, 5, row_stride, column_stride),
                   b = strided(60 + offset, 3, 4, row_stride, column_stride);
        EXPECT_EQ(share_an_element(reads("a", a), reads("b", b)), really_share(a, b))
            << offset << " " << row_stride << " " << column_stride;
      }
}

TEST(operand, interleaved_slices_are_apart) {
  EXPECT_FALSE(share_an_element(reads("even", strided(0, 8, 8, 32, 2)), reads("odd", strided(1, 8, 8, 32, 2))));
  EXPECT_FALSE(share_an_element(reads("left", strided(0, 8, 8, 16, 1)), reads("right", strided(8, 8, 8, 16, 1))));
  EXPECT_TRUE(share_an_element(reads("left", strided(0, 8, 9, 16, 1)), reads("right", strided(8, 8, 8, 16, 1))));
}

TEST(operand, what_lies_inside_a_dense_operand_is_shared) {
  EXPECT_TRUE(share_an_element(reads("all", matrix(memory, 10, 10)), reads("column", strided(3, 10, 1, 10, 1))));
  EXPECT_FALSE(share_an_element(reads("all", matrix(memory, 10, 10)), reads("behind", vector(memory + 100, 5))));
  EXPECT_FALSE(share_an_element(reads("all", matrix(memory, 10, 10)), reads("empty", vector(memory, 0))));
}

TEST(operand, the_stride_of_a_single_row_means_nothing) {
  const auto c = strided(0, 32, 32, 64, 1);
  EXPECT_TRUE(share_an_element(reads("row 3 of C", vector(memory + 3 * 64, 32)), writes("C", c)));
  EXPECT_FALSE(share_an_element(reads("beside C", vector(memory + 3 * 64 + 32, 32)), writes("C", c)));
  EXPECT_TRUE(share_an_element(reads("x", strided(0, 10, 8, 16, 1)), writes("y", vector(memory + 5 * 16 + 4, 8))));
}

TEST(operand, sentences_name_the_operand) {
  EXPECT_EQ(check_operands({reads("A", matrix<float>(nullptr, 2, 3))}, memory_space::host),
            "A is a null view of size 2 x 3; it must point to its elements");
  EXPECT_FALSE(check_operands({reads("A", matrix<float>(nullptr, 0, 3))}, memory_space::host));
  EXPECT_EQ(check_operands({reads("x", strided(50, 3, 3, -3, 1))}, memory_space::host),
            "x has the strides -3 and 1; strides must not be negative");
  EXPECT_EQ(check_operands({writes("y", strided(0, 3, 3, 0, 1))}, memory_space::host),
            "y is written, but a stride of 0 gives several of its elements one place; each must have its own");
  EXPECT_FALSE(check_operands({reads("x", strided(0, 3, 3, 0, 1))}, memory_space::host))
      << "a broadcast is a fine input";
  EXPECT_EQ(check_operands({reads("x", vector(memory, 3))}, memory_space::device),
            "x is in host memory; this executor needs it in device memory");
}

TEST(operand, three_dimensions_are_a_batch_of_matrices) {
  tensor_view<float, 3> batch(memory, 3, 4, 5);
  EXPECT_TRUE(reads("x", batch).dense());
  EXPECT_EQ(reads("x", batch).end(), reinterpret_cast<std::byte*>(memory + 60));
  batch.strides[0] = 25;
  EXPECT_FALSE(reads("x", batch).dense());
  EXPECT_EQ(reads("x", batch).end(), reinterpret_cast<std::byte*>(memory + 70));
  batch.strides[0] = 0;
  EXPECT_EQ(check_operands({writes("y", batch)}, memory_space::host),
            "y is written, but a stride of 0 gives several of its elements one place; each must have its own");
  EXPECT_FALSE(check_operands({reads("x", batch)}, memory_space::host)) << "one matrix for all is a fine input";
  batch.strides[0] = -20;
  EXPECT_EQ(check_operands({reads("x", batch)}, memory_space::host),
            "x has a stride of -20 between its matrices; it must not be negative");
  batch.extents[0] = 0;
  EXPECT_TRUE(reads("x", batch).empty());
}

TEST(operand, in_place_means_the_very_same_view) {
  const auto v = matrix(memory, 4, 4);
  EXPECT_FALSE(check_aliases({reads("x", v), writes("y", v)}, {"x"}));
  EXPECT_EQ(check_aliases({reads("x", v), writes("y", v)}), "y shares an element with x; the two must be apart");
  EXPECT_EQ(check_aliases({reads("x", matrix(memory + 4, 4, 4)), writes("y", v)}, {"x"}),
            "y shares an element with x; the two must be apart, or exactly the same view");
}

TEST(view, refuses_what_does_not_fit) {
  struct huge {
    static constexpr int rank() { return 1; }
    std::int64_t extent(int) const { return std::int64_t{1} << 31; }
    std::int64_t stride(int) const { return 1; }
    float* data_handle() const { return memory; }
  };
  EXPECT_THROW(view(huge{}), error);
}

TEST(buffer, owns_moves_and_copies) {
  const cpu executor;
  buffer<float, 2> b(executor, 3, 5);
  EXPECT_EQ(b.size(), 15);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b.data_handle()) % 64, 0u);
  fill_zero(executor, b);
  EXPECT_EQ(b.data_handle()[14], 0);
  buffer<float, 2> c = std::move(b);
  EXPECT_EQ(c.size(), 15);
  EXPECT_THROW((buffer<float>(executor, -1)), error);
  buffer<float> none(executor, 0);
  EXPECT_EQ(none.size(), 0);
  float target[15] = {1};
  copy(executor, c, matrix(target, 3, 5));
  EXPECT_EQ(target[0], 0);
  try {
    copy(executor, c, matrix(target, 5, 3));
    FAIL();
  } catch (const error& e) {
    EXPECT_NE(std::string(e.what()).find("copy: extent 0 of the source is 3 and of the target 5; they must be equal"),
              std::string::npos);
    EXPECT_NE(std::string(e.what()).find("operand_test.cpp"), std::string::npos) << "the caller's file";
  }
}

}  // namespace
