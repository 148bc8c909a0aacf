// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the library throws, and what `validate` returns: a sentence with its subject, what it has and what
// it must have. It is found before anything is launched.
#pragma once

#include <tilery/core/where.hpp>

#include <optional>
#include <stdexcept>
#include <string>

namespace tilery::inline TILERY_ABI {

/// A refusal. `what()` is one sentence, followed by the caller's file and line.
class error : public std::runtime_error {
public:
  explicit error(const std::string& sentence, where at = {})
      : std::runtime_error(sentence + " [" + at.file + ":" + std::to_string(at.line) + "]"),
        at_(at),
        length_(sentence.size()) {}

  /// The sentence alone.
  std::string sentence() const { return std::string(what()).substr(0, length_); }
  /// The call that was refused.
  where at() const { return at_; }

private:
  where at_;
  std::size_t length_;
};

/// What a check has found: nothing, or the sentence that `error` would carry.
using finding = std::optional<std::string>;

/// Throws the finding, if there is one.
inline void refuse(const finding& found, where at) {
  if (found) throw error(*found, at);
}

/// How a policy's rule is told: returned as a sentence (tuner, ops), or as the end of compilation (kernels).
enum class when_broken { say, stop };

/// The sentence of a broken rule. In a constant expression `when_broken::stop` ends the compilation, and the
/// compiler's message quotes the sentence.
constexpr const char* broken(const char* sentence, when_broken how) {
  return how == when_broken::stop ? throw sentence : sentence;
}

}  // namespace tilery::inline TILERY_ABI
