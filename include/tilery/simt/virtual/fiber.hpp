// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A fiber: the stack and the registers of one lane of the virtual GPU. A host thread runs many lanes in turn;
// Boost.Context switches between their fibers. In a build with AddressSanitizer (TILERY_ASAN_FIBERS), each switch is
// announced to the sanitizer. Below each stack is a guard region that cannot be accessed. All translation units of a
// program that have one TILERY_ABI (the inline namespace of this library) share one pool of stacks. The first frames of
// neighbouring lanes are placed in different cache sets.
#pragma once
#pragma GCC system_header

#include <tilery/core/error.hpp>

#include <sys/mman.h>
#include <boost/context/detail/fcontext.hpp>
#include <cstddef>
#include <mutex>
#include <vector>

#ifdef TILERY_ASAN_FIBERS
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// A pool of stacks of one size. Used stacks are reused, because the first access to a fresh page is expensive.
class stack_pool {
public:
#ifdef TILERY_ASAN_FIBERS
  static constexpr std::size_t bytes = 256 * 1024;  // the sanitizer's red zones make frames larger
#else
  static constexpr std::size_t bytes = 64 * 1024;
#endif

  static constexpr std::size_t guard_bytes = 64 * 1024;  // a larger stack frame may reach past the guard unnoticed

  /// Returns the lowest address of `bytes` usable bytes; the guard is below that address.
  std::byte* take() {
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        std::byte* stack = free_.back();
        free_.pop_back();
        return stack;
      }
    }
    void* memory =
        mmap(nullptr, bytes + guard_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    // a stack and its guard are two memory mappings, and Linux by default allows 65530 per process (vm.max_map_count)
    if (memory == MAP_FAILED || mprotect(memory, guard_bytes, PROT_NONE) != 0)
      throw error(
          "virtual_gpu: no memory for the stack of one more lane; it must have at most some 32000 lanes waiting at "
          "once, so lower resident_blocks");
    return static_cast<std::byte*>(memory) + guard_bytes;
  }

  void give_back(std::byte* stack) {
    const std::lock_guard lock(mutex_);
    free_.push_back(stack);
  }

private:
  std::mutex mutex_;
  std::vector<std::byte*> free_;
};

/// The pool of all translation units with this TILERY_ABI. It is never destroyed, because destructors of static objects
/// may launch kernels.
inline stack_pool& stacks() {
  static stack_pool& pool = *new stack_pool;
  return pool;
}

/// One thread of execution, running or suspended: a lane after prepare(), otherwise the host thread that runs the
/// lanes.
class fiber {
public:
  using entry = void (*)(void* argument);

  fiber() = default;
  fiber(const fiber&) = delete;
  fiber& operator=(const fiber&) = delete;
  ~fiber() {
    if (stack_) stacks().give_back(stack_);
  }

  /// Prepares the fiber to run start(argument) at the first switch to it. `start` must not return; it ends by
  /// leave_to(). `offset` is the lane's rank in its block: the first frame is (offset mod 29) * 128 bytes below the top
  /// of the stack. All stacks begin at page boundaries, so without this shift the first frames of all lanes would be in
  /// the same sets of an L1 cache.
  void prepare(entry start, void* argument, int offset) {
    if (!stack_) stack_ = stacks().take();
    start_ = start;
    argument_ = argument;
    const std::size_t shift = static_cast<std::size_t>(offset % 29) * 128;  // in bytes: 0 to 3584
    std::byte* top = stack_ + stack_pool::bytes - shift;
#ifdef TILERY_ASAN_FIBERS
    __asan_unpoison_memory_region(stack_, stack_pool::bytes);  // a lane that was ended early leaves poisoned frames
#endif
    context_ = boost::context::detail::make_fcontext(top, stack_pool::bytes - shift, &fiber::first);
  }

  /// Switches from this fiber, which is running, to `other`. Returns when some fiber switches back to this one.
  void switch_to(fiber& other) {
    passage between{this, &other};
#ifdef TILERY_ASAN_FIBERS
    __sanitizer_start_switch_fiber(&fake_stack_, other.bottom(), other.size());
#endif
    arrived(boost::context::detail::jump_fcontext(other.context_, &between));
#ifdef TILERY_ASAN_FIBERS
    __sanitizer_finish_switch_fiber(fake_stack_, nullptr, nullptr);
#endif
  }

  /// Switches from this fiber to `other` for the last time: this fiber is not resumed before its next prepare().
  [[noreturn]] void leave_to(fiber& other) {
    passage between{this, &other};
#ifdef TILERY_ASAN_FIBERS
    __sanitizer_start_switch_fiber(nullptr, other.bottom(), other.size());
#endif
    boost::context::detail::jump_fcontext(other.context_, &between);
    __builtin_unreachable();
  }

  /// True if the address is in the guard below this fiber's stack.
  bool guards(const void* address) const {
    const auto* at = static_cast<const std::byte*>(address);
    return stack_ && at < stack_ && at >= stack_ - stack_pool::guard_bytes;
  }

  /// Stores the bounds of the host thread's stack for AddressSanitizer; does nothing in other builds. Call it once on
  /// the fiber that stands for the host thread, before the first switch away from this fiber.
  void be_thread() {
#ifdef TILERY_ASAN_FIBERS
    // the sanitizer must be given the bounds of the thread's own stack at a switch back to the thread
    pthread_attr_t attributes;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &thread_bottom_, &thread_size_);
    pthread_attr_destroy(&attributes);
#endif
  }

private:
  /// The two fibers of a switch. The fiber that is switched to receives the passage's address from Boost.Context.
  struct passage {
    fiber* from;
    fiber* to;
  };

  /// Called in the fiber that was switched to: stores the suspended context in the fiber that was left. Returns the
  /// running fiber.
  static fiber* arrived(boost::context::detail::transfer_t arrival) {
    auto* between = static_cast<passage*>(arrival.data);
    between->from->context_ = arrival.fctx;
    return between->to;
  }

  /// The first function on a new stack.
  static void first(boost::context::detail::transfer_t arrival) {
    fiber* self = arrived(arrival);
#ifdef TILERY_ASAN_FIBERS
    __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
#endif
    self->start_(self->argument_);
  }

#ifdef TILERY_ASAN_FIBERS
  const void* bottom() const { return stack_ ? stack_ : thread_bottom_; }
  std::size_t size() const { return stack_ ? stack_pool::bytes : thread_size_; }
  void* fake_stack_ = nullptr;
  void* thread_bottom_ = nullptr;
  std::size_t thread_size_ = 0;
#endif
  boost::context::detail::fcontext_t context_ = nullptr;
  std::byte* stack_ = nullptr;
  entry start_ = nullptr;
  void* argument_ = nullptr;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
