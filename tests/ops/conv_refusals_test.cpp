// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the convolution ops refuse, and with which sentence: options, shapes, memory, factors, epilogues and policies.
// Nothing is launched, and nothing is written.
#include "tests/conv_calls.hpp"

#include <tilery/validate.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;

template <class Executor>
class conv_refusals_on : public on_executor<Executor> {
public:
  // x (2, 6, 5, 4), w (6, 3, 2, 2), y (2, 3, 4, 6): 2 groups, stride {2, 1}, padding {1, 0} before and {0, 0} after.
  static constexpr conv_options<2> right{.stride = {2, 1}, .padding = {1, 0}, .padding_after = {0, 0}, .groups = 2};
  buffer<float> x_memory = this->put(std::vector<float>(600, 7.0f)),
                w_memory = this->put(std::vector<float>(600, 7.0f)),
                y_memory = this->put(std::vector<float>(600, 7.0f));
  tensor_view<float, 4> x = tensor(x_memory.data_handle(), {2, 6, 5, 4}),
                        w = tensor(w_memory.data_handle(), {6, 3, 2, 2}),
                        y = tensor(y_memory.data_handle(), {2, 3, 4, 6});

  void expect_nothing_written() const {
    EXPECT_EQ(this->get(x_memory), std::vector<float>(600, 7.0f));
    EXPECT_EQ(this->get(w_memory), std::vector<float>(600, 7.0f));
    EXPECT_EQ(this->get(y_memory), std::vector<float>(600, 7.0f));
  }
  static tensor_view<float, 4> with_extent(tensor_view<float, 4> view, int dimension, int extent) {
    view.extents[dimension] = extent;
    return view;
  }
};
TYPED_TEST_SUITE(conv_refusals_on, executors);

TYPED_TEST(conv_refusals_on, takes_the_right_call) {
  const auto& [on, x, w, y] = std::tie(this->executor, this->x, this->w, this->y);
  EXPECT_FALSE(validate(on, [&](const auto& e) { conv2d(e, x, w, y, this->right); }));
  EXPECT_FALSE(validate(on, [&](const auto& e) { conv2d_data_gradient(e, y, w, x, this->right); }));
  EXPECT_FALSE(validate(on, [&](const auto& e) { conv2d_weight_gradient(e, x, y, w, this->right); }));
  EXPECT_FALSE(validate(on, [&](const auto& e) { conv2d_transposed(e, y, w, x, this->right); }));
  this->expect_nothing_written();
}

TYPED_TEST(conv_refusals_on, refuses_options_out_of_range) {
  const auto refusal_of = [&](auto&& change) {
    conv_options<2> options = this->right;
    change(options);
    return refusal([&] { conv2d(this->executor, this->x, this->w, this->y, options); });
  };
  EXPECT_EQ(refusal_of([](auto& o) { o.groups = 0; }).find("conv2d: groups is 0; it must be at least 1"), 0u);
  EXPECT_EQ(refusal_of([](auto& o) { o.groups = -2; }).find("conv2d: groups is -2; it must be at least 1"), 0u);
  EXPECT_EQ(refusal_of([](auto& o) {
              o.stride = {0, 1};
            }).find("conv2d: the stride of the height is 0; it must be at least 1"),
            0u);
  EXPECT_EQ(refusal_of([](auto& o) {
              o.stride = {2, -3};
            }).find("conv2d: the stride of the width is -3; it must be at least 1"),
            0u);
  EXPECT_EQ(refusal_of([](auto& o) {
              o.dilation = 0;
            }).find("conv2d: the dilation of the height is 0; it must be at least 1, which means no gaps"),
            0u);
  EXPECT_EQ(refusal_of([](auto& o) { o.dilation = {1, -1}; }).find("conv2d: the dilation of the width is -1"), 0u);
  EXPECT_EQ(refusal_of([](auto& o) {
              o.padding = {-1, 0};
            }).find("conv2d: the padding of the height is -1 before and 0 after; it must not be negative"),
            0u);
  EXPECT_EQ(refusal_of([](auto& o) {
              o.padding_after = {0, -4};
            }).find("conv2d: the padding of the width is 0 before and -4 after; it must not be negative"),
            0u);
  this->expect_nothing_written();
}

