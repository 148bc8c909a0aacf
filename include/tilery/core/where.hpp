// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A place in the user's source. As a default argument `where at = {}` it is the line of the caller, on every compiler
// that tilery supports (std::source_location is missing in clang 14).
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

namespace tilery::inline TILERY_ABI {

/// File and line of the call that has this as its last, defaulted argument.
struct where {
  const char* file;
  int line;

  TILERY_SIMT constexpr where(const char* in_file = __builtin_FILE(), int at_line = __builtin_LINE())
      : file(in_file), line(at_line) {}
};

}  // namespace tilery::inline TILERY_ABI
