// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A panel is a GEMM operand indexed as (outer, k): A with outer = m, B with outer = n. For the GEMM without tensor
// cores (gemm_simt), panel_loader loads a tile of a panel from global memory into registers (fetch), and stores it to
// shared memory as (k, outer), in the accumulation type (put). These are two functions, so that a kernel can multiply
// while the loads are in flight.
//
// `panel` is an operand with two strides. Convolutions have panels that are gathered from images (pixel_panel.hpp,
// tap_panel.hpp). A cursor finds the packs of a tile in a panel: pack_cursor_of names the cursor of each kind of panel.
#pragma once
#pragma GCC system_header

#include <tilery/core/convert.hpp>
#include <tilery/policies/gemm_problem.hpp>
#include <tilery/simt/memory.hpp>

namespace tilery::inline TILERY_ABI {

/// An operand of a GEMM in global memory, with one stride for each of its two dimensions.
template <class T>
struct panel {
  using value_type = T;

  gmem_ptr<const T> data;
  std::int32_t outer, k;
  std::int64_t outer_stride, k_stride;

  /// The panel that begins `elements` elements further in memory: another matrix of a batch.
  TILERY_SIMT panel moved(std::int64_t elements) const { return {data + elements, outer, k, outer_stride, k_stride}; }
  /// The extent of k. The argument, the elements along k of one iteration of the k loop, matters for gathered panels
  /// only.
  TILERY_SIMT int k_range(int) const { return k; }
  /// The part of the panel that the iterations [begin, end) of the k loop multiply, with block_k elements along k each;
  /// the last iteration may go past the end of k.
  TILERY_SIMT panel steps(int begin, int end, int block_k) const {
    return {data + begin * block_k * k_stride, outer, (end * block_k < k ? end * block_k : k) - begin * block_k,
            outer_stride, k_stride};
  }
  /// True if neighbours along k are neighbours in memory.
  TILERY_SIMT bool runs_along_k() const { return k_stride == 1; }
  /// The panel with a k of 0: a product with it is 0.
  panel without_k() const { return {data, outer, 0, outer_stride, k_stride}; }
  /// True if the operand consists of aligned packs of `elements` contiguous elements along `way`.
  TILERY_SIMT bool has_packs(along way, int elements) const {
    const std::int64_t near = way == along::k ? k_stride : outer_stride,
                       far = way == along::k ? outer_stride : k_stride;
    return near == 1 && (way == along::k ? k : outer) % elements == 0 && far % elements == 0 &&
           data.aligned_for(elements);
  }
};

namespace tile {

/// A tile of K x Outer elements in shared memory. 16 bytes of padding follow the elements of each k: put() then stores
/// packs of 4 elements along k, which it transposes, without bank conflicts. Packs of 8 elements (half, bf16) have
/// 2-way conflicts: a padding without them would break the 16-byte alignment that loads from the tile need.
template <class T, int K, int Outer>
struct shared_panel {
  static constexpr int pitch = Outer + static_cast<int>(16 / sizeof(T));  // elements from one k to the next
  shared_array<T, K * pitch> elements;                                    // (k, outer)

  TILERY_SIMT static constexpr int offset(int k, int outer) { return k * pitch + outer; }
  TILERY_SIMT smem_ptr<T> at(int k, int outer) { return elements.at(offset(k, outer)); }
};

/// Finds a lane's Count packs of a `panel` in one tile after another, K elements apart along k: for each pack it keeps
/// the address, and the first k of a tile for which the pack is out of bounds.
template <class T, int K, int Count>
class strided_packs {
public:
  TILERY_SIMT strided_packs(const panel<T>&, int) {}
  /// Sets pack i: its index in the outer dimension, and its k within a tile. `exists` is false for a pack that is no
  /// part of the tile.
  TILERY_SIMT void set(int i, const panel<T>& from, int outer, int k, bool exists) {
    next_[i] = from.data + (outer * from.outer_stride + k * from.k_stride);
    end_[i] = exists && outer < from.outer ? from.k - k : 0;
  }
  /// True if pack i is in bounds in the tile that begins at k.
  TILERY_SIMT bool is_inside(int i, const panel<T>&, int k) const { return k < end_[i]; }
  TILERY_SIMT gmem_ptr<const T> at(int i, const panel<T>&) const { return next_[i]; }
  /// Moves pack i to the next tile.
  TILERY_SIMT void step(int i, const panel<T>& from) { next_[i] = next_[i] + from.k_stride * K; }
  TILERY_SIMT void advance(const panel<T>&) {}

private:
  gmem_ptr<const T> next_[Count];
  int end_[Count];  // the pack is in bounds in tiles that begin at k < end_
};

/// Names the cursor (`type`) of a lane's Count packs of Vector elements in a Panel.
template <class Panel, int K, int Count, int Vector>
struct pack_cursor_of;
template <class T, int K, int Count, int Vector>
struct pack_cursor_of<panel<T>, K, Count, Vector> {
  using type = strided_packs<T, K, Count>;
};

/// The loads that one of Threads lanes makes of tiles of Outer x K elements, in packs of Vector elements.
/// Elements out of bounds are zero: they add nothing to a sum. Along is the dimension along which packs are contiguous;
/// with along::any, the loader finds this dimension at run time.
template <class Panel, class Accumulator, int Outer, int K, int Threads, along Along, int Vector>
class panel_loader {
  using T = typename Panel::value_type;
  static constexpr int packs = Outer * K / Vector;
  static constexpr int packs_a_lane = (packs + Threads - 1) / Threads;

public:
  using shared = shared_panel<Accumulator, K, Outer>;

