// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The number of threads in a container, read from the files that Linux shows there.
#include "tests/examples/temporary_folder.hpp"

#include <tilery/simt/host_threads.hpp>

#include <gtest/gtest.h>
#include <filesystem>
#include <fstream>

namespace {

using namespace tilery;

/// A machine's files.
class machine {
public:
  void write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = root() + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  std::string root() const { return folder_.path().string(); }
  int limit() const { return cgroup::cpu_limit(root().c_str()); }

private:
  tilery_examples::temporary_folder folder_;
};

TEST(host_threads, a_container_of_version_2_has_its_limit_at_the_mount) {
  machine m;
  m.write("/proc/self/cgroup", "0::/\n");
  m.write("/sys/fs/cgroup/cpu.max", "200000 100000\n");
  EXPECT_EQ(m.limit(), 2);
  m.write("/sys/fs/cgroup/cpu.max", "150000 100000\n");
  EXPECT_EQ(m.limit(), 2) << "a part of a core is one";
  m.write("/sys/fs/cgroup/cpu.max", "5000 100000\n");
  EXPECT_EQ(m.limit(), 1);
  m.write("/sys/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_EQ(m.limit(), 0);
}

TEST(host_threads, the_least_limit_of_the_group_and_of_those_above_it_counts) {
  machine m;
  m.write("/proc/self/cgroup", "0::/system.slice/trainer.service/run\n");
  EXPECT_EQ(m.limit(), 0) << "no group has files";
  m.write("/sys/fs/cgroup/system.slice/cpu.max", "300000 100000\n");
  m.write("/sys/fs/cgroup/system.slice/trainer.service/cpu.max", "max 100000\n");
  m.write("/sys/fs/cgroup/system.slice/trainer.service/run/cpu.max", "800000 100000\n");
  EXPECT_EQ(m.limit(), 3);
  m.write("/sys/fs/cgroup/system.slice/trainer.service/run/cpu.max", "100000 100000\n");
  EXPECT_EQ(m.limit(), 1);
}

TEST(host_threads, version_1_has_a_file_for_the_quota_and_one_for_the_period) {
  machine m;
  m.write("/proc/self/cgroup",
          "12:memory:/docker/1\n4:cpu,cpuacct:/docker/1\n1:name=systemd:/docker/1\n0::/docker/1\n");
  m.write("/sys/fs/cgroup/cpu/docker/1/cpu.cfs_quota_us", "-1\n");
  m.write("/sys/fs/cgroup/cpu/docker/1/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(m.limit(), 0);
  m.write("/sys/fs/cgroup/cpu/docker/1/cpu.cfs_quota_us", "400000\n");
  EXPECT_EQ(m.limit(), 4);
  m.write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n");
  m.write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "50000\n");
  EXPECT_EQ(m.limit(), 4) << "the mount's own limit is the same";
}

TEST(host_threads, files_that_say_nothing_are_no_limit) {
  machine m;
  EXPECT_EQ(m.limit(), 0);
  for (const char* groups : {"", "\n", "0", "0:", "0::", "0::x", "::/", ":cpu", "4:cpu", "4:cpu:"}) {
    m.write("/proc/self/cgroup", groups);
    EXPECT_EQ(m.limit(), 0) << groups;
  }
  m.write("/proc/self/cgroup", "0::/" + std::string(9000, 'x'));
  EXPECT_EQ(m.limit(), 0);
  m.write("/proc/self/cgroup", "0::/");
  for (const char* limit : {"", "max", "-5 100000", "0 100000", "100000", "100000 0", "100000 -1", "junk",
                            "9223372036854775807 1", "99999999999999999999999 100000"}) {
    m.write("/sys/fs/cgroup/cpu.max", limit);
    EXPECT_GE(m.limit(), 0) << limit;
    EXPECT_LE(m.limit(), 1 << 20) << limit;
  }
}

TEST(host_threads, here_it_is_at_least_one) { EXPECT_GE(host_threads(), 1); }

}  // namespace
