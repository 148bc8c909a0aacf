// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The macros for use in this library. Their helpers are not for use elsewhere: TILERY_ABI is made of TILERY_HOST_ISA,
// TILERY_JOIN_TAGS and TILERY_JOIN; TILERY_PASS is made of TILERY_TEXT and TILERY_TEXT_OF.
//
// TILERY_SIMT           marks a function that each thread of a block (here: a lane) may run, on the GPU, the CPU or the
//                       virtual GPU. The compiler must inline it: nvcc always, other compilers in builds with
//                       optimisation (but see TILERY_KEEP_LOOPS).
// TILERY_INLINED        marks a lambda of host code, after its parameters, that the compiler must inline like a
// function
//                       marked with TILERY_SIMT.
// TILERY_UNROLL         unrolls the next loop, whose trip count must be a compile-time constant.
// TILERY_UNROLL_ON_GPU  unrolls the next loop in device code alone: the registers of a GPU cannot be indexed at run
//                       time. On the host the loop stays rolled, so that the code is small.
// TILERY_ROLLED         keeps the next loop rolled: unrolled, it would use too many registers.
// TILERY_KEEP_LOOPS     may be defined by a build, as the tests do: on the host TILERY_UNROLL then has no effect, and
//                       without nvcc no TILERY_SIMT function is forced inline. This halves the compile time.
// TILERY_ABI            is the inline namespace. Its name holds the version's first two numbers, the host's instruction
//                       set and the list of GPU archs, so translation units of one program that differ in these share
//                       no symbol of the namespace. The name tells three instruction sets apart (below AVX2, AVX2 with
//                       FMA, AVX-512) and the first ten archs of the list.
// TILERY_IS_DEVICE_PASS is true if the compiler's pass makes code for a device. TILERY_PASS is text that names the pass
//                       in messages.
// TILERY_ASAN_FIBERS    is defined if the program is compiled with AddressSanitizer, which must be told about each
//                       switch between the virtual GPU's fibers (simt/virtual/fiber.hpp).
//
// The build defines two more macros, TILERY_IS_LINKED and TILERY_LINKS_BOOST_CONTEXT (cmake/targets.cmake).
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
#if defined(__OPTIMIZE__) && !defined(TILERY_KEEP_LOOPS)
#define TILERY_INLINED __attribute__((always_inline))
#else
#define TILERY_INLINED
#endif

#if defined(__CUDACC__)
#pragma nv_diag_suppress 1675  // nvcc does not know `GCC unroll` (below) and would warn at each loop
#endif
#if defined(TILERY_KEEP_LOOPS) && !defined(__CUDA_ARCH__)
#define TILERY_UNROLL
#elif defined(__CUDA_ARCH__) || defined(__clang__)
#define TILERY_UNROLL _Pragma("unroll")
#else  // g++, also for nvcc's host code: without this pragma CPU kernels are 4 to 7 times slower
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

#define TILERY_TEXT_OF(x) #x
#define TILERY_TEXT(x) TILERY_TEXT_OF(x)
#if defined(__CUDA_ARCH__)
#define TILERY_IS_DEVICE_PASS true
#define TILERY_PASS "__CUDA_ARCH__ " TILERY_TEXT(__CUDA_ARCH__)
#elif defined(__HIP_DEVICE_COMPILE__)
#define TILERY_IS_DEVICE_PASS true
#define TILERY_PASS "a HIP device"
#else
#define TILERY_IS_DEVICE_PASS false
#define TILERY_PASS "the host"
#endif

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#define TILERY_HOST_ISA avx512
#elif defined(__AVX2__) && defined(__FMA__)
#define TILERY_HOST_ISA avx2
#else
#define TILERY_HOST_ISA baseline
#endif

// The namespace's name, such as v0_1_avx2_800900: version 0.1, AVX2, compiled by nvcc for sm_80 and sm_90 (without
// nvcc: v0_1_avx2_host). Keep the version equal to that in core/version.hpp.
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
