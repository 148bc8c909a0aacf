// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// where: a file and line of the user's source. As a default argument, `where at = {}` is the caller's line on every
// compiler that tilery supports. (clang 14 has no std::source_location.)
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

namespace tilery::inline TILERY_ABI {

/// File and line of the call in which this is a defaulted argument.
struct where {
  const char* file;
  int line;

  TILERY_SIMT constexpr where(const char* in_file = __builtin_FILE(), int at_line = __builtin_LINE())
      : file(in_file), line(at_line) {}
};

}  // namespace tilery::inline TILERY_ABI
