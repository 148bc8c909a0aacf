// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The check of an epilogue that all GEMM ops share: the rules of tile/epilogue_check.hpp, for the sums and the lanes of
// the call. An op has a second overload for an epilogue that breaks one, which ends the compilation with its sentence.
#pragma once
#pragma GCC system_header

#include <tilery/ops/gemm_checks.hpp>
#include <tilery/tile/epilogue_check.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// An epilogue that must not be used in a GEMM with elements of A and C on this executor.
template <class Epilogue, class A, class C, class Executor>
concept wrong_epilogue =
    !epilogue::finishes_sums<Epilogue, finish_t<std::remove_const_t<A>, C>, typename Executor::lane>;

/// Ends the compilation with the sentence.
template <class Epilogue, class A, class C, class Executor>
constexpr void refuse_epilogue() {
  epilogue::refuse_epilogue<Epilogue, finish_t<std::remove_const_t<A>, C>, typename Executor::lane>();
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
