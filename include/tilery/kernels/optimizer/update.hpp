// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The kernel that updates all weights of a network in one launch: a block updates one chunk of one tensor. Each element
// is computed independently of the others, so memory bandwidth is the limit: the kernel reads the gradient, and reads
// and writes the weights and the rule's states, each once.
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/core/convert.hpp>
#include <tilery/core/philox.hpp>
#include <tilery/core/stochastic_round.hpp>
#include <tilery/kernels/optimizer/rule.hpp>
#include <tilery/kernels/optimizer/tensor_table.hpp>
#include <tilery/policies/elementwise.hpp>
#include <tilery/simt/kernel.hpp>

namespace tilery::inline TILERY_ABI {

/// The constants of one update, the same for all elements of a group.
template <class Rule, class S>
struct update_constants {
  std::uint32_t apply = 1;                  // 0: this update is skipped, nothing is written
  std::uint32_t step = 1;                   // number of the update (its lower 32 bits), for random bits
  S gradient_factor = 1;                    // each gradient is multiplied by this factor,
  S largest_gradient = S(__builtin_inf());  // then limited to +- this number; NaN stays NaN
  typename Rule::template constants<S> rule;
};

/// Draws the random bits of stochastic rounding. Those of element i are word i % 4 of Philox4x32-10 of the counter (i /
/// 4 in two words, the tensor's number, the update's number), with the seed as its key: the same on every executor, and
/// under each policy.
template <int N>
TILERY_SIMT pack<std::uint32_t, N> update_bits(std::uint64_t seed, std::int64_t i, std::int32_t tensor,
                                               std::uint32_t step) {
  pack<std::uint32_t, N> bits;
  philox_words words{};
  TILERY_UNROLL_ON_GPU
  for (int j = 0; j < N; ++j) {
    // i is a multiple of N: a new counter can begin only at j = 0, 4, 8...
    if (j % 4 == 0)
      words = philox({{static_cast<std::uint32_t>((i + j) / 4), static_cast<std::uint32_t>((i + j) / 4 >> 32),
                       static_cast<std::uint32_t>(tensor), step}},
                     seed);
    // The word is chosen by comparisons: an array that is indexed at run time cannot stay in registers.
    const int k = static_cast<int>((i + j) % 4);
    bits.set(j, k == 0 ? words.word[0] : k == 1 ? words.word[1] : k == 2 ? words.word[2] : words.word[3]);
  }
  return bits;
}

/// The parameters of the update kernel. Table: see tensor_table.hpp.
template <class Rule, class Table>
struct update_params {
  using record = typename Table::record;
  using weight_type = typename record::weight_type;
  using accumulator = typename record::accumulator;
  using constants_type = update_constants<Rule, accumulator>;
  using rule_type = Rule;
  using rule_constants = typename Rule::template constants<accumulator>;
  static constexpr const char* name = Rule::name;

  Table table;
  std::int64_t chunks;                               // of all tensors: the blocks of the launch
  gmem_ptr<const std::int32_t> constants_of_groups;  // a constants_type for each group, as words; null: `constants`
  constants_type constants;                          // of all groups alike, if that pointer is null
  std::uint64_t seed;                                // of stochastic rounding
  bool stochastic;                                   // true: round weights stochastically (without masters only)

