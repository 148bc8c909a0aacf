// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One GEMM on a GPU, or a batch of them, beside cuBLASLt: the same operands, the two in turn, a wrong result ends the
// run with an error. A program registers candidates (the default call, a policy by name) for the shapes that it wants.
#pragma once

#include "benchmarks/cublaslt.hpp"
#include "benchmarks/gemm_data.hpp"
#include "benchmarks/gpu_session.hpp"
#include "benchmarks/options.hpp"
#include "benchmarks/ratios.hpp"
#include "benchmarks/side_by_side.hpp"
#include "benchmarks/table.hpp"

#include <benchmark/benchmark.h>

#include <tilery/gemm_batched.hpp>

#include <map>
#include <memory>
#include <optional>

namespace tilery_benchmarks {

/// A way to call tilery's GEMM: why it does not serve the operands (null: it does), and the call.
template <class T>
struct gemm_candidate {
  std::string name;
  std::function<const char*(const tilery::cuda&, const gemm_data<T>&)> misfit;
  std::function<void(const tilery::cuda&, const gemm_data<T>&, int set)> call;
};

/// The call without a policy.
template <class T>
gemm_candidate<T> default_gemm() {
  return {"default", [](const tilery::cuda&, const gemm_data<T>&) -> const char* { return nullptr; },
          [](const tilery::cuda& executor, const gemm_data<T>& d, int set) {
            if (d.batch() == 1)
              tilery::gemm(executor, d.a_view(set), d.b_view(set), d.c_view(set), tilery::epilogue::none(),
                           plain_factors<T>());
            else
              tilery::gemm_batched(executor, d.a_batch(set), d.b_batch(set), d.c_batch(set), tilery::epilogue::none(),
                                   plain_factors<T>());
          }};
}

/// The call with policy P.
template <auto P, class T>
gemm_candidate<T> gemm_with(const std::string& name) {
  return {name,
          [](const tilery::cuda& executor, const gemm_data<T>& d) {
            namespace ops = tilery::ops;
            if (d.batch() == 1)
              return misfit(P, ops::describe_gemm(d.a_view(0), d.b_view(0), d.c_view(0), executor.target()));
            return misfit(P, ops::describe_gemm_batched(d.a_batch(0), d.b_batch(0), d.c_batch(0), executor.target()));
          },
          [](const tilery::cuda& executor, const gemm_data<T>& d, int set) {
            if (d.batch() == 1)
              tilery::gemm<P>(executor, d.a_view(set), d.b_view(set), d.c_view(set), tilery::epilogue::none(),
                              plain_factors<T>());
            else
              tilery::gemm_batched<P>(executor, d.a_batch(set), d.b_batch(set), d.c_batch(set),
                                      tilery::epilogue::none(), plain_factors<T>());
          }};
}

/// One line of what was measured.
struct gemm_measurement {
  gemm_shape shape;
  std::string candidate;
  double seconds = 0;
  double best_seconds = 0, first_seconds = 0;  // cuBLASLt's; 0 where it is not here or has no algorithm

  double tflops() const { return shape.flops() / seconds * 1e-12; }
};

/// What the whole run shares.
struct gemm_session : gpu_session {
  std::unique_ptr<cublaslt> library = cublaslt::open(without_peer);
  tilery::allocation workspace;
  std::map<std::string, int> best_algorithms;  // by the shape's title
  std::vector<gemm_measurement> measurements;

  /// 64 MiB on Hopper and later, 32 before: room enough that no algorithm is left out for want of it.
  gemm_session()
      : workspace(
            executor.allocate(std::size_t{is_at_least(executor.target(), tilery::arch::sm_90) ? 64u : 32u} << 20)) {}
};

/// cuBLASLt for one shape: the algorithm that its heuristic puts first, and the fastest of those that it returns.
template <class T>
class gemm_peer {
public:
  gemm_peer(gemm_session& session, const gemm_shape& shape, const gemm_data<T>& d) : session_(session), d_(d) {
    if (!session.library) return;
    gemm_.emplace(*session.library, shape, session.workspace.bytes());
    if (gemm_->algorithms() == 0) return;
    auto [known, is_new] = session.best_algorithms.try_emplace(shape.title(), 0);
    if (is_new) known->second = fastest();
    best_ = known->second;
  }

  bool here() const { return gemm_ && gemm_->algorithms() > 0; }
  int best() const { return best_; }
  std::string label() const {
    if (!gemm_) return session_.without_peer;
    if (!here()) return "cuBLASLt has no algorithm";
    return "cuBLASLt's best is " + std::to_string(best_ + 1) + " of " + std::to_string(gemm_->algorithms());
  }
  void run(int algorithm, int set, gemm_result_t<T>* c) const {
    gemm_->run(algorithm, d_.a(set), d_.b(set), c, session_.workspace.get(), session_.executor.stream());
  }
  /// The best one, and the first where it is another.
  std::vector<peer> sides() const {
    std::vector<peer> all;
    if (here()) all.push_back({"cuBLASLt", [this](int set) { run(best_, set, d_.c(set)); }});
    if (here() && best_ != 0) all.push_back({"first", [this](int set) { run(0, set, d_.c(set)); }});
    return all;
  }

private:
  int fastest() const {
    const int found = fastest_algorithm(session_.executor, "cuBLASLt", gemm_->algorithms(), d_.sets(),
                                        [this](int i, int set) { run(i, set, d_.c(set)); });
    return std::max(0, found);
  }

