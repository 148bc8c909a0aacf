// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// buffer, an owning tensor in an executor's memory, and copies and zero fills of dense tensors. The executor runs
// copies and fills in the order of its calls (on CUDA: of its stream).
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/core/element.hpp>
#include <tilery/core/operand_checks.hpp>

#include <cstddef>
#include <utility>

namespace tilery::inline TILERY_ABI {

/// Raw bytes from an executor. The destructor calls `release`, if there is one, with the pointer (which may be null),
/// the size and `context`, which belongs to the executor (on CUDA: the stream). An executor's `allocate(bytes)` returns
/// an allocation.
class allocation {
public:
  using release_function = void (*)(void* pointer, std::size_t bytes, void* context) noexcept;

  allocation() = default;
  allocation(void* pointer, std::size_t bytes, release_function release, void* context = nullptr)
      : pointer_(pointer), bytes_(bytes), release_(release), context_(context) {}
  allocation(allocation&& other) noexcept { swap(other); }
  allocation& operator=(allocation&& other) noexcept {
    allocation(std::move(other)).swap(*this);
    return *this;
  }
  ~allocation() {
    if (release_) release_(pointer_, bytes_, context_);
  }

  void* get() const { return pointer_; }
  std::size_t bytes() const { return bytes_; }

private:
  void swap(allocation& other) noexcept {
    std::swap(pointer_, other.pointer_);
    std::swap(bytes_, other.bytes_);
    std::swap(release_, other.release_);
    std::swap(context_, other.context_);
  }

  void* pointer_ = nullptr;
  std::size_t bytes_ = 0;
  release_function release_ = nullptr;
  void* context_ = nullptr;
};

/// A range of bytes that this object does not own.
struct memory_range {
  void* begin = nullptr;
  std::size_t bytes = 0;
};

/// An owning, dense, move-only tensor in an executor's memory. The constructor does not initialise the elements. A
/// buffer is tensor-like (tensor_like.hpp): ops take it as an operand. On CUDA the executor's stream must outlive its
/// buffers: they are freed in the stream's order.
template <class T, int Rank = 1>
class buffer {
public:
  using element_type = T;

  buffer() = default;

  /// Allocates memory for a tensor of these extents. Throws if an extent is negative or above `largest_extent`, if the
  /// tensor has 2^63 bytes or more, and if the allocation fails (on CUDA an `error`, on the host std::bad_alloc).
  template <class Executor, extent_like... Extents>
  requires(sizeof...(Extents) == Rank - 1) explicit buffer(const Executor& executor, first_extent first,
                                                           Extents... others)
      : view_(nullptr, first, others...) {
    std::int64_t bytes = 0;
    if (__builtin_mul_overflow(view_.size(), static_cast<std::int64_t>(sizeof(T)), &bytes))
      throw error("the extents of a buffer multiply to 2^63 bytes or more; no memory holds them", first.at);
    memory_ = executor.allocate(static_cast<std::size_t>(view_.size()) * sizeof(T));
    view_.pointer = static_cast<T*>(memory_.get());
  }

  static constexpr int rank() { return Rank; }
  std::int32_t extent(int i) const { return view_.extent(i); }
  std::int64_t stride(int i) const { return view_.stride(i); }
  std::int64_t size() const { return view_.size(); }
  T* data_handle() const { return view_.pointer; }
  tensor_view<T, Rank> view() const { return view_; }
  tensor_view<const T, Rank> read() const { return view_; }

private:
  tensor_view<T, Rank> view_;
  allocation memory_;
};

/// Returns a sentence about the first dimension in which the extents of two tensors differ; an empty one if they agree.
template <class T, class U, int Rank>
finding check_same_extents(const char* op, const char* const (&names)[2], const tensor_view<T, Rank>& first,
                           const tensor_view<U, Rank>& second) {
  for (int i = 0; i < Rank; ++i)
    if (first.extents[i] != second.extents[i])
      return {sentence(op, ": extent ", i, " of ", names[0], " is ", first.extents[i]),
              " and of ",
              names[1],
              " ",
              second.extents[i],
              "; they must be equal"};
  return {};
}

/// Copies the bytes of a dense tensor in the executor's order: on CUDA between host and device memory in any direction,
/// otherwise within host memory. A copy from or to a GPU's memory may still be in flight when this function returns:
/// call `executor.wait()` before the host reads the elements of `to` or changes those of `from`. Both tensors must have
/// the same extents and element type. (`copy` of tilery/copy.hpp takes any strides and converts element types.)
///
/// Errors. Throws if the extents differ, if a view has gaps, is null (unless it is empty) or is misaligned, if the
/// tensors overlap without being equal, and if the device fails.
template <class Executor, class From, class To>
void copy_dense(const Executor& executor, const From& from, const To& to, where at = {}) {
  const auto source = view(from, at, {"copy: ", "from"});
  const auto target = view(to, at, {"copy: ", "to"});
  static_assert(std::is_same_v<typename decltype(source)::value_type, typename decltype(target)::value_type>,
                "copy_dense: both tensors must have the same element type");
  static_assert(source.rank() == target.rank(), "copy_dense: both tensors must have the same rank");
  refuse(check_same_extents("copy", {"from", "to"}, source, target), at);
  if (!source.dense() || !target.dense())
    throw error("copy_dense: a view has gaps between its elements; both must be dense", at);
  const auto bytes = static_cast<std::size_t>(source.size()) * sizeof(typename decltype(source)::value_type);
  if (bytes == 0) return;
  operands all = {reads("from", source), writes("to", target)};
  refuse(check_call("copy", all, memory_space::either, {"from"}), at);
  if (source.pointer == target.pointer) return;
  executor.copy_bytes(target.pointer, source.pointer, bytes, at);
}

/// Sets every byte of a dense tensor to zero, in the executor's order. Throws if the view has gaps, is null (unless it
/// is empty) or is misaligned, and if the device fails.
template <class Executor, class To>
void fill_zero(const Executor& executor, const To& to, where at = {}) {
  const auto target = view(to, at);
  if (!target.dense()) throw error("fill_zero: the view has gaps between its elements; it must be dense", at);
  const auto bytes = static_cast<std::size_t>(target.size()) * sizeof(typename decltype(target)::value_type);
  if (bytes == 0) return;
  refuse(in_op("fill_zero", check_operands({writes("to", target)}, memory_space::either)), at);
  executor.zero_bytes(target.pointer, bytes, at);
}

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
