// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Computes the weights that a network is evaluated with, of one tensor, by a rule's evaluation()
// (kernels/optimizer/rule.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/fill.hpp>
#include <tilery/ops/optimizer_tensors.hpp>
#include <tilery/ops/run_update.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// Writes the evaluation weights of one tensor to `to`. `rule` is the rule's evaluation(); `trained` are the weights
/// or, if there are any, the master weights; `states` are the rule's states of the tensor. `known` are the operands of
/// the optimizer, `weights` is the one of this tensor. Throws if `to` has another shape, has gaps between its elements
/// or shares memory with one of `known`.
template <class Executor, class Rule, class X, class Trained, class State>
void evaluation_weights(const Executor& executor, const Rule& rule, gmem_ptr<const Trained> trained,
                        const gmem_ptr<State>* states, const operand& weights, operands known, const X& to, where at) {
  using T = element_type_of<X>;
  using record = tensor_record<T, Trained, State, Rule::states>;
  constexpr const char* op = Rule::name;
  const operand target = writes("evaluation weights", view(to, at, {"optimizer: ", "evaluation weights"}));
  refuse(check_same_shape(op, {weights, target}), at);
  refuse(in_op(op, check_operands({target}, executor.reachable())), at);
  if (target.empty()) return;
  if (!target.dense())
    throw error({op, ": ", target.name, " have gaps between their elements; they must be dense"}, at);
  known.push_back(target);
  refuse(check_dense_aliases(op, known), at);
  known.set_checked();
  record one{gmem_ptr<T>(reinterpret_cast<T*>(const_cast<std::byte*>(target.pointer))),
             gmem_ptr<accumulator_t<T>>(nullptr),
             trained,
             {},
             weights.size(),
             0,
             0,
             0};
  for (int i = 0; i < Rule::states; ++i) one.states[i] = states[i];
  fill(executor, to, 0, at);  // the update kernel loads all weights
  using table = optimizer_table<Executor, widest_type<record>>;
  with_candidate<table>(table::choose(optimizer_problem{}, executor.target()).index, [&]<elementwise_policy P>() {
    one.whole_packs = has_whole_packs<Executor>(one, P.vector);
    using params = update_params<Rule, table_of_one<record>>;
    const params p{.table = {one},
                   .chunks = chunks_of(one.size, P.block_elements()),
                   .constants_of_groups = gmem_ptr<const std::int32_t>(nullptr),
                   .constants = {.rule = rule.template at<accumulator_t<T>>(update_time{})},
                   .seed = 0,
                   .stochastic = false};
    launch_update<P>(executor, p, known, at);
  });
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
