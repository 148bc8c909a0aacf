// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Exact sums: the same bits in any order, rounded once; cancellation, subnormals, carries, overflow, NaN and infinity.
#include "tests/layouts.hpp"

#include <tilery/simt/launch.hpp>
#include <tilery/tile/exact_sum.hpp>

#include <algorithm>

namespace {

using namespace tilery;
using namespace tilery_tests;

/// All lanes of all blocks add their numbers to the counters of one sum.
template <class S>
struct add_all {
  static constexpr const char* name = "add_all";
  static constexpr int threads = 64;
  static constexpr bool allows_one_lane = true;
  using shared = no_shared;
  struct params {
    gmem_ptr<const S> x;
    gmem_ptr<tile::exact_counter> counters;
    std::int32_t size, stride;
  };
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared&) {
    const int step = Lane::is_whole_block ? 1 : threads;
    for (int i = lane.block().x * step + lane.rank(); i < p.size; i += 2 * step)
      tile::exact_sum<S>::add(lane, p.counters, p.stride, lane.load(p.x + i));
  }
};
template <class S>
struct read_total {
  static constexpr const char* name = "read_total";
  static constexpr int threads = 32;
  static constexpr bool allows_one_lane = true;
  using shared = no_shared;
  struct params {
    gmem_ptr<const tile::exact_counter> counters;
    gmem_ptr<S> y;
    std::int32_t stride;
  };
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared&) {
    if (lane.rank() == 0) lane.store(p.y, tile::exact_sum<S>::total(lane, p.counters, p.stride));
  }
};

template <class Executor>
class exact_sum_on : public on_executor<Executor> {
public:
  template <class S>
  S sum(const std::vector<S>& numbers) {
    constexpr int stride = 2, size = tile::exact_sum<S>::size;
    const auto x = this->put(numbers);
    const buffer<std::int64_t> counters(this->executor, stride * size);
    fill_zero(this->executor, counters);
    const buffer<S> y(this->executor, 1);
    auto* c = reinterpret_cast<tile::exact_counter*>(counters.data_handle());
    launch<add_all<S>>(this->executor, {2},
                       typename add_all<S>::params{gmem_ptr<const S>(x.data_handle()), gmem_ptr<tile::exact_counter>(c),
                                                   static_cast<int>(numbers.size()), stride});
    launch<read_total<S>>(this->executor, {1},
                          typename read_total<S>::params{gmem_ptr<const tile::exact_counter>(c),
                                                         gmem_ptr<S>(y.data_handle()), stride});
    return this->get(y)[0];
  }
  template <class S>
  void expect(const std::vector<S>& numbers, S want) {
    const S got = sum(numbers);
    EXPECT_EQ(std::memcmp(&got, &want, sizeof(S)), 0) << got << " where it is " << want;
  }
  /// The numbers, and the numbers with other signs.
  template <class S>
  void expect_both(std::vector<S> numbers, S want) {
    expect(numbers, want);
    for (S& x : numbers) x = -x;
    expect(numbers, want == 0 ? S(0) : -want);
  }

  template <class S>
  void all_of(int fraction, int lowest, int highest) {
    using limits = std::numeric_limits<S>;
    const auto two = [](int exponent) { return std::ldexp(S(1), exponent); };
    const S ulp = two(-fraction), least = limits::denorm_min(), most = limits::max();
    expect<S>({}, 0);
    expect<S>({S(0), -S(0)}, 0);
    expect_both<S>({S(1)}, 1);
    expect_both<S>({least}, least);
    expect_both<S>({least, least, least}, 3 * least);
    expect_both<S>({most}, most);
    expect_both<S>({limits::min(), -least}, limits::min() - least);
    for (int exponent = lowest - fraction; exponent <= highest; ++exponent) {
      expect_both<S>({two(exponent)}, two(exponent));
      if (exponent < highest) expect_both<S>(std::vector<S>(2, two(exponent)), 2 * two(exponent));
    }
    // what float addition loses comes back when the large ones cancel
    expect_both<S>({most, least, -most}, least);
    expect_both<S>({two(highest), -two(highest - 1), -two(highest - 1), 5 * least}, 5 * least);
    expect_both<S>({S(1), -(1 - ulp / 2), -ulp / 2, two(lowest)}, two(lowest));
    expect_both<S>({S(1), -S(1)}, 0);
    // to nearest, ties to even, and what is below the half decides however far below it is
    expect_both<S>({S(1), ulp / 2}, 1);
    expect_both<S>({1 + ulp, ulp / 2}, 1 + 2 * ulp);
    expect_both<S>({S(1), ulp / 2, least}, 1 + ulp);
    expect_both<S>({S(1), ulp / 2, -least}, 1);
    expect_both<S>({1 + ulp, ulp / 2, -least}, 1 + ulp);
    expect_both<S>({2 - ulp, ulp / 2}, 2);
    // a sum that is just below a power of two in every counter
    expect_both<S>({two(highest), -least}, two(highest));
    // beyond the largest number, and half a unit below what would be
    expect_both<S>({most, most}, limits::infinity());
    expect_both<S>({most, two(highest - fraction - 1)}, limits::infinity());
    expect_both<S>({most, two(highest - fraction - 1), -least}, most);
    expect_both<S>(std::vector<S>(3000, most), limits::infinity());
    expect_both<S>({most, most, -most}, most);
    expect_both<S>({S(1), limits::infinity()}, limits::infinity());
    EXPECT_TRUE(std::isnan(sum<S>({limits::infinity(), -limits::infinity()})));
    EXPECT_TRUE(std::isnan(sum<S>({S(1), limits::quiet_NaN()})));
    EXPECT_TRUE(std::isnan(sum<S>({S(1), -limits::quiet_NaN()})));

    // drawn numbers over many exponents, in two orders; the reference has 113 bits and rounds once
    for (int turn = 0; turn < 8; ++turn) {
      const int range = turn % 2 ? 20 : 2;
      std::vector<S> numbers;
      __float128 exact = 0;
      for (int i = 0; i < 300; ++i) {
        numbers.push_back(static_cast<S>(std::ldexp(draw(-1 << 20, 1 << 20), draw(-range, range))));
        exact += numbers.back();
      }
      expect<S>(numbers, static_cast<S>(exact));
      std::shuffle(numbers.begin(), numbers.end(), generator());
      expect<S>(numbers, static_cast<S>(exact));
    }
  }
};
TYPED_TEST_SUITE(exact_sum_on, executors);

TYPED_TEST(exact_sum_on, float_is_rounded_once) { this->template all_of<float>(23, -126, 127); }
TYPED_TEST(exact_sum_on, double_is_rounded_once) { this->template all_of<double>(52, -1022, 1023); }
}  // namespace
