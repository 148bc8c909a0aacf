// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Defines what a kernel is (simt/launch.hpp launches it). A kernel is a struct with a constant number of threads, a
// type `shared`, and the function `run`, which each lane executes:
//
//   struct my_kernel {
//     static constexpr const char* name = "my_kernel";
//     static constexpr int threads = 128;                      // lanes of a block on a GPU
//     static constexpr features needs = features::copy_async;  // features that `run` uses; none if absent
//     static constexpr arch lowest = arch::sm_90;              // the first arch that it is for; any if absent
//     static constexpr bool allows_one_lane = true;            // `run` is right for a block of one lane (cpu)
//     static constexpr bool blocks_wait = true;                // a block waits for another block; false if absent
//     static constexpr int cluster = 4;                        // blocks of a cluster, along x; 1 if absent
//     static constexpr int resident = 2;                       // blocks whose registers must fit an SM; 1 if absent
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

/// The members that every kernel must have, besides `run`.
template <class K>
concept kernel_text = requires {
  { K::name } -> std::convertible_to<const char*>;
  { K::threads } -> std::convertible_to<int>;
  { K::allows_one_lane } -> std::convertible_to<bool>;
  typename K::shared;
};

/// Returns the number of blocks in a cluster of the kernel, along x.
template <class Kernel>
constexpr int cluster_of() {
  if constexpr (requires { Kernel::cluster; })
    return Kernel::cluster;
  else
    return 1;
}
/// Returns the number of the kernel's blocks for which an SM must have enough registers at once (the second argument of
/// __launch_bounds__).
template <class Kernel>
constexpr int resident_of() {
  if constexpr (requires { Kernel::resident; })
    return Kernel::resident;
  else
    return 1;
}
/// Returns the features that a kernel needs.
template <class Kernel>
constexpr features features_of() {
  if constexpr (requires { Kernel::needs; })
    return Kernel::needs;
  else
    return features::none;
}
/// The largest cluster, in blocks, that every arch with clusters supports. Some archs support larger clusters.
inline constexpr int portable_cluster = 8;

/// Returns the bytes of a kernel's shared memory; 0 for an empty struct.
template <class Kernel>
constexpr int shared_bytes() {
  return std::is_empty_v<typename Kernel::shared> ? 0 : static_cast<int>(sizeof(typename Kernel::shared));
}

/// True if a block of the kernel waits for values that other blocks store.
template <class Kernel>
constexpr bool blocks_wait_in() {
  if constexpr (requires { Kernel::blocks_wait; })
    return Kernel::blocks_wait;
  else
    return false;
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
/// Returns the requirements of Kernel.
template <kernel_text Kernel>
constexpr kernel_needs needs_of() {
  const arch* lowest = nullptr;
  if constexpr (requires { Kernel::lowest; }) lowest = &Kernel::lowest;
  return {Kernel::name, Kernel::threads, features_of<Kernel>(), lowest, shared_bytes<Kernel>(), cluster_of<Kernel>()};
}

/// True if the arch has the features that the kernel needs, and is not below the kernel's `lowest`. In a device pass
/// for any other arch, the kernel's body is only a trap (simt/cuda_launch.hpp).
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

/// Returns a sentence if the kernel's parameters are larger than the executor can pass.
inline finding check_parameters(const char* kernel, int bytes, int most) {
  if (bytes <= most) return {};
  return {kernel, " has ", bytes, " bytes of parameters; this device takes at most ", most};
}

/// Returns a sentence if an operand has elements of double.
inline finding check_no_doubles(const char* kernel, const operands& known) {
  for (const operand& o : known)
    if (o.is_double) return {kernel, ": ", o.name, " has elements of double, which this device has no arithmetic for"};
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

}  // namespace tilery::inline TILERY_ABI
