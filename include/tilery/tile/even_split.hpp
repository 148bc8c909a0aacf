// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A range cut into consecutive pieces whose sizes differ by at most one: panels of a matrix, shares of threads.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI {

namespace tile {

class even_split {
public:
  constexpr even_split() = default;
  /// At least one part.
  constexpr even_split(std::int64_t total, std::int64_t parts)
      : parts_(parts), size_(total / parts), longer_(total % parts) {}

  constexpr std::int64_t parts() const { return parts_; }
  constexpr std::int64_t begin(std::int64_t part) const { return size_ * part + (part < longer_ ? part : longer_); }
  constexpr std::int64_t end(std::int64_t part) const { return begin(part + 1); }
  constexpr std::int64_t size(std::int64_t part) const { return size_ + (part < longer_ ? 1 : 0); }

private:
  std::int64_t parts_ = 1, size_ = 0, longer_ = 0;  // the first `longer_` parts have one more
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
