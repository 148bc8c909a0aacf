// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The dimensions of some tensors of one shape, as rows and columns for one kernel. The dimension with the smallest
// stride in the first tensor becomes the columns. Neighbouring dimensions are joined if one stride walks both in every
// tensor.
#pragma once
#pragma GCC system_header

#include <tilery/core/shape.hpp>
#include <tilery/kernels/copy.hpp>
#include <tilery/policies/alignment.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// The dimensions of Count tensors of one shape, sorted and joined.
template <int Count>
class rows_of_tensors {
public:
  /// Takes a first tensor and others with the same extents.
  template <class T, int Rank, class... Others>
  explicit rows_of_tensors(const tensor_view<T, Rank>& first, const tensor_view<Others, Rank>&... others) {
    static_assert(Rank <= copied_rank && sizeof...(Others) == Count - 1);
    for (int d = 0; d < Rank; ++d)
      if (first.extents[d] != 1) insert({first.extents[d], {first.strides[d], others.strides[d]...}});
    join();
  }

  /// Number of rows: the product of the outer extents, which may exceed 32 bits.
  std::int64_t rows() const {
    std::int64_t all = 1;
    for (int d = 1; d < size_; ++d) all *= all_[d].extent;
    return all;
  }
  std::int32_t columns() const { return size_ > 0 ? static_cast<std::int32_t>(all_[0].extent) : 1; }
  row_dimensions outer() const {
    row_dimensions result;
    for (int d = 0; d < copied_rank - 1; ++d)
      result.extents[d] = static_cast<std::int32_t>(dimension(copied_rank - 1 - d).extent);
    return result;
  }
  /// The first element and the strides of tensor i, as a kernel takes them.
  template <class T>
  strided_rows<T> elements(int i, T* data) const {
    strided_rows<T> result{gmem_ptr<T>(data), {}, size_ > 0 ? all_[0].strides[i] : 1};
    for (int d = 0; d < copied_rank - 1; ++d) result.row_strides[d] = dimension(copied_rank - 1 - d).strides[i];
    return result;
  }
  /// True if the rows of tensor i are contiguous and each begins at a multiple of a pack of `vector` elements (of 16
  /// bytes at most).
  template <class T>
  bool serves_packs(int i, const T* data, int vector) const {
    const std::uintptr_t bytes = vector * sizeof(T) < 16 ? vector * sizeof(T) : 16;
    bool aligned = reinterpret_cast<std::uintptr_t>(data) % bytes == 0;
    for (int d = 1; d < size_; ++d) aligned = aligned && all_[d].strides[i] * sizeof(T) % bytes == 0;
    return is_contiguous(i) && aligned;
  }
  bool is_contiguous(int i) const { return size_ == 0 || all_[0].strides[i] == 1; }

private:
  struct one_dimension {
    std::int64_t extent = 1;
    std::int64_t strides[Count] = {};
  };

  one_dimension dimension(int d) const { return d < size_ ? all_[d] : one_dimension{}; }

  /// Inserts a dimension. The dimensions stay sorted by rising stride in the first tensor.
  void insert(const one_dimension& added) {
    int place = size_++;
    for (; place > 0 && all_[place - 1].strides[0] > added.strides[0]; --place) all_[place] = all_[place - 1];
    all_[place] = added;
  }
  void join() {
    int joined = 0;
    for (int d = 1; d < size_; ++d) {
      bool one_stride = all_[joined].extent * all_[d].extent <= largest_extent;
      for (int i = 0; i < Count; ++i)
        one_stride = one_stride && all_[d].strides[i] == all_[joined].extent * all_[joined].strides[i];
      if (one_stride)
        all_[joined].extent *= all_[d].extent;
      else
        all_[++joined] = all_[d];
    }
    if (size_ > 0) size_ = joined + 1;
  }

  one_dimension all_[copied_rank];
  int size_ = 0;
};

/// Launches the elementwise kernel of Params for `rows` rows. Throws if `rows` is more than `largest_extent`.
template <class T, class Executor, class Params>
void launch_rows_of_tensors(const Executor& executor, const elementwise_problem& problem, const Params& p,
                            std::int64_t rows, const operands& all, where at) {
  if (rows > largest_extent)
    throw error({sentence(Params::name, ": the dimensions beside the contiguous one have ", rows, " elements"),
                 "; they must have at most ", largest_extent},
                at);
  launch_elementwise<T>(executor, problem, p, all, at);
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
