// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The host's part of an epilogue that sums columns (epilogue::bias_gradient). Each bias_gradient of an epilogue is one
// total: a vector with one sum for each column of C. The sums are kept in counters (tile/exact_sum.hpp). The host sets
// the counters to 0 before the GEMM's launches. After them the host launches the kernel that rounds and writes the
// totals (kernels/column_totals.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/buffer.hpp>
#include <tilery/kernels/column_totals.hpp>
#include <tilery/tile/epilogue_bias_gradient.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// Bytes of the counters of one total, for all its columns. The sums are of type S.
template <class S, class Total>
std::size_t counter_bytes(const Total& total) {
  return sizeof(tile::exact_counter) * tile::exact_sum<S>::size * static_cast<std::size_t>(total.to.columns());
}

/// Stores in `total` the address of its counters, `memory`, which the caller has set to 0, and appends the counters to
/// `all`, the operands of the launch that uses them. If the call is only validated (validate.hpp), `memory` is null,
/// and nothing is appended.
template <class S, class Total>
void give_counters(Total& total, std::byte* memory, operands& all) {
  total.counters = gmem_ptr<tile::exact_counter>(reinterpret_cast<tile::exact_counter*>(memory));
  if (memory)
    all.push_back(own({"the counters of a bias gradient",
                       memory,
                       sizeof(tile::exact_counter),
                       2,
                       {tile::exact_sum<S>::size, total.to.columns()},
                       {total.to.columns(), 1},
                       true}));
}

/// Up to 64 totals (column_totals_params::most) that one launch rounds and writes.
template <class S>
class column_totals_of {
  using kernel = column_totals<S>;

public:
  /// True if there is no room for another total.
  bool full() const { return params_.size == kernel::params::most; }

  /// Adds a total, which has its counters already. There must be room for it.
  template <class T>
  void note(epilogue::bias_gradient<T>& total) {
    const operand to = total.to.described_vector("the epilogue's bias gradient");
    const std::int32_t columns = total.to.columns();
    params_.vectors[params_.size++] = {gmem_ptr<const tile::exact_counter>(total.counters),
                                       reinterpret<gmem_ptr<std::byte>>(to.pointer),
                                       to.strides[0],
                                       total.beta,
                                       columns,
                                       total_type_of<T>};
    params_.columns = greater(params_.columns, columns);
    known_.push_back(to);
    give_counters<S>(total, reinterpret_cast<std::byte*>(total.counters.raw()), known_);
  }

  /// Launches the kernel that writes the totals. Call it after the launches that add to the counters.
  template <class Executor>
  void finish(const Executor& executor, where at) const {
    launch<kernel>(executor, kernel::blocks(params_), params_, known_, at);
  }

private:
  typename kernel::params params_;
  operands known_;  // the vectors that the totals are written to, and the counters
};

/// All totals in the epilogue of one GEMM, or of a batch. Does nothing if the epilogue sums no columns.
template <class Params>
class column_totals_in {
  static constexpr bool has_any = Params::epilogue_type::sums_columns;
  using sum = typename Params::accumulator;

public:
  /// Bytes of the counters of all totals.
  static std::size_t bytes(Params& p) {
    std::size_t all = 0;
    if constexpr (has_any) p.epilogue.for_totals([&](const auto& total) { all += counter_bytes<sum>(total); });
    return all;
  }
  /// Gives each total in `p` its counters, one after another from `memory` on, as give_counters() does.
  void place(Params& p, std::byte* memory, operands& all) {
    if constexpr (has_any)
      p.epilogue.for_totals([&](auto& total) {
        give_counters<sum>(total, memory, all);
        totals_.note(total);
        if (memory) memory += counter_bytes<sum>(total);
      });
  }
  /// Writes the totals, after the launches that add to the counters.
  template <class Executor>
  void finish(const Executor& executor, where at) const {
    if constexpr (has_any) totals_.finish(executor, at);
  }

private:
  struct none {};
  std::conditional_t<has_any, column_totals_of<sum>, none> totals_;
};

/// Takes memory for the counters from the executor, sets the counters to 0, calls run(p), where p is `given` with its
/// counters, and writes the totals. If the epilogue sums no columns, only calls run(given).
template <class Executor, class Params, class Run>
void with_column_totals(const Executor& executor, const Params& given, where at, Run&& run) {
  if constexpr (Params::epilogue_type::sums_columns) {
    Params p = given;
    column_totals_in<Params> totals;
    operands all;
    const std::size_t bytes = totals.bytes(p);
    const allocation memory = executor.workspace(bytes, at);
    if (memory.get()) executor.zero_bytes(memory.get(), bytes, at);
    totals.place(p, static_cast<std::byte*>(memory.get()), all);
    run(p);
    totals.finish(executor, at);
  } else {
    run(given);
  }
}

/// Writes the totals of a GEMM whose C has no elements. If C has no rows, the sums are 0: each total is multiplied by
/// its beta. If C has no columns, there is nothing to write.
template <class Executor, class Params>
void finish_empty_gemm(const Executor& executor, const Params& p, where at) {
  if constexpr (Params::epilogue_type::sums_columns) {
    if (p.c.columns == 0) return;
    with_column_totals(executor, p, at, [](const Params&) {});
  }
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
