// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The optimizers' update kernel with each rule, for weights and gradients of ELEMENT and states of its accumulation
// type (half and bf16: with master weights), and the kernel that computes the groups' constants. With ADAMW: that rule
// alone.
#include "kernels.hpp"

#include <tilery/optimizer.hpp>

using namespace tilery;
using T = ELEMENT;
using S = accumulator_t<T>;

template <class Rule, class Table>
struct update_with {
  using params = update_params<Rule, Table>;
  template <elementwise_policy P>
  using kernel = optimizer_update<P, params>;
  // Constants of the group, and a table in memory, are read in words of 4 bytes; an element, and packs of 16 bytes of
  // the widest type.
  static constexpr meant_accesses meant(const elementwise_policy& p) {
    constexpr int element = sizeof(T), narrowest = element < 4 ? element : 4;
    return {{narrowest, p.vector * static_cast<int>(sizeof(S))}, {element, p.vector * static_cast<int>(sizeof(S))}};
  }
};

/// The update with a table in the kernel's arguments and in memory, and the constants.
template <class Rule>
void compile_rule() {
  using record = tensor_record<T, T, S, Rule::states>;
  compile_candidates<optimizer_table_gpu<S>, update_with<Rule, table_in_arguments<record>>>();
  compile_candidates<optimizer_table_gpu<S>, update_with<Rule, table_in_memory<record>>>();
  using constants = advance_params<Rule, S>;
  compile<optimizer_advance<32, constants>, constants, meant_accesses{{8, 8}, {4, 8}}>();
}

template <class... Rules>
void compile_rules() {
  (compile_rule<Rules>(), ...);
}

void use() {
#ifdef ADAMW
  compile_rules<rule::adamw>();
#else
  compile_rules<rule::sgd, rule::adam, rule::adamw, rule::nadam, rule::radam, rule::adagrad, rule::rmsprop,
                rule::adadelta, rule::lion, rule::ademamix, rule::schedule_free_adamw, rule::moving_average,
                rule::lookahead<rule::adamw>>();
#endif
}
