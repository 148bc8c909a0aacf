// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tensors that an optimizer updates and keeps, and their checks: shapes, groups, gaps, aliases.
#pragma once
#pragma GCC system_header

#include <tilery/core/operand_checks.hpp>
#include <tilery/core/shape.hpp>

#include <algorithm>
#include <deque>
#include <functional>
#include <string>
#include <vector>

namespace tilery::inline TILERY_ABI {

/// A tensor of weights with its gradient, for `optimizer`. Both are dense tensors of the same shape, of any rank. An
/// extent is at most `largest_extent`, about 2^31: a larger tensor must be a matrix or have more dimensions. `name`
/// appears in messages and in the names of the saved states. The views must stay valid as long as the optimizer is
/// used.
template <class Weight, class Gradient = Weight>
struct parameter {
  std::string name;
  operand weights, gradient;
  int group;  // index of its hyperparameters in the optimizer's list

  template <tensor_of_any_rank W, tensor_of_any_rank G>
  requires std::same_as<element_type_of<W>, Weight> && std::same_as<std::remove_const_t<element_type_of<G>>, Gradient>
  parameter(std::string name, const W& weights, const G& gradient, int group = 0, where at = {})
      : name(std::move(name)),
        weights(writes("weights", view(weights, at, {"optimizer: ", "weights"}))),
        gradient(reads("gradient", view(gradient, at, {"optimizer: ", "gradient"}))),
        group(group) {}
};
template <class W, class G, class... Rest>
parameter(std::string, const W&, const G&, Rest...)
    -> parameter<element_type_of<W>, std::remove_const_t<element_type_of<G>>>;
template <class W, class G, class... Rest>
parameter(const char*, const W&, const G&, Rest...)
    -> parameter<element_type_of<W>, std::remove_const_t<element_type_of<G>>>;

/// A tensor of an optimizer that a checkpoint has to keep: dense, in the memory of the optimizer's executor.
struct optimizer_tensor {
  std::string name;                   ///< "adam.first.conv1.weight", or "adam.scalars"
  const char* type;                   ///< of its elements: "f32", "f64"...
  void* data;                         ///< its elements
  std::int64_t element_bytes;         ///< bytes of an element
  std::vector<std::int64_t> extents;  ///< mostly those of the weights
};

namespace ops {

/// Names that operands refer to for as long as this object exists.
class operand_names {
public:
  const char* keep(std::string name) { return all_.emplace_back(std::move(name)).c_str(); }

private:
  std::deque<std::string> all_;
};

/// Returns "tensor 3 (conv1.weight)".
inline std::string tensor_in_list(std::size_t number, const std::string& name) {
  const std::string all = "tensor " + std::to_string(number);
  return name.empty() ? all : all + " (" + name + ")";
}
/// Returns "gradient of tensor 3 (conv1.weight)".
inline std::string name_in_list(const char* what, std::size_t number, const std::string& name) {
  return what + (" of " + tensor_in_list(number, name));
}

/// Checks one tensor of a list: the shape of its gradient, gaps, and its group.
inline finding check_parameter(const char* op, const operand& weights, const operand& gradient, int group,
                               std::size_t groups) {
  if (auto found = check_same_shape(op, {weights, gradient})) return found;
  for (const operand* o : {&weights, &gradient})
    if (!o->empty() && !o->dense()) return {op, ": ", o->name, " has gaps between its elements; it must be dense"};
  if (group < 0 || static_cast<std::size_t>(group) >= groups)
    return {sentence(op, ": ", weights.name, " has group ", group), "; it must be an index in the list of ", groups,
            groups == 1 ? " group" : " groups"};
  return {};
}

/// Refuses dense operands of which one is written and shares memory with another. Unlike check_aliases(), which
/// compares all pairs, this function sorts the operands by address, because a network has thousands of them.
inline finding check_dense_aliases(const char* op, const operands& all) {
  std::vector<const operand*> sorted;
  for (const operand& o : all)
    if (!o.empty()) sorted.push_back(&o);
  std::sort(sorted.begin(), sorted.end(),
            [](const operand* a, const operand* b) { return std::less<>()(a->begin(), b->begin()); });
  // Of the operands before the current one, those that reach furthest: of all, and of the written ones.
  const operand *furthest = nullptr, *furthest_written = nullptr;
  for (const operand* o : sorted) {
    const operand* other = o->written ? furthest : furthest_written;
    if (other && o->begin() < other->end()) {
      const operand *first = &*std::min(other, o), *second = &*std::max(other, o);
      return {op, ": ", first->name, " shares an element with ", second->name, "; the two must not overlap"};
    }
    if (!furthest || furthest->end() < o->end()) furthest = o;
    if (o->written && (!furthest_written || furthest_written->end() < o->end())) furthest_written = o;
  }
  return {};
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
