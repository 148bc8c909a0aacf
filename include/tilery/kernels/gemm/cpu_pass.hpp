// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One pass of the CPU GEMM over a span of C: its place in the problem, its workspace, and what is done in it.
//
//   span    m_span x n_span of C; what is packed of A and B for it bounds the workspace
//   pass    k_block of k: A packed as rows, B as panels as wide as the register tile
//   block   panels of B that stay in the second cache while all rows of A go by
//   strip   rows of A, as many as the register tile has, that stay in the first cache while a block goes by
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

template <gemm_cpu_policy P, class Params>
class gemm_cpu_pass {
public:
  explicit gemm_cpu_pass(const Params& p)
      : p_(p), k_steps_(p.a.k, greater(1, pieces(p.a.k, lesser(P.k_block, tile::cpu_exact_steps<S>)))) {
    const std::int64_t k = k_steps_.size(0), rows = lesser(p.c.rows, P.m_span);
    const std::int64_t panels = pieces(lesser(p.c.columns, P.n_span), panel), tails = p.c.columns % lanes != 0;
    if constexpr (std::is_same_v<typename Params::a_type, factor>)
      if (P.a_in_place && p.a.k_stride == 1 && k > 0) a_ = p.a.data;
    if constexpr (std::is_same_v<typename Params::b_type, factor>)
      if (P.b_in_place && p.b.outer_stride == 1 && k > 0) b_ = p.b.data;
    if constexpr (std::is_same_v<typename Params::c_type, S>)
      if (p.c.column_stride == 1 && p.beta == S(0)) c_ = p.c.data;
    // An odd number of cache lines from row to row spreads the rows of a strip over the sets of the cache.
    a_pitch_ = (pieces(k, line) | 1) * line;
    packed_panel_ = k * panel;
    sums_panel_ = rows * panel;
    a_elements_ = a_ ? 0 : rows * a_pitch_;
    b_elements_ = (b_ ? tails : panels) * packed_panel_;
    sums_elements_ = steps() == 1 ? 0 : (c_ ? tails : panels) * sums_panel_;
  }

  std::size_t workspace_bytes() const { return sizeof(S) * (a_elements_ + padded(b_elements_) + sums_elements_); }
  void use(void* workspace) {
    packed_a_ = gmem_ptr<factor>(static_cast<factor*>(workspace));
    packed_b_ = packed_a_ + a_elements_;
    sums_ = reinterpret<gmem_ptr<S>>(packed_b_ + padded(b_elements_));
  }

  /// Passes over k; one where k is 0.
  int steps() const { return static_cast<int>(k_steps_.parts()); }

  /// Goes to pass `step` of the span that begins at row m and column n.
  void go_to(int m, int n, int step, int threads) {
    step_ = step, threads_ = threads, m_ = m, n_ = n;
    rows_ = lesser(p_.c.rows - m, P.m_span);
    columns_ = lesser(p_.c.columns - n, P.n_span);
    k_ = static_cast<int>(k_steps_.begin(step));
    k_extent_ = static_cast<int>(k_steps_.size(step));
    panels_ = pieces(columns_, panel);
    // Strips and blocks are as even as they can be, so that every thread has as much to do. Where the epilogue sums up
    // the columns of some strips, these are the same for any number of threads, and blocks are what is shared out.
    int strips = pieces(rows_, P.rows), blocks = pieces(columns_, P.n_block);
    if (sums_columns)
      blocks = threads == 1 ? blocks : greater(blocks, lesser(pieces(4 * threads, strip_groups(strips)), panels_));
    else if (strips >= threads)
      strips = lesser(pieces(strips, threads) * threads, rows_);
    else
      blocks = lesser(pieces(blocks, threads) * threads, panels_);
    strips_ = tile::even_split(rows_, strips);
    blocks_ = tile::even_split(panels_, blocks);
  }

  /// How many shares packing is cut into: some a thread, so that a faster core can take more of them.
  int pack_shares() const { return a_elements_ + b_elements_ == 0 ? 0 : threads_ == 1 ? 1 : 4 * threads_; }
  /// Packs one share of A and B.
  void pack_share(std::int64_t share) const {
    if (!a_) {
      const tile::even_split groups(pieces(rows_, lanes), pack_shares());
      const auto begin = groups.begin(share) * lanes, end = lesser<std::int64_t>(groups.end(share) * lanes, rows_);
      if (begin < end) pack_rows(static_cast<int>(begin), static_cast<int>(end));
    }
    const int first = b_ ? panels_ - (columns_ % lanes != 0) : 0;
    const tile::even_split packed(panels_ - first, pack_shares());
    // Where k rows of B are contiguous, some of them at a time for all panels: they are read from end to end.
    const int some = p_.b.outer_stride == 1 ? 8 : k_extent_;
    for (int k = 0; k < k_extent_; k += some)
      for (auto q = packed.begin(share); q < packed.end(share); ++q)
        pack_panel(static_cast<int>(first + q), k, lesser(some, k_extent_ - k));
  }

