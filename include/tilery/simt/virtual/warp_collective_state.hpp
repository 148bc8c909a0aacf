// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A collective of a warp (sync_warp, shuffle, vote, warp instruction): each lane arrives with 8 bytes for the other
// lanes, and all live lanes must arrive at the same verb.
#pragma once
#pragma GCC system_header

#include <tilery/simt/tensor_model.hpp>
#include <tilery/simt/virtual/block_events.hpp>
#include <tilery/simt/virtual/fault.hpp>

#include <bit>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

struct warp_collective_state {
  static constexpr int lanes = 32;

  std::uint32_t live = 0, arrived = 0;
  verb called = verb::nothing;
  where first_at{"", 0};
  warp_work work = nullptr;
  // Two tables in turn: no lane can be two collectives further than a lane that has not read its table yet.
  int turn = 0;
  std::uint64_t table[2][lanes + 1];  // one value per lane, then the mask of the lanes that arrived

  /// A lane arrives with its value. Returns the table that the lane will read.
  const std::uint64_t* arrive(int rank, verb what, std::uint64_t value, where at, warp_work does, index3 block) {
    if (arrived == 0)
      called = what, first_at = at, work = does;
    else if (called != what || work != does || (does && !same_line(first_at, at)))
      different_collectives(rank, what, at, block);
    table[turn][rank % lanes] = value;
    arrived |= 1u << (rank % lanes);
    return table[turn];
  }
  /// All live lanes have arrived: executes the warp instruction, if there is one. Returns the mask of the lanes.
  std::uint32_t complete(int warp, index3 block, tensor_model tensors) {
    if (work) do_work(warp, block, tensors);
    const std::uint32_t came = table[turn][lanes] = arrived;
    arrived = 0;
    turn ^= 1;
    return came;
  }

  /// Warp instructions are `.aligned` in PTX: lanes that arrive from two sides of a branch are undefined behaviour.
  static constexpr const char* must_be_one_line =
      "the instruction is of a whole warp (.aligned): all lanes of a warp must come to it by the same line";

private:
  static bool same_line(where a, where b) { return a.line == b.line && a.file == b.file; }
  /// Executes a warp instruction. It is undefined behaviour unless all 32 lanes arrive.
  void do_work(int warp, index3 block, tensor_model tensors) const {
    if (arrived == ~0u) {
      void* shares[lanes];
      for (int i = 0; i < lanes; ++i) shares[i] = reinterpret_cast<void*>(table[turn][i]);
      return work(shares, tensors);
    }
    fault f;
    f.kind = fault_kind::collective;
    f.now = first_to_come(warp, block);
    f.missing =
        "it needs all 32 lanes of the warp, and " + std::to_string(lanes - std::popcount(arrived)) + " are not there";
    throw fault_error({f}, first_at);
  }
  [[noreturn]] void different_collectives(int rank, verb what, where at, index3 block) const {
    fault f;
    f.kind = fault_kind::collective;
    f.now = {{name_of(what), at, "", at}, block, rank, false};
    f.before = first_to_come(rank / lanes, block);
    f.missing = what == called && work ? must_be_one_line
                                       : "lanes of one warp meet in different collectives; all must call the same one";
    throw fault_error({f}, at);
  }
  fault_access first_to_come(int warp, index3 block) const {
    return {{name_of(called), first_at, "", first_at}, block, warp * lanes + std::countr_zero(arrived), false};
  }
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
