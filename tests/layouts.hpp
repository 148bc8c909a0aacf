// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Matrices in memory in every way that an op has to accept.
#pragma once

#include "tests/draw.hpp"
#include "tests/executors.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace tilery_tests {

/// dense: row-major. padded: rows apart by 16 more elements, still aligned. odd: begins at element 1, rows apart by one
/// more. column_major: the first dimension contiguous. spread: neither dimension contiguous.
enum class layout { dense, padded, odd, column_major, spread };
inline constexpr layout layouts[] = {layout::dense, layout::padded, layout::odd, layout::column_major, layout::spread};

constexpr const char* name_of(layout l) {
  constexpr const char* names[] = {"dense", "padded", "odd", "column_major", "spread"};
  return names[static_cast<int>(l)];
}

/// The value between the elements of a matrix: the least whole number, or the NaN with all bits set. A NaN without the
/// sign above a half or bf16 would now and then, with its neighbour, be the virtual GPU's pattern of memory that was
/// never written (simt/virtual/unwritten.hpp).
template <class T>
T gap() {
  if constexpr (std::is_integral_v<T>) return std::numeric_limits<T>::min();
  T value;
  std::memset(static_cast<void*>(&value), 0xff, sizeof(value));
  return value;
}

/// A matrix in an executor's memory, with gaps between its elements that must stay as they are.
template <class T>
struct placed {
  tilery::buffer<T> memory;
  tilery::matrix_view<T> view;

  tilery::matrix_view<const T> read() const { return view; }
};

/// Row-major values as a matrix with a layout that begins `offset` elements further.
template <class Fixture, class T>
placed<T> place(const Fixture& on, const std::vector<T>& values, int rows, int columns, layout how,
                std::int64_t offset = 0) {
  std::int64_t row_stride = columns, column_stride = 1;
  if (how == layout::padded) row_stride = (columns + 15) / 16 * 16 + 16;
  if (how == layout::odd) row_stride = columns + 1, offset += 1;
  if (how == layout::column_major) row_stride = 1, column_stride = rows;
  if (how == layout::spread) row_stride = 2 * columns + 1, column_stride = 2;
  const std::int64_t size = offset + std::max(rows - 1, 0) * row_stride + std::max(columns - 1, 0) * column_stride + 2;
  std::vector<T> all(static_cast<std::size_t>(size), gap<T>());
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j)
      all[offset + i * row_stride + j * column_stride] = values[static_cast<std::size_t>(i) * columns + j];
  placed<T> result{on.put(all), {}};
  result.view = tilery::matrix(result.memory.data_handle() + offset, rows, columns, row_stride);
  result.view.strides[1] = column_stride;
  return result;
}

/// The elements, row-major; fails where something between them was written.
template <class Fixture, class T>
std::vector<T> gather(const Fixture& on, const placed<T>& from) {
  std::vector<T> all = on.get(from.memory), values;
  const T* first = from.memory.data_handle();
  const T untouched = gap<T>();
  for (int i = 0; i < from.view.extents[0]; ++i)
    for (int j = 0; j < from.view.extents[1]; ++j) {
      T& element = all[(from.view.pointer - first) + i * from.view.strides[0] + j * from.view.strides[1]];
      values.push_back(element);
      element = untouched;
    }
  for (const T& rest : all)
    EXPECT_EQ(std::memcmp(&rest, &untouched, sizeof(T)), 0) << "an element outside of the output was written";
  return values;
}

/// Half a unit in the last place of numbers near 1.
template <class T>
constexpr double unit_roundoff() {
  return std::is_same_v<T, double>         ? 0x1p-53
         : std::is_same_v<T, float>        ? 0x1p-24
         : std::is_same_v<T, tilery::half> ? 0x1p-11
                                           : 0x1p-8;
}

/// check.template operator()<T>() for each type of a list.
template <class... T, class Check>
void for_types(Check&& check) {
  (check.template operator()<T>(), ...);
}

/// Runs a call that must be refused and returns its sentence.
template <class Call>
std::string refusal(Call&& call) {
  try {
    call();
  } catch (const tilery::error& e) {
    return e.what();
  }
  return "(nothing was refused)";
}

}  // namespace tilery_tests

#define EXPECT_REFUSED(call, sentence)                                              \
  EXPECT_NE(tilery_tests::refusal([&] { call; }).find(sentence), std::string::npos) \
      << tilery_tests::refusal([&] { call; })