TYPED_TEST(conv_refusals_on, refuses_shapes_that_do_not_agree) {
  const auto& on = this->executor;
  const auto& [x, w, y] = std::tie(this->x, this->w, this->y);
  const auto& o = this->right;
  const auto with = [&](const auto& view, int dimension, int extent) {
    return this->with_extent(view, dimension, extent);
  };
  EXPECT_REFUSED(conv2d(on, with(x, 0, 1), w, y, o), "conv2d: x has 1 images and y has 2; the numbers must be equal");
  EXPECT_REFUSED(conv2d(on, with(x, 3, 3), w, y, o), "conv2d: x has 3 channels; groups = 2 must divide their number");
  EXPECT_REFUSED(conv2d(on, x, with(w, 0, 5), y, o), "conv2d: w has 5 filters; groups = 2 must divide their number");
  EXPECT_REFUSED(conv2d(on, x, with(w, 3, 4), y, o),
                 "conv2d: w has 4 channels; it must have 2, the channels of x divided by the groups");
  EXPECT_REFUSED(conv2d(on, x, w, with(y, 3, 4), o),
                 "conv2d: y has 4 channels; it must have 6, one for each filter of w");
  EXPECT_REFUSED(conv2d(on, with(x, 1, 0), w, y, o), "conv2d: the height of x is 0; an image must have pixels");
  EXPECT_REFUSED(conv2d(on, x, with(w, 2, 0), y, o), "conv2d: the width of w is 0; a filter must have taps");
  EXPECT_REFUSED(
      conv2d(on, x, w, with(y, 1, 4), o),
      "conv2d: the height of y is 4; it must be 3 = floor((in + padding before + padding after - dilation (taps - 1) "
      "- 1) / stride) + 1 = floor((6 + 1 + 0 - 1 (3 - 1) - 1) / 2) + 1");
  EXPECT_REFUSED(conv2d(on, x, w, with(y, 2, 3), o), "conv2d: the width of y is 3; it must be 4 = floor(");
  EXPECT_REFUSED(
      conv2d(on, with(x, 1, 1), w, with(y, 1, 0), o),
      "conv2d: the filter spans dilation (taps - 1) + 1 = 3 in the height, but x has only in + padding before "
      "+ padding after = 2; the filter must fit the padded input");
  // One too large by one, where a division that rounds toward zero would find one position with a stride of 2.
  EXPECT_REFUSED(conv2d(on, with(x, 1, 1), w, with(y, 1, 1), o), "the filter must fit the padded input");
  // The other ops name their own tensors.
  EXPECT_REFUSED(conv2d_data_gradient(on, with(y, 0, 1), w, x, o),
                 "conv2d_data_gradient: dx has 2 images and dy has 1; the numbers must be equal");
  EXPECT_REFUSED(conv2d_data_gradient(on, y, w, with(x, 3, 8), o),
                 "conv2d_data_gradient: w has 2 channels; it must have 4, the channels of dx divided by the groups");
  EXPECT_REFUSED(conv2d_data_gradient(on, with(y, 1, 2), w, x, o),
                 "conv2d_data_gradient: the height of dy is 2; it must be 3 = floor(");
  EXPECT_REFUSED(conv2d_weight_gradient(on, x, y, with(w, 0, 4), o),
                 "conv2d_weight_gradient: dy has 6 channels; it must have 4, one for each filter of dw");
  EXPECT_REFUSED(conv2d_weight_gradient(on, x, y, with(w, 1, 1), o),
                 "conv2d_weight_gradient: the height of dy is 3; it must be");
  EXPECT_REFUSED(conv2d_transposed(on, y, w, with(x, 1, 8), o),
                 "conv2d_transposed: the height of x is 3; it must be 4 = floor((in + padding before + padding after");
  this->expect_nothing_written();
}

TYPED_TEST(conv_refusals_on, names_the_dimensions_of_each_rank) {
  const auto& on = this->executor;
  float *px = this->x_memory.data_handle(), *pw = this->w_memory.data_handle(), *py = this->y_memory.data_handle();
  EXPECT_REFUSED(conv1d(on, tensor(px, {1, 9, 2}), tensor(pw, {3, 4, 2}), tensor(py, {1, 5, 3})),
                 "conv1d: the width of y is 5; it must be 6 = floor(");
  EXPECT_REFUSED(conv3d(on, tensor(px, {1, 4, 4, 4, 2}), tensor(pw, {3, 2, 2, 2, 2}), tensor(py, {1, 2, 3, 3, 3})),
                 "conv3d: the depth of y is 2; it must be 3 = floor(");
  EXPECT_REFUSED(conv3d_weight_gradient(on, tensor(px, {1, 4, 4, 4, 2}), tensor(py, {1, 3, 3, 3, 3}),
                                        tensor(pw, {3, 2, 2, 2, 2}), {.stride = {1, 1, 0}}),
                 "conv3d_weight_gradient: the stride of the width is 0; it must be at least 1");
  this->expect_nothing_written();
}

