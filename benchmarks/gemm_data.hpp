// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The operands of a GEMM on the GPU, in as many sets as the cache cannot hold, and the comparison of its results.
#pragma once

#include "benchmarks/difference_on_gpu.hpp"
#include "benchmarks/gemm_reference.hpp"
#include "benchmarks/side_by_side.hpp"

namespace tilery_benchmarks {

/// The operands of one shape, in as many sets as exceed the L2 twice, and a second C for the peer's result.
template <class T>
class gemm_data {
public:
  using C = gemm_result_t<T>;

  gemm_data(const tilery::cuda& executor, const gemm_shape& shape)
      : shape_(shape),
        executor_(executor),
        a_step_(step(shape.batch, shape.m, shape.k)),
        b_step_(step(shape.batch, shape.k, shape.n)),
        c_step_(step(shape.batch, shape.m, shape.n)),
        sets_(sets_for(static_cast<std::int64_t>(bytes_of<T>(shape)))) {
    executor.wait();  // what the last shape freed has gone back
    std::size_t free = 0, total = 0;
    tilery::check_cuda(cudaMemGetInfo(&free, &total), "cudaMemGetInfo", {});
    const std::size_t a_bytes = bytes<T>(a_step_ * sets_), b_bytes = bytes<T>(b_step_ * sets_),
                      c_bytes = bytes<C>(c_step_ * sets_);
    needed_ = a_bytes + b_bytes + c_bytes + bytes<C>(c_step_);
    fits_ = needed_ < free / 10 * 9;
    if (!fits_) return;
    a_ = executor.allocate(a_bytes);
    b_ = executor.allocate(b_bytes);
    c_ = executor.allocate(c_bytes);
    reference_ = executor.allocate(bytes<C>(c_step_));
    sums_ = executor.allocate(static_cast<std::size_t>(shape.batch) * sizeof(double2));
    fill_uniform(executor, static_cast<T*>(a_.get()), a_step_ * sets_, seed_of_a);
    fill_uniform(executor, static_cast<T*>(b_.get()), b_step_ * sets_, seed_of_b);
    executor.zero_bytes(c_.get(), c_.bytes());  // touched: what is first written in the timed part has its pages
    executor.wait();
  }

  bool fits() const { return fits_; }
  std::size_t needed() const { return needed_; }
  int sets() const { return sets_; }
  int batch() const { return shape_.batch; }
  const T* a(int set) const { return static_cast<const T*>(a_.get()) + set * a_step_; }
  const T* b(int set) const { return static_cast<const T*>(b_.get()) + set * b_step_; }
  C* c(int set) const { return static_cast<C*>(c_.get()) + set * c_step_; }
  C* reference() const { return static_cast<C*>(reference_.get()); }
  tilery::matrix_view<const T> a_view(int set) const {
    return operand(a(set), shape_.m, shape_.k, shape_.a_transposed);
  }
  tilery::matrix_view<const T> b_view(int set) const {
    return operand(b(set), shape_.k, shape_.n, shape_.b_transposed);
  }
  tilery::matrix_view<C> c_view(int set) const { return tilery::matrix(c(set), shape_.m, shape_.n); }
  tilery::tensor_view<const T, 3> a_batch(int set) const {
    return batch_of(a(set), batch(), shape_.m, shape_.k, shape_.a_transposed);
  }
  tilery::tensor_view<const T, 3> b_batch(int set) const {
    return batch_of(b(set), batch(), shape_.k, shape_.n, shape_.b_transposed);
  }
  tilery::tensor_view<C, 3> c_batch(int set) const { return batch_of(c(set), batch(), shape_.m, shape_.n, false); }

  /// All bits set: NaN in each type that has one.
  void poison(C* c) const { tilery_benchmarks::poison(executor_, c, bytes<C>(c_elements())); }
  /// ||x - reference|| / ||reference||, over all of two results; of a batch the largest.
  double difference(const C* x, const C* reference) const {
    return largest_difference(executor_, x, reference, batch(), c_elements() / batch(), sums_);
  }
  /// The same against sums in double on the host, over sampled rows and columns; x is the C of this set.
  double error_of_samples(const C* x, int set) const {
    return sampled_error<T>(shape_, set * a_step_, set * b_step_, [&](std::int64_t row) {
      std::vector<C> values(static_cast<std::size_t>(shape_.n));
      executor_.copy_bytes(values.data(), x + row * shape_.n, values.size() * sizeof(C));
      executor_.wait();
      return values;
    });
  }

private:
  std::int64_t c_elements() const { return std::int64_t{batch()} * shape_.m * shape_.n; }
  template <class E>
  static std::size_t bytes(std::int64_t elements) {
    return static_cast<std::size_t>(elements) * sizeof(E);
  }
  /// Elements from one set to the next: whole units of 256 bytes, as cudaMalloc aligns.
  static std::int64_t step(std::int64_t matrices, std::int64_t rows, std::int64_t columns) {
    constexpr std::int64_t unit = 256 / sizeof(T);
    return (matrices * rows * columns + unit - 1) / unit * unit;
  }
  static tilery::matrix_view<const T> operand(const T* x, int rows, int columns, bool is_transposed) {
    return is_transposed ? tilery::transposed(tilery::matrix(x, columns, rows)) : tilery::matrix(x, rows, columns);
  }
  gemm_shape shape_;
  tilery::cuda executor_;
  std::int64_t a_step_, b_step_, c_step_;
  int sets_;
  bool fits_ = false;
  std::size_t needed_ = 0;
  tilery::allocation a_, b_, c_, reference_, sums_;
};

}  // namespace tilery_benchmarks
