// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Groups the accesses of single lanes into warp requests, for the profile (the work and the cost of each site). A site
// is an operation with its source line (site.hpp). On a GPU the lanes of a warp access memory together; the virtual GPU
// runs them one after another, so that one lane may finish a loop before the next lane begins it. Therefore the n-th
// executions of a site by the lanes of a warp, with one access width, count as one request. The executions are counted
// from the warp's last sync_block, sync_cluster or collective (sync_warp, shuffle, vote, warp instruction). The cost of
// a request (warp_request.hpp) is computed when the warp passes the next sync_block, sync_cluster or collective, or at
// the end of the block. Until then the addresses are kept here, separately for each block, because other blocks run
// while this block waits.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/profile_recorder.hpp>

#include <memory>

namespace tilery::inline TILERY_ABI::virtual_machine {

class block_requests {
public:
  explicit block_requests(profile_recorder& totals) : totals_(&totals) {}

  /// Begins a block of `threads` threads. Reuses the buffers of the previous block, whose requests must have been
  /// counted by end_block().
  void begin_block(int threads) {
    const auto warps = static_cast<std::size_t>((threads + 31) / 32);
    if (warps_.size() < warps) warps_.resize(warps);
    for (std::size_t i = 0; i < warps; ++i) {
      const int lanes = std::min(32, threads - static_cast<int>(i) * 32);
      warps_[i].live = 0xffffffffu >> (32 - lanes);
    }
  }

  /// Records an access by the lane of this rank in the block. `at` is an address of global memory or an offset in
  /// shared memory, in bytes. An access of another size than 1, 2, 4, 8 or 16 bytes is split into accesses of these
  /// sizes, largest first; each of them is one instruction and counts as one execution of the site.
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

  /// Records the read or the write of a bulk copy, of any size, as one request of one lane. `at` is in global or in
  /// shared memory, as `kind` says. The request does not count as divergent, because one lane issues a bulk copy.
  void bulk(std::uint32_t site, site_kind kind, std::uintptr_t at, int bytes) {
    totals_->add_bulk(totals_->row(site, kind), at, bytes);
  }

  /// Records that a lane arrives at a barrier or a collective, or that it executes a fence or a wait. When a
  /// sync_block, a sync_cluster or a collective is complete, block_watch.hpp also calls aligned(). It does not for
  /// named barriers and mbarriers.
  void synchronisation(std::uint32_t site, site_kind kind, int rank) { keep(site, kind, rank, 0, 0); }

  /// Counts `count` arithmetic operations of one lane on this unit of the SM.
  void operations(std::uint32_t site, compute_unit on, std::int64_t count) { totals_->operations(site, on, count); }

  /// Adds the pending requests of a warp to the profile. All live lanes of the warp (bit mask `live`) have arrived at a
  /// sync_block, a sync_cluster or a collective, so these requests are complete: the next executions of all lanes
  /// belong to new requests.
  void aligned(int warp, std::uint32_t live) {
    warp_state& w = warps_[static_cast<std::size_t>(warp)];
    w.live = live;
    flush(w);
  }

  /// Adds the pending requests of a block whose lanes have all ended to the profile. A request counts as divergent if a
  /// lane that was alive at the warp's last aligned() (or at the block's beginning) did not take part.
  void end_block() {
    for (warp_state& w : warps_) flush(w);
  }

private:
  static constexpr std::uint32_t most_kept = 2048;  // most requests of one queue whose addresses are kept
  static constexpr int widths = 8;                  // log2(bytes) is 0 to 4: 5 widths, rounded up to 8

  /// The pending requests of one warp at one site, for one kind and one width of access.
  struct queue {
    std::uint32_t done[32] = {};     // executions by each lane: lane i takes part in the requests n < done[i]
    std::uint32_t kept = 0;          // number of requests for whose addresses `at` has room
    std::vector<std::uintptr_t> at;  // addresses: (request, lane)
    int row = 0, width = 0;          // number of the row in profile_recorder; log2(bytes)
    site_kind kind = site_kind::global_load;
    bool pending = false;
  };
  struct warp_state {
    std::uint32_t live = 0;                      // mask of the lanes that were alive at the last aligned()
    std::vector<std::unique_ptr<queue>> queues;  // (site, kind of 16, width of 8); most are null
    std::vector<queue*> pending;                 // the queues that have requests
  };

  /// Adds one execution by a lane to the queue of its warp, site, kind and width. If an address of global memory is not
  /// kept, its 32-byte sector still counts as one that the launch accesses.
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

  /// Creates the queue with this index.
  [[gnu::noinline]] queue& make(warp_state& w, std::size_t index, std::uint32_t site, site_kind kind, int width) {
    if (index >= w.queues.size()) w.queues.resize((site + std::size_t{1}) * 16 * widths * 2);
    w.queues[index] = std::make_unique<queue>();
    queue& q = *w.queues[index];
    q.row = totals_->row(site, kind), q.kind = kind, q.width = width;
    return q;
  }

  /// Makes room for the addresses of request n. Returns false from request `most_kept` on: the addresses of these
  /// requests are not kept, and their cost is extrapolated from the earlier ones.
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

  /// Adds the requests of a queue to the profile and empties the queue. `live`: the lanes that could have taken part.
  void flush(queue& q, std::uint32_t live) {
    const site_profile before = totals_->at(q.row);
    std::uint32_t n = 0;
    std::int64_t more_requests = 0, more_lanes = 0;
    while (true) {  // each iteration: successive requests with equal sets of lanes
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
