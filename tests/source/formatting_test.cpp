// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The format of the source: clang-format 14, with the repository's file, finds nothing to change. Another version
// formats some lines otherwise, so the tests are skipped without this one.
#include <gtest/gtest.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

std::string text_of_file(const fs::path& file) {
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

/// What a command writes to its standard output.
std::string output_of(const std::string& command) {
  std::string output;
  if (FILE* const pipe = popen(command.c_str(), "r")) {
    std::array<char, 1 << 16> part;
    while (const std::size_t bytes = std::fread(part.data(), 1, part.size(), pipe)) output.append(part.data(), bytes);
    pclose(pipe);
  }
  return output;
}

/// The name of clang-format 14 on this machine, or "".
std::string clang_format() {
  for (const std::string name : {"clang-format-14", "clang-format"})
    if (output_of(name + " --version 2>/dev/null").find("version 14.") != std::string::npos) return name;
  return "";
}

/// The files that clang-format would change. Its --dry-run tells of changes that change nothing, so the texts are
/// compared: of many files at once, and only where these differ of each file.
std::vector<fs::path> unformatted(const std::string& program, const std::vector<fs::path>& files) {
  std::vector<fs::path> wrong;
  const std::string list = testing::TempDir() + "tilery_formatting_" + std::to_string(getpid());
  const auto is_formatted = [&](std::size_t first, std::size_t count) {
    std::string texts;
    std::ofstream names(list);
    for (std::size_t i = first; i < first + count; ++i)
      texts += text_of_file(files[i]), names << files[i].string() << '\n';
    names.close();
    return output_of(program + " --style=file --files='" + list + "' 2>/dev/null") == texts;
  };
  constexpr std::size_t many = 32;
  for (std::size_t first = 0; first < files.size(); first += many) {
    const std::size_t count = std::min(many, files.size() - first);
    if (is_formatted(first, count)) continue;
    for (std::size_t i = first; i < first + count; ++i)
      if (!is_formatted(i, 1)) wrong.push_back(files[i]);
  }
  fs::remove(list);
  return wrong;
}

class formatting : public testing::Test {
public:
  void SetUp() override {
    if (program.empty()) GTEST_SKIP() << "no clang-format 14 here (Debian 12, Ubuntu 22.04 and 24.04: clang-format-14)";
  }
  const std::string program = clang_format();
};

TEST_F(formatting, is_the_repositorys) {
  std::vector<fs::path> files;
  for (const char* const folder : {"include", "tests", "benchmarks", "examples"})
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(TILERY_SOURCE_DIR) / folder))
      if (std::set<std::string>{".hpp", ".cpp", ".cu", ".inc"}.contains(entry.path().extension().string()))
        files.push_back(entry.path());
  ASSERT_GT(files.size(), 400u);
  for (const fs::path& file : unformatted(program, files))
    ADD_FAILURE() << file.string() << " is not formatted; run: " << program << " -i " << file.string();
}

TEST_F(formatting, of_a_planted_fault_is_found) {
  const fs::path folder = testing::TempDir() + "tilery_formatting_planted_" + std::to_string(getpid());
  fs::create_directories(folder);
  fs::copy_file(fs::path(TILERY_SOURCE_DIR) / ".clang-format", folder / ".clang-format",
                fs::copy_options::overwrite_existing);
  std::ofstream(folder / "right.cpp") << "int* right(int x);\n";
  std::ofstream(folder / "wrong.cpp") << "int *wrong( int x );\n";
  std::ofstream(folder / "also_right.cpp") << "int x;\n";
  EXPECT_EQ(unformatted(program, {folder / "right.cpp", folder / "wrong.cpp", folder / "also_right.cpp"}),
            std::vector<fs::path>{folder / "wrong.cpp"});
  fs::remove_all(folder);
}

}  // namespace
