// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a wrong call of an op is told: the common mistakes end the compilation with one sentence. Each op has an
// overload that takes anything and is chosen only where no other fits.
#pragma once
#pragma GCC system_header

#include <tilery/core/element.hpp>
#include <tilery/core/tensor_like.hpp>

namespace tilery::inline TILERY_ABI {

// The executors, so that compilers point here where a program uses one whose header it has not included.
class cpu;                    // incomplete: include <tilery/cpu.hpp>
class virtual_gpu;            // incomplete: include <tilery/virtual_gpu.hpp>
class unchecked_virtual_gpu;  // incomplete: include <tilery/virtual_gpu.hpp>
class cuda;                   // incomplete: include <tilery/cuda.hpp> in a file that nvcc compiles

/// What ops ask of their first argument, the least of it: the machine that it stands for.
template <class Executor>
concept runs_kernels = requires(const Executor& executor) {
  executor.reachable();
  executor.target();
};

/// Shaped like std::mdspan, of any rank.
template <class V>
concept tensor_of_any_rank = requires(const V& v) {
  v.data_handle();
  v.extent(0);
  V::rank();
};

/// The same with elements that most ops take: double, float, half or bf16. Of an output, too, which is not const.
template <class V>
concept tensor_of_floats = tensor_of_any_rank<V> &&(std::is_same_v<std::remove_const_t<element_type_of<V>>, double> ||
                                                    std::is_same_v<std::remove_const_t<element_type_of<V>>, float> ||
                                                    std::is_same_v<std::remove_const_t<element_type_of<V>>, half> ||
                                                    std::is_same_v<std::remove_const_t<element_type_of<V>>, bf16>);
/// A matrix of them.
template <class V>
concept matrix_of_floats = tensor_like<V, 2> && tensor_of_floats<V>;

namespace ops {

/// A container or a pointer: elements without a shape. (Characters are the name of a file, of which a `where` is made.)
template <class T>
concept has_no_shape =
    !tensor_of_any_rank<T> && ((std::is_pointer_v<std::decay_t<T>> && !std::is_same_v<std::decay_t<T>, const char*> &&
                                !std::is_same_v<std::decay_t<T>, char*>) ||
                               requires(const T& t) {
                                 t.data();
                                 t.size();
                               });

/// A vector of labels.
template <class V>
concept is_labels = tensor_like<V, 1> &&(std::is_same_v<std::remove_const_t<element_type_of<V>>, std::int32_t> ||
                                         std::is_same_v<std::remove_const_t<element_type_of<V>>, std::int64_t>);

/// The executor is missing: an operand is in its place.
template <class First>
concept in_the_place_of_an_executor = tensor_of_any_rank<First> || has_no_shape<First>;

/// Whether no argument can be anything but an executor and operands, and one of these is wrong. Others, as something
/// that converts to an op's options, or a function of the user's with the same name, are none of our mistakes. A right
/// call may be one that fits this: another overload is chosen for it.
template <class... Arguments>
inline constexpr bool may_be_mistaken = false;
template <class First, class... Others>
inline constexpr bool may_be_mistaken<First, Others...> =
    in_the_place_of_an_executor<First> ||
    (runs_kernels<First> && ((has_no_shape<Others> || ...) || (tensor_of_any_rank<Others> && ...)));

/// Ends the compilation. FloatsAlone: the op takes no other elements, labels apart.
template <bool FloatsAlone, class First, class... Others>
constexpr void refuse_call() {
  constexpr bool is_wrong = sizeof(First) == 0;
  if constexpr (in_the_place_of_an_executor<First>)
    static_assert(is_wrong,
                  "the first argument of an op must be its executor, such as tilery::cpu(); operands follow it");
  else if constexpr ((has_no_shape<Others> || ...))
    static_assert(is_wrong,
                  "an operand must be a view: of a std::vector or another container v it is tilery::matrix(v.data(), "
                  "rows, columns) or tilery::vector(v.data(), n)");
  else if constexpr (FloatsAlone &&
                     ((tensor_of_any_rank<Others> && !tensor_of_floats<Others> && !is_labels<Others>) || ...))
    static_assert(is_wrong,
                  "the elements of this op's operands must be double, float, half or bf16; labels are int32 or int64");
  else
    static_assert(is_wrong,
                  "no overload of this op takes these arguments: each operand must be a view of the rank that the op's "
                  "declaration states, made by tilery::matrix or tilery::vector or shaped like std::mdspan");
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
