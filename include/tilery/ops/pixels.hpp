// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The common part of the ops on pixels (pooling, upsampling, padding): views of 1 to 3 spatial dimensions become views
// of three, and the launch of the policy that the selector picks.
#pragma once
#pragma GCC system_header

#include <tilery/core/shape.hpp>
#include <tilery/core/spatial.hpp>
#include <tilery/kernels/pixels/pixels.hpp>
#include <tilery/ops/element_types.hpp>
#include <tilery/ops/three_dimensions.hpp>
#include <tilery/policies/pixel_table.hpp>
#include <tilery/simt/launch.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// The name of an op, for messages: "max_pool2d", and "max_pool2d: " before the name of an operand.
struct op_name {
  const char* name;
  char prefix[40] = {};

  constexpr op_name(const char* text) : name(text) {
    int i = 0;
    for (; text[i] != 0 && i < 37; ++i) prefix[i] = text[i];
    prefix[i] = ':', prefix[i + 1] = ' ';
  }
};

/// Returns, for each dimension, the number of `given`, or, where this number is `missing`, that of `otherwise`.
template <int N>
constexpr spatial<N> given_or(spatial<N> given, std::int32_t missing, const spatial<N>& otherwise) {
  for (int d = 0; d < N; ++d)
    if (given[d] == missing) given.of[d] = otherwise[d];
  return given;
}

/// Refuses operands of the wrong type or rank when the call is compiled: each must have N spatial dimensions.
template <int N, class In, class Out>
constexpr void check_pixel_types() {
  static_assert(In::rank() == N + 2 && Out::rank() == N + 2,
                "the operands must be tensors (n, spatial..., c): of rank 3 in one dimension, 4 in two, 5 in three");
  static_assert(std::is_same_v<std::remove_const_t<element_type_of<In>>, element_type_of<Out>>,
                "the input and the output must have the same element type, and the output must not be const");
}

/// The table of policies for elements of T on this executor.
template <class Executor, class T>
using pixel_table = std::conditional_t<Executor::uses_cpu_kernels, pixel_table_cpu<T>, pixel_table_gpu<T>>;

/// Returns the extents of the spatial dimensions.
template <class T>
spatial<3> spatial_extents(const tensor_view<T, 5>& v) {
  return {v.extents[1], v.extents[2], v.extents[3]};
}

/// True if packs of `vector` channels are contiguous and aligned in every pixel, and the channels are whole packs. A
/// pack is aligned at a multiple of its size, or of 16 bytes if it is larger.
template <class T>
bool has_aligned_packs(const tensor_view<T, 5>& v, int vector) {
  const std::uintptr_t size = static_cast<std::uintptr_t>(vector) * sizeof(T), bytes = size < 16 ? size : 16;
  if (v.extents[4] % vector != 0 || reinterpret_cast<std::uintptr_t>(v.pointer) % bytes != 0) return false;
  for (int d = 0; d < 4; ++d)
    if (v.extents[d] > 1 && static_cast<std::uintptr_t>(v.strides[d]) * sizeof(T) % bytes != 0) return false;
  return true;
}

/// Returns the problem that the selector sees. The widest pack has at most 16 / sizeof(T) channels, where T is the
/// element type of the first view.
template <class T, class... Others>
pixel_problem describe_pixels(const tensor_view<T, 5>& first, const tensor_view<Others, 5>&... others) {
  const auto contiguous = [](const auto& v) { return v.strides[4] == 1 || v.extents[4] <= 1; };
  pixel_problem problem;
  problem.contiguous = contiguous(first) && (contiguous(others) && ...);
  if (!problem.contiguous) return problem;
  problem.vector = static_cast<int>(16 / sizeof(T));
  while (problem.vector > 1 &&
         !(has_aligned_packs(first, problem.vector) && (has_aligned_packs(others, problem.vector) && ...)))
    problem.vector /= 2;
  return problem;
}

/// Returns the order in which a kernel computes `images` images of the output, in packs of `vector` channels.
template <class T>
tile::pixel_walk walk_over(const tensor_view<T, 5>& out, int images, int vector) {
  tile::pixel_walk walk;
  walk.images = images;
  walk.depth = out.extents[1], walk.height = out.extents[2], walk.width = out.extents[3];
  walk.packs = out.extents[4] / vector;
  walk.items = images * walk.depth * walk.height * walk.width * walk.packs;
  walk.channels_inner = out.strides[4] <= out.strides[3] || out.extents[3] == 1 || out.extents[4] == 1;
  walk.by_depth = fast_divisor(walk.depth), walk.by_height = fast_divisor(walk.height);
  walk.by_width = fast_divisor(walk.width), walk.by_packs = fast_divisor(walk.packs);
  return walk;
}

/// The wider type of T and int32. If a kernel has packs of 16 / sizeof(this type) channels, the packs of elements and
/// those of indices have at most 16 bytes.
template <class T>
using with_indices = std::conditional_t<sizeof(T) < 4, float, T>;

/// Launches the pixel kernel of Params with the policy that the selector picks, for all elements of `out`. Wide is the
/// widest element type of the operands: on a GPU, the packs of this type have 16 bytes, those of the other types fewer.
/// A kernel counts its packs in 32 bits. If the batch has more than `most_packs` packs, there are several launches,
/// each for some of the images. Throws if one image has more packs than that.
template <class Wide, class T, class Executor, class Params>
void launch_pixels(const Executor& executor, const pixel_problem& problem, const tensor_view<T, 5>& out,
                   const Params& params, const operands& all, where at, std::int64_t most_packs = largest_extent) {
  if (out.size() == 0) return;
  using table = pixel_table<Executor, Wide>;
  with_candidate<table>(table::choose(problem, executor.target()).index, [&]<pixel_policy P>() {
    using kernel = pixels_kernel<P, Params>;
    constexpr int vector = P.lowest == arch::cpu ? 1 : P.vector;
    const std::int64_t packs_of_image = out.size() / out.extents[0] / vector;
    if (packs_of_image > most_packs)
      throw error({sentence(Params::name, ": an image of the output has ", packs_of_image, " packs of ", vector),
                   vector == 1 ? " channel" : " channels", "; it must have at most ", most_packs},
                  at);
    const int at_once = static_cast<int>(lesser<std::int64_t>(out.extents[0], most_packs / packs_of_image));
    for (int done = 0; done < out.extents[0]; done += at_once) {
      Params part = params.without(done);
      part.walk = walk_over(out, lesser(at_once, out.extents[0] - done), vector);
      launch<kernel>(executor, {static_cast<int>(kernel::block_count(part.walk))}, part, all, at);
    }
  });
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
