// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The work of one CPU convolution (one group of channels), cut into shares. There are two orders of the work:
//
//   by strips   The filter is packed once. A share is one strip of pixels times a block of panels of the filter: it
//               copies the strip, then computes its register tiles panel by panel. All panels stay in the L2 cache, or
//               at least one of them stays there while it is multiplied by all tiles of a strip.
//   by panels   For a filter that is larger than P.filter_bytes and than the copies of all strips together: all strips
//               are copied once. A share is one panel times a block of strips: it packs the panel, which then is read
//               from the L2 cache.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/conv/cpu_filter.hpp>
#include <tilery/kernels/conv/cpu_strip_rows.hpp>
#include <tilery/kernels/gemm/params.hpp>
#include <tilery/policies/conv_cpu.hpp>
#include <tilery/tile/cpu_dot_tile.hpp>
#include <tilery/tile/cpu_finish_rows.hpp>
#include <tilery/tile/cpu_run_tile.hpp>

#include <cstddef>

namespace tilery::inline TILERY_ABI {

/// The product of one group; p.batch.count is the number of groups. The threads prepare all prepare_shares(), then they
/// multiply all shares().
template <conv_cpu_policy P, class Params>
class conv_cpu_product {
  using T = typename Params::a_type;
  using S = typename Params::accumulator;
  using factor = tile::cpu_factor<S>;
  static_assert(sizeof(factor) == sizeof(S));

public:
  conv_cpu_product(const Params& p, int threads)
      : p_(p),
        strips_(p.a.images, p.a.outer / p.a.grid.volume.value, p.a.grid.extents, p.a.walk, p.a.taps, p.a.channels,
                P.channel_block, {P.strip_bytes, most_pixels, P.rows}),
        filter_(p.b, strips_, most_dots),
        strip_bytes_(sizeof(factor) * padded(strips_.most_elements()) +
                     padded(conv_cpu_rows::bytes(strips_.most_pixels()))) {
    const std::int64_t filter_bytes = filter_.elements() * static_cast<std::int64_t>(sizeof(factor));
    by_panels_ = filter_bytes > P.filter_bytes && filter_bytes >= strips_.size() * strip_bytes_;
    // A share takes a whole panel or strip, and one block of the strips or panels. The number of blocks is the smallest
    // for which the threads are idle for at most 5 % of the time, or, if there is none, the one with the least idle
    // time: each block prepares its panel or strip again, so more blocks cost more. The strips do not depend on the
    // number of threads, because a partial sum of a bias gradient is over rows of one strip.
    const std::int64_t whole = by_panels_ ? filter_.panels() : strips_.size(),
                       others = by_panels_ ? strips_.size() : filter_.panels();
    std::int64_t best = 1;
    for (std::int64_t blocks = 2; idle(whole * best, threads) > 0.05 && blocks <= others; ++blocks)
      if (idle(whole * blocks, threads) < idle(whole * best, threads)) best = blocks;
    blocks_ = tile::even_split(others, best);
    streams_ = can_stream();
  }

  /// Bytes of the workspace: the packed filter, or all strips.
  std::size_t workspace_bytes() const {
    return static_cast<std::size_t>(by_panels_ ? strips_.size() * strip_bytes_
                                               : filter_.elements() * static_cast<std::int64_t>(sizeof(factor)));
  }
  /// Sets the workspace. It must be set before anything is prepared.
  void use(void* workspace) { workspace_ = static_cast<std::byte*>(workspace); }

  /// The number of shares of the preparation. A share prepares one block of channels of a panel or of a strip.
  std::int64_t prepare_shares() const { return (by_panels_ ? strips_.size() : filter_.panels()) * channel_blocks(); }
  void prepare_share(std::int64_t share) const {
    const auto number = share / channel_blocks();
    const int block = static_cast<int>(share % channel_blocks());
    if (by_panels_) {
      const strip_in_memory strip(*this, number, workspace_ + number * strip_bytes_);
      if (block == 0) strip.find_rows();
      if (block < strips_.blocks()) strip.copy_block(block);
    } else if (block < strips_.blocks()) {
      filter_.pack_block(static_cast<int>(number), block, packed(static_cast<int>(number)));
    }
  }

