// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The concept of an executor: the first argument of every op and of `launch`. An executor has memory, runs kernels, and
// states the few traits by which ops choose their kernels. cuda, cpu and the virtual GPUs are models of this concept.
//
// To add an executor NAME, write
//   simt/NAME_lane.hpp                 its lane type (contract: simt/lane.hpp; models: simt/cpu_lane.hpp for one lane a
//                                      block, simt/cuda_lane.hpp for a device)
//   NAME.hpp                           the executor: memory, copies, `run` (models: cpu.hpp, cuda.hpp)
//   core/arch.hpp, core/arch_peaks.hpp a row for each arch on which it runs kernels
//   ops/wrong_call.hpp                 its class in the list of executors, for messages
//   tests/executors.hpp                the executor in the list on which the suites of all ops run
// is_executor() below names each part that is missing.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>
#include <tilery/core/buffer.hpp>
#include <tilery/core/operand.hpp>
#include <tilery/simt/lane.hpp>

namespace tilery::inline TILERY_ABI {

namespace contract {

/// The lane type.
template <class Executor>
concept has_lane = requires {
  typename Executor::lane;
}
&&lane<typename Executor::lane>;

/// The constants of an executor type.
template <class Executor>
concept has_traits = requires {
  { Executor::uses_cpu_kernels } -> std::convertible_to<bool>;
  { Executor::blocks_may_wait } -> std::convertible_to<bool>;
  { Executor::has_doubles } -> std::convertible_to<bool>;
};

/// Memory, copies and the order of calls.
template <class Executor>
concept has_memory = requires(const Executor& executor, void* to, const void* from, std::size_t bytes, where at) {
  { executor.reachable() } -> std::same_as<memory_space>;
  { executor.allocate(bytes, at) } -> std::same_as<allocation>;
  { executor.workspace(bytes, at) } -> std::same_as<allocation>;
  executor.copy_bytes(to, from, bytes, at);
  executor.zero_bytes(to, bytes, at);
  executor.wait(at);
};

/// A kernel for the concept runs_kernels: its `run` is never compiled.
struct any_kernel;

/// The device, and launches.
template <class Executor>
concept runs_kernels = requires(const Executor& executor, index3 blocks, const int& params, const operands& known,
                                where at) {
  { executor.target(at) } -> std::same_as<arch>;
  { executor.parameter_bytes() } -> std::same_as<int>;
  executor.template run<any_kernel>(blocks, params, known, at);
};

/// The body of a parallel loop.
struct any_body {
  void operator()(std::int64_t) const {}
};

/// The host's parallel loop, in which the CPU's own kernels run.
template <class Executor>
concept runs_cpu_kernels = requires(const Executor& executor, std::int64_t n, any_body body, int most_threads) {
  { executor.threads() } -> std::same_as<int>;
  executor.parallel(n, body, most_threads);
  executor.parallel(n, body, n, body, most_threads);
};

}  // namespace contract

/// The contract between ops and executors. All member functions below are const; `where` is the caller's line.
///
/// Traits. `lane` is the type through which kernels run (simt/lane.hpp). `uses_cpu_kernels`: true if ops choose the
/// CPU's policies, and run the CPU's own kernel where an op has one. `blocks_may_wait`: true if a block may wait for a
/// value that another resident block of the grid stores, because all resident blocks make progress. Kernels that wait
/// say so (`blocks_wait`), and `launch` refuses them elsewhere. `has_doubles`: false if the device cannot compute with
/// double.
///
/// Device. `target(where)` returns the device's arch. `parameter_bytes()` is the largest size of a kernel's parameters
/// in bytes: at most largest_parameter_bytes (32,764); OpenCL guarantees 1,024 only.
///
/// Memory. `reachable()` is the memory space of operands. `allocate(bytes, where)` returns memory that the caller owns;
/// `workspace(bytes, where)` returns memory that one op uses, and that the executor may give to the next op. Both are
/// aligned to at least 64 bytes, and return an empty allocation for 0 bytes. `copy_bytes(to, from, bytes, where)`
/// copies between host memory and reachable memory, in any direction, `zero_bytes(to, bytes, where)` sets bytes to
/// zero.
///
/// Order. Copies, zeroing and launches happen in the order of the calls. A call may return before its work is done;
/// `wait(where)` returns after all work is done. An allocation may be released before earlier calls have done their
/// work: its memory must stay valid for them.
///
/// Launches. `run<Kernel>(blocks, params, known, where)` calls `Kernel::run(lane, params, shared)` for each lane of
/// each block, where `shared` is one uninitialised object of type Kernel::shared in a block. `launch` calls `run`, for
/// a grid that is not empty, after all checks. The caller may destroy `params` as soon as `run` returns. `known` are
/// the operands, for checks.
///
/// The CPU's kernels. If `uses_cpu_kernels`: `parallel(n, body, most_threads)` calls body(i) for each i in [0, n), in
/// any order, and returns after the last call; `parallel(n_first, first, n_second, second, most_threads)` runs such a
/// loop of first, then one of second; `threads()` is the number of host threads that such a loop may use.
///
/// Errors. If the device fails, the call or a later one throws tilery::error with the words of the device's API.
template <class Executor>
concept executor = contract::has_lane<Executor> && contract::has_traits<Executor> && contract::has_memory<Executor> &&
    contract::runs_kernels<Executor> &&
    (!Executor::uses_cpu_kernels ||
     contract::runs_cpu_kernels<Executor>)&&(!Executor::blocks_may_wait ||
                                             contract::waiting_lane<typename Executor::lane>);

/// Stops the compilation if a type is not an executor, with one sentence for each part that is missing.
template <class Executor>
constexpr bool is_executor() {
  static_assert(contract::has_lane<Executor>,
                "an executor must have a type `lane` that is a model of tilery::lane "
                "(simt/lane.hpp)");
  static_assert(contract::has_traits<Executor>,
                "an executor must state its traits: static constexpr bool uses_cpu_kernels, "
                "blocks_may_wait, has_doubles (simt/executor.hpp)");
  static_assert(contract::has_memory<Executor>,
                "an executor must have reachable, allocate, workspace, copy_bytes, zero_bytes and "
                "wait (simt/executor.hpp)");
  static_assert(contract::runs_kernels<Executor>,
                "an executor must have target, parameter_bytes and run<Kernel>(blocks, params, "
                "operands, where) (simt/executor.hpp)");
  if constexpr (contract::has_lane<Executor> && contract::has_traits<Executor>) {
    static_assert(!Executor::uses_cpu_kernels || contract::runs_cpu_kernels<Executor>,
                  "an executor that uses the CPU's kernels must have parallel and threads (simt/executor.hpp)");
    static_assert(!Executor::blocks_may_wait || contract::waiting_lane<typename Executor::lane>,
                  "an executor whose blocks may wait must have a lane with wait_until (simt/executor.hpp)");
  }
  return executor<Executor>;
}

}  // namespace tilery::inline TILERY_ABI
