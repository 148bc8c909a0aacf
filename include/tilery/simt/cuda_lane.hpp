// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The lane of a CUDA GPU (simt/lane.hpp says what each function does). The type is empty: rank and block are read from
// special registers, and most member functions compile to one or two instructions.
#pragma once
#pragma GCC system_header

#include <tilery/core/where.hpp>
#include <tilery/simt/cuda_atomics.hpp>
#include <tilery/simt/cuda_cluster.hpp>
#include <tilery/simt/engine.hpp>
#include <tilery/simt/has_text.hpp>
#include <tilery/simt/index.hpp>
#include <tilery/simt/memory.hpp>
#include <tilery/simt/order.hpp>
#include <tilery/simt/refused_store.hpp>
#include <tilery/simt/step.hpp>

namespace tilery::inline TILERY_ABI {

/// The type of an access of 1, 2, 4, 8 or 16 bytes, which is one ld or st instruction.
template <int Bytes>
struct access_word;
template <>
struct access_word<1> {
  using type = unsigned char;
};
template <>
struct access_word<2> {
  using type = unsigned short;
};
template <>
struct access_word<4> {
  using type = unsigned int;
};
template <>
struct access_word<8> {
  using type = uint2;
};
template <>
struct access_word<16> {
  using type = uint4;
};
/// The type of an access of `Bytes` bytes to elements of `Element` bytes. Elements of 8 bytes are loaded into 64-bit
/// registers: if two 32-bit halves were joined after the load, the join would wait for the load. Only loads from global
/// memory pass the size of their elements; loads from shared memory always pass 4.
template <int Bytes, int Element>
using access_word_of = std::conditional_t<Element != 8, typename access_word<Bytes>::type,
                                          std::conditional_t<Bytes == 8, unsigned long long, ulonglong2>>;

class cuda_lane : public cuda_atomics, public refused_store {
public:
  static constexpr bool is_whole_block = false, takes_any_alignment = false, runs_on_device = true;
  static constexpr int warp_size = 32;
  TILERY_SIMT static constexpr int threads(int of_policy) { return of_policy; }

#ifdef __CUDACC__
  // The bodies are for the device pass. The host pass compiles the functions, too, but never runs them: there they
  // return any value of the right type.
  TILERY_SIMT int rank() const {
#ifdef __CUDA_ARCH__
    return static_cast<int>(threadIdx.x);
#else
    return 0;
#endif
  }
  // The division of an unsigned number is a shift, the remainder a mask. nvcc recomputes such cheap values at each use
  // instead of keeping them in registers.
  TILERY_SIMT int warp() const { return static_cast<int>(static_cast<unsigned>(rank()) / warp_size); }
  TILERY_SIMT int warp_rank() const { return static_cast<int>(static_cast<unsigned>(rank()) % warp_size); }
  TILERY_SIMT index3 block() const {
#ifdef __CUDA_ARCH__
    return {static_cast<int>(blockIdx.x), static_cast<int>(blockIdx.y), static_cast<int>(blockIdx.z)};
#else
    return {};
#endif
  }
  TILERY_SIMT index3 blocks() const {
#ifdef __CUDA_ARCH__
    return {static_cast<int>(gridDim.x), static_cast<int>(gridDim.y), static_cast<int>(gridDim.z)};
#else
    return {};
#endif
  }

  // The block's rank in its cluster and the cluster's size in blocks; sm_90 and later. They are templates, so that only
  // a kernel that calls them fails to compile for an earlier arch.
  template <class Lane = cuda_lane>
  TILERY_SIMT int cluster_rank() const {
    static_assert(
        has_text<features::clusters, Lane>,
        "cluster_rank is not available on this device; the kernel must name its feature in needs: " TILERY_PASS);
    return cuda_cluster::rank();
  }
  template <class Lane = cuda_lane>
  TILERY_SIMT int cluster_size() const {
    static_assert(
        has_text<features::clusters, Lane>,
        "cluster_size is not available on this device; the kernel must name its feature in needs: " TILERY_PASS);
    return cuda_cluster::size();
  }

  /// Returns an engine for the atoms' host model, which the host pass compiles and never runs.
  immediate_engine engine() const { return {}; }

  // Notes for the reports of the virtual GPU (simt/step.hpp). On this lane they do nothing.
  TILERY_SIMT no_step step(const char*, where = {}) const { return {}; }
  TILERY_SIMT void operations(compute_unit, int, where = {}) const {}
  template <class T>
  TILERY_SIMT void discard(smem_ptr<T>, int, where = {}) const {}

