// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The update kernel for states of 8 bits: a state is a code of the dynamic map (core/dynamic_map.hpp) for each element,
// and for each block of 256 elements of the tensor a float, the block's largest magnitude, that the map's numbers are
// multiplied by. A warp updates such a block: it decodes the states, applies the rule, finds the new largest magnitude,
// and encodes. On the CPU the one lane does the work of the warp.
#pragma once
#pragma GCC system_header

#include <tilery/core/dynamic_map.hpp>
#include <tilery/kernels/optimizer/update.hpp>

namespace tilery::inline TILERY_ABI {

/// The elements that share a largest magnitude.
inline constexpr int eight_bit_block = 256;

/// True if state i of the rule is never negative: then the map without signs is used.
template <class Rule>
constexpr bool is_non_negative_state(int i) {
  if constexpr (requires { Rule::non_negative[0]; })
    return Rule::non_negative[i];
  else
    return false;
}

/// A tensor_record with states of 8 bits.
template <class Weight, class Gradient, int States>
struct eight_bit_record : tensor_record<Weight, Gradient, std::uint8_t, States> {
  gmem_ptr<float> largest[States > 0 ? States : 1];  // of each state: one number for each 256 elements

  /// Returns a copy of this record whose pointers nvcc knows to be global (gmem_ptr::known_global).
  TILERY_SIMT eight_bit_record known_global() const {
    eight_bit_record result{tensor_record<Weight, Gradient, std::uint8_t, States>::known_global(), {}};
    TILERY_UNROLL
    for (int i = 0; i < (States > 0 ? States : 1); ++i) result.largest[i] = largest[i].known_global();
    return result;
  }
};

template <elementwise_policy P, class Params>
struct eight_bit_update {
  using rule = typename Params::rule_type;
  static_assert(keeps_rules<P>(), "the policy breaks a rule");
  static constexpr int lanes = P.threads == 1 ? 1 : 32;  // that update a block of 256 elements together
  static_assert(eight_bit_block % (lanes * P.vector) == 0 && P.block_elements() % eight_bit_block == 0,
                "a chunk of 8-bit states must be whole blocks of 256 elements, and a block whole packs of each lane");
  static constexpr const char* name = Params::name;
  static constexpr int threads = P.threads;
  static constexpr bool allows_one_lane = P.threads == 1;
  static constexpr int resident = P.threads >= 512 ? 1 : 512 / P.threads;  // with 64 registers a thread it would spill
  static constexpr int chunk_elements = P.block_elements();
  using shared = no_shared;
  using record = typename Params::record;
  using constants_type = typename Params::constants_type;
  using S = typename Params::accumulator;
  static_assert(std::is_same_v<S, float>, "states of 8 bits are decoded to float");

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const Params& p, shared&) {
    const auto [tensor, chunk] = p.table.find(lane, lane.block().x);
    const auto constants = p.constants_of(lane, tensor.group);
    if (!constants.apply) return;
    const std::int64_t begin = std::int64_t{chunk} * chunk_elements;
    const std::int64_t rest = tensor.size - begin;
    const int count = rest < chunk_elements ? static_cast<int>(rest) : chunk_elements;
    // All lanes of a warp make the same steps: they exchange their largest magnitudes.
    for (int i = lane.rank() / lanes * eight_bit_block; i < count; i += threads / lanes * eight_bit_block)
      if (tensor.whole_packs && count - i >= eight_bit_block)
        update<P.vector>(lane, p, tensor, constants, begin + i, eight_bit_block);
      else
        update<1>(lane, p, tensor, constants, begin + i, count - i < eight_bit_block ? count - i : eight_bit_block);
  }

private:
  /// Updates the block of `count` elements from `first` on, in packs of N elements: all 256, or fewer in the tensor's
  /// last block.
  template <int N, class Lane>
  TILERY_SIMT static void update(Lane lane, const Params& p, const record& tensor, const constants_type& constants,
                                 std::int64_t first, int count) {
    constexpr int packs = eight_bit_block / (lanes * N);
    constexpr int states = record::states_count;
    const std::int64_t block = first / eight_bit_block;
    S old_largest[states + 1], largest[states + 1];
    pack<S, N> sizes[states + 1];  // the largest magnitudes so far
    TILERY_UNROLL
    for (int s = 0; s < states; ++s) {
      old_largest[s] = tensor.states[s] ? lane.load(tensor.largest[s] + block) : S(0);
      sizes[s] = splat<N>(S(0));
    }
    pack<S, N> kept[packs][states + 1];
    TILERY_UNROLL_ON_GPU
    for (int j = 0; j < packs; ++j) {
      const int i = (j * lanes + lane.rank() % lanes) * N;
      if (i >= count) continue;
      load_states(lane, tensor, first + i, old_largest, kept[j], std::make_index_sequence<states>());
      optimizer_update<P, Params>::update_weights(lane, p, tensor, constants, first + i, kept[j], width<N>);
      TILERY_UNROLL
      for (int s = 0; s < states; ++s) {
        if (!tensor.states[s]) continue;
        sizes[s] = tilery::apply(larger_magnitude{}, sizes[s], kept[j][s]);
      }
    }
    TILERY_UNROLL
    for (int s = 0; s < states; ++s) {
      largest[s] = fold(larger_magnitude{}, sizes[s]);
      if constexpr (lanes > 1)
        for (int other = lanes / 2; other > 0; other /= 2) {
          largest[s] = larger_magnitude{}(largest[s], lane.shuffle_xor(largest[s], other));
        }
      if (largest[s] > S(0) && largest[s] < S(0x1p-120)) largest[s] = S(0x1p-120);  // a smaller one has no reciprocal
      largest[s] = largest[s] + (largest[s] - largest[s]);                          // infinity becomes NaN
    }
    lane.sync_warp();  // all lanes have read the old largest magnitudes
    TILERY_UNROLL_ON_GPU
    for (int j = 0; j < packs; ++j) {
      const int i = (j * lanes + lane.rank() % lanes) * N;
      if (i < count) store_states(lane, tensor, first + i, largest, kept[j], std::make_index_sequence<states>());
    }
    if (lane.rank() % lanes == 0)
      for (int s = 0; s < states; ++s)
        if (tensor.states[s]) lane.store(tensor.largest[s] + block, largest[s]);
  }

