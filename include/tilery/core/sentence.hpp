// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// sentence: a text made of words and numbers. An `error` (error.hpp) carries a sentence, and `validate` (validate.hpp)
// returns one. Copies of a sentence share one allocation.
// This header avoids <string>, <vector>, <optional> and <stdexcept>: under nvcc they made each translation unit 1.7 s
// slower to compile, half of the time that CUDA's headers of element types take.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <concepts>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <type_traits>

namespace tilery::inline TILERY_ABI {

/// A type of texts with a terminating null and a size, such as std::string (whose header this file does not include).
template <class T>
concept string_like = requires(const T& text) {
  { text.c_str() } -> std::convertible_to<const char*>;
  { text.size() } -> std::convertible_to<std::size_t>;
};

/// One part of a sentence as characters. A part does not copy a text but points to it: the text must exist until the
/// sentence is constructed.
class sentence_part {
public:
  sentence_part(const char* text) : text_(text), size_(std::strlen(text)) {}
  template <string_like T>
  sentence_part(const T& text) : text_(text.c_str()), size_(text.size()) {}
  /// Prints an integer. (Types of one byte, such as bool and char, are excluded: they would print as numbers.)
  template <std::integral T>
  requires(sizeof(T) > 1) sentence_part(T number) {
    const bool negative = std::is_signed_v<T> && static_cast<std::int64_t>(number) < 0;
    auto rest = static_cast<std::uint64_t>(number);
    if (negative) rest = 0 - rest;
    char* digit = digits_ + sizeof(digits_);
    do {
      *--digit = static_cast<char>('0' + rest % 10);
      rest /= 10;
    } while (rest > 0);
    if (negative) *--digit = '-';
    text_ = digit, size_ = static_cast<std::size_t>(digits_ + sizeof(digits_) - digit);
  }
  /// Prints a floating-point number with a precision of 6 to 17 digits: the lowest from which the same number can be
  /// read back.
  template <std::floating_point T>
  sentence_part(T number) : text_(digits_) {
    int length = 0;
    for (int precision = 6; precision <= 17; ++precision) {
      length = std::snprintf(digits_, sizeof(digits_), "%.*g", precision, static_cast<double>(number));
      if (static_cast<T>(std::strtod(digits_, nullptr)) == number) break;
    }
    size_ = static_cast<std::size_t>(length);
  }
  sentence_part(const sentence_part&) = delete;

  const char* data() const { return text_; }
  std::size_t size() const { return size_; }

private:
  char digits_[32];
  const char* text_;
  std::size_t size_;
};

/// An immutable text: `sentence("B has ", n, " rows; it must have ", k)`. Parts are texts, integers and floating-point
/// numbers. A sentence converts to true if it is not empty. Copying neither allocates nor throws.
class sentence {
public:
  sentence() = default;
  template <class... Parts>
  requires(sizeof...(Parts) > 0 && (std::is_constructible_v<sentence_part, const Parts&> && ...))
      sentence(const Parts&... all) {
    const sentence_part parts[] = {all...};
    join(parts, sizeof...(Parts));
  }
  sentence(const sentence& other) noexcept : text_(other.text_) {
    if (text_) __atomic_add_fetch(&text_->owners, 1, __ATOMIC_RELAXED);
  }
  sentence(sentence&& other) noexcept : text_(other.text_) { other.text_ = nullptr; }
  sentence& operator=(sentence other) noexcept {
    shared_text* mine = text_;
    text_ = other.text_, other.text_ = mine;
    return *this;
  }
  ~sentence() {
    if (text_ && __atomic_sub_fetch(&text_->owners, 1, __ATOMIC_ACQ_REL) == 0) ::operator delete(text_);
  }

  explicit operator bool() const { return size() > 0; }
  const char* c_str() const { return text_ ? characters(text_) : ""; }
  std::size_t size() const { return text_ ? text_->size : 0; }

  template <class Text>
  requires(string_like<Text> || std::convertible_to<const Text&, const char*>) friend bool operator==(const sentence& a,
                                                                                                      const Text& b) {
    const sentence_part text(b);
    return a.size() == text.size() && std::memcmp(a.c_str(), text.data(), text.size()) == 0;
  }
  /// Appends the text to a std::string.
  template <class String>
  requires requires(String& text) { text.append("", std::size_t{0}); }
  friend String operator+(String text, const sentence& s) {
    text.append(s.c_str(), s.size());
    return text;
  }
  /// Writes the text to a stream of the standard library.
  template <class Stream>
  requires requires { typename Stream::traits_type; }
  friend Stream& operator<<(Stream& to, const sentence& s) {
    to << s.c_str();
    return to;
  }

private:
  struct shared_text {
    std::size_t owners, size;  // owners: sentences that share this text; characters and a null follow in memory
  };
  static char* characters(shared_text* text) { return reinterpret_cast<char*>(text + 1); }

  /// Allocates the text and copies all parts into it.
  void join(const sentence_part* parts, std::size_t count) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < count; ++i) size += parts[i].size();
    text_ = new (::operator new(sizeof(shared_text) + size + 1)) shared_text{1, size};
    char* end = characters(text_);
    for (std::size_t i = 0; i < count; end += parts[i++].size()) std::memcpy(end, parts[i].data(), parts[i].size());
    *end = '\0';
  }

  shared_text* text_ = nullptr;
};

}  // namespace tilery::inline TILERY_ABI
