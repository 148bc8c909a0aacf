// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// copy and fill: each pair of element types, any strides, 1 to 5 dimensions, gaps that stay as they are.
#include "tests/layouts.hpp"

#include <tilery/copy.hpp>
#include <tilery/fill.hpp>
#include <tilery/validate.hpp>

#include <array>

namespace {

using namespace tilery;
using namespace tilery_tests;

/// How a tensor is stored: the order of its dimensions in memory, the last one innermost, and its gaps.
template <std::size_t Rank>
struct storage {
  std::array<int, Rank> order;
  int gap = 0;  // 0: none; 1: behind each row, which stays aligned; 2: behind each row; 3: behind each element, too
};
template <std::size_t Rank>
storage<Rank> draw_storage() {
  storage<Rank> s;
  for (std::size_t i = 0; i < Rank; ++i) s.order[i] = static_cast<int>(i);
  if (draw(0, 2) > 0)
    for (int i = static_cast<int>(Rank) - 1; i > 0; --i)
      std::swap(s.order[static_cast<std::size_t>(i)], s.order[static_cast<std::size_t>(draw(0, i))]);
  s.gap = draw(0, 3);
  return s;
}
template <std::size_t Rank>
std::array<std::int64_t, Rank> strides_of(const std::array<int, Rank>& extents, const storage<Rank>& s) {
  std::array<std::int64_t, Rank> strides{};
  std::int64_t step = s.gap == 3 ? 2 : 1;
  for (std::size_t i = Rank; i-- > 0;) {
    const auto d = static_cast<std::size_t>(s.order[i]);
    strides[d] = step;
    step *= extents[d];
    if (s.gap > 0 && i == Rank - 1) step = (step + 15) / 16 * 16 + (s.gap == 2 ? 1 : 0);
  }
  return strides;
}

/// Visits the offset of each element, in the order of the indices.
template <std::size_t Rank, class Visit>
void for_offsets(const std::array<int, Rank>& extents, const std::array<std::int64_t, Rank>& strides,
                 const Visit& visit) {
  std::array<int, Rank> index{};
  for (const int extent : extents)
    if (extent == 0) return;
  for (bool more = true; more;) {
    std::int64_t offset = 0;
    for (std::size_t d = 0; d < Rank; ++d) offset += index[d] * strides[d];
    visit(static_cast<std::size_t>(offset));
    more = false;
    for (std::size_t d = Rank; d-- > 0 && !more;) {
      more = ++index[d] < extents[d];
      if (!more) index[d] = 0;
    }
  }
}

template <class Executor>
class copy_on : public on_executor<Executor> {
public:
  template <class T, std::size_t Rank>
  struct placed_tensor {
    buffer<T> memory;
    tensor_view<T, static_cast<int>(Rank)> view;
    std::array<int, Rank> extents;
    std::array<std::int64_t, Rank> strides;
  };
  template <class T, std::size_t Rank>
  placed_tensor<T, Rank> place_tensor(const std::array<int, Rank>& extents,
                                      const std::array<std::int64_t, Rank>& strides,
                                      const std::vector<T>& values) const {
    std::int64_t last = 0;
    for (std::size_t d = 0; d < Rank; ++d) last += (extents[d] - 1) * strides[d];
    std::vector<T> all(static_cast<std::size_t>(last) + 8, gap<T>());
    std::size_t n = 0;
    for_offsets(extents, strides, [&](std::size_t offset) { all[offset] = values[n++]; });
    placed_tensor<T, Rank> result{this->put(all), {}, extents, strides};
    result.view.pointer = result.memory.data_handle();
    for (std::size_t d = 0; d < Rank; ++d) result.view.extents[d] = extents[d], result.view.strides[d] = strides[d];
    return result;
  }
  /// Fails where a gap was written.
  template <class T, std::size_t Rank>
  std::vector<T> gather_tensor(const placed_tensor<T, Rank>& from) const {
    std::vector<T> all = this->get(from.memory), values;
    const T untouched = gap<T>();
    for_offsets(from.extents, from.strides, [&](std::size_t offset) {
      values.push_back(all[offset]);
      all[offset] = untouched;
    });
    for (const T& rest : all) EXPECT_EQ(std::memcmp(&rest, &untouched, sizeof(T)), 0) << "a gap was written";
    return values;
  }

