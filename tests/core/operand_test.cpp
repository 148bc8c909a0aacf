// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which operands provably share an element, with others or with themselves, and the sentences of the checks.
#include <tilery/core/buffer.hpp>
#include <tilery/core/operand_checks.hpp>
#include <tilery/cpu.hpp>

#include "tests/draw.hpp"

#include <gtest/gtest.h>
#include <algorithm>
#include <array>
#include <set>

namespace {

using namespace tilery;
using tilery_tests::draw;

float memory[4096];

matrix_view<float> strided(int offset, int rows, int columns, int row_stride, int column_stride) {
  matrix_view<float> v(memory + offset, rows, columns);
  v.strides[0] = row_stride, v.strides[1] = column_stride;
  return v;
}

template <class T, std::size_t Rank>
tensor_view<T, static_cast<int>(Rank)> strided_at(T* first, const std::array<int, Rank>& extents,
                                                  const std::array<int, Rank>& strides) {
  tensor_view<T, static_cast<int>(Rank)> v;
  v.pointer = first;
  for (std::size_t i = 0; i < Rank; ++i) v.extents[i] = extents[i], v.strides[i] = strides[i];
  return v;
}
tensor_view<float, 3> strided(int offset, const std::array<int, 3>& extents, const std::array<int, 3>& strides) {
  return strided_at(memory + offset, extents, strides);
}

/// Visits each element's address, in the order of the indices.
template <class T, int Rank, class Visit>
void for_elements(const tensor_view<T, Rank>& v, const Visit& visit) {
  for (std::int64_t n = 0; n < v.size(); ++n) {
    std::int64_t rest = n;
    const T* at = v.pointer;
    for (int d = Rank - 1; d >= 0; --d) at += rest % v.extents[d] * v.strides[d], rest /= v.extents[d];
    visit(reinterpret_cast<const char*>(at));
  }
}
template <class T, int Rank>
std::set<const char*> bytes_of(const tensor_view<T, Rank>& v) {
  std::set<const char*> all;
  for_elements(v, [&](const char* first) {
    for (std::size_t byte = 0; byte < sizeof(T); ++byte) all.insert(first + byte);
  });
  return all;
}
bool intersect(const std::set<const char*>& x, const std::set<const char*>& y) {
  return std::any_of(x.begin(), x.end(), [&](const char* byte) { return y.count(byte) > 0; });
}
/// True if two elements of a view have the same address.
template <class T, int Rank>
bool really_overlaps(const tensor_view<T, Rank>& v) {
  std::set<const char*> all;
  for_elements(v, [&](const char* first) { all.insert(first); });
  return static_cast<std::int64_t>(all.size()) < v.size();
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

TEST(operand, any_strides_of_two_tensors_are_compared_exactly) {
  int shared = 0;
  for (int round = 0; round < 20000; ++round) {
    const auto draw_strides = [] { return std::array{draw(0, 40), draw(1, 20), draw(1, 6)}; };
    const auto draw_extents = [] { return std::array{draw(1, 3), draw(1, 6), draw(1, 6)}; };
    const auto a = strided(draw(0, 200), draw_extents(), draw_strides());
    auto extents = draw_extents(), strides = draw_strides();
    if (round % 3 == 0) std::swap(strides[1], strides[2]);  // the columns far apart
    tensor_view<double, 3> wide(reinterpret_cast<double*>(memory) + draw(0, 100), extents[0], extents[1], extents[2]);
    for (int i = 0; i < 3; ++i) wide.strides[i] = strides[static_cast<std::size_t>(i)];
    const auto b = strided(draw(0, 200), extents, strides);
    const bool expected = intersect(bytes_of(a), bytes_of(b));
    shared += expected;
    ASSERT_EQ(share_an_element(reads("a", a), reads("b", b)), expected) << "round " << round;
    ASSERT_EQ(share_an_element(reads("a", a), reads("b", wide)), intersect(bytes_of(a), bytes_of(wide))) << round;
  }
  EXPECT_GT(shared, 2000);
  EXPECT_LT(shared, 18000);
}

TEST(operand, two_elements_in_one_place_are_found_exactly) {
  int overlapping = 0;
  for (int round = 0; round < 20000; ++round) {
    const auto v = strided(0, {draw(1, 4), draw(1, 6), draw(1, 6)}, {draw(0, 60), draw(1, 20), draw(1, 6)});
    const bool expected = really_overlaps(v);
    overlapping += expected;
    ASSERT_EQ(overlaps_itself(writes("v", v)), expected) << "round " << round;
  }
  EXPECT_GT(overlapping, 2000);
  EXPECT_LT(overlapping, 18000);
}

template <std::size_t Rank>
std::array<int, Rank> draw_all(int least, int most) {
  std::array<int, Rank> all;
  for (int& x : all) x = draw(least, most);
  return all;
}
/// The strides of a tensor without overlaps, its dimensions in a drawn order, with drawn gaps between them.
template <std::size_t Rank>
std::array<int, Rank> draw_nested(const std::array<int, Rank>& extents, int most_gap) {
  std::array<int, Rank> order, strides;
  for (std::size_t i = 0; i < Rank; ++i) order[i] = static_cast<int>(i);
  for (std::size_t i = Rank - 1; i > 0; --i)
    std::swap(order[i], order[static_cast<std::size_t>(draw(0, static_cast<int>(i)))]);
  int step = draw(1, 1 + most_gap);
  for (const int d : order) {
    strides[static_cast<std::size_t>(d)] = step;
    step = step * extents[static_cast<std::size_t>(d)] + draw(0, most_gap);
  }
  return strides;
}

template <std::size_t Rank>
void check_overlaps_of_rank(int rounds) {
  int shared = 0, overlapping = 0;
  for (int round = 0; round < rounds; ++round) {
    const auto extents = draw_all<Rank>(1, 4), other = draw_all<Rank>(1, 4);
    const bool nested = round % 2 == 0;
    const auto strides = nested ? draw_nested(extents, 3) : draw_all<Rank>(1, 60),
               other_strides = nested ? draw_nested(other, 3) : draw_all<Rank>(1, 60);
    const auto a = strided_at(memory + draw(0, 40), extents, strides);
    const auto b = strided_at(memory + draw(0, 300), other, other_strides);
    const auto wide = strided_at(reinterpret_cast<double*>(memory) + draw(0, 300), other, other_strides);
    ASSERT_EQ(overlaps_itself(writes("a", a)), really_overlaps(a)) << "rank " << Rank << ", round " << round;
    const bool expected = intersect(bytes_of(a), bytes_of(b));
    ASSERT_EQ(share_an_element(reads("a", a), reads("b", b)), expected) << "rank " << Rank << ", round " << round;
    ASSERT_EQ(share_an_element(reads("wide", wide), reads("a", a)), intersect(bytes_of(a), bytes_of(wide)))
        << "rank " << Rank << ", round " << round;
    shared += expected, overlapping += really_overlaps(a);
  }
  EXPECT_GT(shared, rounds / 10);
  EXPECT_LT(shared, rounds - rounds / 20);
  EXPECT_GT(overlapping, rounds / 20);
}

TEST(operand, tensors_of_four_and_five_dimensions_are_compared_exactly) {
  check_overlaps_of_rank<4>(600);
  check_overlaps_of_rank<5>(300);
}

// The activations of a convolution, as slices of one buffer: (n, d, h, w, c) of 8 x 16 x 64 x 64 x 96 elements.
TEST(operand, large_slices_of_five_dimensions_are_compared_by_arithmetic) {
  constexpr std::array all{8, 16, 64, 64, 96};
  constexpr std::array strides{6291456, 393216, 6144, 96, 1};
  constexpr std::array moved_strides{6291456, 4096, 64, 1, 65536};  // channels before pixels: another order in memory
  float* const base = reinterpret_cast<float*>(std::int64_t{1} << 40);
  const auto whole = strided_at(base, all, strides), moved = strided_at(base, all, moved_strides);
  EXPECT_TRUE(share_an_element(reads("a", whole), reads("b", moved)));
  EXPECT_FALSE(overlaps_itself(writes("a", whole)));
  EXPECT_FALSE(overlaps_itself(writes("a", moved)));
  const std::array half{8, 16, 64, 64, 48}, quarter{8, 8, 64, 64, 48}, inner{8, 14, 62, 62, 96};
  EXPECT_FALSE(
      share_an_element(reads("a", strided_at(base, half, strides)), reads("b", strided_at(base + 48, half, strides))))
      << "the other channels";
  EXPECT_TRUE(
      share_an_element(reads("a", strided_at(base, half, strides)), reads("b", strided_at(base + 47, half, strides))));
  EXPECT_TRUE(share_an_element(reads("a", strided_at(base, quarter, strides)),
                               reads("b", strided_at(base + 393216, quarter, strides))))
      << "slices of d that overlap";
  EXPECT_FALSE(share_an_element(reads("a", strided_at(base, quarter, strides)),
                                reads("b", strided_at(base + 8 * 393216, quarter, strides))));
  EXPECT_FALSE(overlaps_itself(writes("a", strided_at(base + 393216 + 6144 + 96, inner, strides))));
  // The windows of a convolution are a view, too: 3 x 3 x 3 taps of the channels at each pixel overlap.
  EXPECT_TRUE(overlaps_itself(
      writes("windows", strided_at(base, std::array{62, 62, 3, 3, 96}, std::array{6144, 96, 6144, 96, 1}))));
  EXPECT_FALSE(share_an_element(reads("even pixels", strided_at(base, std::array{8, 16, 32, 32, 96},
                                                                std::array{6291456, 393216, 12288, 192, 1})),
                                reads("odd pixels", strided_at(base + 96, std::array{8, 16, 32, 32, 96},
                                                               std::array{6291456, 393216, 12288, 192, 1}))));
}

TEST(operand, large_tensors_are_compared_by_arithmetic) {
  const auto at = [](std::int64_t elements) { return reinterpret_cast<float*>(std::int64_t{1} << 40) + elements; };
  const auto strided_at = [&](std::int64_t offset, std::int64_t rows, std::int64_t columns, std::int64_t row_stride,
                              std::int64_t column_stride) {
    matrix_view<float> v = matrix(at(offset), rows, columns, row_stride);
    v.strides[1] = column_stride;
    return v;
  };
  const auto row_major = strided_at(0, 1'000'000, 1000, 1000, 1),
             column_major = strided_at(0, 1'000'000, 1000, 1, 1'000'000);
  EXPECT_TRUE(share_an_element(reads("a", row_major), reads("b", column_major)));
  EXPECT_TRUE(share_an_element(reads("a", row_major), reads("b", strided_at(999'999'999, 5, 5, 1, 5))));
  EXPECT_FALSE(share_an_element(reads("a", row_major), reads("b", strided_at(1'000'000'000, 5, 5, 1, 5))));
  EXPECT_FALSE(share_an_element(reads("even", strided_at(0, 1'000'000, 500, 1000, 2)),
                                reads("odd", strided_at(1, 500, 1'000'000, 2, 1000))))
      << "the transpose of the other half";
  EXPECT_TRUE(overlaps_itself(writes("y", strided_at(0, 1'000'000, 1000, 999, 1))));
  EXPECT_FALSE(overlaps_itself(writes("y", strided_at(0, 1'000'000, 1000, 1, 1'000'000))));
  EXPECT_TRUE(overlaps_itself(writes("y", strided_at(0, 1'000'001, 1000, 1, 1'000'000))));
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
  EXPECT_FALSE(check_operands({reads("x", strided(50, 1, 3, -3, 1)), writes("y", strided(50, 3, 1, 1, -7)),
                               writes("z", strided(50, 1, 1, 0, 0))},
                              memory_space::host));
  EXPECT_FALSE(check_aliases({reads("x", strided(0, 1, 8, 99, 1)), writes("y", strided(0, 1, 8, 8, 1))}, {"x"}))
      << "the very same view";
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
            "stride 0 of x is -3; strides must not be negative");
  EXPECT_EQ(check_operands({writes("y", strided(0, 3, 3, 0, 1))}, memory_space::host),
            "y is written, but several of its elements have the same address because of its strides 0, 1; each must "
            "have its own");
  EXPECT_EQ(check_operands({writes("y", strided(0, 8, 8, 7, 1))}, memory_space::host),
            "y is written, but several of its elements have the same address because of its strides 7, 1; each must "
            "have its own");
  EXPECT_EQ(check_operands({writes("y", strided(0, 4, 4, 3, 2))}, memory_space::host),
            "y is written, but several of its elements have the same address because of its strides 3, 2; each must "
            "have its own");
  EXPECT_FALSE(check_operands({writes("y", strided(0, 2, 3, 3, 2))}, memory_space::host)) << "0 2 4 and 3 5 7";
  EXPECT_EQ(check_operands({reads("x", vector(reinterpret_cast<float*>(reinterpret_cast<char*>(memory) + 6), 3))},
                           memory_space::host),
            "x begins 2 bytes after a multiple of 4; its elements must be aligned");
  struct three_floats {
    float x, y, z;
  };
  EXPECT_FALSE(check_operands({reads("x", vector(reinterpret_cast<three_floats*>(memory + 1), 3))}, memory_space::host))
      << "aligned as its members are";
  EXPECT_EQ(check_operands({reads("x", matrix(memory, 3, 3, std::int64_t{1} << 60))}, memory_space::host),
            "x has the strides 1152921504606846976, 1; its last element is beyond the end of all memory");
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
  EXPECT_EQ(
      check_operands({writes("y", batch)}, memory_space::host),
      "y is written, but several of its elements have the same address because of its strides 0, 5, 1; each must have "
      "its own");
  EXPECT_FALSE(check_operands({reads("x", batch)}, memory_space::host)) << "one matrix for all is a fine input";
  batch.strides[0] = -20;
  EXPECT_EQ(check_operands({reads("x", batch)}, memory_space::host),
            "stride 0 of x is -20; strides must not be negative");
  batch.extents[0] = 0;
  EXPECT_TRUE(reads("x", batch).empty());
}

TEST(operand, five_dimensions_have_sentences_with_all_of_them) {
  auto v = strided_at(memory, std::array{2, 3, 4, 5, 6}, std::array{360, 120, 30, 6, 1});
  EXPECT_TRUE(reads("x", v).dense());
  EXPECT_EQ(reads("x", v).size(), 720);
  EXPECT_EQ(reads("x", v).end(), reinterpret_cast<std::byte*>(memory + 720));
  v.strides[1] = 90;
  EXPECT_EQ(
      check_operands({writes("y", v)}, memory_space::host),
      "y is written, but several of its elements have the same address because of its strides 360, 90, 30, 6, 1; each "
      "must have its own");
  v.strides[3] = -1;
  EXPECT_EQ(check_operands({reads("x", v)}, memory_space::host), "stride 3 of x is -1; strides must not be negative");
  v.strides[3] = std::int64_t{1} << 60;
  EXPECT_EQ(check_operands({reads("x", v)}, memory_space::host),
            "x has the strides 360, 90, 30, 1152921504606846976, 1; its last element is beyond the end of all memory");
  v.pointer = nullptr;
  EXPECT_EQ(check_operands({reads("x", v)}, memory_space::host),
            "x is a null view of size 2 x 3 x 4 x 5 x 6; it must point to its elements");
  v.extents[4] = 0;
  EXPECT_FALSE(check_operands({reads("x", v)}, memory_space::host)) << "no elements";
}

TEST(operand, in_place_means_the_very_same_view) {
  const auto v = matrix(memory, 4, 4);
  const auto five = strided_at(memory, std::array{1, 4, 1, 4, 1}, std::array{9, 4, 7, 1, 3});
  EXPECT_FALSE(check_aliases({reads("x", five), writes("y", v)}, {"x"})) << "dimensions of one element do not matter";
  EXPECT_TRUE(
      check_aliases({reads("x", strided_at(memory, std::array{2, 2, 4}, std::array{8, 4, 1})), writes("y", v)}, {"x"}));
  EXPECT_FALSE(check_aliases({reads("x", v), writes("y", v)}, {"x"}));
  EXPECT_EQ(check_aliases({reads("x", v), writes("y", v)}), "y shares an element with x; the two must not overlap");
  EXPECT_EQ(check_aliases({reads("x", matrix(memory + 4, 4, 4)), writes("y", v)}, {"x"}),
            "y shares an element with x; the two must not overlap, or must be exactly the same view");
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
  buffer<float> none(executor, 0);
  EXPECT_EQ(none.size(), 0);
  float target[15] = {1};
  copy_dense(executor, c, matrix(target, 3, 5));
  EXPECT_EQ(target[0], 0);
  try {
    copy_dense(executor, c, matrix(target, 5, 3));
    FAIL();
  } catch (const error& e) {
    EXPECT_NE(std::string(e.what()).find("copy: extent 0 of from is 3 and of to 5; they must be equal"),
              std::string::npos);
    EXPECT_NE(std::string(e.what()).find("operand_test.cpp"), std::string::npos) << "the caller's file";
  }
}

}  // namespace
