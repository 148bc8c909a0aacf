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

/// Returns one sentence about a depthwise convolution: the policy that its table picks. Sets `serves` to true, or, if
/// no depthwise kernel serves the convolution, to false; the sentence is then empty.
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

/// Returns one sentence about a convolution with few channels: the policy that the table of the window kernels picks.
/// The sentence is empty if no window kernel serves the convolution; `why_not` is then set to the reason, unless the
/// images have many channels.
template <conv_direction Direction, class T, class C, class Executor>
sentence explain_chosen_window(const sentence& what, const conv_problem& problem, const char*& why_not) {
  why_not = nullptr;
  if constexpr (!Executor::uses_cpu_kernels && (is_float_type<T> || std::is_same_v<T, tf32>)) {
    if (problem.geometry.channels > most_window_channels) return {};
    const conv_window_problem q = describe_window<T, C>(problem);
    if constexpr (has_window_kernels<Direction, T, Executor>) {
      return with_window_table<T, Direction>(problem.target, [&]<class Table>() -> sentence {
        why_not = why_no_window<Table>(q);
        if (why_not) return {};
        const choice picked = Table::choose(q);
        return {sentence(what, " (", element<T>::name, ") runs "), describe(Table::candidates[picked.index]),
                sentence(": ", picked.reason, "; tiles "), describe_row(picked)};
      });
    }
    why_not = q.why_not;
  }
  return {};
}

/// Returns one sentence about a convolution: the policy that the selector picks, or policy P unless P is any_policy,
/// and its cost. Of the op's checks, those of shapes and options are made; memory and aliases are not checked.
template <conv_direction Direction, auto P, int N, class Executor, class X, class W, class Y>
sentence explain_conv(const Executor& executor, const conv_names& names, const X& x_given, const W& w_given,
                      const Y& y_given, const conv_options<N>& options, where at) {
  using elements = conv_elements<Direction, element_type_of<X>, element_type_of<W>, element_type_of<Y>>;
  using T = typename elements::a;
  using C = std::remove_const_t<typename elements::c>;
  using policy = std::remove_cvref_t<decltype(P)>;
  constexpr bool chosen = std::is_same_v<policy, any_policy>;
  const auto x = in_three_dimensions(view(x_given, at, {names.prefix, names.x}));
  const auto w = in_three_dimensions(view(w_given, at, {names.prefix, names.w}));
  const auto y = in_three_dimensions(view(y_given, at, {names.prefix, names.y}));
  const conv_geometry g = geometry_of(options, x, w, y);
  refuse(in_op(names.op, check_conv_shapes(names, g, N, x, w, y)), at);
  const conv_problem problem = describe_conv(Direction, names, g, x, w, y, executor.target(at));
  const sentence what = name_of<N>(problem);
  if constexpr (chosen) {
    const char* why_no_window_kernel = nullptr;
    if constexpr (!is_gathered_only<P>) {
      bool x_is_matrix, y_is_matrix;
      as_matrix(x, x_is_matrix), as_matrix(y, y_is_matrix);
      if (is_pointwise(g) && x_is_matrix && y_is_matrix)
        return {what, " has one tap, no padding and a stride of 1: it runs as the GEMM of this size (explain_gemm)"};
      bool is_depthwise_kernel;
      const sentence depthwise =
          explain_chosen_depthwise<Direction, T>(executor, what, g, x, y, is_depthwise_kernel, at);
      if (is_depthwise_kernel) return depthwise;
      const sentence window = explain_chosen_window<Direction, T, C, Executor>(what, problem, why_no_window_kernel);
      if (window) return window;
    }
    return with_conv_table<T, Direction, Executor>(problem, at, [&]<class Table>() {
      const choice picked = Table::choose(problem);
      const sentence reason =
          why_no_window_kernel
              ? sentence(picked.reason, "; few channels: no window kernel, because ", why_no_window_kernel)
              : sentence(picked.reason);
      return explain_policy<T, T, Executor>(what, Table::candidates[picked.index],
                                            {reason, "; tiles ", describe_row(picked)}, problem.product,
                                            launched_conv<T>(problem), cost_of<T, C>(problem));
    });
  } else if constexpr (is_depthwise_policy<policy>) {
    depthwise_problem of_channels = describe_depthwise(Direction, g, x, y, executor.target(at));
    if (!is_depthwise(g)) of_channels.why_not = why_no_depthwise;
    if (const char* why = misfit(P, of_channels)) return {what, " cannot run on ", describe(P), ": ", why};
    return {sentence(what, " (", element<T>::name, ") runs "), describe(P), ": asked for"};
  } else if constexpr (std::is_same_v<policy, conv_window_policy>) {
    if (const char* why = misfit(P, describe_window<T, C>(problem)))
      return {what, " cannot run on ", describe(P), ": ", why};
    return {sentence(what, " (", element<T>::name, ") runs "), describe(P), ": asked for"};
  } else if constexpr (is_conv_policy<policy>) {
    if (const char* why = misfit(P, problem)) return {what, " cannot run on ", describe(P), ": ", why};
    // A policy of the other executor is a misfit.
    if constexpr (runs_conv_policy<policy, Executor>)
      return explain_policy<T, T, Executor>(what, P, "asked for", problem.product, launched_conv<T>(problem),
                                            cost_of<T, C>(problem));
    else
      return {};
  } else {
    refuse_conv_policy<policy, Executor>();
  }
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
