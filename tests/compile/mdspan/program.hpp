// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A program that hands mdspans to ops, in each layout and with each way to give extents; `lib` is the namespace of the
// library they come from. Included by a unit for each library.
#include <tilery/copy.hpp>
#include <tilery/cpu.hpp>
#include <tilery/fill.hpp>
#include <tilery/gemm.hpp>
#include <tilery/gemm_batched.hpp>
#include <tilery/softmax.hpp>
#include <tilery/validate.hpp>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <vector>

namespace {

const tilery::cpu executor;
int failures = 0;

void expect(bool right, const char* what) {
  if (!right) std::printf("%s: wrong\n", what), ++failures;
}

constexpr int m = 5, n = 7, k = 6;

/// The product of two mdspans by their own element access, and by `gemm`.
template <class A, class B, class C>
void multiply(const char* what, const A& a, const B& b, const C& c, const std::vector<float>& memory_of_a,
              const std::vector<float>& memory_of_b) {
  expect(memory_of_a.size() >= m * k && memory_of_b.size() >= k * n, what);
  const auto index = [](int i, int j) { return std::array<int, 2>{i, j}; };
  tilery::gemm(executor, a, b, c);
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) {
      double sum = 0;
      for (int l = 0; l < k; ++l) sum += double(lib::element(a, index(i, l))) * lib::element(b, index(l, j));
      expect(std::fabs(lib::element(c, index(i, j)) - sum) < 1e-4, what);
    }
}

std::vector<float> numbers(int size) {
  std::vector<float> all(static_cast<std::size_t>(size));
  for (int i = 0; i < size; ++i) all[static_cast<std::size_t>(i)] = static_cast<float>((i * 37 + 11) % 64) / 32 - 1;
  return all;
}

/// A layout that is not linear: the distance between two rows depends on the row.
struct no_strides {
  template <class Extents>
  struct mapping {
    using extents_type = Extents;
    using index_type = typename Extents::index_type;
    using size_type = typename Extents::size_type;
    using rank_type = typename Extents::rank_type;
    using layout_type = no_strides;
    Extents all;
    mapping() = default;
    constexpr explicit mapping(const Extents& e) : all(e) {}
    constexpr const Extents& extents() const { return all; }
    constexpr index_type required_span_size() const { return 0; }
    constexpr index_type operator()(auto i, auto j) const { return i * i + j; }
    static constexpr bool is_always_unique() { return true; }
    static constexpr bool is_always_exhaustive() { return false; }
    static constexpr bool is_always_strided() { return false; }
    static constexpr bool is_unique() { return true; }
    static constexpr bool is_exhaustive() { return false; }
    static constexpr bool is_strided() { return false; }
    constexpr index_type stride(rank_type) const { return 1; }
    friend constexpr bool operator==(const mapping&, const mapping&) { return true; }
  };
};

/// An accessor whose elements are twice what is in memory, as those of C++26's std::linalg::scaled.
struct scaled {
  using offset_policy = scaled;
  using element_type = float;
  using reference = float;
  using data_handle_type = float*;
  constexpr reference access(data_handle_type p, std::size_t i) const { return 2 * p[i]; }
  constexpr data_handle_type offset(data_handle_type p, std::size_t i) const { return p + i; }
};

template <class Index>
void all_layouts(const char* what) {
  using extents = lib::dextents<Index, 2>;
  auto a = numbers(m * k * 4), b = numbers(k * n * 4);
  std::vector<float> c(m * n * 4);
  const auto right = [](float* p, Index rows, Index columns) {
    return lib::mdspan<float, extents, lib::layout_right>(p, rows, columns);
  };
  const auto left = [](float* p, Index rows, Index columns) {
    return lib::mdspan<float, extents, lib::layout_left>(p, rows, columns);
  };
  const auto strided = [](float* p, Index rows, Index columns) {
    using mapping = typename lib::layout_stride::template mapping<extents>;
    const lib::array<Index, 2> strides{static_cast<Index>(2 * columns + 1), 2};
    return lib::mdspan<float, extents, lib::layout_stride>(p, mapping(extents(rows, columns), strides));
  };
  multiply(what, right(a.data(), m, k), right(b.data(), k, n), right(c.data(), m, n), a, b);
  multiply(what, left(a.data(), m, k), right(b.data(), k, n), left(c.data(), m, n), a, b);
  multiply(what, strided(a.data(), m, k), left(b.data(), k, n), strided(c.data(), m, n), a, b);
}

