// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Turns a stack overflow of a lane on the virtual GPU into a fault of the kernel. A lane runs on a stack of its own (a
// fiber, fiber.hpp). A lane that runs out of stack accesses the guard pages below its stack (unless its stack frame is
// so large that it skips these pages), and the operating system sends SIGSEGV. The signal handler here then abandons
// the lane, and continues on a spare stack with stack_owner::overflowed(), which reports the fault. Other segmentation
// faults go to the handler that was installed before. This works on Linux on x86-64 and AArch64. Elsewhere, and under
// AddressSanitizer, a stack overflow ends the program.
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

/// The interface of `block` (block.hpp) for the signal handler: a block knows the guard pages of its lanes' stacks.
struct stack_owner {
  virtual ~stack_owner() = default;
  /// True if the address is in the guard pages of one of this object's stacks.
  virtual bool guards(const void* address) const = 0;
  /// Called after a stack overflow, on a spare stack. `address`: the address in the guard pages. Does not return,
  /// because the code that has overflowed its stack cannot continue.
  [[noreturn]] virtual void overflowed(const void* address) = 0;
};

/// The block whose lanes run on this host thread now; null if none does.
inline thread_local stack_owner* guarded = nullptr;

#if (defined(__x86_64__) || defined(__aarch64__)) && !defined(TILERY_ASAN_FIBERS)

/// Handles stack overflows on this host thread for as long as this object lives.
class stack_guard {
public:
  // The signal handler needs a stack of its own, because the lane's stack is full. The first half of stacks_ is the
  // handler's stack, the second half is the spare stack. All threads of the program share one handler: the first of the
  // stack_guards that exist at once installs the handler, and the last one restores the previous handler.
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
    // sigaltstack() may have returned this flag, but POSIX does not allow the flag as an argument
    if (before_.ss_flags & SS_ONSTACK) before_.ss_flags = 0;
    sigaltstack(&before_, nullptr);
  }

private:
  static constexpr std::size_t stack_bytes = 64 * 1024;  // size of the handler's stack, and of the spare stack

  /// The state of the program's signal handler.
  struct installed {
    std::mutex mutex;
    int users = 0;                 // number of stack_guards that exist
    struct sigaction before = {};  // the handler that was installed before
  };
  static installed& installation() {
    static installed one;
    return one;
  }
  /// The address after the last byte of this thread's spare stack: the stack grows downwards from there.
  static std::byte*& spare_top() {
    static thread_local std::byte* top = nullptr;
    return top;
  }
  /// The address whose access caused this thread's last stack overflow.
  static const void*& address_in_question() {
    static thread_local const void* address = nullptr;
    return address;
  }

  /// The signal handler. After a stack overflow it changes the saved registers, so that the thread continues with
  /// go_on() on the spare stack when the handler returns.
  static void on_fault(int signal, siginfo_t* info, void* context) {
    if (!guarded || !guarded->guards(info->si_addr)) {
      hand_on(signal, info, context);
      return;
    }
    address_in_question() = info->si_addr;
    auto& machine = static_cast<ucontext_t*>(context)->uc_mcontext;
    // aligned to 16 bytes, with at least 256 unused bytes above
    const auto top = reinterpret_cast<std::uintptr_t>(spare_top()) / 16 * 16 - 256;
#if defined(__x86_64__)
    machine.gregs[REG_RSP] = static_cast<greg_t>(top - 8);  // aligned as after a call instruction
    machine.gregs[REG_RIP] = static_cast<greg_t>(reinterpret_cast<std::uintptr_t>(&stack_guard::go_on));
#else
    machine.sp = top;
    machine.pc = reinterpret_cast<std::uintptr_t>(&stack_guard::go_on);
#endif
  }
  /// Runs on the spare stack after the signal handler has returned.
  static void go_on() { guarded->overflowed(address_in_question()); }

  /// Passes the signal to the handler that was installed before; if there was none, ends the program.
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
  stack_t before_ = {};  // the alternate signal stack that this thread had before (sigaltstack)
};

#else

struct stack_guard {
  stack_guard() {}
};

#endif

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
