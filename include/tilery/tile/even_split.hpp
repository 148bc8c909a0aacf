// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Cuts a range [0, total) into consecutive parts whose sizes differ by at most 1. The CPU GEMM cuts the rows, columns
// and k of a problem this way, and divides the work of packing among its threads.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The parts [begin(part), end(part)) of a range, for part in [0, parts()). The longer parts come first.
class even_split {
public:
  constexpr even_split() = default;
  /// Cuts [0, total) into `parts` parts; `parts` must be at least 1.
  constexpr even_split(std::int64_t total, std::int64_t parts)
      : parts_(parts), size_(total / parts), longer_(total % parts) {}

  constexpr std::int64_t parts() const { return parts_; }
  constexpr std::int64_t begin(std::int64_t part) const { return size_ * part + (part < longer_ ? part : longer_); }
  constexpr std::int64_t end(std::int64_t part) const { return begin(part + 1); }
  constexpr std::int64_t size(std::int64_t part) const { return size_ + (part < longer_ ? 1 : 0); }

private:
  std::int64_t parts_ = 1, size_ = 0, longer_ = 0;  // the first `longer_` parts have size_ + 1, the others size_
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
