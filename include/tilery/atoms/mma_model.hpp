// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the tensor cores compute, for the virtual GPU. `fast` multiplies in float. `exact` has the bits of the arch: the
// products of a step and the sum before it are cut to a common exponent, added exactly, and cut to a float.
// Source of the exact arithmetic: MMA-Sim (arXiv 2511.10909), which compared it with the hardware bit for bit.
#pragma once

#include <tilery/atoms/mma_shape.hpp>
#include <tilery/atoms/tensor_arithmetic.hpp>
#include <tilery/simt/tensor_model.hpp>

namespace tilery::inline TILERY_ABI::atoms {

/// What one lane brings to `mma_sync`: M x N fragments of sums, M of A, N of B.
template <class A, class B>
struct mma_share {
  typename mma_fragments<A, B>::c_type* sums;
  const typename mma_fragments<A, B>::a_type* a;
  const typename mma_fragments<A, B>::b_type* b;
};

/// Element i of a fragment's registers.
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

/// The places of all lanes' elements, worked out once.
template <fragment_map Map>
inline constexpr auto all_places = [] {
  struct table {
    row_column of[32][Map.elements()];
  } all{};
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < Map.elements(); ++i) all.of[lane][i] = Map.at(lane, i);
  return all;
}();

/// The work of a whole warp: `shares` are its 32 lanes'.
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
  const auto share = [&](int lane) { return static_cast<const mma_share<A, B>*>(shares[lane]); };
  const auto each = []<fragment_map Map>(auto&& visit) {
    for (int lane = 0; lane < 32; ++lane)
      for (int i = 0; i < Map.elements(); ++i) {
        const row_column at = all_places<Map>.of[lane][i];
        visit(lane, i, at.row, at.column);
      }
  };
  for (int f = 0; f < M; ++f)
    each.template operator()<shape::a>([&](int lane, int i, int row, int column) {
      a[f * shape::m + row][column] = tensor_input<number>(element_of<A>(share(lane)->a[f].r, i));
    });
  for (int f = 0; f < N; ++f)
    each.template operator()<shape::b>([&](int lane, int i, int row, int column) {
      b[row][f * shape::n + column] = tensor_input<number>(element_of<B>(share(lane)->b[f].r, i));
    });
  for (int f = 0; f < M * N; ++f)
    each.template operator()<shape::c>([&](int lane, int i, int row, int column) {
      c[f / N * shape::m + row][f % N * shape::n + column] = share(lane)->sums[f].r[i];
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
      for (int i = 0; i < m; ++i)
        for (int q = 0; q < k; ++q)
          for (int j = 0; j < n; ++j) c[i][j] += a[i][q] * b[q][j];
    }
  } else {
    using wrapped = std::conditional_t<std::is_same_v<sum, std::int32_t>, std::uint32_t, sum>;  // 32-bit sums wrap
    for (int i = 0; i < m; ++i)
      for (int q = 0; q < k; ++q)
        for (int j = 0; j < n; ++j) {
          if constexpr (std::is_same_v<sum, double>)
            c[i][j] = __builtin_fma(a[i][q], b[q][j], c[i][j]);
          else
            c[i][j] = static_cast<sum>(static_cast<wrapped>(c[i][j]) + static_cast<wrapped>(a[i][q] * b[q][j]));
        }
  }

  for (int f = 0; f < M * N; ++f)
    each.template operator()<shape::c>([&](int lane, int i, int row, int column) {
      static_cast<mma_share<A, B>*>(shares[lane])->sums[f].r[i] = c[f / N * shape::m + row][f % N * shape::n + column];
    });
}

}  // namespace tilery::inline TILERY_ABI::atoms
