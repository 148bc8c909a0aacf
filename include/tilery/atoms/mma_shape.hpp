// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tensor-core instructions mma.sync as data. For each pair of element types of A and B: the tile that one
// instruction multiplies, the arch feature that it needs (`needs`, core/features.hpp), the unit that executes it
// (`on`), and the layout of A, B and C in the lanes' registers (fragment_map.hpp).
// Source: PTX ISA 8.5, "Matrix Fragments for mma.m16n8k16, .m16n8k8, .m16n8k32, .m8n8k4".
#pragma once
#pragma GCC system_header

#include <tilery/atoms/fragment_map.hpp>
#include <tilery/core/arch.hpp>
#include <tilery/core/element.hpp>
#include <tilery/simt/step.hpp>

namespace tilery::inline TILERY_ABI::atoms {

/// The instruction for elements A and B: D (m x n) = A (m x k) B (k x n) + C, computed by the 32 lanes of a warp. PTX's
/// layouts are .row for A and .col for B: if a register holds several elements, they are neighbours along k in both.
template <class A, class B = A>
struct mma_shape;

/// The instructions with m = 16, n = 8 and k = K. A 32-bit register of A or B holds K / 8 elements, neighbours along k.
template <int K, class Sum>
struct mma_m16n8 {
  static constexpr int m = 16, n = 8, k = K;
  static constexpr int per_register = K / 8;  // elements of A or B in 32 bits
  using accumulator = Sum;
  static constexpr int a_registers = 4, b_registers = 2, c_registers = 4;  // registers of each lane

  // Each map: rows, columns, the five steps of the bits of a lane's rank in its warp, and the steps of the bits of an
  // element's index among those of the lane. Steps are {rows, columns}. In A and B, bit 0 of the rank steps along k by
  // r elements (those of one register), bit 1 by 2 r; bits 2 to 4 step by 1, 2 and 4 along m (A) or n (B). In C, bits 0
  // and 1 of the rank step by 2 and 4 along n, bits 2 to 4 by 1, 2 and 4 along m.
  static constexpr int r = per_register;
  static constexpr fragment_map c = {m, n, {{0, 2}, {0, 4}, {1, 0}, {2, 0}, {4, 0}}, {{0, 1}, {8, 0}}};
  static constexpr fragment_map a =
      r == 1   ? fragment_map{m, k, {{0, 1}, {0, 2}, {1, 0}, {2, 0}, {4, 0}}, {{8, 0}, {0, 4}}}
      : r == 2 ? fragment_map{m, k, {{0, 2}, {0, 4}, {1, 0}, {2, 0}, {4, 0}}, {{0, 1}, {8, 0}, {0, 8}}}
               : fragment_map{m, k, {{0, 4}, {0, 8}, {1, 0}, {2, 0}, {4, 0}}, {{0, 1}, {0, 2}, {8, 0}, {0, 16}}};
  static constexpr fragment_map b =
      r == 1   ? fragment_map{k, n, {{1, 0}, {2, 0}, {0, 1}, {0, 2}, {0, 4}}, {{4, 0}}}
      : r == 2 ? fragment_map{k, n, {{2, 0}, {4, 0}, {0, 1}, {0, 2}, {0, 4}}, {{1, 0}, {8, 0}}}
               : fragment_map{k, n, {{4, 0}, {8, 0}, {0, 1}, {0, 2}, {0, 4}}, {{1, 0}, {2, 0}, {16, 0}}};
};

// clang-format off
template <> struct mma_shape<half> : mma_m16n8<16, float> { static constexpr features needs = features::mma_f16; static constexpr compute_unit on = compute_unit::tensor_f16; };
template <> struct mma_shape<bf16> : mma_m16n8<16, float> { static constexpr features needs = features::mma_f16; static constexpr compute_unit on = compute_unit::tensor_f16; };
template <> struct mma_shape<tf32> : mma_m16n8<8, float> { static constexpr features needs = features::mma_tf32; static constexpr compute_unit on = compute_unit::tensor_tf32; };
template <> struct mma_shape<int8> : mma_m16n8<32, std::int32_t> { static constexpr features needs = features::mma_s8; static constexpr compute_unit on = compute_unit::tensor_s8; };
// clang-format on

/// The instructions of fp8. A and B may have different fp8 types.
struct mma_fp8 : mma_m16n8<32, float> {
  static constexpr features needs = features::mma_fp8;
  static constexpr compute_unit on = compute_unit::tensor_f8;
};
template <>
struct mma_shape<fp8_e4m3> : mma_fp8 {};
template <>
struct mma_shape<fp8_e5m2> : mma_fp8 {};
template <>
struct mma_shape<fp8_e4m3, fp8_e5m2> : mma_fp8 {};
template <>
struct mma_shape<fp8_e5m2, fp8_e4m3> : mma_fp8 {};

/// The instruction of double: each register of A, B and C is one double.
template <>
struct mma_shape<double> {
  static constexpr int m = 8, n = 8, k = 4;
  static constexpr int per_register = 1;
  using accumulator = double;
  static constexpr int a_registers = 1, b_registers = 1, c_registers = 2;
  static constexpr fragment_map a = {m, k, {{0, 1}, {0, 2}, {1, 0}, {2, 0}, {4, 0}}, {}};
  static constexpr fragment_map b = {k, n, {{1, 0}, {2, 0}, {0, 1}, {0, 2}, {0, 4}}, {}};
  static constexpr fragment_map c = {m, n, {{0, 2}, {0, 4}, {1, 0}, {2, 0}, {4, 0}}, {{0, 1}}};
  static constexpr features needs = features::mma_f64;
  static constexpr compute_unit on = compute_unit::tensor_f64;
};

/// The type of one register of A or B, for elements of T: a double, or 32 bits that hold one tf32 or several elements.
template <class T>
using mma_register = std::conditional_t<std::is_same_v<T, double>, double, std::uint32_t>;

/// The types of one lane's registers of one instruction: a_type and b_type hold elements of A and B, c_type the
/// accumulators.
template <class A, class B = A>
struct mma_fragments {
  using shape = mma_shape<A, B>;
  struct a_type {
    mma_register<A> r[shape::a_registers];
  };
  struct b_type {
    mma_register<B> r[shape::b_registers];
  };
  struct c_type {
    typename shape::accumulator r[shape::c_registers];
  };
};

}  // namespace tilery::inline TILERY_ABI::atoms
