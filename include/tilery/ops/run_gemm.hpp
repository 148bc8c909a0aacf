// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From the operands of a GEMM to its kernel: describe the problem to the selectors, refuse wrong operands and factors,
// make the kernel's parameters, take the workspace of shared tiles, and launch one policy or the one that a table
// chooses.
#pragma once
#pragma GCC system_header

#include <tilery/core/factor.hpp>
#include <tilery/kernels/gemm/cpu.hpp>
#include <tilery/kernels/gemm/mma_sync.hpp>
#include <tilery/kernels/gemm/simt.hpp>
#include <tilery/kernels/gemm/skinny.hpp>
#include <tilery/ops/column_totals.hpp>
#include <tilery/ops/element_types.hpp>
#include <tilery/policies/gemm_cpu_skinny.hpp>
#include <tilery/policies/gemm_cpu_table.hpp>
#include <tilery/policies/gemm_mma_sync_table.hpp>
#include <tilery/policies/gemm_simt_table.hpp>
#include <tilery/policies/gemm_skinny_table.hpp>
#include <tilery/simt/kernel.hpp>

#include <limits>

namespace tilery::inline TILERY_ABI {

/// Factors of a GEMM. With alpha = 0 the GEMM does not read A and B, and with beta = 0 it does not read C: a NaN or
/// infinity in an operand that is not read does not reach the result, as in BLAS.
struct gemm_factors {
  double alpha = 1, beta = 0;
  /// An element of A stands for scale_a times its value, an element of B for scale_b times its value. fp8 must have
  /// both scales (0: missing), s8 may have them. A C with 8-bit elements stores scale_c times its number.
  double scale_a = 0, scale_b = 0, scale_c = 1;
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
  p.one_type = std::is_same_v<std::remove_const_t<A>, std::remove_const_t<B>>;
  return p;
}

/// Returns the parameters as the kernel of policy P computes them: those of the transposed problem where P needs it.
template <auto P, class Params>
Params transposed_if_needed(const Params& p, const gemm_problem& problem) {
  if constexpr (std::is_same_v<typename Params::a_type, typename Params::b_type>)
    if (is_transposed(P, problem)) return p.transposed();
  return p;
}

/// Checks the shapes of a GEMM. The finding does not begin with the op's name. The epilogue sees the matrices of a
/// batch as one matrix, one below the other.
template <class A, class B, class C, class Epilogue>
finding check_gemm_shapes(const matrix_view<A>& a, const matrix_view<B>& b, const matrix_view<C>& c, const Epilogue& e,
                          int batches = 1) {
  const auto times = [](int r, int k) { return sentence(r, " x ", k); };
  const int m = c.extents[0], n = c.extents[1], k = a.extents[1];
  if (a.extents[0] != m) return {"A is ", times(a.extents[0], k), "; it must have the m = ", m, " rows of C"};
  if (b.extents[0] != k || b.extents[1] != n)
    return {"B is ", times(b.extents[0], b.extents[1]), "; it must be k x n = ", times(k, n),
            ", the columns of A by the columns of C"};
  return e.check(batches * m, n);
}

/// Checks the operands of a GEMM or of a batch, and collects them in `all` for the launch. If C has no elements, A and
/// B are not read and may be null.
template <class A, class B, class C, int Rank, class Epilogue>
finding check_gemm_operands(const tensor_view<A, Rank>& a, const tensor_view<B, Rank>& b, const tensor_view<C, Rank>& c,
                            const Epilogue& e, memory_space reachable, operands& all) {
  all = {};
  if (c.size() > 0) all = {reads("A", a), reads("B", b), writes("C", c)};
  e.describe(all);
  if (auto found = check_operands(all, reachable)) return found;
  if (auto found = check_aliases(all)) return found;
  all.set_checked();
  return {};
}

/// The type of alpha, beta and the epilogue: that of the sums, but float if int8 elements have a C that is not s32.
template <class T, class C>
using finish_t =
    std::conditional_t<std::is_same_v<T, int8> && !std::is_same_v<C, std::int32_t>, float, accumulator_t<T>>;

/// Returns alpha times the scales of A and B; a scale of 0 is not given and counts as 1.
inline double whole_alpha(const gemm_factors& f) {
  return f.alpha * (f.scale_a == 0 ? 1 : f.scale_a) * (f.scale_b == 0 ? 1 : f.scale_b);
}

/// Checks the factors of a GEMM. The finding does not begin with the op's name.
template <class T, class C>
finding check_factors(gemm_factors f) {
  constexpr bool scaled = is_fp8<T> || std::is_same_v<T, int8>;
  const auto missing = [](const char* name, double is) -> finding {
    return {sentence(name, " is ", is, "; ", element<T>::name),
            " operands need a positive, finite factor that makes numbers of their elements"};
  };
  const auto is_factor = [](double x) { return x > 0 && x <= std::numeric_limits<double>::max(); };
  if (!is_factor(f.scale_a) && (is_fp8<T> || f.scale_a != 0)) return missing("scale_a", f.scale_a);
  if (!is_factor(f.scale_b) && (is_fp8<T> || f.scale_b != 0)) return missing("scale_b", f.scale_b);
  if (!scaled && (f.scale_a != 0 || f.scale_b != 0))
    return {"scale_a and scale_b are for fp8 and s8; ", element<T>::name, " has alpha"};
  if (!is_factor(f.scale_c)) return {"scale_c is ", f.scale_c, "; it must be positive and finite"};
  if (sizeof(C) != 1 && f.scale_c != 1) return {"scale_c is for a C of 8 bits; this one is ", element<C>::name};
  if (std::is_same_v<C, std::int32_t> && (f.scale_a != 0 || f.scale_b != 0))
    return {"a C of s32 holds the sums themselves; scales need a C of f32 or s8"};
  using sum = finish_t<T, C>;
  if constexpr (!std::is_integral_v<sum>) {
    if (auto found = check_finite<sum>("alpha", f.alpha)) return found;
    if (auto found = check_finite<sum>("beta", f.beta)) return found;
    if (auto found = check_finite<sum>("alpha times scale_a and scale_b", whole_alpha(f))) return found;
  }
  const auto whole = [](double x) { return x >= -0x1p31 && x < 0x1p31 && x == static_cast<std::int32_t>(x); };
  if (std::is_same_v<C, std::int32_t> && !(whole(f.alpha) && whole(f.beta)))
    return {"alpha and beta must be whole numbers of 32 bits where C is s32; they are ", f.alpha, " and ", f.beta};
  return {};
}

/// Returns a matrix as an operand, its first dimension as the outer one. A dimension without a second element gets a
/// stride of 0: its own stride means nothing, and must not make packs look misaligned.
template <class T>
panel<std::remove_const_t<T>> panel_of(const matrix_view<T>& v) {
  return {gmem_ptr<const std::remove_const_t<T>>(v.pointer), v.extents[0], v.extents[1],
          v.extents[0] > 1 ? v.strides[0] : 0, v.extents[1] > 1 ? v.strides[1] : 0};
}

template <class A, class B, class C, class Epilogue>
auto gemm_params_of(const matrix_view<A>& a, const matrix_view<B>& b, const matrix_view<C>& c, const Epilogue& e,
                    gemm_factors f, const gemm_batch& batch = {}) {
  using T = std::remove_const_t<A>;
  using U = std::remove_const_t<B>;
  using S = finish_t<T, C>;
  static_assert(std::is_same_v<T, U> || (is_fp8<T> && is_fp8<U>), "gemm: A and B must have the same element type");
  static_assert(is_float_type<T> || has_mma_sync<T>,
                "gemm: A and B must be double, float, tf32, half, bf16, fp8 or int8");
  constexpr bool from_float = std::is_same_v<S, float> && (std::is_same_v<C, half> || std::is_same_v<C, bf16> ||
                                                           std::is_same_v<C, float> || is_fp8<C>);
  static_assert(std::is_same_v<C, T> || std::is_same_v<C, accumulator_t<T>> || from_float,
                "gemm: C must have the element type of A and B, or their accumulation type, or be float, half, bf16 or "
                "fp8 where A and B are no doubles; it must not be const");
  static_assert(epilogue::epilogue_step<Epilogue>,
                "gemm: an epilogue must derive from epilogue::step and be trivially copyable");
  static_assert(
      !(Epilogue::sums_columns && std::is_integral_v<S>),
      "gemm: epilogue::bias_gradient is for sums of floating point; a C of s32 holds whole numbers, make it float");
  const double alpha = whole_alpha(f);
  gemm_params<T, U, C, S, Epilogue> p{panel_of(a),
                                      panel_of(transposed(b)),
                                      for_kernel<C>(c),
                                      static_cast<S>(alpha),
                                      static_cast<S>(f.beta),
                                      e,
                                      static_cast<float>(f.scale_c),
                                      batch};
  if (alpha == 0) p.a.k = p.b.k = 0;  // an empty sum reads neither A nor B
  p.epilogue.shape(batch.count * c.extents[0], c.extents[1]);
  return p;
}

/// Bytes of an element of A or B in shared memory.
template <class T>
constexpr int staged_bytes(const gemm_simt_policy&) {
  return sizeof(accumulator_t<T>);
}
template <class T>
constexpr int staged_bytes(const gemm_skinny_policy&) {
  return sizeof(T);
}
template <class T>
constexpr int staged_bytes(const gemm_mma_sync_policy&) {
  return sizeof(T);
}

/// Returns how the blocks of a policy share a problem with elements of T.
template <class T, class Policy>
constexpr gemm_work shared_out(const Policy& p, const gemm_problem& problem) {
  return work_of(p, problem, staged_bytes<T>(p), sizeof(accumulator_t<T>));
}

/// Takes the memory of a launch from the executor and notes it in `p` and in `all`. It holds the counters of the
/// epilogue's totals. If several blocks share a tile, it also holds the number of blocks that are done with each tile
/// and their partial sums; a tile has `tile_elements` elements.
template <class Executor, class Params>
allocation take_workspace(const Executor& executor, const gemm_work& work, int tile_elements, Params& p,
                          column_totals_in<Params>& totals, operands& all, where at) {
  using sum = accumulator_t<typename Params::a_type>;
  const std::int64_t tiles = work.shared() ? work.tiles : 0;
  const std::int64_t elements = work.shared() ? (work.blocks + work.tiles) * tile_elements : 0;
  const auto whole = [](std::int64_t bytes) { return (bytes + 255) / 256 * 256; };
  const std::int64_t total_bytes = whole(static_cast<std::int64_t>(totals.bytes(p))), counted = whole(tiles * 4);
  if (work.shared())
    p.work.share = work.parts > 0 ? tile::work_share::split_k(work.steps, work.parts)
                                  : tile::work_share::stream_k(work.steps, work.tiles, static_cast<int>(work.blocks));
  const std::int64_t zeroed = total_bytes + counted;
  allocation memory = executor.workspace(static_cast<std::size_t>(zeroed + elements * sizeof(sum)), at);
  auto* bytes = static_cast<std::byte*>(memory.get());
  if (bytes) executor.zero_bytes(bytes, static_cast<std::size_t>(zeroed), at);
  totals.place(p, bytes, all);
  if (!bytes || !work.shared()) return memory;  // no tile is shared, or the executor only validates the call
  auto *arrived = bytes + total_bytes, *parts = bytes + zeroed;
  p.work.arrived = gmem_ptr<std::uint32_t>(reinterpret_cast<std::uint32_t*>(arrived));
  p.work.parts = gmem_ptr<sum>(reinterpret_cast<sum*>(parts));
  all.push_back(own({"the count of blocks that are done with a tile", arrived, 4, {1, tiles}, {0, 1}, true}));
  all.push_back(own({"the sums of shared tiles", parts, sizeof(sum), {1, elements}, {0, 1}, true}));
  return memory;
}

/// The GPU kernel that runs policy P.
template <auto P, class Params>
auto gemm_kernel_of() {
  using policy = std::remove_cvref_t<decltype(P)>;
  if constexpr (std::is_same_v<policy, gemm_mma_sync_policy>)
    return std::type_identity<gemm_mma_sync<P, Params>>{};
  else if constexpr (std::is_same_v<policy, gemm_skinny_policy>)
    return std::type_identity<gemm_skinny<P, Params>>{};
  else
    return std::type_identity<gemm_simt<P, Params>>{};
}

/// Launches the GPU kernel of policy P on `work.blocks` blocks.
template <auto P, class Executor, class Params>
void launch_gemm(const Executor& executor, const char* op, const gemm_work& work, Params p, operands all, where at) {
  static_assert(!Executor::lane::alone, "the cpu executor needs a gemm_cpu_policy: this one is a GPU's");
  if (work.blocks > largest_extent)
    throw error({op, ": C has ", work.blocks, " tiles; a launch has at most ", largest_extent, " blocks"}, at);
  using kernel = typename decltype(gemm_kernel_of<P, Params>())::type;
  allocation memory;
  column_totals_in<Params> totals;
  if (work.shared() || Params::epilogue_type::sums_columns) {
    // All refusals come before the first operation is enqueued. The operands have been checked already.
    refuse(check_arch(needs_of<kernel>(), executor.target()), at);
    memory = take_workspace(executor, work, P.block.m * P.block.n, p, totals, all, at);
  }
  launch<kernel>(executor, {static_cast<int>(work.blocks)}, p, all, at);
  totals.finish(executor, at);
}

/// The GPUs that this unit is compiled for: below sm_80, and from sm_80 on. Both are true if nvcc does not compile the
/// unit, because the virtual GPU may have any arch.
struct built_for {
  bool sm_75 = true, sm_80 = true;
};
constexpr built_for archs_of_unit() {
#ifdef __CUDA_ARCH_LIST__
  built_for all{false, false};
  for (const int arch : {__CUDA_ARCH_LIST__}) (arch < 800 ? all.sm_75 : all.sm_80) = true;
  return all;
#else
  return {};
#endif
}

/// The end of a refusal: what to do where no tensor cores multiply elements of T.
template <class T>
inline constexpr const char* what_else = sizeof(T) == 1            ? ": convert the operands to half"
                                         : std::is_same_v<T, tf32> ? ": take the operands as float"
                                         : archs_of_unit().sm_75   ? ": a gemm_simt_policy, or no policy, works there"
                                                                   : ": add sm_75 to nvcc's -gencode options";

/// Refuses an arch whose tensor cores do not multiply elements of T by elements of U.
template <class T, class U>
finding check_instructions(const char* op, arch target) {
  constexpr arch lowest =
      atoms::mma_shape<tile::mma_type<T, multiply_as::tf32>, tile::mma_type<U, multiply_as::tf32>>::lowest;
  if (static_cast<int>(target) >= static_cast<int>(lowest)) return {};
  return {sentence(op, ": ", element<T>::name, " needs the tensor cores of ", limits(lowest).name,
                   " or later; this device is an "),
          limits(target).name, what_else<T>};
}

/// True for the policies of the cpu executor.
template <class Policy>
inline constexpr bool is_of_cpu =
    std::is_same_v<Policy, gemm_cpu_policy> || std::is_same_v<Policy, gemm_cpu_skinny_policy>;

/// Runs policy P: this one kernel and no other.
template <auto P, class Executor, class Params>
void run_gemm(const Executor& executor, const gemm_problem& problem, const Params& p,
              [[maybe_unused]] const operands& all, where at) {
  using policy = std::remove_cvref_t<decltype(P)>;
  if constexpr (is_of_cpu<policy>) {
    static_assert(Executor::lane::alone, "a policy of the CPU runs on the cpu executor only");
    with_column_totals(executor, p, at, [&](const Params& q) { gemm_cpu_batch<P>(executor, q); });
  } else {
    if constexpr (std::is_same_v<policy, gemm_mma_sync_policy>)
      refuse(check_instructions<typename Params::a_type, typename Params::b_type>(problem.op, problem.target), at);
    gemm_problem computed = problem;
    computed.k = p.a.k;  // 0 if alpha is 0
    launch_gemm<P>(executor, problem.op, shared_out<typename Params::a_type>(P, computed),
                   transposed_if_needed<P>(p, problem), all, at);
  }
}

/// Calls f.operator()<Table>() with the table of candidates for this problem, its elements T and U, and this executor.
template <class T, class U, class Executor, class F>
auto with_gemm_table(const gemm_problem& problem, where at, F&& f) {
  if constexpr (Executor::lane::alone) {
    if constexpr (std::is_same_v<T, U>)
      if (gemm_cpu_skinny_table<T>::serves(problem)) return f.template operator()<gemm_cpu_skinny_table<T>>();
    return f.template operator()<gemm_cpu_table<T>>();
  } else {
    constexpr bool simt = is_float_type<T> && (sizeof(T) >= 4 || archs_of_unit().sm_75);
    constexpr bool tensor_cores = has_mma_sync<T> && (!simt || archs_of_unit().sm_80);
    if constexpr (is_float_type<T> && std::is_same_v<T, U>)
      if (!(tensor_cores && serves_few_mma_sync<T>(problem)) && gemm_skinny_table<T>::serves(problem))
        return f.template operator()<gemm_skinny_table<T>>();
    if constexpr (tensor_cores) {
      using shape = atoms::mma_shape<T, U>;
      if (!simt || serves_mma_sync<T, shape>(problem)) {
        refuse(check_instructions<T, U>(problem.op, problem.target), at);
        return f.template operator()<gemm_mma_sync_table<T>>();
      }
    }
    if constexpr (simt) return f.template operator()<gemm_simt_table<T>>();
  }
}

/// Runs the policy that the selector picks.
template <class Executor, class Params>
void run_chosen_gemm(const Executor& executor, const gemm_problem& problem, const Params& p, const operands& all,
                     where at) {
  with_gemm_table<typename Params::a_type, typename Params::b_type, Executor>(problem, at, [&]<class Table>() {
    with_candidate<Table>(
        Table::choose(problem).index, [&]<auto P>() { run_gemm<P>(executor, problem, p, all, at); });
  });
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
