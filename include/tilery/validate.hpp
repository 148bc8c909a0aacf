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
/// not launch, copy or allocate: a workspace is null. Copies of it count workspaces for themselves.
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
  int threads() const {
    if constexpr (uses_cpu_kernels)
      return original_->threads();
    else
      return 1;
  }
  allocation allocate(std::size_t, where = {}) const { return {}; }
  allocation workspace(std::size_t bytes, where = {}) const {
    asked_.held += bytes;
    if (asked_.held > asked_.most) asked_.most = asked_.held;
    return {nullptr, bytes,
            [](void*, std::size_t size, void* asked) noexcept { static_cast<workspaces*>(asked)->held -= size; },
            &asked_};
  }
  /// Returns the most bytes of workspace that ops have held at once.
  std::size_t workspace_bytes() const { return asked_.most; }
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
  /// Bytes of the workspaces that ops hold now, and the most that they have held at once.
  struct workspaces {
    std::size_t held = 0, most = 0;
  };

  const Executor* original_;
  mutable workspaces asked_;
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
/// Several pieces. The result is the sum of all pieces that the call holds at once. On the CPU, pieces that a call
/// takes inside a parallel loop do not count: each thread keeps memory for them (simt/host_workspace.hpp).
template <executor Executor, class Call>
std::size_t workspace_bytes(const Executor& executor, Call&& call) {
  const launches_nothing<Executor> asked(executor);
  call(asked);
  return asked.workspace_bytes();
}

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