// A transposed convolution takes each size that the forward convolution maps to the size of x, and no other.
TYPED_TEST(conv_refusals_on, transposed_takes_the_sizes_of_the_forward_formula) {
  const auto& on = this->executor;
  const buffer<float> memory(on, 100);
  const auto x = tensor(this->x_memory.data_handle(), {1, 4, 2}), w = tensor(this->w_memory.data_handle(), {2, 3, 1});
  for (int size = 1; size < 20; ++size) {
    const auto y = tensor(memory.data_handle(), {1, size, 1});
    const auto found = validate(on, [&](const auto& e) { conv1d_transposed(e, x, w, y, {.stride = 3, .padding = 1}); });
    // (4 - 1) 3 - 2 + 2 + 1 = 10, and an output padding of up to 2.
    EXPECT_EQ(!found, size >= 10 && size < 13) << size << ": " << found.c_str();
  }
}

TYPED_TEST(conv_refusals_on, refuses_wrong_memory) {
  const auto& on = this->executor;
  const auto& [x, w, y] = std::tie(this->x, this->w, this->y);
  const auto& o = this->right;
  auto null = w;
  null.pointer = nullptr;
  EXPECT_REFUSED(conv2d(on, x, null, y, o),
                 "conv2d: w is a null view of size 6 x 3 x 2 x 2; it must point to its elements");
  auto upside_down = x;
  upside_down.strides[1] = -upside_down.strides[1], upside_down.pointer += 5 * x.strides[1];
  EXPECT_REFUSED(conv2d(on, upside_down, w, y, o), "conv2d: stride 1 of x is -20; strides must not be negative");
  auto folded = y;
  folded.strides[3] = 0;
  EXPECT_REFUSED(conv2d(on, x, w, folded, o),
                 "conv2d: y is written, but several of its elements have the same address");
  auto aliased = y;
  aliased.pointer = x.pointer + 100;
  EXPECT_REFUSED(conv2d(on, x, w, aliased, o), "conv2d: y shares an element with x; the two must not overlap");
  aliased.pointer = w.pointer + 71;
  EXPECT_REFUSED(conv2d(on, x, w, aliased, o), "conv2d: y shares an element with w; the two must not overlap");
  auto of_dy = x;
  of_dy.pointer = y.pointer;
  EXPECT_REFUSED(conv2d_data_gradient(on, y, w, of_dy, o), "conv2d_data_gradient: dx shares an element with dy");
  auto of_x = w;
  of_x.pointer = x.pointer;
  EXPECT_REFUSED(conv2d_weight_gradient(on, x, y, of_x, o), "conv2d_weight_gradient: dw shares an element with x");
  EXPECT_REFUSED(conv2d_transposed(on, y, w, of_dy, o), "conv2d_transposed: y shares an element with x");
  this->expect_nothing_written();
}

