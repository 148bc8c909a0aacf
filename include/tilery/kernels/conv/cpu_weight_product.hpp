// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The work of one weight gradient on the CPU (one group of channels). The pixels of all images are cut into strips. For
// each strip the threads copy the pixels of x that its taps read (tile/pixel_strips.hpp) and pack dy as panels of
// filters; then they add the products of both to the sums: one sum for each filter, tap and channel. The sums over the
// pixels of a strip stay in registers. The rows of a register tile are taps and channels, its columns are filters.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/gemm/params.hpp>
#include <tilery/policies/conv_cpu.hpp>
#include <tilery/simt/cpu_stream.hpp>
#include <tilery/tile/cpu_run_tile.hpp>
#include <tilery/tile/pixel_matrix.hpp>
#include <tilery/tile/pixel_strips.hpp>
#include <tilery/tile/tap_panel.hpp>

#include <cstddef>

namespace tilery::inline TILERY_ABI {

/// The product of one group: for each strip, go_to(strip), then the threads pack all pack_shares(), then they multiply
/// all shares(). Then they finish all finish_shares().
template <conv_cpu_policy P, class Params>
class conv_cpu_weight_product {
  using T = typename Params::a_type;
  using C = typename Params::c_type;
  using S = typename Params::accumulator;
  using factor = tile::cpu_factor<S>;
  static_assert(sizeof(factor) == sizeof(S));

public:
  conv_cpu_weight_product(const Params& p, int threads)
      : p_(p),
        strips_(p.b.images, p.b.k / p.b.grid.volume.value, p.b.grid.extents, p.b.walk, taps_of(p.b), p.b.channels.value,
                P.channel_block,
                {std::int64_t{P.strip_bytes} * pieces(p.b.channels.value, P.channel_block), pixels, pixels}),
        threads_(threads) {
    // During the last strip, each share can be finished (its part of C be written) as soon as its sums are complete, if
    // its columns are whole packs. Here and in finish_share(), a share has all filters of one panel. These are the rows
    // of C over which a partial sum of a bias gradient goes: its bits are the same in both cases.
    finishes_shares_ = p.b.channels.value % lanes == 0 && (threads == 1 || groups_of_tiles() >= 4 * threads);
    keeps_sums_ = !finishes_shares_ || strips_.size() != 1;
    streams_ = can_stream();
  }

  /// Bytes of the workspace: the sums, the copy of a strip of x, the packed pixels of dy.
  std::size_t workspace_bytes() const {
    return sizeof(S) * static_cast<std::size_t>(sums_elements() + padded(strips_.most_elements()) +
                                                strips_.most_pixels() * width());
  }
  /// Sets the workspace. It must be set before anything is packed.
  void use(void* workspace) {
    sums_ = gmem_ptr<S>(static_cast<S*>(workspace));
    copy_ = reinterpret<gmem_ptr<factor>>(sums_ + sums_elements());
    packed_ = copy_ + padded(strips_.most_elements());
  }

  std::int64_t strips() const { return strips_.size(); }
  void go_to(std::int64_t strip) {
    first_ = strip == 0, last_ = strip + 1 == strips_.size();
    box_ = strips_.strip(strip), layout_ = strips_.layout(box_);
    // A share has some tiles (one of parts_ parts) of one panel, one block of channels and one row of taps.
    parts_ = threads_ == 1 || finishes_shares_
                 ? 1
                 : pieces(4 * threads_, static_cast<int>(lesser<std::int64_t>(groups_of_tiles(), 4 * threads_)));
  }

  /// Shares of packing: first the blocks of each image of the strip, then the panels of dy.
  std::int64_t pack_shares() const { return strips_.blocks() * box_.count[0] + panels(); }
  void pack_share(std::int64_t share) const {
    const std::int64_t of_x = strips_.blocks() * box_.count[0];
    if (share < of_x)
      strips_.copy(box_, layout_, static_cast<int>(share % strips_.blocks()), share / strips_.blocks(), copy_);
    else
      pack_panel(static_cast<int>(share - of_x));
  }

