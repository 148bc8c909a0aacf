// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The concept of an update rule. A rule is a struct of hyperparameters, such as rule::adamw, that computes how one
// update changes a weight and its states (velocity, moments):
//
//   struct my_rule {                                   // w = w - rate sign(g)
//     double rate = 1e-3;
//     static constexpr const char* name = "my_rule";   // in messages and state files
//     static constexpr int states = 0;                 // tensors of the weights' shape that the rule keeps, from 0 on
//
//     template <class S>                               // S: the type in which an update is computed
//     struct constants {                               // the same for all elements of a group; members of type S
//       S rate;
//       template <int N>
//       TILERY_SIMT void update(pack<S, N>& w, pack<S, N> g) const { ... }   // ... and one pack<S, N>& for each state
//     };
//     template <class S>
//     TILERY_SIMT constants<S> at(const update_time& time) const { return {S(time.rate_factor * rate)}; }
//     template <class Check>
//     void check(Check& check) const { check.at_least_0("rate", rate); }   // the domains of the hyperparameters
//   };
//
// `at` is called once for each update and group, by one lane, and computes in double. `update` is called for each pack
// of N elements.
//
// Optional members:
//   static constexpr const char* state_names[states];   // in state files; without it: state0, state1...
//   static constexpr bool non_negative[states];         // true for a state that is never below 0 (a second moment): in
//   8
//                                                       // bits it has a map without signs, and stays above 0
//   bool keeps_state(int i) const;   // false if this rule, with its hyperparameters, does not need state i: then no
//                                    // memory is allocated for it, and `update` gets zeros
//   static constexpr int scalars = n;   // numbers that a group keeps from update to update, such as a sum over the
//                                       // updates: doubles, initially 0, saved with the states. `at` then is
//   constants<S> at(const update_time& time, double* scalars) const;   // and reads and writes them
//   auto evaluation() const;   // a rule that computes the weights to evaluate the network with, if they are not the
//                              // weights that are trained. It has as many states; its w are the evaluation weights
//                              // (their old values are not used), its g the trained weights, and it does not change
//                              // the states
#pragma once
#pragma GCC system_header

#include <tilery/core/math.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI {

/// The time of an update.
struct update_time {
  std::int64_t step = 1;   // number of this update, from 1
  double rate_factor = 1;  // factor of the learning rate, for example from a schedule
};

/// The number of a rule's scalars in each group.
template <class Rule>
constexpr int scalars_of() {
  if constexpr (requires { Rule::scalars; })
    return Rule::scalars;
  else
    return 0;
}

/// Calls a rule's function at(), with the group's scalars if the rule has any.
template <class S, class Rule>
TILERY_SIMT auto constants_at(const Rule& rule, const update_time& time, double* scalars) {
  if constexpr (scalars_of<Rule>() > 0)
    return rule.template at<S>(time, scalars);
  else
    return rule.template at<S>(time);
}

/// A type that has the members of an update rule which do not depend on a type of elements.
template <class R>
concept update_rule = std::is_trivially_copyable_v<R> && requires(const R& r, double* scalars) {
  { R::name } -> std::convertible_to<const char*>;
  { R::states } -> std::convertible_to<int>;
  typename R::template constants<float>;
  { constants_at<float>(r, update_time{}, scalars) } -> std::same_as<typename R::template constants<float>>;
};

/// True if the rule, with its hyperparameters, needs state i.
template <class Rule>
constexpr bool keeps_state(const Rule& rule, int i) {
  if constexpr (requires { rule.keeps_state(i); })
    return rule.keeps_state(i);
  else
    return i < Rule::states;
}

}  // namespace tilery::inline TILERY_ABI
