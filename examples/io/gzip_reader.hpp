// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reads a file front to back, unpacking it on the way when it is gzipped.
// zlib tells a packed file from a plain one by its first two bytes.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

#include <zlib.h>

#include <tilery/core/error.hpp>

namespace tilery_examples {

/// A file that is read front to back, gzipped or not. What follows a gzip stream is ignored, as gzip does.
class gzip_reader {
public:
  /// Opens `path`. Each sentence about the file begins with `kind` and its path, such as "The IDX file digits.gz",
  /// and ends with the place `at`. Throws `tilery::error` when the file cannot be opened.
  gzip_reader(const std::filesystem::path& path, const std::string& kind, tilery::where at)
      : path_(path.string()), subject_("The " + kind + " " + path_), at_(at), file_(nullptr, &gzclose_r) {
    errno = 0;
    file_.reset(gzopen(path.c_str(), "rb"));
    if (file_ == nullptr) refuse("cannot be opened: " + system_reason() + ".");
    gzbuffer(file_.get(), 1U << 17);
  }

  /// Reads up to `count` bytes, at most 2^30, and returns how many there were; fewer means that the file ends there.
  /// Throws `tilery::error` when the file cannot be read, or is gzipped and damaged or cut off.
  std::size_t read(std::uint8_t* destination, std::size_t count) {
    errno = 0;
    const int got = gzread(file_.get(), destination, static_cast<unsigned>(count));
    int code = Z_OK;
    const char* reason = gzerror(file_.get(), &code);
    if (code == Z_ERRNO) refuse("cannot be read: " + system_reason() + ".");
    if (code == Z_BUF_ERROR) refuse("ends in the middle of its gzip stream, but must hold all of it.");
    if (got < 0 || code != Z_OK) refuse("has a damaged gzip stream: " + without_path(reason) + ".");
    return static_cast<std::size_t>(got);
  }

  /// Throws `tilery::error` with a sentence made of the file's name and `predicate`.
  [[noreturn]] void refuse(const std::string& predicate) const { throw tilery::error(subject_ + " " + predicate, at_); }

private:
  /// zlib sets no errno when it runs out of memory.
  static std::string system_reason() { return std::strerror(errno != 0 ? errno : ENOMEM); }

  /// zlib begins its reasons with the path, which the sentence has already.
  std::string without_path(const std::string& reason) const {
    return reason.starts_with(path_ + ": ") ? reason.substr(path_.size() + 2) : reason;
  }

  std::string path_, subject_;
  tilery::where at_;
  std::unique_ptr<gzFile_s, int (*)(gzFile)> file_;
};

}  // namespace tilery_examples
