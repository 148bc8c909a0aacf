// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Defines what a kernel is, and `launch`. A kernel is a struct with a constant number of threads, a type `shared`, and
// the function `run`, which is executed by each lane:
//
//   struct my_kernel {
//     static constexpr const char* name = "my_kernel";
//     static constexpr int threads = 128;              // lanes of a block on a GPU
//     static constexpr features needs = features::copy_async;  // features that its text uses; none if absent
//     static constexpr arch lowest = arch::sm_90;      // the first arch that it is tuned for; any arch if absent
//     static constexpr bool holds_alone = true;        // true if `run` is also right for a block of one lane (the cpu)
//     static constexpr int cluster = 4;                // blocks of a cluster, along x; 1 if absent
//     static constexpr int resident = 2;               // blocks whose registers an SM must hold at once; 1 if absent
//     struct shared {
//       shared_array<float, 4> sums;
//       void members(auto name) { name("sums", sums); }  // for the virtual GPU's reports; may be absent
//     };
//     template <class Lane>
//     TILERY_SIMT static void run(Lane lane, const params& p, shared& smem);
//   };
//   launch<my_kernel>(executor, {blocks}, p);
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>
#include <tilery/core/operand_checks.hpp>
#include <tilery/simt/index.hpp>

namespace tilery::inline TILERY_ABI {

/// The `shared` type of kernels that need no shared memory.
struct no_shared {};

template <class K>
concept kernel_text = requires {
  { K::name } -> std::convertible_to<const char*>;
  { K::threads } -> std::convertible_to<int>;
  { K::holds_alone } -> std::convertible_to<bool>;
  typename K::shared;
};

/// The number of blocks in a cluster of the kernel, along x.
template <class Kernel>
constexpr int cluster_of() {
  if constexpr (requires { Kernel::cluster; })
    return Kernel::cluster;
  else
    return 1;
}
/// The number of the kernel's blocks whose registers an SM must hold at once (the second argument of
/// __launch_bounds__).
template <class Kernel>
constexpr int resident_of() {
  if constexpr (requires { Kernel::resident; })
    return Kernel::resident;
  else
    return 1;
}
/// The features that a kernel needs.
template <class Kernel>
constexpr features features_of() {
  if constexpr (requires { Kernel::needs; })
    return Kernel::needs;
  else
    return features::none;
}
/// The largest cluster, in blocks, that every arch with clusters supports. Some archs support larger clusters.
inline constexpr int portable_cluster = 8;

/// The bytes of a kernel's shared memory; 0 for an empty struct.
template <class Kernel>
constexpr int shared_bytes() {
  return std::is_empty_v<typename Kernel::shared> ? 0 : static_cast<int>(sizeof(typename Kernel::shared));
}

/// A kernel's requirements, without its type: a function that takes this struct is compiled once, not for each kernel.
struct kernel_needs {
  const char* name;
  int threads;
  tilery::features features = features::none;
  const arch* lowest = nullptr;  // null: any arch that has the features
  int shared_bytes = 0;
  int cluster = 1;
};
template <kernel_text Kernel>
constexpr kernel_needs needs_of() {
  const arch* lowest = nullptr;
  if constexpr (requires { Kernel::lowest; }) lowest = &Kernel::lowest;
  return {Kernel::name, Kernel::threads, features_of<Kernel>(), lowest, shared_bytes<Kernel>(), cluster_of<Kernel>()};
}

/// True if the arch has the features that the kernel needs, and is not below the kernel's `lowest`. In a device pass
/// for any other arch, the kernel's body is empty.
constexpr bool has_code_for(arch target, const kernel_needs& kernel) {
  return has_features(target, kernel.features) && (!kernel.lowest || is_at_least(target, *kernel.lowest));
}

/// Returns a sentence about the first requirement of a kernel that the arch does not meet, or nothing.
inline finding check_arch(const kernel_needs& kernel, arch target) {
  const arch_limits& has = limits(target);
  if (const features missing = first_missing(has.features, kernel.features); missing != features::none)
    return {kernel.name,
            " needs ",
            name_of(missing),
            ", which the archs from ",
            limits(first_with(missing)).name,
            " on have; this device is an ",
            has.name};
  if (kernel.lowest && !is_at_least(target, *kernel.lowest))
    return {kernel.name, " needs ", limits(*kernel.lowest).name, " or later; this device is an ", has.name};
  if (kernel.threads > has.threads_per_block)
    return {kernel.name, " has ", kernel.threads, " threads a block; ", has.name, " allows ", has.threads_per_block};
  if (kernel.cluster > has.blocks_per_cluster)
    return {kernel.name, " has clusters of ", kernel.cluster,        " blocks; ",
            has.name,    " allows ",          has.blocks_per_cluster};
  if (kernel.shared_bytes > has.shared_bytes_per_block)
    return {kernel.name, " needs ", kernel.shared_bytes,       " bytes of shared memory a block; ",
            has.name,    " has ",   has.shared_bytes_per_block};
  return {};
}

/// Returns a sentence if a GPU cannot launch a grid of this size, or if the grid is not made of whole clusters.
inline finding check_grid(index3 blocks, int cluster) {
  if (blocks.x < 0 || blocks.y < 0 || blocks.z < 0 || blocks.y > 65535 || blocks.z > 65535)
    return {sentence("a grid of ", blocks.x, " x ", blocks.y, " x ", blocks.z),
            " blocks; x must be below 2^31, y and z at most 65535, none negative"};
  if (blocks.x % cluster != 0)
    return {sentence("a grid of ", blocks.x, " blocks along x; it must be a multiple of the kernel's cluster of "),
            cluster};
  return {};
}

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
        { Kernel::holds_alone } -> std::convertible_to<bool>;
      },
      "a kernel must say whether it is right for a block of one lane: static constexpr bool holds_alone");
  static_assert(
      requires { typename Kernel::shared; },
      "a kernel must have a type of its shared memory: struct shared, or using shared = no_shared");
  if constexpr (kernel_text<Kernel> && requires { typename Executor::lane; }) {
    constexpr bool runs = requires(typename Executor::lane lane, const Params& p, typename Kernel::shared& smem) {
      Kernel::run(lane, p, smem);
    };
    static_assert(runs,
                  "a kernel must have static void run(Lane lane, const P& params, shared& smem), a template of Lane, "
                  "where P is the type of the params that launch is given");
    return runs;
  } else {
    return kernel_text<Kernel>;
  }
}

