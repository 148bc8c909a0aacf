// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The totals (bias gradients) in the epilogues of a group of GEMMs. Members that write the same vector share its
// counters: its total is the sum over all these members.
#pragma once
#pragma GCC system_header

#include <tilery/core/buffer.hpp>
#include <tilery/ops/column_totals.hpp>

#include <map>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace ops {

template <class One>
class column_totals_of_group {
  using sum = typename One::accumulator;

public:
  /// Reserves the counters of a member.
  void add(One& one) {
    one.epilogue.for_totals([&](const auto& total) {
      if (total.to.columns() == 0) return;
      if (by_vector_.try_emplace(place_of(total), shared_total{bytes_}).second) bytes_ += counter_bytes<sum>(total);
    });
  }
  std::size_t bytes() const { return bytes_; }

  /// Gives a member its counters, after `add` has been called for all members. `all` are the operands of the member's
  /// launch.
  void place(One& one, std::byte* memory, operands& all) {
    one.epilogue.for_totals([&](auto& total) {
      if (total.to.columns() == 0) return;
      shared_total& vector = by_vector_.at(place_of(total));
      give_counters<sum>(total, memory ? memory + vector.offset : nullptr, all);
      if (vector.noted) return;
      vector.noted = true;
      if (totals_.empty() || totals_.back().full()) totals_.emplace_back();
      totals_.back().note(total);
    });
  }

  /// Writes the totals, after the launches that add to the counters.
  template <class Executor>
  void finish(const Executor& executor, where at) const {
    for (const auto& some : totals_) some.finish(executor, at);
  }

private:
  struct shared_total {
    std::size_t offset;  // of its counters in the workspace, in bytes
    bool noted = false;
  };
  template <class Total>
  static const std::byte* place_of(const Total& total) {
    return total.to.described("").pointer;
  }

  std::map<const std::byte*, shared_total> by_vector_;
  std::vector<column_totals_of<sum>> totals_;
  std::size_t bytes_ = 0;
};

/// Takes the counters from the executor, sets the counters to 0, calls run(), and writes the totals of all members,
/// also of the members without elements (`empty`). `known` are the operands of `members`.
template <class Executor, class One, class Run>
void with_column_totals_of_group(const Executor& executor, std::vector<One>& members, std::vector<One>& empty,
                                 std::vector<operands>& known, where at, Run&& run) {
  if constexpr (One::epilogue_type::sums_columns) {
    column_totals_of_group<One> totals;
    for (auto* some : {&members, &empty})
      for (One& one : *some) totals.add(one);
    const allocation memory = executor.workspace(totals.bytes(), at);
    auto* bytes = static_cast<std::byte*>(memory.get());
    if (bytes) executor.zero_bytes(bytes, totals.bytes(), at);
    operands of_empty;
    for (std::size_t i = 0; i < members.size(); ++i) totals.place(members[i], bytes, known[i]);
    for (One& one : empty) totals.place(one, bytes, of_empty);
    run();
    totals.finish(executor, at);
  } else {
    run();
  }
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
