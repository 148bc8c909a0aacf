// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A terminal without a screen: what a program writes to it can be read back.
#pragma once

#include <cstdio>
#include <stdexcept>
#include <string>

#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <fcntl.h>

namespace tilery_examples {

/// A terminal of `columns` columns; `output()` writes to it.
class pseudo_terminal {
public:
  explicit pseudo_terminal(unsigned short columns) {
    int terminal = -1;
    if (openpty(&keyboard_, &terminal, nullptr, nullptr, nullptr) != 0)
      throw std::runtime_error("No terminal can be opened.");
    fcntl(keyboard_, F_SETFL, O_NONBLOCK);
    output_ = fdopen(terminal, "w");
    resize(columns);
  }
  ~pseudo_terminal() {
    std::fclose(output_);
    close(keyboard_);
  }
  pseudo_terminal(const pseudo_terminal&) = delete;
  pseudo_terminal& operator=(const pseudo_terminal&) = delete;

  std::FILE* output() const { return output_; }

  void resize(unsigned short columns) const {
    const winsize size{24, columns, 0, 0};
    ioctl(keyboard_, TIOCSWINSZ, &size);
  }

  /// What was written since the last call.
  std::string shown() const {
    std::string text;
    char piece[4096];
    for (ssize_t got; (got = read(keyboard_, piece, sizeof piece)) > 0;)
      text.append(piece, static_cast<std::size_t>(got));
    return text;
  }

private:
  int keyboard_ = -1;
  std::FILE* output_ = nullptr;
};

}  // namespace tilery_examples
