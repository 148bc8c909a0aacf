// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The parameters of a group of GEMMs of different shapes in one launch. They are an argument of the kernel: no memory
// is allocated or copied for them, and a captured graph keeps its own copy of the argument.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/gemm/params.hpp>

#include <cstring>

namespace tilery::inline TILERY_ABI {

/// Up to `most` GEMMs (members), each with parameters of type One. The tiles of all members are numbered in one
/// sequence, member after member.
template <class One>
struct gemm_group {
  using a_panel = typename One::a_panel;
  using b_panel = typename One::b_panel;
  using a_type = typename One::a_type;
  using b_type = typename One::b_type;
  using c_type = typename One::c_type;
  using accumulator = typename One::accumulator;
  // `none`, although each member has its own epilogue: this type tells launch_gemm() whether to launch the kernel that
  // writes column sums (bias_gradient) after this launch. For a group the op launches that kernel itself, after all
  // launches of the group (ops/column_totals_of_group.hpp).
  using epilogue_type = epilogue::none;

  /// The largest number of GEMMs in one launch: 64, or fewer if 64 would have more than 24 KiB of parameters. A
  /// launch can carry 32,764 bytes of parameters; the other members of this struct take a small part of the rest.
  static constexpr int most = 24 * 1024 / sizeof(One) < 64 ? static_cast<int>(24 * 1024 / sizeof(One)) : 64;
  static_assert(most >= 1, "gemm_grouped: the epilogue is too large for a launch");

  std::int32_t size = 0;
  std::int32_t first_tile[most + 1];  // number of each member's first tile; first_tile[size]: all tiles
  alignas(One) std::byte members[most * sizeof(One)];  // not One[]: an epilogue may have no default constructor
  tile::shared_sums<accumulator_t<a_type>> work = {};  // `share` keeps its default, one block for each
                                                       // tile; the rest is unused

  /// Copies the parameters of member i into the group; first_tile is not changed.
  void set(int i, const One& one) { std::memcpy(members + i * sizeof(One), &one, sizeof(One)); }
  TILERY_SIMT const One& member(int i) const { return reinterpret_cast<const One*>(members)[i]; }

  /// Returns the member that has tile `number` of the sequence, and the tile's number in that member. The policy P is
  /// only passed on to product_params::find(), for members that may be batches.
  template <auto P>
  TILERY_SIMT gemm_tile<One> find(int number) const {
    int low = 0, high = size;  // the member is one of [low, high)
    while (high - low > 1) {
      const int middle = (low + high) / 2;
      if (first_tile[middle] <= number)
        low = middle;
      else
        high = middle;
    }
    if constexpr (One::is_matrix)
      return {member(low), 0, number - first_tile[low]};
    else
      return member(low).template find<P>(number - first_tile[low]);  // a member may be a batch
  }
};

}  // namespace tilery::inline TILERY_ABI
