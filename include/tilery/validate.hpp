// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Finds out which error an op would throw, or how much workspace it would use, without running it: the op is called
// with an executor that launches nothing.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/core/buffer.hpp>
#include <tilery/simt/launch.hpp>

namespace tilery::inline TILERY_ABI {

/// An executor for `validate` and `workspace_bytes`, with the lane type, memory space and arch of `Executor`. It does
/// not launch, copy or allocate: a workspace is null.
template <executor Executor>
class launches_nothing {
public:
  using lane = typename Executor::lane;
  static constexpr bool uses_cpu_kernels = Executor::uses_cpu_kernels;
  static constexpr bool blocks_may_wait = Executor::blocks_may_wait;
  static constexpr bool has_doubles = Executor::has_doubles;

  explicit launches_nothing(const Executor& original) : original_(&original) {}

  memory_space reachable() const { return original_->reachable(); }
  arch target(where at = {}) const { return original_->target(at); }
  int parameter_bytes() const { return original_->parameter_bytes(); }
  int threads() const { return 1; }
  allocation allocate(std::size_t, where = {}) const { return {}; }
  allocation workspace(std::size_t bytes, where = {}) const {
    if (bytes > asked_) asked_ = bytes;
    return {};
  }
  /// Returns the largest workspace, in bytes, for which an op has asked.
  std::size_t workspace_bytes() const { return asked_; }
  void zero_bytes(void*, std::size_t, where = {}) const {}
  void copy_bytes(void*, const void*, std::size_t, where = {}) const {}
  void wait(where = {}) const {}
  template <class Body>
  void parallel(std::int64_t, const Body&, int = 1) const {}
  template <class First, class Second>
  void parallel(std::int64_t, const First&, std::int64_t, const Second&, int = 1) const {}

  template <class Kernel, class Params>
  void run(index3, const Params&, const operands&, where) const {}

private:
  const Executor* original_;
  mutable std::size_t asked_ = 0;
};

/// Returns the sentence of the error that the call would throw on this executor before it launches anything, or an
/// empty sentence if there is no error: `validate(gpu, [&](const auto& e) { gemm(e, a, b, c); })`.
template <executor Executor, class Call>
finding validate(const Executor& executor, Call&& call) {
  try {
    call(launches_nothing<Executor>(executor));
    return {};
  } catch (const error& e) {
    return e.sentence();
  }
}

/// Returns the bytes of workspace that the call takes from this executor: `workspace_bytes(gpu, [&](const auto& e) {
/// gemm(e, a, b, c); })`. Throws the error that the call would throw before it launches anything.
///
/// Scratch. Device memory that is passed to a CUDA executor as `scratch` (cuda.hpp). If it begins at a multiple of 256
/// bytes and has at least the returned number of bytes, the call allocates nothing.
///
/// CPU. The result may be too small: a call may take two pieces of workspace at once, of which only the larger counts,
/// and pieces that are taken inside a parallel loop do not count.
template <executor Executor, class Call>
std::size_t workspace_bytes(const Executor& executor, Call&& call) {
  const launches_nothing<Executor> asked(executor);
  call(asked);
  return asked.workspace_bytes();
}

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
