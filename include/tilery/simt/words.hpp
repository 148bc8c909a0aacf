// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Structs in global memory. A lane loads and stores elements, so a struct is stored as 32-bit words.
#pragma once
#pragma GCC system_header

#include <tilery/simt/memory.hpp>

namespace tilery::inline TILERY_ABI {

/// The number of 32-bit words of a T.
template <class T>
inline constexpr int words_of = static_cast<int>(sizeof(T) / sizeof(std::int32_t));

/// True for a type that load_words() and store_words() take: trivially copyable, and a whole number of words.
template <class T>
inline constexpr bool is_whole_words = std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(std::int32_t) == 0;

/// Loads a T from words_of<T> words. All lanes of a warp usually load the same words: these are broadcasts.
template <class T, class Lane, class Word>
TILERY_SIMT T load_words(Lane lane, gmem_ptr<Word> from, where at = {}) {
  static_assert(is_whole_words<T>);
  std::int32_t words[words_of<T>];
  TILERY_UNROLL
  for (int i = 0; i < words_of<T>; ++i) words[i] = lane.load(from + i, at);
  return reinterpret<T>(words);
}

/// Stores a T as words_of<T> words.
template <class Lane, class T>
TILERY_SIMT void store_words(Lane lane, gmem_ptr<std::int32_t> to, const T& value, where at = {}) {
  static_assert(is_whole_words<T>);
  struct all {
    std::int32_t word[words_of<T>];
  };
  const auto words = reinterpret<all>(value);
  TILERY_UNROLL
  for (int i = 0; i < words_of<T>; ++i) lane.store(to + i, words.word[i], at);
}

}  // namespace tilery::inline TILERY_ABI