  std::int64_t shares() const { return groups_of_tiles() * parts_; }
  /// Bytes of memory of its own that each share needs: its sums, unless the workspace keeps them (keeps_sums_).
  std::size_t share_bytes() const {
    return keeps_sums_ ? 0 : sizeof(S) * static_cast<std::size_t>(strips_.axis(2).taps * strips_.block() * panel);
  }
  /// Adds the products of the strip to the sums of one share. `memory` has share_bytes() bytes.
  void multiply_share(std::int64_t share, void* memory) const {
    const std::int64_t part = share % parts_;
    share /= parts_;
    const int tap_row = static_cast<int>(share % tap_rows());
    share /= tap_rows();
    const int block = static_cast<int>(share % strips_.blocks()), q = static_cast<int>(share / strips_.blocks());
    const int channels = strips_.channels_of(block), w = width_of(q), rows = strips_.axis(2).taps * channels;
    const bool is_run = strips_.is_run(layout_, block);
    tile::cpu_run<S> runs[pixels];
    const int number = find_runs(tap_row, block, q, runs);
    const gmem_ptr<S> sums = keeps_sums_ ? sums_of(q) + step_of(block, std::int64_t{tap_row} * strips_.axis(2).taps) * w
                                         : gmem_ptr<S>(static_cast<S*>(memory));
    if (last_ && finishes_shares_ && !streams_) prefetch_columns(q, block, tap_row);
    const tile::even_split tiles(rows, pieces(rows, P.rows)), some(tiles.parts(), parts_);
    for (auto i = some.begin(part); i < some.end(part); ++i) {
      const auto begin = tiles.begin(i), count = tiles.size(i);
      std::int64_t offsets[P.rows];
      for (int r = 0; r < P.rows; ++r) {
        const std::int64_t row = lesser<std::int64_t>(begin + r, rows - 1);
        offsets[r] = is_run ? row : row / channels * layout_.tap_steps[2] + row % channels;
      }
      alignas(64) S tile_sums[P.rows * panel];
      tile::multiply_runs<S, lanes, P.rows, P.vectors>(static_cast<int>(count), w / lanes,
                                                       {runs, number, offsets, layout_.pixel_steps[2],
                                                        gmem_ptr<S>(tile_sums), false});
      add(gmem_ptr<S>(tile_sums), sums + begin * w, count * w);
    }
    if (!last_ || !finishes_shares_) return;
    auto epilogue = epilogue::in_tile<S, lanes, 1>(p_.epilogue);
    for (int t = 0; t < strips_.axis(2).taps; ++t) {
      const int column = column_of(tap_row, t) + block * strips_.block();
      for (int c = 0; c < channels; c += lanes)
        finish_square(epilogue, q, column + c, lanes,
                      [&](int e) { return sums + std::int64_t{t * channels + c + e} * w; });
    }
    epilogue.end(lane);
    if (streams_) end_streams();
  }

  /// Sets all sums to 0, for a problem without strips.
  void clear() const {
    for (std::int64_t i = 0; i < sums_elements(); i += lanes) lane.store(sums_ + i, splat<lanes>(S(0)));
  }

  /// Shares of the last step: some columns of C for the filters of one panel. Their number does not depend on the
  /// number of threads, because a partial sum of a bias gradient is over the rows of a share.
  std::int64_t finish_shares() const {
    if (finishes_shares_ && strips_.size() > 0) return 0;
    return std::int64_t{panels()} * pieces(p_.c.columns, finished_columns);
  }
  /// C = p.finish(sums) for the elements of one share.
  void finish_share(std::int64_t share) const {
    const int q = static_cast<int>(share % panels());
    const int first = static_cast<int>(share / panels()) * finished_columns,
              end = lesser(p_.c.columns, first + finished_columns), w = width_of(q);
    auto epilogue = epilogue::in_tile<S, lanes, 1>(p_.epilogue);
    for (int column = first; column < end; column += lanes)
      finish_square(epilogue, q, column, lesser(end - column, lanes),
                    [&](int e) { return sums_of(q) + step_of_column(column + e) * w; });
    epilogue.end(lane);
    if (streams_) end_streams();
  }

private:
  static constexpr int lanes = P.lanes(sizeof(S)), panel = P.columns(sizeof(S));
  static constexpr int pixels = lesser(P.pixels, tile::cpu_exact_steps<S>);
  static constexpr int finished_columns = 16 * lanes;
  static constexpr cpu_lane lane{{0, 0, 0}, {1, 1, 1}};  // block 0 of a grid of one block

  static spatial<3> taps_of(const tap_panel<T>& b) {
    const int height = b.height.value, width = b.width.value;
    return {b.outer / (b.channels.value * height * width), height, width};
  }
  /// Returns a number of elements rounded up to whole cache lines.
  static std::int64_t padded(std::int64_t elements) {
    constexpr std::int64_t line = 64 / sizeof(S);
    return (elements + line - 1) / line * line;
  }
  int panels() const { return pieces(p_.c.rows, panel); }
  /// The number of filters of panel q, and the number of elements of its rows: whole vectors. `width()`: the elements
  /// of a row of all panels together.
  int filters_of(int q) const { return lesser(p_.c.rows - q * panel, panel); }
  int width_of(int q) const { return pieces(filters_of(q), lanes) * lanes; }
  std::int64_t width() const { return std::int64_t{pieces(p_.c.rows, lanes)} * lanes; }
  /// The number of taps along depth times height.
  std::int64_t tap_rows() const { return std::int64_t{strips_.axis(0).taps} * strips_.axis(1).taps; }