  /// The larger of |a| and |b|, a not negative. The bits of numbers that are not negative are in the order of the
  /// numbers, and NaN is above infinity: so NaN stays.
  struct larger_magnitude {
    template <class V>
    TILERY_SIMT V operator()(V a, V b) const {
      using integers = math::integers<V>;
      const auto first = reinterpret<integers>(a), second = reinterpret<integers>(math::magnitude(b));
      return reinterpret<V>(first > second ? first : second);
    }
  };

  template <class Lane, int N, int Count, std::size_t... Index>
  TILERY_SIMT static void load_states(Lane lane, const record& tensor, std::int64_t i, const S (&largest)[Count],
                                      pack<S, N> (&states)[Count], std::index_sequence<Index...>, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("load and decode states", at);
    ((states[Index] = tensor.states[Index] ? decode_dynamic<!is_non_negative_state<rule>(Index)>(
                                                 lane.load(tensor.states[Index] + i, width<N>)) *
                                                 largest[Index]
                                           : splat<N>(S(0))),
     ...);
  }
  template <class Lane, int N, int Count, std::size_t... Index>
  TILERY_SIMT static void store_states(Lane lane, const record& tensor, std::int64_t i, const S (&largest)[Count],
                                       const pack<S, N> (&states)[Count], std::index_sequence<Index...>,
                                       where at = {}) {
    [[maybe_unused]] const auto step = lane.step("encode and store states", at);
    ((tensor.states[Index] ? lane.store(tensor.states[Index] + i,
                                        encode_dynamic<!is_non_negative_state<rule>(Index)>(
                                            states[Index] * (largest[Index] > S(0) ? S(1) / largest[Index] : S(0))))
                           : void()),
     ...);
  }
};

}  // namespace tilery::inline TILERY_ABI
