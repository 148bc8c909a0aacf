// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `launch`: checks a kernel, its executor, its grid and its operands, and runs it.
#pragma once
#pragma GCC system_header

#include <tilery/core/operand_checks.hpp>
#include <tilery/simt/executor.hpp>
#include <tilery/simt/kernel.hpp>

namespace tilery::inline TILERY_ABI {

/// Stops the compilation if a member of the kernel is missing, with one sentence for each member.
template <class Kernel, class Executor, class Params>
constexpr bool is_kernel() {
  static_assert(
      requires {
        { Kernel::name } -> std::convertible_to<const char*>;
      },
      "a kernel must have a name: static constexpr const char* name");
  static_assert(
      requires {
        { Kernel::threads } -> std::convertible_to<int>;
      },
      "a kernel must say how many threads a block has: static constexpr int threads");
  if constexpr (requires { Kernel::needs; })
    static_assert(std::is_same_v<decltype(Kernel::needs), const features>,
                  "a kernel's needs must be a set of features: static constexpr features needs = features::copy_async");
  if constexpr (requires { Kernel::lowest; })
    static_assert(std::is_same_v<decltype(Kernel::lowest), const arch>,
                  "a kernel's lowest must be an arch: static constexpr arch lowest = arch::sm_90");
  static_assert(
      requires {
        { Kernel::allows_one_lane } -> std::convertible_to<bool>;
      },
      "a kernel must say if it is correct for a block of one lane: static constexpr bool allows_one_lane");
  static_assert(
      requires { typename Kernel::shared; },
      "a kernel must have a type of its shared memory: struct shared, or using shared = no_shared");
  if constexpr (kernel_text<Kernel>) {
    constexpr bool runs = requires(typename Executor::lane lane, const Params& p, typename Kernel::shared& smem) {
      Kernel::run(lane, p, smem);
    };
    static_assert(runs,
                  "a kernel must have static void run(Lane lane, const P& params, shared& smem), a template of Lane, "
                  "where P is the type of the params that launch is given");
    return runs;
  } else {
    return false;
  }
}

/// Launches a kernel on a grid of blocks, after the executor's earlier calls. An empty grid launches nothing.
///
/// Operands. `known` lists the kernel's operands. launch() checks each of them, unless the op has done so
/// (check_operands in core/operand_checks.hpp), and `virtual_gpu` reports every access of the kernel outside of them.
/// If `known` is empty, there are no such checks.
///
/// Errors. Throws `error` before the launch if the grid is too large or not made of whole clusters, if an operand fails
/// its check (for example, if the executor cannot reach its memory), or if the device cannot run the kernel.
template <class Kernel, class Executor, class Params>
void launch(const Executor& executor, index3 blocks, const Params& params, const operands& known = {}, where at = {}) {
  if constexpr (is_executor<Executor>())
    if constexpr (is_kernel<Kernel, Executor, Params>()) {
      constexpr bool one_lane = Executor::lane::is_whole_block;
      static_assert(std::is_trivially_copyable_v<Params>, "kernel parameters must be trivially copyable");
      static_assert(sizeof(Params) <= largest_parameter_bytes, "kernel parameters must fit 32764 bytes");
      static_assert(!one_lane || Kernel::allows_one_lane,
                    "this kernel is not correct for a block of one lane; the op needs a CPU kernel of its own");
      static_assert(!one_lane || cluster_of<Kernel>() == 1,
                    "this kernel has clusters of blocks, which the cpu executor does not support; the op needs a CPU "
                    "kernel of its own");
      static_assert(
          Executor::blocks_may_wait || !blocks_wait_in<Kernel>(),
          "a block of this kernel waits for other blocks; the executor does not promise that they make progress");
      static_assert(cluster_of<Kernel>() >= 1 && cluster_of<Kernel>() <= portable_cluster,
                    "a kernel's cluster must be 1 to 8 blocks: more are not portable");
      static_assert(cluster_of<Kernel>() == 1 || includes(features_of<Kernel>(), features::clusters),
                    "a kernel with a cluster must need clusters: static constexpr features needs = features::clusters");
      refuse(in_op(Kernel::name, check_grid(blocks, cluster_of<Kernel>())), at);
      if (!known.checked()) refuse(in_op(Kernel::name, check_operands(known, executor.reachable())), at);
      refuse(check_parameters(Kernel::name, sizeof(Params), executor.parameter_bytes()), at);
      if constexpr (!Executor::has_doubles) refuse(check_no_doubles(Kernel::name, known), at);
      if (blocks.volume() == 0) return;
      if constexpr (!one_lane) refuse(check_arch(needs_of<Kernel>(), executor.target(at)), at);
      executor.template run<Kernel>(blocks, params, known, at);
    }
}

}  // namespace tilery::inline TILERY_ABI
