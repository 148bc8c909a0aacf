// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Stores sums to C: the epilogue computes the values of C from neighbouring sums of a row, and one access writes them.
// If some packs of C are not contiguous, aligned and whole, each element is one access.
#pragma once
#pragma GCC system_header

#include <tilery/core/convert.hpp>
#include <tilery/simt/memory.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The number of elements of the packs on which a store calls the epilogue, if the store itself has packs of N sums. It
/// is 1 for the images of a convolution if the packs of C may not be whole (Vector = 1), otherwise N. In the images,
/// the columns of C are the channels of one group, but the epilogue counts the channels of all groups: the first column
/// need not be a multiple of N there, and the elements of a pack after the last column of C would be channels of the
/// next group.
template <class Params, int Vector, int N>
inline constexpr int epilogue_pack = Params::is_matrix || Vector > 1 ? N : 1;

/// Computes the values of C at (row, column) to (row, column + N - 1) from N sums (A B), by p.finish()
/// (kernels/gemm/params.hpp), and stores those that are in bounds. Vector is the number of elements of one access: N if
/// all packs of C are contiguous, aligned and whole, else 1. `epilogue` is the lane's copy of the epilogue for this
/// tile (epilogue_step.hpp).
template <int Vector, class Lane, class Params, class Epilogue, class Accumulator, int N>
TILERY_SIMT void store_sums(Lane lane, const Params& p, Epilogue& epilogue, int row, int column,
                            pack<Accumulator, N> sums, where at = {}) {
  using T = typename Params::c_type;
  if (row >= p.c.rows || column >= p.c.columns) return;
  auto old = splat<N>(Accumulator(0));
  if constexpr (Vector == N) {
    if (p.beta != Accumulator(0)) old = convert<Accumulator>(lane.load(p.c.at(row, column), width<N>, at));
    lane.store(p.c.at(row, column), convert<T>(p.finish(lane, epilogue, sums, old, row, column)), at);
  } else {
    if (p.beta != Accumulator(0)) {
      TILERY_UNROLL_ON_GPU
      for (int e = 0; e < N; ++e)
        if (column + e < p.c.columns) old.set(e, convert<Accumulator>(lane.load(p.c.at(row, column + e), at)));
    }
    if constexpr (epilogue_pack<Params, Vector, N> == N) {
      const auto result = convert<T>(p.finish(lane, epilogue, sums, old, row, column));
      TILERY_UNROLL_ON_GPU
      for (int e = 0; e < N; ++e)
        if (column + e < p.c.columns) lane.store(p.c.at(row, column + e), result[e], at);
    } else {
      TILERY_UNROLL_ON_GPU
      for (int e = 0; e < N; ++e) {
        if (column + e >= p.c.columns) continue;
        const auto result = p.finish(lane, epilogue, splat<1>(sums[e]), splat<1>(old[e]), row, column + e);
        lane.store(p.c.at(row, column + e), convert<T>(result[0]), at);
      }
    }
  }
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
