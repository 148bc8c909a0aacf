// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Makes the tables of tensors (kernels/optimizer/tensor_table.hpp) that an optimizer's launches carry. A table depends
// on the policy: its chunks have P.block_elements() elements.
#pragma once
#pragma GCC system_header

#include <tilery/core/buffer.hpp>
#include <tilery/ops/run_update.hpp>

#include <cstring>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace ops {

template <class Record>
class optimizer_tables {
public:
  /// Calls run(table, chunks) with the table of these tensors for policy P. It is in the kernel's arguments if it and
  /// the executor have room, else in the executor's memory; the CPU reads it from memory always. A table in memory is
  /// made at the first call for this size of chunks and vectors.
  template <elementwise_policy P, class Executor, class Run>
  void with_table(const Executor& executor, const std::vector<Record>& tensors, operands& known, where at, Run&& run) {
    std::int64_t chunks = 0;
    if constexpr (!Executor::uses_cpu_kernels) {
      using table = table_in_arguments<Record>;
      constexpr int bytes_of_others = 1024;  // of the other members of the parameters
      if (tensors.size() <= table::most && sizeof(table) + bytes_of_others <= std::size_t(executor.parameter_bytes())) {
        table t;
        t.size = static_cast<std::int32_t>(tensors.size());
        for (std::size_t i = 0; i < tensors.size(); ++i) {
          t.tensors[i] = for_policy<Executor>(tensors[i], P.vector);
          t.first[i] = static_cast<std::int32_t>(chunks);
          chunks += chunks_of(tensors[i].size, P.block_elements());
        }
        return run(t, chunks);
      }
    }
    auto& stored = stored_[{P.block_elements(), P.vector}];
    if (stored.words.size() == 0 && !tensors.empty()) store<P>(executor, tensors, stored, known, at);
    const std::int32_t* words = stored.words.data_handle();
    run(table_in_memory<Record>{gmem_ptr<const std::int32_t>(words), gmem_ptr<const std::int32_t>(words + stored.first),
                                static_cast<std::int32_t>(tensors.size())},
        stored.chunks);
  }

private:
  /// A table in an executor's memory: the number of each tensor's first chunk, then, from word `first` on, the records.
  struct stored_table {
    std::vector<std::int32_t> host;  // the words as they were copied: the copy may be in flight for some time
    buffer<std::int32_t> words;
    std::int64_t first = 0, chunks = 0;
  };

  template <class Executor>
  static Record for_policy(Record tensor, int vector) {
    tensor.whole_packs = has_whole_packs<Executor>(tensor, vector);
    return tensor;
  }

  template <elementwise_policy P, class Executor>
  static void store(const Executor& executor, const std::vector<Record>& tensors, stored_table& to, operands& known,
                    where at) {
    to.first = static_cast<std::int64_t>(tensors.size() + 1) / 2 * 2;  // records are aligned to 8 bytes
    to.host.resize(to.first + tensors.size() * words_of<Record>);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      to.host[i] = static_cast<std::int32_t>(to.chunks);
      to.chunks += chunks_of(tensors[i].size, P.block_elements());
      const Record one = for_policy<Executor>(tensors[i], P.vector);
      std::memcpy(to.host.data() + to.first + i * words_of<Record>, &one, sizeof(Record));
    }
    to.words = buffer<std::int32_t>(executor, first_extent(to.host.size(), at));
    copy_dense(executor, tilery::vector(to.host.data(), to.host.size()), to.words, at);
    const bool checked = known.checked();
    known.push_back(own(reads("the table of tensors", to.words.view())));
    if (checked) known.set_checked();
  }

  std::map<std::pair<int, int>, stored_table> stored_;  // by elements of a chunk and of a pack
};

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
