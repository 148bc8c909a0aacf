// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A peer's library, opened at run time: such libraries are large, so programs neither carry them nor need them.
#pragma once

#include <dlfcn.h>

#include <cstdlib>
#include <string>
#include <type_traits>
#include <vector>

namespace tilery_benchmarks {

/// A library's functions by their names. The library stays open: its functions may have started threads.
class shared_library {
public:
  /// Opens the file that the environment variable `variable` names; if it is not set, the first of `names` that the
  /// loader finds. `name` is the library's name in sentences.
  shared_library(const char* name, const char* variable, std::vector<std::string> names) : name_(name) {
    if (const char* named = std::getenv(variable); named && *named) names = {named};
    for (const std::string& file : names)
      if ((library_ = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL))) return;
    why_ = "no " + name_ + " here";
    if (names.size() == 1) why_ += ": " + std::string(dlerror());
  }

  /// Sets `function` to the function of that name, or to null.
  template <class Function>
  void find(Function*& function, const char* name) {
    function = library_ ? reinterpret_cast<Function*>(dlsym(library_, name)) : nullptr;
    if (!function && why_.empty()) why_ = "this " + name_ + " has no " + name;
  }

  /// Why the library cannot be used, in a sentence: it is not here, or has not all functions that were looked for.
  /// Empty if it can.
  const std::string& why_not() const { return why_; }

private:
  std::string name_, why_;
  void* library_ = nullptr;
};

}  // namespace tilery_benchmarks
