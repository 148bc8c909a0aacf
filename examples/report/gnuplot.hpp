// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Draws with the gnuplot program: the script goes in through an unnamed file, the picture comes out through a
// descriptor. There is no shell in between, so that no path or title needs a shell's quoting.
#pragma once

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tilery/core/error.hpp>

namespace tilery_examples {

/// Text as a gnuplot string in double quotes; control characters become spaces.
inline std::string gnuplot_string(std::string_view text) {
  std::string quoted = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') quoted += '\\';
    quoted += static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f ? ' ' : letter;
  }
  return quoted + '"';
}

/// Runs `script` and sends what gnuplot prints to the open file `output`. Returns false when gnuplot is not on PATH.
/// Throws `tilery::error` when gnuplot cannot be run or refuses the script, with the first line of its complaint.
inline bool run_gnuplot(const std::string& script, int output, tilery::where at = {}) {
  const auto refuse = [at](const std::string& predicate) { throw tilery::error("gnuplot " + predicate, at); };
  const auto unnamed_file = [&] {
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), &std::fclose);
    if (file == nullptr)
      refuse(std::string("needs a temporary file, which cannot be created: ") + std::strerror(errno) + ".");
    return file;
  };
  const auto input = unnamed_file(), complaints = unnamed_file();
  if (std::fwrite(script.data(), 1, script.size(), input.get()) != script.size() || std::fflush(input.get()) != 0)
    refuse(std::string("cannot be given its script: ") + std::strerror(errno) + ".");
  std::rewind(input.get());

  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, fileno(input.get()), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, fileno(complaints.get()), STDERR_FILENO);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);  // ctrl-C asks the trainer to stop, not gnuplot
  char program[] = "gnuplot", default_settings[] = "-d";         // a user's own settings must not change the picture
  char* arguments[] = {program, default_settings, nullptr};
  pid_t child = 0;
  const int failed = posix_spawnp(&child, program, &files, &attributes, arguments, environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (failed == ENOENT) return false;
  if (failed != 0) refuse(std::string("cannot be started: ") + std::strerror(failed) + ".");

  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) refuse(std::string("cannot be waited for: ") + std::strerror(errno) + ".");
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
  char line[512] = "";
  std::rewind(complaints.get());
  const char* reason = nullptr;  // gnuplot quotes the faulty command first, then says "line 3: ..."
  while (reason == nullptr && std::fgets(line, sizeof line, complaints.get()) != nullptr)
    reason = std::strstr(line, "line ");
  line[std::strcspn(line, "\n")] = '\0';
  refuse(WIFSIGNALED(status) ? "was ended by signal " + std::to_string(WTERMSIG(status)) + "."
                             : "refuses its script with the status " + std::to_string(WEXITSTATUS(status)) + ": " +
                                   (reason != nullptr ? reason : "it does not say why."));
  return false;
}

}  // namespace tilery_examples
