// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The object that lane.step() returns on the checked virtual GPU: from the call to the end of the object's lifetime,
// the lane is in the step (simt/step.hpp) with this name. Reports and profiles name the step in which an access
// happens.
#pragma once
#pragma GCC system_header

#include <tilery/simt/step.hpp>
#include <tilery/simt/virtual/block_watch.hpp>

namespace tilery::inline TILERY_ABI {

/// Sets the name of the lane's current step for the lifetime of this object.
class virtual_step {
public:
  TILERY_SIMT virtual_step([[maybe_unused]] virtual_machine::block_watch* watch, int rank,
                           [[maybe_unused]] const char* name, [[maybe_unused]] where at)
      : watch_(watch), rank_(rank) {
#ifndef __CUDA_ARCH__
    outer_ = watch->enter(rank, name, at);
#endif
  }
  virtual_step(const virtual_step&) = delete;
  TILERY_SIMT ~virtual_step() {
#ifndef __CUDA_ARCH__
    watch_->leave(rank_, outer_);
#endif
  }

private:
  virtual_machine::block_watch* watch_;
  int rank_;
  std::uint32_t outer_ = 0;  // number of the enclosing step
};

}  // namespace tilery::inline TILERY_ABI
