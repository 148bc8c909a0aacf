// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The compile-time check of an epilogue, for all GEMM ops: the rules of tile/epilogue_check.hpp, with the type of the
// call's sums and the executor's lane. An op tests the concept wrong_epilogue, usually in a second overload, and for an
// epilogue that breaks a rule calls refuse_epilogue(), which ends the compilation with that rule's sentence.
#pragma once
#pragma GCC system_header

#include <tilery/ops/gemm_checks.hpp>
#include <tilery/tile/epilogue_check.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// An epilogue that breaks a rule in a GEMM on this executor. The operand A has elements of type A, C has elements of
/// type C; the type of B does not matter.
template <class Epilogue, class A, class C, class Executor>
concept wrong_epilogue =
    !epilogue::finishes_sums<Epilogue, finish_t<std::remove_const_t<A>, C>, typename Executor::lane>;

/// Ends the compilation with the sentence of the rule that the epilogue breaks.
template <class Epilogue, class A, class C, class Executor>
constexpr void refuse_epilogue() {
  epilogue::refuse_epilogue<Epilogue, finish_t<std::remove_const_t<A>, C>, typename Executor::lane>();
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
