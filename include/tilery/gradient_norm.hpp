// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Norms of a list of tensors, for example of all gradients of a network: one number for all tensors together, or one
// for each tensor.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/ops/element_types.hpp>
#include <tilery/ops/optimizer_tensors.hpp>
#include <tilery/ops/run_norm.hpp>
#include <tilery/ops/wrong_call.hpp>

#include <span>
#include <string>
#include <vector>

namespace tilery::inline TILERY_ABI {

/// A tensor of a list, for `gradient_norm`: dense, of any rank, with elements of T. An extent is at most
/// `largest_extent`, about 2^31: a larger tensor must be a matrix or have more dimensions. `name` appears in messages.
template <class T>
struct dense_tensor {
  operand elements;
  std::string name;

  template <tensor_of_any_rank V>
  requires std::same_as<std::remove_const_t<element_type_of<V>>, T> dense_tensor(const V& elements,
                                                                                 std::string name = {}, where at = {})
      : elements(reads("tensor", view(elements, at, {"gradient_norm: ", "a tensor"}))), name(std::move(name)) {}
};
template <class V, class... Rest>
dense_tensor(const V&, Rest...) -> dense_tensor<std::remove_const_t<element_type_of<V>>>;

/// Which norm.
enum class norm_order : int {
  euclidean,  ///< sqrt(sum x^2)
  maximum     ///< max |x|
};

/// Settings of `gradient_norm` and `tensor_norms`.
struct norm_options {
  norm_order order = norm_order::euclidean;
};

namespace ops {

/// Checks a list of tensors and the vector of results. Appends the operands to `all`: the tensors, then the results.
template <class T>
finding check_norm(const char* op, std::span<const dense_tensor<T>> tensors, const operand& results,
                   memory_space reachable, operand_names& names, operands& all) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    operand one = tensors[i].elements;
    one.name = names.keep(tensor_in_list(i, tensors[i].name));
    all.push_back(one);
  }
  all.push_back(results);
  for (const operand& o : all)
    if (!o.empty() && !o.dense()) return {op, ": ", o.name, " has gaps between its elements; it must be dense"};
  if (auto found = check_operands(all, reachable)) return in_op(op, found);
  if (auto found = check_dense_aliases(op, all)) return found;
  all.set_checked();
  return {};
}

/// The launches of one call of gradient_norm or tensor_norms. The operands have been checked.
template <class Kind, elementwise_policy P, class T, class Executor, class Result>
class norm_call {
  using record = read_record<T>;
  using table = table_in_arguments<record>;

public:
  /// `all`: the operands of the tensors, then that of the results.
  norm_call(const Executor& executor, const char* op, const operands& all, Result* results, where at)
      : executor_(executor), op_(op), all_(all), results_(results), at_(at) {
    for (int i = 0; i + 1 < all.size(); ++i) chunks_ += chunks_of(all[i].size(), P.block_elements());
    if (chunks_ > largest_extent)
      throw error({op, ": the tensors have ", chunks_, " chunks of ", P.block_elements(),
                   " elements; there may be at most ", largest_extent},
                  at);
    workspace_ = executor.workspace(static_cast<std::size_t>(chunks_) * Kind::parts * sizeof(double), at);
  }

  /// Computes the norm of each tensor if `each`, else that of all tensors together.
  void run(bool each) {
    // Under `validate` the workspace is null, and nothing is launched.
    if (chunks_ > 0 && !workspace_.get()) return;
    for (int i = 0; i + 1 < all_.size(); ++i) {
      if (table_.size == table::most) launch_table(each);
      add(all_[i]);
    }
    if (table_.size > 0) launch_table(each);
    if (each) return;
    operands some{sums(0, done_, false)};
    append_results(some);
    launch_norm_totals<Kind>(executor_, all_chunks{}, 1, done_, sums_at(0), results_, some, at_);
  }

private:
  void add(const operand& o) {
    const record one{gmem_ptr<const T>(reinterpret_cast<const T*>(o.pointer)), o.size(), 0};
    table_.tensors[table_.size] = one;
    table_.tensors[table_.size].whole_packs = has_whole_packs<Executor>(one, P.vector);
    table_.first[table_.size++] = static_cast<std::int32_t>(in_table_);
    in_table_ += chunks_of(one.size, P.block_elements());
    of_table_.push_back(o);
  }

  /// Launches the table's tensors, and empties the table.
  void launch_table(bool each) {
    of_table_.push_back(sums(done_, in_table_, true));
    of_table_.set_checked();
    launch_norm_of_chunks<Kind, P>(executor_, op_, table_, in_table_, sums_at(done_), of_table_, at_);
    if (each) {
      operands some{sums(done_, in_table_, false)};
      append_results(some);
      launch_norm_totals<Kind>(executor_, table_, table_.size, in_table_, sums_at(done_), results_ + tensors_done_,
                               some, at_);
    }
    done_ += in_table_, tensors_done_ += table_.size;
    in_table_ = 0, table_.size = 0, of_table_ = {};
  }

