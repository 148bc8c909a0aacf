// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Static objects that call ops in their constructors and destructors: before the pool of threads and the kept memory
// exist, and after their end. Freed memory is overwritten, so that what is used after its end is noticed. Exit status 1
// where a result is wrong.
#include <tilery/cpu.hpp>
#include <tilery/gemm.hpp>
#include <tilery/virtual_gpu.hpp>

#include <malloc.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

void* operator new(std::size_t bytes) {
  if (void* memory = std::malloc(bytes ? bytes : 1)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  if (memory) std::memset(memory, 0xee, malloc_usable_size(memory));
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  const auto unit = static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory, std::align_val_t) noexcept { operator delete(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { operator delete(memory); }

namespace {

/// Whether a product of ones is right, by packed kernels that take workspace and share out their work.
template <class Executor>
bool multiplies(const Executor& executor, int n) {
  std::vector<float> ones(static_cast<std::size_t>(n) * n, 1.0f), c(ones.size());
  const auto square = [n](std::vector<float>& v) { return tilery::matrix(v.data(), n, n); };
  tilery::gemm(executor, square(ones), square(ones), square(c));
  for (const float x : c)
    if (x != static_cast<float>(n)) return false;
  return true;
}

void check(const char* when) {
  const bool right = multiplies(tilery::cpu(4), 300) && multiplies(tilery::unchecked_virtual_gpu(), 40);
  std::printf("%s: %s\n", when, right ? "right" : "wrong");
  std::fflush(stdout);
  if (!right) std::_Exit(1);
}

/// Does something at the end of its life.
struct at_end {
  const char* when;
  ~at_end() { check(when); }
};

at_end last{"after the pool's end"};  // begins before the pool, so it ends after it
thread_local at_end of_thread{"at the end of a thread, after its kept memory"};

struct at_begin {
  at_begin() { check("before main"); }
} first;

}  // namespace

int main() {
  check("in main");
  std::thread([] {
    std::printf("a thread: %s\n", of_thread.when);  // begins before the thread's kept memory
    check("in a thread");
  }).join();
}
