// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// mma.sync: a warp multiplies small matrices on the tensor cores. The shapes that this file uses need sm_80 or later
// (fp8: sm_89 or later). One call of mma_sync() executes the M x N instructions of a warp's tile. The virtual GPU, the
// executor that runs and checks GPU kernels on the host, executes each lane of a warp by itself: with one call, the
// lanes synchronise once for all of these instructions.
// PTX ISA 8.5, "Multiply-and-Accumulate Instruction: mma".
#pragma once
#pragma GCC system_header

#include <tilery/atoms/mma_model.hpp>
#include <tilery/core/where.hpp>
#include <tilery/simt/has_text.hpp>

namespace tilery::inline TILERY_ABI::atoms {

/// Executes one instruction: sums += a b. Device code only; on the host it does nothing: mma_sync() calls the model of
/// mma_model.hpp instead.
template <class A, class B>
TILERY_SIMT void mma_instruction([[maybe_unused]] typename mma_fragments<A, B>::c_type& sums,
                                 [[maybe_unused]] const typename mma_fragments<A, B>::a_type& a,
                                 [[maybe_unused]] const typename mma_fragments<A, B>::b_type& b) {
#ifdef __CUDA_ARCH__
  [[maybe_unused]] auto* d = sums.r;
  [[maybe_unused]] constexpr bool a_is_e4m3 = std::is_same_v<A, fp8_e4m3>, b_is_e4m3 = std::is_same_v<B, fp8_e4m3>;
  if constexpr (std::is_same_v<A, half>) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(b.r[0]), "r"(b.r[1]));
  } else if constexpr (std::is_same_v<A, bf16>) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(b.r[0]), "r"(b.r[1]));
  } else if constexpr (std::is_same_v<A, tf32>) {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(b.r[0]), "r"(b.r[1]));
  } else if constexpr (std::is_same_v<A, int8>) {
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
        : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(b.r[0]), "r"(b.r[1]));
  } else if constexpr (std::is_same_v<A, double>) {
    asm("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0, %1}, {%2}, {%3}, {%0, %1};"
        : "+d"(d[0]), "+d"(d[1])
        : "d"(a.r[0]), "d"(b.r[0]));
  } else if constexpr (a_is_e4m3 && b_is_e4m3) {
    asm("mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(b.r[0]), "r"(b.r[1]));
  } else if constexpr (a_is_e4m3) {
    asm("mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e5m2.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(b.r[0]), "r"(b.r[1]));
  } else if constexpr (b_is_e4m3) {
    asm("mma.sync.aligned.m16n8k32.row.col.f32.e5m2.e4m3.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(b.r[0]), "r"(b.r[1]));
  } else {
    asm("mma.sync.aligned.m16n8k32.row.col.f32.e5m2.e5m2.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(b.r[0]), "r"(b.r[1]));
  }
#endif
}

/// sums[i][j] += a[i] b[j] for a warp's tile: M x N instructions multiply M fragments of A by N fragments of B. (A
/// fragment is the lane's registers of one operand of one instruction.) The tile's extent along k is
/// mma_shape<A, B>::k. All lanes of the warp must call this function together.
template <class A, class B = A, int M, int N, class Lane>
TILERY_SIMT void mma_sync([[maybe_unused]] const Lane& lane, typename mma_fragments<A, B>::c_type (&sums)[M][N],
                          const typename mma_fragments<A, B>::a_type (&a)[M],
                          const typename mma_fragments<A, B>::b_type (&b)[N], [[maybe_unused]] where at = {}) {
  static_assert(has_text<mma_shape<A, B>::needs, Lane>,
                "mma_sync is not available on this device; the kernel must name its feature in needs: " TILERY_PASS);
  using shape = mma_shape<A, B>;
  // Reports this lane's part of the multiply-adds, 1 / warp_size, to the virtual GPU's profile (simt/step.hpp).
  lane.operations(shape::on, M * N * (shape::m * shape::n * shape::k / Lane::warp_size), at);
#ifdef __CUDA_ARCH__
  TILERY_UNROLL_ON_GPU
  for (int i = 0; i < M; ++i) {
    TILERY_UNROLL_ON_GPU
    for (int j = 0; j < N; ++j) {
      // For an odd i, `column` runs from N - 1 down to 0: any two successive instructions have their fragment of A or
      // of B in common.
      const int column = i % 2 ? N - 1 - j : j;
      mma_instruction<A, B>(sums[i][column], a[i], b[column]);
    }
  }
#else
  mma_share<A, B> mine{&sums[0][0], a, b};
  lane.engine().together(&mine, &model_of_mma<A, B, M, N>, "mma_sync", at);
#endif
}

}  // namespace tilery::inline TILERY_ABI::atoms