/// Launches a kernel on a grid of blocks, in the executor's order. `known` lists the kernel's operands: launch() checks
/// their memory space, and a checking executor uses them as the bounds of every access. An empty grid launches nothing.
template <class Kernel, class Executor, class Params>
void launch(const Executor& executor, index3 blocks, const Params& params, const operands& known = {}, where at = {}) {
  if constexpr (is_kernel<Kernel, Executor, Params>()) {
    static_assert(std::is_trivially_copyable_v<Params>, "kernel parameters must be trivially copyable");
    static_assert(sizeof(Params) <= largest_parameter_bytes, "kernel parameters must fit 32764 bytes");
    static_assert(cluster_of<Kernel>() >= 1 && cluster_of<Kernel>() <= portable_cluster,
                  "a kernel's cluster must be 1 to 8 blocks: more are not portable");
    static_assert(cluster_of<Kernel>() == 1 || includes(features_of<Kernel>(), features::clusters),
                  "a kernel with a cluster must need clusters: static constexpr features needs = features::clusters");
    refuse(in_op(Kernel::name, check_grid(blocks, cluster_of<Kernel>())), at);
    if (!known.checked()) refuse(in_op(Kernel::name, check_operands(known, executor.reachable())), at);
    if (blocks.volume() == 0) return;
    executor.template run<Kernel>(blocks, params, known, at);
  }
}

}  // namespace tilery::inline TILERY_ABI
