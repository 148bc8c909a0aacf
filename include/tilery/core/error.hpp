// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the library throws, and what `validate` returns: a sentence with its subject, what it has and what
// it must have. It is found before anything is launched.
#pragma once
#pragma GCC system_header

#include <tilery/core/sentence.hpp>
#include <tilery/core/where.hpp>

#include <exception>

namespace tilery::inline TILERY_ABI {

/// A refusal. `what()` is one sentence, followed by the caller's file and line.
class error : public std::exception {
public:
  explicit error(const tilery::sentence& refusal, where at = {})
      : sentence_(refusal), what_(refusal, " [", at.file, ":", at.line, "]"), at_(at) {}

  const char* what() const noexcept override { return what_.c_str(); }
  /// The sentence alone.
  const tilery::sentence& sentence() const { return sentence_; }
  /// The call that was refused.
  where at() const { return at_; }

private:
  tilery::sentence sentence_, what_;
  where at_;
};

/// What a check has found: the sentence that `error` would carry, or an empty one where nothing is wrong.
using finding = sentence;

/// Throws the finding, if there is one.
inline void refuse(const finding& found, where at) {
  if (found) throw error(found, at);
}

/// How a policy's rule is told: returned as a sentence (tuner, ops), or as the end of compilation (kernels).
enum class when_broken { say, stop };

/// The sentence of a broken rule. In a constant expression `when_broken::stop` ends the compilation, and the
/// compiler's message quotes the sentence.
constexpr const char* broken(const char* sentence, when_broken how) {
  return how == when_broken::stop ? throw sentence : sentence;
}

}  // namespace tilery::inline TILERY_ABI
