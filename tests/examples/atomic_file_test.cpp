// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Files that appear whole or not at all: with and without commit, when the writer dies, and over links.
#include "examples/io/atomic_file.hpp"

#include <csignal>
#include <filesystem>
#include <set>
#include <string>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "refusal.hpp"
#include "temporary_folder.hpp"

namespace {

using namespace tilery_examples;

struct atomic_file_test : testing::Test {
  temporary_folder folder;
  const std::filesystem::path path = folder.path() / "target";
};

TEST_F(atomic_file_test, takes_the_place_of_the_target_at_commit) {
  folder.write("target", "old");
  atomic_file file(path);
  file.write("new ");
  file.write("content");
  EXPECT_EQ(file_content(path), "old");
  file.commit();
  EXPECT_EQ(file_content(path), "new content");
  EXPECT_EQ(folder.names(), (std::set<std::string>{"target"}));
}

TEST_F(atomic_file_test, leaves_nothing_without_commit) {
  { atomic_file(path).write("new"); }
  EXPECT_TRUE(folder.names().empty());
}

TEST_F(atomic_file_test, creates_files_as_the_umask_says) {
  const mode_t old = umask(027);
  {
    atomic_file file(path);
    file.commit();
  }
  umask(old);
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms{0640});
}

TEST_F(atomic_file_test, works_in_the_current_folder) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  {
    atomic_file file("target");
    file.write("here");
    file.commit();
  }
  std::filesystem::current_path(before);
  EXPECT_EQ(file_content(path), "here");
}

TEST_F(atomic_file_test, leaves_the_old_content_when_the_writer_is_killed) {
  folder.write("target", "old");
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    atomic_file file(path);
    file.write(std::string(100'000, 'x'));
    raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_EQ(file_content(path), "old");
  EXPECT_EQ(folder.names().size(), 2U) << "a killed writer cannot remove its file";
  folder.write(".tilery_notes", "of somebody else");
  atomic_file(folder.path() / "other");
  EXPECT_EQ(folder.names(), (std::set<std::string>{".tilery_notes", "target"})) << "the next writer does";
}

TEST_F(atomic_file_test, leaves_the_files_of_living_writers) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {  // another process, which writes as long as it is not killed
    atomic_file file(path);
    for (;;) pause();
  }
  while (folder.names().empty()) usleep(1000);
  usleep(100'000);  // the lock follows the file's creation
  atomic_file here(folder.path() / "first");
  { atomic_file(folder.path() / "second").write("x"); }
  EXPECT_EQ(folder.names().size(), 2U) << "the other process's and this one's";
  here.commit();
  EXPECT_TRUE(folder.names().contains("first"));
  kill(child, SIGKILL);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  atomic_file(folder.path() / "third").commit();
  EXPECT_EQ(folder.names(), (std::set<std::string>{"first", "third"}));
}

TEST_F(atomic_file_test, replaces_what_a_link_names_and_keeps_its_permissions) {
  const auto target = folder.write("far", "old");
  std::filesystem::permissions(target, std::filesystem::perms{0600});
  std::filesystem::create_symlink("far", path);
  std::filesystem::create_symlink("fresh", folder.path() / "dangling");
  for (const char* name : {"target", "dangling"}) {
    atomic_file file(folder.path() / name);
    file.write(name);
    file.commit();
    EXPECT_TRUE(std::filesystem::is_symlink(folder.path() / name));
  }
  EXPECT_EQ(file_content(target), "target");
  EXPECT_EQ(file_content(folder.path() / "fresh"), "dangling");
  EXPECT_EQ(std::filesystem::status(target).permissions(), std::filesystem::perms{0600});
}

TEST_F(atomic_file_test, refuses_targets_that_are_no_files) {
  expect_refusal([&] { atomic_file file(folder.path()); }, "is not a regular file, but must be one to be replaced.");
  expect_refusal([&] { atomic_file file("/dev/null"); }, "The file /dev/null is not a regular file");
  expect_refusal([&] { atomic_file file(folder.path() / "absent" / "file"); },
                 "absent/file cannot be created: No such file or directory.");
  std::filesystem::create_symlink("loop", folder.path() / "loop");
  expect_refusal([&] { atomic_file file(folder.path() / "loop"); }, "is the start of over 40 symbolic links.");
  EXPECT_EQ(folder.names(), (std::set<std::string>{"loop"}));
}

}  // namespace
