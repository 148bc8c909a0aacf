// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Convolution on the CPU: the forward convolution, and the data gradient, which is one such product for each residue
// class (the pixels of dx that the same taps read, policies/conv_geometry.hpp). The filter is packed once a call
// (conv/cpu_filter.hpp). Then each thread copies one strip of pixels after another (tile/pixel_strips.hpp) and
// multiplies it by panels of the filter. The sums of a register tile stay in registers over all taps and channels, up
// to P.steps products. No im2col matrix exists: a strip holds each element of the images once, not once for each tap.
// With at most 4 filters, vectors go along the channels instead of the filters.
//
// The order of the additions does not depend on the number of threads: one thread and many threads give the same bits.
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/core/buffer.hpp>
#include <tilery/kernels/conv/cpu_groups.hpp>
#include <tilery/kernels/conv/cpu_product.hpp>

namespace tilery::inline TILERY_ABI {

/// Returns the number of multiply-adds of one group. The epilogue counts as one more for each element of C.
template <class Params>
std::int64_t conv_cpu_work(const Params& p) {
  return std::int64_t{p.c.rows} * p.c.columns * (p.a.taps.volume() * p.a.channels + 1);
}

/// C = epilogue(alpha A B + beta C) for one group (A, B and C: see conv_cpu() below), whose parameters
/// conv_cpu_group_of() returns, on at most min(cpu.threads(), most_threads) threads.
template <conv_cpu_policy P, class Executor, class Params>
void conv_cpu_group(const Executor& cpu, const Params& p, int most_threads = INT_MAX) {
  static_assert(keeps_rules<P, sizeof(typename Params::accumulator)>(), "the policy breaks a rule");
  if (p.c.rows == 0 || p.c.columns == 0) return;
  const int threads = conv_cpu_threads(conv_cpu_work(p), lesser(cpu.threads(), most_threads));
  conv_cpu_product<P, Params> product(p, threads);
  const allocation workspace = cpu.workspace(product.workspace_bytes());
  product.use(workspace.get());
  cpu.parallel(
      product.prepare_shares(), [&](std::int64_t share) { product.prepare_share(share); },  //
      product.shares(),
      [&](std::int64_t share) {
        const allocation own = cpu.workspace(product.share_bytes());
        product.multiply_share(share, own.get());
      },
      threads);
}

/// Computes `count` products: the residue classes of a data gradient. `params_of(i)` returns the parameters of product
/// i, which may have several groups. Each group of each product gives the same bits as when it is computed alone.
template <conv_cpu_policy P, class Executor, class Of>
void conv_cpu_all(const Executor& cpu, std::int64_t count, const Of& params_of) {
  conv_cpu_groups(
      cpu, count, params_of, [](const auto& p) { return conv_cpu_work(p); },
      [&](const auto& p, int most_threads) { conv_cpu_group<P>(cpu, p, most_threads); });
}

/// C = epilogue(alpha A B + beta C) for all groups of a forward convolution, or of one residue class of a data
/// gradient.
///
/// Parameters. p is a product_params. A, the pixels of the images by taps, and B, the filter, are pixel_panels; C is a
/// pixel_matrix. Any strides and any size. Without taps or channels, A B is 0.
///
/// Types. The elements are converted to the type in which they are multiplied (`tile::cpu_factor`) when they are
/// copied. The epilogue runs once for each element of C, after its sum is complete.
template <conv_cpu_policy P, class Executor, class Params>
void conv_cpu(const Executor& cpu, const Params& p) {
  if (p.batch.count == 1) return conv_cpu_group<P>(cpu, p);
  conv_cpu_all<P>(cpu, 1, [&](std::int64_t) -> const Params& { return p; });
}

}  // namespace tilery::inline TILERY_ABI
