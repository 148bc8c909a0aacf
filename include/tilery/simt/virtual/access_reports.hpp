// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Who in a block makes accesses, what orders them, and how what is wrong with them is told.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/block.hpp>
#include <tilery/simt/virtual/launch_watch.hpp>
#include <tilery/simt/virtual/missing.hpp>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class access_reports {
public:
  /// Who makes an access: a lane, or an engine on its behalf.
  struct actor {
    int lane;
    epoch self;                  // of the engine, where it is one
    bool through_proxy = false;  // of the asynchronous proxy: what lanes have written needs a proxy fence
    bool overwrites = false;     // an atomic to which it does not matter what was there
  };

  access_reports(launch_watch& launch, int threads) : launch_(launch), order_(threads) {}

  actor lane_itself(int lane, std::uint32_t site, access_mode mode, bool atomic_write = false) const {
    return {lane,
            {order_.warp_of(lane), order_.time(lane), site, static_cast<std::uint8_t>(lane % block::warp_lanes), mode,
             atomic_write}};
  }

  /// An address that is no multiple of what it must be.
  void misaligned_shared(const actor& who, std::int64_t offset, int bytes, bool writes) {
    report(fault_kind::misaligned, who, writes, "shared memory", offset, bytes, must_be_aligned);
  }
  void misaligned_global(const actor& who, const void* pointer, int bytes, bool writes) {
    const auto address = reinterpret_cast<std::uintptr_t>(pointer);
    const operand* near = launch_.memory().nearest(address);
    report(fault_kind::misaligned, who, writes, near ? near->name : "global memory",
           near ? offset_in(*near, address) : static_cast<std::int64_t>(address), bytes, must_be_aligned);
  }

  void report(fault_kind kind, const actor& who, bool writes, std::string memory, std::int64_t offset,
              std::int64_t bytes, std::string missing) {
    launch_.found(new_fault(kind, who.lane, writes, std::move(memory), offset, bytes, std::move(missing)),
                  who.self.site, 0);
  }
  fault new_fault(fault_kind kind, int lane, bool writes, std::string memory, std::int64_t offset, std::int64_t bytes,
                  std::string missing) const {
    fault f;
    f.kind = kind;
    f.now = {{}, launch_.position(order_.block()), lane, writes};
    f.memory = std::move(memory), f.offset = offset, f.bytes = bytes, f.missing = std::move(missing);
    return f;
  }

protected:
  void begin_reports(std::uint32_t block) {
    order_.begin(block);
    landed_.clear(), issuer_.clear();
  }

  /// The lane on whose behalf a barrier's engine copies: for reports.
  void issued_by(group_id engine, int lane) {
    if (engine.local >= issuer_.size()) issuer_.resize(engine.local + 1, -1);
    issuer_[engine.local] = lane;
  }
  /// An engine's work up to a time is done: until then what it writes is not there.
  void lands(group_id engine, int member, std::uint32_t time) { landed(engine, member) = time; }

  // Engines: what has landed, by engine and member.
  std::uint32_t& landed(group_id engine, int member) {
    const std::size_t i =
        (engine.local - static_cast<std::uint32_t>(order_.warp_count())) * std::size_t{block::warp_lanes} +
        static_cast<std::size_t>(member);
    if (i >= landed_.size()) landed_.resize(i + block::warp_lanes);
    return landed_[i];
  }
  template <class Other>
  bool under_way(const Other& other, int member) {
    return other.who.block == order_.block() && other.time >= landed(other.who, member);
  }

  int lane_of(group_id who, int member) const {
    if (who.block == order_.block() && who.local < issuer_.size() && issuer_[who.local] >= 0) return issuer_[who.local];
    const auto warps = static_cast<std::uint32_t>(order_.warp_count());
    return static_cast<int>(who.local % warps) * block::warp_lanes + member;
  }

  int rank_of(std::uint32_t block) const { return static_cast<int>(block) % launch_.launch().cluster; }
  std::string ends_early() const {
    const index3 at = launch_.position(order_.block());
    return "block (" + std::to_string(at.x) + ", " + std::to_string(at.y) + ", " + std::to_string(at.z) +
           ") ends without waiting for it: a sync_cluster behind it is missing";
  }
  static std::int64_t offset_in(const operand& o, std::uintptr_t address) {
    return static_cast<std::int64_t>(address) - static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(o.begin()));
  }

  launch_watch& launch_;
  block_order order_;

private:
  std::vector<std::uint32_t> landed_;
  std::vector<int> issuer_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
