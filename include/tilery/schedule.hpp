// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Schedules of the learning rate, on the host. A schedule is a struct that is called with the number of updates made so
// far and returns the rate factor of the next update: `optimizer.set_rate_factor(executor, schedule(done))`. A factor
// of 1 stands for the rate of the rule.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/core/error.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>

namespace tilery::inline TILERY_ABI {

/// Schedules. In all of them `done` is the number of updates made before this one: 0 for the first update. Factors are
/// at least 0. A call throws `error` if a member is outside of its domain (NaN is outside) or `done` is negative.
namespace schedule {

/// Checks that schedules share.
struct checks {
  const char* name;  // of the schedule
  where at;

  void updates(const char* member, std::int64_t value, std::int64_t least = 1) const {
    if (value < least)
      throw error({"schedule::", name, ": ", member, " is ", value, "; it must be at least ", least}, at);
  }
  void factor(const char* member, double value) const {
    if (!(value >= 0 && std::isfinite(value)))
      throw error({"schedule::", name, ": ", member, " is ", value, "; it must be at least 0 and finite"}, at);
  }
};

/// Always the same factor.
struct constant {
  double factor = 1;  ///< at least 0

  double operator()(std::int64_t done, where at = {}) const {
    const checks check{"constant", at};
    check.factor("factor", factor), check.updates("done", done, 0);
    return factor;
  }
};

/// A straight line from the factor `from` to the factor `to` over `updates` updates; after them `to`.
struct linear {
  std::int64_t updates;     ///< at least 1
  double from = 1, to = 0;  ///< at least 0

  double operator()(std::int64_t done, where at = {}) const {
    const checks check{"linear", at};
    check.updates("updates", updates), check.factor("from", from), check.factor("to", to);
    check.updates("done", done, 0);
    return from + (to - from) * static_cast<double>(std::min(done, updates)) / static_cast<double>(updates);
  }
};

/// to + (1 - to) (1 - done / updates)^power; after `updates` updates, `to`. With to = 0 it is torch's PolynomialLR.
struct polynomial {
  std::int64_t updates;  ///< at least 1
  double power = 1;      ///< at least 0
  double to = 0;         ///< at least 0

  double operator()(std::int64_t done, where at = {}) const {
    const checks check{"polynomial", at};
    check.updates("updates", updates), check.factor("power", power), check.factor("to", to);
    check.updates("done", done, 0);
    if (done >= updates) return to;
    return to + (1 - to) * std::pow(1 - static_cast<double>(done) / static_cast<double>(updates), power);
  }
};

/// Half a period of a cosine: to + (1 - to) (1 + cos(pi done / updates)) / 2; after `updates` updates, `to` (Loshchilov
/// and Hutter, arXiv 1608.03983, without restarts).
struct cosine {
  std::int64_t updates;  ///< at least 1
  double to = 0;         ///< at least 0

  double operator()(std::int64_t done, where at = {}) const {
    const checks check{"cosine", at};
    check.updates("updates", updates), check.factor("to", to), check.updates("done", done, 0);
    if (done >= updates) return to;
    const double share = static_cast<double>(done) / static_cast<double>(updates);
    return to + (1 - to) * (1 + std::cos(std::numbers::pi * share)) / 2;
  }
};

/// `cosine` over `first` updates, and again and again from 1 on, each period `growth` times as long as the one before
/// it (Loshchilov and Hutter, arXiv 1608.03983; torch's CosineAnnealingWarmRestarts).
struct cosine_with_restarts {
  std::int64_t first;       ///< updates of the first period, at least 1
  std::int64_t growth = 1;  ///< at least 1
  double to = 0;            ///< at least 0

  double operator()(std::int64_t done, where at = {}) const {
    const checks check{"cosine_with_restarts", at};
    check.updates("first", first), check.updates("growth", growth), check.factor("to", to);
    check.updates("done", done, 0);
    std::int64_t period = first;
    if (growth == 1) {
      done %= period;
    } else {
      while (done >= period) {
        done -= period;
        if (__builtin_mul_overflow(period, growth, &period)) period = std::numeric_limits<std::int64_t>::max();
      }
    }
    return cosine{period, to}(done);
  }
};

/// The factor is multiplied by `factor` after each `every` updates (torch's StepLR).
struct step_decay {
  std::int64_t every;   ///< at least 1
  double factor = 0.1;  ///< at least 0

