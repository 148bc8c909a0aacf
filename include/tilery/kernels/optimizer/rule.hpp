// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What an update rule is. A rule is a struct of hyperparameters, such as rule::adamw, that knows how one update changes
// a weight and its states (velocity, moments):
//
//   struct my_rule {                                     // w = w - rate sign(g)
//     double rate = 1e-3;
//     static constexpr const char* name = "my_rule";     // in messages and state files
//     static constexpr int states = 0;                   // tensors of the weights' shape that the rule keeps,
//     initially 0 template <class S>                                 // S: the type in which an update is computed
//     struct constants {                                 // the same for all elements of a group; members of type S
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
// of N elements. Optional members: static constexpr const char* state_names[states]; bool keeps_state(int i) const,
// false if this rule with its hyperparameters does not need state i: then no memory is allocated for it, and `update`
// gets zeros.
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

/// A type that has the members of an update rule which do not depend on a type of elements.
template <class R>
concept update_rule = std::is_trivially_copyable_v<R> && requires(const R& r, int i) {
  { R::name } -> std::convertible_to<const char*>;
  { R::states } -> std::convertible_to<int>;
  typename R::template constants<float>;
  { r.template at<float>(update_time{}) } -> std::same_as<typename R::template constants<float>>;
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
