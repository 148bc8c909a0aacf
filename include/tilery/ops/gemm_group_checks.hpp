// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The members of a group of GEMMs, and the checks of a group. A group is refused if `gemm` would refuse a member, if an
// output of one member shares an element with an operand of another member, or if two members add to the same bias
// gradient with different beta or element type. Two members may share an output only if it is the same bias gradient.
#pragma once
#pragma GCC system_header

#include <tilery/ops/gemm_checks.hpp>
#include <tilery/tile/epilogue.hpp>

#include <algorithm>
#include <map>
#include <span>
#include <vector>

namespace tilery::inline TILERY_ABI {

/// One GEMM of a group: C (m x n) = epilogue(alpha A (m x k) B (k x n) + beta C), see `gemm`.
template <class A, class B, class C, class Epilogue = epilogue::none>
struct gemm_member {
  matrix_view<const A> a;
  matrix_view<const B> b;
  matrix_view<C> c;
  Epilogue epilogue = {};
  gemm_factors factors = {};
};

namespace ops {

/// The words for a group and its members in error messages.
struct group_name {
  const char* op = "gemm_grouped";
  const char* member = "member";
};

/// Returns a finding about member `index`, with the op's name and the member's index before it. An empty finding stays
/// empty.
inline finding in_member(group_name group, std::size_t index, const finding& found) {
  if (!found) return {};
  return {sentence(group.op, ": ", group.member, " ", static_cast<std::int64_t>(index), ": "), found};
}

/// True if `a` of one member and `b` of another may share their elements: both are written by atomic operations only,
/// have the same name, and are the same view.
inline bool are_combined(const operand& a, const operand& b) {
  return a.combined && b.combined && std::strcmp(a.name, b.name) == 0 && same_view(a, b);
}

/// Refuses an output of one member that shares an element with an operand of another member, unless are_combined() is
/// true for the two. all[i] are the operands of member i. The operands are sorted by their first byte, and only
/// operands whose ranges of bytes overlap are compared.
inline finding check_aliases_of_members(group_name group, const std::vector<operands>& all) {
  struct placed {
    const operand* what;
    std::size_t member;  // the index of its member
  };
  std::vector<placed> sorted;
  for (std::size_t i = 0; i < all.size(); ++i)
    for (const operand& o : all[i])
      if (!o.empty()) sorted.push_back({&o, i});
  std::sort(sorted.begin(), sorted.end(),
            [](const placed& x, const placed& y) { return x.what->begin() < y.what->begin(); });
  for (std::size_t i = 0; i < sorted.size(); ++i)
    for (std::size_t j = i + 1; j < sorted.size() && sorted[j].what->begin() < sorted[i].what->end(); ++j) {
      const placed &x = sorted[i].what->written ? sorted[i] : sorted[j], &y = &x == &sorted[i] ? sorted[j] : sorted[i];
      if (!x.what->written || x.member == y.member || are_combined(*x.what, *y.what) ||
          !share_an_element(*x.what, *y.what))
        continue;
      return in_member(group, x.member,
                       {sentence(x.what->name, " shares an element with ", y.what->name, " of ", group.member, " "),
                        static_cast<std::int64_t>(y.member), "; the two must not overlap"});
    }
  return {};
}

/// A bias gradient of a member that has been checked.
struct known_total {
  double beta;
  const char* type;    // the name of its element type
  std::size_t member;  // the index of the first member that writes the vector
};
/// The bias gradients of all members that have been checked, by the address of the vector that they write.
using known_totals = std::map<const std::byte*, known_total>;

/// Refuses a bias gradient of a member if an earlier member writes the same vector with another beta or element type.
/// Adds the member's bias gradients to `known`.
template <class Epilogue>
finding check_totals_of_member(Epilogue e, std::size_t member, known_totals& known) {
  finding found;
  e.for_totals([&](const auto& total) {
    if (total.to.columns() == 0) return;
    const char* type = element<typename std::remove_cvref_t<decltype(total)>::element_type>::name;
    const known_total& first =
        known.try_emplace(total.to.described("").pointer, known_total{total.beta, type, member}).first->second;
    const sentence as(" as that of member ", static_cast<std::int64_t>(first.member),
                      ", which adds to the same vector");
    if (first.beta != total.beta)
      found = {sentence("the beta of its bias gradient is ", total.beta, "; it must be ", first.beta), as};
    if (std::strcmp(first.type, type) != 0)
      found = {sentence("its bias gradient is ", type, "; it must be ", first.type), as};
  });
  return found;
}

/// Refuses a view with an extent below 0 or above `largest_extent`. The caller may have set the fields of a member's
/// views directly, without the functions that check extents.
template <class T>
finding check_extents(const char* name, const matrix_view<T>& v) {
  for (int d = 0; d < 2; ++d)
    if (!is_extent(v.extents[d])) return refused_extent(d, v.extents[d], {"", name});
  return {};
}

/// Checks a group. Returns the first finding, with the index of the member. Stores the operands of member i in all[i].
template <class A, class B, class C, class Epilogue>
finding check_gemm_group(group_name group, std::span<const gemm_member<A, B, C, Epilogue>> members,
                         memory_space reachable, std::vector<operands>& all) {
  all.resize(members.size());
  known_totals totals;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto& [a, b, c, e, factors] = members[i];
    if (auto found = in_member(group, i, check_extents("A", a))) return found;
    if (auto found = in_member(group, i, check_extents("B", b))) return found;
    if (auto found = in_member(group, i, check_extents("C", c))) return found;
    if (auto found = in_member(group, i, check_factors<std::remove_const_t<A>, C>(factors))) return found;
    if (auto found = in_member(group, i, check_gemm_shapes(a, b, c, e))) return found;
    if (auto found = in_member(group, i, check_gemm_operands(a, b, c, e, reachable, all[i]))) return found;
    if (auto found = in_member(group, i, check_totals_of_member(e, i, totals))) return found;
  }
  return check_aliases_of_members(group, all);
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
