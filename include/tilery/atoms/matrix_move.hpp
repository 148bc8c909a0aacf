// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// ldmatrix and stmatrix: a warp moves 1, 2 or 4 matrices of 8 x 8 elements of 16 bits between shared memory and
// registers (loads: sm_75 and later; stores: sm_90 and later). All lanes of the warp must call together.
// In shared memory: lane l passes the address of row l % 8 of matrix l / 8. A row is 16 contiguous bytes at a multiple
// of 16 bytes; rows need not be neighbours.
// In registers: register r of lane l holds two elements of matrix r, in row l / 4 and the columns 2 (l % 4) and
// 2 (l % 4) + 1. With matrix_order::transposed they are in column l / 4 and the rows 2 (l % 4) and 2 (l % 4) + 1.
// An element of these instructions is any 16 bits: two elements of an 8-bit type, or half of an element of a 32-bit
// type.
// PTX ISA 8.5, "Warp-level Matrix Load Instruction: ldmatrix", "stmatrix".
#pragma once
#pragma GCC system_header

#include <tilery/atoms/shared_address.hpp>
#include <tilery/core/where.hpp>
#include <tilery/simt/has_text.hpp>
#include <tilery/simt/memory.hpp>
#include <tilery/simt/tensor_model.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI::atoms {

/// The two elements of a lane's register are neighbours in a row of the matrix in shared memory (rows) or in a column
/// (transposed).
enum class matrix_order : int { rows, transposed };

namespace matrix_move {

/// One lane's argument of the host model: the lane's registers, and in `row` the 16 bytes at the address that the lane
/// passes. load_matrices() reads `row` from that address before the model runs, store_matrices() writes `row` to that
/// address after the model has run.
struct share {
  std::uint32_t* registers;
  std::uint16_t row[8];
};

/// Sets `row` and `column` to the position, in an 8 x 8 matrix in shared memory, of one 16-bit half of a lane's
/// register. `part` is 0 for the lower half and 1 for the upper half.
template <matrix_order Order>
constexpr void place(int lane, int part, int& row, int& column) {
  row = lane / 4, column = 2 * (lane % 4) + part;
  if constexpr (Order == matrix_order::transposed) {
    const int old_row = row;
    row = column, column = old_row;
  }
}

/// Moves the matrices of a whole warp between `registers` and `row` of the lanes' shares: shares[l] points to the share
/// of lane l. The virtual GPU runs this function once for each warp: `lane.engine().together()` collects the lanes'
/// shares and calls it. The parameter of type tensor_model (simt/tensor_model.hpp) is unused here: together() passes it
/// to every model.
template <int Count, matrix_order Order, bool Stores>
void model(void* const* shares, tensor_model) {
  for (int lane = 0; lane < 32; ++lane)
    for (int r = 0; r < Count; ++r) {
      std::uint32_t& in_register = static_cast<share*>(shares[lane])->registers[r];
      const auto in_row = [&](int part) -> std::uint16_t& {
        int row = 0, column = 0;
        place<Order>(lane, part, row, column);
        return static_cast<share*>(shares[8 * r + row])->row[column];
      };
      if constexpr (Stores)
        in_row(0) = static_cast<std::uint16_t>(in_register), in_row(1) = static_cast<std::uint16_t>(in_register >> 16);
      else
        in_register = in_row(0) | std::uint32_t{in_row(1)} << 16;
    }
}

}  // namespace matrix_move

