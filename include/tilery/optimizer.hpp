// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// optimizer: updates all tensors of a network by one rule in one launch, and owns the rule's states (velocity, moments)
// and the master weights. The rules are in kernels/optimizer/; kernels/optimizer/rule.hpp says how to write one.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/copy.hpp>
#include <tilery/core/buffer.hpp>
#include <tilery/fill.hpp>
#include <tilery/kernels/optimizer/rules.hpp>
#include <tilery/ops/evaluation_weights.hpp>
#include <tilery/ops/optimizer_memory.hpp>
#include <tilery/ops/optimizer_options.hpp>
#include <tilery/ops/optimizer_tables.hpp>
#include <tilery/ops/optimizer_tensors.hpp>
#include <tilery/ops/rule_checks.hpp>
#include <tilery/ops/run_norm.hpp>
#include <tilery/ops/run_update.hpp>
#include <tilery/update.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tilery::inline TILERY_ABI {

/// Updates the weights of a network by a rule, such as rule::adamw. All tensors are updated in one launch; a second
/// launch, of one block, computes the groups' constants. Two more launches compute the norm of all gradients, if an
/// option needs it.
///
///   optimizer adam(executor, std::vector{rule::adamw{.rate = 1e-3}}, std::vector{parameter("w", w, dw)});
///   for (...) { forward and backward; adam.step(executor); }
///
/// Rules. The file of a rule has its formula, with its source. Bytes: what an update of one float parameter moves. Its
/// gradient and weight are read and its weight is written, 12 bytes; each state is read and written, 8 bytes. A bf16
/// weight and gradient with a float master move as many.
///
///   rule                     w = w -                                       states                      bytes
///   sgd                      rate g, or rate v                             0, momentum: v              12, 20
///   adam, adamw              rate m / (sqrt(v) + epsilon)                  m, v (amsgrad: largest v)   28 (36)
///   nadam                    rate (p g + q m) / (sqrt(v) + epsilon)        m, v                        28
///   radam                    rate r m / (sqrt(v) + epsilon)                m, v                        28
///   adagrad                  rate g / (sqrt(sum of g^2) + epsilon)         sum                         20
///   rmsprop                  rate g / (sqrt(v) + epsilon)                  v (centered: mean of g)     20 (28)
///     with momentum          rate b, b = momentum b + g / ...              and b                       28 (36)
///   adadelta                 rate sqrt(a) / sqrt(v) g                      v, a: mean of u^2           28
///   lion                     rate sign(beta1 m + (1 - beta1) g)            m                           20
///   ademamix                 rate (m + alpha s) / (sqrt(v) + epsilon)      m, v, s                     36
///   schedule_free_adamw      as adamw without m, of z; w: see its file     z, v                        28
///   moving_average           w = decay w + (1 - decay) g                   0                           12
///   lookahead<rule>          the rule, and each period w = s               the rule's, and s           + 8
///
/// Groups. Each group is a rule with hyperparameters of its own; a parameter names its group by its index. A group's
/// learning rate in an update is its `rate` times the rate factor (set_rate_factor).
///
/// Types. Weights and gradients: double, float, half, bf16. An update is computed in the accumulation type of the
/// weights: double for double, else float. States have this type by default, or the type `State`: float, bf16, or
/// eight_bit, codes of 8 bits for tensors of 4,096 elements and more. A second moment above 0 does not become 0 in 8
/// bits. A state of 8 bits that is not finite makes all states of its block of 256 elements NaN.
///
/// Clipping, loss scaling, skipped updates. See optimizer_options. Their numbers (norm, loss scale, counts) are in the
/// executor's memory and among the saved tensors, and no update waits for the host. In a skipped update nothing is
/// written but these numbers.
///
/// NaN and infinity. Without loss scaling and skip_not_finite, a gradient that is not finite changes its weight as the
/// rule says, and all weights if gradients are clipped by their norm.
///
/// Memory. The constructor allocates the states and sets them to zero, allocates the master weights
/// (narrow_weights::masters) and sets them to the weights. Weights and gradients stay the caller's.
///
/// Determinism. The same weights, gradients and states give the same bits, also with stochastic rounding, whose random
/// numbers are a function of the seed, the parameter's index, the element and the number of the update.
///
/// Graphs. step() passes no number from the host that changes from update to update: a captured step can be replayed.
/// The number of the update, the rate factor and the loss scale are in the executor's memory. If the tensors do not fit
/// a kernel's arguments (some 400), the first step() copies a table to the executor's memory: call it once before a
/// capture.
///
/// Errors. The constructor throws `error` before anything is allocated: no groups, hyperparameters or options outside
/// of their domains, and, with the parameter's index and name, wrong shapes, gaps between elements, null views, memory
/// that the executor cannot reach, a group that does not exist, tensors that share memory.
template <update_rule Rule, class Weight, class Gradient = Weight, class State = accumulator_t<Weight>>
class optimizer {
  using accumulator = accumulator_t<Weight>;
  using memory = ops::optimizer_memory<Rule, Weight, Gradient, State>;
  using record = typename memory::record;
  using euclidean = norm_kind::euclidean<Gradient>;
  static_assert(std::is_same_v<State, accumulator> ||
                    ((std::is_same_v<State, bf16> || std::is_same_v<State, eight_bit>)&&sizeof(Weight) <= 4),
                "optimizer: the states must have the accumulation type of the weights (double for double, else float), "
                "or be bf16 or eight_bit, which double weights cannot have");

