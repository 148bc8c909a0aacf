// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Groups the accesses of single lanes into warp requests, for the profile. The virtual GPU runs the lanes of a warp one
// after another: the first lane has finished a loop before the second lane begins it. So the n-th executions of a site
// by the lanes of a warp, counted from the warp's last barrier, are one request. Its cost is computed when the warp
// reaches its next barrier. Until then the addresses are kept here, separately for each block, because other blocks run
// while this block waits.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/profile_recorder.hpp>

#include <memory>

namespace tilery::inline TILERY_ABI::virtual_machine {

class block_requests {
public:
  explicit block_requests(profile_recorder& totals) : totals_(&totals) {}

  /// A new block begins, without pending requests. Reuses the buffers of the previous block.
  void begin_block(int threads) {
    const auto warps = static_cast<std::size_t>((threads + 31) / 32);
    if (warps_.size() < warps) warps_.resize(warps);
    for (std::size_t i = 0; i < warps; ++i) {
      const int lanes = std::min(32, threads - static_cast<int>(i) * 32);
      warps_[i].live = 0xffffffffu >> (32 - lanes);
    }
  }

  /// Records one lane's access. `at` is an address of global memory or an offset in shared memory. An access that is
  /// not of 1, 2, 4, 8 or 16 bytes is split into such pieces, largest first; each piece is one instruction and counts
  /// as one execution.
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

  /// Records a bulk copy of any size as one request of one lane. The request is not divergent, because no other lane
  /// could have taken part.
  void bulk(std::uint32_t site, site_kind kind, std::uintptr_t at, int bytes) {
    totals_->add_bulk(totals_->row(site, kind), at, bytes);
  }

  /// Records that a lane arrives at a barrier or a shuffle (aligned() follows when all lanes have arrived), or that it
  /// executes a fence or a wait.
  void synchronisation(std::uint32_t site, site_kind kind, int rank) { keep(site, kind, rank, 0, 0); }

  void operations(std::uint32_t site, compute_unit on, std::int64_t count) { totals_->operations(site, on, count); }

  /// All live lanes of a warp (bit mask `live`) have arrived at a barrier. Lanes that skipped an access are in step
  /// with the other lanes again, so the pending requests are complete and are counted.
  void aligned(int warp, std::uint32_t live) {
    warp_state& w = warps_[static_cast<std::size_t>(warp)];
    w.live = live;
    flush(w);
  }

  /// Counts the pending requests after all lanes have ended. The lanes that were alive at the warp's last barrier are
  /// taken as those that could have taken part.
  void end_block() {
    for (warp_state& w : warps_) flush(w);
  }

private:
  static constexpr std::uint32_t most_kept = 2048;  // executions of a site between barriers whose addresses are kept
  static constexpr int widths = 8;  // widths of 1 to 16 bytes by their base-2 logarithm: 5 of the 8 are used

  /// The pending requests of one warp at one site, for one width of access.
  struct queue {
    std::uint32_t done[32] = {};     // executions by lane: lane i takes part in request n where done[i] > n
    std::uint32_t kept = 0;          // number of requests for whose addresses `at` has room
    std::vector<std::uintptr_t> at;  // (request, lane)
    int row = 0, width = 0;
    site_kind kind = site_kind::global_load;
    bool pending = false;
  };
  struct warp_state {
    std::uint32_t live = 0;
    std::vector<std::unique_ptr<queue>> queues;  // by site, kind and width; most entries are null
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

  /// Makes room for the addresses of request n. Returns false if so many are not kept: the cost of the later requests
  /// is extrapolated from the kept ones.
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
    while (true) {  // each iteration: a run of requests in which the same lanes take part
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