/// Loads Count matrices into `to`, one register per matrix. `row` is the address of this lane's row. Lanes of the warp
/// with a rank of 8 * Count or more may pass any address (on sm_75: any valid address in shared memory).
template <int Count, matrix_order Order = matrix_order::rows, class Lane, class T>
TILERY_SIMT void load_matrices([[maybe_unused]] const Lane& lane, std::uint32_t (&to)[Count], smem_ptr<T> row,
                               [[maybe_unused]] where at = {}) {
  static_assert(
      has_text<features::ldmatrix, Lane>,
      "load_matrices is not available on this device; the kernel must name its feature in needs: " TILERY_PASS);
  static_assert(Count == 1 || Count == 2 || Count == 4, "ldmatrix loads 1, 2 or 4 matrices");
#ifdef __CUDA_ARCH__
  [[maybe_unused]] const unsigned from = shared_address(row.raw());
  constexpr bool transposes = Order == matrix_order::transposed;
  if constexpr (Count == 1 && !transposes)
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];" : "=r"(to[0]) : "r"(from) : "memory");
  else if constexpr (Count == 1)
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];" : "=r"(to[0]) : "r"(from) : "memory");
  else if constexpr (Count == 2 && !transposes)
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
                 : "=r"(to[0]), "=r"(to[1])
                 : "r"(from)
                 : "memory");
  else if constexpr (Count == 2)
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
                 : "=r"(to[0]), "=r"(to[1])
                 : "r"(from)
                 : "memory");
  else if constexpr (!transposes)
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(from)
                 : "memory");
  else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(from)
                 : "memory");
#else
  constexpr int of_row = static_cast<int>(16 / sizeof(T));  // elements in a row of 16 bytes
  matrix_move::share mine{to, {}};
  if (lane.warp_rank() < 8 * Count) {
    const auto held = lane.load(row, width<of_row>, at);
    __builtin_memcpy(mine.row, static_cast<const void*>(&held), 16);
  }
  lane.engine().together(&mine, &matrix_move::model<Count, Order, false>, "ldmatrix", at);
#endif
}

/// Stores Count matrices from the registers `from`, one register per matrix. `row` is the address of this lane's row.
/// Lanes of the warp with a rank of 8 * Count or more may pass any address.
template <int Count, matrix_order Order = matrix_order::rows, class Lane, class T>
TILERY_SIMT void store_matrices([[maybe_unused]] const Lane& lane, smem_ptr<T> row, const std::uint32_t (&from)[Count],
                                [[maybe_unused]] where at = {}) {
  static_assert(
      has_text<features::stmatrix, Lane>,
      "store_matrices is not available on this device; the kernel must name its feature in needs: " TILERY_PASS);
  static_assert(Count == 1 || Count == 2 || Count == 4, "stmatrix stores 1, 2 or 4 matrices");
#ifdef __CUDA_ARCH__
  [[maybe_unused]] const unsigned to = shared_address(row.raw());
  constexpr bool transposes = Order == matrix_order::transposed;
  if constexpr (Count == 1 && !transposes)
    asm volatile("stmatrix.sync.aligned.m8n8.x1.shared.b16 [%0], {%1};" ::"r"(to), "r"(from[0]) : "memory");
  else if constexpr (Count == 1)
    asm volatile("stmatrix.sync.aligned.m8n8.x1.trans.shared.b16 [%0], {%1};" ::"r"(to), "r"(from[0]) : "memory");
  else if constexpr (Count == 2 && !transposes)
    asm volatile("stmatrix.sync.aligned.m8n8.x2.shared.b16 [%0], {%1, %2};" ::"r"(to), "r"(from[0]), "r"(from[1])
                 : "memory");
  else if constexpr (Count == 2)
    asm volatile("stmatrix.sync.aligned.m8n8.x2.trans.shared.b16 [%0], {%1, %2};" ::"r"(to), "r"(from[0]), "r"(from[1])
                 : "memory");
  else if constexpr (!transposes)
    asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(to), "r"(from[0]),
                 "r"(from[1]), "r"(from[2]), "r"(from[3])
                 : "memory");
  else
    asm volatile("stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(to), "r"(from[0]),
                 "r"(from[1]), "r"(from[2]), "r"(from[3])
                 : "memory");
#else
  constexpr int of_row = static_cast<int>(16 / sizeof(T));  // elements in a row of 16 bytes
  std::uint32_t registers[Count];
  for (int i = 0; i < Count; ++i) registers[i] = from[i];
  matrix_move::share mine{registers, {}};
  lane.engine().together(&mine, &matrix_move::model<Count, Order, true>, "stmatrix", at);
  if (lane.warp_rank() < 8 * Count) {
    pack<T, of_row> held;
    __builtin_memcpy(static_cast<void*>(&held), mine.row, 16);
    lane.store(row, held, at);
  }
#endif
}

}  // namespace tilery::inline TILERY_ABI::atoms