  static_assert(
      !memory::has_eight_bit || !requires(const Rule& r) { r.evaluation(); },
      "optimizer: a rule with evaluation weights cannot have states of 8 bits");

public:
  template <executor Executor>
  optimizer(const Executor& executor, std::vector<Rule> groups, std::vector<parameter<Weight, Gradient>> parameters,
            optimizer_options options = {}, where at = {})
      : groups_(std::move(groups)), parameters_(std::move(parameters)), options_(options) {
    refuse(check(executor.reachable()), at);
    allocate(executor, at);
  }

  /// Makes one update of all weights, with the policy that the selector picks.
  template <executor Executor>
  void step(const Executor& executor, where at = {}) {
    using table = optimizer_table<Executor, ops::widest_type<record>>;
    with_candidate<table>(table::choose(optimizer_problem{}, executor.target()).index,
                          [&]<elementwise_policy P>() { step<P>(executor, at); });
  }
  /// Makes one update with your policy.
  template <elementwise_policy P, executor Executor>
  void step(const Executor& executor, where at = {}) {
    if (options_.needs_norm()) measure(executor, at);
    ops::launch_advance<accumulator, Executor, Rule>(executor, groups_, memory_.scalars.data_handle(),
                                                     memory_.rule_scalars.data_handle(),
                                                     memory_.constants_of_groups.data_handle(),
                                                     static_cast<accumulator>(options_.largest_gradient),
                                                     ops::scaling_of(options_), memory_.known, at);
    update<P>(executor, tables_, memory_.records, at);
    if constexpr (memory::has_eight_bit) update<P>(executor, eight_bit_tables_, memory_.eight_bit_records, at);
  }

  /// Sets the factor of all learning rates from the next update on: a schedule's value. At least 0.
  template <executor Executor>
  void set_rate_factor(const Executor& executor, double factor, where at = {}) {
    if (!(factor >= 0 && is_finite<double>(factor)))
      throw error({Rule::name, ": the rate factor is ", factor, "; it must be at least 0 and finite"}, at);
    set_scalar(executor, optimizer_scalar::rate_factor, factor, at);
  }

  /// The loss scale, one double in the executor's memory: the factor of the gradient of the loss, for kernels that are
  /// launched before the next update. 1 without loss scaling.
  vector_view<const double> loss_scale() const {
    return vector(static_cast<const double*>(memory_.scalars.data_handle()) + optimizer_scalar::loss_scale, 1);
  }

