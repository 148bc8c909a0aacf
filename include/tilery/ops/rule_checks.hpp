// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checks of a rule's hyperparameters. A rule calls them in its function check() (kernels/optimizer/rule.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/factor.hpp>
#include <tilery/kernels/optimizer/rule.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// Checks hyperparameters and keeps the sentence of the first one outside of its domain. NaN is in no domain. S is the
/// type in which an update is computed: a number must be finite in S.
template <class S>
class rule_checks {
public:
  /// `op` is the rule's name; `group` the index of its group, or -1 if there is only one.
  explicit rule_checks(const char* op, int group = -1) : op_(op), group_(group) {}

  /// The number must be at least 0 and finite in S.
  void at_least_0(const char* name, double value) {
    if (!(value >= 0 && is_finite<S>(value))) wrong(name, value, {"at least 0 and a finite ", element<S>::name});
  }
  /// The number must be above 0 and finite in S.
  void above_0(const char* name, double value) {
    if (!(value > 0 && is_finite<S>(value))) wrong(name, value, {"above 0 and a finite ", element<S>::name});
  }
  /// The number must be in [0, 1), also after rounding to S: the factor of an old moment.
  void share(const char* name, double value) {
    if (!(value >= 0 && static_cast<S>(value) < 1))
      wrong(name, value, "at least 0 and below 1, also after rounding to the type of the moments");
  }
  /// The number must be in [low, high].
  void within(const char* name, double value, double low, double high) {
    if (!(value >= low && value <= high)) wrong(name, value, {"from ", low, " to ", high});
  }
  /// Any other condition, in words: "nesterov needs momentum above 0".
  void must(const char* name, bool holds, const char* what) {
    if (!holds && !found_) found_ = sentence(prefix(), name, " ", what);
  }

  const finding& found() const { return found_; }

private:
  void wrong(const char* name, double value, const sentence& domain) {
    if (!found_) found_ = sentence(prefix(), name, " is ", value, "; it must be ", domain);
  }
  sentence prefix() const { return group_ < 0 ? sentence(op_, ": ") : sentence(op_, ": group ", group_, ": "); }

  const char* op_;
  int group_;
  finding found_;
};

/// Returns the sentence of the first hyperparameter outside of its domain, or nothing.
template <class S, update_rule Rule>
finding check_rule(const Rule& rule, const char* op, int group = -1) {
  rule_checks<S> checks(op, group);
  if constexpr (requires { rule.check(checks); }) rule.check(checks);
  return checks.found();
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