  template <class From, class To, std::size_t Rank>
  void check(const std::array<int, Rank>& extents) const {
    std::size_t size = 1;
    for (const int extent : extents) size *= static_cast<std::size_t>(extent);
    std::vector<From> values;
    for (std::size_t i = 0; i < size; ++i)
      if constexpr (std::is_integral_v<From>)
        values.push_back(static_cast<From>(draw(0, 100)));
      else
        values.push_back(convert<From>(static_cast<accumulator_t<From>>(draw(-400, 400)) / 16));
    const auto from = place_tensor<From>(extents, strides_of(extents, draw_storage<Rank>()), values);
    const auto to =
        place_tensor<To>(extents, strides_of(extents, draw_storage<Rank>()), std::vector<To>(size, gap<To>()));
    copy(this->executor, from.view, to.view);
    const auto got = gather_tensor(to);
    for (std::size_t i = 0; i < size; ++i) {
      const To expected = convert<To>(values[i]);
      ASSERT_EQ(std::memcmp(&got[i], &expected, sizeof(To)), 0)
          << element<From>::name << " to " << element<To>::name << ", element " << i << " of "
          << testing::PrintToString(extents) << ", strides " << testing::PrintToString(from.strides) << " to "
          << testing::PrintToString(to.strides);
    }
  }
};
TYPED_TEST_SUITE(copy_on, executors);

TYPED_TEST(copy_on, any_strides_and_types) {
  for (int round = 0; round < 8; ++round) {
    const std::array extents{draw(1, 4), draw(1, 20), draw(1, 70)};
    this->template check<float, float>(extents);
    this->template check<float, half>(extents);
    this->template check<half, float>(extents);
    this->template check<double, bf16>(extents);
    this->template check<bf16, double>(extents);
    this->template check<half, bf16>(extents);
    this->template check<float, fp8_e4m3>(extents);
    this->template check<fp8_e5m2, half>(extents);
    this->template check<tf32, float>(extents);
    this->template check<std::uint8_t, float>(extents);
    this->template check<std::int32_t, half>(extents);
    this->template check<std::int64_t, std::int64_t>(extents);
    this->template check<int8, int8>(extents);
  }
  this->template check<float, float>(std::array{3, 5, 3000});
  this->template check<bf16, float>(std::array{1, 1, 20000});
  this->template check<half, half>(std::array{1, 1, 1});
}

TYPED_TEST(copy_on, one_to_five_dimensions) {
  for (int round = 0; round < 24; ++round) {
    this->template check<half, float>(std::array{draw(1, 3000)});
    this->template check<half, float>(std::array{draw(1, 60), draw(1, 60)});
    this->template check<half, float>(std::array{draw(1, 12), draw(1, 12), draw(1, 20)});
    this->template check<half, float>(std::array{draw(1, 5), draw(1, 6), draw(1, 8), draw(1, 12)});
    this->template check<half, float>(std::array{draw(1, 4), draw(1, 4), draw(1, 6), draw(1, 6), draw(1, 9)});
    this->template check<float, float>(std::array{draw(1, 4), 2, draw(1, 6), draw(1, 6), 16});
  }
  // Rows of several dimensions, whole packs and not: 3 and 8 channels of images, and the channels first.
  this->template check<float, float>(std::array{2, 3, 20, 30, 3});
  this->template check<float, float>(std::array{2, 3, 20, 30, 8});
  this->template check<float, half>(std::array{2, 8, 3, 20, 30});
}

/// Tensors in memory as images are, channels last, to channels first and back.
TYPED_TEST(copy_on, channels_first_and_last) {
  constexpr std::array extents{2, 3, 9, 10, 4};  // n, d, h, w, c
  constexpr std::size_t size = 2 * 3 * 9 * 10 * 4;
  const std::vector<float> values = draw_values<float>(size);
  const buffer<float> last = this->put(values), first = this->put(std::vector<float>(size, 0.0f)),
                      back = this->put(std::vector<float>(size, 0.0f));
  const auto ndhwc = tensor(last.data_handle(), {2, 3, 9, 10, 4});
  const auto ncdhw = tensor(first.data_handle(), {2, 4, 3, 9, 10});
  copy(this->executor, permuted(ndhwc, {0, 4, 1, 2, 3}), ncdhw);
  copy(this->executor, permuted(ncdhw, {0, 2, 3, 4, 1}), tensor(back.data_handle(), {2, 3, 9, 10, 4}));
  const std::vector<float> got = this->get(first);
  std::size_t i = 0;
  for_offsets(extents, {1080, 90, 10, 1, 270}, [&](std::size_t offset) { ASSERT_EQ(got[offset], values[i++]); });
  EXPECT_EQ(this->get(back), values);
}

/// A broadcast is an input of any rank; an empty tensor is copied without a launch.
TYPED_TEST(copy_on, broadcasts_and_empty_tensors) {
  const buffer<float> bias = this->put(std::vector<float>{1, 2, 3, 4, 5});
  const buffer<float, 4> all(this->executor, 2, 3, 4, 5);
  const auto wide = strided_tensor(static_cast<const float*>(bias.data_handle()), {2, 3, 4, 5}, {0, 0, 0, 1});
  copy(this->executor, wide, all);
  const std::vector<float> got = this->get(all);
  for (std::size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], static_cast<float>(i % 5 + 1));
  copy(this->executor, tensor(static_cast<const float*>(nullptr), {2, 3, 0, 4, 5}),
       tensor(static_cast<half*>(nullptr), {2, 3, 0, 4, 5}));
}

