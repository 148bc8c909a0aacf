// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One pass of the CPU GEMM over a span of C: the position of the pass in the problem, its workspace, and its work.
// The parts of the problem:
//
//   span    at most m_span x n_span elements of C; the packed parts of A and B for one span bound the workspace
//   pass    at most k_block steps of k (a step is one index of k), for s32 sums also at most as many as float adds
//           exactly (tile::cpu_exact_steps); A is packed as rows along k, B as panels; an operand that is read in place
//           is not packed
//   panel   columns of B, at most as many as the register tile has; a packed panel has one row for each step of k
//   block   panels of B that stay in the L2 cache while all strips of the span are multiplied by them
//   strip   rows of A, at most as many as the register tile has; they stay in the L1 cache during one block
#pragma once
#pragma GCC system_header

#include <tilery/kernels/gemm/params.hpp>
#include <tilery/policies/gemm_cpu.hpp>
#include <tilery/simt/index.hpp>
#include <tilery/tile/cpu_finish.hpp>
#include <tilery/tile/cpu_register_tile.hpp>
#include <tilery/tile/even_split.hpp>

#include <cstddef>
#include <utility>

namespace tilery::inline TILERY_ABI {

/// The passes of one GEMM, one after another. A share is a piece of a pass's work, which one thread does. go_to() moves
/// to a pass. Then the threads do the packing, which is cut into pack_shares() shares (pack_share()); then they do the
/// multiplication, which is cut into shares() shares (multiply_share()).
template <gemm_cpu_policy P, class Params>
class gemm_cpu_pass {
public:
  explicit gemm_cpu_pass(const Params& p)
      : p_(p), k_steps_(p.a.k, greater(1, pieces(p.a.k, lesser(P.k_block, tile::cpu_exact_steps<S>)))) {
    const std::int64_t k = k_steps_.size(0), rows = lesser(p.c.rows, P.m_span);
    // tails: 1 if C's last panel does not consist of whole vectors. That panel of B is packed, and, if there are
    // several passes, its sums are kept in the workspace, even if all other panels of B and C are used in place.
    const std::int64_t panels = pieces(lesser(p.c.columns, P.n_span), panel), tails = p.c.columns % lanes != 0;
    if constexpr (std::is_same_v<typename Params::a_type, factor>)
      if (P.a_in_place && p.a.k_stride == 1 && k > 0) a_ = p.a.data;
    if constexpr (std::is_same_v<typename Params::b_type, factor>)
      if (P.b_in_place && p.b.outer_stride == 1 && k > 0) b_ = p.b.data;
    if constexpr (std::is_same_v<typename Params::c_type, S>)
      if (p.c.column_stride == 1 && p.beta == S(0)) c_ = p.c.data;
    // The pitch of packed rows of A is an odd number of cache lines, so that the rows of a strip use different sets of
    // the cache.
    a_pitch_ = (pieces(k, line) | 1) * line;
    packed_panel_ = k * panel;
    sums_panel_ = rows * panel;
    a_elements_ = a_ ? 0 : rows * a_pitch_;
    b_elements_ = (b_ ? tails : panels) * packed_panel_;
    sums_elements_ = steps() == 1 ? 0 : (c_ ? tails : panels) * sums_panel_;
  }

  /// Bytes of the workspace: packed A, packed B, and, if there are several passes, the sums that are kept from one pass
  /// to the next outside of C.
  std::size_t workspace_bytes() const { return sizeof(S) * (a_elements_ + padded(b_elements_) + sums_elements_); }
  /// Sets the workspace, which has workspace_bytes() bytes. It must be set before anything is packed.
  void use(void* workspace) {
    packed_a_ = gmem_ptr<factor>(static_cast<factor*>(workspace));
    packed_b_ = packed_a_ + a_elements_;
    sums_ = reinterpret<gmem_ptr<S>>(packed_b_ + padded(b_elements_));
  }

  /// Number of passes that k is cut into; 1 if k is 0.
  int steps() const { return static_cast<int>(k_steps_.parts()); }