  template <class Lane>
  TILERY_SIMT constants_type constants_of(Lane lane, int group, where at = {}) const {
    [[maybe_unused]] const auto step = lane.step("load the group's constants", at);
    if (!constants_of_groups) return constants;
    return load_words<constants_type>(lane, constants_of_groups + std::int64_t{group} * words_of<constants_type>);
  }
};

template <elementwise_policy P, class Params>
struct optimizer_update {
  static_assert(keeps_rules<P>(), "the policy breaks a rule");
  static constexpr const char* name = Params::name;
  static constexpr int threads = P.threads;
  static constexpr bool allows_one_lane = P.threads == 1;
  // 1024 threads of an SM keep enough accesses in flight: at most 64 registers a thread. With double, whose elements
  // take two registers, 512 threads: at most 128 registers.
  static constexpr int wanted_threads = sizeof(typename Params::accumulator) == 8 ? 512 : 1024;
  static constexpr int resident = P.threads >= wanted_threads ? 1 : wanted_threads / P.threads;
  static constexpr int chunk_elements = P.block_elements();
  using shared = no_shared;
  using record = typename Params::record;
  using S = typename Params::accumulator;

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const Params& p, shared&) {
    const auto [tensor, chunk] = p.table.find(lane, lane.block().x);
    const auto constants = p.constants_of(lane, tensor.group);
    if (!constants.apply) return;
    const std::int64_t begin = std::int64_t{chunk} * chunk_elements;
    const std::int64_t rest = tensor.size - begin;
    const int count = rest < chunk_elements ? static_cast<int>(rest) : chunk_elements;
    const int whole = tensor.whole_packs ? count / P.vector * P.vector : 0;
    for (int i = lane.rank() * P.vector; i < whole; i += threads * P.vector)
      update(lane, p, tensor, constants, begin + i, width<P.vector>);
    for (int i = whole + lane.rank(); i < count; i += threads) update(lane, p, tensor, constants, begin + i, width<1>);
  }

private:
  /// Updates elements [i, i + N) of a tensor.
  template <class Lane, int N>
  TILERY_SIMT static void update(Lane lane, const Params& p, const record& tensor,
                                 const typename Params::constants_type& constants, std::int64_t i, width_t<N> n) {
    // One more than there are states: an array must not be empty, and g++ 12.2 crashes for one state and one pack.
    pack<S, N> states[record::states_count + 1];
    TILERY_UNROLL
    for (int s = 0; s < record::states_count; ++s)
      states[s] = tensor.states[s] ? load(lane, tensor.states[s] + i, n) : splat<N>(S(0));
    update_weights(lane, p, tensor, constants, i, states, n);
    TILERY_UNROLL
    for (int s = 0; s < record::states_count; ++s)
      if (tensor.states[s]) store(lane, tensor.states[s] + i, states[s]);
  }

public:
  /// Updates the weights of elements [i, i + N) of a tensor, in memory, and their states, in registers.
  template <class Lane, int N, int Count>
  TILERY_SIMT static void update_weights(Lane lane, const Params& p, const record& tensor,
                                         const typename Params::constants_type& constants, std::int64_t i,
                                         pack<S, N> (&states)[Count], width_t<N> n) {
    auto w = tensor.master ? load(lane, tensor.master + i, n) : load(lane, tensor.weights + i, n);
    auto g = load(lane, tensor.gradient + i, n);
    if (constants.gradient_factor != S(1)) g = g * constants.gradient_factor;
    if (constants.largest_gradient != S(__builtin_inf()))
      g = tilery::apply(limit_to{}, g, splat<N>(constants.largest_gradient));
    call_rule(constants.rule, w, g, states, std::make_index_sequence<record::states_count>());
    if (tensor.master) store(lane, tensor.master + i, w);
    if constexpr (sizeof(typename Params::weight_type) < sizeof(S))
      if (p.stochastic)
        w = stochastic_round<typename Params::weight_type>(w, update_bits<N>(p.seed, i, tensor.number, constants.step));
    store(lane, tensor.weights + i, w);
  }

private:
  /// x limited to [-most, most]; NaN stays NaN.
  struct limit_to {
    template <class V>
    TILERY_SIMT V operator()(V x, V most) const {
      const V above = x > most ? most : x;
      return above < -most ? -most : above;
    }
  };

  template <int N, int States, std::size_t... Index>
  TILERY_SIMT static void call_rule(const typename Params::rule_constants& rule, pack<S, N>& w, pack<S, N> g,
                                    pack<S, N> (&states)[States], std::index_sequence<Index...>) {
    rule.update(w, g, states[Index]...);
  }

  template <class Lane, class T, int N>
  TILERY_SIMT static pack<S, N> load(Lane lane, gmem_ptr<T> from, width_t<N> n, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("load elements", at);
    return convert<S>(lane.load(from, n));
  }
  template <class Lane, class T, int N>
  TILERY_SIMT static void store(Lane lane, gmem_ptr<T> to, pack<S, N> values, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("store elements", at);
    lane.store(to, convert<T>(values));
  }
};

}  // namespace tilery::inline TILERY_ABI