  /// Pieces of work: strips of all blocks, those of one block next to each other; where the epilogue sums up columns,
  /// some strips below each other, some 48 rows, so that it hands its sums over once for all of them.
  std::int64_t shares() const { return strip_groups(strips_.parts()) * blocks_.parts(); }
  /// Multiplies the strips of one share with their block.
  void multiply_share(std::int64_t index) const {
    multiply_share(index, std::make_index_sequence<pieces(P.n_block, panel)>());
  }

private:
  using S = typename Params::accumulator;
  using factor = tile::cpu_factor<S>;
  static_assert(sizeof(factor) == sizeof(S));
  static constexpr int lanes = P.lanes(sizeof(S)), panel = P.columns(sizeof(S)),
                       line = static_cast<int>(64 / sizeof(S));
  static constexpr bool sums_columns = Params::epilogue_type::sums_columns;
  static constexpr int strips_of_share = sums_columns ? greater(1, 48 / P.rows) : 1;
  static constexpr cpu_lane lane{{0, 0, 0}, {1, 1, 1}};

  static std::int64_t padded(std::int64_t elements) { return (elements + line - 1) / line * line; }
  bool last() const { return step_ + 1 == steps(); }
  static int strip_groups(std::int64_t strips) { return pieces(strips, strips_of_share); }
  /// Columns of panel q; its packed rows are filled up to whole vectors.
  int columns_of(int q) const { return lesser(columns_ - q * panel, panel); }
  gmem_ptr<factor> packed_panel(int q) const { return packed_b_ + (b_ ? 0 : q) * packed_panel_; }

  /// Each panel of the block has its epilogue's copy.
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
                 epilogues[q - begin]);
    if (last())
      for (auto q = begin; q < end; ++q) epilogues[q - begin].end(lane);
  }

  void pack_rows(int begin, int end) const {
    const tile::strided_block<const typename Params::a_type> from{p_.a.data + ((m_ + begin) * p_.a.outer_stride +
                                                                               k_ * p_.a.k_stride),
                                                                  p_.a.outer_stride, p_.a.k_stride, end - begin,
                                                                  k_extent_};
    tile::copy_block<lanes>(lane, from, packed_a_ + begin * a_pitch_, a_pitch_);
  }

  /// Rows [first, first + count) of this pass, for panel q.
  void pack_panel(int q, int first, int count) const {
    const int columns = columns_of(q);
    const tile::strided_block<const typename Params::b_type> from{p_.b.data + ((n_ + q * panel) * p_.b.outer_stride +
                                                                               (k_ + first) * p_.b.k_stride),
                                                                  p_.b.k_stride, p_.b.outer_stride, count, columns};
    tile::copy_block<lanes>(lane, from, packed_panel(q) + first * panel, panel);
  }

  /// One register tile: `rows` rows from `row` on, panel q.
  template <class TileEpilogue>
  void multiply(int row, int rows, int q, TileEpilogue& epilogue) const {
    const int columns = columns_of(q), column = n_ + q * panel;
    const bool whole = columns % lanes == 0;
    alignas(64) S tile_sums[P.rows * panel];

    tile::cpu_tile_operands<S> t;
    t.k = k_extent_;
    t.add = step_ > 0;
    t.a = a_ ? a_ + ((m_ + row) * p_.a.outer_stride + k_) : packed_a_ + row * a_pitch_;
    t.a_row_stride = a_ ? p_.a.outer_stride : a_pitch_;
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
    if (!last() || (plain && p_.alpha == S(1) && c_ && whole)) return;  // no more to do to the sums
    tile::finish_tile<lanes>(lane, p_, epilogue,
                             tile::finished_tile<S>{t.sums, t.sums_stride, m_ + row, column, rows, columns});
  }

  const Params& p_;
  tile::even_split k_steps_;
  gmem_ptr<const factor> a_{nullptr}, b_{nullptr};  // read in place, or null
  gmem_ptr<S> c_{nullptr};                          // sums are kept in C itself, or null
  std::int64_t a_pitch_, packed_panel_, sums_panel_;
  std::int64_t a_elements_, b_elements_, sums_elements_;
  gmem_ptr<factor> packed_a_{nullptr}, packed_b_{nullptr};
  gmem_ptr<S> sums_{nullptr};

  int step_, threads_, m_, n_, k_;          // where this pass is
  int rows_, columns_, k_extent_, panels_;  // how large it is
  tile::even_split strips_, blocks_;
};

}  // namespace tilery::inline TILERY_ABI