  /// The number of shares, and the bytes that each needs for its strip or its panel.
  std::int64_t shares() const { return (by_panels_ ? filter_.panels() : strips_.size()) * blocks_.parts(); }
  std::size_t share_bytes() const {
    return by_panels_ ? static_cast<std::size_t>(filter_.elements_of_panel()) * sizeof(factor)
                      : static_cast<std::size_t>(strip_bytes_);
  }
  /// Computes a share. `memory` has share_bytes() bytes.
  void multiply_share(std::int64_t share, void* memory) const {
    multiply_own_share(share, memory);
    if (streams_) end_streams();
  }

private:
  /// Computes a share; its streaming stores may still be in flight.
  void multiply_own_share(std::int64_t share, void* memory) const {
    const std::int64_t number = share / blocks_.parts(), block = share % blocks_.parts();
    if (by_panels_) {
      const gmem_ptr<factor> own(static_cast<factor*>(memory));
      for (int b = 0; b < strips_.blocks(); ++b) filter_.pack_block(static_cast<int>(number), b, own);
      for (auto i = blocks_.begin(block); i < blocks_.end(block); ++i)
        multiply_strip(static_cast<int>(number), strip_in_memory(*this, i, workspace_ + i * strip_bytes_), own);
    } else {
      const strip_in_memory strip(*this, number, static_cast<std::byte*>(memory));
      strip.find_rows();
      if (strips_.taps() == 0 && !sums_columns) return write_zeros(strip, blocks_.begin(block), blocks_.end(block));
      for (int b = 0; b < strips_.blocks(); ++b) strip.copy_block(b);
      const tile::image_box next = strips_.source(number + 1);
      for (auto q = blocks_.begin(block); q < blocks_.end(block); ++q)
        multiply_strip(static_cast<int>(q), strip, packed(static_cast<int>(q)),
                       q + 1 == blocks_.end(block) ? next : tile::image_box{});
    }
  }

  static constexpr int lanes = P.lanes(sizeof(S)), panel = P.columns(sizeof(S));
  static constexpr int registers = P.isa == host_isa::avx512 ? 32 : 16;
  static constexpr int most_dots = 4;  // columns of C for which vectors go along the channels
  static constexpr int most_rows = greater(P.rows, tile::dot_rows(1, registers));  // of any register tile
  static constexpr int most_pixels = 4096;                                         // of a strip
  static constexpr int most_runs = 64;                                             // of one call of the innermost loop
  static constexpr int most_summed_rows = 48;  // in one partial sum of a column; partial sums are added exactly
  static constexpr int steps = lesser(P.steps, tile::cpu_exact_steps<S>);
  // With vectors along the steps, each element of a vector has its own chain of additions.
  static constexpr int dot_steps = lesser(P.steps, tile::cpu_exact_steps<S> / lanes) * lanes;
  static constexpr bool sums_columns = Params::epilogue_type::sums_columns;
  static constexpr cpu_lane lane{{0, 0, 0}, {1, 1, 1}};  // block 0 of a grid of one block
  using strips = tile::pixel_strips<T, factor, lanes>;

  /// A strip and its memory: first the copy of its pixels, then the arrays of conv_cpu_rows.
  struct strip_in_memory {
    const conv_cpu_product& of;
    tile::pixel_box box;
    tile::strip_layout layout;
    gmem_ptr<factor> copy;
    conv_cpu_rows rows;

    strip_in_memory(const conv_cpu_product& product, std::int64_t number, std::byte* memory)
        : of(product),
          box(of.strips_.strip(number)),
          layout(of.strips_.layout(box)),
          copy(reinterpret_cast<factor*>(memory)),
          rows(box, memory + sizeof(factor) * padded(of.strips_.most_elements()), of.strips_.most_pixels()) {}

    void find_rows() const {
      rows.find_pixels(box, layout, of.p_.c);
      rows.cut_tiles(box, of.strips_, of.tile_rows());
    }
    void copy_block(int block) const {
      for (std::int64_t image = 0; image < box.count[0]; ++image) of.strips_.copy(box, layout, block, image, copy);
    }
  };

