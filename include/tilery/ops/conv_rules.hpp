// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The rules of a convolution call that the compiler checks: the element types, and the kind of the policy. An op tests
// a rule before it instantiates anything else, so that a wrong call has one error, the rule's sentence.
#pragma once
#pragma GCC system_header

#include <tilery/ops/element_types.hpp>
#include <tilery/ops/gemm_checks.hpp>
#include <tilery/policies/conv_cpu.hpp>
#include <tilery/policies/conv_window.hpp>
#include <tilery/policies/depthwise.hpp>
#include <tilery/policies/gemm_mma_sync.hpp>
#include <tilery/policies/gemm_simt.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// The policy argument of convolve() that stands for the policy that the selector picks. gathered_only: among the
/// policies of the kernels with gathered operands.
struct any_policy {
  bool gathered_only = false;
};

/// Returns true for an any_policy that leaves out the kernels of 1x1 and depthwise convolutions and of few channels.
template <class Policy>
constexpr bool gathers_only(const Policy&) {
  return false;
}
constexpr bool gathers_only(const any_policy& p) { return p.gathered_only; }
/// True if gathers_only(P).
template <auto P>
inline constexpr bool is_gathered_only = gathers_only(P);

/// The element types of a convolution as a product of matrices: a and b of the operands, c of the output. X, W and Y
/// are those of the tensors in the roles of the forward convolution.
template <conv_direction Direction, class X, class W, class Y>
struct conv_elements {
  static constexpr bool forward = Direction == conv_direction::forward,
                        data = Direction == conv_direction::data_gradient;
  using a = std::remove_const_t<std::conditional_t<forward, X, Y>>;
  using b = std::remove_const_t<std::conditional_t<forward || data, W, X>>;
  using c = std::conditional_t<forward, Y, std::conditional_t<data, X, W>>;
};

/// True if a convolution in this direction takes elements T of the operands.
template <class T, conv_direction Direction>
inline constexpr bool is_conv_type = is_float_type<T> || std::is_same_v<T, tf32> ||
                                     (std::is_same_v<T, int8> && Direction == conv_direction::forward);

/// Returns true if a convolution of elements T takes elements C of the output.
template <class T, class C>
constexpr bool is_conv_output() {
  if (std::is_same_v<C, T> || std::is_same_v<C, accumulator_t<T>>) return true;
  return std::is_same_v<finish_t<T, C>, float> &&
         (std::is_same_v<C, half> || std::is_same_v<C, bf16> || std::is_same_v<C, float>);
}

/// Returns true if a convolution takes operands of T and U and an output of C; otherwise refuse_conv_types() says why
/// not.
template <class T, class U, class C, conv_direction Direction>
constexpr bool conv_types_fit() {
  if constexpr (std::is_same_v<T, U> && is_conv_type<T, Direction>)
    return is_conv_output<T, C>();
  else
    return false;
}

/// Stops the compilation with the rule that these element types break.
template <class T, class U, class C, conv_direction Direction>
constexpr void refuse_conv_types() {
  constexpr bool is_wrong = sizeof(T) == 0;
  if constexpr (!std::is_same_v<T, U>)
    static_assert(is_wrong, "conv: the images and the filter must have the same element type");
  else if constexpr (!is_conv_type<T, Direction>)
    static_assert(is_wrong, "conv: elements must be double, float, tf32, half or bf16, or, forward only, int8");
  else
    static_assert(is_wrong,
                  "conv: the output must have the element type of the operands, or their accumulation type, or be "
                  "float, half or bf16 where the operands are not double; it must not be const");
}

/// True for the policies of the kernels of depthwise convolutions.
template <class Policy>
inline constexpr bool is_depthwise_policy =
    std::is_same_v<Policy, depthwise_policy> || std::is_same_v<Policy, depthwise_weight_policy>;
/// True for the policies of kernels that run on GPUs only.
template <class Policy>
inline constexpr bool is_gpu_conv_policy =
    std::is_same_v<Policy, gemm_simt_policy> || std::is_same_v<Policy, gemm_mma_sync_policy> ||
    std::is_same_v<Policy, conv_window_policy>;
/// True for every policy of a convolution, and for any_policy.
template <class Policy>
inline constexpr bool is_conv_policy = is_depthwise_policy<Policy> || is_gpu_conv_policy<Policy> ||
                                       std::is_same_v<Policy, conv_cpu_policy> || std::is_same_v<Policy, any_policy>;

/// True if kernels of this kind of policy run on the executor; for any_policy, too.
template <class Policy, class Executor>
inline constexpr bool runs_conv_policy =
    Executor::uses_cpu_kernels ? !is_gpu_conv_policy<Policy> : !std::is_same_v<Policy, conv_cpu_policy>;

/// True if the kernels of this kind of policy take elements of T.
template <class Policy, class T>
inline constexpr bool takes_conv_type = is_depthwise_policy<Policy>                  ? is_float_type<T>
                                        : std::is_same_v<Policy, conv_window_policy> ? !std::is_same_v<T, int8>
                                                                                     : true;

/// True if convolutions of elements T on the executor may have the policy; otherwise refuse_conv_policy() says why not.
template <class Policy, class T, class Executor>
inline constexpr bool conv_policy_fits =
    is_conv_policy<Policy>&& runs_conv_policy<Policy, Executor>&& takes_conv_type<Policy, T>;

/// Stops the compilation with the rule that the policy breaks.
template <class Policy, class Executor>
constexpr void refuse_conv_policy() {
  constexpr bool is_wrong = sizeof(Policy) == 0;
  if constexpr (!is_conv_policy<Policy>)
    static_assert(is_wrong,
                  "conv: the policy must be a conv_cpu_policy on the cpu executor, a gemm_simt_policy or "
                  "gemm_mma_sync_policy on a GPU, for few channels on a GPU a conv_window_policy, or, for a depthwise "
                  "convolution, a depthwise_policy or depthwise_weight_policy");
  else if constexpr (is_gpu_conv_policy<Policy> && Executor::uses_cpu_kernels)
    static_assert(is_wrong, "the cpu executor needs a conv_cpu_policy: this one is a GPU's");
  else if constexpr (!runs_conv_policy<Policy, Executor>)
    static_assert(is_wrong, "a conv_cpu_policy runs on the cpu executor only");
  else if constexpr (std::is_same_v<Policy, conv_window_policy>)
    static_assert(is_wrong, "conv: a conv_window_policy must have elements of double, float, tf32, half or bf16");
  else
    static_assert(is_wrong, "conv: a depthwise policy must have elements of double, float, half or bf16");
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
