// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error, the exception of this library, and finding, the result of a check (`validate` in validate.hpp returns one).
// Both hold a sentence. The sentence of a failed check names what is wrong, the value found and the value required. Ops
// check their arguments before they launch anything.
#pragma once
#pragma GCC system_header

#include <tilery/core/sentence.hpp>
#include <tilery/core/where.hpp>

#include <exception>

namespace tilery::inline TILERY_ABI {

/// The exception of a call that is refused, or during which the device fails; in the second case the sentence contains
/// the error text of the device's API. `what()` is the sentence, followed by the caller's file and line.
class error : public std::exception {
public:
  explicit error(const tilery::sentence& refusal, where at = {})
      : sentence_(refusal), what_(refusal, " [", at.file, ":", at.line, "]"), at_(at) {}

  const char* what() const noexcept override { return what_.c_str(); }
  /// The sentence without file and line.
  const tilery::sentence& sentence() const { return sentence_; }
  /// File and line of the call that threw.
  where at() const { return at_; }

private:
  tilery::sentence sentence_, what_;
  where at_;
};

/// The result of a check: the sentence that `error` would carry, or an empty sentence if nothing is wrong.
using finding = sentence;

/// Throws an error if the finding is not empty.
inline void refuse(const finding& found, where at) {
  if (found) throw error(found, at);
}

/// The way in which the function `broken` reports a policy's broken rule. say: `broken` returns the sentence (for the
/// tuner and the ops). stop: `broken` ends the compilation (for kernels).
enum class when_broken { say, stop };

/// Reports a broken rule: returns its sentence, or throws it with `when_broken::stop`. In a constant expression a throw
/// ends the compilation, and the compiler's message quotes the sentence.
constexpr const char* broken(const char* sentence, when_broken how) {
  return how == when_broken::stop ? throw sentence : sentence;
}

}  // namespace tilery::inline TILERY_ABI
