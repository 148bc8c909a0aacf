// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The lane of the CPU executor, where a block has one lane (simt/lane.hpp says what each function does). Barriers do
// nothing, shuffles return their argument, and a kernel's loop with a stride of lane.threads(n) visits all data of the
// block.
#pragma once
#pragma GCC system_header

#include <tilery/core/where.hpp>
#include <tilery/simt/cpu_atomics.hpp>
#include <tilery/simt/engine.hpp>
#include <tilery/simt/index.hpp>
#include <tilery/simt/memory.hpp>
#include <tilery/simt/order.hpp>
#include <tilery/simt/refused_store.hpp>
#include <tilery/simt/step.hpp>

namespace tilery::inline TILERY_ABI {

class cpu_lane : public cpu_atomics, public refused_store {
public:
  static constexpr bool is_whole_block = true, takes_any_alignment = true, runs_on_device = false;
  static constexpr int warp_size = 1;
  TILERY_SIMT static constexpr int threads(int) { return 1; }

  TILERY_SIMT constexpr cpu_lane(index3 block, index3 blocks) : block_(block), blocks_(blocks) {}

  TILERY_SIMT int rank() const { return 0; }
  TILERY_SIMT int warp() const { return 0; }
  TILERY_SIMT int warp_rank() const { return 0; }
  TILERY_SIMT index3 block() const { return block_; }
  TILERY_SIMT index3 blocks() const { return blocks_; }

  /// Returns the engine on which the atoms' host model runs asynchronous copies and barriers.
  immediate_engine engine() const { return {}; }

  // Notes for the reports of the virtual GPU (simt/step.hpp). On this lane they do nothing.
  TILERY_SIMT no_step step(const char*, where = {}) const { return {}; }
  TILERY_SIMT void operations(compute_unit, int, where = {}) const {}
  template <class T>
  TILERY_SIMT void discard(smem_ptr<T>, int, where = {}) const {}

  TILERY_SIMT void sync_block(where = {}) const {}
  TILERY_SIMT void sync_warp(where = {}) const {}
  template <class T>
  TILERY_SIMT T shuffle(T value, int, where = {}) const {
    return value;
  }
  template <class T>
  TILERY_SIMT T shuffle_xor(T value, int, where = {}) const {
    return value;
  }
  template <class T>
  TILERY_SIMT T shuffle_down(T value, int, where = {}) const {
    return value;
  }
  TILERY_SIMT unsigned ballot(bool vote, where = {}) const { return vote ? 1u : 0u; }

  template <class T>
  TILERY_SIMT std::remove_const_t<T> load(gmem_ptr<T> p, where = {}) const {
    return *p.raw();
  }
  template <class T>
  TILERY_SIMT T load(smem_ptr<T> p, where = {}) const {
    return *p.raw();
  }
  template <class T, int N>
  TILERY_SIMT auto load(gmem_ptr<T> p, width_t<N>, where = {}) const {
    return read<N>(p.raw());
  }
  template <class T, int N>
  TILERY_SIMT auto load(smem_ptr<T> p, width_t<N>, where = {}) const {
    return read<N>(p.raw());
  }
  using refused_store::store;
  template <class T>
  TILERY_SIMT void store(gmem_ptr<T> p, T value, where = {}) const {
    *p.raw() = value;
  }
  template <class T>
  TILERY_SIMT void store(smem_ptr<T> p, T value, where = {}) const {
    *p.raw() = value;
  }
  template <class T, int N>
  TILERY_SIMT void store(gmem_ptr<T> p, pack<T, N> value, where = {}) const {
    __builtin_memcpy(static_cast<void*>(p.raw()), &value, sizeof(value));
  }
  template <class T, int N>
  TILERY_SIMT void store(smem_ptr<T> p, pack<T, N> value, where = {}) const {
    __builtin_memcpy(static_cast<void*>(p.raw()), &value, sizeof(value));
  }

private:
  template <int N, class T>
  TILERY_SIMT static pack<std::remove_const_t<T>, N> read(T* raw) {
    pack<std::remove_const_t<T>, N> result;
    // Into the vector, not into the pack: g++ 12 would copy a pack of 32 bytes of integers through the stack in two
    // halves, and the load of the whole would wait for both.
    __builtin_memcpy(&result.native, static_cast<const void*>(raw), sizeof(result));
    return result;
  }

  index3 block_, blocks_;
};

}  // namespace tilery::inline TILERY_ABI
