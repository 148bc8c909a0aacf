// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How a policy that breaks a rule ends the compilation. g++ begins its message with the innermost type, so the rule's
// sentence is made a part of that type's name. Clang and nvcc show the sentence in a note of their first error.
#pragma once
#pragma GCC system_header

#include <tilery/core/error.hpp>

#include <cstddef>

namespace tilery::inline TILERY_ABI {

/// A sentence as a value that may be a template argument.
template <std::size_t Bytes>
struct rule_text {
  char text[Bytes] = {};
};

template <std::size_t Bytes>
constexpr rule_text<Bytes> rule_text_of(const char* sentence) {
  rule_text<Bytes> result;
  for (std::size_t i = 0; i + 1 < Bytes; ++i) result.text[i] = sentence[i];
  return result;
}
constexpr std::size_t bytes_of_rule_text(const char* sentence) {
  std::size_t bytes = 1;
  while (sentence[bytes - 1] != 0) ++bytes;
  return bytes;
}

/// What the compiler names when it stops: the sentence stands in its type.
template <auto Sentence>
struct the_policy_breaks_a_rule {
  static_assert(sizeof(Sentence) == 0, "the policy breaks the rule that is named above");
  static constexpr bool kept = false;
};

/// Whether a policy keeps its rules; a broken one ends the compilation with its sentence. Facts are what its
/// `broken_rule` takes besides: bytes of an element.
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
