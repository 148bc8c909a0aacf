// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The common part of the convolution ops of all ranks and directions: they check their tensors, compute 1x1
// convolutions as plain GEMMs, depthwise convolutions and, on a GPU, those of few input channels by kernels of their
// own (run_depthwise.hpp, run_window.hpp), and all others as products of gathered operands.
#pragma once
#pragma GCC system_header

#include <tilery/ops/conv_rules.hpp>
#include <tilery/ops/gemm_epilogue.hpp>
#include <tilery/ops/run_conv.hpp>
#include <tilery/ops/run_depthwise.hpp>
#include <tilery/ops/run_window.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// The arguments of a call of a convolution op, with its tensors as views. X, W and Y are const for the tensors that
/// the op reads.
template <int N, class X, class W, class Y, class Epilogue>
struct conv_call {
  conv_names names;
  tensor_view<X, N + 2> x;
  tensor_view<W, N + 2> w;
  tensor_view<Y, N + 2> y;
  conv_options<N> options;
  const Epilogue& epilogue;
  gemm_factors factors;
  where at;
};

/// Returns images as a matrix of pixels by channels, if the pixels of all images are equally spaced in memory. Sets
/// `is_matrix` to true if they are, otherwise to false.
template <class T>
matrix_view<T> as_matrix(const images_view<T>& v, bool& is_matrix) {
  matrix_view<T> m;
  m.pointer = v.pointer;
  m.extents[1] = v.extents[4], m.strides[1] = v.strides[4];
  std::int64_t pixels = 1;
  is_matrix = true;
  for (int d = 3; d >= 0; --d) {
    if (v.extents[d] != 1 && pixels == 1)
      m.strides[0] = v.strides[d];
    else if (v.extents[d] != 1 && v.strides[d] != m.strides[0] * pixels)
      is_matrix = false;
    pixels *= v.extents[d];
  }
  m.extents[0] = static_cast<std::int32_t>(pixels);
  return m;
}

/// True if each pixel of y is computed from one pixel of x, the pixel with the same number.
inline bool is_pointwise(const conv_geometry& g) {
  return g.groups == 1 && g.taps.volume() == 1 && g.stride == spatial<3>(1) && g.before == spatial<3>(0) &&
         g.after == spatial<3>(0);
}

/// Checks the operands of a convolution, and collects them in `all` for the launch.
template <conv_direction Direction, int N, class X, class W, class Y, class Epilogue>
finding check_conv(const conv_call<N, X, W, Y, Epilogue>& c, const conv_geometry& g, memory_space reachable,
                   operands& all) {
  const auto x = in_three_dimensions(c.x);
  const auto w = in_three_dimensions(c.w);
  const auto y = in_three_dimensions(c.y);
  if (auto found = check_conv_shapes(c.names, g, N, x, w, y)) return found;
  constexpr bool forward = Direction == conv_direction::forward, data = Direction == conv_direction::data_gradient;
  const auto rows = static_cast<std::int32_t>(forward ? g.pixels_out() : data ? g.pixels_in() : w.extents[0]);
  const auto columns = static_cast<std::int32_t>(forward ? y.extents[4]
                                                 : data  ? x.extents[4]
                                                         : g.taps.volume() * g.channels);
  using elements = conv_elements<Direction, X, W, Y>;
  if (auto found = check_epilogue<typename elements::a, typename elements::c>(c.epilogue, rows, columns)) return found;
  if constexpr (forward)
    all = {reads(c.names.x, c.x), reads(c.names.w, c.w), writes(c.names.y, c.y)};
  else if constexpr (data)
    all = {reads(c.names.y, c.y), reads(c.names.w, c.w), writes(c.names.x, c.x)};
  else
    all = {reads(c.names.x, c.x), reads(c.names.y, c.y), writes(c.names.w, c.w)};
  c.epilogue.describe(all);
  if (auto found = check_operands(all, reachable)) return found;
  if (auto found = check_aliases(all)) return found;
  all.set_checked();
  return {};
}

/// Runs a 1x1 convolution as a GEMM. Returns false, and does nothing, if the convolution has more taps, a stride,
/// padding or groups, or if the pixels of x or y are not equally spaced in memory.
template <conv_direction Direction, class Executor, int N, class X, class W, class Y, class Epilogue>
bool run_as_gemm(const Executor& executor, const conv_call<N, X, W, Y, Epilogue>& c, const conv_geometry& g,
                 const operands& all) {
  if (!is_pointwise(g)) return false;
  bool x_is_matrix, w_is_matrix, y_is_matrix;
  const matrix_view<X> x = as_matrix(in_three_dimensions(c.x), x_is_matrix);
  const matrix_view<W> w = as_matrix(in_three_dimensions(c.w), w_is_matrix);
  const matrix_view<Y> y = as_matrix(in_three_dimensions(c.y), y_is_matrix);
  if (!x_is_matrix || !y_is_matrix) return false;
  const auto run = [&](const auto& a, const auto& b, const auto& to) {
    gemm_problem problem = describe_gemm(a, b, to, executor.target());
    problem.op = c.names.op;
    run_chosen_gemm(executor, problem, gemm_params_of(a, b, to, c.epilogue, c.factors), all, c.at);
  };
  if constexpr (Direction == conv_direction::forward)
    run(x, transposed(w), y);
  else if constexpr (Direction == conv_direction::data_gradient)
    run(y, w, x);
  else
    run(transposed(y), x, w);
  return true;
}