  TILERY_SIMT void sync_block(where = {}) const {
#ifdef __CUDA_ARCH__
    __syncthreads();
#endif
  }
  TILERY_SIMT void sync_warp(where = {}) const {
#ifdef __CUDA_ARCH__
    __syncwarp();
#endif
  }
  /// Waits until all lanes of the cluster have arrived: accesses before the barrier are visible to all lanes of the
  /// cluster after it. All lanes of a warp must call it together.
  template <class Lane = cuda_lane>
  TILERY_SIMT void sync_cluster(where = {}) const {
    static_assert(
        has_text<features::clusters, Lane>,
        "sync_cluster is not available on this device; the kernel must name its feature in needs: " TILERY_PASS);
    cuda_cluster::sync();
  }

  /// Returns the `value` that lane `from` of this warp passes. All lanes of the warp must call it.
  template <class T>
  TILERY_SIMT T shuffle(T value, int from, where = {}) const {
#ifdef __CUDA_ARCH__
    return __shfl_sync(0xffffffffu, value, from);
#else
    return value;
#endif
  }
  template <class T>
  TILERY_SIMT T shuffle_xor(T value, int mask, where = {}) const {
#ifdef __CUDA_ARCH__
    return __shfl_xor_sync(0xffffffffu, value, mask);
#else
    return value;
#endif
  }
  template <class T>
  TILERY_SIMT T shuffle_down(T value, int delta, where = {}) const {
#ifdef __CUDA_ARCH__
    return __shfl_down_sync(0xffffffffu, value, delta);
#else
    return value;
#endif
  }
  TILERY_SIMT unsigned ballot(bool vote, where = {}) const {
#ifdef __CUDA_ARCH__
    return __ballot_sync(0xffffffffu, vote);
#else
    return vote;
#endif
  }

  template <class T>
  TILERY_SIMT std::remove_const_t<T> load(gmem_ptr<T> p, where = {}) const {
    return global<std::remove_const_t<T>>(p.raw());
  }
  template <class T>
  TILERY_SIMT T load(smem_ptr<T> p, where = {}) const {
    return *p.raw();
  }
  template <class T, int N>
  TILERY_SIMT auto load(gmem_ptr<T> p, width_t<N>, where = {}) const {
    return global<pack<std::remove_const_t<T>, N>>(p.raw());
  }
  template <class T, int N>
  TILERY_SIMT pack<T, N> load(smem_ptr<T> p, width_t<N>, where = {}) const {
    return words<pack<T, N>>([p](int i, auto* word) { word[i] = reinterpret_cast<decltype(word)>(p.raw())[i]; });
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
    if constexpr (sizeof(value) > 4 && N > 1)
      write_whole<false>(p.raw(), value);
    else
      write(p.raw(), value);
  }
  template <class T, int N>
  TILERY_SIMT void store(smem_ptr<T> p, pack<T, N> value, where = {}) const {
    if constexpr (sizeof(value) > 4 && N > 1)
      write_whole<true>(p.raw(), value);
    else
      write(p.raw(), value);
  }

  /// Returns the address, in the shared memory of the cluster's block `rank`, at the offset that `mine` has in this
  /// block's. Call sync_cluster() before the first access: it ensures that all blocks of the cluster have started.
  template <class T, class Lane = cuda_lane>
  TILERY_SIMT dsmem_ptr<T> of_block(smem_ptr<T> mine, int rank, where = {}) const {
    static_assert(has_text<features::clusters, Lane>,
                  "of_block is not available on this device; the kernel must name its feature in needs: " TILERY_PASS);
    return dsmem_ptr<T>(cuda_cluster::map(mine.raw(), rank), rank);
  }
  template <class T>
  TILERY_SIMT T load(dsmem_ptr<T> p, where = {}) const {
    return remote<T>(p.address());
  }
  template <class T, int N>
  TILERY_SIMT pack<T, N> load(dsmem_ptr<T> p, width_t<N>, where = {}) const {
    return remote<pack<T, N>>(p.address());
  }
  template <class T>
  TILERY_SIMT void store(dsmem_ptr<T> p, T value, where = {}) const {
    write_remote(p.address(), value);
  }
  template <class T, int N>
  TILERY_SIMT void store(dsmem_ptr<T> p, pack<T, N> value, where = {}) const {
    write_remote(p.address(), value);
  }

private:
  // Makes a Value of access words of at most 16 bytes: each(i, word) loads word[i].
  template <class Value, int Element = 4, class Each>
  TILERY_SIMT static Value words(Each each) {
    constexpr int bytes = sizeof(Value) < 16 ? static_cast<int>(sizeof(Value)) : 16;
    access_word_of<bytes, Element> word[sizeof(Value) / bytes];
    TILERY_UNROLL
    for (int i = 0; i < static_cast<int>(sizeof(Value)) / bytes; ++i) each(i, word);
    return reinterpret<Value>(word);
  }