TYPED_TEST(copy_on, vectors_matrices_and_the_host) {
  const std::vector<float> values = draw_values<float>(60);
  const auto from = place(*this, values, 6, 10, layout::spread), to = place(*this, values, 6, 10, layout::column_major);
  fill(this->executor, to.view, 0);
  copy(this->executor, from.view, to.view);
  EXPECT_EQ(gather(*this, to), values);
  copy(this->executor, to.view, to.view);  // in place
  EXPECT_EQ(gather(*this, to), values);

  const auto every_second = this->put(std::vector<float>(20, 5.0f));
  vector_view<float> v(every_second.data_handle(), 10);
  v.strides[0] = 2;
  matrix_view<float> row = rows(from.view, 2, 1);
  vector_view<const float> of_row(row.pointer, 10);
  of_row.strides[0] = row.strides[1];
  copy(this->executor, of_row, v);
  std::vector<float> expected(20, 5.0f), back(20);
  for (std::size_t i = 0; i < 10; ++i) expected[2 * i] = values[20 + i];
  copy(this->executor, every_second, vector(back.data(), 20));  // dense: between any two memories
  this->executor.wait();
  EXPECT_EQ(back, expected);
  copy(this->executor, vector(static_cast<const float*>(nullptr), 0), vector(static_cast<half*>(nullptr), 0));
}

TYPED_TEST(copy_on, fill_sets_each_element_and_no_other) {
  const auto check = [&]<class T>(auto value, T expected) {
    for (const layout how : layouts) {
      const auto to = place(*this, std::vector<T>(7 * 45, gap<T>()), 7, 45, how);
      fill(this->executor, to.view, value);
      for (const T& x : gather(*this, to)) ASSERT_EQ(std::memcmp(&x, &expected, sizeof(T)), 0) << name_of(how);
    }
    const auto fill_tensor = [&]<std::size_t Rank>(const std::array<int, Rank>& extents) {
      const storage<Rank> how = draw_storage<Rank>();
      const auto to = this->place_tensor(extents, strides_of(extents, how), std::vector<T>(240, gap<T>()));
      fill(this->executor, to.view, value);
      for (const T& x : this->gather_tensor(to)) ASSERT_EQ(std::memcmp(&x, &expected, sizeof(T)), 0) << how.gap;
    };
    fill_tensor(std::array{2, 3, 40});
    fill_tensor(std::array{2, 3, 2, 4, 5});
  };
  check(1.5, 1.5f);
  check(-0.0, -0.0);
  check(1.0 / 3, convert<half>(1.0f / 3));
  check(3, convert<bf16>(3.0f));
  check(0.5, convert<fp8_e4m3>(0.5f));
  check(-128, int8{-128});
  check(255, std::uint8_t{255});
  check(std::int64_t{1} << 40, std::int64_t{1} << 40);
  check(-7, std::int32_t{-7});
}

