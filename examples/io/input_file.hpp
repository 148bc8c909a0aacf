// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A regular file that is read front to back in pieces of a known length.
// Its size is known before anything is read, so that a header's promises can be held against it.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tilery/core/error.hpp>

namespace tilery_examples {

/// An open regular file. Each sentence about it begins with `kind` and its path and ends with
/// the place `at`.
/// Every failure throws `tilery::error` with the system's reason.
class input_file {
public:
  input_file(const std::filesystem::path& path, const std::string& kind, tilery::where at)
      : subject_("The " + kind + " " + path.string()), at_(at) {
    descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe without a writer must not block
    if (descriptor_ < 0) refuse(std::string("cannot be opened: ") + std::strerror(errno) + ".");
    struct stat status = {};
    const bool known = ::fstat(descriptor_, &status) == 0;
    const int reason = errno;
    if (known && S_ISREG(status.st_mode)) {
      size_ = static_cast<std::uint64_t>(status.st_size);
      return;
    }
    ::close(descriptor_);
    refuse(known ? "is not a regular file, but must be one."
                 : std::string("cannot be examined: ") + std::strerror(reason) + ".");
  }
  ~input_file() { ::close(descriptor_); }
  input_file(const input_file&) = delete;
  input_file& operator=(const input_file&) = delete;

  /// The file's length in bytes when it was opened.
  std::uint64_t size() const { return size_; }

  /// Fills all of `destination` with the bytes that come next.
  void read(std::span<std::byte> destination) {
    while (!destination.empty()) {
      const ssize_t got = ::read(descriptor_, destination.data(), destination.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) refuse(std::string("cannot be read: ") + std::strerror(errno) + ".");
      if (got == 0)
        refuse("ends " + std::to_string(destination.size()) + " bytes early, but had " + std::to_string(size_) +
               " bytes when it was opened.");
      destination = destination.subspan(static_cast<std::size_t>(got));
    }
  }

  /// Throws `tilery::error` with a sentence made of the file's name and `predicate`.
  [[noreturn]] void refuse(const std::string& predicate) const { throw tilery::error(subject_ + " " + predicate, at_); }

private:
  std::string subject_;
  tilery::where at_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace tilery_examples