  /// True if the images of C are larger than P.stream_bytes, and each panel writes whole cache lines of them.
  bool can_stream() const {
    constexpr std::int64_t line = 64 / sizeof(typename Params::c_type);
    const auto& images = p_.c.images;
    const std::int64_t bytes = p_.a.outer / p_.a.grid.volume.value * images.extents.volume() * p_.c.columns *
                               static_cast<std::int64_t>(sizeof(typename Params::c_type));
    bool aligned = images.channel_stride == 1 && images.data.aligned_for(static_cast<int>(line)) &&
                   images.image_stride % line == 0 && p_.c.columns % line == 0 && panel % line == 0;
    for (int d = 0; d < 3; ++d) aligned = aligned && images.strides[d] % line == 0;
    return bytes >= P.stream_bytes && p_.beta == S(0) && aligned;
  }
  /// Returns a number of elements or bytes rounded up to whole cache lines of bytes.
  static std::int64_t padded(std::int64_t n) { return (n + 63) / 64 * 64; }
  /// The fraction of the threads' time in which a thread has no share to compute.
  static double idle(std::int64_t shares, int threads) {
    const std::int64_t rounds = (shares + threads - 1) / threads;
    return 1 - static_cast<double>(shares) / static_cast<double>(rounds * threads);
  }
  /// Rows of a register tile.
  int tile_rows() const { return filter_.by_dots() ? tile::dot_rows(p_.c.columns, registers) : P.rows; }
  int channel_blocks() const { return greater(strips_.blocks(), 1); }
  /// Panel q of the filter that is packed once.
  gmem_ptr<factor> packed(int q) const {
    return gmem_ptr<factor>(reinterpret_cast<factor*>(workspace_)) + filter_.elements_before(q);
  }

  /// True if the epilogue must take single elements: in a group whose columns end in the middle of a vector, a vector
  /// would touch the next group's columns.
  bool is_single() const { return p_.batch.count > 1 && p_.c.columns % lanes != 0; }

  /// Writes a strip of a product without taps (a residue class that no tap reaches): all its sums are 0. It goes pixel
  /// by pixel, for all panels [begin, end). Panel by panel, each pass would write a part of each pixel, which is
  /// slower.
  void write_zeros(const strip_in_memory& strip, std::int64_t begin, std::int64_t end) const {
    is_single() ? write_zeros<1>(strip, begin, end) : write_zeros<lanes>(strip, begin, end);
  }
  template <int N>
  void write_zeros(const strip_in_memory& strip, std::int64_t begin, std::int64_t end) const {
    alignas(64) S sums[panel] = {};
    auto epilogue = epilogue::in_tile<S, N, panel / N>(p_.epilogue);
    for (std::int64_t i = 0; i < strip.rows.pixels; ++i)
      for (auto q = begin; q < end; ++q) {
        const int panel_index = static_cast<int>(q);
        tile::finish_rows<N>(lane, p_, epilogue,
                             tile::finished_rows<S, typename Params::c_type>{gmem_ptr<const S>(sums), panel,
                                                                             strip.rows.output + i, 1,
                                                                             panel_index * panel,
                                                                             p_.c.whole_column(panel_index * panel),
                                                                             filter_.filters_of(panel_index),
                                                                             p_.c.images.data,
                                                                             p_.c.images.channel_stride, streams_});
      }
    epilogue.end(lane);
  }

  /// Multiplies all tiles of a strip by panel q, whose packed rows are b, and finishes them. Meanwhile prefetches what
  /// the copy of the thread's next strip reads.
  void multiply_strip(int q, const strip_in_memory& strip, gmem_ptr<const factor> b,
                      const tile::image_box& next = {}) const {
    is_single() ? multiply_strip<1>(q, strip, b, next) : multiply_strip<lanes>(q, strip, b, next);
  }

  /// multiply_strip() for vectors of N columns; N is 1 if is_single().
  template <int N>
  void multiply_strip(int q, const strip_in_memory& strip, gmem_ptr<const factor> b,
                      const tile::image_box& next) const {
    const conv_cpu_rows& rows = strip.rows;
    for (int i = 0; i < *rows.number_of_tiles;) {
      auto epilogue = epilogue::in_tile<S, N, panel / N>(p_.epilogue);
      int done = 0;
      do {
        const conv_cpu_tile& tile = rows.tiles[i];
        prefetch_output(q * panel, filter_.filters_of(q), rows.output + tile.first, tile.rows);
        strips_.prefetch(next, i, *rows.number_of_tiles);
        alignas(64) S sums[greater(P.rows * panel, most_rows * pieces(most_dots, lanes) * lanes)];
        multiply(tile, q, strip, b, gmem_ptr<S>(sums));
        tile::finish_rows<N>(lane, p_, epilogue,
                             tile::finished_rows<S, typename Params::c_type>{gmem_ptr<const S>(sums),
                                                                             pieces(filter_.filters_of(q), lanes) *
                                                                                 lanes,
                                                                             rows.output + tile.first, tile.rows,
                                                                             q * panel, p_.c.whole_column(q * panel),
                                                                             filter_.filters_of(q), p_.c.images.data,
                                                                             p_.c.images.channel_stride, streams_});
        done += tile.rows, ++i;
      } while (i < *rows.number_of_tiles && (!sums_columns || done + most_rows <= most_summed_rows));
      epilogue.end(lane);
    }
  }

