// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Views of 1 to 5 dimensions: how they are made, permuted and sliced; sizes that 32 bits do not hold, each refused at
// the caller's line.
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

TEST(view, tensors_of_one_to_five_dimensions) {
  EXPECT_EQ(tensor(memory, {7}).extent(0), 7);
  const auto v = tensor(memory, {2, std::size_t{3}, std::int64_t{4}, short{5}, 6});
  static_assert(std::is_same_v<decltype(v), const tensor_view<float, 5>>);
  const std::int64_t strides[] = {360, 120, 30, 6, 1}, extents[] = {2, 3, 4, 5, 6};
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(v.extent(i), extents[i]) << i;
    EXPECT_EQ(v.stride(i), strides[i]) << i;
  }
  EXPECT_EQ(v.size(), 720);
  EXPECT_TRUE(v.dense());
  const tensor_view<const float, 5> read = tensor_view<float, 5>(memory, 2, 3, 4, 5, 6);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(read.stride(i), strides[i]) << i;
  const auto padded = strided_tensor(memory, {2, 3, 4, 5, 6}, {1000, 320, std::size_t{80}, 16, 2});
  EXPECT_FALSE(padded.dense());
  EXPECT_EQ(padded.stride(2), 80);
  constexpr auto at_compile_time = tensor(static_cast<const float*>(nullptr), {2, 3, 4, 5});
  static_assert(at_compile_time.size() == 120 && at_compile_time.dense());
  const buffer<float, 5> owned(cpu(), 2, 3, 4, 5, 6);
  EXPECT_EQ(owned.size(), 720);
  EXPECT_EQ(owned.stride(1), 120);
  static_assert(tensor_like<buffer<float, 5>, 5> && tensor_like<tensor_view<float, 4>, 4>);

  const std::string why = "extent 3 of a view is 4294967299; it must be at least 0 and at most 2147352575";
  EXPECT_EQ(place_and_reason([] { (void)tensor(memory, {1, 1, 1, too_large, 1}); }), here(__LINE__, why));
  EXPECT_EQ(place_and_reason([] {
              (void)strided_tensor(memory, {1, 1, 1, too_large}, {1, 1, 1, 1});
            }),
            here(__LINE__ - 3, why));
  EXPECT_EQ(place_and_reason([] { (void)buffer<float, 5>(cpu(), 1, 1, 1, too_large, 1); }), here(__LINE__, why));
  EXPECT_EQ(place_and_reason([] {
              (void)tensor(memory, {1 << 20, 1 << 20, 1 << 20, 1, 8});
            }),
            here(__LINE__ - 3, "the extents of a view multiply to 2^63 elements or more; no memory holds them"));
}

TEST(view, permuted_and_sliced) {
  const auto images = tensor(memory, {2, 3, 4, 5});  // n, h, w, c
  const auto channels_first = permuted(images, {0, 3, 1, 2});
  const std::int64_t extents[] = {2, 5, 3, 4}, strides[] = {60, 1, 20, 5};
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(channels_first.extent(i), extents[i]) << i;
    EXPECT_EQ(channels_first.stride(i), strides[i]) << i;
  }
  EXPECT_EQ(transposed(matrix(memory, 3, 4)).extent(0), 4);
  EXPECT_EQ(transposed(matrix(memory, 3, 4)).stride(0), 1);
  EXPECT_EQ(place_and_reason([&] {
              (void)permuted(images, {0, 1, 2, 4});
            }),
            here(__LINE__ - 3, "permuted: dimension 4 is not one of the 4 of the tensor"));
  EXPECT_EQ(place_and_reason([&] {
              (void)permuted(images, {0, 1, 1, 2});
            }),
            here(__LINE__ - 3, "permuted: dimension 1 is given twice; each must be given once"));

  const auto middle = slice(images, 2, 1, 2);
  EXPECT_EQ(middle.pointer, memory + 5);
  EXPECT_EQ(middle.extent(2), 2);
  EXPECT_EQ(middle.stride(1), 20);
  EXPECT_FALSE(middle.dense());
  EXPECT_EQ(slice(images, 0, 2, 0).size(), 0);
  EXPECT_EQ(place_and_reason([&] { (void)slice(images, 3, 4, 2); }),
            here(__LINE__ - 1, "slice: 2 elements from 4 on are not inside of the 5 of dimension 3"));
  EXPECT_EQ(place_and_reason([&] { (void)slice(images, 4, 0, 1); }),
            here(__LINE__ - 1, "slice: dimension 4 is not one of the 4 of the tensor"));
}

TEST(view, the_number_of_elements_is_a_64_bit_number) {
  EXPECT_EQ(matrix(memory, 1 << 20, 1 << 20).size(), std::int64_t{1} << 40);
  EXPECT_EQ(place_and_reason([] { (void)tensor_view<float, 3>(memory, 1 << 30, 1 << 30, 8); }),
            here(__LINE__ - 1, "the extents of a view multiply to 2^63 elements or more; no memory holds them"));
  EXPECT_EQ(place_and_reason([] { (void)buffer<double, 3>(cpu(), 1 << 30, 1 << 30, 1); }),
            here(__LINE__ - 1, "the extents of a buffer multiply to 2^63 bytes or more; no memory holds them"));
  EXPECT_EQ(tensor(memory, {64, 128, 128, 128, 64}).size(), std::int64_t{1} << 33);
  EXPECT_EQ(tensor(memory, {64, 128, 128, 128, 64}).stride(0), std::int64_t{1} << 27);
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
