// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The source itself: layers include downwards only, macros live in one file, headers stay short and carry their
// licence.
#include <gtest/gtest.h>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace {

namespace fs = std::filesystem;

/// What each layer may include, itself apart. The ops and executors are the files at the top.
const std::map<std::string, std::set<std::string>> below = {
    {"core", {}},
    {"simt", {"core"}},
    {"atoms", {"core", "simt"}},
    {"policies", {"core"}},
    {"tile", {"core", "simt", "atoms", "policies"}},
    {"kernels", {"core", "simt", "atoms", "policies", "tile"}},
    {"ops", {"core", "simt", "policies", "tile", "kernels"}},
    {"", {"core", "simt", "policies", "tile", "kernels", "ops"}},
};

struct header {
  std::string name;  // below include/tilery
  std::string layer;
  std::string text;
};

std::string layer_of(const std::string& name) {
  const auto slash = name.find('/');
  return slash == std::string::npos ? "" : name.substr(0, slash);
}

std::vector<header> headers() {
  std::vector<header> all;
  const fs::path root = fs::path(TILERY_INCLUDE_DIR) / "tilery";
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.path().extension() != ".hpp") continue;
    std::stringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    const std::string name = fs::relative(entry.path(), root).generic_string();
    all.push_back({name, layer_of(name), text.str()});
  }
  return all;
}

std::vector<std::string> upward_includes(const header& h) {
  static const std::regex include(R"(#include\s*[<"]tilery/([^>"]+)[>"])");
  std::vector<std::string> wrong;
  const auto allowed = below.find(h.layer);
  for (std::sregex_iterator i(h.text.begin(), h.text.end(), include), end; i != end; ++i) {
    const std::string target = (*i)[1], layer = layer_of(target);
    if (layer != h.layer && (allowed == below.end() || !allowed->second.count(layer))) wrong.push_back(target);
  }
  return wrong;
}

TEST(layers, are_included_downwards_only) {
  ASSERT_GT(headers().size(), 20u);
  for (const header& h : headers()) {
    EXPECT_TRUE(below.count(h.layer)) << h.name << " is in a folder that is no layer";
    for (const std::string& wrong : upward_includes(h)) ADD_FAILURE() << h.name << " must not include " << wrong;
  }
}

TEST(layers, an_upward_include_is_found) {
  EXPECT_EQ(upward_includes({"core/x.hpp", "core", "#include <tilery/simt/kernel.hpp>"}).size(), 1u);
  EXPECT_EQ(upward_includes({"kernels/x.hpp", "kernels", "#include <tilery/gemm.hpp>"}).size(), 1u);
  EXPECT_EQ(upward_includes({"tile/x.hpp", "tile", "#include <tilery/core/pack.hpp>"}).size(), 0u);
}

TEST(source, macros_are_defined_in_one_file) {
  for (const header& h : headers())
    if (h.name != "core/annotations.hpp") {
      EXPECT_EQ(h.text.find("#define"), std::string::npos) << h.name;
    }
}

TEST(source, kernels_do_not_know_the_target) {
  for (const header& h : headers())
    if (h.layer == "kernels" || h.layer == "tile" || h.layer == "policies" || h.layer == "ops") {
      EXPECT_EQ(h.text.find("__CUDA_ARCH__"), std::string::npos) << h.name;
    }
}

// tests/compile compiles all public headers as one unit, in which only the first header is read while the program's
// macros are defined.
TEST(source, public_headers_suspend_the_programs_macros) {
  static const std::regex directive(R"((^|\n)#include <([^>]*)>)");
  for (const header& h : headers())
    if (h.layer.empty()) {
      std::vector<std::string> included;
      for (std::sregex_iterator i(h.text.begin(), h.text.end(), directive), end; i != end; ++i)
        included.push_back((*i)[2]);
      ASSERT_GE(included.size(), 2u) << h.name;
      EXPECT_EQ(included.front(), "tilery/core/macros_off.inc") << h.name;
      EXPECT_EQ(included.back(), "tilery/core/macros_on.inc") << h.name;
    }
}

TEST(source, headers_are_short_and_open_with_their_licence_and_their_idea) {
  for (const header& h : headers()) {
    EXPECT_LE(std::count(h.text.begin(), h.text.end(), '\n'), 400) << h.name;
    EXPECT_EQ(h.text.rfind("// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception\n// ", 0), 0u) << h.name;
    // The second line keeps a consumer's warnings out of our text: tests/compile/headers.sh compiles a copy without it.
    EXPECT_NE(h.text.find("\n#pragma once\n#pragma GCC system_header\n"), std::string::npos) << h.name;
  }
}

}  // namespace
