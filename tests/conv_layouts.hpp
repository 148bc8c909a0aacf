// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Images and filters in memory in every order that a convolution has to accept. All are views with the dimensions
// (image, spatial..., channel) or (filter, taps..., channel).
#pragma once

#include "tests/conv_reference.hpp"
#include "tests/layouts.hpp"

namespace tilery_tests {

/// channels_last: dense, the channels contiguous. padded: the same with 16 or more unused elements after the channels,
/// the rows and the images; still aligned. odd: the same with 1 unused element, and a first element that is not
/// aligned. channels_first: dense, the width contiguous, then height, depth and channel. spread: no dimension
/// contiguous.
enum class image_order { channels_last, padded, odd, channels_first, spread };
inline constexpr image_order image_orders[] = {image_order::channels_last, image_order::padded, image_order::odd,
                                               image_order::channels_first, image_order::spread};

constexpr const char* name_of(image_order order) {
  constexpr const char* names[] = {"channels_last", "padded", "odd", "channels_first", "spread"};
  return names[static_cast<int>(order)];
}
inline image_order any_order() { return image_orders[draw(0, 4)]; }

/// Images or filters in an executor's memory, with gaps between their elements that must stay as they are.
template <class T, int Rank>
struct placed_images {
  tilery::buffer<T> memory;
  tilery::tensor_view<T, Rank> view;

  tilery::tensor_view<const T, Rank> read() const { return view; }
};

/// The dimension of (image, depth, height, width, channel) that dimension d of a view with fewer dimensions is.
template <int Rank>
constexpr int dimension_of_five(int d) {
  return d == 0 ? 0 : d + 5 - Rank;
}

/// Dense values of five dimensions as a view of Rank dimensions: the extents of those that it lacks must be 1.
template <int Rank, class Fixture, class T>
placed_images<T, Rank> place_images(const Fixture& on, const std::vector<T>& values, const conv_case::extents& extents,
                                    image_order how) {
  constexpr int channels_last[] = {4, 3, 2, 1, 0}, channels_first[] = {3, 2, 1, 4, 0};
  const bool is_first = how == image_order::channels_first;
  std::int64_t strides[5] = {}, step = how == image_order::spread ? 2 : 1;
  for (const int d : is_first ? channels_first : channels_last) {
    strides[d] = step;
    step *= std::max(extents[d], 1);
    if (how == image_order::padded) step = (step + 15) / 16 * 16 + 16;
    if (how == image_order::odd || how == image_order::spread) ++step;
  }
  const std::int64_t offset = how == image_order::odd ? 1 : 0;
  std::vector<T> all(static_cast<std::size_t>(offset + step + 2), gap<T>());
  std::size_t next = 0;
  each_element(extents, [&](const conv_case::extents& at) {
    std::int64_t place = offset;
    for (int d = 0; d < 5; ++d) place += at[d] * strides[d];
    all[static_cast<std::size_t>(place)] = values[next++];
  });
  placed_images<T, Rank> result{on.put(all), {}};
  result.view.pointer = result.memory.data_handle() + offset;
  for (int d = 0; d < Rank; ++d) {
    result.view.extents[d] = extents[dimension_of_five<Rank>(d)];
    result.view.strides[d] = strides[dimension_of_five<Rank>(d)];
  }
  return result;
}

/// The elements in the order of the view's dimensions, the last one fastest. Fails if something between them was
/// written.
template <class Fixture, class T, int Rank>
std::vector<T> gather(const Fixture& on, const placed_images<T, Rank>& from) {
  std::vector<T> all = on.get(from.memory), values;
  const T untouched = gap<T>();
  conv_case::extents extents{1, 1, 1, 1, 1};
  for (int d = 0; d < Rank; ++d) extents[dimension_of_five<Rank>(d)] = from.view.extents[d];
  each_element(extents, [&](const conv_case::extents& at) {
    std::int64_t place = from.view.pointer - from.memory.data_handle();
    for (int d = 0; d < Rank; ++d) place += at[dimension_of_five<Rank>(d)] * from.view.strides[d];
    T& element = all[static_cast<std::size_t>(place)];
    values.push_back(element);
    element = untouched;
  });
  int written = 0;
  for (const T& rest : all) written += std::memcmp(&rest, &untouched, sizeof(T)) != 0;
  EXPECT_EQ(written, 0) << "elements outside of the output were written";
  return values;
}

/// The values as doubles.
template <class T>
std::vector<double> as_doubles(const std::vector<T>& values) {
  std::vector<double> result;
  for (const T& value : values) result.push_back(as_double(value));
  return result;
}

/// Exact numbers as the output type R stores them.
template <class R>
std::vector<double> stored_as(const std::vector<double>& exact) {
  std::vector<double> result;
  for (const double number : exact)
    result.push_back(as_double(tilery::convert<R>(static_cast<tilery::accumulator_t<R>>(number))));
  return result;
}

/// Fails unless all numbers are equal, and says where the first one differs. -0 equals 0.
inline void expect_equal(const std::vector<double>& got, const std::vector<double>& want, const std::string& of) {
  ASSERT_EQ(got.size(), want.size()) << of;
  std::size_t different = 0, first = 0;
  for (std::size_t i = got.size(); i-- > 0;)
    if (!(got[i] == want[i])) ++different, first = i;
  if (different == 0) return;
  ADD_FAILURE() << different << " of " << got.size() << " elements are wrong; the first is element " << first << ", "
                << got[first] << " instead of " << want[first] << ": " << of;
}

}  // namespace tilery_tests
