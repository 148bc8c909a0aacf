// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The memory of an optimizer: the states of its rule, master weights, scalars and constants, and the records of its
// tensors that the kernels read. States are of one type, or, with `eight_bit`, codes of 8 bits for the large tensors
// and float for the small ones.
#pragma once
#pragma GCC system_header

#include <tilery/core/buffer.hpp>
#include <tilery/kernels/optimizer/eight_bit.hpp>
#include <tilery/ops/optimizer_tensors.hpp>
#include <tilery/ops/run_update.hpp>

#include <string>
#include <vector>

namespace tilery::inline TILERY_ABI {

/// A type of states: codes of 8 bits and one float for each 256 elements (kernels/optimizer/eight_bit.hpp). Tensors of
/// fewer than 4,096 elements keep float states.
struct eight_bit {};

namespace ops {

template <class Rule, class Weight, class Gradient, class State>
class optimizer_memory {
public:
  using accumulator = accumulator_t<Weight>;
  static constexpr bool has_eight_bit = std::is_same_v<State, eight_bit>;
  using state_type = std::conditional_t<has_eight_bit, float, State>;  // of the tensors in `records`
  using record = tensor_record<Weight, Gradient, state_type, Rule::states>;
  using eight_bit_record_type = eight_bit_record<Weight, Gradient, Rule::states>;
  using constants = update_constants<Rule, accumulator>;
  using parameters_type = std::vector<parameter<Weight, Gradient>>;

  std::vector<record> records;  // of the tensors that are not empty, but for those in eight_bit_records
  std::vector<eight_bit_record_type> eight_bit_records;  // of the tensors with states of 8 bits
  buffer<double> scalars;                                // see optimizer_scalar
  buffer<double> rule_scalars;                           // of the groups: scalars_of<Rule>() each
  buffer<std::int32_t> constants_of_groups;
  std::vector<optimizer_tensor> saved;
  operand_names names;
  operands known;

  /// Allocates everything, and sets states, scalars and masters to zero.
  template <class Executor>
  void allocate(const Executor& executor, const std::vector<Rule>& groups, const parameters_type& parameters,
                bool has_masters, where at) {
    std::int64_t state_rows = 0, master_rows = 0, code_rows = 0;
    for (const auto& one : parameters) {
      const std::int64_t size = one.weights.size(), rows = rows_of(size);
      for (int s = 0; s < Rule::states; ++s)
        if (keeps_state(groups[one.group], s)) (has_codes(size) ? code_rows : state_rows) += rows;
      if (has_masters) master_rows += rows;
    }
    const auto rows_and = [at](std::int64_t rows) { return first_extent(rows, at); };
    states_ = buffer<state_type, 2>(executor, rows_and(state_rows), row);
    masters_ = buffer<accumulator, 2>(executor, rows_and(master_rows), row);
    codes_ = buffer<std::uint8_t, 2>(executor, rows_and(code_rows), row);
    largest_ = buffer<float>(executor, rows_and(code_rows));
    scalars = buffer<double>(executor, rows_and(optimizer_scalar::count));
    rule_scalars = buffer<double>(executor, first_extent(scalars_of<Rule>() * groups.size(), at));
    constants_of_groups = buffer<std::int32_t>(executor, first_extent(words_of<constants> * groups.size(), at));
    fill_zero(executor, states_, at);
    fill_zero(executor, masters_, at);
    fill_zero(executor, codes_, at);
    fill_zero(executor, largest_, at);  // any code times 0 is 0
    fill_zero(executor, scalars, at);
    fill_zero(executor, rule_scalars, at);

    place next{states_.data_handle(), masters_.data_handle(), codes_.data_handle(), largest_.data_handle()};
    for (std::size_t i = 0; i < parameters.size(); ++i)
      add(parameters[i], groups[parameters[i].group], static_cast<std::int32_t>(i), has_masters, next);
    const std::string rule = Rule::name;
    saved.push_back(
        {rule + ".scalars", element<double>::name, scalars.data_handle(), sizeof(double), {optimizer_scalar::count}});
    known.push_back(own(writes("scalars", scalars.view())));
    if (scalars_of<Rule>() > 0) {
      saved.push_back({rule + ".groups",
                       element<double>::name,
                       rule_scalars.data_handle(),
                       sizeof(double),
                       {static_cast<std::int64_t>(groups.size()), scalars_of<Rule>()}});
      known.push_back(own(writes("the groups' scalars", rule_scalars.view())));
    }
    known.push_back(own(writes("constants", constants_of_groups.view())));
  }

