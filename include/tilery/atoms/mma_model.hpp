// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The host model of mma.sync, for the virtual GPU (the executor that runs and checks GPU kernels on the host). For
// float accumulators there are two models; tensor_model (simt/tensor_model.hpp) selects one. The fast model multiplies
// and adds in float. The exact model does the arithmetic of the arch's tensor cores: products and accumulator are
// aligned to the largest exponent among them, truncated after a fixed number of bits, and added exactly; the sum is
// then truncated. The number of bits, and the number of such additions in one instruction, depend on the arch, and are
// special for fp8: see tensor_arithmetic.hpp. There is one model for int8 (int32 arithmetic) and one for double (fma).
// Source of the exact arithmetic: MMA-Sim (arXiv 2511.10909), whose authors compared it with the hardware bit for bit.
#pragma once
#pragma GCC system_header

#include <tilery/atoms/mma_shape.hpp>
#include <tilery/atoms/tensor_arithmetic.hpp>
#include <tilery/core/pack.hpp>
#include <tilery/simt/tensor_model.hpp>

#include <utility>

namespace tilery::inline TILERY_ABI::atoms {

/// One lane's arguments of `mma_sync<A, B, M, N>` (mma_sync.hpp): pointers to M x N fragments of accumulators (`sums`),
/// M fragments of A and N fragments of B. A fragment is the lane's registers of one operand of one instruction.
template <class A, class B>
struct mma_share {
  typename mma_fragments<A, B>::c_type* sums;
  const typename mma_fragments<A, B>::a_type* a;
  const typename mma_fragments<A, B>::b_type* b;
};

/// Returns element i of a lane's fragment of A or B, whose elements have type T. A register is one double (if T is
/// double), or 32 bits that hold 4 / sizeof(T) elements.
template <class T, class Register>
T element_of(const Register* registers, int i) {
  if constexpr (std::is_same_v<T, Register>) {
    return registers[i];
  } else {
    constexpr int per_register = static_cast<int>(4 / sizeof(T));
    T value;
    __builtin_memcpy(static_cast<void*>(&value),
                     reinterpret_cast<const char*>(&registers[i / per_register]) + i % per_register * sizeof(T),
                     sizeof(T));
    return value;
  }
}

/// The positions of Map (fragment_map.hpp) as tables. `lane[l]` is the position of the first element of lane l;
/// `element[i]` is the offset, in rows and columns, from a lane's first element to its element i. This offset is the
/// same for all lanes.
template <fragment_map Map>
inline constexpr auto all_places = [] {
  struct table {
    row_column lane[32], element[Map.elements()];
  } all{};
  for (int lane = 0; lane < 32; ++lane) all.lane[lane] = Map.at(lane, 0);
  for (int i = 0; i < Map.elements(); ++i) all.element[i] = Map.at(0, i);
  return all;
}();

/// Calls visit(share, f, i, row, column) for each lane, each of its fragments f (0 to Count - 1) and each element i of
/// the fragment. `share` is the lane's Share (shares[lane] points to it), and (row, column) is the element's position
/// in the fragment's matrix. The loop over lanes is the outermost, because one lane's elements are contiguous in
/// memory. The loop over i is unrolled, so i is a constant in each call.
template <fragment_map Map, int Count, class Share, class Visit>
void for_elements(void* const* shares, Visit visit) {
  constexpr const auto& places = all_places<Map>;
  [&]<int... Index>(std::integer_sequence<int, Index...>) {
    for (int lane = 0; lane < 32; ++lane) {
      const auto& share = *static_cast<const Share*>(shares[lane]);
      const row_column first = places.lane[lane];
      for (int f = 0; f < Count; ++f)
        (visit(share, f, Index, first.row + places.element[Index].row, first.column + places.element[Index].column),
         ...);
    }
  }
  (std::make_integer_sequence<int, Map.elements()>{});
}

/// c += a b in float, for an N that is a multiple of 8. Each iteration of the outer loop keeps one row of c in vector
/// registers.
template <int M, int N, int K>
void multiply_fast(const float (&a)[M][K], const float (&b)[K][N], float (&c)[M][N]) {
  using eight = pack<float, 8>;
  const auto load = [](const float* from) {
    eight result;
    __builtin_memcpy(&result, from, sizeof(eight));
    return result;
  };
  for (int i = 0; i < M; ++i) {
    eight row[N / 8];
    TILERY_UNROLL
    for (int v = 0; v < N / 8; ++v) row[v] = load(&c[i][8 * v]);
    for (int q = 0; q < K; ++q) {
      TILERY_UNROLL
      for (int v = 0; v < N / 8; ++v) row[v] = fma(splat<8>(a[i][q]), load(&b[q][8 * v]), row[v]);
    }
    TILERY_UNROLL
    for (int v = 0; v < N / 8; ++v) __builtin_memcpy(&c[i][8 * v], &row[v], sizeof(eight));
  }
}

/// Executes the M x N instructions of one call of mma_sync() for a whole warp: gathers A, B and C from the lanes'
/// registers, adds A B to C, and writes C back. shares[l] points to the mma_share of lane l (32 lanes). `how` says fast
/// or exact, and the arch whose arithmetic the exact model does.
template <class A, class B, int M, int N>
void model_of_mma(void* const* shares, tensor_model how) {
  using shape = mma_shape<A, B>;
  using sum = typename shape::accumulator;
  using number = std::conditional_t<std::is_same_v<A, int8>, std::int32_t,
                                    std::conditional_t<std::is_same_v<A, double>, double, float>>;
  constexpr int m = shape::m * M, n = shape::n * N, k = shape::k;
  number a[m][k];
  number b[k][n];
  sum c[m][n];
  using share = mma_share<A, B>;
  for_elements<shape::a, M, share>(shares, [&](const share& of, int f, int i, int row, int column) {
    a[f * shape::m + row][column] = tensor_input<number>(element_of<A>(of.a[f].r, i));
  });
  for_elements<shape::b, N, share>(shares, [&](const share& of, int f, int i, int row, int column) {
    b[row][f * shape::n + column] = tensor_input<number>(element_of<B>(of.b[f].r, i));
  });
  for_elements<shape::c, M * N, share>(shares, [&](const share& of, int f, int i, int row, int column) {
    c[f / N * shape::m + row][f % N * shape::n + column] = of.sums[f].r[i];
  });

  if constexpr (std::is_same_v<number, float>) {
    if (how.exact) {
      for (int i = 0; i < m; ++i)
        for (int j = 0; j < n; ++j) {
          number column[k];
          for (int q = 0; q < k; ++q) column[q] = b[q][j];
          c[i][j] = exact_dot<k>(a[i], column, c[i][j], how.target, lowest_exponents<A, B>);
        }
    } else {
      multiply_fast(a, b, c);
    }
  } else {
    using wrapped = std::conditional_t<std::is_same_v<sum, std::int32_t>, std::uint32_t, sum>;  // int32 sums wrap
    for (int i = 0; i < m; ++i)
      for (int q = 0; q < k; ++q)
        for (int j = 0; j < n; ++j) {
          if constexpr (std::is_same_v<sum, double>)
            c[i][j] = __builtin_fma(a[i][q], b[q][j], c[i][j]);
          else
            c[i][j] = static_cast<sum>(static_cast<wrapped>(c[i][j]) + static_cast<wrapped>(a[i][q] * b[q][j]));
        }
  }

  for_elements<shape::c, M * N, share>(shares, [&](const share& of, int f, int i, int row, int column) {
    of.sums[f].r[i] = c[f / N * shape::m + row][f % N * shape::n + column];
  });
}

}  // namespace tilery::inline TILERY_ABI::atoms