  /// Moves to pass `step` of the span that begins at row m and column n of C. `threads` threads will do the work.
  void go_to(int m, int n, int step, int threads) {
    step_ = step, threads_ = threads, m_ = m, n_ = n;
    rows_ = lesser(p_.c.rows - m, P.m_span);
    columns_ = lesser(p_.c.columns - n, P.n_span);
    k_ = static_cast<int>(k_steps_.begin(step));
    k_extent_ = static_cast<int>(k_steps_.size(step));
    panels_ = pieces(columns_, panel);
    // Strips and blocks are cut as evenly as possible, so that all threads have the same amount of work.
    //
    // 1. The epilogue sums columns: the rows of a partial sum must not depend on the number of threads. The number of
    //    strips stays fixed, and only the blocks are made smaller, so that each of several threads has at least 4
    //    shares if there are enough panels.
    // 2. B is packed, and there is a panel for each of several threads: the number of blocks is a multiple of the
    //    number of threads. A thread then mostly reads panels that it has packed itself, from its own L2 cache.
    // 3. There is a strip for each thread: the number of strips is a multiple of the number of threads.
    // 4. In all other cases the number of blocks is a multiple of the number of threads.
    // There are never more strips than rows, or more blocks than panels, even if their number is then no such multiple.
    int strips = pieces(rows_, P.rows), blocks = pieces(columns_, P.n_block);
    if (sums_columns)
      blocks = threads == 1 ? blocks : greater(blocks, lesser(pieces(4 * threads, strip_groups(strips)), panels_));
    else if (!b_ && threads > 1 && panels_ >= threads)
      blocks = lesser(pieces(blocks, threads) * threads, panels_);
    else if (strips >= threads)
      strips = lesser(pieces(strips, threads) * threads, rows_);
    else
      blocks = lesser(pieces(blocks, threads) * threads, panels_);
    strips_ = tile::even_split(rows_, strips);
    blocks_ = tile::even_split(panels_, blocks);
  }

  /// Number of shares that packing is cut into: 4 for each thread, so that a faster core can take more of them; 1 for
  /// a single thread; 0 if nothing is packed.
  int pack_shares() const { return a_elements_ + b_elements_ == 0 ? 0 : threads_ == 1 ? 1 : 4 * threads_; }
  /// Packs one share of this pass's rows of A and panels of B.
  void pack_share(std::int64_t share) const {
    if (!a_) {
      const tile::even_split groups(pieces(rows_, lanes), pack_shares());
      const auto begin = groups.begin(share) * lanes, end = lesser<std::int64_t>(groups.end(share) * lanes, rows_);
      if (begin < end) pack_rows(static_cast<int>(begin), static_cast<int>(end));
    }
    // If B is read in place, at most the last panel is packed.
    const int first = b_ ? panels_ - (columns_ % lanes != 0) : 0;
    const tile::even_split packed(panels_ - first, pack_shares());
    // If the rows of B are contiguous, 8 rows (steps of k) are packed for all panels of the share before the next 8
    // rows, so that the share's part of each row is read from end to end.
    const int some = p_.b.outer_stride == 1 ? 8 : k_extent_;
    for (int k = 0; k < k_extent_; k += some)
      for (auto q = packed.begin(share); q < packed.end(share); ++q)
        pack_panel(static_cast<int>(first + q), k, lesser(some, k_extent_ - k));
  }

  /// Number of shares that the multiplication is cut into. A share is one strip times one block; the shares of one
  /// block have consecutive numbers. If the epilogue sums columns, a share is several strips (about 48 rows) times
  /// one block, and adds its column sums to the epilogue's counters once.
  std::int64_t shares() const { return strip_groups(strips_.parts()) * blocks_.parts(); }
  /// Multiplies the strips of one share by the panels of its block.
  void multiply_share(std::int64_t index) const {
    multiply_share(index, std::make_index_sequence<pieces(P.n_block, panel)>());
  }

private:
  using S = typename Params::accumulator;
  using factor = tile::cpu_factor<S>;
  static_assert(sizeof(factor) == sizeof(S));
  // In elements: a vector, a row of a panel, and a cache line.
  static constexpr int lanes = P.lanes(sizeof(S)), panel = P.columns(sizeof(S)),
                       line = static_cast<int>(64 / sizeof(S));
  static constexpr bool sums_columns = Params::epilogue_type::sums_columns;
  static constexpr int strips_of_share = sums_columns ? greater(1, 48 / P.rows) : 1;
  static constexpr cpu_lane lane{{0, 0, 0}, {1, 1, 1}};  // block 0 of a grid of one block

  /// Returns a number of elements rounded up to whole cache lines.
  static std::int64_t padded(std::int64_t elements) { return (elements + line - 1) / line * line; }
  /// True if this is the last pass over k.
  bool last() const { return step_ + 1 == steps(); }
  /// Number of shares that `strips` strips times one block are cut into.
  static int strip_groups(std::int64_t strips) { return pieces(strips, strips_of_share); }
  /// Number of columns of panel q. Packing pads each row of a panel with zeros to whole vectors.
  int columns_of(int q) const { return lesser(columns_ - q * panel, panel); }
  /// The packed panel q. If B is read in place, only its last panel may be packed, and is the only one in the
  /// workspace.
  gmem_ptr<factor> packed_panel(int q) const { return packed_b_ + (b_ ? 0 : q) * packed_panel_; }

