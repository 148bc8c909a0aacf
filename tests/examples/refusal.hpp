// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Expects that a call is refused with a certain sentence.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include <tilery/core/error.hpp>

namespace tilery_examples {

/// Calls `action`, which must throw a `tilery::error` that contains `part` and names the file of the refused call.
template <class Action>
void expect_refusal(const Action& action, const std::string& part, tilery::where at = {}) {
  try {
    action();
  } catch (const tilery::error& refusal) {
    const std::string said = refusal.what();
    if (said.find(part) == std::string::npos)
      ADD_FAILURE_AT(at.file, at.line) << "said: " << said << "\nbut must say: " << part;
    if (said.find(at.file) == std::string::npos)
      ADD_FAILURE_AT(at.file, at.line) << "does not name the place of the refused call: " << said;
    return;
  }
  ADD_FAILURE_AT(at.file, at.line) << "nothing was refused, but the call must say: " << part;
}

}  // namespace tilery_examples
