// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// JSON as a header of a file that nobody vouches for may use it: no key twice in an object, no deep nesting, no NUL
// byte. Ordinary parsers keep one of two equal keys without a word, and two readers may keep different ones.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace tilery_examples {

/// `text` as a JSON string in quotes, for sentences; bytes that are not UTF-8 become the replacement character.
inline std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Parses `text`, which may nest objects and arrays `levels` deep. Each fault goes to `refuse`, a callable that takes
/// the rest of a sentence whose subject is the file, and throws.
template <class Refuse>
nlohmann::json parse_strict_json(std::string_view text, int levels, const Refuse& refuse) {
  // The parser takes a NUL byte for the end of its input, and would not read what follows.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos)
    refuse("has a NUL byte in its header, its byte " + std::to_string(nul + 1) + ", but must have none.");
  using event = nlohmann::json::parse_event_t;
  std::vector<std::set<std::string>> keys;  // of each object that is still open
  const auto inspect = [&](int depth, event what, nlohmann::json& value) {
    if ((what == event::object_start || what == event::array_start) && depth >= levels)
      refuse("nests its JSON deeper than " + std::to_string(levels) + " levels, but must not.");
    if (what == event::object_start) keys.emplace_back();
    if (what == event::object_end) keys.pop_back();
    if (what == event::key && !keys.back().insert(value.get<std::string>()).second)
      refuse("has the key " + quoted(value.get<std::string>()) + " twice in one object, but must have it once.");
    return true;
  };
  try {
    return nlohmann::json::parse(text.begin(), text.end(), inspect);
  } catch (const nlohmann::json::exception& fault) {
    const auto* syntax = dynamic_cast<const nlohmann::json::parse_error*>(&fault);
    refuse("has a header that is not JSON" +
           (syntax != nullptr ? " from byte " + std::to_string(syntax->byte) + " on" : std::string()) +
           ", but must be.");
    throw;  // not reached: refuse throws
  }
}

}  // namespace tilery_examples