// Numbers of pixels and taps beyond 2^31 - 2^17. Images of many elements are views with strides of 0.
TYPED_TEST(conv_refusals_on, refuses_extents_out_of_range) {
  const auto& on = this->executor;
  float *px = this->x_memory.data_handle(), *py = this->y_memory.data_handle();
  const auto repeated = [](float* pointer, auto... extents) {
    tensor_view<float, sizeof...(extents)> view(pointer, extents...);
    for (auto& stride : view.strides) stride = 0;
    return view;
  };
  const int large = 1 << 16;
  for (const int images : {0, 1})
    EXPECT_REFUSED(conv2d(on, repeated(px, images, large, large, 1), repeated(px, 1, 1, 1, 1),
                          repeated(py, images, large, large, 1)),
                   "conv2d: x has 1 x 65536 x 65536 pixels in one image; there must be at most 2147352575");
  EXPECT_REFUSED(
      conv2d(on, repeated(px, 1 << 17, 1, large, 1), repeated(px, 1, 1, 1, 1), repeated(py, 1 << 17, 1, large, 1)),
      "conv2d: x has 8589934592 pixels in all images and y has 8589934592; both must have at most 2147352575: "
      "divide the images among several calls");
  EXPECT_REFUSED(conv2d_data_gradient(on, repeated(px, 0, large, large, 1), repeated(px, 1, 3, 3, 1),
                                      repeated(py, 0, 2 * large, 2 * large, 1), {.stride = 2, .padding = 1}),
                 "dx has 1 x 131072 x 131072 pixels in one image");
  EXPECT_REFUSED(conv3d(on, repeated(px, 0, 1 << 30, 1 << 30, 1 << 30, 1), repeated(px, 1, 3, 3, 3, 1),
                        repeated(py, 0, 1 << 30, 1 << 30, 1 << 30, 1), {.padding = 1}),
                 "x has 1073741824 x 1073741824 x 1073741824 pixels in one image");
  EXPECT_REFUSED(conv1d(on, repeated(px, 1, 9, large), repeated(px, 1, 1 << 15, large), repeated(py, 1, 1, 1),
                        {.padding = {0}, .padding_after = {(1 << 15) - 9}}),
                 "conv1d: a filter has 2147483648 taps times channels; it must have at most 2147352575");
  EXPECT_REFUSED(conv1d(on, repeated(px, 1, 9, 1), repeated(px, 1, 1, 1), repeated(py, 1, 9, 1),
                        {.padding = {1 << 30}, .padding_after = {1 << 30}}),
                 "conv1d: the padded width of x is 2147483657 and the filter spans 1; both must be at most 2147352575");
  EXPECT_REFUSED(conv1d(on, repeated(px, 1, 9, 1), repeated(px, 1, 3, 1), repeated(py, 1, 9, 1),
                        {.padding = {1 << 30}, .dilation = {(1 << 30) + 1}}),
                 "both must be at most 2147352575");
  this->expect_nothing_written();
}

TYPED_TEST(conv_refusals_on, refuses_factors_and_epilogues) {
  const auto& on = this->executor;
  const auto& [x, w, y] = std::tie(this->x, this->w, this->y);
  const auto& o = this->right;
  const epilogue::none none;
  EXPECT_REFUSED(conv2d(on, x, w, y, o, none, {.alpha = NAN}), "conv2d: alpha is nan; it must be a finite f32");
  EXPECT_REFUSED(conv2d_data_gradient(on, y, w, x, o, none, {.beta = 1e39}),
                 "conv2d_data_gradient: beta is 1e+39; it must be a finite f32");
  EXPECT_REFUSED(conv2d_weight_gradient(on, x, y, w, o, none, {.scale_a = 2}),
                 "conv2d_weight_gradient: scale_a and scale_b are for fp8 and s8; f32 has alpha");
  const auto vector_of = [&](int size) { return vector(static_cast<const float*>(x.pointer), size); };
  const auto matrix_of = [&](int rows, int columns) {
    return matrix(static_cast<const float*>(x.pointer), rows, columns);
  };
  EXPECT_REFUSED(conv2d(on, x, w, y, o, epilogue::bias(vector_of(3))),
                 "conv2d: the epilogue's bias has 3 elements; it must have n = 6");
  EXPECT_REFUSED(conv2d(on, x, w, y, o, epilogue::residual(matrix_of(12, 6))), "conv2d: the epilogue's residual");
  EXPECT_REFUSED(conv2d_data_gradient(on, y, w, x, o, epilogue::bias(vector_of(6))),
                 "conv2d_data_gradient: the epilogue's bias has 6 elements; it must have n = 4");
  EXPECT_REFUSED(conv2d_weight_gradient(on, x, y, w, o, epilogue::bias(vector_of(2))),
                 "conv2d_weight_gradient: the epilogue's bias has 2 elements; it must have n = 12");
  EXPECT_REFUSED(conv2d(on, x, w, y, o, epilogue::bias(vector(static_cast<const float*>(y.pointer), 6))),
                 "conv2d: y shares an element with the epilogue's bias; the two must not overlap");
  this->expect_nothing_written();
}

template <class Executor>
class conv_policy_refusals_on : public conv_refusals_on<Executor> {};
TYPED_TEST_SUITE(conv_policy_refusals_on, gpus);

