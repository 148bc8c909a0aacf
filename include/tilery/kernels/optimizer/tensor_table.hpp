// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of tensors that one launch of the update kernel (kernels/optimizer/update.hpp) works on. Each tensor is cut
// into chunks, and each chunk has a block. The chunks of all tensors are numbered in one sequence; `first` has the
// number of each tensor's first chunk, and a block finds its tensor by a binary search in it. Three types of tables
// differ in where they are stored; all have find(), and those of several tensors first_chunk(), the number of a
// tensor's first chunk.
#pragma once
#pragma GCC system_header

#include <tilery/simt/words.hpp>

namespace tilery::inline TILERY_ABI {

/// A tensor of weights with all that belongs to it, as a kernel sees it: dense, `size` elements. All pointers but
/// weights and gradient may be null: then there are no master weights, or the rule does not need this state.
template <class Weight, class Gradient, class State, int States>
struct tensor_record {
  using weight_type = Weight;
  using gradient_type = Gradient;
  using state_type = State;
  using accumulator = accumulator_t<Weight>;
  static constexpr int states_count = States;

  gmem_ptr<Weight> weights;
  gmem_ptr<accumulator> master;  // the weights in the accumulation type; `weights` are these, rounded
  gmem_ptr<const Gradient> gradient;
  gmem_ptr<State> states[States > 0 ? States : 1];
  std::int64_t size;
  std::int32_t group;        // index of the constants that this tensor is updated with
  std::int32_t number;       // of the tensor in the caller's list, for random bits
  std::int32_t whole_packs;  // 1: all pointers are aligned for packs; 0: single elements
  std::int32_t unused = 0;

  /// True if all pointers are aligned for packs of `vector` elements.
  bool aligned_for(int vector) const {
    bool aligned = weights.aligned_for(vector) && gradient.aligned_for(vector);
    if (master) aligned = aligned && master.aligned_for(vector);
    for (const auto& state : states)
      if (state) aligned = aligned && state.aligned_for(vector);
    return aligned;
  }

  /// A copy whose pointers are known to be global: a table in memory loads them as words (gmem_ptr::known_global).
  TILERY_SIMT tensor_record known_global() const {
    tensor_record all = *this;
    all.weights = weights.known_global(), all.master = master.known_global();
    all.gradient = gradient.known_global();
    TILERY_UNROLL
    for (int s = 0; s < States; ++s) all.states[s] = states[s].known_global();
    return all;
  }
};

/// A tensor, and one of its chunks.
template <class Record>
struct tensor_chunk {
  Record tensor;
  std::int32_t chunk;
};

/// Returns the index of the tensor that has chunk `number`: the largest i < size with first(i) <= number. `first` is an
/// array, or a gmem_words.
template <class First>
TILERY_SIMT int tensor_of_chunk(const First& first, int size, int number) {
  int low = 0, high = size;  // the index is in [low, high)
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (first[middle] <= number)
      low = middle;
    else
      high = middle;
  }
  return low;
}

/// Numbers in global memory that are read like an array.
template <class Lane>
struct gmem_words {
  Lane lane;
  gmem_ptr<const std::int32_t> begin;
  TILERY_SIMT std::int32_t operator[](int i) const { return lane.load(begin + i); }
};

/// A table of a single tensor.
template <class Record>
struct table_of_one {
  using record = Record;
  Record tensor;

  template <class Lane>
  TILERY_SIMT tensor_chunk<Record> find(Lane, int block) const {
    return {tensor, block};
  }
};

/// A table in the kernel's arguments: no memory is allocated or copied for it, and a captured graph keeps its own copy.
template <class Record>
struct table_in_arguments {
  using record = Record;
  /// The largest number of tensors: 28 KiB of the 32,764 bytes of arguments that a launch can carry.
  static constexpr int most = static_cast<int>(28 * 1024 / (sizeof(Record) + sizeof(std::int32_t)));

  Record tensors[most];
  std::int32_t first[most];
  std::int32_t size;

  template <class Lane>
  TILERY_SIMT tensor_chunk<Record> find(Lane, int block) const {
    const int i = tensor_of_chunk(first, size, block);
    return {tensors[i], block - first[i]};
  }
  template <class Lane>
  TILERY_SIMT int first_chunk(Lane, int i) const {
    return first[i];
  }
};

/// A table in the executor's memory, for any number of tensors.
template <class Record>
struct table_in_memory {
  using record = Record;
  gmem_ptr<const std::int32_t> first;    // `size` numbers
  gmem_ptr<const std::int32_t> tensors;  // `size` records, as words
  std::int32_t size;

  template <class Lane>
  TILERY_SIMT tensor_chunk<Record> find(Lane lane, int block, where at = {}) const {
    [[maybe_unused]] const auto step = lane.step("find the tensor", at);
    const gmem_words<Lane> numbers{lane, first};
    const int i = tensor_of_chunk(numbers, size, block);
    const Record tensor = load_words<Record>(lane, tensors + std::int64_t{i} * words_of<Record>);
    return {tensor.known_global(), block - numbers[i]};
  }
  template <class Lane>
  TILERY_SIMT int first_chunk(Lane lane, int i) const {
    return lane.load(first + i);
  }
};

}  // namespace tilery::inline TILERY_ABI
