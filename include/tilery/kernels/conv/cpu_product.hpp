// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The work of one CPU convolution (one group of channels), cut into shares. A share is one strip of pixels times one
// block of panels of the filter. It copies the strip, then computes its register tiles panel by panel: a panel stays in
// the L2 cache while all tiles of the strip are multiplied by it.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/conv/cpu_filter.hpp>
#include <tilery/kernels/conv/cpu_strip_rows.hpp>
#include <tilery/kernels/gemm/params.hpp>
#include <tilery/policies/conv_cpu.hpp>
#include <tilery/tile/cpu_finish_rows.hpp>
#include <tilery/tile/cpu_run_tile.hpp>

#include <cstddef>

namespace tilery::inline TILERY_ABI {

/// The product of one group; p.batch.count is the number of groups. The threads pack all pack_shares(), then they multiply all shares().
template <conv_cpu_policy P, class Params>
class conv_cpu_product {
  using T = typename Params::a_type;
  using S = typename Params::accumulator;
  using factor = tile::cpu_factor<S>;
  static_assert(sizeof(factor) == sizeof(S));

public:
  conv_cpu_product(const Params& p, int threads)
      : p_(p),
        strips_(p.a.images, p.a.outer / p.a.grid.volume.value(), p.a.grid.extents, p.a.walk, p.a.taps, p.a.channels,
                P.channel_block, {P.strip_bytes, most_pixels, P.rows}),
        filter_(p.b, strips_) {
    // As few blocks of panels as give all threads the same number of shares, up to 5 %: each block copies the strips
    // again. The strips do not depend on the number of threads, because a partial sum of a bias gradient is over the
    // rows of a strip.
    std::int64_t best = 1;
    for (std::int64_t blocks = 1; threads > 1 && blocks <= filter_.panels(); ++blocks) {
      if (idle(blocks, threads) >= idle(best, threads)) continue;
      best = blocks;
      if (idle(best, threads) <= 0.05) break;
    }
    blocks_ = tile::even_split(filter_.panels(), best);
  }

  /// Bytes of the packed filter.
  std::size_t filter_bytes() const { return sizeof(factor) * static_cast<std::size_t>(filter_.elements()); }
  /// Sets the memory of the packed filter. It must be set before anything is packed.
  void use(void* memory) { filter_.use(memory); }
  std::int64_t pack_shares() const { return filter_.shares(); }
  void pack_share(std::int64_t share) const { filter_.pack_share(share); }

  /// Bytes that a share needs for its strip.
  std::size_t strip_bytes() const { return sizeof(factor) * static_cast<std::size_t>(elements()) + conv_cpu_rows::bytes(strips_.most_pixels()); }
  /// The number of shares; the shares of one strip have consecutive numbers.
  std::int64_t shares() const { return strips_.size() * blocks_.parts(); }
  /// Computes a share, with strip_bytes() bytes of memory.
  void multiply_share(std::int64_t share, void* memory) const {
    const tile::pixel_box box = strips_.strip(share / blocks_.parts());
    const tile::strip_layout layout = strips_.layout(box);
    const gmem_ptr<factor> copy(static_cast<factor*>(memory));
    for (int block = 0; block < strips_.blocks(); ++block)
      for (std::int64_t image = 0; image < box.count[0]; ++image) strips_.copy(box, layout, block, image, copy);
    conv_cpu_rows rows(static_cast<factor*>(memory) + elements(), strips_.most_pixels());
    rows.find_pixels(box, layout, p_.c);
    rows.cut_tiles(box, strips_, P.rows);
    const std::int64_t block = share % blocks_.parts();
    // In a group whose columns end in the middle of a vector, the epilogue takes single elements: a vector would touch
    // the next group's columns.
    const bool single = p_.batch.count > 1 && p_.c.columns % lanes != 0;
    for (auto q = blocks_.begin(block); q < blocks_.end(block); ++q)
      single ? multiply_panel<1>(static_cast<int>(q), layout, copy, rows)
             : multiply_panel<lanes>(static_cast<int>(q), layout, copy, rows);
  }

private:
  static constexpr int lanes = P.lanes(sizeof(S)), panel = P.columns(sizeof(S));
  static constexpr int most_pixels = 4096;  // of a strip
  static constexpr int most_runs = 64;      // that are multiplied at once
  static constexpr int most_summed_rows = 48;  // in one partial sum of a column; partial sums are added exactly
  static constexpr int steps = lesser(P.steps, tile::cpu_exact_steps<S>);
  static constexpr bool sums_columns = Params::epilogue_type::sums_columns;
  static constexpr cpu_lane lane{{0, 0, 0}, {1, 1, 1}};  // block 0 of a grid of one block
  using strips = tile::pixel_strips<T, factor, lanes>;

  /// The part of the threads' time in which a thread has no share, if there are `blocks` blocks of panels.
  double idle(std::int64_t blocks, int threads) const {
    const std::int64_t shares = strips_.size() * blocks, rounds = (shares + threads - 1) / threads;
    return 1 - static_cast<double>(shares) / static_cast<double>(rounds * threads);
  }
  /// Elements of a strip's copy, rounded up to whole cache lines.
  std::int64_t elements() const {
    constexpr std::int64_t line = 64 / sizeof(factor);
    return (strips_.most_elements() + line - 1) / line * line;
  }

  /// Multiplies all tiles of a strip by one panel, and finishes them in vectors of N columns.
  template <int N>
  void multiply_panel(int q, const tile::strip_layout& layout, gmem_ptr<const factor> copy,
                      const conv_cpu_rows& rows) const {
    for (int i = 0; i < rows.number_of_tiles;) {
      auto epilogue = epilogue::in_tile<S, N, panel / N>(p_.epilogue);
      int done = 0;
      do {
        const conv_cpu_tile& tile = rows.tiles[i];
        alignas(64) S sums[P.rows * panel];
        multiply(tile, q, layout, copy, rows.offsets + tile.first, gmem_ptr<S>(sums));
        tile::finish_rows<N>(lane, p_, epilogue,
                             tile::finished_rows<S, typename Params::c_type>{
                                 gmem_ptr<const S>(sums), filter_.width_of(q), rows.output + tile.first, tile.rows,
                                 q * panel, filter_.filters_of(q), p_.c.images.data, p_.c.images.channel_stride});
        done += tile.rows, ++i;
      } while (i < rows.number_of_tiles && (!sums_columns || done + P.rows <= most_summed_rows));
      epilogue.end(lane);
    }
  }

  /// Computes the sums of one register tile.
  void multiply(const conv_cpu_tile& tile, int q, const tile::strip_layout& layout, gmem_ptr<const factor> copy,
                const std::int64_t* offsets, gmem_ptr<S> sums) const {
    const int width = filter_.width_of(q), vectors = width / lanes;
    tile::cpu_run<S> runs[most_runs];
    int number = 0, left = steps;  // left: steps until the sums in registers are added to `sums`
    bool add = false;
    const auto flush = [&] {
      tile::multiply_runs<S, lanes, P.rows, P.vectors>(tile.rows, vectors,
                                                       {runs, number, offsets, 1, width, sums, add});
      number = 0, left = steps, add = true;
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
          const auto a = copy + (block * layout.block_step + i * layout.tap_steps[0] + j * layout.tap_steps[1]);
          const auto b = filter_.at(q, filter_.step_of(block, (i * taps[1] + j) * std::int64_t{taps[2]}));
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
  tile::even_split blocks_;
};

}  // namespace tilery::inline TILERY_ABI