TYPED_TEST(copy_on, refuses_what_it_cannot_do) {
  const auto x = this->put(std::vector<float>(64, 7.0f));
  const auto bytes = this->put(std::vector<std::uint8_t>(4));
  float* p = x.data_handle();
  const auto& e = this->executor;
  EXPECT_REFUSED(copy(e, matrix(p, 3, 4), matrix(p + 32, 4, 3)),
                 "copy: extent 0 of from is 3 and of to 4; they must be equal");
  EXPECT_REFUSED(copy(e, matrix(p, 3, 4, 5), matrix(p + 4, 3, 4, 5)), "copy: to shares an element with from");
  EXPECT_FALSE(validate(e, [&](const auto& v) { copy(v, matrix(p, 3, 4, 8), matrix(p + 4, 3, 4, 8)); }));
  EXPECT_REFUSED(copy(e, matrix(p, 3, 4), matrix(p + 32, 3, 4, 3)),
                 "copy: to is written, but several of its elements have the same address because of its strides 3, 1");
  EXPECT_REFUSED(copy(e, matrix(static_cast<const float*>(nullptr), 3, 4), matrix(p, 3, 4)),
                 "copy: from is a null view of size 3 x 4");
  EXPECT_REFUSED(copy(e, matrix(static_cast<const float*>(nullptr), 3, 4, 5), matrix(p, 3, 4)),
                 "copy: from is a null view of size 3 x 4");
  EXPECT_REFUSED(copy(e, matrix(p, 3, 4), matrix(p + 11, 3, 4)),
                 "copy: to shares an element with from; the two must not overlap, or must be exactly the same view");
  EXPECT_REFUSED(fill(e, bytes, 256), "fill: the value is 256; elements of u8 cannot hold it");
  EXPECT_REFUSED(fill(e, bytes, -1), "fill: the value is -1; elements of u8 cannot hold it");
  EXPECT_REFUSED(fill(e, matrix(p, 3, 4, 0), 1),
                 "fill: to is written, but several of its elements have the same address");
  EXPECT_EQ(this->get(x), std::vector<float>(64, 7.0f)) << "nothing was written";
}

// Nothing is launched: there is no such memory here.
TYPED_TEST(copy_on, counts_elements_in_64_bits) {
  const auto far = [](std::int64_t tera) { return reinterpret_cast<half*>(tera << 41); };
  const auto wanted = [&](const auto& from, const auto& to) {
    return validate(this->executor, [&](const auto& v) { copy(v, from, to); });
  };
  const auto host = [](const finding& f) { return !f || std::string(f.c_str()).find("memory") != std::string::npos; };
  const matrix_view<half> padded = matrix(far(1), 1 << 20, 1 << 16, 1 << 17);
  EXPECT_TRUE(host(wanted(padded, matrix(far(2), 1 << 20, 1 << 16)))) << "2^36 elements";
  matrix_view<half> columns(far(1), largest_extent, 4), rows(far(2), largest_extent, 4);
  columns.strides[0] = 1, columns.strides[1] = std::int64_t{1} << 32;
  EXPECT_TRUE(host(wanted(columns, rows)));
  const tensor_view<half, 3> inner(far(2), 1 << 18, 1 << 18, 2);
  EXPECT_TRUE(host(wanted(strided_tensor(far(1), {1 << 18, 1 << 18, 2}, {4, 1 << 21, 1}), inner)));
  EXPECT_EQ(wanted(strided_tensor(far(1), {1 << 16, 1 << 16, 1 << 12}, {1, 1 << 16, std::int64_t{1} << 32}),
                   strided_tensor(far(1024), {1 << 16, 1 << 16, 1 << 12}, {std::int64_t{1} << 29, 1 << 13, 1})),
            "copy: the dimensions outside of a row of 4096 elements have 4294967296 elements; they must have at most "
            "2147352575");
}

/// The rows of a kernel that copies between two tensors, in numbers.
struct rows_and_columns {
  std::int64_t rows;
  std::int32_t columns, dimensions_of_column, dimensions_of_row;
  bool packs_of_4;

  friend bool operator==(const rows_and_columns&, const rows_and_columns&) = default;
  friend std::ostream& operator<<(std::ostream& to, const rows_and_columns& r) {
    return to << r.rows << " rows, " << r.columns << " columns, " << r.dimensions_of_column << " and "
              << r.dimensions_of_row << " dimensions, packs of 4: " << r.packs_of_4;
  }
};
template <int Rank>
rows_and_columns rows_of(ops::row_form form, const tensor_view<float, Rank>& to, const tensor_view<float, Rank>& from) {
  const ops::rows_of_tensors<2> walk(form, to, from);
  const auto all = walk.dimensions();
  return {walk.rows(), all.columns, all.of_column.size, all.of_row.size, walk.has_packs(4)};
}

