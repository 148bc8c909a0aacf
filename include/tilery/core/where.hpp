// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// where: a file and a line of the user's source, for messages. A function with the default argument `where at = {}`
// gets the line of its call, on every compiler that tilery supports. (clang 14 has no std::source_location.)
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

namespace tilery::inline TILERY_ABI {

/// A file and a line: by default those of the call that leaves out the argument of this type.
struct where {
  const char* file;
  int line;

  TILERY_SIMT constexpr where(const char* in_file = __builtin_FILE(), int at_line = __builtin_LINE())
      : file(in_file), line(at_line) {}
};

}  // namespace tilery::inline TILERY_ABI
