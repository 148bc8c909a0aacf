// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The lane of the virtual GPU (simt/lane.hpp says what each function does). Most member functions model one
// instruction. This header has the lane's indices and the notes for reports and profiles; the base classes
// virtual_accesses, virtual_atomics, virtual_cluster and virtual_collectives have the other instructions. `where` is
// the caller's line, which reports name. nvcc's device pass compiles these functions, too, because kernels are
// templates of the lane; there their bodies are empty, and never run.
#pragma once
#pragma GCC system_header

#include <tilery/simt/refused_store.hpp>
#include <tilery/simt/step.hpp>
#include <tilery/simt/virtual_accesses.hpp>
#include <tilery/simt/virtual_atomics.hpp>
#include <tilery/simt/virtual_cluster.hpp>
#include <tilery/simt/virtual_collectives.hpp>
#include <tilery/simt/virtual_engine.hpp>
#include <tilery/simt/virtual_step.hpp>

namespace tilery::inline TILERY_ABI {

template <bool Checked>
class virtual_lane : public virtual_accesses<virtual_lane<Checked>, Checked>,
                     public virtual_atomics<virtual_lane<Checked>, Checked>,
                     public virtual_cluster<virtual_lane<Checked>, Checked>,
                     public virtual_collectives<virtual_lane<Checked>, Checked>,
                     public refused_store {
  using accesses = virtual_accesses<virtual_lane, Checked>;
  using cluster = virtual_cluster<virtual_lane, Checked>;

public:
  using accesses::load, accesses::store, cluster::load, cluster::store, refused_store::store;

  static constexpr bool is_whole_block = false, takes_any_alignment = false, runs_on_device = false;
  static constexpr int warp_size = virtual_machine::block::warp_lanes;
  TILERY_SIMT static constexpr int threads(int of_policy) { return of_policy; }

  TILERY_SIMT virtual_lane(virtual_machine::block& owner, int rank) : block_(&owner), rank_(rank) {}

  TILERY_SIMT int rank() const { return rank_; }
  TILERY_SIMT int warp() const { return rank_ / warp_size; }
  TILERY_SIMT int warp_rank() const { return rank_ % warp_size; }
  TILERY_SIMT index3 block() const {
    index3 result;
#ifndef __CUDA_ARCH__
    result = block_->at();
#endif
    return result;
  }
  TILERY_SIMT index3 blocks() const {
    index3 result;
#ifndef __CUDA_ARCH__
    result = block_->of();
#endif
    return result;
  }

  TILERY_SIMT int cluster_rank() const {
#ifndef __CUDA_ARCH__
    return block_->cluster_rank();
#else
    return 0;
#endif
  }
  TILERY_SIMT int cluster_size() const {
#ifndef __CUDA_ARCH__
    return static_cast<int>(block_->cluster().blocks.size());
#else
    return 1;
#endif
  }

  TILERY_SIMT auto step([[maybe_unused]] const char* name, [[maybe_unused]] where at = {}) const {
    if constexpr (Checked)
      return virtual_step(watch(), rank_, name, at);
    else
      return no_step{};
  }

  /// Counts operations of this lane for the profile: `count` multiply-adds, or `count` values of a special function.
  TILERY_SIMT void operations([[maybe_unused]] compute_unit on, [[maybe_unused]] int count,
                              [[maybe_unused]] where at = {}) const {
#ifndef __CUDA_ARCH__
    if constexpr (Checked) watch()->operations(site("operations", at), on, count);
#endif
  }

  /// States that no lane reads the values of these elements after the next sync_block (in a cluster: after the next
  /// sync_cluster), as in a pipeline stage that is about to be refilled. One lane's call is enough. With
  /// `virtual_gpu::options::poison_discarded`, the elements become NaN at that barrier, and a read before the next
  /// write is reported. Otherwise, and on all other executors, the call does nothing.
  template <class T>
  TILERY_SIMT void discard([[maybe_unused]] smem_ptr<T> first, [[maybe_unused]] int elements,
                           [[maybe_unused]] where at = {}) const {
#ifndef __CUDA_ARCH__
    if constexpr (Checked)
      if (watch()->poisons_discarded())
        watch()->discard(rank_, first.raw(), static_cast<std::int64_t>(elements * sizeof(T)), site("discard", at));
#endif
  }

  /// Returns the engine on which the atoms' host model runs asynchronous copies and barriers.
  auto engine() const { return virtual_engine<Checked>(*block_, rank_); }

private:
  friend accesses;
  friend cluster;
  friend virtual_atomics<virtual_lane, Checked>;
  friend virtual_collectives<virtual_lane, Checked>;

#ifndef __CUDA_ARCH__
  virtual_machine::block_watch* watch() const { return static_cast<virtual_machine::block_watch*>(block_->events()); }
  /// Counts the call of the lane function `name` at line `at`, and returns the number of its site (virtual/site.hpp).
  /// Lets other lanes run before the function is executed: at regular intervals, or at random if the options have a
  /// seed.
  std::uint32_t site(const char* name, where at) const {
    const std::uint32_t number = watch()->at_site(rank_, name, at);
    if (watch()->delays(rank_)) [[unlikely]]
      block_->yield(rank_);
    return number;
  }
#else
  TILERY_SIMT virtual_machine::block_watch* watch() const { return nullptr; }
#endif

  virtual_machine::block* block_;
  int rank_;
};

}  // namespace tilery::inline TILERY_ABI
