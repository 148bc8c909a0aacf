// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A panel is an operand of a GEMM seen as (outer, k): A with outer = m, B with outer = n. The loader takes one tile of
// it from global memory into registers, and later puts it into shared memory as (k, outer), in the accumulation type.
// The two halves are apart so that a kernel can multiply while the loads are under way.
#pragma once

#include <tilery/core/convert.hpp>
#include <tilery/policies/gemm_problem.hpp>
#include <tilery/simt/memory.hpp>

namespace tilery::inline TILERY_ABI {

/// An operand of a GEMM in global memory.
template <class T>
struct panel {
  gmem_ptr<const T> data;
  std::int32_t outer, k;
  std::int64_t outer_stride, k_stride;

  SIMT panel moved(std::int64_t elements) const { return {data + elements, outer, k, outer_stride, k_stride}; }
  /// Columns [begin, end) along k; those behind the last one are left out.
  SIMT panel along_k(int begin, int end) const {
    return {data + begin * k_stride, outer, (end < k ? end : k) - begin, outer_stride, k_stride};
  }
  /// Whether it is made of aligned packs of `elements` along `way`.
  SIMT bool has_packs(along way, int elements) const {
    const std::int64_t near = way == along::k ? k_stride : outer_stride,
                       far = way == along::k ? outer_stride : k_stride;
    return near == 1 && (way == along::k ? k : outer) % elements == 0 && far % elements == 0 &&
           data.aligned_for(elements);
  }
};

namespace tile {

/// A tile of K x Outer elements in shared memory; each k is followed by 16 bytes of padding. The transposing stores
/// of packs of 4 elements then meet no bank twice; those of packs of 8 (half, bf16) meet each twice, which no padding
/// that keeps the rows aligned for 16-byte reads can mend.
template <class T, int K, int Outer>
struct shared_panel {
  static constexpr int pitch = Outer + static_cast<int>(16 / sizeof(T));
  shared_array<T, K * pitch> elements;  // (k, outer)

  SIMT smem_ptr<T> at(int k, int outer) { return elements.at(k * pitch + outer); }
};

/// Loads tiles of Outer x K elements with Threads lanes, Vector elements an access, whichever way they lie along::any.
/// Elements outside of the operand are zero: they add nothing to a sum.
template <class T, class Accumulator, int Outer, int K, int Threads, along Along, int Vector>
class panel_loader {
  static constexpr int packs = Outer * K / Vector;
  static constexpr int packs_a_lane = (packs + Threads - 1) / Threads;

public:
  using shared = shared_panel<Accumulator, K, Outer>;

  /// Starts to load the tile at (outer, k).
  template <class Lane>
  SIMT void fetch(Lane lane, const panel<T>& from, int outer, int k, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("fetch a tile", at);
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < packs_a_lane; ++i) {
      const place to = place_of(lane.rank() + i * Threads, from);
      held_[i] = splat<Vector>(convert<T>(0.0f));
      if (to.inside && outer + to.outer < from.outer && k + to.k < from.k)
        held_[i] =
            lane.load(from.data + ((outer + to.outer) * from.outer_stride + (k + to.k) * from.k_stride), width<Vector>);
    }
  }

  /// Puts what was fetched into shared memory.
  template <class Lane>
  SIMT void put(Lane lane, const panel<T>& from, shared& to, where at = {}) const {
    [[maybe_unused]] const auto step = lane.step("put a tile", at);
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < packs_a_lane; ++i) {
      const place target = place_of(lane.rank() + i * Threads, from);
      if (!target.inside) continue;
      const auto values = convert<Accumulator>(held_[i]);
      if (Vector > 1 && !runs_along_k(from)) {
        store_along_outer(lane, to, target, values);
      } else {
        TILERY_UNROLL
        for (int j = 0; j < Vector; ++j) lane.store(to.at(target.k + j, target.outer), values[j]);
      }
    }
  }

private:
  struct place {
    int outer, k;
    bool inside;
  };

  /// Whether packs, or lanes that are neighbours, go along k.
  SIMT static bool runs_along_k([[maybe_unused]] const panel<T>& from) {
    if constexpr (Along != along::any)
      return Along == along::k;
    else
      return Vector == 1 ? from.k_stride == 1 : from.has_packs(along::k, Vector);
  }

  /// Where pack i of the tile lies. Neighbouring lanes take neighbouring packs in memory.
  SIMT static place place_of(int i, const panel<T>& from) {
    const bool inside = packs % Threads == 0 || i < packs;
    const bool k_first = runs_along_k(from);
    // A sector of memory along k, then the outer dimension: four packs of k side by side would meet in the banks when
    // they are put across.
    constexpr int packs_k = K / Vector, power = packs_k & -packs_k,
                  sector = static_cast<int>(32 / (Vector * sizeof(T)));
    constexpr int near = power < sector ? power : sector;
    if (k_first) return {i / near % Outer, (i % near + i / (near * Outer) * near) * Vector, inside};
    return {i % (Outer / Vector) * Vector, i / (Outer / Vector), inside};
  }

  /// 16 bytes an access: a pack of 8 halves is two packs of 4 floats.
  template <class Lane>
  SIMT static void store_along_outer(Lane lane, shared& to, place target, pack<Accumulator, Vector> values) {
    constexpr int quad =
        static_cast<int>(16 / sizeof(Accumulator)) < Vector ? static_cast<int>(16 / sizeof(Accumulator)) : Vector;
    TILERY_UNROLL
    for (int j = 0; j < Vector; j += quad) {
      pack<Accumulator, quad> part;
      TILERY_UNROLL
      for (int e = 0; e < quad; ++e) part.set(e, values[j + e]);
      lane.store(to.at(target.k, target.outer + j), part);
    }
  }

  pack<T, Vector> held_[packs_a_lane];
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
