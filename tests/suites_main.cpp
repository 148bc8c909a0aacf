// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The main function of the programs that hold several suites:
//   PROGRAM                     runs all suites
//   PROGRAM NAME_test.cpp       runs the tests of this source file
// GoogleTest's options may follow.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <map>
#include <string>

namespace {

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// The filter that selects the tests of a file, or "" after an error. A GoogleTest suite must be in one file: then its
/// name stands for its tests, and the filter stays short.
std::string filter_of(const std::string& file) {
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  std::map<std::string, std::string> file_of;  // by suite
  std::string filter;
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const testing::TestSuite& suite = *all.GetTestSuite(i);
    for (int j = 0; j < suite.total_test_count(); ++j) {
      const std::string here = suite.GetTestInfo(j)->file();
      const auto [entry, is_new] = file_of.emplace(suite.name(), here);
      if (entry->second != here) {
        std::printf("the suite %s is in %s and in %s; it must be in one file\n", suite.name(), entry->second.c_str(),
                    here.c_str());
        return "";
      }
      if (is_new && ends_with(here, "/" + file)) filter += std::string(suite.name()) + ".*:";
    }
  }
  if (filter.empty()) std::printf("no test of this program is in %s\n", file.c_str());
  return filter;
}

}  // namespace

int main(int count, char** arguments) {
  testing::InitGoogleTest(&count, arguments);
  if (count > 1) {
    const std::string filter = filter_of(arguments[1]);
    if (filter.empty()) return 1;
    testing::GTEST_FLAG(filter) = filter;
  }
  return RUN_ALL_TESTS();
}
