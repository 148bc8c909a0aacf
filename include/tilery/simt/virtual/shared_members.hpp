// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Names of the members of a kernel's `shared` struct, for reports: "row[255]" says more than "byte 1020". C++20 cannot
// list a struct's members, so a kernel that wants the names adds one function:
//
//   struct shared {
//     shared_array<float, 256> row;
//     void members(auto name) { name("row", row); }
//   };
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// A member of a kernel's `shared` struct. All sizes and offsets are in bytes.
struct shared_member {
  const char* name;
  // begin: offset from the start of the struct. bytes, element_bytes: sizes of the member and of one of its elements.
  std::int64_t begin, bytes, element_bytes;
};
using shared_members = std::vector<shared_member>;

/// The argument `name` of a shared struct's `members` function, which calls name("row", row) for each member. Each call
/// appends the name, offset and sizes of the member to a list.
class member_list {
public:
  /// `begin`: the address of the struct. `all`: the list to which members are added.
  member_list(const void* begin, shared_members& all) : begin_(static_cast<const std::byte*>(begin)), all_(&all) {}

  template <class T>
  void operator()(const char* name, const T& member) const {
    std::int64_t element_bytes = sizeof(T);  // this value stays for a member that is no array
    if constexpr (requires { typename T::element_type; })
      element_bytes = sizeof(typename T::element_type);
    else if constexpr (std::is_array_v<T>)
      element_bytes = sizeof(std::remove_all_extents_t<T>);
    all_->push_back({name, reinterpret_cast<const std::byte*>(&member) - begin_, sizeof(T), element_bytes});
  }

private:
  const std::byte* begin_;
  shared_members* all_;
};

/// Returns the members that the struct `Shared` names, or an empty list if it has no `members` function. To find the
/// offsets, constructs a temporary Shared in host memory.
template <class Shared>
shared_members members_of() {
  shared_members all;
  if constexpr (requires(Shared s, member_list list) { s.members(list); }) {
    const auto one = std::make_unique<Shared>();
    one->members(member_list(one.get(), all));
  }
  return all;
}

/// Returns the name of the element that contains the byte at `offset` of shared memory, such as "row[255]", or
/// "row[255] + 2 bytes" if the byte is not its first. A member that is a single element has no index. An array of
/// several dimensions has one index, counted over all of its elements. Returns an empty string if the byte belongs to
/// no named member.
inline std::string element_at(const shared_members& all, std::int64_t offset) {
  for (const shared_member& m : all) {
    const std::int64_t inside = offset - m.begin;
    if (inside < 0 || inside >= m.bytes) continue;
    std::string result = m.name;
    if (m.bytes > m.element_bytes) result += "[" + std::to_string(inside / m.element_bytes) + "]";
    if (const std::int64_t rest = inside % m.element_bytes) result += " + " + std::to_string(rest) + " bytes";
    return result;
  }
  return {};
}

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