  /// Prefetches the rows of C that a tile writes, and what their epilogue reads. They arrive while the tile is
  /// computed.
  TILERY_SIMT void prefetch_output(int column, int columns, const tile::output_row* rows, int count) const {
    if (p_.c.images.channel_stride != 1) return;
    constexpr int line = 64 / static_cast<int>(sizeof(typename Params::c_type));
    for (int i = 0; i < count; ++i)
      for (int j = column; j < column + columns; j += line) {
        if (!streams_) __builtin_prefetch((p_.c.images.data + (rows[i].offset + j)).raw(), 1);
        p_.epilogue.prefetch(rows[i].number, p_.c.whole_column(j));
      }
  }

  /// Computes the sums of one register tile.
  void multiply(const conv_cpu_tile& tile, int q, const strip_in_memory& strip, gmem_ptr<const factor> packed,
                gmem_ptr<S> sums) const {
    const tile::strip_layout& layout = strip.layout;
    const std::int64_t* offsets = strip.rows.offsets + tile.first;
    std::int64_t dot_offsets[most_rows];
    if (filter_.by_dots()) {  // all tiles have the same number of rows: the last row is repeated
      for (int i = 0; i < most_rows; ++i) dot_offsets[i] = offsets[lesser(i, tile.rows - 1)];
      offsets = dot_offsets;
    }
    const int width = filter_.width_of(q), vectors = width / lanes;
    tile::cpu_run<S> runs[most_runs];
    const int most_steps = filter_.by_dots() ? dot_steps : steps;
    int number = 0, left = most_steps;  // left: steps until the sums in registers are added to `sums`
    bool add = false;
    const auto flush = [&] {
      const tile::cpu_run_operands<S> operands{runs, number, offsets, 1, sums, add};
      if (filter_.by_dots())
        tile::multiply_dots<S, lanes, registers, most_dots>(p_.c.columns, operands);
      else
        tile::multiply_runs<S, lanes, P.rows, P.vectors>(tile.rows, vectors, operands);
      number = 0, left = most_steps, add = true;
    };
    const auto append = [&](gmem_ptr<const factor> a, gmem_ptr<const factor> b, int count) {
      while (count > 0) {
        const int some = lesser(count, left);
        runs[number++] = {a, b, some};
        a = a + some, b = b + std::int64_t{some} * width, count -= some, left -= some;
        if (left == 0 || number == most_runs) flush();
      }
    };
    const int taps[3] = {strips_.axis(0).taps, strips_.axis(1).taps, strips_.axis(2).taps};
    for (int block = 0; block < strips_.blocks(); ++block) {
      const int channels = strips_.channels_of(block);
      const bool is_run = strips_.is_run(layout, block);
      for (int i = tile.first_tap[0]; i < tile.end_tap[0]; ++i)
        for (int j = tile.first_tap[1]; j < tile.end_tap[1]; ++j) {
          const auto a = strip.copy + (block * layout.block_step + i * layout.tap_steps[0] + j * layout.tap_steps[1]);
          const auto b = packed + filter_.step_of(block, (i * taps[1] + j) * std::int64_t{taps[2]}) * width;
          if (is_run) {
            append(a, b, taps[2] * channels);
          } else {
            for (int k = 0; k < taps[2]; ++k)
              append(a + k * layout.tap_steps[2], b + std::int64_t{k} * channels * width, channels);
          }
        }
    }
    if (number > 0 || !add) flush();
  }

  const Params& p_;
  strips strips_;
  conv_cpu_filter<T, factor, lanes, P.vectors> filter_;
  std::int64_t strip_bytes_;
  bool by_panels_;
  tile::even_split blocks_;  // of the panels, or, by panels, of the strips
  bool streams_;             // C is written by streaming stores
  std::byte* workspace_ = nullptr;
};

}  // namespace tilery::inline TILERY_ABI
