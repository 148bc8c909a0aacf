// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A site is a place in a kernel, as reports name it. It consists of the verb (the lane's function that is called, such
// as "load"), the source line of this call, the innermost tile step that contains this line, and the line in the
// kernel's own source that calls the outermost tile step around it. A tile step is any function that calls lane.step()
// to give itself a name in reports, such as "load a tile" (simt/step.hpp): a function of the library or of the user. On
// the virtual GPU, each site of a launch has a number.
#pragma once
#pragma GCC system_header

#include <tilery/core/where.hpp>

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <unordered_map>
#include <vector>

namespace tilery::inline TILERY_ABI {

/// A place in a kernel: one verb and its source lines.
struct site {
  const char* verb = "";     ///< "load", "store", "sync_block" ...
  where line{"", 0};         ///< the source line that calls the verb
  const char* step = "";     ///< the innermost step that contains `line`; empty if the kernel calls the verb itself
  where kernel_line{"", 0};  ///< the kernel's line that calls the outermost step; `line` if there is no step

  /// Returns the site as text. Example: "load at panel.hpp:57, in 'fetch a tile' called at simt.hpp:60".
  std::string text() const {
    std::string result = std::string(verb) + " at " + name_of(line);
    if (*step) result += ", in '" + std::string(step) + "' called at " + name_of(kernel_line);
    return result;
  }
  /// Returns a file name without folders, and a line number: "panel.hpp:57".
  static std::string name_of(where at) {
    const char* slash = std::strrchr(at.file, '/');
    return std::string(slash ? slash + 1 : at.file) + ":" + std::to_string(at.line);
  }
};

namespace virtual_machine {

/// The sites of a launch, numbered from 1 in the order in which lanes first reach them. Number 0 means no site. Calls
/// of tile steps have numbers of their own, with 0 for no step. The names of verbs, steps and files are compared by
/// address, not by their characters: equal texts at two addresses give two sites.
class site_table {
public:
  /// Returns the number of the step `name`, called at line `at` inside the step `outer` (0: called by the kernel
  /// itself). For a site in nested steps, the call of the outermost step gives site::kernel_line, and the innermost
  /// step gives site::step.
  std::uint32_t step(std::uint32_t outer, const char* name, where at) {
    return find(steps_, step_cache_, {outer, name, at});
  }

  /// Returns the number of the site of `verb` at line `at`, inside the step `step` (0: no step).
  std::uint32_t number(std::uint32_t step, const char* verb, where at) {
    return find(sites_, site_cache_, {step, verb, at});
  }

  /// Returns the number of a site if it is in the cache of recent sites, else 0. Adds no site.
  std::uint32_t find_recent(std::uint32_t step, const char* verb, where at) const {
    const key k{step, verb, at};
    const recent& r = site_cache_[mix(k)];
    return r.what == k ? r.number : 0;
  }

  /// Returns the site with this number; an empty site for number 0.
  site describe(std::uint32_t number) const {
    if (number == 0) return {};
    const key& k = sites_.all[number];
    site result{k.name, k.at(), "", k.at()};
    if (k.outer != 0) {
      result.step = steps_.all[k.outer].name;
      std::uint32_t outermost = k.outer;
      while (steps_.all[outermost].outer != 0) outermost = steps_.all[outermost].outer;
      result.kernel_line = steps_.all[outermost].at();
    }
    return result;
  }
  /// Returns the verb of the site with this number.
  const char* verb(std::uint32_t number) const { return sites_.all[number].name; }
  /// Returns the largest number of a site so far, plus 1.
  std::size_t size() const { return sites_.all.size(); }

private:
  /// A site or a call of a step: the verb or the step's name, the source line that calls it, and the step around it.
  struct key {
    std::uint32_t outer = 0;  // number of the step around it; 0: none
    int line = -1;            // -1: no line
    const char* name = "";
    const char* file = "";

    key() = default;
    key(std::uint32_t in, const char* named, where at) : outer(in), line(at.line), name(named), file(at.file) {}
    where at() const { return {file, line}; }
    bool operator==(const key& o) const {  // without branches
      const auto differ = [](const char* a, const char* b) {
        return reinterpret_cast<std::uintptr_t>(a) ^ reinterpret_cast<std::uintptr_t>(b);
      };
      return ((outer ^ o.outer) | static_cast<unsigned>(line ^ o.line) | differ(name, o.name) | differ(file, o.file)) ==
             0;
    }
  };
  struct hash {
    std::size_t operator()(const key& k) const {
      return mix(k) ^ (reinterpret_cast<std::uintptr_t>(k.file) * 0x9e3779b97f4a7c15u >> 20);
    }
  };
  /// All sites or all steps, by number and by key.
  struct table {
    std::vector<key> all = std::vector<key>(1);  // entry 0 means no site or no step
    std::unordered_map<key, std::uint32_t, hash> numbers;
  };
  /// An entry of the cache of recent sites or steps. The cache helps because most verbs are in a loop and are reached
  /// again soon.
  struct recent {
    key what;
    std::uint32_t number = 0;
  };
  using cache = std::array<recent, 256>;

  static constexpr std::size_t cached = 256;
  /// Returns the index of a key in a cache: a hash of the key.
  static std::size_t mix(const key& k) {
    return (static_cast<std::size_t>(k.line) * 37 + k.outer * 11 + (reinterpret_cast<std::uintptr_t>(k.name) >> 2)) %
           cached;
  }

  /// Returns the number of a site or step from the cache or the table; adds the site or step to the table if it is new.
  std::uint32_t find(table& t, cache& entries, const key& k) {
    recent& r = entries[mix(k)];
    if (r.what == k) [[likely]]
      return r.number;
    return find_again(t, r, k.outer, k.name, k.at());
  }
  [[gnu::noinline]] static std::uint32_t find_again(table& t, recent& r, std::uint32_t outer, const char* name,
                                                    where at) {
    const key k{outer, name, at};
    const auto [found, is_new] = t.numbers.try_emplace(k, static_cast<std::uint32_t>(t.all.size()));
    if (is_new) t.all.push_back(k);
    r = {k, found->second};
    return found->second;
  }

  table sites_, steps_;
  cache site_cache_, step_cache_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
