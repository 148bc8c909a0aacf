// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tensors of pixels (n, d, h, w, c) in memory in every way that an op has to accept, and their values as doubles.
#pragma once

#include "tests/layouts.hpp"

#include <array>

namespace tilery_tests {

/// Extents or a position: n, d, h, w, c. Tensors of fewer spatial dimensions have d = 1, or d = h = 1.
using five = std::array<int, 5>;

inline std::int64_t count_of(const five& extents) {
  std::int64_t n = 1;
  for (const int extent : extents) n *= extent;
  return n;
}

/// Visits each position, in the order of the indices.
template <class Visit>
void for_each_position(const five& extents, const Visit& visit) {
  five at{};
  for (at[0] = 0; at[0] < extents[0]; ++at[0])
    for (at[1] = 0; at[1] < extents[1]; ++at[1])
      for (at[2] = 0; at[2] < extents[2]; ++at[2])
        for (at[3] = 0; at[3] < extents[3]; ++at[3])
          for (at[4] = 0; at[4] < extents[4]; ++at[4]) visit(at);
}

/// Values by position, for references.
template <class T>
class grid {
public:
  explicit grid(const five& of) : extents(of), values(static_cast<std::size_t>(count_of(of))) {}
  T& operator[](const five& at) { return values[place(at)]; }
  const T& operator[](const five& at) const { return values[place(at)]; }

  five extents;
  std::vector<T> values;

private:
  std::size_t place(const five& at) const {
    std::size_t p = 0;
    for (std::size_t i = 0; i < 5; ++i) p = p * static_cast<std::size_t>(extents[i]) + static_cast<std::size_t>(at[i]);
    return p;
  }
};

/// Whole numbers in [-most, most] times `factor`.
inline grid<double> draw_grid(const five& extents, int most, double factor = 1) {
  grid<double> result(extents);
  for (double& v : result.values) v = draw(-most, most) * factor;
  return result;
}

/// channels_last: dense. padded: rows of pixels and images apart by 16 more elements, still aligned. odd: begins at
/// element 1, pixels apart by one more element. channels_first: dense as (n, c, d, h, w). spread: neither channels nor
/// pixels contiguous.
enum class pixel_layout { channels_last, padded, odd, channels_first, spread };
inline constexpr pixel_layout pixel_layouts[] = {pixel_layout::channels_last, pixel_layout::padded, pixel_layout::odd,
                                                 pixel_layout::channels_first, pixel_layout::spread};
inline pixel_layout draw_layout() { return pixel_layouts[draw(0, 4)]; }

constexpr const char* name_of(pixel_layout l) {
  constexpr const char* names[] = {"channels_last", "padded", "odd", "channels_first", "spread"};
  return names[static_cast<int>(l)];
}

/// A tensor in an executor's memory, with N spatial dimensions, and gaps that must stay as they are.
template <class T, int N>
struct placed_pixels {
  tilery::buffer<T> memory;
  tilery::tensor_view<T, N + 2> view;
  five extents;
  std::array<std::int64_t, 5> strides;
  std::int64_t offset;

  tilery::tensor_view<const T, N + 2> read() const { return view; }
  std::size_t place(const five& at) const {
    std::int64_t p = offset;
    for (std::size_t i = 0; i < 5; ++i) p += at[i] * strides[i];
    return static_cast<std::size_t>(p);
  }
};

/// Puts the values, converted to T, into the executor's memory. The first 3 - N spatial extents are 1.
template <int N, class T, class Fixture, class Value>
placed_pixels<T, N> place_pixels(const Fixture& on, const grid<Value>& values, pixel_layout how) {
  const five& e = values.extents;
  placed_pixels<T, N> result{{}, {}, e, {}, how == pixel_layout::odd ? 1 : 0};
  const auto at_least_one = [](std::int64_t extent) { return extent > 0 ? extent : 1; };
  std::int64_t step = how == pixel_layout::spread ? 2 : 1;
  const auto next = [&](std::size_t dimension, std::int64_t gap) {
    result.strides[dimension] = step;
    step = step * at_least_one(e[dimension]) + gap;
  };
  if (how == pixel_layout::channels_first) {
    for (const std::size_t d : {3u, 2u, 1u, 4u, 0u}) next(d, 0);
  } else {
    next(4, how == pixel_layout::odd || how == pixel_layout::spread ? 1 : 0);
    next(3, how == pixel_layout::padded ? 16 : 0);
    next(2, 0), next(1, how == pixel_layout::padded ? 32 : 0), next(0, 0);
  }
  std::int64_t last = result.offset;
  for (std::size_t i = 0; i < 5; ++i) last += (at_least_one(e[i]) - 1) * result.strides[i];
  std::vector<T> all(static_cast<std::size_t>(last) + 2, gap<T>());
  for_each_position(e, [&](const five& at) {
    if constexpr (std::is_integral_v<T>)
      all[result.place(at)] = static_cast<T>(values[at]);
    else
      all[result.place(at)] = tilery::convert<T>(static_cast<tilery::accumulator_t<T>>(values[at]));
  });
  result.memory = on.put(all);
  result.view.pointer = result.memory.data_handle() + result.offset;
  for (int i = 0; i < N + 2; ++i) {
    const std::size_t from = static_cast<std::size_t>(i == 0 ? 0 : i + 3 - N);
    result.view.extents[i] = e[from], result.view.strides[i] = result.strides[from];
  }
  return result;
}

/// The elements as they are; fails where a gap was written.
template <class Fixture, class T, int N>
grid<T> gather_pixels(const Fixture& on, const placed_pixels<T, N>& from) {
  std::vector<T> all = on.get(from.memory);
  grid<T> result(from.extents);
  const T untouched = gap<T>();
  for_each_position(from.extents, [&](const five& at) {
    result[at] = all[from.place(at)];
    all[from.place(at)] = untouched;
  });
  for (const T& rest : all)
    EXPECT_EQ(std::memcmp(&rest, &untouched, sizeof(T)), 0) << "an element outside of the output was written";
  return result;
}

/// Fails if a value is not the wanted one, converted to T. NaN equals NaN, and +0 equals -0.
template <class T>
void expect_values(const grid<T>& got, const grid<double>& want, const char* what) {
  ASSERT_EQ(got.extents, want.extents);
  for_each_position(got.extents, [&](const five& at) {
    double w = want[at];
    if constexpr (!std::is_integral_v<T>)
      w = as_double(tilery::convert<T>(static_cast<tilery::accumulator_t<T>>(want[at])));
    const double g = as_double(got[at]);
    if (g != w && !(std::isnan(g) && std::isnan(w)))
      ADD_FAILURE() << what << " of " << tilery::element<T>::name << " at " << testing::PrintToString(at) << " of "
                    << testing::PrintToString(got.extents) << " is " << g << ", not " << w;
  });
}

/// The sum of the products of two tensors' elements.
template <class T, class U>
double dot(const grid<T>& a, const grid<U>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i) sum += static_cast<double>(a.values[i]) * b.values[i];
  return sum;
}

}  // namespace tilery_tests