  double operator()(std::int64_t done, where at = {}) const {
    const checks check{"step_decay", at};
    check.updates("every", every), check.factor("factor", factor), check.updates("done", done, 0);
    return std::pow(factor, static_cast<double>(done / every));
  }
};

/// A warm-up before another schedule: a straight line over `updates` updates, so that the first update has the factor
/// from + (1 - from) / (updates + 1), and the first one of the other schedule comes at the same distance. Then
/// then(done - updates).
template <class Then>
struct warm_up {
  std::int64_t updates;  ///< at least 0
  Then then;             ///< the schedule after the warm-up
  double from = 0;       ///< at least 0

  double operator()(std::int64_t done, where at = {}) const {
    const checks check{"warm_up", at};
    check.updates("updates", updates, 0), check.factor("from", from), check.updates("done", done, 0);
    if (done >= updates) return then(done - updates, at);
    return then(0, at) * (from + (1 - from) * static_cast<double>(done + 1) / static_cast<double>(updates + 1));
  }
};
template <class Then, class... Rest>
warm_up(std::int64_t, Then, Rest...) -> warm_up<Then>;

/// Warm-up, then a factor of 1, and over the last `decay` of `updates` updates down to `to`: along 1 - sqrt(share), or
/// a straight line (Hu et al., arXiv 2404.06395; Haegele et al., arXiv 2405.18392, for 1 - sqrt).
struct warm_up_stable_decay {
  std::int64_t updates;      ///< of all three parts, at least 1
  std::int64_t warm_up = 0;  ///< of the first part, at least 0
  std::int64_t decay = 0;    ///< of the last part, at least 0; warm_up + decay is at most updates
  double to = 0;             ///< at least 0
  bool along_root = true;    ///< true: 1 - sqrt(share); false: a straight line

  double operator()(std::int64_t done, where at = {}) const {
    const checks check{"warm_up_stable_decay", at};
    check.updates("updates", updates), check.updates("warm_up", warm_up, 0), check.updates("decay", decay, 0);
    check.factor("to", to), check.updates("done", done, 0);
    if (warm_up > updates - decay)
      throw error({"schedule::warm_up_stable_decay: warm_up and decay are ", warm_up, " and ", decay,
                   "; together they must be at most updates, ", updates},
                  at);
    if (done < warm_up) return static_cast<double>(done + 1) / static_cast<double>(warm_up + 1);
    if (done < updates - decay) return 1;
    if (done >= updates) return to;
    const double share = static_cast<double>(done - (updates - decay)) / static_cast<double>(decay);
    return to + (1 - to) * (1 - (along_root ? std::sqrt(share) : share));
  }
};

/// Up along a cosine from `from` to 1 over the share `rise` of the updates, then down to `to` (Smith and Topin, arXiv
/// 1708.07120; the defaults and the formula are those of torch's OneCycleLR with anneal_strategy="cos").
struct one_cycle {
  std::int64_t updates;           ///< at least 2
  double rise = 0.3;              ///< share of the updates in which the factor rises, above 0 and below 1
  double from = 1.0 / 25;         ///< at least 0
  double to = 1.0 / 25 / 10'000;  ///< at least 0

  double operator()(std::int64_t done, where at = {}) const {
    const checks check{"one_cycle", at};
    check.updates("updates", updates, 2), check.factor("from", from), check.factor("to", to);
    check.updates("done", done, 0);
    if (!(rise > 0 && rise < 1))
      throw error({"schedule::one_cycle: rise is ", rise, "; it must be above 0 and below 1"}, at);
    const double last = static_cast<double>(updates - 1);
    const double top = std::max(rise * static_cast<double>(updates) - 1, 0.0);
    const double now = std::min(static_cast<double>(done), last);
    if (now < top) return along_cosine(from, 1, now / top);
    return along_cosine(1, to, last > top ? (now - top) / (last - top) : 1);
  }

private:
  static double along_cosine(double begin, double end, double share) {
    return end + (begin - end) * (1 + std::cos(std::numbers::pi * share)) / 2;
  }
};

}  // namespace schedule

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
