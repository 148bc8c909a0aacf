// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// copy and fill: each pair of element types, any strides, 1 to 3 dimensions, gaps that stay as they are.
#include "tests/layouts.hpp"

#include <tilery/copy.hpp>
#include <tilery/fill.hpp>
#include <tilery/validate.hpp>

#include <array>

namespace {

using namespace tilery;
using namespace tilery_tests;

/// A tensor's strides for dimensions in this order in memory, the last one fastest, with gaps.
std::array<std::int64_t, 3> strides_of(const std::array<int, 3>& extents, const std::array<int, 3>& order, int gap) {
  std::array<std::int64_t, 3> strides{};
  std::int64_t step = gap == 3 ? 2 : 1;
  for (int i = 2; i >= 0; --i) {
    const auto d = static_cast<std::size_t>(order[static_cast<std::size_t>(i)]);
    strides[d] = step;
    step *= extents[d];
    if (gap > 0 && i == 2) step = (step + 15) / 16 * 16 + (gap == 2 ? 1 : 0);
  }
  return strides;
}

constexpr std::array<std::array<int, 3>, 4> orders = {{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {0, 2, 1}}};

template <class Executor>
class copy_on : public on_executor<Executor> {
public:
  template <class T>
  struct placed_tensor {
    buffer<T> memory;
    tensor_view<T, 3> view;
  };
  template <class T>
  placed_tensor<T> place3(const std::array<int, 3>& extents, const std::array<std::int64_t, 3>& strides,
                          const std::vector<T>& values) const {
    std::int64_t last = 0;
    for (std::size_t d = 0; d < 3; ++d) last += (extents[d] - 1) * strides[d];
    std::vector<T> all(static_cast<std::size_t>(last) + 8, gap<T>());
    std::size_t n = 0;
    for (int h = 0; h < extents[0]; ++h)
      for (int i = 0; i < extents[1]; ++i)
        for (int j = 0; j < extents[2]; ++j)
          all[static_cast<std::size_t>(h * strides[0] + i * strides[1] + j * strides[2])] = values[n++];
    placed_tensor<T> result{this->put(all), {}};
    result.view = tensor_view<T, 3>(result.memory.data_handle(), extents[0], extents[1], extents[2]);
    for (std::size_t d = 0; d < 3; ++d) result.view.strides[d] = strides[d];
    return result;
  }
  /// Fails where a gap was written.
  template <class T>
  std::vector<T> gather3(const placed_tensor<T>& from) const {
    std::vector<T> all = this->get(from.memory), values;
    const tensor_view<T, 3>& v = from.view;
    const T untouched = gap<T>();
    for (int h = 0; h < v.extents[0]; ++h)
      for (int i = 0; i < v.extents[1]; ++i)
        for (int j = 0; j < v.extents[2]; ++j) {
          T& element = all[static_cast<std::size_t>(h * v.strides[0] + i * v.strides[1] + j * v.strides[2])];
          values.push_back(element);
          element = untouched;
        }
    for (const T& rest : all) EXPECT_EQ(std::memcmp(&rest, &untouched, sizeof(T)), 0) << "a gap was written";
    return values;
  }

  template <class From, class To>
  void check(const std::array<int, 3>& extents) const {
    const auto& from_order = orders[static_cast<std::size_t>(draw(0, 3))];
    const auto& to_order = orders[static_cast<std::size_t>(draw(0, 3))];
    const auto size = static_cast<std::size_t>(extents[0]) * extents[1] * extents[2];
    std::vector<From> values;
    for (std::size_t i = 0; i < size; ++i)
      if constexpr (std::is_integral_v<From>)
        values.push_back(static_cast<From>(draw(0, 100)));
      else
        values.push_back(convert<From>(static_cast<accumulator_t<From>>(draw(-400, 400)) / 16));
    const auto from = place3<From>(extents, strides_of(extents, from_order, draw(0, 3)), values);
    const auto to = place3<To>(extents, strides_of(extents, to_order, draw(0, 3)), std::vector<To>(size, gap<To>()));
    copy(this->executor, from.view, to.view);
    const auto got = gather3(to);
    for (std::size_t i = 0; i < size; ++i) {
      const To expected = convert<To>(values[i]);
      ASSERT_EQ(std::memcmp(&got[i], &expected, sizeof(To)), 0)
          << element<From>::name << " to " << element<To>::name << ", element " << i << " of " << extents[0] << " x "
          << extents[1] << " x " << extents[2];
    }
  }
};
TYPED_TEST_SUITE(copy_on, executors);

TYPED_TEST(copy_on, any_strides_and_types) {
  for (int round = 0; round < 8; ++round) {
    const std::array<int, 3> extents{draw(1, 4), draw(1, 20), draw(1, 70)};
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
  this->template check<float, float>({3, 5, 3000});
  this->template check<bf16, float>({1, 1, 20000});
  this->template check<half, half>({1, 1, 1});
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
    const std::array<int, 3> extents{2, 3, 40};
    const auto to = this->template place3<T>(extents, strides_of(extents, orders[1], 2), std::vector<T>(240, gap<T>()));
    fill(this->executor, to.view, value);
    for (const T& x : this->gather3(to)) ASSERT_EQ(std::memcmp(&x, &expected, sizeof(T)), 0);
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
                 "copy: to is written, but several of its elements are in one place by its strides 3, 1");
  EXPECT_REFUSED(copy(e, matrix(static_cast<const float*>(nullptr), 3, 4), matrix(p, 3, 4)),
                 "copy: from is a null view of size 3 x 4");
  EXPECT_REFUSED(copy(e, matrix(static_cast<const float*>(nullptr), 3, 4, 5), matrix(p, 3, 4)),
                 "copy: from is a null view of size 3 x 4");
  EXPECT_REFUSED(copy(e, matrix(p, 3, 4), matrix(p + 11, 3, 4)),
                 "copy: to shares an element with from; the two must be apart, or exactly the same view");
  EXPECT_REFUSED(fill(e, bytes, 256), "fill: the value is 256; elements of u8 cannot hold it");
  EXPECT_REFUSED(fill(e, bytes, -1), "fill: the value is -1; elements of u8 cannot hold it");
  EXPECT_REFUSED(fill(e, matrix(p, 3, 4, 0), 1), "fill: to is written, but several of its elements are in one place");
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
  tensor_view<half, 3> outer(far(1), 1 << 18, 1 << 18, 2), inner(far(2), 1 << 18, 1 << 18, 2);
  outer.strides[0] = 4, outer.strides[1] = std::int64_t{1} << 21, outer.strides[2] = 1;
  EXPECT_EQ(
      wanted(outer, inner),
      "copy: the dimensions beside the contiguous one have 68719476736 elements; they must have at most 2147352575");
}

TYPED_TEST(copy_on, all_integers) {
  const std::array<int, 3> extents{2, 5, 9};
  this->template check<std::int16_t, std::int16_t>(extents);
  this->template check<std::uint16_t, float>(extents);
  this->template check<long long, long long>(extents);
  this->template check<long long, double>(extents);
  this->template check<unsigned long, half>(extents);
  this->template check<char, bf16>(extents);
}

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
