// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Computes the weights that a network is evaluated with, of one tensor, by a rule's evaluation()
// (kernels/optimizer/rule.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/ops/optimizer_tensors.hpp>
#include <tilery/ops/run_update.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// Checks the tensor for evaluation weights: it must have the shape of the tensor `weights`, be dense and share no
/// memory with the optimizer's operands `known`. It is added to them.
inline finding check_evaluation_weights(const char* op, const operand& weights, const operand& target, operands& known,
                                        memory_space reachable) {
  if (auto found = check_same_shape(op, {weights, target})) return found;
  if (auto found = check_operands({target}, reachable)) return in_op(op, found);
  if (!target.empty() && !target.dense())
    return {op, ": ", target.name, " have gaps between their elements; they must be dense"};
  known.push_back(target);
  if (auto found = check_dense_aliases(op, known)) return found;
  known.set_checked();
  return {};
}

/// Writes the evaluation weights of one tensor to `target`, whose elements, of type T, must have been written before.
/// `rule` is the rule's evaluation(); `trained` are the weights or, if there are any, the master weights; `states` are
/// the rule's states of the tensor. `known` are all operands.
template <class T, class Executor, class Rule, class Trained, class State>
void evaluation_weights(const Executor& executor, const Rule& rule, gmem_ptr<const Trained> trained,
                        const gmem_ptr<State>* states, const operand& target, const operands& known, where at) {
  using record = tensor_record<T, Trained, State, Rule::states>;
  record one{gmem_ptr<T>(reinterpret_cast<T*>(const_cast<std::byte*>(target.pointer))),
             gmem_ptr<accumulator_t<T>>(nullptr),
             trained,
             {},
             target.size(),
             0,
             0,
             0};
  for (int i = 0; i < Rule::states; ++i) one.states[i] = states[i];
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