  /// The functions below return numbers of the updates so far. They wait for the executor.
  /// Updates that were made; those that were skipped do not count.
  template <executor Executor>
  std::int64_t steps(const Executor& executor, where at = {}) const {
    return static_cast<std::int64_t>(scalar(executor, optimizer_scalar::step, at));
  }
  /// Updates that were skipped, because the gradients were not finite.
  template <executor Executor>
  std::int64_t skipped(const Executor& executor, where at = {}) const {
    return static_cast<std::int64_t>(scalar(executor, optimizer_scalar::skipped, at));
  }
  /// The Euclidean norm of all gradients of the last update, skipped or not: times gradient_factor and divided by the
  /// loss scale, before clipping. Throws if the options do not need it.
  template <executor Executor>
  double norm(const Executor& executor, where at = {}) const {
    if (!options_.needs_norm())
      throw error({Rule::name, ": the norm of the gradients is not computed; set the option measure_norm"}, at);
    return scalar(executor, optimizer_scalar::norm, at);
  }
  /// The loss scale of the next update.
  template <executor Executor>
  double loss_scale(const Executor& executor, where at = {}) const {
    return scalar(executor, optimizer_scalar::loss_scale, at);
  }

  /// Writes the weights to evaluate the network with, of parameter i (its index in the list), to `to`: a dense tensor
  /// of the parameter's shape, of any floating-point type, in memory of its own. Only for rules whose evaluation
  /// weights are not the trained ones (rule::schedule_free_adamw, rule::lookahead). They are computed in the
  /// accumulation type of `to`. The weights and states stay as they are. Before the first update they have no meaning.
  template <executor Executor, tensor_of_any_rank X>
  requires requires(const Rule& r) { r.evaluation(); }
  void write_evaluation_weights(const Executor& executor, std::size_t i, const X& to, where at = {}) const {
    if (i >= parameters_.size())
      throw error({Rule::name, ": parameter ", static_cast<std::int64_t>(i),
                   " does not exist; it must be an index in the list of ",
                   static_cast<std::int64_t>(parameters_.size()),
                   parameters_.size() == 1 ? " parameter" : " parameters"},
                  at);
    record of{};  // of an empty tensor
    for (const record& r : memory_.records)
      if (r.number == static_cast<std::int32_t>(i)) of = r;
    const operand target = writes("evaluation weights", view(to, at, {"optimizer: ", "evaluation weights"}));
    operands all = memory_.known;
    refuse(ops::check_evaluation_weights(Rule::name, parameters_[i].weights, target, all, executor.reachable()), at);
    if (target.empty()) return;
    fill(executor, to, 0, at);  // the update kernel loads the weights that it overwrites
    const auto write = [&](auto trained) {
      ops::evaluation_weights<element_type_of<X>>(executor, groups_[parameters_[i].group].evaluation(), trained,
                                                  of.states, target, all, at);
    };
    if (of.master)
      write(gmem_ptr<const accumulator>(of.master));
    else
      write(gmem_ptr<const Weight>(of.weights));
  }

  /// Returns the tensors that a checkpoint has to keep, besides the weights: states, master weights and scalars. To
  /// resume, make an optimizer of the same rule and parameters and write the saved elements to its tensors: training
  /// then continues bit for bit.
  std::vector<optimizer_tensor> saved_tensors() const { return memory_.saved; }

private:
  /// True if the weights have masters.
  bool has_masters() const {
    return sizeof(Weight) < sizeof(accumulator) && options_.narrow == narrow_weights::masters;
  }