int run() {
  all_layouts<int>("int extents");
  all_layouts<std::size_t>("size_t extents");
  all_layouts<long long>("long long extents");

  auto a = numbers(m * k), b = numbers(k * n);
  std::vector<float> c(m * n);
  const lib::mdspan<float, lib::extents<int, m, k>> fixed(a.data());
  const lib::mdspan<const float, lib::extents<std::size_t, k, lib::dynamic_extent>> half_fixed(b.data(), n);
  multiply("fixed extents, constant elements", fixed, half_fixed,
           lib::mdspan<float, lib::dextents<int, 2>>(c.data(), m, n), a, b);

  auto matrices = numbers(2 * m * k);
  std::vector<float> batch(2 * m * n);
  using three = lib::dextents<std::size_t, 3>;
  using mapping = lib::layout_stride::template mapping<three>;
  const lib::mdspan<const float, three> of_a(matrices.data(), 2, m, k);
  const lib::mdspan<float, three> of_c(batch.data(), 2, m, n);
  const lib::mdspan<const float, three, lib::layout_stride>
      twice(b.data(), mapping(three(2, k, n), lib::array<std::size_t, 3>{0, n, 1}));  // one matrix for both
  tilery::gemm_batched(executor, of_a, twice, of_c);
  for (std::size_t i = 0; i < 2; ++i) {
    double sum = 0;
    for (std::size_t l = 0; l < k; ++l) sum += double(matrices[(i * m + 4) * k + l]) * b[l * n + 3];
    expect(std::fabs(batch[(i * m + 4) * n + 3] - sum) < 1e-4, "a batch");
  }

  // Five dimensions, as the activations of a convolution: (n, d, h, w, c), and the channels before the pixels.
  using five = lib::dextents<std::size_t, 5>;
  using five_strides = lib::layout_stride::template mapping<five>;
  const auto pixels = numbers(2 * 3 * 4 * 5 * 6);
  std::vector<float> moved(pixels.size()), doubled(2 * pixels.size(), -1.0f);
  const lib::mdspan<const float, five> channels_last(pixels.data(), 2, 3, 4, 5, 6);
  const lib::array<std::size_t, 5> by_channel{360, 20, 5, 1, 60};
  const lib::mdspan<float, five, lib::layout_stride> channels_first(moved.data(),
                                                                    five_strides(five(2, 3, 4, 5, 6), by_channel));
  static_assert(tilery::tensor_like<decltype(channels_last), 5>);
  tilery::copy(executor, channels_last, channels_first);
  const lib::array<std::size_t, 5> apart{720, 240, 60, 12, 2};
  tilery::copy(executor, channels_first,
               lib::mdspan<float, five, lib::layout_stride>(doubled.data(), five_strides(five(2, 3, 4, 5, 6), apart)));
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const std::size_t c = i % 6, pixel = i / 6 % 60, n = i / 360;
    expect(moved[n * 360 + c * 60 + pixel] == pixels[i], "five dimensions, channels first");
    expect(doubled[2 * i] == pixels[i] && doubled[2 * i + 1] == -1.0f, "five dimensions with gaps");
  }
  tilery::fill(executor, lib::mdspan<float, lib::dextents<int, 4>>(moved.data(), 2, 3, 4, 30), 0.5f);
  for (const float x : moved) expect(x == 0.5f, "fill of four dimensions");

  // Elements that are not what memory holds.
  using scaled_span = lib::mdspan<float, lib::dextents<int, 2>, lib::layout_right, scaled>;
  static_assert(tilery::tensor_like<scaled_span, 2> && !tilery::accesses_elements<scaled_span>());
  static_assert(tilery::accesses_elements<lib::mdspan<float, lib::dextents<int, 2>>>());
  static_assert(tilery::accesses_elements<lib::mdspan<const float, lib::dextents<int, 2>, lib::layout_left>>());

  // What is too large, and what has no strides, is refused at run time.
  const auto refused = [](const auto& call) { return tilery::validate(executor, call); };
  const lib::mdspan<float, lib::dextents<std::size_t, 2>> large(c.data(), std::size_t{1} << 32, 1);
  expect(refused([&](const auto& e) { tilery::softmax(e, large, large); }) ==
             "softmax: extent 0 of x is 4294967296; it must be at least 0 and at most 2147352575",
         "an extent of 2^32");
  const lib::mdspan<float, lib::dextents<int, 2>, no_strides> bent(c.data(), no_strides::mapping<lib::dextents<int, 2>>(
                                                                                 lib::dextents<int, 2>(2, 2)));
  expect(refused([&](const auto& e) { tilery::softmax(e, bent, bent); }) ==
             "softmax: x has no strides: its layout is not a linear function of the indices",
         "a layout without strides");
  if (failures == 0) std::printf("mdspans of %s: all right\n", lib::name);
  return failures != 0;
}

}  // namespace
