// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The virtual GPU: an executor on the host that runs every lane of a kernel as the GPU would, warps, barriers and all.
// Needs Boost.Context (CMake target tilery::virtual_gpu).
#pragma once

#include <tilery/simt/host_memory.hpp>
#include <tilery/simt/kernel.hpp>
#include <tilery/simt/virtual/grid.hpp>
#include <tilery/simt/virtual_lane.hpp>

namespace tilery::inline TILERY_ABI {

/// Runs ops on a modelled GPU of an arch. Operands are in host memory, and every call is finished when it returns.
/// A kernel that the arch cannot run is refused; a deadlock throws with each lane's line; what a lane throws reaches
/// the caller. Results do not depend on the number of host threads, unless the kernel's do.
class virtual_gpu : public host_memory {
public:
  using lane = virtual_lane;

  struct options {
    int threads = 1;           ///< host threads; each runs blocks of its own
    int resident_blocks = 64;  ///< blocks that may wait for each other at a time
  };

  virtual_gpu() = default;
  explicit virtual_gpu(tilery::arch model) : virtual_gpu(model, options{}) {}
  virtual_gpu(tilery::arch model, options how, where at = {}) : model_(model), options_(how) {
    if (model == arch::cpu) throw error("virtual_gpu: cpu is not a GPU arch; it must be one of sm_75 to sm_120", at);
    if (how.threads < 1 || how.resident_blocks < 1)
      throw error("virtual_gpu: threads and resident_blocks must be at least 1", at);
  }

  tilery::arch target() const { return model_; }

  /// See `launch`.
  template <class Kernel, class Params>
  void run(index3 blocks, const Params& params, const operands&, where at) const {
    refuse(check_arch<Kernel>(model_), at);
    constexpr auto text = [](virtual_machine::block& self, int rank, const void* p) {
      Kernel::run(virtual_lane(self, rank), *static_cast<const Params*>(p),
                  *static_cast<typename Kernel::shared*>(self.shared()));
    };
    virtual_machine::grid(
        {Kernel::name, blocks, Kernel::threads, static_cast<int>(sizeof(typename Kernel::shared)), text, &params},
        options_.threads, options_.resident_blocks)
        .run(at);
  }

private:
  tilery::arch model_ = arch::sm_90;
  options options_;
};

}  // namespace tilery::inline TILERY_ABI
