// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Convolutions whose tiles several blocks share along k, by policies of the caller: right in each direction, also where
// a block's part of k begins within a tap, and the same bits whichever block finishes last.
#include "tests/conv_calls.hpp"

#include <tilery/validate.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;

/// Small tiles, which `k_parts` blocks share along k. Operands in packs, or of any strides.
template <conv_direction Direction, class T>
constexpr auto shared_tiles(int k_parts, bool packs) {
  const along a = packs ? a_layout_of(Direction) : along::any, b = packs ? b_layout_of(Direction) : along::any;
  const int vector = packs ? static_cast<int>(16 / sizeof(T)) : 1, c_vector = packs ? 4 : 1;
  if constexpr (sizeof(T) == 2)
    return gemm_mma_sync_policy{.block = {32, 32, 32},
                                .warp = {32, 16},
                                .stages = 2,
                                .a = a,
                                .b = b,
                                .vector = vector,
                                .c_vector = c_vector,
                                .k_parts = k_parts};
  else
    return gemm_simt_policy{.block = {32, 32, 8},
                            .lane = {4, 4},
                            .a = a,
                            .b = b,
                            .vector = vector,
                            .c_vector = c_vector,
                            .k_parts = k_parts};
}

template <class Executor>
class conv_work_on : public on_executor<Executor> {
public:
  template <conv_direction Direction, class T, int Parts, bool Packs, class A, class B, class C>
  static void call(const auto& on, const A& a, const B& b, const C& c, const conv_options<2>& options) {
    constexpr auto policy = shared_tiles<Direction, T>(Parts, Packs);
    if constexpr (Direction == conv_direction::forward)
      conv2d<policy>(on, a, b, c, options);
    else if constexpr (Direction == conv_direction::data_gradient)
      conv2d_data_gradient<policy>(on, a, b, c, options);
    else
      conv2d_weight_gradient<policy>(on, a, b, c, options);
  }

  /// What a direction computes from x, w and dy, of its own two; the output has T's accumulation type.
  template <conv_direction Direction, class T, int Parts, bool Packs>
  std::vector<float> run(const Executor& on, const conv_case& p, conv_orders how, const std::vector<T>& x,
                         const std::vector<T>& w, const std::vector<T>& dy) const {
    const auto x_at = place_images<4>(*this, x, p.x(), how.x), w_at = place_images<4>(*this, w, p.w(), how.w),
               dy_at = place_images<4>(*this, dy, p.y(), how.y);
    constexpr bool forward = Direction == conv_direction::forward, data = Direction == conv_direction::data_gradient;
    const auto extents = forward ? p.y() : data ? p.x() : p.w();
    const auto to = place_images<4>(*this, std::vector<float>(size_of(extents), NAN), extents,
                                    forward ? how.y
                                    : data  ? how.x
                                            : how.w);
    const auto run_on = [&](const auto& executor) {
      call<Direction, T, Parts, Packs>(executor, data ? dy_at.read() : x_at.read(),
                                       forward || data ? w_at.read() : dy_at.read(), to.view, options_of<2>(p));
    };
    // The tiles of residue classes are many: they are shared only if the policy says in how many parts.
    if (!data || p.stride == spatial<3>(1))
      EXPECT_GT(workspace_bytes(on, run_on), 0u) << "no tile is shared: " << p.text();
    run_on(on);
    return gather(*this, to);
  }

  template <conv_direction Direction, class T, int Parts, bool Packs>
  void check_direction(const conv_case& p) const {
    const conv_orders how = Packs ? all_in(image_order::channels_last) : conv_orders();
    const std::string of = about<T, float>(Direction == conv_direction::forward         ? "y"
                                           : Direction == conv_direction::data_gradient ? "dx"
                                                                                        : "dw",
                                           p, how) +
                           ", k_parts " + std::to_string(Parts);
    const whole_numbers<T> x(size_of(p.x())), w(size_of(p.w())), dy(size_of(p.y()));
    const auto want = Direction == conv_direction::forward         ? conv_of(p, x.exact, w.exact)
                      : Direction == conv_direction::data_gradient ? data_gradient_of(p, dy.exact, w.exact)
                                                                   : weight_gradient_of(p, x.exact, dy.exact);
    expect_equal(as_doubles(run<Direction, T, Parts, Packs>(this->executor, p, how, x.values, w.values, dy.values)),
                 want, of);

    // Any numbers: the order of the additions decides on their sums' bits.
    const auto any_x = draw_values<T>(size_of(p.x())), any_w = draw_values<T>(size_of(p.w())),
               any_dy = draw_values<T>(size_of(p.y()));
    const auto first = run<Direction, T, Parts, Packs>(this->executor, p, how, any_x, any_w, any_dy);
    for (int turn = 1; turn < 3; ++turn) {
#ifdef __CUDACC__
      const auto again = run<Direction, T, Parts, Packs>(this->executor, p, how, any_x, any_w, any_dy);
#else
      const virtual_gpu other(this->executor.target(), {.seed = static_cast<std::uint64_t>(turn)});
      const auto again = run<Direction, T, Parts, Packs>(other, p, how, any_x, any_w, any_dy);
#endif
      EXPECT_EQ(std::memcmp(first.data(), again.data(), first.size() * sizeof(float)), 0) << "other bits: " << of;
    }
  }
  template <class T, int Parts, bool Packs>
  void check(const conv_case& p) const {
    check_direction<conv_direction::forward, T, Parts, Packs>(p);
    check_direction<conv_direction::data_gradient, T, Parts, Packs>(p);
    check_direction<conv_direction::weight_gradient, T, Parts, Packs>(p);
  }
};
TYPED_TEST_SUITE(conv_work_on, gpus);

/// 3x3 taps. A step of k has 8 or 32 channels, so that a part of k begins at any step of a tap.
conv_case three_by_three(int channels, int filters, int stride, int groups) {
  conv_case p;
  p.channels = channels, p.filters = filters, p.groups = groups;
  p.images = 2;  // 72 pixels: weight gradients have 3 steps
  p.in = {1, 6, 6}, p.taps = {1, 3, 3}, p.stride = {1, stride, 1}, p.before = p.after = {0, 1, 1};
  return p;
}

TYPED_TEST(conv_work_on, shares_simt_tiles_along_k) {
  this->template check<float, 4, true>(three_by_three(24, 16, 1, 1));
  this->template check<float, stream_k, true>(three_by_three(32, 16, 1, 2));
  this->template check<float, 4, false>(three_by_three(26, 18, 1, 2));
  this->template check<float, stream_k, false>(three_by_three(21, 9, 1, 1));
}
TYPED_TEST(conv_work_on, shares_tensor_core_tiles_along_k) {
  if (!has_features(this->executor.target(), features::mma_f16)) GTEST_SKIP() << "tensor cores need sm_80 or later";
  this->template check<bf16, 3, true>(three_by_three(72, 40, 1, 1));
  this->template check<bf16, stream_k, true>(three_by_three(80, 48, 1, 2));
  this->template check<bf16, 3, false>(three_by_three(76, 38, 1, 2));
  this->template check<bf16, stream_k, false>(three_by_three(37, 33, 1, 1));
}
// A strided data gradient is a group of products, one for each residue class; its tiles are shared, too.
TYPED_TEST(conv_work_on, shares_the_tiles_of_residue_classes) {
  this->template check<float, 4, true>(three_by_three(24, 40, 2, 1));
  this->template check<float, stream_k, false>(three_by_three(21, 35, 3, 1));
  this->template check<float, stream_k, true>(three_by_three(16, 48, 2, 2));
}

}  // namespace