/// A convolution that has been checked: its tensors in three dimensions, its geometry, and its operands.
template <class X, class W, class Y>
struct checked_conv {
  X x;
  W w;
  Y y;
  conv_geometry geometry;
  operands all;
};
/// Checks a convolution's factors, shapes, options and operands, and throws if one is refused.
template <conv_direction Direction, class Executor, int N, class X, class W, class Y, class Epilogue>
auto check_conv_call(const Executor& executor, const conv_call<N, X, W, Y, Epilogue>& c) {
  using A = typename conv_elements<Direction, X, W, Y>::a;
  using C = typename conv_elements<Direction, X, W, Y>::c;
  const auto x = in_three_dimensions(c.x);
  const auto w = in_three_dimensions(c.w);
  const auto y = in_three_dimensions(c.y);
  checked_conv<std::remove_const_t<decltype(x)>, std::remove_const_t<decltype(w)>, std::remove_const_t<decltype(y)>>
      call{x, w, y, geometry_of(c.options, x, w, y), {}};
  refuse(in_op(c.names.op, check_factors<A, C>(c.factors)), c.at);
  refuse(in_op(c.names.op, check_conv<Direction>(c, call.geometry, executor.reachable(), call.all)), c.at);
  return call;
}

/// Runs a convolution with policy P, or with the policy that the selector picks if P is any_policy. Throws if the
/// convolution is refused, or if P cannot serve it.
template <conv_direction Direction, auto P, class Executor, int N, class X, class W, class Y, class Epilogue>
void run_conv_call(const Executor& executor, const conv_call<N, X, W, Y, Epilogue>& c) {
  constexpr bool forward = Direction == conv_direction::forward, data = Direction == conv_direction::data_gradient;
  using A = typename conv_elements<Direction, X, W, Y>::a;
  constexpr bool chosen = std::is_same_v<std::remove_cvref_t<decltype(P)>, any_policy>;
  const auto call = check_conv_call<Direction>(executor, c);
  const auto& x = call.x;
  const auto& w = call.w;
  const auto& y = call.y;
  const auto& g = call.geometry;
  const conv_problem problem = describe_conv(Direction, c.names, g, x, w, y, executor.target(c.at));
  if constexpr (!chosen)
    if (const char* why = misfit(P, problem)) throw error({c.names.op, ": ", why}, c.at);
  // Calls run.operator()<Policy>() with the policy.
  const auto with_policy = [&](auto&& run) {
    if constexpr (chosen)
      with_conv_policy<A, Direction, Executor>(problem, c.at, run);
    else
      run.template operator()<P>();
  };
  const auto run_product = [&](const auto& p) {
    if (p.c.rows == 0 || p.c.columns == 0) return finish_empty_gemm(executor, p, c.at);
    with_policy([&]<auto Policy>() { run_conv<Policy>(executor, problem, p, call.all, c.at); });
  };
  const std::int64_t columns = forward ? y.extents[4] : data ? x.extents[4] : w.size();
  if (columns == 0) return;
  if constexpr (chosen && !is_gathered_only<P>) {
    if (problem.product.m > 0 && run_as_gemm<Direction>(executor, c, g, call.all)) return;
    if (problem.product.m > 0 &&
        run_chosen_depthwise<Direction, A>(executor, c.names, g, x, w, y, c.epilogue, c.factors, call.all, c.at))
      return;
    if (problem.product.m > 0 &&
        run_chosen_window<Direction, A>(executor, c.names, problem, x, w, y, c.epilogue, c.factors, call.all, c.at))
      return;
  }
  if constexpr (forward) {
    run_product(forward_params(g, x, w, y, c.epilogue, c.factors));
  } else if constexpr (!data) {
    run_product(weight_gradient_params(g, x, y, w, c.epilogue, c.factors));
  } else if (g.stride == spatial<3>(1) || g.images == 0) {
    run_product(data_gradient_params(g, 0, y, w, x, c.epilogue, c.factors));
  } else {
    const residue_classes classes(g, y, w, x, c.epilogue, c.factors);
    with_policy([&]<auto Policy>() { run_conv_classes<Policy>(executor, problem, classes, call.all, c.at); });
  }
}

