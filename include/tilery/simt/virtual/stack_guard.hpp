// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Turns a lane's stack overflow into a fault of the kernel. A lane that runs out of stack accesses the guard pages
// below its stack, and the operating system sends SIGSEGV. The handler of this signal abandons the lane and calls
// its block on a spare stack. Other segmentation faults are handled as before. This works on Linux on x86-64 and
// AArch64. Elsewhere, and under AddressSanitizer, a stack overflow ends the program.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <ucontext.h>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// The object that knows this thread's guard pages. The signal's handler asks it about an address that cannot be
/// accessed. `block` derives from it.
struct stack_owner {
  virtual ~stack_owner() = default;
  /// True if the address is in the guard pages of one of its stacks.
  virtual bool guards(const void* address) const = 0;
  /// Called on a spare stack, in place of the code that has overflowed its own. Does not return.
  [[noreturn]] virtual void overflowed(const void* address) = 0;
};

inline thread_local stack_owner* guarded = nullptr;

#if (defined(__x86_64__) || defined(__aarch64__)) && !defined(TILERY_ASAN_FIBERS)

/// Handles stack overflows on this thread for as long as this object lives.
class stack_guard {
public:
  stack_guard() : stacks_(new std::byte[2 * stack_bytes]) {
    stack_t own = {};
    own.ss_sp = stacks_.get(), own.ss_size = stack_bytes;
    sigaltstack(&own, &before_);
    spare_top() = stacks_.get() + 2 * stack_bytes;
    const std::lock_guard lock(installation().mutex);
    if (installation().users++ > 0) return;
    struct sigaction action = {};
    action.sa_sigaction = &stack_guard::on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, &installation().before);
  }
  stack_guard(const stack_guard&) = delete;
  ~stack_guard() {
    {
      const std::lock_guard lock(installation().mutex);
      if (--installation().users == 0) sigaction(SIGSEGV, &installation().before, nullptr);
    }
    if (before_.ss_flags & SS_ONSTACK) before_.ss_flags = 0;
    sigaltstack(&before_, nullptr);
  }

private:
  static constexpr std::size_t stack_bytes = 64 * 1024;

  struct installed {
    std::mutex mutex;
    int users = 0;
    struct sigaction before = {};
  };
  static installed& installation() {
    static installed one;
    return one;
  }
  static std::byte*& spare_top() {
    static thread_local std::byte* top = nullptr;
    return top;
  }
  static const void*& address_in_question() {
    static thread_local const void* address = nullptr;
    return address;
  }

  static void on_fault(int signal, siginfo_t* info, void* context) {
    if (!guarded || !guarded->guards(info->si_addr)) {
      hand_on(signal, info, context);
      return;
    }
    address_in_question() = info->si_addr;
    auto& machine = static_cast<ucontext_t*>(context)->uc_mcontext;
    const auto top = reinterpret_cast<std::uintptr_t>(spare_top()) / 16 * 16 - 256;
#if defined(__x86_64__)
    machine.gregs[REG_RSP] = static_cast<greg_t>(top - 8);  // aligned as after a call instruction
    machine.gregs[REG_RIP] = static_cast<greg_t>(reinterpret_cast<std::uintptr_t>(&stack_guard::go_on));
#else
    machine.sp = top;
    machine.pc = reinterpret_cast<std::uintptr_t>(&stack_guard::go_on);
#endif
  }
  static void go_on() { guarded->overflowed(address_in_question()); }

  /// Passes the signal to the handler that was installed before.
  static void hand_on(int signal, siginfo_t* info, void* context) {
    const struct sigaction& before = installation().before;
    if (before.sa_flags & SA_SIGINFO)
      before.sa_sigaction(signal, info, context);
    else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
      before.sa_handler(signal);
    else
      sigaction(SIGSEGV, &before, nullptr);  // the instruction is repeated, and the signal now ends the program
  }

  std::unique_ptr<std::byte[]> stacks_;
  stack_t before_ = {};
};

#else

struct stack_guard {
  stack_guard() {}
};

#endif

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
