// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The state of the checks that all blocks of a launch share: the sites (an operation with its source line, site.hpp),
// the access history of global memory, the flags by which blocks synchronise (addresses at which atomics release and
// acquire), the lanes that issued copies, the profile, and the faults found so far.
#pragma once
#pragma GCC system_header

#include <tilery/simt/order.hpp>
#include <tilery/simt/virtual/block_order.hpp>
#include <tilery/simt/virtual/checks.hpp>
#include <tilery/simt/virtual/copy_issuers.hpp>
#include <tilery/simt/virtual/fault_groups.hpp>
#include <tilery/simt/virtual/global_memory.hpp>
#include <tilery/simt/virtual/profile_recorder.hpp>
#include <tilery/simt/virtual/shared_members.hpp>
#include <tilery/simt/virtual/unwritten.hpp>

#include <map>
#include <tuple>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// A launch, and the options of its checks.
struct watched_launch {
  const char* kernel;             // its name
  tilery::arch arch;              // the modelled GPU
  index3 blocks;                  // of the grid
  int threads;                    // per block
  int shared_bytes;               // per block
  int cluster;                    // blocks per cluster
  checks what;                    // the checks to make
  bool stop_at_first;             // throw at the first fault
  std::int64_t step_limit;        // the most calls of lane functions (load, sync_block ...) by all lanes of a block
  std::uint64_t seed;             // of the random delays of lanes; 0: no random delays
  bool poison_discarded = false;  // bytes that a lane discards become uninitialised
  shared_members members = {};    // of the `shared` struct, if the kernel names them
};

/// The accesses that an acquire at one address orders before what the acquiring lane does next (block_order.hpp). A
/// lane of the block that released last acquires `to_block`. A lane of any block acquires `to_all` if the acquire's
/// scope is wider than the block. A release of block scope adds to `to_block` only, one of wider scope to both.
struct flag_state {
  knowledge to_block, to_all;
  std::uint32_t block = 0;  // the block of the last release
};

/// The state of each flag, by its address. A flag is an address at which an atomic has released, by its own memory
/// order or after a release fence (release_acquire.hpp).
class flag_table {
public:
  /// Returns the state of an address, or null if nothing was released there.
  flag_state* find(const void* address) {
    const auto found = all_.find(address);
    return found == all_.end() ? nullptr : &found->second;
  }
  /// Returns the state of an address; creates it if nothing was released there.
  flag_state& of(const void* address) { return all_[address]; }
  void forget(const void* address) { all_.erase(address); }
  void clear() { all_.clear(); }

private:
  std::unordered_map<const void*, flag_state> all_;
};

class launch_watch {
public:
  /// `known`: the operands that the launch names.
  launch_watch(const watched_launch& launch, const operands& known) : launch_(launch), memory_(known) {}

  const watched_launch& launch() const { return launch_; }
  bool checks_for(checks c) const { return any(launch_.what & c); }
  site_table& sites() { return sites_; }
  const site_table& sites() const { return sites_; }
  global_memory& memory() { return memory_; }
  profile_recorder& recorder() { return recorder_; }
  histories& global_histories() { return histories_; }
  flag_table& flags() { return flags_; }
  copy_issuers& issuers() { return issuers_; }
  const copy_issuers& issuers() const { return issuers_; }

  /// Returns the index in the grid of block number `block`, which counts along x first; number() is the inverse.
  index3 position(std::uint32_t block) const {
    const auto x = static_cast<std::uint32_t>(launch_.blocks.x), y = static_cast<std::uint32_t>(launch_.blocks.y);
    return {static_cast<int>(block % x), static_cast<int>(block / x % y), static_cast<int>(block / x / y)};
  }
  std::uint32_t number(index3 at) const {
    return static_cast<std::uint32_t>(at.x + launch_.blocks.x * (at.y + std::int64_t{launch_.blocks.y} * at.z));
  }

  /// Notes that lanes pass the barrier at site `barrier`. At the first time, stores the largest number of a site so
  /// far, plus 1: sites are numbered in the order in which lanes first reach them.
  void passes(std::uint32_t barrier) {
    if (barrier >= sites_at_barrier_.size()) sites_at_barrier_.resize(sites_.size());
    if (barrier != 0 && sites_at_barrier_[barrier] == 0)
      sites_at_barrier_[barrier] = static_cast<std::uint32_t>(sites_.size());
  }
  /// True if a lane had reached `site` before lanes passed the barrier at site `barrier` for the first time. That
  /// barrier must have been passed.
  bool reached_before(std::uint32_t site, std::uint32_t barrier) const { return site < sites_at_barrier_[barrier]; }

