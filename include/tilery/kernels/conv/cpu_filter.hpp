// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The packed filter of a CPU convolution. A step of the product is one tap and one channel. A panel is a number of
// filters (in a data gradient: channels of the gradient), as many as a register tile has columns. For each step it has
// one row, with one element of each of these filters, in whole vectors. The steps are in the order in which a strip of
// pixels is read: block of channels, depth, height, width, channel.
#pragma once
#pragma GCC system_header

#include <tilery/tile/cpu_copy.hpp>
#include <tilery/tile/pixel_panel.hpp>
#include <tilery/tile/pixel_strips.hpp>

namespace tilery::inline TILERY_ABI {

/// The panels of a filter with elements T, which are multiplied as F in vectors of N elements. A panel has Vectors
/// vectors; the last panel has as few as the remaining filters need.
template <class T, class F, int N, int Vectors>
class conv_cpu_filter {
  using strips = tile::pixel_strips<T, F, N>;
  static constexpr int panel = N * Vectors;

public:
  /// `most_dots`: the largest number of filters for which vectors go along the steps (by_dots()). They do so only if
  /// the number of channels is a multiple of N, too.
  conv_cpu_filter(const pixel_panel<T>& from, const strips& pixels, int most_dots)
      : from_(from),
        pixels_(pixels),
        steps_(std::int64_t{pixels.taps()} * from.channels),
        by_dots_(from.outer <= most_dots && from.channels % N == 0) {
    // True if the memory of a filter is (channel, depth, height, width), contiguous: the layout of channels-first
    // tensors.
    std::int64_t taps = 1;
    channels_first_ = pixels.taps() > 1;
    for (int d = 2; d >= 0; --d) {
      channels_first_ = channels_first_ && (from.taps[d] == 1 || stride_of_tap(d) == taps);
      taps *= from.taps[d];
    }
    channels_first_ = channels_first_ && from.images.channel_stride == taps;
  }

  int panels() const { return pieces(from_.outer, panel); }
  /// The number of filters of panel q, and the number of elements of its rows: whole vectors, or, if by_dots(), one
  /// element for each filter.
  int filters_of(int q) const { return lesser(from_.outer - q * panel, panel); }
  int width_of(int q) const { return by_dots_ ? from_.outer : pieces(filters_of(q), N) * N; }
  /// True if the filters are so few that vectors go along the steps (tile/cpu_dot_tile.hpp). There is one panel, then:
  /// N steps of a filter, the same steps of the next filter, and so on.
  bool by_dots() const { return by_dots_; }
  /// The number of elements of all packed panels, of the first panel, and of the panels before panel q.
  std::int64_t elements() const { return steps_ * (by_dots_ ? from_.outer : pieces(from_.outer, N) * N); }
  std::int64_t elements_of_panel() const { return steps_ * width_of(0); }
  std::int64_t elements_before(int q) const { return std::int64_t{q} * panel * steps_; }

  /// The number of the step with tap `tap` and the first channel of block `block`.
  std::int64_t step_of(int block, std::int64_t tap) const {
    return std::int64_t{block} * pixels_.block() * pixels_.taps() + tap * pixels_.channels_of(block);
  }

  /// Packs one block of channels of panel q. The packed panel begins at `to`.
  void pack_block(int q, int block, gmem_ptr<F> to) const {
    if (by_dots_) return pack_dots(block, to);
    if (channels_first_) return pack_channels_first(q, block, to);
    std::int64_t tap = 0;
    for (int i = 0; i < from_.taps[0]; ++i)
      for (int j = 0; j < from_.taps[1]; ++j)
        for (int k = 0; k < from_.taps[2]; ++k, ++tap)
          tile::copy_block<N>(lane,
                              tile::strided_block<const T>{address(q, block, i, j, k), from_.images.channel_stride,
                                                           from_.images.image_stride, pixels_.channels_of(block),
                                                           filters_of(q)},
                              to + step_of(block, tap) * width_of(q), width_of(q));
  }

private:
  static constexpr cpu_lane lane{{0, 0, 0}, {1, 1, 1}};  // block 0 of a grid of one block

  /// Elements from one tap to the next in memory, in the strips' order of taps.
  std::int64_t stride_of_tap(int d) const {
    const std::int64_t stride = from_.walk[d].tap_step * from_.images.strides[d];
    return pixels_.axis(d).reversed ? -stride : stride;
  }
  /// The address of a tap's first channel in a block, for the first filter of panel q.
  gmem_ptr<const T> address(int q, int block, int i, int j, int k) const {
    const int taps[3] = {i, j, k};
    std::int64_t offset =
        q * panel * from_.images.image_stride + std::int64_t{block} * pixels_.block() * from_.images.channel_stride;
    for (int d = 0; d < 3; ++d)
      offset +=
          (from_.walk[d].origin + std::int64_t{pixels_.axis(d).tap_in_operand(taps[d])} * from_.walk[d].tap_step) *
          from_.images.strides[d];
    return from_.images.data + offset;
  }
  /// Packs a block for by_dots(): N steps of filter 0, the same N steps of filter 1, and so on, then the next N steps.
  void pack_dots(int block, gmem_ptr<F> to) const {
    std::int64_t tap = 0;
    for (int i = 0; i < from_.taps[0]; ++i)
      for (int j = 0; j < from_.taps[1]; ++j)
        for (int k = 0; k < from_.taps[2]; ++k, ++tap) {
          const auto from = address(0, block, i, j, k);
          for (int c = 0; c < pixels_.channels_of(block); c += N)
            for (int filter = 0; filter < from_.outer; ++filter)
              lane.store(to + ((step_of(block, tap) + c) * from_.outer + filter * N),
                         tile::load_some<F, N>(lane,
                                               from + (filter * from_.images.image_stride +
                                                       c * from_.images.channel_stride),
                                               from_.images.channel_stride, N));
        }
  }
  /// Packs a block of which each filter is one run in memory, in the order (channel, tap). Squares of N x N elements
  /// are transposed in registers; each of their rows is stored at the row of its step.
  void pack_channels_first(int q, int block, gmem_ptr<F> to) const {
    const int taps = pixels_.taps(), run = taps * pixels_.channels_of(block), filters = filters_of(q);
    const auto from = address(q, block, 0, 0, 0);
    const std::int64_t stride = from_.images.image_stride;
    const auto row = [&](int i) { return to + (step_of(block, i % taps) + i / taps) * width_of(q); };
    for (int j = 0; j < filters; j += N) {
      int i = 0;
      for (; i + N <= run; i += N) {
        pack<F, N> square[N];
        TILERY_UNROLL
        for (int e = 0; e < N; ++e)
          square[e] = j + e < filters ? convert<F>(lane.load(from + ((j + e) * stride + i), width<N>)) : splat<N>(F(0));
        transpose(square);
        TILERY_UNROLL
        for (int e = 0; e < N; ++e) lane.store(row(i + e) + j, square[e]);
      }
      for (; i < run; ++i)
        lane.store(row(i) + j, tile::load_some<F, N>(lane, from + (j * stride + i), stride, lesser(filters - j, N)));
    }
  }

  const pixel_panel<T>& from_;
  const strips& pixels_;
  std::int64_t steps_;
  bool by_dots_, channels_first_;
};

}  // namespace tilery::inline TILERY_ABI