  // Loads a Value from global memory. A pointer to const promises that no lane writes the memory during the launch: it
  // is read with ld.global.nc.
  template <class Value, class T>
  TILERY_SIMT static Value global(T* raw) {
    return words<Value, sizeof(T)>([raw](int i, auto* word) {
      using W = std::remove_pointer_t<decltype(word)>;
#ifdef __CUDA_ARCH__
      if constexpr (std::is_const_v<T>)
        word[i] = __ldg(reinterpret_cast<const W*>(raw) + i);
      else
        word[i] = reinterpret_cast<const W*>(raw)[i];
#else
      word[i] = reinterpret_cast<const W*>(raw)[i];
#endif
    });
  }

  // Stores a Value to global or shared memory in access words.
  template <class T, class Value>
  TILERY_SIMT static void write(T* raw, const Value& value) {
    each_word(value, [raw](int i, auto word) { reinterpret_cast<decltype(word)*>(raw)[i] = word; });
  }
  // Loads a Value from the shared memory of a block of the cluster.
  template <class Value>
  TILERY_SIMT static Value remote(unsigned address) {
    return words<Value>([address](int i, auto* word) {
      cuda_cluster::load(address + static_cast<unsigned>(i * sizeof(*word)), word[i]);
    });
  }
  // Stores a Value to the shared memory of a block of the cluster.
  template <class Value>
  TILERY_SIMT static void write_remote(unsigned address, const Value& value) {
    each_word(value, [address](int i, auto word) {
      cuda_cluster::store(address + static_cast<unsigned>(i * sizeof(word)), word);
    });
  }

  // Cuts a Value into access words of at most 16 bytes and calls each(i, word) for each.
  template <class Value, class Each>
  TILERY_SIMT static void each_word(const Value& value, Each each) {
    constexpr int bytes = sizeof(Value) < 16 ? static_cast<int>(sizeof(Value)) : 16;
    struct all {
      typename access_word<bytes>::type word[sizeof(Value) / bytes];
    };
    const all parts = reinterpret<all>(value);
    TILERY_UNROLL
    for (int i = 0; i < static_cast<int>(sizeof(Value)) / bytes; ++i) each(i, parts.word[i]);
  }

  // Stores a pack of 8 bytes or more by inline PTX, one instruction for each 16 bytes (8 bytes for a pack of 8). If the
  // store is written in C++, nvcc 13.0 may split it into several narrower stores, and does not always join them again:
  // in GEMMs, a pack of two doubles became three stores, and a pack of four floats became four.
  template <bool Shared, class T, class Value>
  TILERY_SIMT static void write_whole([[maybe_unused]] T* raw, [[maybe_unused]] const Value& value) {
#ifdef __CUDA_ARCH__
    using W = std::conditional_t<sizeof(T) == 8, unsigned long long, unsigned>;
    constexpr int words = sizeof(Value) / sizeof(W), together = words * sizeof(W) == 8 ? words : 16 / sizeof(W);
    struct all {
      W word[words];
    };
    const all parts = reinterpret<all>(value);
    TILERY_UNROLL
    for (int i = 0; i < words; i += together) {
      const W* w = parts.word + i;
      if constexpr (Shared) {
        const auto to = static_cast<unsigned>(__cvta_generic_to_shared(raw)) + static_cast<unsigned>(i * sizeof(W));
        if constexpr (sizeof(W) == 8)
          asm volatile("st.shared.v2.b64 [%0], {%1, %2};" ::"r"(to), "l"(w[0]), "l"(w[1]) : "memory");
        else if constexpr (together == 4)
          asm volatile("st.shared.v4.b32 [%0], {%1, %2, %3, %4};" ::"r"(to), "r"(w[0]), "r"(w[1]), "r"(w[2]), "r"(w[3])
                       : "memory");
        else
          asm volatile("st.shared.v2.b32 [%0], {%1, %2};" ::"r"(to), "r"(w[0]), "r"(w[1]) : "memory");
      } else {
        W* to = reinterpret_cast<W*>(raw) + i;
        if constexpr (sizeof(W) == 8)
          asm volatile("st.global.v2.b64 [%0], {%1, %2};" ::"l"(to), "l"(w[0]), "l"(w[1]) : "memory");
        else if constexpr (together == 4)
          asm volatile("st.global.v4.b32 [%0], {%1, %2, %3, %4};" ::"l"(to), "r"(w[0]), "r"(w[1]), "r"(w[2]), "r"(w[3])
                       : "memory");
        else
          asm volatile("st.global.v2.b32 [%0], {%1, %2};" ::"l"(to), "r"(w[0]), "r"(w[1]) : "memory");
      }
    }
#endif
  }
#endif
};

}  // namespace tilery::inline TILERY_ABI
