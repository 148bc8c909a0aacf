// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Computes how many host threads this process should use: the number of cores that it may run on, but not more than the
// processor time of its container allows. (`docker run --cpus 2` leaves all cores of the machine visible, and stops all
// threads of the container for the rest of a period, as soon as they have used two cores' time of the period.)
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace tilery::inline TILERY_ABI {

/// Reads Linux's control groups, in which a container or a service manager sets limits.
namespace cgroup {

/// Reads a file's first Size - 1 bytes as text. Returns false if the file cannot be read or is empty.
template <int Size>
bool read_file(const char* path, char (&text)[Size]) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const auto size = read(file, text, Size - 1);
  close(file);
  text[size > 0 ? size : 0] = '\0';
  return size > 0;
}

/// Returns quota / period, rounded up: the number of cores that use up a quota of processor time in each period. 0
/// means no limit.
constexpr int cores_of(long long quota, long long period) {
  if (quota <= 0 || period <= 0) return 0;
  const long long cores = quota / period + (quota % period > 0);
  return cores < 1 << 20 ? static_cast<int>(cores) : 0;
}

/// Returns the limit, in cores, that the folder of one group sets; 0 means no limit. Version 2 of control groups has
/// the file cpu.max with "QUOTA PERIOD" or "max PERIOD"; version 1 has one file for the quota and one for the period.
inline int limit_of_folder(const char* folder, bool version_1) {
  char path[4200], text[64], period[64];
  const auto read_in = [&](const char* name, char(&into)[64]) {
    const int length = std::snprintf(path, sizeof(path), "%s/%s", folder, name);
    return length > 0 && length < static_cast<int>(sizeof(path)) && read_file(path, into);
  };
  if (version_1)
    return read_in("cpu.cfs_quota_us", text) && read_in("cpu.cfs_period_us", period)
               ? cores_of(std::atoll(text), std::atoll(period))
               : 0;
  if (!read_in("cpu.max", text)) return 0;
  char* rest = nullptr;
  const long long quota = std::strtoll(text, &rest, 10);  // 0 for "max"
  return cores_of(quota, std::atoll(rest));
}

/// Returns the smallest limit, in cores, of a group and of all groups above it; 0 means no limit. `group` begins with a
/// slash, and is overwritten.
inline int limit_of_group(const char* mount, char* group, bool version_1) {
  int least = 0;
  for (;;) {
    char folder[4100];
    const int length = std::snprintf(folder, sizeof(folder), "%s%s", mount, group);
    if (length > 0 && length < static_cast<int>(sizeof(folder)))
      if (const int limit = limit_of_folder(folder, version_1); limit > 0 && (least == 0 || limit < least))
        least = limit;
    char* last = std::strrchr(group, '/');
    if (!last) return least;
    *last = '\0';  // the group above; the mount itself is the last one
  }
}

/// Returns the limit of this process's processor time, in cores; 0 means no limit. `root` is put before each path: ""
/// on a real machine, a folder in tests.
inline int cpu_limit(const char* root) {
  char path[4100], groups[4096], mount[4100];
  const auto below_root = [root](char(&to)[4100], const char* name) {
    std::snprintf(to, sizeof(to), "%s%s", root, name);
    return to;
  };
  if (!read_file(below_root(path, "/proc/self/cgroup"), groups)) return 0;
  int least = 0;
  const auto take = [&least](int limit) {
    if (limit > 0 && (least == 0 || limit < least)) least = limit;
  };
  char* next = groups;
  while (char* line = strsep(&next, "\n")) {  // NUMBER:CONTROLLERS:/GROUP
    char* const controllers = std::strchr(line, ':');
    char* const end = controllers ? std::strchr(controllers + 1, ':') : nullptr;
    if (!end || end[1] != '/') continue;
    *end = '\0';
    char* const group = end + 1;
    if (controllers[1] == '\0') {
      take(limit_of_group(below_root(mount, "/sys/fs/cgroup"), group, false));
      continue;
    }
    char* names = controllers + 1;
    while (const char* name = strsep(&names, ","))
      if (std::strcmp(name, "cpu") == 0) {
        take(limit_of_group(below_root(mount, "/sys/fs/cgroup/cpu"), group, true));
        break;
      }
  }
  return least;
}

}  // namespace cgroup

/// Returns the number of cores that this process may run on, or its control group's limit if that is smaller. The limit
/// is read once.
inline int host_threads() {
  static const int limit = cgroup::cpu_limit("");
  cpu_set_t allowed;
  int cores = static_cast<int>(std::thread::hardware_concurrency());
  if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) cores = CPU_COUNT(&allowed);
  if (cores < 1) cores = 1;
  return limit > 0 && limit < cores ? limit : cores;
}

}  // namespace tilery::inline TILERY_ABI