  double* sums_at(std::int64_t chunk) const { return static_cast<double*>(workspace_.get()) + chunk * Kind::parts; }
  /// The sums of some chunks as an operand.
  operand sums(std::int64_t first, std::int64_t chunks, bool written) const {
    return own(describe("workspace", matrix_view<double>(sums_at(first), chunks, Kind::parts), written));
  }
  void append_results(operands& to) const {
    to.push_back(all_[all_.size() - 1]);
    to.set_checked();
  }

  const Executor& executor_;
  const char* op_;
  const operands& all_;
  Result* results_;
  where at_;
  std::int64_t chunks_ = 0;  // of all tensors
  allocation workspace_;     // (chunk, part): the sums of all chunks
  table table_{};
  operands of_table_;
  std::int64_t in_table_ = 0, done_ = 0;  // chunks: of the table, and of the tables that were launched
  std::int64_t tensors_done_ = 0;
};

/// Checks a call of gradient_norm or tensor_norms, and runs it.
template <class T, class Executor, class Result>
void run_norm(const char* op, const Executor& executor, std::span<const dense_tensor<T>> tensors, bool each,
              const vector_view<Result>& results, norm_options o, where at) {
  static_assert(is_float_type<T>, "the tensors of a norm must be double, float, half or bf16");
  static_assert(std::is_same_v<Result, double> || std::is_same_v<Result, float>,
                "the result of a norm must be double or float, not const");
  operand_names names;
  operands all;
  const operand result = writes(each ? "results" : "result", results);
  refuse(check_length(op, result, each ? static_cast<std::int64_t>(tensors.size()) : 1,
                      each ? "one for each tensor" : "the norm"),
         at);
  refuse(check_norm(op, tensors, result, executor.reachable(), names, all), at);
  with_norm_policy<T>(executor, [&]<elementwise_policy P>() {
    if (o.order == norm_order::euclidean)
      norm_call<norm_kind::euclidean<T>, P, T, Executor, Result>(executor, op, all, results.pointer, at).run(each);
    else
      norm_call<norm_kind::maximum<T>, P, T, Executor, Result>(executor, op, all, results.pointer, at).run(each);
  });
}

}  // namespace ops

/// result = the norm of all elements of all tensors together: the Euclidean norm, or the largest magnitude.
///
/// Shapes. Any number of dense tensors of any rank and size; empty ones are allowed. Without elements the norm is 0.
/// result: a vector of one element. A std::vector v of dense_tensors is passed as std::span(std::as_const(v)).
///
/// Types and accuracy. Tensors: double, float, half, bf16, the same for all. The arithmetic is in double. Result:
/// double or float. For float, half and bf16 tensors no square overflows or underflows; for double, sums of scaled
/// squares avoid both. The relative error of the Euclidean norm, before the conversion to the result's type, is at most
/// (600 + n / 60000) 2^-53 for n elements. A norm above the largest number of the result's type becomes infinity.
///
/// NaN and infinity. If an element is NaN, the norm is NaN. If one is infinite and none is NaN, the norm is infinity.
///
/// Aliasing. Tensors may share elements with each other, but not with the result.
///
/// Determinism. The order of the additions is a function of the tensors' sizes, their type and the policy that the
/// executor's table selects: not of the run, the addresses or the number of threads.
///
/// Launches. Each element is read once. A launch carries up to 1024 tensors; one more launch adds up the sums of their
/// chunks. The list is read before this function returns. The sums are in a workspace of the executor
/// (`workspace_bytes` of validate.hpp).
///
/// Errors. Throws `error` before anything is launched: a result that is not one element long, gaps between elements,
/// null views, memory that the executor cannot reach, a result that shares memory with a tensor.
template <executor Executor, class T, tensor_like<1> R>
void gradient_norm(const Executor& executor, std::span<const dense_tensor<T>> tensors, const R& result,
                   norm_options o = {}, where at = {}) {
  ops::run_norm("gradient_norm", executor, tensors, false, view(result, at, {"gradient_norm: ", "result"}), o, at);
}

/// results[i] = the norm of tensor i. results: a dense vector with one element for each tensor. All else is as for
/// gradient_norm.
template <executor Executor, class T, tensor_like<1> R>
void tensor_norms(const Executor& executor, std::span<const dense_tensor<T>> tensors, const R& results,
                  norm_options o = {}, where at = {}) {
  ops::run_norm("tensor_norms", executor, tensors, true, view(results, at, {"tensor_norms: ", "results"}), o, at);
}

namespace ops {

/// Stops the compilation of a call that passes its tensors as another type than std::span<const dense_tensor<T>>.
template <class First, class... Others>
constexpr void refuse_norm_call() {
  if constexpr (in_the_place_of_an_executor<First>)
    refuse_call<false, First, Others...>();
  else
    static_assert(
        sizeof(First) == 0,
        "gradient_norm and tensor_norms take their tensors as a std::span<const tilery::dense_tensor<T>> (for "
        "a std::vector v of dense_tensors, pass std::span(std::as_const(v))), then a vector of results");
}

}  // namespace ops

/// The overloads below take the calls that fit no overload above, and stop the compilation with an error that says what
/// is wrong with the call (ops/wrong_call.hpp).
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void gradient_norm(const Arguments&...) { ops::refuse_norm_call<Arguments...>(); }
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void tensor_norms(const Arguments&...) { ops::refuse_norm_call<Arguments...>(); }

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