  /// Adds a fault whose later access is at `now_site`, and whose earlier access, if any, is at `before_site` (else 0).
  ///
  /// Equal faults have the same kind, sites and memory, and their later accesses are both writes or both reads. They
  /// are counted as one fault; of them, the first one that needs the strongest barrier is reported.
  ///
  /// With stop_at_first, throws the first fault.
  void found(fault f, std::uint32_t now_site, std::uint32_t before_site, fault_origin origin = {}) {
    f.kernel = launch_.kernel;
    const auto [known, is_new] =
        places_.try_emplace({f.kind, now_site, before_site, f.memory + (f.now.writes ? "w" : "r")}, faults_.size());
    if (!is_new) {
      fault& first = faults_[known->second];
      ++first.count;
      if (origin.needed <= origins_[known->second].needed) return;
      f.count = first.count;
    }
    if (f.memory == "shared memory") f.element = element_at(launch_.members, f.offset);
    f.now.site = sites_.describe(now_site);
    f.before.site = sites_.describe(before_site);
    if (!is_new) {
      faults_[known->second] = std::move(f), origins_[known->second] = std::move(origin);
      return;
    }
    add(std::move(f), std::move(origin));
    if (launch_.stop_at_first) throw fault_error(faults_, {});
  }
  /// Adds a fault without looking for an equal one. Used for faults that are found once, such as a deadlock.
  void add(fault f, fault_origin origin = {}) {
    f.kernel = launch_.kernel;
    faults_.push_back(std::move(f));
    origins_.push_back(std::move(origin));
  }
  /// If the launch checks memory, and no other fault was found, reports the elements of outputs that are still
  /// uninitialised after the launch. Leaves out workspaces, and outputs that are written by atomics alone
  /// (operand::combined). Call it after all blocks have ended.
  void find_unwritten_outputs() {
    if (!checks_for(checks::memory) || !faults_.empty()) return;
    memory_.for_operands([&](const operand& o) {
      if (!o.written || o.own || o.combined) return;
      const unwritten_elements none = unwritten_elements_of(o);
      if (none.count == 0) return;
      fault f;
      f.kind = fault_kind::unwritten;
      f.memory = o.name;
      f.missing = std::to_string(none.count) + " of " + std::to_string(none.all) + " elements of " + o.name +
                  (none.count == 1 ? " was" : " were") + " never written; the first is " + o.name + "[";
      for (int d = 0; d < o.rank; ++d) f.missing += (d > 0 ? ", " : "") + std::to_string(none.first[d]);
      f.missing += "]";
      add(std::move(f));
    });
  }
  /// The faults, in the order in which they were found.
  const std::vector<fault>& faults() const { return faults_; }
  /// Sorts the faults. Then appends them to `report`, with the profile if the launch has asked for it, or throws them
  /// if `report` is null.
  void finish(launch_report* report, where at) {
    std::vector<fault> faults = faults_;
    fault_groups::arrange(faults, origins_);
    if (report) {
      report->faults.insert(report->faults.end(), faults.begin(), faults.end());
      if (checks_for(checks::profile))
        report->profiles.push_back(recorder_.result(sites_, launch_.kernel, launch_.arch, launch_.blocks,
                                                    launch_.threads, launch_.shared_bytes));
    } else if (!faults.empty()) {
      throw fault_error(std::move(faults), at);
    }
  }

  /// Keeps the tables of the histories of global memory small. Call it before each access to global memory. If there
  /// are too many entries (histories::fills), drops those to which no history refers and renumbers the others. Then
  /// generation() changes, and numbers that are stored elsewhere are invalid.
  void make_room() {
    if (!histories_.fills(collect_at_)) [[likely]]
      return;
    histories_.collect([&](const auto& visit) { memory_.for_shadows(visit); });
    collect_at_ = std::max(collect_at_, histories_.size() * 2);
    ++generation_;
  }
  /// The number of times that make_room() has renumbered the entries.
  std::uint64_t generation() const { return generation_; }

private:
  watched_launch launch_;
  site_table sites_;
  global_memory memory_;
  histories histories_;
  profile_recorder recorder_;
  flag_table flags_;
  copy_issuers issuers_;
  // by the barrier's site: the largest number of a site when lanes first passed the barrier, plus 1; 0: never passed
  std::vector<std::uint32_t> sites_at_barrier_;
  std::vector<fault> faults_;
  std::vector<fault_origin> origins_;  // by index in faults_
  // index in faults_ of each fault: (kind, site of the later access, of the earlier one, memory with "w" or "r")
  std::map<std::tuple<fault_kind, std::uint32_t, std::uint32_t, std::string>, std::size_t> places_;
  std::size_t collect_at_ = std::size_t{1} << 20;  // number of entries of histories_ at which make_room() acts
  std::uint64_t generation_ = 0;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
