// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A convolution as its selectors see it: the direction, and the product of matrices that computes it.
#pragma once
#pragma GCC system_header

#include <tilery/policies/conv_geometry.hpp>
#include <tilery/policies/gemm_problem.hpp>

namespace tilery::inline TILERY_ABI {

/// The products of matrices that the convolution ops compute:
///
///   direction         rows of C         columns of C         k
///   forward           pixels of y       filters              taps x channels
///   data_gradient     pixels of x       channels             taps x filters
///   weight_gradient   filters           taps x channels      pixels of y
enum class conv_direction : int { forward, data_gradient, weight_gradient };

struct conv_problem {
  conv_direction direction = conv_direction::forward;
  conv_geometry geometry;
  /// The product of one group. product.k is the k of one tap, product.taps the number of taps, product.batches the
  /// number of groups. `a.vector` and `b.vector` are the elements of the widest pack of channels for which all packs
  /// are whole and aligned.
  gemm_problem product;
  /// If not null: the reason why packs cannot be found by masks (tile/pixel_panel.hpp), so that each access must be one
  /// element.
  const char* why_single = nullptr;
  arch target = arch::sm_75;
};

/// Returns the layout in which a direction's operands are read in packs: A and B of a gemm_problem.
constexpr along a_layout_of(conv_direction d) { return d == conv_direction::weight_gradient ? along::outer : along::k; }
constexpr along b_layout_of(conv_direction d) { return d == conv_direction::forward ? along::k : along::outer; }

}  // namespace tilery::inline TILERY_ABI