// Packs of 4 channels along k, as the forward convolution reads its operands.
constexpr gemm_simt_policy packs{.block = {32, 32, 8}, .lane = {4, 4}, .a = along::k, .b = along::k, .vector = 4};

TYPED_TEST(conv_policy_refusals_on, never_replaces_the_callers_policy) {
  const auto& on = this->executor;
  float *px = this->x_memory.data_handle(), *pw = this->w_memory.data_handle(), *py = this->y_memory.data_handle();
  const auto x = tensor(px, {1, 4, 4, 8}), w = tensor(pw, {4, 2, 2, 8}), y = tensor(py, {1, 3, 3, 4});
  EXPECT_FALSE(validate(on, [&](const auto& e) { conv2d<packs>(e, x, w, y); }));
  EXPECT_REFUSED(conv2d<packs>(on, tensor(px, {1, 4, 4, 6}), tensor(pw, {4, 2, 2, 6}), y),
                 "conv2d: the channels of an operand are not aligned for 16-byte accesses");
  EXPECT_REFUSED(conv2d<packs>(on, tensor(px + 1, {1, 4, 4, 8}), w, y),
                 "conv2d: the channels of an operand are not aligned for 16-byte accesses");
  EXPECT_REFUSED(conv2d<packs>(on, x, w, tensor(py + 1, {1, 3, 3, 4})),
                 "conv2d: the channels of the output are not aligned for 16-byte stores");
  EXPECT_REFUSED(conv2d<packs>(on, x, w, permuted(tensor(py, {1, 4, 3, 3}), {0, 2, 3, 1})),
                 "conv2d: the channels of the output are not aligned for 16-byte stores");
  EXPECT_REFUSED(conv2d<packs>(on, permuted(tensor(px, {1, 8, 4, 4}), {0, 2, 3, 1}), w, y),
                 "conv2d: the channels of an operand are not contiguous");
  EXPECT_REFUSED(conv2d_data_gradient<packs>(on, y, w, x),
                 "conv2d_data_gradient: the policy's a and b must be those of the direction: k and k forward, k and "
                 "outer for the data gradient, outer and outer for the weight gradient");
  EXPECT_REFUSED(conv1d<packs>(on, tensor(px, {1, 40, 4}), tensor(pw, {4, 32, 4}), tensor(py, {1, 9, 4})),
                 "conv1d: the filter has more than 31 taps along depth, height and width together");
  this->expect_nothing_written();
}

TYPED_TEST(conv_policy_refusals_on, explains_what_would_run) {
  const auto& on = this->executor;
  float* p = this->x_memory.data_handle();
  const auto says = [](const sentence& text, const char* part) {
    return std::string(text.c_str()).find(part) != std::string::npos;
  };
  const auto x = tensor(p, {2, 8, 8, 16}), w = tensor(p, {32, 3, 3, 16}), y = tensor(p, {2, 4, 4, 32});
  const conv_options<2> halved{.stride = 2, .padding = 1};
  const sentence forward = explain_conv2d(on, x, w, y, halved);
  EXPECT_TRUE(
      says(forward, "conv2d of 2 images of 8 x 8 x 16 with 32 filters of 3 x 3 x 16 (a product of 32 x 32 x 144)"))
      << forward.c_str();
  EXPECT_TRUE(says(forward, "gemm_simt with blocks of 64 x 64 x 16")) << forward.c_str();
  const sentence data = explain_conv2d_data_gradient(on, y, w, x, halved);
  EXPECT_TRUE(says(data, "4 blocks, one for each tile of 4 residue classes")) << data.c_str();
  EXPECT_TRUE(says(explain_conv2d_weight_gradient(on, x, y, w, halved), "conv2d_weight_gradient of 2 images"));
  EXPECT_TRUE(says(explain_conv2d(on, x, tensor(p, {32, 1, 1, 16}), tensor(p, {2, 8, 8, 32})), "runs as the GEMM"));
  EXPECT_TRUE(says(explain_conv2d<gathered_kernels>(on, x, tensor(p, {32, 1, 1, 16}), tensor(p, {2, 8, 8, 32})),
                   "gemm_simt with blocks"));
  EXPECT_TRUE(says(explain_conv2d<packs>(on, tensor(p, {1, 4, 4, 6}), tensor(p, {4, 2, 2, 6}), tensor(p, {1, 3, 3, 4})),
                   "cannot run on gemm_simt"));
  EXPECT_REFUSED(explain_conv2d(on, x, w, tensor(p, {2, 8, 4, 32}), halved),
                 "conv2d: the height of y is 8; it must be 4");
  constexpr conv_cpu_policy of_cpu{.rows = 4};
  const sentence cannot = explain_conv2d<of_cpu>(on, x, w, y, halved);
  EXPECT_TRUE(says(cannot, "cannot run on conv_cpu")) << cannot.c_str();
  EXPECT_TRUE(says(cannot, "a conv_cpu_policy runs on the cpu executor only")) << cannot.c_str();
}

