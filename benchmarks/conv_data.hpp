// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tensors of a convolution on the GPU, in as many sets as the cache cannot hold, and the comparison of its results.
#pragma once

#include "benchmarks/conv_reference.hpp"
#include "benchmarks/difference_on_gpu.hpp"
#include "benchmarks/side_by_side.hpp"

namespace tilery_benchmarks {

/// The tensors of one convolution, in as many sets as exceed the L2 twice, and a second c for the peer's result.
template <class T>
class conv_data {
public:
  using C = gemm_result_t<T>;

  conv_data(const tilery::cuda& executor, const conv_case& problem)
      : problem_(problem),
        executor_(executor),
        a_step_(step(problem.a())),
        b_step_(step(problem.b())),
        c_step_(step(problem.c())),
        sets_(sets_for(static_cast<std::int64_t>(problem.bytes<T>()))) {
    executor.wait();  // what the last problem freed has gone back
    std::size_t free = 0, total = 0;
    tilery::check_cuda(cudaMemGetInfo(&free, &total), "cudaMemGetInfo", {});
    const std::size_t a_bytes = sizeof(T) * elements(a_step_ * sets_), b_bytes = sizeof(T) * elements(b_step_ * sets_),
                      c_bytes = sizeof(C) * elements(c_step_ * sets_);
    needed_ = a_bytes + b_bytes + c_bytes + sizeof(C) * elements(c_step_);
    fits_ = needed_ < free / 10 * 9;
    if (!fits_) return;
    a_ = executor.allocate(a_bytes);
    b_ = executor.allocate(b_bytes);
    c_ = executor.allocate(c_bytes);
    reference_ = executor.allocate(sizeof(C) * elements(c_step_));
    sums_ = executor.allocate(sizeof(double2));
    fill_uniform(executor, static_cast<T*>(a_.get()), a_step_ * sets_, seed_of_a);
    fill_uniform(executor, static_cast<T*>(b_.get()), b_step_ * sets_, seed_of_b);
    executor.zero_bytes(c_.get(), c_.bytes());  // touched: what is first written in the timed part has its pages
    executor.wait();
  }

  bool fits() const { return fits_; }
  std::size_t needed() const { return needed_; }
  int sets() const { return sets_; }
  const T* a(int set) const { return static_cast<const T*>(a_.get()) + set * a_step_; }
  const T* b(int set) const { return static_cast<const T*>(b_.get()) + set * b_step_; }
  C* c(int set) const { return static_cast<C*>(c_.get()) + set * c_step_; }
  C* reference() const { return static_cast<C*>(reference_.get()); }

  /// All bits set: NaN in each type that has one.
  void poison(C* c) const { tilery_benchmarks::poison(executor_, c, sizeof(C) * elements(size_of(problem_.c()))); }
  /// ||x - reference|| / ||reference||, over all of two results.
  double difference(const C* x, const C* reference) const {
    return largest_difference(executor_, x, reference, 1, size_of(problem_.c()), sums_);
  }
  /// The same against sums in double on the host, over sampled elements; x is the c of this set.
  double error_of_samples(const C* x, int set) const {
    return sampled_conv_error<T>(problem_, set * a_step_, set * b_step_, [&](std::int64_t index) {
      C value;
      executor_.copy_bytes(&value, x + index, sizeof value);
      executor_.wait();
      return value;
    });
  }

private:
  static std::size_t elements(std::int64_t n) { return static_cast<std::size_t>(n); }
  /// Elements from one set to the next: whole units of 256 bytes, as cudaMalloc aligns.
  static std::int64_t step(const extents4& e) {
    constexpr std::int64_t unit = 256 / sizeof(T);
    return (size_of(e) + unit - 1) / unit * unit;
  }

  conv_case problem_;
  tilery::cuda executor_;
  std::int64_t a_step_, b_step_, c_step_;
  int sets_;
  bool fits_ = false;
  std::size_t needed_ = 0;
  tilery::allocation a_, b_, c_, reference_, sums_;
};

}  // namespace tilery_benchmarks
