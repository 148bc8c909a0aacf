// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Compile errors for the common mistakes in calling an op, one sentence each. Each op has an overload that takes any
// arguments for which may_be_mistaken is true. It is chosen only if no other overload fits, and calls refuse_call().
#pragma once
#pragma GCC system_header

#include <tilery/core/element.hpp>
#include <tilery/core/tensor_like.hpp>
#include <tilery/simt/executor.hpp>

namespace tilery::inline TILERY_ABI {

// The executors. If a program uses an executor without including its header, the compiler's error points to these
// lines.
class cpu;                    // incomplete: include <tilery/cpu.hpp>
class virtual_gpu;            // incomplete: include <tilery/virtual_gpu.hpp>
class unchecked_virtual_gpu;  // incomplete: include <tilery/virtual_gpu.hpp>
class cuda;                   // incomplete: include <tilery/cuda.hpp> in a file that nvcc compiles

/// A tensor whose elements are double, float, half or bf16, const or not: the types that most ops take.
template <class V>
concept tensor_of_floats = tensor_of_any_rank<V> &&(std::is_same_v<std::remove_const_t<element_type_of<V>>, double> ||
                                                    std::is_same_v<std::remove_const_t<element_type_of<V>>, float> ||
                                                    std::is_same_v<std::remove_const_t<element_type_of<V>>, half> ||
                                                    std::is_same_v<std::remove_const_t<element_type_of<V>>, bf16>);
/// A matrix whose elements are double, float, half or bf16, const or not.
template <class V>
concept matrix_of_floats = tensor_like<V, 2> && tensor_of_floats<V>;

namespace ops {

/// A container or a pointer: it has elements but no shape. Pointers to characters are excluded: the last argument of an
/// op is a `where`, to which the name of a source file converts.
template <class T>
concept has_no_shape =
    !tensor_of_any_rank<T> && ((std::is_pointer_v<std::decay_t<T>> && !std::is_same_v<std::decay_t<T>, const char*> &&
                                !std::is_same_v<std::decay_t<T>, char*>) ||
                               requires(const T& t) {
                                 t.data();
                                 t.size();
                               });

/// A vector of class labels: int32 or int64.
template <class V>
concept is_labels = tensor_like<V, 1> &&(std::is_same_v<std::remove_const_t<element_type_of<V>>, std::int32_t> ||
                                         std::is_same_v<std::remove_const_t<element_type_of<V>>, std::int64_t>);

/// True if the type of a call's first argument is that of an operand: the call has no executor.
template <class First>
concept in_the_place_of_an_executor = tensor_of_any_rank<First> || has_no_shape<First>;

/// A type that was probably meant to be an executor: it has a type `lane`, or a function reachable().
template <class T>
concept resembles_executor = requires {
  typename T::lane;
}
|| requires(const T& t) { t.reachable(); };

/// True if refuse_call() can explain what is wrong with a call with arguments of these types: the executor is missing,
/// an operand has no shape, or all arguments after the executor are tensors. Other wrong calls are left to the
/// compiler's own message: an argument may convert to the op's options, or the call may mean a function of the user
/// with the same name. The value may be true for a correct call, too, but then the compiler chooses another overload.
template <class... Arguments>
inline constexpr bool may_be_mistaken = false;
template <class First, class... Others>
inline constexpr bool may_be_mistaken<First, Others...> =
    in_the_place_of_an_executor<First> ||
    (resembles_executor<First> && ((has_no_shape<Others> || ...) || (tensor_of_any_rank<Others> && ...)));

/// Ends the compilation with a sentence about the first mistake found. FloatsAlone is true if the op's operands must be
/// double, float, half or bf16, except for labels.
template <bool FloatsAlone, class First, class... Others>
constexpr void refuse_call() {
  constexpr bool is_wrong = sizeof(First) == 0;
  if constexpr (in_the_place_of_an_executor<First>)
    static_assert(is_wrong,
                  "the first argument of an op must be its executor, such as tilery::cpu(); operands follow it");
  else if constexpr (!executor<First>)
    is_executor<First>();
  else if constexpr ((has_no_shape<Others> || ...))
    static_assert(is_wrong,
                  "an operand must be a view: for a std::vector or another container v, pass tilery::matrix(v.data(), "
                  "rows, columns) or tilery::vector(v.data(), n)");
  else if constexpr (FloatsAlone &&
                     ((tensor_of_any_rank<Others> && !tensor_of_floats<Others> && !is_labels<Others>) || ...))
    static_assert(is_wrong,
                  "the elements of this op's operands must be double, float, half or bf16; labels are int32 or int64");
  else
    static_assert(
        is_wrong,
        "no overload of this op takes these arguments: each operand must be a view of the rank that the op's "
        "declaration states, made by tilery::vector, tilery::matrix or tilery::tensor, or shaped like std::mdspan");
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
