// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One convolution on a GPU beside cuDNN: the same operands, the two in turn, a wrong result ends the run with an error.
// cuDNN's time is that of its fastest plan of those whose results are right.
#pragma once

#include "benchmarks/conv_data.hpp"
#include "benchmarks/cudnn_convolution.hpp"
#include "benchmarks/gpu_session.hpp"
#include "benchmarks/ratios.hpp"
#include "benchmarks/table.hpp"

#include <map>
#include <optional>

namespace tilery_benchmarks {

/// One line of what was measured.
struct conv_measurement {
  conv_case problem;
  std::string type;
  double seconds = 0;
  double best_seconds = 0, first_seconds = 0;  // cuDNN's; 0 where it is not here or has no plan
};

/// The state of the whole run.
struct conv_session : gpu_session {
  std::unique_ptr<cudnn> library = cudnn::open(without_peer);
  tilery::allocation workspace;  // cuDNN's
  std::vector<conv_measurement> measurements;

  /// 4 GiB, but at most a sixteenth of the GPU's memory: cuDNN copies tensors into another layout there.
  conv_session() {
    if (!library) return;
    std::size_t free = 0, total = 0;
    tilery::check_cuda(cudaMemGetInfo(&free, &total), "cudaMemGetInfo", {});
    workspace = executor.allocate(std::min(std::size_t{4} << 30, total / 16));
    library->use_stream(executor.stream());
  }
};

/// cuDNN for one convolution: the plan that its heuristic puts first, and the fastest of all that it returns.
template <class T>
class conv_peer {
public:
  /// Results are compared with c(0) of `d`, which must be right to within `own_error`.
  conv_peer(conv_session& session, const conv_case& problem, const conv_data<T>& d, double own_error) : d_(d) {
    if (!session.library) {
      label_ = session.without_peer;
      return;
    }
    convolution_.emplace(*session.library, problem, session.workspace.bytes());
    void* room = session.workspace.get();
    for (int set = 0; set < d.sets(); ++set) packs_.push_back(convolution_->pack(d.a(set), d.b(set), d.c(set), room));
    const cudnn_descriptor to_reference = convolution_->pack(d.a(0), d.b(0), d.reference(), room);
    // cuDNN may add partial sums in c's type, or transform the tensors: its own error may be four times the bound.
    const double bound = own_error + 4 * relative_bound<T>(problem.terms());
    for (int plan = 0; plan < convolution_->plans(); ++plan) try {
        d.poison(d.reference());
        convolution_->run(plan, to_reference);
        const double difference = d.difference(d.reference(), d.c(0));
        if (difference <= bound)  // NaN is not
          right_.push_back(plan);
        else
          std::fprintf(stderr, "%s is passed over: %s\n", problem.title(tilery::element<T>::name).c_str(),
                       wrong_by("cuDNN's " + convolution_->name(plan), "tilery", difference, bound).c_str());
      } catch (const tilery::error& error) {
        std::fprintf(stderr, "cuDNN's %s is passed over: %s\n", convolution_->name(plan).c_str(), error.what());
      }
    const int fastest = fastest_algorithm(session.executor, "cuDNN", static_cast<int>(right_.size()), d.sets(),
                                          [this](int i, int set) { run(static_cast<std::size_t>(i), set); });
    if (fastest < 0) {
      label_ = "cuDNN has no plan with a right result, of " + std::to_string(convolution_->plans());
      return;
    }
    best_ = static_cast<std::size_t>(fastest);
    is_here_ = true;
    label_ = "cuDNN's best is " + convolution_->name(right_[best_]) + ", " + std::to_string(best_ + 1) + " of " +
             std::to_string(right_.size());
  }

  bool here() const { return is_here_; }
  const std::string& label() const { return label_; }
  /// The best one, and the first where it is another.
  std::vector<peer> sides() const {
    std::vector<peer> all;
    if (here()) all.push_back({"cuDNN", [this](int set) { run(best_, set); }});
    if (here() && best_ != 0) all.push_back({"first", [this](int set) { run(0, set); }});
    return all;
  }

private:
  void run(std::size_t i, int set) const { convolution_->run(right_[i], packs_[static_cast<std::size_t>(set)]); }

  const conv_data<T>& d_;
  std::optional<cudnn_convolution<T>> convolution_;
  std::vector<cudnn_descriptor> packs_;  // one a set
  std::vector<int> right_;               // plans whose results are right
  std::size_t best_ = 0;                 // among these
  bool is_here_ = false;
  std::string label_;
};

/// Measures one convolution.
template <class T>
void compare_conv(benchmark::State& state, conv_session& session, const conv_case& problem) try {
  const tilery::cuda& executor = session.executor;
  const std::string title = problem.title(tilery::element<T>::name);
  const conv_data<T> d(executor, problem);
  if (!d.fits()) {
    const std::string needs = "not measured: it needs " + std::to_string(d.needed() >> 20) + " MiB on the GPU";
    return state.SkipWithError(needs.c_str());
  }
  const auto ours = [&](int set) { convolve(executor, problem, d.a(set), d.b(set), d.c(set)); };
  const double bound = relative_bound<T>(problem.terms());
  d.poison(d.c(0));
  ours(0);
  const double own_error = d.error_of_samples(d.c(0), 0);
  if (!(own_error <= bound))  // NaN does not pass
    return session.fail(state, title + ": " + wrong_by("tilery", "sums in double", own_error, bound));
  const conv_peer<T> peer(session, problem, d, own_error);

  const medians seconds = side_by_side(state, executor, d.sets(), problem.bytes<T>(), ours, peer.sides());
  conv_measurement measured{problem, tilery::element<T>::name, seconds.ours};
  state.counters["TFLOPs"] = problem.flops() / seconds.ours * 1e-12;
  state.counters["call_us"] = microseconds_to_enqueue(executor, d.sets(), ours);
  if (peer.here()) {
    // By these turns the first may be faster after all than the one that was the best by itself.
    measured.best_seconds = std::min(seconds.peers.front(), seconds.peers.back());
    measured.first_seconds = seconds.peers.back();
    state.counters["cuDNN_TFLOPs"] = problem.flops() / measured.best_seconds * 1e-12;
    state.counters["first/ours"] = measured.first_seconds / measured.seconds;
  }
  state.SetLabel(peer.label());
  session.measurements.push_back(measured);
} catch (const std::exception& error) {
  session.fail(state, problem.title(tilery::element<T>::name) + ": " + error.what());
}

/// Registers a convolution.
template <class T>
void add_conv(conv_session& session, const conv_case& problem) {
  benchmark::RegisterBenchmark(problem.title(tilery::element<T>::name).c_str(),
                               [&session, problem](benchmark::State& state) {
                                 compare_conv<T>(state, session, problem);
                               })
      ->Apply(rounds_of)
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}

/// Says what runs, on what, beside what.
inline void introduce(const conv_session& session) {
  introduce(session.library ? "cuDNN " + session.library->version() : session.without_peer);
}

/// Ratios by group, direction and number of images.
inline void print_summary(const conv_session& session) {
  std::vector<measured_ratio> ratios;
  for (const conv_measurement& m : session.measurements) {
    if (m.best_seconds == 0) continue;
    const std::string group =
        m.problem.shape.group + " " + name_of(m.problem.direction) + " x " + std::to_string(m.problem.images);
    ratios.push_back({group, m.type, m.best_seconds / m.seconds, m.first_seconds / m.seconds});
  }
  print_ratios(ratios, "cuDNN");
}

}  // namespace tilery_benchmarks
