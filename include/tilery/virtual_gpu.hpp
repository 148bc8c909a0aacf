// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The virtual GPU: an executor on the host that runs every lane of a kernel, with warps and barriers, as a GPU would.
// `virtual_gpu` checks each access; `unchecked_virtual_gpu` checks only the alignment of each access, and is faster.
// These are two types, so that a program compiles each kernel only for the type that it uses. Needs Boost.Context
// (CMake target tilery::virtual_gpu).
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

// Without this check, a program that lacks Boost.Context would compile for half a minute and then fail to link.
#if defined(TILERY_IS_LINKED) && !defined(TILERY_LINKS_BOOST_CONTEXT)
#error \
    "tilery: the virtual GPU needs Boost.Context; link the CMake target tilery::virtual_gpu (Debian: libboost-context-dev)"
#include "the_sentence_above_says_why"
#endif

#include <tilery/core/rounding.hpp>
#include <tilery/simt/host_memory.hpp>
#include <tilery/simt/launch.hpp>
#include <tilery/simt/virtual/grid.hpp>
#include <tilery/simt/virtual_lane.hpp>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// The base class of both virtual GPUs: the modelled arch, and operands in host memory.
class modelled_gpu : public host_memory {
public:
  static constexpr bool uses_cpu_kernels = false;
  static constexpr bool blocks_may_wait = true;  // up to `resident_blocks` blocks run at once
  static constexpr bool has_doubles = true;
  tilery::arch target(where = {}) const { return model_; }
  int parameter_bytes() const { return limits(model_).parameter_bytes; }

protected:
  modelled_gpu(const char* name, tilery::arch model, int resident_blocks, bool exact_tensor_cores, where at)
      : model_(model), exact_tensor_cores_(exact_tensor_cores) {
    refuse_reordered_sums(name, at);
    if (model == arch::cpu) throw error({name, ": cpu is not a GPU arch; it must be one of sm_75 to sm_120"}, at);
    if (resident_blocks < 1)
      throw error({name, ": resident_blocks is ", resident_blocks, "; it must be at least 1"}, at);
  }

  /// Describes the launch of a kernel with lanes of type Lane. The result does not have the kernel's type, so the code
  /// that runs a grid is compiled once, not for each kernel.
  template <class Lane, class Kernel, class Params>
  grid_of_blocks grid_of(index3 blocks, const Params& params) const {
    constexpr auto function = [](block& self, int rank, const void* p) {
      Kernel::run(Lane(self, rank), *static_cast<const Params*>(p),
                  *static_cast<typename Kernel::shared*>(self.shared()));
    };
    return {Kernel::name,         blocks,   Kernel::threads, shared_bytes<Kernel>(),
            cluster_of<Kernel>(), function, &params,         {model_, exact_tensor_cores_}};
  }

private:
  tilery::arch model_;
  bool exact_tensor_cores_;
};

}  // namespace virtual_machine

/// Runs ops on a modelled GPU of an arch and checks each access. Operands are in host memory. A call returns after its
/// work is complete.
///
/// Errors. If options::report is null, a launch with faults throws all of them at its end (`fault_error`); otherwise it
/// adds them to the report. With options::stop_at_first, a launch throws its first fault. A deadlock is a fault, too:
/// its text names the source line at which each lane waits. A kernel that the arch cannot run is refused. An exception
/// that a lane throws reaches the caller.
class virtual_gpu : public virtual_machine::modelled_gpu {
public:
  using lane = virtual_lane<true>;

  struct options {
    tilery::checks checks = checks::all;    ///< the checks to make
    launch_report* report = nullptr;        ///< collects faults and profiles; null: faults are thrown
    bool stop_at_first = false;             ///< throw at the first fault, inside the lane: for a debugger
    bool exact_tensor_cores = false;        ///< tensor cores' sums have the same bits as the arch's; slower
    bool poison_discarded = false;          ///< elements given to `lane.discard` become NaN; reading them is a fault
    std::uint64_t seed = 0;                 ///< seed of random delays of lanes and order of blocks; 0: none
    std::int64_t step_limit = 200'000'000;  ///< most calls of lane functions in a block: about 10 s
    int resident_blocks = 64;               ///< blocks that run at once, and so may wait for each other
  };

