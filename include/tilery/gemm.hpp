// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMM: C = epilogue(alpha A B + beta C).
#pragma once

#include <tilery/kernels/gemm/cpu.hpp>
#include <tilery/kernels/gemm/mma_sync.hpp>
#include <tilery/kernels/gemm/simt.hpp>
#include <tilery/ops/element_types.hpp>
#include <tilery/policies/gemm_cpu_table.hpp>
#include <tilery/policies/gemm_mma_sync_table.hpp>
#include <tilery/policies/gemm_simt_table.hpp>
#include <tilery/simt/kernel.hpp>

namespace tilery::inline TILERY_ABI {

/// Factors of a GEMM. A beta of 0 does not read C.
struct gemm_factors {
  double alpha = 1, beta = 0;
};

namespace ops {

template <class A, class B, class C>
gemm_problem describe_gemm(const matrix_view<A>& a, const matrix_view<B>& b, const matrix_view<C>& c, arch target) {
  gemm_problem p;
  p.m = c.extents[0], p.n = c.extents[1], p.k = a.extents[1];
  p.a = operand_shape(a.pointer, p.m, a.strides[0], p.k, a.strides[1]);
  p.b = operand_shape(b.pointer, p.n, b.strides[1], p.k, b.strides[0]);
  if (c.strides[1] == 1) p.c_vector = common_vector(c.pointer, p.n, p.m, c.strides[0]);
  p.target = target;
  return p;
}

template <class A, class B, class C, class Epilogue>
finding check_gemm(const matrix_view<A>& a, const matrix_view<B>& b, const matrix_view<C>& c, const Epilogue& e,
                   operands& all) {
  const auto times = [](int r, int k) { return sentence(r, " x ", k); };
  const int m = c.extents[0], n = c.extents[1], k = a.extents[1];
  if (a.extents[0] != m) return {"gemm: A is ", times(a.extents[0], k), "; it must have the m = ", m, " rows of C"};
  if (b.extents[0] != k || b.extents[1] != n)
    return {"gemm: B is ", times(b.extents[0], b.extents[1]), "; it must be k x n = ", times(k, n),
            ", the columns of A by the columns of C"};
  if (auto found = e.check(m, n)) return {"gemm: ", found};
  all = {reads("A", a), reads("B", b), writes("C", c)};
  e.describe(all);
  if (auto found = check_aliases(all)) return {"gemm: ", found};
  return {};
}

template <class A, class B, class C, class Epilogue>
auto gemm_params_of(const matrix_view<A>& a, const matrix_view<B>& b, const matrix_view<C>& c, const Epilogue& e,
                    gemm_factors f) {
  using T = std::remove_const_t<A>;
  using S = accumulator_t<T>;
  static_assert(std::is_same_v<T, std::remove_const_t<B>>, "gemm: A and B must have the same element type");
  static_assert(is_float_type<T>, "gemm: A and B must be double, float, half or bf16");
  static_assert(std::is_same_v<C, T> || std::is_same_v<C, S>,
                "gemm: C must have the element type of A and B, or their accumulation type, and must not be const");
  static_assert(epilogue::epilogue_step<Epilogue>,
                "gemm: an epilogue must derive from epilogue::step and be trivially copyable");
  return gemm_params<T, T, C, S, Epilogue>{{gmem_ptr<const T>(a.pointer), a.extents[0], a.extents[1], a.strides[0],
                                            a.strides[1]},
                                           {gmem_ptr<const T>(b.pointer), b.extents[1], b.extents[0], b.strides[1],
                                            b.strides[0]},
                                           for_kernel<C>(c),
                                           static_cast<S>(f.alpha),
                                           static_cast<S>(f.beta),
                                           e};
}

/// One policy, one kernel.
template <auto P, class Executor, class Params>
void run_gemm(const Executor& executor, const Params& p, const operands& all, where at) {
  using policy = std::remove_cvref_t<decltype(P)>;
  if constexpr (std::is_same_v<policy, gemm_cpu_policy>) {
    static_assert(Executor::lane::alone, "a gemm_cpu_policy runs on the cpu executor only");
    refuse(check_operands(all, executor.reachable()), at);
    gemm_cpu<P>(executor, p);
  } else {
    static_assert(!Executor::lane::alone, "the cpu executor needs a gemm_cpu_policy: this one is a GPU's");
    const index3 tiles{pieces(p.c.rows, P.block.m) * pieces(p.c.columns, P.block.n)};
    if constexpr (std::is_same_v<policy, gemm_mma_sync_policy>)
      launch<gemm_mma_sync<P, Params>>(executor, tiles, p, all, at);
    else
      launch<gemm_simt<P, Params>>(executor, tiles, p, all, at);
  }
}

/// Calls f.operator()<Table>() with the candidates that serve elements of T on this machine.
template <class T, class Executor, class F>
auto with_gemm_table(const gemm_problem& problem, F&& f) {
  if constexpr (Executor::lane::alone) {
    return f.template operator()<gemm_cpu_table<T>>();
  } else {
    if constexpr (has_mma_sync<T>)
      if (problem.target >= arch::sm_80) return f.template operator()<gemm_mma_sync_table>();
    return f.template operator()<gemm_simt_table<T>>();
  }
}

}  // namespace ops

/// C (m x n) = epilogue(alpha A (m x k) B (k x n) + beta C), with the policy that the selector picks.
///
/// Elements: double, float, half, bf16; A and B alike, C like them or in the accumulation type, which is double for
/// double and float for the others. Any strides and alignment: operands with 16-byte aligned rows or columns are
/// faster. C must not share an element with another operand. An m or n of 0 does nothing; a k of 0 is an empty sum.
/// Each element of C differs from the exact sum by at most (k + 2) u sum |a b| |alpha| before the conversion to C, with
/// u = 2^-24 (2^-53 for double; 2^-22 for half and bf16 on tensor cores, which cut where others round); the order of
/// the additions depends on the policy alone. Throws `error` before anything is launched: shapes, null views, memory of
/// another machine, aliases.
template <class Executor, tensor_like<2> A, tensor_like<2> B, tensor_like<2> C, class Epilogue = epilogue::none>
void gemm(const Executor& executor, const A& a, const B& b, const C& c, const Epilogue& e = {},
          gemm_factors factors = {}, where at = {}) {
  operands all;
  refuse(ops::check_gemm(view(a, at), view(b, at), view(c, at), e, all), at);
  if (view(c, at).size() == 0) return;
  const auto p = ops::gemm_params_of(view(a, at), view(b, at), view(c, at), e, factors);
  const gemm_problem problem = ops::describe_gemm(view(a, at), view(b, at), view(c, at), executor.target());
  ops::with_gemm_table<typename decltype(p)::a_type, Executor>(problem, [&]<class Table>() {
    with_candidate<Table>(
        Table::choose(problem).index, [&]<auto P>() { ops::run_gemm<P>(executor, p, all, at); });
  });
}

/// The same with your policy: instantiates this one kernel and never falls back. Throws where the policy cannot serve
/// the problem, with the reason; a policy that breaks a rule does not compile.
template <auto P, class Executor, tensor_like<2> A, tensor_like<2> B, tensor_like<2> C, class Epilogue = epilogue::none>
void gemm(const Executor& executor, const A& a, const B& b, const C& c, const Epilogue& e = {},
          gemm_factors factors = {}, where at = {}) {
  operands all;
  refuse(ops::check_gemm(view(a, at), view(b, at), view(c, at), e, all), at);
  if (view(c, at).size() == 0) return;
  if (const char* why = misfit(P, ops::describe_gemm(view(a, at), view(b, at), view(c, at), executor.target())))
    throw error({"gemm: ", why}, at);
  ops::run_gemm<P>(executor, ops::gemm_params_of(view(a, at), view(b, at), view(c, at), e, factors), all, at);
}

/// Which policy `gemm` would run for this problem, and why, in one sentence.
template <class Executor, tensor_like<2> A, tensor_like<2> B, tensor_like<2> C>
sentence explain_gemm(const Executor& executor, const A& a, const B& b, const C& c) {
  using T = std::remove_const_t<element_type_of<A>>;
  const gemm_problem problem = ops::describe_gemm(view(a), view(b), view(c), executor.target());
  return ops::with_gemm_table<T, Executor>(problem, [&]<class Table>() {
    const choice chosen = Table::choose(problem);
    const sentence shape(problem.m, " x ", problem.n, " x ", problem.k);
    const sentence policy = describe(Table::candidates[chosen.index]);
    return sentence("gemm ", shape, " (", element<T>::name, ") runs ", policy, ": ", chosen.reason);
  });
}

}  // namespace tilery::inline TILERY_ABI
