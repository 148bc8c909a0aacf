// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// All macros of the library.
//
// TILERY_SIMT     in front of a function that runs in a lane, on any of the three machines
// TILERY_UNROLL   in front of a loop whose trip count is a constant of the policy
// TILERY_UNROLL_ON_GPU  the same, where only a GPU gains: its registers have no index. The host's code stays small.
// TILERY_ROLLED   in front of a loop that stays one: unrolled, it would take registers that something else needs
// TILERY_KEEP_LOOPS  what a build may define that wants to be compiled in half the time, as the tests do: no loop is
//                 unrolled on the host, and no TILERY_SIMT function is inlined by force
// TILERY_ABI      the inline namespace: version, instruction set of the host, list of GPU archs. Units of one
//                 program with different ones get different symbols and share no function. Three instruction sets are
//                 told apart (below AVX2, AVX2, AVX-512), and the first ten archs.
// TILERY_ASAN_FIBERS  defined where AddressSanitizer has to be told of the virtual GPU's fibers
#pragma once
#pragma GCC system_header

#include <tilery/core/compiler.hpp>

#if defined(__CUDACC__)
#define TILERY_SIMT __host__ __device__ __forceinline__
#elif defined(__OPTIMIZE__) && !defined(TILERY_KEEP_LOOPS)
#define TILERY_SIMT inline __attribute__((always_inline))
#else
#define TILERY_SIMT inline
#endif

// nvcc hands loops of the host to g++, which needs its own pragma: without it the CPU's kernels are 4 to 7 times
// slower.
#if defined(__CUDACC__)
#pragma nv_diag_suppress 1675  // nvcc does not know that pragma, and says so at each loop
#endif
#if defined(TILERY_KEEP_LOOPS) && !defined(__CUDA_ARCH__)
#define TILERY_UNROLL
#elif defined(__CUDA_ARCH__) || defined(__clang__)
#define TILERY_UNROLL _Pragma("unroll")
#else
#define TILERY_UNROLL _Pragma("GCC unroll 128")
#endif
#if defined(__CUDA_ARCH__)
#define TILERY_UNROLL_ON_GPU _Pragma("unroll")
#elif defined(__clang__)
#define TILERY_UNROLL_ON_GPU _Pragma("nounroll")
#else
#define TILERY_UNROLL_ON_GPU _Pragma("GCC unroll 1")
#endif

#if defined(__CUDA_ARCH__)
#define TILERY_ROLLED _Pragma("unroll 1")
#elif defined(__clang__)
#define TILERY_ROLLED _Pragma("nounroll")
#else
#define TILERY_ROLLED _Pragma("GCC unroll 1")
#endif

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#define TILERY_HOST_ISA avx512
#elif defined(__AVX2__) && defined(__FMA__)
#define TILERY_HOST_ISA avx2
#else
#define TILERY_HOST_ISA baseline
#endif

#define TILERY_JOIN_TAGS(isa, a, b, c, d, e, f, g, h, i, j, ...) v0_1_##isa##_##a##b##c##d##e##f##g##h##i##j
#define TILERY_JOIN(...) TILERY_JOIN_TAGS(__VA_ARGS__)
#ifdef __CUDA_ARCH_LIST__
#define TILERY_ABI TILERY_JOIN(TILERY_HOST_ISA, __CUDA_ARCH_LIST__, , , , , , , , , , )
#else
#define TILERY_ABI TILERY_JOIN(TILERY_HOST_ISA, host, , , , , , , , , , )
#endif

#if defined(__SANITIZE_ADDRESS__)
#define TILERY_ASAN_FIBERS
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TILERY_ASAN_FIBERS
#endif
#endif
