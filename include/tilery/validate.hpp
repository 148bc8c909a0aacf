// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Asks what an op would refuse, or how much workspace it would take, without running it: the op itself is called, with
// an executor that launches nothing.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/core/buffer.hpp>
#include <tilery/simt/kernel.hpp>

namespace tilery::inline TILERY_ABI {

/// Stands for an executor in `validate`: the same lanes, memory and arch, and no launch, copy or allocation.
template <class Executor>
class launches_nothing {
public:
  using lane = typename Executor::lane;

  explicit launches_nothing(const Executor& original) : original_(&original) {}

  auto reachable() const { return original_->reachable(); }
  arch target(where at = {}) const {
    (void)at;
    return original_->target();
  }
  int threads() const { return 1; }
  allocation allocate(std::size_t, where = {}) const { return {}; }
  allocation workspace(std::size_t bytes, where = {}) const {
    if (bytes > asked_) asked_ = bytes;
    return {};
  }
  /// The largest workspace that an op has asked for.
  std::size_t workspace_bytes() const { return asked_; }
  void zero_bytes(void*, std::size_t, where = {}) const {}
  void copy_bytes(void*, const void*, std::size_t, where = {}) const {}
  template <class Body>
  void parallel(std::int64_t, const Body&, int = 1) const {}

  template <class Kernel, class Params>
  void run(index3, const Params&, const operands&, where at) const {
    if constexpr (!lane::alone) refuse(check_arch(needs_of<Kernel>(), target()), at);
  }

private:
  const Executor* original_;
  mutable std::size_t asked_ = 0;
};

/// What the call would refuse on this executor, as a sentence, or nothing:
/// `validate(gpu, [&](const auto& e) { gemm(e, a, b, c); })`.
template <class Executor, class Call>
finding validate(const Executor& executor, Call&& call) {
  try {
    call(launches_nothing<Executor>(executor));
    return {};
  } catch (const error& e) {
    return e.sentence();
  }
}

/// Bytes of workspace that the call takes from this executor: with a scratch as large, it allocates nothing.
/// `workspace_bytes(gpu, [&](const auto& e) { gemm(e, a, b, c); })`. Throws what the call would refuse.
template <class Executor, class Call>
std::size_t workspace_bytes(const Executor& executor, Call&& call) {
  const launches_nothing<Executor> asked(executor);
  call(asked);
  return asked.workspace_bytes();
}

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
