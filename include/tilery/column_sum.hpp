// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The sum of a matrix's rows, for example the gradient of a bias. The kernel adds up slices: a slice is a number of
// successive rows (slice_rows of the policy) that one block adds up. If there are several slices, their sums are the
// rows of a new matrix, and a further launch adds up these rows.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/core/buffer.hpp>
#include <tilery/core/factor.hpp>
#include <tilery/core/shape.hpp>
#include <tilery/kernels/column_sum.hpp>
#include <tilery/ops/wrong_call.hpp>
#include <tilery/policies/alignment.hpp>
#include <tilery/policies/column_sum_table.hpp>

namespace tilery::inline TILERY_ABI {

/// Settings of `column_sum`.
struct column_sum_options {
  double factor = 1;  ///< factor of the sums: 1 / rows for means; with 0, x is not read and y is 0
};

namespace ops {

template <class Executor, class T>
using column_sum_table =
    std::conditional_t<Executor::uses_cpu_kernels, column_sum_table_cpu<T>, column_sum_table_gpu<T>>;

/// Returns the problem that the selector sees: the widest pack of x, and true if its columns are contiguous.
template <class T>
column_sum_problem describe_columns(const matrix_view<T>& x) {
  return {widest_whole_pack(16 / sizeof(T), x), contiguous_columns(x)};
}

/// Launches the kernel once: row i of `out` becomes the sum of the rows of slice i of x, times `factor`. `all` are
/// the operands to check. It is empty if x or `out` is a null workspace: under `validate` (validate.hpp) nothing is
/// allocated or launched.
template <class S, class Executor, class X, class Y>
void launch_column_sum(const Executor& executor, const matrix_view<const X>& x, const matrix_view<Y>& out, S factor,
                       const operands& all, where at) {
  using table = column_sum_table<Executor, X>;
  with_candidate<table>(table::choose(describe_columns(x), executor.target()).index, [&]<column_sum_policy P>() {
    using kernel = column_sum_kernel<P, X, Y, S>;
    const typename kernel::params p{for_kernel<const X>(x), for_kernel<Y>(out), factor};
    launch<kernel>(executor, kernel::blocks(p), p, all, at);
  });
}

/// Returns the number of slices into which the kernel cuts `rows` rows: 1 if there are no rows.
template <class T, class Executor>
int column_sum_slices(const Executor& executor, int rows) {
  return rows == 0 ? 1 : pieces(rows, column_sum_table<Executor, T>::row(executor.target()).slice_rows);
}

}  // namespace ops

/// Returns the bytes of workspace that `column_sum` takes from the executor, for a matrix with elements of T. The
/// workspace holds the sums of the matrix's slices, then the sums of the slices of these sums, and so on until one
/// slice is left. Throws if `rows` or `columns` is negative or above `largest_extent`.
template <class T, class Executor>
std::size_t column_sum_workspace_bytes(const Executor& executor, std::int64_t rows, std::int64_t columns,
                                       where at = {}) {
  using S = accumulator_t<T>;
  const tensor_name x{"column_sum_workspace_bytes: ", "x"};
  const int slices = ops::column_sum_slices<T>(executor, checked_extent(0, rows, at, x));
  (void)checked_extent(1, columns, at, x);
  if (slices == 1) return 0;
  return static_cast<std::size_t>(slices) * static_cast<std::size_t>(columns) * sizeof(S) +
         column_sum_workspace_bytes<S>(executor, slices, columns);
}

namespace ops {

/// Adds up the rows of each slice of x; then, in further launches, the rows of each slice of these sums, until one
/// slice is left. Only the last launch multiplies by `factor`, and writes `out`. `of` describes x for
/// the checks of the launch: the caller's operand in the first launch, later the workspace. Each launch but the last
/// one has its own part of the workspace, which is null under `validate` (validate.hpp).
template <class S, class Executor, class X, class R>
void sum_slices(const Executor& executor, const operand& of, const matrix_view<const X>& x, const matrix_view<R>& out,
                S factor, S* workspace, where at) {
  const int slices = column_sum_slices<X>(executor, x.extents[0]);
  if (slices == 1)
    return launch_column_sum<S>(executor, x, out, factor,
                                of.own && !of.pointer ? operands{} : operands{of, writes("y", out)}, at);
  const matrix_view<S> partial(workspace, slices, x.extents[1]);
  const matrix_view<const S> sums(partial);
  launch_column_sum<S>(executor, x, partial, S(1),
                       workspace ? operands{of, own(writes("workspace", partial))} : operands{}, at);
  sum_slices<S>(executor, own(reads("workspace", sums)), sums, out, factor,
                workspace ? workspace + partial.size() : nullptr, at);
}

}  // namespace ops

/// y[j] = factor times the sum over i of x[i, j].
///
/// Types. x (rows x columns): double, float, half, bf16. y (columns): the type of x, or its accumulation type (double
/// for double, else float). The sums are kept in the accumulation type.
///
/// Shapes and strides. Any strides that are not negative. If x has no rows, y is 0. If the factor is 0, x is not read
/// and y is 0.
///
/// Accuracy. For each column, the error before the conversion to y is at most (min(rows, 900) + 1) u |factor| sum |x|,
/// with u = 2^-24 (2^-53 for double). From 900 rows on the bound does not grow, because no chain of additions is long:
/// a lane adds up partial sums of at most 256 rows, then these partial sums.
///
/// Determinism. The order of the additions does not depend on the run: it depends on the shape, the element type and
/// the policy that the executor's table selects.
///
/// Errors. Throws `error` before anything is launched: a factor that is not finite, wrong shapes, null views, negative
/// strides, memory that the executor cannot reach, aliases.
template <executor Executor, matrix_of_floats X, tensor_like<1> Y>
void column_sum(const Executor& executor, const X& x, const Y& y, column_sum_options o = {}, where at = {}) {
  using T = std::remove_const_t<element_type_of<X>>;
  using R = element_type_of<Y>;
  using S = accumulator_t<T>;
  static_assert(std::is_same_v<R, T> || std::is_same_v<R, S>,
                "column_sum: y must have the element type of x or its accumulation type, not const");
  matrix_view<const T> in = view(x, at, {"column_sum: ", "x"});
  const auto result = view(y, at, {"column_sum: ", "y"});
  operands all = {reads("x", in), writes("y", result)};
  refuse(check_length("column_sum", all[1], in.extents[1], "one for each column of x"), at);
  refuse(check_call("column_sum", all, executor.reachable()), at);

  refuse(check_finite<S>("column_sum", "factor", o.factor), at);
  matrix_view<R> out(result.pointer, 1, result.extents[0]);
  out.strides[1] = result.strides[0];
  if (static_cast<S>(o.factor) == S(0)) in.extents[0] = 0;  // an empty sum
  const allocation workspace =
      executor.workspace(column_sum_workspace_bytes<T>(executor, in.extents[0], in.extents[1]));
  ops::sum_slices<S>(executor, all[0], in, out, static_cast<S>(o.factor), static_cast<S*>(workspace.get()), at);
}

/// Takes the calls that fit no overload above, and stops the compilation with an error that says what is wrong with the
/// call (ops/wrong_call.hpp).
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void column_sum(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
