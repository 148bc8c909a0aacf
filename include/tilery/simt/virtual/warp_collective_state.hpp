// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The state of one warp's collective on the virtual GPU: a sync_warp, a shuffle, a vote, or a warp instruction such as
// an mma. Each lane arrives with a value of 8 bytes. When all live lanes of the warp have arrived, each of them can
// read the values of all of them. All lanes must arrive at the same kind of collective (`verb`), for a warp instruction
// also at the same source line. A live lane is a lane that has not ended.
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

  std::uint32_t live = 0, arrived = 0;  // masks: lanes that have not ended; lanes that wait in the current collective
  verb called = verb::nothing;          // the verb of the lane that arrived first
  where first_at{"", 0};                // the source line of that lane
  int first_rank = 0;                   // the rank of that lane in its block
  warp_work work = nullptr;             // the function that executes the warp instruction; null for other collectives
  // turn: the index of the current collective's table. Two tables are used alternately, because a lane may arrive at
  // the next collective before another lane has read the values of the last one. No lane can get two collectives
  // further, because the next one is complete only after that other lane has arrived there, too.
  int turn = 0;
  std::uint64_t table[2][lanes + 1];  // (table, lane): the values; entry 32 is the mask of the lanes that arrived

  /// Records that a lane arrives with its value. `rank`: the lane's rank in its block. `does`: the function of the warp
  /// instruction, or null. Returns the table that the lane may read after complete(). Throws fault_error if the lanes
  /// that have arrived before have called another collective, or the same warp instruction at another source line.
  const std::uint64_t* arrive(int rank, verb what, std::uint64_t value, where at, warp_work does, index3 block) {
    if (arrived == 0)
      called = what, first_at = at, first_rank = rank, work = does;
    else if (called != what || work != does || (does && !same_line(first_at, at)))
      different_collectives(rank, what, at, block);
    table[turn][rank % lanes] = value;
    arrived |= 1u << (rank % lanes);
    return table[turn];
  }
  /// To be called when all live lanes have arrived. Executes the warp instruction, if there is one, and begins the next
  /// collective. Returns the mask of the lanes that arrived. `tensors`: the arithmetic of tensor cores.
  std::uint32_t complete(index3 block, tensor_model tensors) {
    if (work) do_work(block, tensors);
    const std::uint32_t came = table[turn][lanes] = arrived;
    arrived = 0;
    turn ^= 1;
    return came;
  }

  /// The message for lanes of a warp that execute a warp instruction, or arrive at a named barrier, at two source
  /// lines, for example in both branches of an if. The instruction is `.aligned` in PTX, so this is undefined behaviour
  /// on a GPU.
  static constexpr const char* must_be_one_line =
      "the instruction is of a whole warp (.aligned): all lanes of a warp must reach it at the same source line";

private:
  static bool same_line(where a, where b) { return a.line == b.line && a.file == b.file; }
  /// Executes the warp instruction: the value of each lane is the address of the lane's operands. Throws fault_error if
  /// fewer than 32 lanes have arrived: on a GPU, the instruction is then undefined behaviour.
  void do_work(index3 block, tensor_model tensors) const {
    if (arrived == ~0u) {
      void* shares[lanes];
      for (int i = 0; i < lanes; ++i) shares[i] = reinterpret_cast<void*>(table[turn][i]);
      return work(shares, tensors);
    }
    fault f;
    f.kind = fault_kind::collective;
    f.now = first_to_arrive(block);
    f.missing = "it needs all 32 lanes of the warp, and " + std::to_string(lanes - std::popcount(arrived)) +
                " have not reached it";
    throw fault_error({f}, first_at);
  }
  /// Throws the fault that the lane `rank` calls another collective than the lane that arrived first, or the same warp
  /// instruction at another source line.
  [[noreturn]] void different_collectives(int rank, verb what, where at, index3 block) const {
    fault f;
    f.kind = fault_kind::collective;
    f.now = {{name_of(what), at, "", at}, block, rank, false};
    f.before = first_to_arrive(block);
    f.missing = what == called && work ? must_be_one_line
                                       : "lanes of one warp reach different collectives; all must call the same one";
    throw fault_error({f}, at);
  }
  /// Returns the description of the lane that arrived first, for a report: its verb, source line and rank.
  fault_access first_to_arrive(index3 block) const {
    return {{name_of(called), first_at, "", first_at}, block, first_rank, false};
  }
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