  gemm_session& session_;
  const gemm_data<T>& d_;
  std::optional<cublaslt_gemm<T>> gemm_;
  int best_ = 0;
};

/// What is wrong with the candidate's result, or with the peer's, in a sentence; empty where nothing is. Ours is
/// compared with sums in double in samples, and with cuBLASLt's in all elements.
template <class T>
std::string wrong_result(const gemm_session& session, const gemm_shape& shape, const gemm_candidate<T>& candidate,
                         const gemm_data<T>& d, const gemm_peer<T>& peer) {
  const double bound = relative_bound<T>(shape.k);
  d.poison(d.c(0));
  candidate.call(session.executor, d, 0);
  const double own = d.error_of_samples(d.c(0), 0);
  if (!(own <= bound)) return wrong_by(candidate.name, "sums in double", own, bound);  // NaN does not pass
  if (!peer.here()) return {};
  for (const int algorithm : {0, peer.best()}) {
    d.poison(d.reference());
    peer.run(algorithm, 0, d.reference());
    // cuBLASLt may add partial sums in C's type: then its own error is larger, and ours may differ by that much.
    const double of_peer = d.error_of_samples(d.reference(), 0), both = d.difference(d.c(0), d.reference());
    if (!(of_peer <= 4 * bound)) return wrong_by("cuBLASLt", "sums in double", of_peer, 4 * bound);
    if (!(both <= bound + of_peer)) return wrong_by(candidate.name, "cuBLASLt", both, bound + of_peer);
  }
  return {};
}

/// Measures one candidate for one shape.
template <class T>
void compare_gemm(benchmark::State& state, gemm_session& session, const gemm_shape& shape,
                  const gemm_candidate<T>& candidate) try {
  const tilery::cuda& executor = session.executor;
  const gemm_data<T> d(executor, shape);
  if (!d.fits()) {
    const std::string needs = "not measured: it needs " + std::to_string(d.needed() >> 20) + " MiB on the GPU";
    return state.SkipWithError(needs.c_str());
  }
  if (const char* why = candidate.misfit(executor, d))
    return state.SkipWithError(("not measured: " + std::string(why)).c_str());
  const gemm_peer<T> peer(session, shape, d);
  if (const std::string wrong = wrong_result(session, shape, candidate, d, peer); !wrong.empty())
    return session.fail(state, shape.title() + ": " + wrong);

  const medians seconds = side_by_side(
      state, executor, d.sets(), bytes_of<T>(shape), [&](int set) { candidate.call(executor, d, set); }, peer.sides());
  gemm_measurement measured{shape, candidate.name, seconds.ours};
  state.counters["TFLOPs"] = measured.tflops();
  state.counters["call_us"] =
      microseconds_to_enqueue(executor, d.sets(), [&](int set) { candidate.call(executor, d, set); });
  if (peer.here()) {
    // By these turns the first may be faster after all than the one that was the best by itself.
    measured.best_seconds = std::min(seconds.peers.front(), seconds.peers.back());
    measured.first_seconds = seconds.peers.back();
    state.counters["cuBLASLt_TFLOPs"] = shape.flops() / measured.best_seconds * 1e-12;
    state.counters["first/ours"] = measured.first_seconds / measured.seconds;
  }
  state.SetLabel(peer.label());
  session.measurements.push_back(measured);
} catch (const std::exception& error) {
  session.fail(state, shape.title() + ", " + candidate.name + ": " + error.what());
}

/// Registers a candidate for a shape; the benchmark's name is the shape's title and the candidate's name.
template <class T>
void add_gemm(gemm_session& session, const gemm_shape& shape, const gemm_candidate<T>& candidate) {
  const std::string name = shape.title() + "/" + candidate.name;
  benchmark::RegisterBenchmark(name.c_str(),
                               [&session, shape, candidate](benchmark::State& state) {
                                 compare_gemm<T>(state, session, shape, candidate);
                               })
      ->Apply(rounds_of)
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}

/// Says what runs, on what, beside what.
inline void introduce(const gemm_session& session) {
  introduce(session.library ? "cuBLASLt " + session.library->version() : session.without_peer);
}

/// Ratios of the default call by group, and over all that memory bounds.
inline void print_summary(const gemm_session& session) {
  std::map<std::string, std::vector<measured_ratio>> by_candidate;
  for (const gemm_measurement& m : session.measurements) {
    if (m.best_seconds == 0) continue;
    const double best = m.best_seconds / m.seconds, first = m.first_seconds / m.seconds;
    auto& ratios = by_candidate[m.candidate];
    ratios.push_back({m.shape.group, m.shape.type, best, first});
    ratios.push_back({m.shape.memory_bound ? "~ memory-bound" : "~ the others", m.shape.type, best, first});
  }
  for (const auto& [candidate, ratios] : by_candidate) print_ratios(ratios, ("cuBLASLt, " + candidate).c_str());
}

}  // namespace tilery_benchmarks