  virtual_gpu() : virtual_gpu(arch::sm_90) {}
  explicit virtual_gpu(tilery::arch model) : virtual_gpu(model, options{}) {}
  virtual_gpu(tilery::arch model, options how, where at = {})
      : modelled_gpu("virtual_gpu", model, how.resident_blocks, how.exact_tensor_cores, at), options_(how) {
    if (!any(how.checks))
      throw error("virtual_gpu: checks is empty; it must name a check. unchecked_virtual_gpu runs without any", at);
    if (how.step_limit < 1) throw error({"virtual_gpu: step_limit is ", how.step_limit, "; it must be at least 1"}, at);
  }

  /// Allocates host memory and marks it as uninitialised: a kernel that reads it before a write is reported.
  allocation allocate(std::size_t bytes, where = {}) const {
    allocation memory = host_memory::allocate(bytes);
    if (any(options_.checks & checks::memory)) virtual_machine::mark_unwritten(memory.get(), bytes);
    return memory;
  }
  allocation workspace(std::size_t bytes, where = {}) const { return allocate(bytes); }

  /// Runs a kernel. `launch` (simt/launch.hpp) calls this function after its checks.
  template <class Kernel, class Params>
  void run(index3 blocks, const Params& params, const operands& known, where at) const {
    run_watched(grid_of<lane, Kernel>(blocks, params), virtual_machine::members_of<typename Kernel::shared>(), known,
                at);
  }

private:
  static constexpr checks without_profile = checks::memory | checks::races | checks::barriers;

  void run_watched(const virtual_machine::grid_of_blocks& what, virtual_machine::shared_members members,
                   const operands& known, where at) const {
    using virtual_machine::launch_watch, virtual_machine::block_watch;
    const auto watch = std::make_unique<launch_watch>(  // too large for the stack of a lane
        virtual_machine::watched_launch{what.kernel, target(), what.blocks, what.threads, what.shared_bytes,
                                        what.cluster,
                                        options_.report ? options_.checks : options_.checks & without_profile,
                                        options_.stop_at_first, options_.step_limit, options_.seed,
                                        options_.poison_discarded, std::move(members)},
        known);
    const auto new_watch = [&] { return std::make_unique<block_watch>(*watch, what.threads, what.shared_bytes); };
    try {
      virtual_machine::grid(what, new_watch).run(1, options_.resident_blocks, at, options_.seed);
      watch->find_unwritten_outputs();
    } catch (const virtual_machine::step_limit_reached&) {
    } catch (const fault_error& stopped) {  // a fault after which no lane can go on
      if (options_.stop_at_first) throw;
      for (const fault& f : stopped.faults()) watch->add(f);
    } catch (...) {  // a lane's own exception goes to the caller; the faults found before it stay in the report
      if (options_.report) watch->finish(options_.report, at);
      throw;
    }
    watch->finish(options_.report, at);
  }

  options options_;
};

/// The virtual GPU without its checks, about 7 times as fast on one host thread. An access out of bounds is not
/// detected: it reads or writes other memory of the host. A kernel that the arch cannot run is refused; a misaligned
/// access and a deadlock throw.
class unchecked_virtual_gpu : public virtual_machine::modelled_gpu {
public:
  using lane = virtual_lane<false>;

  struct options {
    int threads = 1;                  ///< host threads; each runs different blocks
    int resident_blocks = 64;         ///< blocks that run at once, and so may wait for each other
    bool exact_tensor_cores = false;  ///< tensor cores' sums have the same bits as the arch's; slower
  };

  unchecked_virtual_gpu() : unchecked_virtual_gpu(arch::sm_90) {}
  explicit unchecked_virtual_gpu(tilery::arch model) : unchecked_virtual_gpu(model, options{}) {}
  unchecked_virtual_gpu(tilery::arch model, options how, where at = {})
      : modelled_gpu("unchecked_virtual_gpu", model, how.resident_blocks, how.exact_tensor_cores, at), options_(how) {
    if (how.threads < 1)
      throw error({"unchecked_virtual_gpu: threads is ", how.threads, "; it must be at least 1"}, at);
  }

  /// Runs a kernel. `launch` (simt/launch.hpp) calls this function after its checks.
  template <class Kernel, class Params>
  void run(index3 blocks, const Params& params, const operands&, where at) const {
    virtual_machine::grid(grid_of<lane, Kernel>(blocks, params)).run(options_.threads, options_.resident_blocks, at);
  }

private:
  options options_;
};

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
