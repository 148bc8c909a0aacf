// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Names kernels to nvcc, so that they are compiled without being launched, and says how they are meant to access
// memory.
#pragma once

#include <tilery/simt/cuda_launch.hpp>

#include <utility>

/// Bytes of one access, narrowest and widest.
struct width_range {
  int narrowest, widest;
};

/// What the report should find in a kernel's PTX.
struct meant_accesses {
  width_range global_loads, global_stores;
  int shared_loads = 0;                   // narrowest; 0: the kernel's own affair
  width_range shared_stores{};            // the same
  int mma = 0, ldmatrix = 0, copies = 0;  // instructions in the text; asynchronous copies
};

/// The same for a kernel whose blocks may share tiles: they leave their sums in 16 bytes an access, and read the count
/// of those who have come from one word of shared memory.
constexpr meant_accesses with_shared_tiles(meant_accesses m) {
  if (m.global_loads.widest < 16) m.global_loads.widest = 16;
  if (m.global_stores.widest < 16) m.global_stores.widest = 16;
  if (m.shared_loads > 4) m.shared_loads = 4;
  if (m.shared_stores.narrowest > 4) m.shared_stores.narrowest = 4;
  if (m.shared_stores.widest > 0 && m.shared_stores.widest < 4) m.shared_stores.widest = 4;
  return m;
}

/// Tells the report, which reads it in the PTX, what it cannot see there: bytes of shared memory, which a kernel asks
/// for when it is launched, and the meant accesses, as part of the name.
template <class Kernel, class Params, int... Meant>
__device__ int told_of = tilery::shared_bytes<Kernel>();

inline void keep(const void*) {}

template <class Kernel, class Params, meant_accesses Meant>
void compile() {
  keep(reinterpret_cast<const void*>(&tilery::trampoline<Kernel, Params>));
  keep(&told_of<Kernel, Params, Meant.global_loads.narrowest, Meant.global_loads.widest, Meant.global_stores.narrowest,
                Meant.global_stores.widest, Meant.shared_loads, Meant.shared_stores.narrowest,
                Meant.shared_stores.widest, Meant.mma, Meant.ldmatrix, Meant.copies>);
}

/// All candidates of a table. Each::kernel<policy> is the kernel, Each::meant(policy) its accesses.
template <class Table, class Each, std::size_t... I>
void compile_candidates(std::index_sequence<I...>) {
  (compile<typename Each::template kernel<Table::candidates[I]>, typename Each::params,
           Each::meant(Table::candidates[I])>(),
   ...);
}
template <class Table, class Each>
void compile_candidates() {
  constexpr std::size_t count = sizeof(Table::candidates) / sizeof(Table::candidates[0]);
  compile_candidates<Table, Each>(std::make_index_sequence<count>());
}
