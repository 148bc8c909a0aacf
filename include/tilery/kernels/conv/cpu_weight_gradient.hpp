// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The weight gradient of a convolution on the CPU: for each filter, tap and channel the sum over all pixels of y of dy
// times the pixel of x that the tap reads. The threads share the filters, taps and channels, never the pixels: each sum
// is added up in one order, whatever the number of threads.
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/core/buffer.hpp>
#include <tilery/kernels/conv/cpu_groups.hpp>
#include <tilery/kernels/conv/cpu_weight_product.hpp>

namespace tilery::inline TILERY_ABI {

/// Returns the multiply-adds of one group of a weight gradient.
template <class Params>
std::int64_t conv_cpu_weight_work(const Params& p) {
  return std::int64_t{p.c.rows} * p.c.columns * (std::int64_t{p.b.k} + 1);
}

/// C = epilogue(alpha A B + beta C) for one group (A, B and C: see conv_cpu_weight_gradient() below), whose parameters
/// conv_cpu_group_of() returns, on at most min(cpu.threads(), most_threads) threads.
template <conv_cpu_policy P, class Executor, class Params>
void conv_cpu_weight_group(const Executor& cpu, const Params& p, int most_threads = INT_MAX) {
  static_assert(keeps_rules<P, sizeof(typename Params::accumulator)>(), "the policy breaks a rule");
  if (p.c.rows == 0 || p.c.columns == 0) return;
  const int threads = conv_cpu_threads(conv_cpu_weight_work(p), lesser(cpu.threads(), most_threads));
  conv_cpu_weight_product<P, Params> product(p, threads);
  const allocation workspace = cpu.workspace(product.workspace_bytes());
  product.use(workspace.get());
  for (std::int64_t strip = 0; strip < product.strips(); ++strip) {
    product.go_to(strip);
    cpu.parallel(
        product.pack_shares(), [&](std::int64_t share) { product.pack_share(share); },  //
        product.shares(),
        [&](std::int64_t share) {
          const allocation own = cpu.workspace(product.share_bytes());
          product.multiply_share(share, own.get());
        },
        threads);
  }
  if (product.strips() == 0) cpu.parallel(1, [&](std::int64_t) { product.clear(); });
  cpu.parallel(
      product.finish_shares(), [&](std::int64_t share) { product.finish_share(share); }, threads);
}

/// C = epilogue(alpha A B + beta C) for all groups of a weight gradient.
///
/// Parameters. p is a product_params. A is dy as a tap_panel of one tap, whose channels are the filters; B is x,
/// gathered by taps; C is dw as a tap_matrix. Any strides and any size. Without pixels, A B is 0.
///
/// Types. The elements are converted to the type in which they are multiplied (`tile::cpu_factor`) when they are
/// copied. At most P.pixels products are added up in registers; these sums are added one after another.
template <conv_cpu_policy P, class Executor, class Params>
void conv_cpu_weight_gradient(const Executor& cpu, const Params& p) {
  if (p.batch.count == 1) return conv_cpu_weight_group<P>(cpu, p);
  conv_cpu_groups(
      cpu, 1, [&](std::int64_t) -> const Params& { return p; },
      [](const auto& one) { return conv_cpu_weight_work(one); },
      [&](const auto& one, int most_threads) { conv_cpu_weight_group<P>(cpu, one, most_threads); });
}

}  // namespace tilery::inline TILERY_ABI
