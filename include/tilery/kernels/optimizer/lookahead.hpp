// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Lookahead: an update rule around another one.
#pragma once
#pragma GCC system_header

#include <tilery/core/math.hpp>
#include <tilery/kernels/optimizer/rule.hpp>

namespace tilery::inline TILERY_ABI {

namespace rule {

/// w: the evaluation weights, the slow weights of rule::lookahead with `States` states.
template <int States>
struct lookahead_evaluation {
  static constexpr const char* name = "lookahead";
  static constexpr int states = States;

  template <class S>
  struct constants {
    template <int N, class... States_>
    TILERY_SIMT void update(pack<S, N>& w, pack<S, N>, pack<S, N>& slow, States_&...) const {
      w = slow;
    }
  };
  template <class S>
  TILERY_SIMT constants<S> at(const update_time&) const {
    return {};
  }
};

/// w = inner rule's update of w
/// in each `period`th update: s = s + alpha (w - s), w = s
///
/// w: the fast weights, s: the slow weights, a state, a copy of w before the first update. The inner rule's states come
/// after s; they stay as they are when w becomes s. The inner rule is any rule with names for its states. Source: Zhang
/// et al., arXiv 1907.08610, algorithm 1.
///
/// Evaluation. The slow weights are the better ones (section 3.1 there). After each `period`th update w equals them;
/// optimizer::write_evaluation_weights writes them at any time. The fast weights stay as they are.
///
/// NaN and infinity. A NaN in w reaches s in the next `period`th update.
template <update_rule Inner>
requires(Inner::states == 0 || requires { Inner::state_names[0]; }) struct lookahead {
  Inner inner{};
  double alpha = 0.5;  ///< in (0, 1]: the step of the slow weights
  int period = 5;      ///< at least 1

  static constexpr const char* name = "lookahead";
  static constexpr int states = 1 + Inner::states;
  static constexpr int scalars = scalars_of<Inner>();
  bool keeps_state(int i) const { return i == 0 || tilery::keeps_state(inner, i - 1); }
  lookahead_evaluation<states> evaluation() const { return {}; }

  /// "slow", then the names of the inner rule's states.
  struct names {
    constexpr const char* operator[](int i) const {
      if constexpr (Inner::states > 0) return i > 0 ? Inner::state_names[i - 1] : "slow";
      return "slow";
    }
  };
  static constexpr names state_names{};

  template <class S>
  struct constants {
    typename Inner::template constants<S> inner;
    S alpha;     // 0 except in each `period`th update
    S is_first;  // 1 in the first update, else 0

    template <int N, class... States>
    TILERY_SIMT void update(pack<S, N>& w, pack<S, N> g, pack<S, N>& s, States&... of_inner) const {
      if (is_first != S(0)) s = w;
      inner.update(w, g, of_inner...);
      if (alpha != S(0)) s = w = fma(w - s, splat<N>(alpha), s);
    }
  };

  template <class S>
  TILERY_SIMT constants<S> at(const update_time& time, double* of_inner) const {
    return {.inner = constants_at<S>(inner, time, of_inner),
            .alpha = time.step % period == 0 ? S(alpha) : S(0),
            .is_first = S(time.step == 1)};
  }
  template <class S>
  TILERY_SIMT constants<S> at(const update_time& time) const {
    return at<S>(time, nullptr);
  }

  template <class Check>
  void check(Check& check) const {
    check.above_0("alpha", alpha);
    check.within("alpha", alpha, 0, 1);
    check.within("period", period, 1, 1e9);
    if constexpr (requires { inner.check(check); }) inner.check(check);
  }
};

}  // namespace rule

}  // namespace tilery::inline TILERY_ABI