TEST(copy, joins_dimensions_into_rows) {
  float* const p = nullptr;
  const auto dense = tensor(p, {2, 3, 20, 30, 8});
  for (const auto form : {ops::row_form::one_dimension, ops::row_form::several_dimensions}) {
    EXPECT_EQ(rows_of(form, dense, dense), (rows_and_columns{1, 28800, 1, 0, true})) << "dense: one row, no division";
    EXPECT_EQ(rows_of(form, permuted(dense, {4, 0, 2, 1, 3}), permuted(dense, {4, 0, 2, 1, 3})),
              (rows_and_columns{1, 28800, 1, 0, true}))
        << "dense, its dimensions in another order";
    EXPECT_EQ(rows_of(form, tensor(p, {1, 1, 1, 1, 1}), tensor(p, {1, 1, 1, 1, 1})),
              (rows_and_columns{1, 1, 1, 0, true}));
    EXPECT_EQ(rows_of(form, tensor(p, {40, 5000}), strided_tensor(p, {40, 5000}, {6000, 1})),
              (rows_and_columns{40, 5000, 1, 1, true}));
    EXPECT_EQ(rows_of(form, tensor(p, {2, 3, 4, 5000}), strided_tensor(p, {2, 3, 4, 5000}, {60000, 20000, 5000, 1})),
              (rows_and_columns{1, 120000, 1, 0, true}));
  }
  // Eight of sixteen channels, and three channels that become the first dimension behind n.
  const auto slices = strided_tensor(p, {2, 3, 20, 30, 8}, {28800, 9600, 480, 16, 1});
  EXPECT_EQ(rows_of(ops::row_form::several_dimensions, dense, slices), (rows_and_columns{1, 28800, 2, 0, true}));
  EXPECT_EQ(rows_of(ops::row_form::one_dimension, dense, slices), (rows_and_columns{3600, 8, 1, 1, true}));
  const auto images = tensor(p, {2, 600, 700, 3}), first = permuted(tensor(p, {2, 3, 600, 700}), {0, 2, 3, 1});
  EXPECT_EQ(rows_of(ops::row_form::several_dimensions, images, first), (rows_and_columns{2, 1260000, 2, 1, false}));
  EXPECT_EQ(rows_of(ops::row_form::one_dimension, images, first), (rows_and_columns{6, 420000, 1, 2, false}));
}

TYPED_TEST(copy_on, all_integers) {
  const std::array extents{2, 5, 9};
  this->template check<std::int16_t, std::int16_t>(extents);
  this->template check<std::uint16_t, float>(extents);
  this->template check<long long, long long>(extents);
  this->template check<long long, double>(extents);
  this->template check<unsigned long, half>(extents);
  this->template check<char, bf16>(extents);
  this->template check<char16_t, double>(extents);
  this->template check<char32_t, char32_t>(extents);
  this->template check<char32_t, float>(extents);
  this->template check<wchar_t, wchar_t>(extents);
  this->template check<wchar_t, half>(extents);
}

template <class... T>
constexpr bool have_bits_of_their_size = ((sizeof(typename element<T>::bits) == sizeof(T)) && ...);
static_assert(
    have_bits_of_their_size<bool, char, signed char, unsigned char, short, unsigned short, int, unsigned, long,
                            unsigned long, long long, unsigned long long, char8_t, char16_t, char32_t, wchar_t>);

TYPED_TEST(copy_on, fill_refuses_what_an_integer_does_not_hold) {
  const auto x = this->put(std::vector<std::int32_t>(4, 7));
  const auto longs = this->put(std::vector<std::int64_t>(4, 7));
  const auto& e = this->executor;
  EXPECT_REFUSED(fill(e, x, 3.7), "fill: the value is 3.7; elements of s32 cannot hold it");
  EXPECT_REFUSED(fill(e, x, NAN), "fill: the value is nan; elements of s32 cannot hold it");
  EXPECT_REFUSED(fill(e, x, 1e30), "fill: the value is 1e+30; elements of s32 cannot hold it");
  EXPECT_REFUSED(fill(e, x, 0x1p31), "fill: the value is 2147483648; elements of s32 cannot hold it");
  EXPECT_REFUSED(fill(e, x, 4294967295u), "fill: the value is 4294967295; elements of s32 cannot hold it");
  EXPECT_REFUSED(fill(e, longs, ~std::uint64_t{0}), "cannot hold it");
  EXPECT_EQ(this->get(x), std::vector<std::int32_t>(4, 7)) << "nothing was written";
  fill(e, x, -0x1p31);
  EXPECT_EQ(this->get(x)[3], std::numeric_limits<std::int32_t>::min());
  fill(e, longs, 0x1p62);
  EXPECT_EQ(this->get(longs)[3], std::int64_t{1} << 62);
}

}  // namespace
