// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The totals (bias gradients, see ops/column_totals.hpp) in the epilogues of a group of GEMMs. If several members write
// the same vector, they share its counters: the vector receives the sum over all these members.
#pragma once
#pragma GCC system_header

#include <tilery/core/buffer.hpp>
#include <tilery/ops/column_totals.hpp>

#include <map>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// The totals of a group whose members have parameters of type One: call add() for all members, then place() for all
/// members, then launch the group, then call finish().
template <class One>
class column_totals_of_group {
  using sum = typename One::accumulator;

public:
  /// Reserves counters for the totals of a member, unless an earlier member writes the same vector.
  void add(One& one) {
    one.epilogue.for_totals([&](const auto& total) {
      if (total.to.columns() == 0) return;
      if (by_vector_.try_emplace(place_of(total), shared_total{bytes_}).second) bytes_ += counter_bytes<sum>(total);
    });
  }
  /// Bytes of all counters that have been reserved.
  std::size_t bytes() const { return bytes_; }

  /// Gives the totals of a member their counters, as give_counters() does. `memory` holds bytes() bytes, or is null if
  /// the call is only validated. `all` are the operands of the member.
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

  /// Writes the totals of all members, after the launches that add to the counters.
  template <class Executor>
  void finish(const Executor& executor, where at) const {
    for (const auto& some : totals_) some.finish(executor, at);
  }

private:
  /// A vector that one or more members write.
  struct shared_total {
    std::size_t offset;  // of its counters in the workspace, in bytes
    bool noted = false;  // true if `totals_` has it
  };
  /// The address of the first element of a total's vector, which identifies the vector.
  template <class Total>
  static const std::byte* place_of(const Total& total) {
    return total.to.described("").pointer;
  }

  std::map<const std::byte*, shared_total> by_vector_;  // by place_of()
  std::vector<column_totals_of<sum>> totals_;           // each vector once, in launches of at most 64 vectors
  std::size_t bytes_ = 0;
};

/// Takes memory for the counters from the executor, sets the counters to 0, calls run(), which computes the GEMMs
/// `members`, and writes the totals of all members. `empty` are the members whose C has no elements: nothing is
/// computed for them, but their totals are written, too. known[i] are the operands of members[i]; the counters are
/// appended to them. If the epilogue sums no columns, only calls run().
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