  /// Multiplies the strips of share `index` by the panels of its block. `Panel...` are the indices of as many panels as
  /// a block can have. Each panel has its own copy of the epilogue, which may keep sums of the panel's columns.
  template <std::size_t... Panel>
  void multiply_share(std::int64_t index, std::index_sequence<Panel...>) const {
    const int groups = strip_groups(strips_.parts());
    const auto block = index / groups, first = index % groups * strips_of_share;
    const auto begin = blocks_.begin(block), end = blocks_.end(block);
    using tile_epilogue = decltype(epilogue::in_tile<S, lanes, P.vectors>(p_.epilogue));
    tile_epilogue epilogues[] = {(static_cast<void>(Panel), epilogue::in_tile<S, lanes, P.vectors>(p_.epilogue))...};
    for (auto strip = first; strip < first + strips_of_share && strip < strips_.parts(); ++strip)
      for (auto q = begin; q < end; ++q)
        multiply(static_cast<int>(strips_.begin(strip)), static_cast<int>(strips_.size(strip)), static_cast<int>(q),
                 epilogues[q - begin], q + 1 == end);
    if (last())
      for (auto q = begin; q < end; ++q) epilogues[q - begin].end(lane);
  }

  /// Packs rows [begin, end) of this pass's part of A.
  void pack_rows(int begin, int end) const {
    const tile::strided_block<const typename Params::a_type> from{p_.a.data + ((m_ + begin) * p_.a.outer_stride +
                                                                               k_ * p_.a.k_stride),
                                                                  p_.a.outer_stride, p_.a.k_stride, end - begin,
                                                                  k_extent_};
    tile::copy_block<lanes>(lane, from, packed_a_ + begin * a_pitch_, a_pitch_);
  }

  /// Packs steps [first, first + count) of this pass's k into panel q.
  void pack_panel(int q, int first, int count) const {
    const int columns = columns_of(q);
    const tile::strided_block<const typename Params::b_type> from{p_.b.data + ((n_ + q * panel) * p_.b.outer_stride +
                                                                               (k_ + first) * p_.b.k_stride),
                                                                  p_.b.k_stride, p_.b.outer_stride, count, columns};
    tile::copy_block<lanes>(lane, from, packed_panel(q) + first * panel, panel);
  }

  /// Computes one register tile: rows [row, row + rows) of the span's A times panel q. The last pass also finishes the
  /// tile of C. `next_rows` is true if the panel is the last one of its block: the next tile is then mostly in the rows
  /// below.
  template <class TileEpilogue>
  void multiply(int row, int rows, int q, TileEpilogue& epilogue, bool next_rows) const {
    const int columns = columns_of(q), column = n_ + q * panel;
    const bool whole = columns % lanes == 0;
    alignas(64) S tile_sums[P.rows * panel];

    tile::cpu_tile_operands<S> t;
    t.k = k_extent_;
    t.add = step_ > 0;
    t.a = a_ ? a_ + ((m_ + row) * p_.a.outer_stride + k_) : packed_a_ + row * a_pitch_;
    t.a_row_stride = a_ ? p_.a.outer_stride : a_pitch_;
    t.has_next = next_rows;  // prefetch the rows of A below this tile
    t.next_a = t.a + rows * t.a_row_stride;
    t.b = b_ && whole ? b_ + (k_ * p_.b.k_stride + column) : packed_panel(q);
    t.b_k_stride = b_ && whole ? p_.b.k_stride : panel;
    if (c_ && whole)
      t.sums = c_ + ((m_ + row) * p_.c.row_stride + column), t.sums_stride = p_.c.row_stride;
    else if (steps() == 1)
      t.sums = gmem_ptr<S>(tile_sums), t.sums_stride = panel;
    else
      t.sums = sums_ + (c_ ? 0 : q) * sums_panel_ + row * panel, t.sums_stride = panel;
    tile::multiply_tile<S, lanes, P.rows, P.vectors>(rows, pieces(columns, lanes), t);

    constexpr bool plain = std::is_same_v<decltype(Params::epilogue), epilogue::none>;
    if (!last() || (plain && p_.alpha == S(1) && c_ && whole)) return;  // another pass follows, or C is complete
    tile::finish_tile<lanes>(lane, p_, epilogue,
                             tile::finished_tile<S>{t.sums, t.sums_stride, m_ + row, column, rows, columns});
  }

  const Params& p_;
  tile::even_split k_steps_;
  gmem_ptr<const factor> a_{nullptr}, b_{nullptr};        // A and B if they are read in place, else null
  gmem_ptr<S> c_{nullptr};                                // C if the sums over k are added up in C itself, else null
  std::int64_t a_pitch_, packed_panel_, sums_panel_;      // elements: packed row of A, packed panel of B, panel of sums
  std::int64_t a_elements_, b_elements_, sums_elements_;  // elements of each part of the workspace
  gmem_ptr<factor> packed_a_{nullptr}, packed_b_{nullptr};  // (row, k), (panel, k, column)
  gmem_ptr<S> sums_{nullptr};                               // (panel, row, column)

  int step_, threads_, m_, n_, k_;          // this pass, its threads, and its first row, column and k
  int rows_, columns_, k_extent_, panels_;  // extents of this pass, and its number of panels
  tile::even_split strips_, blocks_;
};

}  // namespace tilery::inline TILERY_ABI