#ifndef __CUDACC__
// The caller's policy on the CPU, in each direction and in one and three dimensions; a GPU's policy cannot run there.
TEST(explain_conv, explains_a_policy_of_the_cpu) {
  const cpu on(1);
  std::vector<float> memory(2 * 8 * 8 * 32);
  float* p = memory.data();
  constexpr conv_cpu_policy mine{.rows = 4, .strip_bytes = 64 << 10};
  const auto expect_starts_and_ends = [](const sentence& text, const std::string& start) {
    const std::string end = "(f32) runs conv_cpu with register tiles of 4 rows x 2 vectors of " +
                            std::to_string(vector_bytes(native_isa)) + " bytes, strips of at most 64 KiB: asked for";
    const std::string said = text.c_str();
    EXPECT_EQ(said.rfind(start, 0), 0u) << said;
    EXPECT_TRUE(said.size() > end.size() && said.substr(said.size() - end.size()) == end) << said;
  };
  const auto x = tensor(p, {2, 8, 8, 16}), w = tensor(p, {32, 3, 3, 16}), y = tensor(p, {2, 4, 4, 32});
  const conv_options<2> halved{.stride = 2, .padding = 1};
  expect_starts_and_ends(explain_conv2d<mine>(on, x, w, y, halved),
                         "conv2d of 2 images of 8 x 8 x 16 with 32 filters of 3 x 3 x 16");
  expect_starts_and_ends(explain_conv2d_data_gradient<mine>(on, y, w, x, halved), "conv2d_data_gradient of 2 images");
  expect_starts_and_ends(explain_conv2d_weight_gradient<mine>(on, x, y, w, halved),
                         "conv2d_weight_gradient of 2 images");
  expect_starts_and_ends(explain_conv1d<mine>(on, tensor(p, {1, 9, 8}), tensor(p, {4, 3, 8}), tensor(p, {1, 7, 4})),
                         "conv1d of 1 image of 9 x 8 with 4 filters of 3 x 8");
  expect_starts_and_ends(explain_conv3d<mine>(on, tensor(p, {1, 3, 3, 3, 8}), tensor(p, {4, 1, 3, 3, 8}),
                                              tensor(p, {1, 3, 1, 1, 4})),
                         "conv3d of 1 image of 3 x 3 x 3 x 8 with 4 filters of 1 x 3 x 3 x 8");
  const std::string cannot = explain_conv2d<packs>(on, x, w, y, halved).c_str();
  EXPECT_NE(cannot.find("cannot run on gemm_simt"), std::string::npos) << cannot;
  EXPECT_REFUSED(explain_conv2d<mine>(on, x, w, tensor(p, {2, 8, 4, 32}), halved),
                 "conv2d: the height of y is 8; it must be 4");
}

// As in a GEMM: gemm_types_test.cpp.
TEST(conv_of_integers, refuses_an_epilogue_with_a_fraction_where_y_is_s32) {
  const cpu on(1);
  std::vector<int8> bytes(72, int8{3});
  std::vector<std::int32_t> sums(32, 7);
  const auto x = tensor(bytes.data(), {1, 4, 4, 4}), w = tensor(bytes.data(), {2, 3, 3, 4});
  const auto y = tensor(sums.data(), {1, 2, 2, 2});
  constexpr conv_cpu_policy mine{.rows = 4};
  const auto call = [&](double factor) { conv2d<mine>(on, x, w, y, {}, epilogue::scale(factor)); };
  EXPECT_REFUSED(call(0.5),
                 "conv2d: the epilogue's scale: its factor is 0.5; it must be a whole number of 32 bits, because C is "
                 "s32");
  EXPECT_EQ(sums, std::vector<std::int32_t>(32, 7));
  call(2);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(sums[i], 2 * 3 * 3 * 36);
}
#endif

}  // namespace
