// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The host's parallel loop. The calling thread works, too, and waits only for helper threads that have begun to work:
// on a busy machine, a helper that gets no core costs nothing. (An OpenMP loop ends only after its last thread has
// woken up: a training run took 40 times as long while two compilers ran beside it. Thrust's loop is an OpenMP loop,
// too, and adds 4 to 7 s to the time in which nvcc compiles a unit.)
//
// These rules hold for every loop, and so for each call of an op on the cpu executor:
// - Host threads. Any number of host threads may run loops at once. One caller gets the helpers; each other caller runs
//   its loop alone.
// - Nested loops. A loop that is started inside a loop runs on its caller alone.
// - Affinity. The helpers may run on the processors that their caller may use, except for the one on which the caller
//   last started or woke helpers.
// - fork. A forked child has no helpers: its loops run on their callers alone.
// - Rounding, flush to zero. Each index runs under the floating-point mode of the caller.
// - Exceptions. The first exception reaches the caller after all threads have left the loop. The pool stays usable.
// - Memory. If memory for the helpers is missing, the loop runs on its caller alone. The next loop tries again.
// - Static objects. Their constructors and destructors may run loops: after the pool of helpers has ended, loops run on
//   their callers alone.
//
// Results do not depend on these rules: an op adds up each sum in the same order for any number of threads.
#pragma once
#pragma GCC system_header

#include <tilery/simt/helper_threads.hpp>

namespace tilery::inline TILERY_ABI {

/// Calls body(i) for each i in [0, n), on at most `threads` threads, in any order: results must not depend on the
/// order. If body throws, the first exception reaches the caller. The top of this file has the rules for calls from
/// several threads, and at the beginning and the end of a program.
template <class Body>
void parallel_for(int threads, std::int64_t n, const Body& body) {
  if (n < threads) threads = static_cast<int>(n);
  const auto call = [](const void* context, int, std::int64_t i) { (*static_cast<const Body*>(context))(i); };
  helper_threads::run(threads - 1, {.phases = 1, .n = {n}, .body = call, .context = &body});
}

/// Calls first(i) for each i in [0, n_first), then second(i) for each i in [0, n_second). No second(i) begins before
/// every first(i) has returned. Two calls of the function above would take about a microsecond longer: there the
/// threads leave the first loop, and join the second one.
template <class First, class Second>
void parallel_for(int threads, std::int64_t n_first, const First& first, std::int64_t n_second, const Second& second) {
  const std::int64_t most = n_first > n_second ? n_first : n_second;
  if (most < threads) threads = static_cast<int>(most);
  struct both {
    const First& first;
    const Second& second;
  };
  const both bodies{first, second};
  const auto call = [](const void* context, int phase, std::int64_t i) {
    const both& of = *static_cast<const both*>(context);
    phase == 0 ? of.first(i) : of.second(i);
  };
  helper_threads::run(threads - 1, {.phases = 2, .n = {n_first, n_second}, .body = call, .context = &bodies});
}

}  // namespace tilery::inline TILERY_ABI
