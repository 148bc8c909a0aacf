// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A group of GEMMs as its selector sees it, one problem that stands for all members, and the number of launches that
// carry the group.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/gemm/group.hpp>
#include <tilery/ops/gemm_group_checks.hpp>
#include <tilery/ops/gemm_params.hpp>

#include <span>
#include <utility>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// Returns the problem that a policy must serve to serve all members: their common layout, their smallest alignment,
/// their largest extents, and their number.
template <class A, class B, class C, class Epilogue>
gemm_problem describe_gemm_group(std::span<const gemm_member<A, B, C, Epilogue>> members, arch target) {
  gemm_problem joint;
  joint.alike = false;
  joint.target = target;
  bool first = true;
  for (const auto& one : members) {
    if (one.c.size() == 0) continue;
    const gemm_problem p = describe_gemm(one.a, one.b, one.c, target);
    if (first) {
      joint = p;
      joint.alike = first = false;
      continue;
    }
    joint.a = joined(joint.a, p.a), joint.b = joined(joint.b, p.b);
    joint.c_vector = lesser(joint.c_vector, p.c_vector);
    joint.m = greater(joint.m, p.m), joint.n = greater(joint.n, p.n), joint.k = greater(joint.k, p.k);
    ++joint.batches;
  }
  return joint;
}

/// The parameters of one member of a group.
template <class A, class B, class C, class Epilogue>
using gemm_member_params =
    decltype(gemm_params_of(std::declval<matrix_view<const A>>(), std::declval<matrix_view<const B>>(),
                            std::declval<matrix_view<C>>(), std::declval<Epilogue>(), gemm_factors{}));

/// True if a launch of `members` members and `tiles` tiles has no room for a member with `more` tiles.
template <class One>
bool is_full(int members, std::int64_t tiles, std::int64_t more) {
  return members == gemm_group<One>::most || (members > 0 && tiles + more > largest_extent);
}

/// The blocks and launches of a group with a policy.
struct group_launches {
  std::int64_t blocks = 0;
  int launches = 0;
};
template <class Policy, class A, class B, class C, class Epilogue>
group_launches launches_of(const Policy& policy, const gemm_problem& joint,
                           std::span<const gemm_member<A, B, C, Epilogue>> members) {
  using params = gemm_member_params<A, B, C, Epilogue>;
  group_launches all;
  std::int64_t of_launch = 0;
  int in_launch = 0;
  for (const auto& one : members) {
    if (one.c.size() == 0) continue;
    const std::int32_t m = one.c.extents[0], n = one.c.extents[1];
    const std::int64_t tiles = is_transposed(policy, joint) ? tiles_of(policy, n, m) : tiles_of(policy, m, n);
    if (all.launches == 0 || is_full<params>(in_launch, of_launch, tiles)) ++all.launches, in_launch = 0, of_launch = 0;
    ++in_launch, of_launch += tiles, all.blocks += tiles;
  }
  return all;
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
