// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rules that several GEMM policies for GPUs have in common (gemm_simt, gemm_mma_sync, gemm_skinny), and the conditions
// that a problem must meet so that such a policy can compute it. The message of a broken rule is the name of the policy
// (its member `name`), followed by the text of the rule. A rule is a property that a policy must have whatever the
// problem is.
#pragma once
#pragma GCC system_header

#include <tilery/core/error.hpp>
#include <tilery/policies/gemm_work.hpp>

namespace tilery::inline TILERY_ABI {

/// A string that can be a template argument. Bytes includes the null character at its end.
template <std::size_t Bytes>
struct literal {
  char text[Bytes] = {};

  constexpr literal(const char (&from)[Bytes]) {
    for (std::size_t i = 0; i < Bytes; ++i) text[i] = from[i];
  }
};

/// Returns the text of First followed by that of Second.
template <literal First, literal Second>
constexpr auto joined() {
  constexpr std::size_t first = sizeof(First.text) - 1, second = sizeof(Second.text);
  const char empty[first + second] = {};
  literal<first + second> both(empty);
  for (std::size_t i = 0; i < first; ++i) both.text[i] = First.text[i];
  for (std::size_t i = 0; i < second; ++i) both.text[first + i] = Second.text[i];
  return both;
}
template <literal First, literal Second>
inline constexpr auto joined_text = joined<First, Second>();

/// Reports that the policy breaks Rule: returns the message, or, with when_broken::stop, ends the compilation with it.
template <literal Rule, class Policy>
constexpr const char* breaks(const Policy&, when_broken how) {
  return broken(joined_text<Policy::name, Rule>.text, how);
}

constexpr bool is_power_of_two(int x) { return x > 0 && (x & (x - 1)) == 0; }

// A compile error quotes the source line of the call of breaks(): each rule's sentence must be on that line.
// clang-format off
/// Returns the message of the first rule that the policy breaks in its extents and accesses, or null. `part` is the
/// tile of a warp or of a lane.
template <class Policy>
constexpr const char* broken_extents(const Policy& p, tile_mn part, when_broken how) {
  if (p.block.m < 1 || p.block.n < 1 || p.block.k < 1 || part.m < 1 || part.n < 1)
    return breaks<": tiles of a block, a warp and a lane must be positive in every dimension">(p, how);
  if (!is_power_of_two(p.vector) || !is_power_of_two(p.c_vector))
    return breaks<".vector and c_vector must be powers of two, because an access is one pack">(p, how);
  return nullptr;
}

/// Returns the message of the first rule that the policy breaks in k_parts, in `lowest` (must be a GPU), or in the
/// threads and the shared memory of a block (at most what the arch `lowest` allows); or null. `shared_bytes` is the
/// shared memory of a block.
template <class Policy>
constexpr const char* broken_limits(const Policy& p, int shared_bytes, when_broken how) {
  if (p.k_parts < stream_k)
    return breaks<".k_parts must be stream_k, 0 (chosen for each problem), or a number of blocks">(p, how);
  if (limits(p.lowest).vendor == vendor::host) return breaks<".lowest must be a GPU's arch">(p, how);
  if (p.threads() > limits(p.lowest).threads_per_block)
    return breaks<": a block must have at most 1024 threads (32 warps)">(p, how);
  if (shared_bytes > limits(p.lowest).shared_bytes_per_block)
    return breaks<": the shared memory of a block must fit the shared memory of its lowest arch">(p, how);
  return nullptr;
}
// clang-format on

/// Returns null if the device's arch is not earlier than the policy's field `lowest`, otherwise a message.
template <class Policy>
constexpr const char* misfit_of_arch(const Policy& p, const gemm_problem& problem) {
  return is_at_least(problem.target, p.lowest) ? nullptr : "the policy is for a later arch than this device";
}

/// Returns null if A, B and C of `problem` have the policy's layouts and are aligned for the policy's accesses,
/// otherwise a message. `problem` is what the policy's kernel computes, the problem or its transposed problem. `any_a`:
/// A may have any layout and alignment.
template <class Policy>
constexpr const char* misfit_of_operands(const Policy& p, const gemm_problem& problem, bool any_a = false) {
  const auto is_along = [&](along wanted, const gemm_operand_shape& has) {
    return (wanted == along::any && p.vector == 1) || has.has_packs_along(wanted);
  };
  if ((!any_a && !is_along(p.a, problem.a)) || !is_along(p.b, problem.b))
    return "A and B must have the policy's layouts, its fields a and b; along::any with vector = 1 serves every layout";
  if ((!any_a && problem.a.vector < p.vector) || problem.b.vector < p.vector)
    return "A and B must be aligned for the policy's accesses: pointer, contiguous extent and stride must be multiples "
           "of `vector` elements";
  if (p.c_vector > problem.c_vector)
    return "C must be aligned for the policy's stores: its rows must be contiguous, and pointer, n and row stride "
           "multiples of `c_vector` elements";
  return nullptr;
}

}  // namespace tilery::inline TILERY_ABI
