// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A file that appears whole or not at all: written under a temporary name in the same folder, forced to the disk,
// then renamed over the target. Whatever goes wrong before that leaves the old target as it was. A writer that is
// killed leaves its temporary file; the next one in the folder removes it.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tilery/core/error.hpp>

namespace tilery_examples {

/// Writes a new content of `target`, which takes its place at `commit` and is thrown away without one.
/// A target that is a symbolic link stays one: the file that it names is replaced, and keeps its permissions.
/// Every failure throws `tilery::error` with the file's name, the system's reason and the place `at`.
class atomic_file {
public:
  /// Creates the temporary file, and removes those of writers that were killed. The folder must exist; the target must
  /// be a regular file where it exists.
  explicit atomic_file(const std::filesystem::path& target, tilery::where at = {}) : target_(target), at_(at) {
    follow_links();
    struct stat old = {};
    const bool exists = ::stat(target_.c_str(), &old) == 0;
    if (exists && !S_ISREG(old.st_mode)) refuse("is not a regular file, but must be one to be replaced.");
    remove_abandoned();
    create();
    if (exists && ::fchmod(descriptor_, old.st_mode & 07777) != 0) abandon("cannot keep its permissions");
  }
  ~atomic_file() { discard(); }
  atomic_file(const atomic_file&) = delete;
  atomic_file& operator=(const atomic_file&) = delete;

  /// Appends all of `bytes`.
  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) abandon("cannot be written");
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  }
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }

  /// Forces the content to the disk and puts it in the target's place. Nothing may be written after it.
  void commit() {
    if (::fsync(descriptor_) != 0) abandon("cannot be forced to the disk");
    const int closed = ::close(descriptor_);
    descriptor_ = -1;
    if (closed != 0 && errno != EINTR) abandon("cannot be closed");
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) abandon("cannot be replaced");
    temporary_.clear();
    const std::filesystem::path folder = folder_of_target();
    const int entry = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool kept = entry >= 0 && (::fsync(entry) == 0 || errno == EINVAL);  // some file systems cannot sync folders
    const int reason = errno;
    if (entry >= 0) ::close(entry);
    if (!kept)
      refuse(std::string("is written, but its folder cannot be forced to the disk: ") + std::strerror(reason) + ".");
  }

  /// The open temporary file, for a child process to write to.
  int descriptor() const { return descriptor_; }
  /// The temporary file's path; empty after `commit`.
  const std::filesystem::path& temporary() const { return temporary_; }

private:
  std::filesystem::path folder_of_target() const {
    return target_.has_parent_path() ? target_.parent_path() : std::filesystem::path(".");
  }

  void follow_links() {
    constexpr int most_links = 40;  // Linux's own limit
    std::error_code trouble;
    for (int links = 0; std::filesystem::is_symlink(target_, trouble); ++links) {
      if (links == most_links) refuse("is the start of over " + std::to_string(most_links) + " symbolic links.");
      const std::filesystem::path named = std::filesystem::read_symlink(target_, trouble);
      if (trouble) refuse("is a symbolic link that cannot be read: " + trouble.message() + ".");
      target_ = folder_of_target() / named;  // an absolute path replaces the folder
    }
  }

  // A writer holds a lock on its file, which ends with the process however that ends: a file that can be locked has
  // lost its writer. A folder that cannot be listed, or a file system without locks, keeps what it has.
  void remove_abandoned() const {
    std::error_code trouble;
    for (std::filesystem::directory_iterator entry(folder_of_target(), trouble), end; !trouble && entry != end;
         entry.increment(trouble)) {
      const std::string name = entry->path().filename().string();
      if (!name.starts_with(prefix) || !name.ends_with(suffix)) continue;
      const int abandoned = ::open(entry->path().c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
      if (abandoned < 0) continue;
      if (::flock(abandoned, LOCK_EX | LOCK_NB) == 0) ::unlink(entry->path().c_str());
      ::close(abandoned);
    }
  }

  void create() {
    std::random_device random;
    do {
      temporary_ = folder_of_target() / (prefix + std::to_string(random()) + suffix);
      descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while ((descriptor_ < 0 && (errno == EEXIST || errno == EINTR)) || was_taken_for_abandoned());
    if (descriptor_ < 0) {
      const std::string reason = std::strerror(errno);
      temporary_.clear();
      refuse("cannot be created: " + reason + ".");
    }
  }

  // Locks the new file. Between its creation and its lock another writer may have locked and removed it.
  bool was_taken_for_abandoned() {
    if (descriptor_ < 0) return false;
    struct stat now = {};
    const bool is_taken = ::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (!is_taken && ::fstat(descriptor_, &now) == 0 && now.st_nlink > 0) return false;
    discard();
    return true;
  }

  void discard() noexcept {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    descriptor_ = -1;
    temporary_.clear();
  }

  [[noreturn]] void abandon(const std::string& predicate) {
    const std::string reason = std::strerror(errno);
    discard();
    refuse(predicate + ": " + reason + ".");
  }
  [[noreturn]] void refuse(const std::string& predicate) const {
    throw tilery::error("The file " + target_.string() + " " + predicate, at_);
  }

  static constexpr const char *prefix = ".tilery_", *suffix = ".part";

  std::filesystem::path target_, temporary_;
  tilery::where at_;
  int descriptor_ = -1;
};

}  // namespace tilery_examples
