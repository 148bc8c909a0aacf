// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checks that the compiler and its options can compile tilery. A missing requirement stops the compilation with one
// sentence: each #error is followed by an include of a file that does not exist, because compilers continue after an
// #error but not after a failed include.
//
// Fast-math options. The exponential rounds by adding and subtracting 1.5 * 2^23, and kernels use NaN as a marker.
// -fassociative-math removes the addition and subtraction, -ffinite-math-only removes the tests for NaN: each of the
// two would make softmax wrong. -ffast-math and -Ofast contain both options, -funsafe-math-optimizations contains
// -fassociative-math. The macros that the last #if tests find all five options under g++, and under nvcc with g++.
// Clang (versions 14 and 18) defines no macro for -fassociative-math and -funsafe-math-optimizations. In programs that
// clang compiles, the host executors check at run time (core/rounding.hpp).
// nvcc's -use_fast_math is allowed. It changes device code alone and has no macro on the host. With this option
// denormals become 0, and divisions and square roots lose some bits: the error bounds in tilery's headers do not hold.
#pragma once
#pragma GCC system_header

#if defined(_MSC_VER)
// clang-format off
#error "tilery: MSVC and clang-cl are not supported; use g++ 12, clang 14 or later ones on Linux, or in WSL 2 on Windows"
// clang-format on
#include "the_sentence_above_says_why"
#elif !defined(__GNUC__)
#error "tilery: this compiler is not supported; use g++ 12, clang 14 or later ones"
#include "the_sentence_above_says_why"
#elif defined(__clang__) && __clang_major__ < 14
#error "tilery: this clang is too old; use clang 14 or a later one"
#include "the_sentence_above_says_why"
#elif !defined(__clang__) && __GNUC__ < 12
#error "tilery: this g++ is too old; use g++ 12 or a later one"
#include "the_sentence_above_says_why"
#elif defined(__CUDACC_VER_MAJOR__) && __CUDACC_VER_MAJOR__ * 100 + __CUDACC_VER_MINOR__ < 1204
#error "tilery: this nvcc is too old; use CUDA 12.4 or a later one"
#include "the_sentence_above_says_why"
#elif __cplusplus < 202002L
#error "tilery: C++20 is needed; compile with -std=c++20 or a later standard"
#include "the_sentence_above_says_why"
#endif

#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
// clang-format off
#error "tilery: -ffast-math, -Ofast, -ffinite-math-only, -fassociative-math and -funsafe-math-optimizations make softmax wrong; compile without them"
// clang-format on
#include "the_sentence_above_says_why"
#endif
