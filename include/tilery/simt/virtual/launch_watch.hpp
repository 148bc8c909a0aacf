// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What is watched over a whole launch: its sites, its global memory, the flags through which its blocks speak, and the
// faults that were found.
#pragma once
#pragma GCC system_header

#include <tilery/simt/order.hpp>
#include <tilery/simt/virtual/block_order.hpp>
#include <tilery/simt/virtual/checks.hpp>
#include <tilery/simt/virtual/global_memory.hpp>
#include <tilery/simt/virtual/profile_recorder.hpp>

#include <map>
#include <tuple>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// What to run and what to look for.
struct watched_launch {
  const char* kernel;
  tilery::arch arch;
  index3 blocks;
  int threads;
  int shared_bytes;
  int cluster;
  checks what;
  bool stop_at_first;
  std::int64_t step_limit;  // verbs of one lane
  std::uint64_t seed;       // of the schedule's random delays; 0: none
};

/// What atomics on some address have given away: to the block of who gave it, and to all.
struct flag_state {
  knowledge to_block, to_all;
  std::uint32_t block = 0;  // of who gave it last
};

class launch_watch {
public:
  launch_watch(const watched_launch& launch, const operands& known) : launch_(launch), memory_(known) {}

  const watched_launch& launch() const { return launch_; }
  bool checks_for(checks c) const { return any(launch_.what & c); }
  site_table& sites() { return sites_; }
  global_memory& memory() { return memory_; }
  profile_recorder& recorder() { return recorder_; }
  histories& global_histories() { return histories_; }
  /// What has been given by an address, or null.
  flag_state* flag(const void* address) {
    const auto found = flags_.find(address);
    return found == flags_.end() ? nullptr : &found->second;
  }
  flag_state& new_flag(const void* address) { return flags_[address]; }
  void forget_flag(const void* address) { flags_.erase(address); }

  index3 position(std::uint32_t block) const {
    const auto x = static_cast<std::uint32_t>(launch_.blocks.x), y = static_cast<std::uint32_t>(launch_.blocks.y);
    return {static_cast<int>(block % x), static_cast<int>(block / x % y), static_cast<int>(block / x / y)};
  }
  std::uint32_t number(index3 at) const {
    return static_cast<std::uint32_t>(at.x + launch_.blocks.x * (at.y + std::int64_t{launch_.blocks.y} * at.z));
  }

  /// Adds a fault, or counts it where the same one is known. `sites` are the two sites' numbers.
  void found(fault f, std::uint32_t now_site, std::uint32_t before_site) {
    f.kernel = launch_.kernel;
    const auto [known, is_new] =
        places_.try_emplace({f.kind, now_site, before_site, f.memory + (f.now.writes ? "w" : "r")}, faults_.size());
    if (!is_new) {
      ++faults_[known->second].count;
      return;
    }
    f.now.site = sites_.describe(now_site);
    f.before.site = sites_.describe(before_site);
    faults_.push_back(std::move(f));
    if (launch_.stop_at_first) throw fault_error(faults_, {});
  }
  /// Adds what ended the launch.
  void add(fault f) {
    f.kernel = launch_.kernel;
    faults_.push_back(std::move(f));
  }
  /// Hands over what was found: to the report, or by throwing.
  void finish(launch_report* report, where at) {
    if (report) {
      report->faults.insert(report->faults.end(), faults_.begin(), faults_.end());
      if (checks_for(checks::profile))
        report->profiles.push_back(recorder_.result(sites_, launch_.kernel, launch_.arch, launch_.blocks,
                                                    launch_.threads, launch_.shared_bytes));
    } else if (!faults_.empty()) {
      throw fault_error(std::move(faults_), at);
    }
  }

  /// To be called before each access to global memory that is followed. Numbers that no cell remembers are given back
  /// from time to time; `generation` tells whether that has happened, so that numbers kept elsewhere are out of date.
  void make_room() {
    if (!histories_.fills(collect_at_)) [[likely]]
      return;
    histories_.collect([&](const auto& visit) { memory_.for_shadows(visit); });
    collect_at_ = std::max(collect_at_, histories_.size() * 2);
    ++generation_;
  }
  std::uint64_t generation() const { return generation_; }

private:
  watched_launch launch_;
  site_table sites_;
  global_memory memory_;
  histories histories_;
  profile_recorder recorder_;
  std::unordered_map<const void*, flag_state> flags_;
  std::vector<fault> faults_;
  std::map<std::tuple<fault_kind, std::uint32_t, std::uint32_t, std::string>, std::size_t> places_;
  std::size_t collect_at_ = std::size_t{1} << 20;
  std::uint64_t generation_ = 0;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