  /// The number of groups of tiles: one for each panel, block of channels and row of taps. shares() cuts each group
  /// into parts_ parts.
  std::int64_t groups_of_tiles() const { return std::int64_t{panels()} * strips_.blocks() * tap_rows(); }

  // The sums are (panel, block of channels, tap, channel, filter).
  std::int64_t sums_elements() const { return keeps_sums_ ? padded(p_.c.columns * width()) : 0; }
  gmem_ptr<S> sums_of(int q) const { return sums_ + std::int64_t{q} * panel * p_.c.columns; }
  std::int64_t step_of(int block, std::int64_t tap) const {
    return std::int64_t{block} * strips_.block() * strips_.taps() + tap * strips_.channels_of(block);
  }
  /// The column of C of channel 0 of a tap: tap t of a row of taps.
  int column_of(int tap_row, int t) const {
    const tile::strip_axis &depth = strips_.axis(0), &height = strips_.axis(1), &width = strips_.axis(2);
    const int i = depth.tap_in_operand(tap_row / height.taps), j = height.tap_in_operand(tap_row % height.taps);
    return ((i * height.taps + j) * width.taps + width.tap_in_operand(t)) * p_.c.channels.value;
  }
  /// The number of the tap and channel of a column of C, in the order of the sums.
  std::int64_t step_of_column(int column) const {
    const int number = p_.c.channels.quotient(column), channel = column - number * p_.c.channels.value;
    const tile::pixel_place at = p_.c.taps.of(number);
    std::int64_t tap = 0;
    for (int d = 0; d < 3; ++d) tap = tap * strips_.axis(d).taps + strips_.axis(d).tap_in_operand(at.at[d]);
    const int block = channel / strips_.block();
    return step_of(block, tap) + channel - block * strips_.block();
  }

  /// Packs the pixels of dy for the filters of panel q, as (pixel, filter).
  void pack_panel(int q) const {
    const auto& dy = p_.a.images;
    auto to = packed_of(q);
    for (std::int64_t n = 0; n < box_.count[0]; ++n)
      for (std::int64_t i = 0; i < box_.count[1]; ++i)
        for (std::int64_t j = 0; j < box_.count[2]; ++j, to = to + box_.count[3] * width_of(q)) {
          const std::int64_t offset = (box_.begin[0] + n) * dy.image_stride + (box_.begin[1] + i) * dy.strides[0] +
                                      (box_.begin[2] + j) * dy.strides[1] + box_.begin[3] * dy.strides[2] +
                                      q * panel * dy.channel_stride;
          tile::copy_block<lanes>(lane,
                                  tile::strided_block<const T>{dy.data + offset, dy.strides[2], dy.channel_stride,
                                                               static_cast<std::int32_t>(box_.count[3]), filters_of(q)},
                                  to, width_of(q));
        }
  }
  gmem_ptr<factor> packed_of(int q) const { return packed_ + std::int64_t{q} * panel * strips_.most_pixels(); }

  /// Finds the rows of pixels of the strip for which a row of taps is within the images. Returns their number.
  int find_runs(int tap_row, int block, int q, tile::cpu_run<S>* runs) const {
    const int i = tap_row / strips_.axis(1).taps, j = tap_row % strips_.axis(1).taps;
    int number = 0;
    const auto has = [&](int d, std::int64_t pixel, int tap) {
      const tile::strip_axis& axis = strips_.axis(d);
      return tap >= axis.first_tap(pixel) && tap < axis.end_tap(pixel);
    };
    gmem_ptr<const factor> b = packed_of(q);
    for (std::int64_t n = 0; n < box_.count[0]; ++n)
      for (std::int64_t y = 0; y < box_.count[1]; ++y)
        for (std::int64_t z = 0; z < box_.count[2]; ++z, b = b + box_.count[3] * width_of(q))
          if (has(0, box_.begin[1] + y, i) && has(1, box_.begin[2] + z, j))
            runs[number++] = {copy_ +
                                  (block * layout_.block_step + n * layout_.image_step + y * layout_.pixel_steps[0] +
                                   z * layout_.pixel_steps[1] + i * layout_.tap_steps[0] + j * layout_.tap_steps[1]),
                              b, static_cast<std::int32_t>(box_.count[3])};
    return number;
  }

  /// Adds `count` sums of a strip, whole vectors, to the sums of the earlier strips. The sums of the first strip are
  /// stored instead.
  void add(gmem_ptr<const S> from, gmem_ptr<S> to, std::int64_t count) const {
    for (std::int64_t i = 0; i < count; i += lanes) {
      auto sum = lane.load(from + i, width_t<lanes>{});
      if (!first_) sum = lane.load(to + i, width_t<lanes>{}) + sum;
      lane.store(to + i, sum);
    }
  }

