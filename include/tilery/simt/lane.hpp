// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The concept of a lane: the handle through which a kernel uses the machine. One thread of a GPU is one lane. Each
// executor has a lane type (simt/executor.hpp), and `Kernel::run` is a template of that type.
#pragma once
#pragma GCC system_header

#include <tilery/core/where.hpp>
#include <tilery/simt/index.hpp>
#include <tilery/simt/memory.hpp>
#include <tilery/simt/order.hpp>
#include <tilery/simt/step.hpp>

namespace tilery::inline TILERY_ABI {

/// The parts of the contracts of lanes and executors. They are concepts of their own, so that an error message can name
/// the part that is missing.
namespace contract {

/// The constants of a lane type.
template <class Lane>
concept lane_traits = requires {
  { Lane::warp_size } -> std::convertible_to<int>;
  { Lane::is_whole_block } -> std::convertible_to<bool>;
  { Lane::takes_any_alignment } -> std::convertible_to<bool>;
  { Lane::runs_on_device } -> std::convertible_to<bool>;
  { Lane::threads(128) } -> std::same_as<int>;
};

/// The lane's indices, and the functions that it calls together with other lanes.
template <class Lane>
concept lane_group = requires(const Lane& lane, float value, int number, bool vote, where at) {
  { lane.rank() } -> std::same_as<int>;
  { lane.warp() } -> std::same_as<int>;
  { lane.warp_rank() } -> std::same_as<int>;
  { lane.block() } -> std::same_as<index3>;
  { lane.blocks() } -> std::same_as<index3>;
  lane.sync_block(at);
  lane.sync_warp(at);
  { lane.shuffle(value, number, at) } -> std::same_as<float>;
  { lane.shuffle_xor(value, number, at) } -> std::same_as<float>;
  { lane.shuffle_down(value, number, at) } -> std::same_as<float>;
  { lane.ballot(vote, at) } -> std::same_as<unsigned>;
};

/// Loads and stores of single elements and of packs.
template <class Lane, class Pointer>
concept lane_memory = requires(const Lane& lane, Pointer p, pack<float, 4> values, float value, where at) {
  { lane.load(p, at) } -> std::same_as<float>;
  { lane.load(p, width<4>, at) } -> std::same_as<pack<float, 4>>;
  lane.store(p, value, at);
  lane.store(p, values, at);
};

/// Atomics and fences.
template <class Lane, class Pointer>
concept lane_atomics = requires(const Lane& lane, Pointer p, int value, order o, scope s, where at) {
  { lane.atomic_add(p, value, o, s, at) } -> std::same_as<int>;
  { lane.atomic_max(p, value, o, s, at) } -> std::same_as<int>;
  { lane.atomic_exchange(p, value, o, s, at) } -> std::same_as<int>;
  { lane.atomic_compare_exchange(p, value, value, o, s, at) } -> std::same_as<int>;
  { lane.atomic_load(p, o, s, at) } -> std::same_as<int>;
  lane.atomic_store(p, value, o, s, at);
  lane.fence(o, s, at);
};

/// Notes for reports, and the engine: the object on which the host's models of the atoms (single instructions,
/// tilery/atoms) make their copies and barriers.
template <class Lane>
concept lane_notes = requires(const Lane& lane, smem_ptr<float> p, int number, where at) {
  lane.step("a step", at);
  lane.operations(compute_unit::fma_f32, number, at);
  lane.discard(p, number, at);
  lane.engine();
};

/// A condition for wait_until. (A named type: nvcc 13.0 rejects a lambda in a concept.)
struct any_value {
  TILERY_SIMT bool operator()(int) const { return true; }
};

/// The function by which a lane waits for a value that a lane of another block stores. Lanes have this function if the
/// blocks of their executor may wait for each other.
template <class Lane>
concept waiting_lane = requires(const Lane& lane, gmem_ptr<int> flag, any_value done, scope s, where at) {
  lane.wait_until(flag, done, s, at);
};

}  // namespace contract

/// The contract between a kernel's text and an executor's lane. A lane is a small, trivially copyable value. Its
/// functions are const. In code for a device, all of them are device functions (TILERY_SIMT), and the host's pass must
/// compile them, too. The last argument of a function is the caller's line (`where`), for reports; a lane may ignore
/// it.
///
/// Constants. `warp_size` is the number of lanes that exchange values by shuffles: a power of two. `is_whole_block`:
/// true if a block has one lane, whatever number of threads a policy asks for; then there are no other lanes to
/// exchange values with, and `warp_size` is 1. `takes_any_alignment`: true if a pack may be loaded and stored at the
/// address of any element; otherwise the address of a pack must be a multiple of the pack's size, or of 16 bytes for
/// larger packs. A lane that is a whole block must take any alignment. (On a GPU, other lanes of the block read the
/// elements of a row before the first aligned pack and after the last whole pack, one element each: tile/row_cut.hpp.)
/// `threads(n)` is the number of lanes of a block whose kernel asks for n threads: 1 if the lane is a whole block,
/// otherwise n. `runs_on_device`: true if a device runs the lane's code. A device pass compiles an atom (the function
/// for one instruction, tilery/atoms) for such a lane only if the device has the atom's feature (simt/has_text.hpp).
///
/// Indices. `rank()` is the lane's number in its block; `warp()` is rank() / warp_size, and `warp_rank()` is the
/// remainder. `block()` is the block's index in the grid, `blocks()` the grid's size.
///
/// Barriers. All lanes of the block call `sync_block()`, all lanes of the warp call `sync_warp()`. Accesses to shared
/// and global memory before the barrier are visible to the lanes of this block or warp after it.
///
/// Shuffles. All lanes of the warp call them. `shuffle(x, i)` returns the x of lane i % warp_size of the warp,
/// `shuffle_xor(x, mask)` that of lane warp_rank() ^ mask, `shuffle_down(x, n)` that of lane warp_rank() + n, or the
/// lane's own x if there is no such lane. Bit i of `ballot(vote)` is the vote of lane i.
///
/// Memory. `load(p)` and `load(p, width<n>)` return an element and a pack of n elements; `store(p, x)` stores either. p
/// is a gmem_ptr or an smem_ptr. A gmem_ptr to const elements promises that no lane writes them during the launch.
///
/// Atomics. Each takes an order and a scope (simt/order.hpp), and works on global memory and on the block's shared
/// memory. `atomic_add`, `atomic_max`, `atomic_exchange`, `atomic_compare_exchange` and `atomic_load` return the old
/// element. `atomic_max` is for integers, `atomic_compare_exchange` for elements of 4 or 8 bytes.
///
/// Reports. `step`, `operations` and `discard` (simt/step.hpp) may do nothing. `engine()` returns the object on which
/// the host's models of the atoms make their copies and barriers: immediate_engine (simt/engine.hpp) if the lane has no
/// engine of its own.
///
/// Optional functions. `wait_until(flag, done, scope)` exists if the executor's blocks may wait for each other. The
/// functions of clusters, `cluster_rank`, `cluster_size`, `sync_cluster` and `of_block`, exist if the executor can run
/// on an arch with features::clusters. In a device pass for an arch without clusters, a call of them stops the
/// compilation.
template <class Lane>
concept lane = std::is_trivially_copyable_v<Lane> && contract::lane_traits<Lane> &&
               (!Lane::is_whole_block ||
                (Lane::warp_size == 1 && Lane::takes_any_alignment && Lane::threads(128) == 1)) &&
               contract::lane_group<Lane>&& contract::lane_memory<Lane, gmem_ptr<float>>&& contract::lane_memory<
                   Lane, smem_ptr<float>>&& contract::lane_atomics<Lane, gmem_ptr<int>>&& contract::
                   lane_atomics<Lane, smem_ptr<int>>&& contract::lane_notes<Lane>;

}  // namespace tilery::inline TILERY_ABI
