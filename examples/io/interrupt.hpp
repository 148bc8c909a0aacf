// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Ctrl-C asks a training loop to stop after the current step and to save what it has; a second one ends the program.
// The handler only stores the signal's number, which is all that a handler may safely do.
#pragma once

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <string>

#include <tilery/core/error.hpp>

namespace tilery_examples {

/// The number of the first signal that asked to stop, 0 before that.
inline std::atomic<int> interrupt_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may touch lock-free atomics alone");

/// True once SIGINT or SIGTERM has arrived under an `interrupt_guard`, and until the next outermost guard begins.
inline bool interrupted() noexcept { return interrupt_signal.load(std::memory_order_relaxed) != 0; }

/// Stores the first signal; at a further one restores the system's action, which ends the program, and raises it again.
inline void on_interrupt(int signal) {
  const int saved_errno = errno;
  int none = 0;
  if (!interrupt_signal.compare_exchange_strong(none, signal)) {
    struct sigaction ending = {};
    ending.sa_handler = SIG_DFL;
    sigaction(signal, &ending, nullptr);
    raise(signal);  // blocked while this handler runs, delivered when it returns
  }
  errno = saved_errno;
}

/// While it lives, SIGINT and SIGTERM set `interrupted()` instead of ending the program; its end restores the handlers
/// that were there before. A signal that the program was started to ignore, as nohup does, stays ignored.
/// Guards may nest if the inner ends first. Throws `tilery::error` when a handler cannot be installed.
class interrupt_guard {
public:
  explicit interrupt_guard(tilery::where at = {}) {
    if (depth++ == 0) interrupt_signal = 0;
    for (std::size_t i = 0; i < signals.size(); ++i) {
      struct sigaction ours = {};
      ours.sa_handler = &on_interrupt;
      ours.sa_flags = SA_RESTART;  // a read or write in progress goes on
      sigemptyset(&ours.sa_mask);
      const bool asked = sigaction(signals[i], nullptr, &previous_[i]) == 0;
      if (!asked || (previous_[i].sa_handler != SIG_IGN && sigaction(signals[i], &ours, nullptr) != 0)) {
        const std::string reason = std::strerror(errno);
        restore(i);
        throw tilery::error("The handler of signal " + std::to_string(signals[i]) + " cannot be installed: " + reason +
                                ".",
                            at);
      }
    }
  }
  ~interrupt_guard() { restore(signals.size()); }
  interrupt_guard(const interrupt_guard&) = delete;
  interrupt_guard& operator=(const interrupt_guard&) = delete;

private:
  static constexpr std::array<int, 2> signals{SIGINT, SIGTERM};
  inline static std::atomic<int> depth = 0;

  void restore(std::size_t installed) noexcept {
    for (std::size_t i = 0; i < installed; ++i) sigaction(signals[i], &previous_[i], nullptr);
    --depth;
  }

  std::array<struct sigaction, 2> previous_{};
};

}  // namespace tilery_examples
