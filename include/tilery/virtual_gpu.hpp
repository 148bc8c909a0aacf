// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The virtual GPU: an executor on the host that runs every lane of a kernel as the GPU would, warps, barriers and all,
// and watches what they do. Needs Boost.Context (CMake target tilery::virtual_gpu).
#pragma once

#include <tilery/simt/host_memory.hpp>
#include <tilery/simt/kernel.hpp>
#include <tilery/simt/virtual/grid.hpp>
#include <tilery/simt/virtual_lane.hpp>

namespace tilery::inline TILERY_ABI {

/// Runs ops on a modelled GPU of an arch. Operands are in host memory, and every call is finished when it returns.
/// Each access is checked, unless `checks` says otherwise: a launch in which faults were found throws them at its end,
/// all of them (`fault_error`), or leaves them in a report. A kernel that the arch cannot run is refused; a deadlock
/// throws with each lane's line; what a lane throws reaches the caller.
class virtual_gpu : public host_memory {
public:
  using lane = virtual_lane<true>;

  struct options {
    int threads = 1;                          ///< host threads, each with blocks of its own; checked launches use one
    int resident_blocks = 64;                 ///< blocks that may wait for each other at a time
    tilery::checks checks = checks::all;      ///< what is watched
    launch_report* report = nullptr;          ///< collects faults and profiles; null: faults are thrown
    bool stop_at_first = false;               ///< throws at the first fault, from inside the lane: for a debugger
    std::uint64_t seed = 0;                   ///< random delays of lanes, when checked; 0: none
    std::int64_t step_limit = 1'000'000'000;  ///< verbs that a checked lane may go through
  };

  virtual_gpu() = default;
  explicit virtual_gpu(tilery::arch model) : virtual_gpu(model, options{}) {}
  virtual_gpu(tilery::arch model, tilery::checks watched, where at = {})
      : virtual_gpu(model, options{.checks = watched}, at) {}
  virtual_gpu(tilery::arch model, options how, where at = {}) : model_(model), options_(how) {
    if (model == arch::cpu) throw error("virtual_gpu: cpu is not a GPU arch; it must be one of sm_75 to sm_120", at);
    if (how.threads < 1 || how.resident_blocks < 1)
      throw error("virtual_gpu: threads and resident_blocks must be at least 1", at);
    if (how.step_limit < 1) throw error("virtual_gpu: step_limit must be at least 1", at);
  }

  tilery::arch target() const { return model_; }

  /// As on the host; a kernel that reads it before anybody has written it is reported.
  allocation allocate(std::size_t bytes) const {
    allocation memory = host_memory::allocate(bytes);
    if (any(options_.checks & checks::memory)) virtual_machine::mark_unwritten(memory.get(), bytes);
    return memory;
  }
  allocation workspace(std::size_t bytes, where = {}) const { return allocate(bytes); }

  /// See `launch`.
  template <class Kernel, class Params>
  void run(index3 blocks, const Params& params, const operands& known, where at) const {
    refuse(check_arch<Kernel>(model_), at);
    if (!any(options_.checks)) {
      grid<Kernel, Params, false>(blocks, params, {}).run(options_.threads, options_.resident_blocks, at);
      return;
    }
    const virtual_machine::watched_launch what{Kernel::name,
                                               model_,
                                               blocks,
                                               Kernel::threads,
                                               shared_bytes<Kernel>(),
                                               options_.report ? options_.checks : options_.checks & without_profile,
                                               options_.stop_at_first,
                                               options_.step_limit,
                                               options_.seed};
    const auto watch = std::make_unique<virtual_machine::launch_watch>(what, known);  // too large for a lane's stack
    try {
      grid<Kernel, Params, true>(blocks, params, [&] {
        return std::make_unique<virtual_machine::block_watch>(*watch, Kernel::threads, shared_bytes<Kernel>());
      }).run(1, options_.resident_blocks, at);
    } catch (const virtual_machine::step_limit_reached&) {
    } catch (const fault_error& stopped) {  // what no lane can go on after
      if (options_.stop_at_first) throw;
      for (const fault& f : stopped.faults()) watch->add(f);
    } catch (...) {  // what a lane threw itself goes to the caller; what was found before is not lost
      if (options_.report) watch->finish(options_.report, at);
      throw;
    }
    watch->finish(options_.report, at);
  }

private:
  template <class Kernel, class Params, bool Checked>
  static virtual_machine::grid grid(index3 blocks, const Params& params,
                                    std::function<std::unique_ptr<virtual_machine::block_events>()> new_watch) {
    constexpr auto text = [](virtual_machine::block& self, int rank, const void* p) {
      Kernel::run(virtual_lane<Checked>(self, rank), *static_cast<const Params*>(p),
                  *static_cast<typename Kernel::shared*>(self.shared()));
    };
    return virtual_machine::grid({Kernel::name, blocks, Kernel::threads,
                                  static_cast<int>(sizeof(typename Kernel::shared)), text, &params,
                                  std::move(new_watch)});
  }

  static constexpr checks without_profile = checks::memory | checks::races | checks::meetings;

  tilery::arch model_ = arch::sm_90;
  options options_;
};

}  // namespace tilery::inline TILERY_ABI
