// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The CPU executor: runs a grid's blocks, of one lane each, on the host's threads.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/core/rounding.hpp>
#include <tilery/simt/cpu_lane.hpp>
#include <tilery/simt/cpu_parallel.hpp>
#include <tilery/simt/host_memory.hpp>
#include <tilery/simt/host_threads.hpp>
#include <tilery/simt/host_workspace.hpp>
#include <tilery/simt/launch.hpp>

#include <climits>

namespace tilery::inline TILERY_ABI {

/// Runs ops on the host. Operands are in host memory. A call returns after its work is complete.
class cpu : public host_memory {
public:
  using lane = cpu_lane;
  static constexpr bool uses_cpu_kernels = true;
  static constexpr bool blocks_may_wait = false;  // a waiting block would keep its host thread from the next blocks
  static constexpr bool has_doubles = true;
  static constexpr int parameter_bytes() { return largest_parameter_bytes; }

  /// `threads` is the number of host threads; less than 1 counts as 1. By default, all cores that the process may use
  /// (simt/host_threads.hpp).
  ///
  /// Host threads. Calls from several host threads, from inside a parallel loop, after a fork and from static objects
  /// are allowed: simt/cpu_parallel.hpp has their rules.
  ///
  /// Errors. Throws if clang options that define no macro make results wrong, such as -fassociative-math
  /// (core/rounding.hpp). Options that define a macro, such as -ffast-math, stop the compilation (core/compiler.hpp).
  explicit cpu(int threads = host_threads(), where at = {}) : threads_(threads < 1 ? 1 : threads) {
    refuse_reordered_sums("cpu", at);
  }

  int threads() const { return threads_; }
  tilery::arch target(where = {}) const { return arch::cpu; }

  /// Returns a sentence if this translation unit was compiled for a smaller vector instruction set than the CPU has
  /// (AVX2, AVX-512), otherwise null.
  static const char* slow_build() {
    if (running_isa() <= native_isa) return nullptr;
    return running_isa() == host_isa::avx512
               ? "this CPU has AVX-512 and the program was built for less; link tilery::native"
               : "this CPU has AVX2 and the program was built for less; link tilery::native";
  }

  /// Returns memory that an op uses until it returns. The calling thread keeps the memory for its next op
  /// (simt/host_workspace.hpp).
  allocation workspace(std::size_t bytes, where = {}) const { return kept_workspace(bytes); }

  /// Calls body(i) for each i in [0, n), on at most `most_threads` of this executor's threads. This is for ops whose
  /// CPU kernel is an ordinary function, not a kernel of lanes that `launch` runs.
  template <class Body>
  void parallel(std::int64_t n, const Body& body, int most_threads = INT_MAX) const {
    parallel_for(threads_ < most_threads ? threads_ : most_threads, n, body);
  }

  /// Calls first(i) for each i in [0, n_first), then second(i) for each i in [0, n_second), on the same threads. No
  /// second(i) begins before every first(i) has returned.
  template <class First, class Second>
  void parallel(std::int64_t n_first, const First& first, std::int64_t n_second, const Second& second,
                int most_threads = INT_MAX) const {
    parallel_for(threads_ < most_threads ? threads_ : most_threads, n_first, first, n_second, second);
  }

  /// Runs a kernel. `launch` (simt/launch.hpp) calls this function after its checks.
  template <class Kernel, class Params>
  void run(index3 blocks, const Params& params, const operands&, where) const {
    parallel_for(threads_, blocks.volume(), [&](std::int64_t i) {
      const index3 block{static_cast<int>(i % blocks.x), static_cast<int>(i / blocks.x % blocks.y),
                         static_cast<int>(i / (std::int64_t{blocks.x} * blocks.y))};
      typename Kernel::shared smem;
      Kernel::run(cpu_lane(block, blocks), params, smem);
    });
  }

private:
  int threads_;
};

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