/// Runs a depthwise convolution with the caller's policy P. Throws if the convolution is refused, or if P cannot serve
/// it.
template <conv_direction Direction, auto P, class Executor, int N, class X, class W, class Y, class Epilogue>
void run_given_depthwise(const Executor& executor, const conv_call<N, X, W, Y, Epilogue>& c) {
  constexpr bool forward = Direction == conv_direction::forward, data = Direction == conv_direction::data_gradient;
  const auto call = check_conv_call<Direction>(executor, c);
  const auto& x = call.x;
  const auto& w = call.w;
  const auto& y = call.y;
  const auto& g = call.geometry;
  depthwise_problem problem = describe_depthwise(Direction, g, x, y, executor.target(c.at));
  if (!is_depthwise(g)) problem.why_not = why_no_depthwise;
  if (const char* why = misfit(P, problem)) throw error({c.names.op, ": ", why}, c.at);
  // misfit() has refused a policy of the other kind (a depthwise_weight_policy is for weight gradients only, a
  // depthwise_policy for all others). This condition keeps run_depthwise_with() from being compiled for such a policy.
  if constexpr (std::is_same_v<std::remove_cvref_t<decltype(P)>, depthwise_policy> == (forward || data))
    run_depthwise_with<Direction, P>(executor, c.names, g, x, w, y, c.epilogue, c.factors, call.all, c.at);
}

/// Runs a convolution with the caller's policy P of a window kernel. Throws if the convolution is refused, or if P
/// cannot serve it.
template <conv_direction Direction, conv_window_policy P, class Executor, int N, class X, class W, class Y,
          class Epilogue>
void run_given_window(const Executor& executor, const conv_call<N, X, W, Y, Epilogue>& c) {
  constexpr bool forward = Direction == conv_direction::forward;
  using A = typename conv_elements<Direction, X, W, Y>::a;
  using C = typename conv_elements<Direction, X, W, Y>::c;
  constexpr bool multiplies = P.tensor_cores ? has_mma_sync<A> && !std::is_same_v<A, double> : is_float_type<A>;
  static_assert(multiplies,
                "conv: with tensor_cores, a conv_window_policy must have elements of tf32, half or bf16, and without "
                "them of double, float, half or bf16");
  if constexpr (multiplies) {
    const auto call = check_conv_call<Direction>(executor, c);
    const auto& x = call.x;
    const auto& w = call.w;
    const auto& y = call.y;
    const auto& g = call.geometry;
    const conv_problem problem = describe_conv(Direction, c.names, g, x, w, y, executor.target(c.at));
    const conv_window_problem q = describe_window<A, C>(problem);
    if (const char* why = misfit(P, q)) throw error({c.names.op, ": ", why}, c.at);
    // misfit() has refused a data gradient.
    if constexpr (Direction != conv_direction::data_gradient) {
      if ((forward ? y.extents[4] : w.size()) == 0) return;
      if (problem.product.m > 0)
        run_window_with<Direction, P>(executor, c.names, q, x, w, y, c.epilogue, c.factors, call.all, c.at);
      else if constexpr (forward)
        finish_empty_gemm(executor, forward_params(g, x, w, y, c.epilogue, c.factors), c.at);
    }
  }
}

/// Runs a convolution with N spatial dimensions, whose tensors may be of any tensor type. x, w and y are the tensors in
/// the roles of the forward convolution, whichever of them the op writes.
template <conv_direction Direction, auto P, int N, class Executor, class X, class W, class Y, class Epilogue>
void convolve(const Executor& executor, const conv_names& names, const X& x, const W& w, const Y& y,
              const conv_options<N>& options, const Epilogue& e, gemm_factors factors, where at) {
  using x_type = element_type_of<X>;
  using w_type = element_type_of<W>;
  using y_type = element_type_of<Y>;
  using elements = conv_elements<Direction, x_type, w_type, y_type>;
  using A = typename elements::a;
  using B = typename elements::b;
  using C = typename elements::c;
  using policy = std::remove_cvref_t<decltype(P)>;
  if constexpr (!conv_types_fit<A, B, C, Direction>()) {
    refuse_conv_types<A, B, C, Direction>();
  } else if constexpr (!conv_policy_fits<policy, A, Executor>) {
    refuse_conv_policy<policy, Executor>();
  } else if constexpr (wrong_epilogue<Epilogue, A, C, Executor>) {
    refuse_epilogue<Epilogue, A, C, Executor>();
  } else {
    const conv_call<N, x_type, w_type, y_type, Epilogue> call{names,
                                                              view(x, at, {names.prefix, names.x}),
                                                              view(w, at, {names.prefix, names.w}),
                                                              view(y, at, {names.prefix, names.y}),
                                                              options,
                                                              e,
                                                              factors,
                                                              at};
    if constexpr (is_depthwise_policy<policy>)
      run_given_depthwise<Direction, P>(executor, call);
    else if constexpr (std::is_same_v<policy, conv_window_policy>)
      run_given_window<Direction, P>(executor, call);
    else
      run_conv_call<Direction, P>(executor, call);
  }
}

}  // namespace ops

/// A policy argument: conv2d<gathered_kernels>(...) runs the policy that the selector picks among the kernels with
/// gathered operands. They serve every convolution. The kernels of their own that 1x1 and depthwise convolutions and,
/// on GPUs, those of few channels have are not compiled: each call of a convolution compiles in less than half the
/// time, but such a convolution is slower.
inline constexpr ops::any_policy gathered_kernels{.gathered_only = true};

}  // namespace tilery::inline TILERY_ABI