  finding check(memory_space reachable) {
    constexpr const char* op = Rule::name;
    if (groups_.empty()) return {op, ": the list of groups is empty; it must have at least one rule"};
    for (std::size_t g = 0; g < groups_.size(); ++g)
      if (auto found = ops::check_rule<accumulator>(groups_[g], op, groups_.size() > 1 ? static_cast<int>(g) : -1))
        return found;
    if (auto found = ops::check_options<accumulator>(op, options_)) return found;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      auto& one = parameters_[i];
      one.weights.name = memory_.names.keep(ops::name_in_list("weights", i, one.name));
      one.gradient.name = memory_.names.keep(ops::name_in_list("gradient", i, one.name));
      if (auto found = ops::check_parameter(op, one.weights, one.gradient, one.group, groups_.size())) return found;
      memory_.known.push_back(one.weights);
      memory_.known.push_back(one.gradient);
    }
    if (auto found = check_operands(memory_.known, reachable)) return in_op(op, found);
    return ops::check_dense_aliases(op, memory_.known);
  }

  template <class Executor>
  void allocate(const Executor& executor, where at) {
    memory_.allocate(executor, groups_, parameters_, has_masters(), at);
    memory_.for_each_master([&](const auto& weights, const auto& masters) { copy(executor, weights, masters, at); });
    set_rate_factor(executor, 1, at);
    set_scalar(executor, optimizer_scalar::loss_scale, options_.loss_scaling ? options_.loss_scaling->initial : 1, at);
    if (options_.needs_norm()) allocate_sums(executor, at);
    memory_.known.set_checked();
  }

  /// Updates the tensors of these records.
  template <elementwise_policy P, class Executor, class Record>
  void update(const Executor& executor, ops::optimizer_tables<Record>& tables, const std::vector<Record>& records,
              where at) {
    tables.template with_table<P>(executor, records, memory_.known, at,
                                  [&]<class Table>(const Table& table, std::int64_t chunks) {
                                    const update_params<Rule, Table>
                                        p{.table = table,
                                          .chunks = chunks,
                                          .constants_of_groups =
                                              gmem_ptr<const std::int32_t>(memory_.constants_of_groups.data_handle()),
                                          .constants = {},
                                          .seed = options_.seed,
                                          .stochastic = options_.narrow == narrow_weights::stochastic};
                                    ops::launch_update<P>(executor, p, memory_.known, at);
                                  });
  }

  /// Lists the gradients for their norm, and allocates the sums of their chunks.
  template <class Executor>
  void allocate_sums(const Executor& executor, where at) {
    std::int64_t chunks = 0;
    const auto list = [&](const auto& records) {
      for (const auto& r : records) {
        gradients_.push_back({r.gradient, r.size, 0});
        chunks += ops::chunks_of(r.size, ops::norm_chunk_elements<Gradient>(executor));
      }
    };
    list(memory_.records), list(memory_.eight_bit_records);
    sums_ = buffer<double, 2>(executor, first_extent(chunks, at), euclidean::parts);
    memory_.known.push_back(own(writes("sums of chunks", sums_.view())));
  }

  /// Computes the norm of all gradients as they are in memory.
  template <class Executor>
  void measure(const Executor& executor, where at) {
    ops::with_norm_policy<Gradient>(executor, [&]<elementwise_policy P>() {
      tables_of_gradients_
          .template with_table<P>(executor, gradients_, memory_.known, at,
                                  [&]<class Table>(const Table& table, std::int64_t chunks) {
                                    ops::launch_norm_of_chunks<euclidean, P>(executor, Rule::name, table, chunks,
                                                                             sums_.data_handle(), memory_.known, at);
                                    ops::launch_norm_totals<euclidean>(executor, all_chunks{}, 1, chunks,
                                                                       sums_.data_handle(),
                                                                       memory_.scalars.data_handle() +
                                                                           optimizer_scalar::scaled_norm,
                                                                       memory_.known, at);
                                  });
    });
  }

  template <class Executor>
  double scalar(const Executor& executor, optimizer_scalar::index i, where at) const {
    double value = 0;
    copy_dense(executor, vector(static_cast<const double*>(memory_.scalars.data_handle()) + i, 1), vector(&value, 1),
               at);
    executor.wait(at);
    return value;
  }
  template <class Executor>
  void set_scalar(const Executor& executor, optimizer_scalar::index i, double value, where at) {
    fill(executor, vector(memory_.scalars.data_handle() + i, 1), value, at);
  }

  std::vector<Rule> groups_;
  std::vector<parameter<Weight, Gradient>> parameters_;
  optimizer_options options_;
  memory memory_;
  ops::optimizer_tables<record> tables_;
  ops::optimizer_tables<typename memory::eight_bit_record_type> eight_bit_tables_;
  std::vector<read_record<Gradient>> gradients_;  // of all records, if their norm is computed
  buffer<double, 2> sums_;                        // (chunk, part): see kernels/optimizer/norm.hpp
  ops::optimizer_tables<read_record<Gradient>> tables_of_gradients_;
};

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
