// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The host's parallel loop. OpenMP where the unit is compiled with it, else one thread. Iterations are cut into
// consecutive ranges, so results do not depend on the number of threads.
//
// Thrust's loop would serve as well, but costs 4 to 7 seconds a unit under nvcc and takes no number of threads.
#pragma once

#include <tilery/core/annotations.hpp>

#include <cstdint>
#include <exception>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace tilery::inline TILERY_ABI {

/// Threads that the host's parallel loop can use.
inline int host_threads() {
#ifdef _OPENMP
  return omp_get_max_threads();
#else
  return 1;
#endif
}

/// body(i) for each i in [0, n), on at most `threads` threads. The first exception reaches the caller.
template <class Body>
void parallel_for(int threads, std::int64_t n, const Body& body) {
  if (n < threads) threads = static_cast<int>(n);
#ifdef _OPENMP
  if (threads > 1) {
    std::exception_ptr failure;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (std::int64_t i = 0; i < n; ++i) {
      try {
        body(i);
      } catch (...) {
#pragma omp critical(tilery_parallel_for)
        if (!failure) failure = std::current_exception();
      }
    }
    if (failure) std::rethrow_exception(failure);
    return;
  }
#endif
  for (std::int64_t i = 0; i < n; ++i) body(i);
}

}  // namespace tilery
