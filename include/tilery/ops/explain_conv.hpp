// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Describes in words what a convolution would run and what that would cost, as explain_gemm.hpp does for a GEMM.
#pragma once
#pragma GCC system_header

#include <tilery/ops/conv.hpp>
#include <tilery/ops/explain_gemm.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// Returns a convolution in words: the op, its geometry in the N dimensions that the op has, and the product of
/// matrices.
template <int N>
sentence name_of(const conv_problem& p) {
  const conv_geometry& g = p.geometry;
  const auto listed = [](const spatial<3>& of) {
    sentence all(of[3 - N]);
    for (int d = 4 - N; d < 3; ++d) all = sentence(all, " x ", of[d]);
    return all;
  };
  const sentence images(g.images, g.images == 1 ? " image of " : " images of ", listed(g.in), " x ",
                        g.channels * g.groups);
  const sentence filters(g.filters * g.groups, g.filters * g.groups == 1 ? " filter of " : " filters of ",
                         listed(g.taps), " x ", g.channels);
  const gemm_problem& q = p.product;
  const sentence groups = g.groups == 1 ? sentence() : sentence(" in ", g.groups, " groups");
  return {sentence(q.op, " of ", images, " with ", filters), groups, " (a product of ",
          sentence(q.m, " x ", q.n, " x ", std::int64_t{q.k} * q.taps), ")"};
}

/// Returns the cost of a convolution with elements T of the operands and C of the output: products with padding are
/// counted, and each tensor passes once between memory and SMs.
template <class T, class C>
product_cost cost_of(const conv_problem& p) {
  const conv_geometry& g = p.geometry;
  const double groups = g.groups, taps = static_cast<double>(g.taps.volume());
  const double x = groups * g.channels * static_cast<double>(g.pixels_in());
  const double y = groups * g.filters * static_cast<double>(g.pixels_out());
  const double w = groups * g.filters * g.channels * taps;
  const double written = p.direction == conv_direction::forward         ? y
                         : p.direction == conv_direction::data_gradient ? x
                                                                        : w;
  return {y * g.channels * taps,
          static_cast<double>(sizeof(T)) * (x + y + w - written) + static_cast<double>(sizeof(C)) * written};
}

/// Returns the argument `launches` of explain_policy() for a convolution, which is one launch.
template <class T>
auto launched_conv(const conv_problem& problem) {
  return [problem](const auto& policy, std::int64_t& blocks) -> sentence {
    const conv_geometry& g = problem.geometry;
    if (problem.direction != conv_direction::data_gradient || g.stride == spatial<3>(1)) {
      const gemm_work work = shared_out<T>(policy, problem.product);
      blocks = work.blocks;
      return describe_blocks(work);
    }
    int classes = 0;
    blocks = 0;
    for (std::int32_t i = 0; i < lesser(g.stride[0], g.in[0]); ++i)
      for (std::int32_t j = 0; j < lesser(g.stride[1], g.in[1]); ++j)
        for (std::int32_t k = 0; k < lesser(g.stride[2], g.in[2]); ++k, ++classes) {
          const std::int64_t pixels = std::int64_t{g.images} * residue_of(g, 0, i).count * residue_of(g, 1, j).count *
                                      residue_of(g, 2, k).count;
          blocks += tiles_of(policy, static_cast<int>(pixels), g.channels) * g.groups;
        }
    return {blocks, " blocks, one for each tile of ", classes, " residue classes"};
  };
}

/// Returns one sentence about a depthwise convolution: the policy that its table picks. `serves` is set to false, and
/// the sentence is empty, if no depthwise kernel serves the convolution.
template <conv_direction Direction, class T, class Executor, class X, class Y>
sentence explain_chosen_depthwise(const Executor& executor, const sentence& what, const conv_geometry& g,
                                  const images_view<X>& x, const images_view<Y>& y, bool& serves, where at) {
  serves = false;
  if constexpr (is_float_type<T>) {
    const depthwise_problem problem = describe_depthwise(Direction, g, x, y, executor.target(at));
    if (!is_depthwise(g) || problem.why_not) return {};
    serves = true;
    using table = depthwise_table_of<Executor, T, Direction>;
    const choice picked = table::choose(problem);
    return {sentence(what, " (", element<T>::name, ") runs "), describe(table::candidates[picked.index]),
            sentence(": ", picked.reason, "; tiles "), describe_row(picked)};
  } else {
    return {};
  }
}

/// Returns one sentence about a convolution: the policy that the selector picks, or policy P unless P is any_policy,
/// and its cost. The views are checked as the op checks them, apart from their memory.
template <conv_direction Direction, auto P, int N, class Executor, class X, class W, class Y>
sentence explain_conv(const Executor& executor, const conv_names& names, const X& x_given, const W& w_given,
                      const Y& y_given, const conv_options<N>& options, where at) {
  constexpr bool forward = Direction == conv_direction::forward, data = Direction == conv_direction::data_gradient;
  constexpr bool chosen = std::is_same_v<std::remove_cvref_t<decltype(P)>, any_policy>;
  using T = std::remove_const_t<element_type_of<std::conditional_t<forward, X, Y>>>;
  using C = std::remove_const_t<element_type_of<std::conditional_t<forward, Y, std::conditional_t<data, X, W>>>>;
  const auto x = in_three_dimensions(view(x_given, at, {names.prefix, names.x}));
  const auto w = in_three_dimensions(view(w_given, at, {names.prefix, names.w}));
  const auto y = in_three_dimensions(view(y_given, at, {names.prefix, names.y}));
  const conv_geometry g = geometry_of(options, x, w, y);
  refuse(in_op(names.op, check_conv_shapes(names, g, N, x, w, y)), at);
  const conv_problem problem = describe_conv(Direction, names, g, x, w, y, executor.target(at));
  const sentence what = name_of<N>(problem);
  if constexpr (chosen) {
    if constexpr (!is_gathered_only<P>) {
      bool x_is_matrix, y_is_matrix;
      as_matrix(x, x_is_matrix), as_matrix(y, y_is_matrix);
      if (is_pointwise(g) && x_is_matrix && y_is_matrix)
        return {what, " has one tap, no padding and a stride of 1: it runs as the GEMM of this size (explain_gemm)"};
      bool is_depthwise_kernel;
      const sentence depthwise =
          explain_chosen_depthwise<Direction, T>(executor, what, g, x, y, is_depthwise_kernel, at);
      if (is_depthwise_kernel) return depthwise;
    }
    return with_conv_table<T, Direction, Executor>(problem, at, [&]<class Table>() {
      const choice picked = Table::choose(problem);
      return explain_policy<T, T, Executor>(what, Table::candidates[picked.index],
                                            {picked.reason, "; tiles ", describe_row(picked)}, problem.product,
                                            launched_conv<T>(problem), cost_of<T, C>(problem));
    });
  } else if constexpr (is_depthwise_policy<std::remove_cvref_t<decltype(P)>>) {
    depthwise_problem of_channels = describe_depthwise(Direction, g, x, y, executor.target(at));
    if (!is_depthwise(g)) of_channels.why_not = why_no_depthwise;
    if (const char* why = misfit(P, of_channels)) return {what, " cannot run on ", describe(P), ": ", why};
    return {sentence(what, " (", element<T>::name, ") runs "), describe(P), ": asked for"};
  } else {
    if (const char* why = misfit(P, problem)) return {what, " cannot run on ", describe(P), ": ", why};
    return explain_policy<T, T, Executor>(what, P, "asked for", problem.product, launched_conv<T>(problem),
                                          cost_of<T, C>(problem));
  }
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
