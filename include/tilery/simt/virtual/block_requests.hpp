// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Makes warp requests of what single lanes do. The lanes of a warp run one after another, so the first has gone through
// a loop before the second begins it: the n-th execution of a site by each lane, counted from the warp's last meeting,
// is one request. It can be costed when the warp meets; until then addresses are kept here, block by block, because
// blocks that wait are left aside while others run.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/profile_recorder.hpp>

#include <memory>

namespace tilery::inline TILERY_ABI::virtual_machine {

class block_requests {
public:
  explicit block_requests(profile_recorder& totals) : totals_(&totals) {}

  /// A block begins, of which nothing is pending. Memory of the block before is used again.
  void begin_block(int threads) {
    const auto warps = static_cast<std::size_t>((threads + 31) / 32);
    if (warps_.size() < warps) warps_.resize(warps);
    for (std::size_t i = 0; i < warps; ++i) {
      const int lanes = std::min(32, threads - static_cast<int>(i) * 32);
      warps_[i].live = 0xffffffffu >> (32 - lanes);
    }
  }

  /// A lane's access: an address of global memory, or an offset into shared memory. An access of 32 bytes and more is
  /// one instruction for each 16, and so counts as several executions.
  void access(std::uint32_t site, site_kind kind, int rank, std::uintptr_t at, int bytes) {
    if (bytes <= 16 && std::has_single_bit(static_cast<unsigned>(bytes))) [[likely]] {
      keep(site, kind, rank, at, std::countr_zero(static_cast<unsigned>(bytes)));
      return;
    }
    while (bytes > 0) {
      const auto piece = std::min(16u, std::bit_floor(static_cast<unsigned>(bytes)));
      keep(site, kind, rank, at, std::countr_zero(piece));
      at += piece, bytes -= static_cast<int>(piece);
    }
  }

  /// A bulk copy: one request of one lane, whatever its bytes. No other lane could have taken part.
  void bulk(std::uint32_t site, site_kind kind, std::uintptr_t at, int bytes) {
    totals_->add_bulk(totals_->row(site, kind), at, bytes);
  }

  /// A lane comes to a meeting (`aligned` follows when all have come), or executes a fence or a wait.
  void meeting(std::uint32_t site, site_kind kind, int rank) { keep(site, kind, rank, 0, 0); }

  void operations(std::uint32_t site, compute_unit on, std::int64_t count) { totals_->operations(site, on, count); }

  /// The lanes in `live`, all that are left of a warp, have met: lanes that skipped an access are in step again.
  void aligned(int warp, std::uint32_t live) {
    warp_state& w = warps_[static_cast<std::size_t>(warp)];
    w.live = live;
    flush(w);
  }

  /// Every lane has ended. Those that the last meeting found are the ones that could have taken part in what came
  /// after.
  void end_block() {
    for (warp_state& w : warps_) flush(w);
  }

private:
  static constexpr std::uint32_t most_kept = 2048;  // executions of a site between meetings whose addresses are kept
  static constexpr int widths = 8;                  // of which 5 are used: 1 to 16 bytes, by their logarithm

  /// What one warp has pending at one site, for one width of access.
  struct queue {
    std::uint32_t done[32] = {};     // executions by lane: lane i takes part in request n where done[i] > n
    std::uint32_t kept = 0;          // requests whose addresses have a place in `at`
    std::vector<std::uintptr_t> at;  // (request, lane)
    int row = 0, width = 0;
    site_kind kind = site_kind::global_load;
    bool pending = false;
  };
  struct warp_state {
    std::uint32_t live = 0;
    std::vector<std::unique_ptr<queue>> queues;  // by site, kind and width; most places are empty
    std::vector<queue*> pending;
  };

  void keep(std::uint32_t site, site_kind kind, int rank, std::uintptr_t at, int width) {
    warp_state& w = warps_[static_cast<unsigned>(rank) / 32];
    const unsigned lane = static_cast<unsigned>(rank) % 32;
    const std::size_t index =
        (std::size_t{site} * 16 + static_cast<std::size_t>(kind)) * widths + static_cast<std::size_t>(width);
    queue& q = index < w.queues.size() && w.queues[index] ? *w.queues[index] : make(w, index, site, kind, width);
    const std::uint32_t n = q.done[lane]++;
    if (n >= q.kept && !grow(q, n)) {
      if (is_global(kind)) totals_->mark(kind, at / sector_bytes);
      return;
    }
    q.at[n * 32 + lane] = at;
    if (!q.pending) {
      q.pending = true;
      w.pending.push_back(&q);
    }
  }

  [[gnu::noinline]] queue& make(warp_state& w, std::size_t index, std::uint32_t site, site_kind kind, int width) {
    if (index >= w.queues.size()) w.queues.resize((site + std::size_t{1}) * 16 * widths * 2);
    w.queues[index] = std::make_unique<queue>();
    queue& q = *w.queues[index];
    q.row = totals_->row(site, kind), q.kind = kind, q.width = width;
    return q;
  }

  /// Makes place for request n. False where that many are not kept: they will be taken to be like those before.
  [[gnu::noinline]] static bool grow(queue& q, std::uint32_t n) {
    if (n >= most_kept) return false;
    q.kept = std::max(8u, q.kept * 2);
    q.at.resize(std::size_t{q.kept} * 32);
    return true;
  }

  void flush(warp_state& w) {
    for (queue* q : w.pending) flush(*q, w.live);
    w.pending.clear();
  }

  void flush(queue& q, std::uint32_t live) {
    const site_profile before = totals_->at(q.row);
    std::uint32_t n = 0;
    std::int64_t more_requests = 0, more_lanes = 0;
    while (true) {  // stretches of requests in which the same lanes take part
      std::uint32_t lanes = 0, end = ~std::uint32_t{0};
      for (int i = 0; i < 32; ++i)
        if (q.done[i] > n) lanes |= 1u << i, end = std::min(end, q.done[i]);
      if (lanes == 0) break;
      const std::uint32_t with_address = std::min(end, q.kept);
      for (; n < with_address; ++n) totals_->add(q.row, {q.at.data() + std::size_t{n} * 32, lanes, 1 << q.width}, live);
      more_requests += end - n;
      more_lanes += std::int64_t{end - n} * std::popcount(lanes);
      n = end;
    }
    if (more_requests > 0) totals_->add_alike(q.row, before, more_requests, more_lanes);
    std::fill_n(q.done, 32, 0);
    q.pending = false;
  }

  profile_recorder* totals_;
  std::vector<warp_state> warps_;
};

}  // namespace tilery::inline TILERY_ABI::virtual_machine