  /// For the tiles that begin at index `outer` of the outer dimension. The constructor finds the place of each pack of
  /// the lane in global and in shared memory: fetch() only compares, loads and increments.
  template <class Lane>
  TILERY_SIMT panel_loader(Lane lane, const Panel& from, int outer)
      : along_k_(runs_along_k(from)), packs_(from, outer) {
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < packs_a_lane; ++i) {
      const auto [pack_outer, pack_k] = place_of(lane.rank() + i * Threads);
      packs_.set(i, from, outer + pack_outer, pack_k, inside(lane, i));
      to_[i] = shared::offset(pack_k, pack_outer);
    }
  }

  /// Starts to load the tile that begins at k into registers. The first call has k = 0; from one call to the next, k
  /// grows by K.
  template <class Lane>
  TILERY_SIMT void fetch(Lane lane, const Panel& from, int k, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("fetch a tile", at);
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < packs_a_lane; ++i) {
      held_[i] = splat<Vector>(convert<T>(0.0f));
      if (packs_.is_inside(i, from, k)) held_[i] = lane.load(packs_.at(i, from), width<Vector>);
      packs_.step(i, from);
    }
    packs_.advance(from);
  }

  /// Stores the fetched tile to shared memory.
  template <class Lane>
  TILERY_SIMT void put(Lane lane, shared& to, where at = {}) const {
    [[maybe_unused]] const auto step = lane.step("put a tile", at);
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < packs_a_lane; ++i) {
      if (!inside(lane, i)) continue;
      const auto values = convert<Accumulator>(held_[i]);
      const auto target = to.elements.at(to_[i]);
      if (Vector > 1 && !along_k()) {
        store_along_outer(lane, target, values);
      } else {
        TILERY_UNROLL
        for (int j = 0; j < Vector; ++j) lane.store(target + j * shared::pitch, values[j]);
      }
    }
  }

private:
  struct place {
    int outer, k;
  };

  /// True if packs run along k. With single elements (Vector = 1): true if lanes with neighbouring ranks load elements
  /// that are neighbours along k.
  TILERY_SIMT static bool runs_along_k([[maybe_unused]] const Panel& from) {
    if constexpr (Along != along::any)
      return Along == along::k;
    else if constexpr (Vector == 1)
      return from.runs_along_k();
    else
      return from.has_packs(along::k, Vector);
  }
  TILERY_SIMT bool along_k() const { return Along == along::any ? along_k_ : Along == along::k; }

  /// True if the tile has an i-th pack for this lane.
  template <class Lane>
  TILERY_SIMT static bool inside(Lane lane, int i) {
    return packs % Threads == 0 || lane.rank() + i * Threads < packs;
  }

  /// Returns the position of pack i of the tile. Packs with neighbouring numbers, which neighbouring lanes load, are
  /// mostly neighbours in global memory.
  TILERY_SIMT place place_of(int i) const {
    // Packs along k: `near` packs side by side along k fill a 32-byte sector, or less if K does not consist of whole
    // sectors. The next packs follow along the outer dimension. With more packs side by side along k, the transposing
    // stores of put() would have bank conflicts.
    constexpr int packs_k = K / Vector, power = packs_k & -packs_k,
                  sector = static_cast<int>(32 / (Vector * sizeof(T)));
    constexpr int near = power < sector ? power : sector;
    if (along_k()) return {i / near % Outer, (i % near + i / (near * Outer) * near) * Vector};
    return {i % (Outer / Vector) * Vector, i / (Outer / Vector)};
  }

  /// Stores a pack that runs along the outer dimension by accesses of at most 16 bytes: a pack of 8 halves is two packs
  /// of 4 floats.
  template <class Lane>
  TILERY_SIMT static void store_along_outer(Lane lane, smem_ptr<Accumulator> to, pack<Accumulator, Vector> values) {
    constexpr int quad =
        static_cast<int>(16 / sizeof(Accumulator)) < Vector ? static_cast<int>(16 / sizeof(Accumulator)) : Vector;
    TILERY_UNROLL
    for (int j = 0; j < Vector; j += quad) {
      pack<Accumulator, quad> part;
      TILERY_UNROLL
      for (int e = 0; e < quad; ++e) part.set(e, values[j + e]);
      lane.store(to + j, part);
    }
  }

  bool along_k_;  // runs_along_k(); read for along::any only
  typename pack_cursor_of<Panel, K, packs_a_lane, Vector>::type packs_;
  int to_[packs_a_lane];                // the pack's offset in shared memory
  pack<T, Vector> held_[packs_a_lane];  // between fetch() and put()
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