  /// Calls copy(weights, masters) with vectors of at most `largest_extent` elements, for all weights that have masters.
  template <class Copy>
  void for_each_master(Copy copy) const {
    const auto visit = [&](const auto& of) {
      for (const auto& r : of)
        for (std::int64_t first = 0; r.master && first < r.size; first += largest_extent) {
          const std::int64_t count = std::min<std::int64_t>(r.size - first, largest_extent);
          copy(vector(r.weights.raw() + first, count), vector(r.master.raw() + first, count));
        }
    };
    visit(records), visit(eight_bit_records);
  }

private:
  // States begin at multiples of `row` elements: a row of codes is a block with its own largest magnitude.
  static constexpr std::int64_t row = eight_bit_block;
  static constexpr std::int64_t smallest_with_codes = 4096;

  static std::int64_t rows_of(std::int64_t size) { return (size + row - 1) / row; }
  static bool has_codes(std::int64_t size) { return has_eight_bit && size >= smallest_with_codes; }

  /// Where the memory of the next tensor begins.
  struct place {
    state_type* state;
    accumulator* master;
    std::uint8_t* code;
    float* largest;
  };

  /// Adds parameter `number`: its record, and its states and master weights from `next` on, which is moved.
  void add(const parameter<Weight, Gradient>& one, const Rule& rule, std::int32_t number, bool has_masters,
           place& next) {
    const std::int64_t size = one.weights.size();
    auto* const weights = reinterpret_cast<Weight*>(const_cast<std::byte*>(one.weights.pointer));
    const auto set = [&](auto& r) {
      r.weights = gmem_ptr<Weight>(weights);
      r.gradient = gmem_ptr<const Gradient>(reinterpret_cast<const Gradient*>(one.gradient.pointer));
      r.master = gmem_ptr<accumulator>(has_masters ? next.master : nullptr);
      r.size = size, r.group = one.group, r.number = number, r.whole_packs = 0;
    };
    if (has_codes(size)) {
      eight_bit_record_type r{};
      set(r);
      for (int s = 0; s < Rule::states; ++s) {
        const bool keeps = keeps_state(rule, s);
        r.states[s] = gmem_ptr<std::uint8_t>(keeps ? next.code : nullptr);
        r.largest[s] = gmem_ptr<float>(keeps ? next.largest : nullptr);
        if (!keeps) continue;
        const std::string map = ".map" + std::to_string(dynamic_map_version);
        keep(one, number, state_name(s) + map, next.code);
        keep_largest(one, number, state_name(s) + map + ".largest", next.largest, rows_of(size));
        next.code += rows_of(size) * row, next.largest += rows_of(size);
      }
      eight_bit_records.push_back(r);
    } else {
      record r{};
      set(r);
      for (int s = 0; s < Rule::states; ++s) {
        const bool keeps = keeps_state(rule, s);
        r.states[s] = gmem_ptr<state_type>(keeps ? next.state : nullptr);
        if (!keeps) continue;
        keep(one, number, state_name(s), next.state);
        next.state += rows_of(size) * row;
      }
      if (size > 0) records.push_back(r);
    }
    if (!has_masters) return;
    keep(one, number, "master", next.master);
    next.master += rows_of(size) * row;
  }

  static std::string saved_name(const parameter<Weight, Gradient>& one, std::int32_t number, const std::string& what) {
    return std::string(Rule::name) + "." + what + "." + (one.name.empty() ? std::to_string(number) : one.name);
  }
  /// Notes a tensor of the weights' shape for the checks of accesses and for checkpoints.
  template <class T>
  void keep(const parameter<Weight, Gradient>& one, std::int32_t number, const std::string& what, T* data) {
    optimizer_tensor all{saved_name(one, number, what), element<T>::name, data, sizeof(T), {}};
    operand o = one.weights;
    o.name = names.keep(all.name);
    o.pointer = reinterpret_cast<const std::byte*>(data);
    o.element_bytes = sizeof(T), o.alignment = alignof(T), o.is_double = std::is_same_v<T, double>;
    known.push_back(o);
    all.extents.assign(o.extents, o.extents + o.rank);
    saved.push_back(std::move(all));
  }
  /// Notes the largest magnitudes of a tensor's blocks.
  void keep_largest(const parameter<Weight, Gradient>& one, std::int32_t number, const std::string& what, float* data,
                    std::int64_t blocks) {
    optimizer_tensor all{saved_name(one, number, what), element<float>::name, data, sizeof(float), {blocks}};
    known.push_back(writes(names.keep(all.name), vector(data, blocks)));
    saved.push_back(std::move(all));
  }
  static std::string state_name(int s) {
    if constexpr (requires { Rule::state_names[0]; })
      return Rule::state_names[s];
    else
      return "state" + std::to_string(s);
  }

  buffer<state_type, 2> states_;
  buffer<accumulator, 2> masters_;
  buffer<std::uint8_t, 2> codes_;
  buffer<float> largest_;  // of each row of codes
};

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
