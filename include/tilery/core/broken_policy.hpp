// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Stops the compilation at a policy that breaks a rule, with the rule's sentence in the compiler's message. g++ begins
// its message with the name of the innermost type, so the sentence is a template argument of that type. Clang and nvcc
// show the sentence in a note of their first error, which is the `throw` in `broken` (error.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/error.hpp>

#include <cstddef>

namespace tilery::inline TILERY_ABI {

/// A sentence as a structural type, so that it can be a template argument.
template <std::size_t Bytes>
struct rule_text {
  char text[Bytes] = {};
};

/// Copies a sentence of Bytes - 1 characters into a rule_text, whose last byte stays 0.
template <std::size_t Bytes>
constexpr rule_text<Bytes> rule_text_of(const char* sentence) {
  rule_text<Bytes> result;
  for (std::size_t i = 0; i + 1 < Bytes; ++i) result.text[i] = sentence[i];
  return result;
}
/// Returns the length of a sentence in bytes, including its terminating null.
constexpr std::size_t bytes_of_rule_text(const char* sentence) {
  std::size_t bytes = 1;
  while (sentence[bytes - 1] != 0) ++bytes;
  return bytes;
}

/// The type that g++ names in its message. Sentence is a rule_text, so its characters are a part of the type's name.
template <auto Sentence>
struct the_policy_breaks_a_rule {
  static_assert(sizeof(Sentence) == 0, "the policy breaks the rule that is named above");
  static constexpr bool kept = false;
};

/// Returns true if the policy P keeps all of its rules; stops the compilation with the broken rule's sentence if not.
/// The function `broken_rule` beside the policy's type holds the rules. Facts are values that the rules need besides
/// the policy, for example the bytes of an element: broken_rule(P, Facts..., how).
template <auto P, auto... Facts>
constexpr bool keeps_rules() {
#if defined(__clang__) || defined(__CUDACC__)
  return broken_rule(P, Facts..., when_broken::stop) == nullptr;
#else
  constexpr const char* rule = broken_rule(P, Facts..., when_broken::say);
  if constexpr (rule != nullptr) return the_policy_breaks_a_rule<rule_text_of<bytes_of_rule_text(rule)>(rule)>::kept;
  return true;
#endif
}

}  // namespace tilery::inline TILERY_ABI
