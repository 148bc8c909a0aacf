// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sizes of views and buffers that 32 bits do not hold, each refused at the caller's line, and views of views.
#include "tests/layouts.hpp"

#include <tilery/copy.hpp>
#include <tilery/softmax.hpp>

namespace {

using namespace tilery;

constexpr std::int64_t too_large = (std::int64_t{1} << 32) + 3;  // 3, if it were cut to 32 bits

float memory[64];

/// Where a call was refused, and why.
template <class Call>
std::string place_and_reason(Call&& call) {
  try {
    call();
  } catch (const error& e) {
    const std::string file = e.at().file;
    return file.substr(file.rfind('/') + 1) + ":" + std::to_string(e.at().line) + ": " + e.sentence().c_str();
  }
  return "(nothing was refused)";
}

std::string here(int line, const std::string& sentence) {
  return "view_test.cpp:" + std::to_string(line) + ": " + sentence;
}

TEST(view, extents_of_more_than_32_bits_are_refused_at_the_callers_line) {
  const std::string why = "extent 0 of a view is 4294967299; it must be at least 0 and at most 2147352575";
  const auto refused = [](auto&& call) { return place_and_reason(call); };
  EXPECT_EQ(refused([] { (void)vector(memory, too_large); }), here(__LINE__, why));
  EXPECT_EQ(refused([] { (void)matrix(memory, too_large, 3); }), here(__LINE__, why));
  EXPECT_EQ(refused([] { (void)matrix(memory, too_large, 3, 5); }), here(__LINE__, why));
  EXPECT_EQ(refused([] { (void)vector_view<float>(memory, too_large); }), here(__LINE__, why));
  EXPECT_EQ(refused([] { (void)tensor_view<float, 3>(memory, too_large, 1, 1); }), here(__LINE__, why));
  EXPECT_EQ(refused([] { (void)buffer<float>(cpu(), too_large); }), here(__LINE__, why));
  EXPECT_EQ(refused([] { (void)buffer<float, 3>(cpu(), too_large, 1, 1); }), here(__LINE__, why));
  const std::string last = "extent 2 of a view is -1; it must be at least 0 and at most 2147352575";
  EXPECT_EQ(refused([] { (void)tensor_view<float, 3>(memory, 1, 1, -1); }), here(__LINE__, last));
  EXPECT_EQ(refused([] { (void)buffer<float, 3>(cpu(), 1, 1, -1); }), here(__LINE__, last));
  const std::string largest = "extent 0 of a view is 2147483648; it must be at least 0 and at most 2147352575";
  EXPECT_EQ(refused([] { (void)vector(memory, std::size_t{1} << 31); }), here(__LINE__, largest));
  EXPECT_EQ(vector(memory, largest_extent).extent(0), largest_extent);
}

TEST(view, the_number_of_elements_is_a_64_bit_number) {
  EXPECT_EQ(matrix(memory, 1 << 20, 1 << 20).size(), std::int64_t{1} << 40);
  EXPECT_EQ(place_and_reason([] { (void)tensor_view<float, 3>(memory, 1 << 30, 1 << 30, 8); }),
            here(__LINE__ - 1, "the extents of a view multiply to 2^63 elements or more; no memory holds them"));
  EXPECT_EQ(place_and_reason([] { (void)buffer<double, 3>(cpu(), 1 << 30, 1 << 30, 1); }),
            here(__LINE__ - 1, "the extents of a buffer multiply to 2^63 bytes or more; no memory holds them"));
}

TEST(view, rows_are_inside_of_the_matrix) {
  const auto m = matrix(memory, 8, 8);
  EXPECT_EQ(rows(m, 3, 5).pointer, memory + 24);
  EXPECT_EQ(rows(m, 8, 0).extent(0), 0);
  EXPECT_EQ(place_and_reason([&] { (void)rows(m, 4, 5); }),
            here(__LINE__ - 1, "rows: 5 rows from row 4 on are not inside of the 8 rows of the matrix"));
  EXPECT_EQ(place_and_reason([&] { (void)rows(m, too_large, 1); }),
            here(__LINE__ - 1, "rows: 1 rows from row 4294967299 on are not inside of the 8 rows of the matrix"));
}

/// A tensor of somebody else's, larger than ops take.
struct huge {
  static constexpr int rank() { return 2; }
  std::int64_t extent(int i) const { return i == 0 ? std::int64_t{1} << 31 : 1; }
  std::int64_t stride(int) const { return 1; }
  float* data_handle() const { return memory; }
};

TEST(view, a_foreign_tensor_that_is_too_large_is_refused_with_the_name_of_the_op) {
  const std::string why = "softmax: extent 0 of x is 2147483648; it must be at least 0 and at most 2147352575";
  EXPECT_EQ(place_and_reason([] { softmax(cpu(), huge{}, matrix(memory, 1, 1)); }), here(__LINE__, why));
}

TEST(view, the_stride_of_a_dimension_of_one_element_becomes_that_of_a_dense_tensor) {
  matrix_view<float> row = matrix(memory, 1, 8, 1000), column = matrix(memory, 8, 1, 5);
  column.strides[1] = 77;
  EXPECT_EQ(view(row).stride(0), 8);
  EXPECT_EQ(view(column).stride(1), 1);
  EXPECT_EQ(view(column).stride(0), 5);
}

struct converts_to_double {
  operator double() const { return 2.9; }
};
static_assert(extent_like<int> && extent_like<std::uint64_t> && extent_like<std::integral_constant<int, 3>>);
static_assert(!extent_like<double> && !extent_like<float> && !extent_like<converts_to_double>);

TEST(view, extents_at_the_ends_of_their_types) {
  EXPECT_EQ(place_and_reason([] { (void)vector(memory, ~std::uint64_t{0}); }),
            here(__LINE__ - 1,
                 "extent 0 of a view is 9223372036854775807; it must be at least 0 and at most 2147352575"));
  EXPECT_EQ((tensor_view<float, 4>(memory, 0, largest_extent, largest_extent, 4).size()), 0) << "no elements at all";
  tensor_view<float, 3> folded(memory, 1, 1, 1);
  for (int i = 0; i < 3; ++i) folded.extents[i] = 1 << 22, folded.strides[i] = 0;
  EXPECT_EQ(place_and_reason([&] { copy(cpu(), folded, folded); }),
            here(__LINE__ - 1, "copy: from has extents that multiply to 2^63 elements or more; no memory holds them"));
}

}  // namespace