  /// C = p.finish(sums) for `count` columns from `column` on and the filters of panel q. `sums_of_one(e)` is the
  /// address of the sums of column e, which are contiguous over the filters: squares of them are transposed in
  /// registers.
  template <class TileEpilogue, class SumsOfOne>
  void finish_square(TileEpilogue& epilogue, int q, int column, int count, const SumsOfOne& sums_of_one) const {
    gmem_ptr<const S> from[lanes];
    for (int e = 0; e < count; ++e) from[e] = sums_of_one(e);
    const int filters = filters_of(q);
    for (int v = 0; v < filters; v += lanes) {
      pack<S, lanes> square[lanes];
      for (int e = 0; e < lanes; ++e)
        square[e] = e < count ? lane.load(from[e] + v, width_t<lanes>{}) : splat<lanes>(S(0));
      transpose(square);
      for (int e = 0; e < lanes && v + e < filters; ++e) finish(epilogue, square[e], q * panel + v + e, column, count);
    }
  }
  /// Prefetches the elements of C that a share will write: they arrive while the share is computed.
  void prefetch_columns(int q, int block, int tap_row) const {
    if (p_.c.filters.channel_stride != 1) return;
    constexpr int line = 64 / static_cast<int>(sizeof(C));
    for (int t = 0; t < strips_.axis(2).taps; ++t) {
      const int column = column_of(tap_row, t) + block * strips_.block();
      for (int f = 0; f < filters_of(q); ++f) {
        const auto c = p_.c.at(q * panel + f, column);
        for (int i = 0; i < strips_.channels_of(block); i += line) tile::prefetch(c + i);
      }
    }
  }
  /// C = p.finish(sums) for `count` columns of one row.
  template <class TileEpilogue>
  void finish(TileEpilogue& epilogue, const pack<S, lanes>& sums, int row, int column, int count) const {
    const auto c = p_.c.at(row, column);
    const bool contiguous = count == lanes && is_contiguous();
    auto old = splat<lanes>(S(0));
    if (p_.beta != S(0)) {
      if (contiguous)
        old = convert<S>(lane.load(c, width_t<lanes>{}));
      else
        for (int e = 0; e < count; ++e) old.set(e, convert<S>(lane.load(p_.c.at(row, column + e))));
    }
    const auto values = convert<C>(p_.finish(lane, epilogue, sums, old, row, column));
    if (contiguous && streams_)
      stream(c, values);
    else if (contiguous)
      lane.store(c, values);
    else
      for (int e = 0; e < count; ++e) lane.store(p_.c.at(row, column + e), values[e]);
  }
  /// True if C is larger than P.stream_bytes, and each pack of columns is a cache line of it.
  bool can_stream() const {
    const auto& dw = p_.c.filters;
    const std::int64_t bytes = std::int64_t{p_.c.rows} * p_.c.columns * static_cast<std::int64_t>(sizeof(C));
    bool aligned = lanes * sizeof(C) == 64 && is_contiguous() && p_.c.channels.value % lanes == 0 &&
                   dw.data.aligned_for(lanes) && dw.image_stride % lanes == 0;
    for (int d = 0; d < 3; ++d) aligned = aligned && (strips_.axis(d).taps == 1 || dw.strides[d] % lanes == 0);
    return bytes >= P.stream_bytes && p_.beta == S(0) && aligned;
  }
  /// True if the elements of each pack of columns are contiguous in C.
  bool is_contiguous() const {
    const auto& dw = p_.c.filters;
    if (dw.channel_stride != 1) return false;
    if (p_.c.channels.value % lanes == 0) return true;
    std::int64_t elements = p_.c.channels.value;
    for (int d = 2; d >= 0; --d) {
      if (strips_.axis(d).taps > 1 && dw.strides[d] != elements) return false;
      elements *= strips_.axis(d).taps;
    }
    return true;
  }

  const Params& p_;
  tile::pixel_strips<T, factor, lanes> strips_;
  int threads_, parts_ = 1;
  gmem_ptr<S> sums_{nullptr};
  gmem_ptr<factor> copy_{nullptr}, packed_{nullptr};  // x as strips_ lays it out; dy as (panel, pixel, filter)
  bool first_ = true, last_ = true;                   // the strip is the first one, the last one
  bool finishes_shares_ = false, keeps_sums_ = true;  // keeps_sums_: the workspace holds all sums
  bool streams_ = false;                              // C is written by streaming stores
  tile::pixel_box box_{};
  tile::strip_layout layout_{};
};

}  // namespace tilery::inline TILERY_ABI
