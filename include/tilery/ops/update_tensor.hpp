// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One update of one tensor by a rule without scalars. The caller owns the states, and gives the number of the update.
#pragma once
#pragma GCC system_header

#include <tilery/core/shape.hpp>
#include <tilery/ops/optimizer_checks.hpp>
#include <tilery/ops/rule_checks.hpp>
#include <tilery/ops/run_update.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// A state of a tensor: its name in messages, and its elements (no elements if the rule does not need it).
template <class V>
struct named_state {
  const char* name;
  const V& view;
};

/// Checks the call and launches one update. `states` are the first states of the rule; the rule keeps no others.
template <class Executor, update_rule Rule, class W, class G, class... V>
void update_tensor(const Executor& executor, const Rule& rule, update_time time, const W& weights, const G& gradient,
                   where at, const named_state<V>&... states) {
  using T = element_type_of<W>;
  using S = accumulator_t<T>;
  using D = std::remove_const_t<element_type_of<G>>;
  using record = tensor_record<T, D, S, Rule::states>;
  constexpr const char* op = Rule::name;
  const sentence prefix(op, ": ");
  const std::int64_t columns = row_length({prefix.c_str(), "weights"}, weights, at);
  const auto w = as_rows(op, {prefix.c_str(), "weights"}, weights, columns, at);
  const matrix_view<const D> g = as_rows(op, {prefix.c_str(), "gradient"}, gradient, columns, at);
  refuse(check_rule<S>(rule, op), at);
  operands all = {writes("weights", w), reads("gradient", g)};
  record one{gmem_ptr<T>(w.pointer), gmem_ptr<S>(nullptr), gmem_ptr<const D>(g.pointer), {}, w.size(), 0, 0, 0};
  int i = 0;
  const auto add_state = [&](const auto& state) {
    const int index = i++;
    one.states[index] = gmem_ptr<S>(nullptr);
    if (!keeps_state(rule, index)) return;
    const auto rows = as_rows(op, {prefix.c_str(), state.name}, state.view, columns, at);
    all.push_back(writes(state.name, rows));
    one.states[index] = gmem_ptr<S>(rows.pointer);
  };
  (add_state(states), ...);
  while (i < Rule::states) one.states[i++] = gmem_ptr<S>(nullptr);
  refuse(check_same_shape(op, all), at);
  refuse(check_call(op, all, executor.reachable()), at);
  using table = optimizer_table<Executor, widest_type<record>>;
  with_candidate<table>(table::choose(optimizer_problem{}, executor.target()).index, [&]<elementwise_policy P>() {
    one.whole_packs = has_whole_packs<Executor>(one, P.vector);
    using params = update_params<Rule, table_of_one<record>>;
    const params p{.table = {one},
                   .chunks = chunks_of(one.size, P.block_elements()),
                   .constants_of_groups = gmem_ptr<const std::int32_t>(nullptr),
                   .constants = {.rule = rule.template at<S>(time)},
                   .seed = 0,
                   .stochastic = false};
    launch_update<P>(executor, p, all, at);
  });
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
