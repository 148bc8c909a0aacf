// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A group of GEMMs as its selector sees it: one problem that stands for all members. Also the number of launches that a
// group takes, because a launch carries a limited number of members (kernels/gemm/group.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/kernels/gemm/group.hpp>
#include <tilery/ops/gemm_group_checks.hpp>
#include <tilery/ops/gemm_params.hpp>

#include <span>
#include <utility>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// Returns the joint problem of all members whose C has elements: their common layout, their smallest alignment, their
/// largest extents, and their number (`batches`). A policy that serves it serves each member.
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

/// The type of the parameters of one member of a group (gemm_params).
template <class A, class B, class C, class Epilogue>
using gemm_member_params =
    decltype(gemm_params_of(std::declval<matrix_view<const A>>(), std::declval<matrix_view<const B>>(),
                            std::declval<matrix_view<C>>(), std::declval<Epilogue>(), gemm_factors{}));

/// True if a launch that has `members` members with `tiles` tiles has no room for another member with `more` tiles. A
/// launch without members has room for any member.
template <class One>
bool is_full(int members, std::int64_t tiles, std::int64_t more) {
  return members == gemm_group<One>::most || (members > 0 && tiles + more > largest_extent);
}

/// The number of blocks and launches that a group takes.
struct group_launches {
  std::int64_t blocks = 0;  // of all launches; one for each tile
  int launches = 0;
};
/// Returns the number of blocks and launches that a group takes with this policy. It fills the launches as
/// launch_gemm_group() (ops/run_gemm_group.hpp) does.
template <class Policy, class A, class B, class C, class Epilogue>
group_launches launches_of(const Policy& policy, const gemm_problem& joint,
                           std::span<const gemm_member<A, B, C, Epilogue>> members) {
  using params = gemm_member_params<A, B, C, Epilogue>;
  group_launches all;
  std::int64_t of_launch = 0;  // tiles of the launch that is being filled
  int in_launch = 0;           // members of this launch
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
