// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The operands of a launch, with their names and the bytes they cover. The checks of an op read them: null views, the
// wrong memory, an output that shares an element with an input; an executor may keep them as bounds for each access.
#pragma once
#pragma GCC system_header

#include <tilery/core/extent.hpp>
#include <tilery/core/memory_space.hpp>
#include <tilery/core/view.hpp>

#include <cstddef>
#include <initializer_list>

namespace tilery::inline TILERY_ABI {

/// One tensor of an op, its element type forgotten. Ranks below two are padded with extents of 1; the first dimension
/// of three counts matrices.
struct operand {
  const char* name = "";
  const std::byte* pointer = nullptr;
  std::int64_t element_bytes = 0;
  std::int64_t extents[2] = {};
  std::int64_t strides[2] = {};  // in elements, each at least 0
  bool written = false;
  bool own = false;  // the op's workspace, of which nobody needs to be asked where it is; while a graph is captured, no
                     // memory answers at its address yet
  bool combined = false;  // written by atomic operations alone: the GEMMs of a group may share it
  std::int64_t matrices = 1, matrix_stride = 0;

  bool empty() const { return matrices == 0 || extents[0] == 0 || extents[1] == 0; }
  const std::byte* begin() const { return pointer; }
  const std::byte* end() const {
    if (empty()) return pointer;
    const std::int64_t last =
        (matrices - 1) * matrix_stride + (extents[0] - 1) * strides[0] + (extents[1] - 1) * strides[1];
    return pointer + (last + 1) * element_bytes;
  }
  bool dense() const {
    return (extents[1] == 1 || strides[1] == 1) && (extents[0] == 1 || strides[0] == extents[1]) &&
           (matrices == 1 || matrix_stride == extents[0] * extents[1]);
  }
  sentence shape() const { return {extents[0], " x ", extents[1]}; }
};

/// The operands of a launch. Most launches have few: those need no memory from the heap.
class operands {
public:
  operands() = default;
  operands(std::initializer_list<operand> all) {
    for (const operand& o : all) push_back(o);
  }
  operands(const operands& other) { append(other); }
  operands& operator=(const operands& other) {
    if (this == &other) return *this;
    size_ = 0;
    append(other);
    return *this;
  }
  ~operands() { delete[] many_; }

  void push_back(const operand& o) {
    if (size_ == room_) grow();
    first()[size_++] = o;
  }
  void append(const operands& others) {
    for (const operand& o : others) push_back(o);
  }

  int size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const operand& operator[](int i) const { return begin()[i]; }
  const operand* begin() const { return many_ ? many_ : few_; }
  const operand* end() const { return begin() + size_; }

private:
  operand* first() { return many_ ? many_ : few_; }
  void grow() {
    auto* more = new operand[2 * static_cast<std::size_t>(room_)];
    for (int i = 0; i < size_; ++i) more[i] = first()[i];
    delete[] many_;
    many_ = more;
    room_ *= 2;
  }

  operand few_[12];
  operand* many_ = nullptr;
  int size_ = 0, room_ = 12;
};

/// Describes a view of rank 1, 2 or 3 for `reads` and `writes`.
template <class T, int Rank>
operand describe(const char* name, const tensor_view<T, Rank>& v, bool written) {
  static_assert(Rank >= 1 && Rank <= 3);
  constexpr bool flat = Rank == 1;
  constexpr int rows = flat ? 0 : Rank - 2;
  operand o{name,
            reinterpret_cast<const std::byte*>(v.pointer),
            static_cast<std::int64_t>(sizeof(T)),
            {flat ? 1 : v.extents[rows], v.extents[Rank - 1]},
            {flat ? 0 : v.strides[rows], v.strides[Rank - 1]},
            written};
  if constexpr (Rank == 3) o.matrices = v.extents[0], o.matrix_stride = v.strides[0];
  return o;
}

/// An operand that the op reads, whatever its view would allow.
template <class T, int Rank>
operand reads(const char* name, const tensor_view<T, Rank>& v) {
  return describe(name, v, false);
}

/// An operand that the op writes.
template <class T, int Rank>
operand writes(const char* name, const tensor_view<T, Rank>& v) {
  static_assert(!std::is_const_v<T>, "an output must not be a view of const elements");
  return describe(name, v, true);
}

/// An operand that is the op's workspace.
inline operand own(operand o) {
  o.own = true;
  return o;
}

/// Whether two operands provably share an element. Interleaved slices of one buffer do not: with equal strides the
/// distance between the two is solved exactly; otherwise a dense operand shares what lies inside it. Of several
/// matrices only the first is compared.
inline bool share_an_element(operand a, operand b) {
  if (a.empty() || b.empty()) return false;
  a.matrices = b.matrices = 1;
  for (int i = 0; i < 2; ++i) {  // the stride of an extent of 1 means nothing: let it be the other's
    if (a.extents[i] == 1) a.strides[i] = b.strides[i];
    if (b.extents[i] == 1) b.strides[i] = a.strides[i];
  }
  if (a.end() <= b.begin() || b.end() <= a.begin()) return false;
  if (a.dense() && b.dense()) return true;
  if (a.pointer == b.pointer) return true;
  if (a.element_bytes == b.element_bytes && a.strides[0] == b.strides[0] && a.strides[1] == b.strides[1]) {
    const std::int64_t bytes = b.pointer - a.pointer;
    if (bytes % a.element_bytes != 0) return true;  // elements straddle each other
    const std::int64_t distance = bytes / a.element_bytes;
    // distance = i far + j near, where i and j are differences of two indices; few i leave a rest that j can reach
    const int outer = a.strides[0] >= a.strides[1] ? 0 : 1, inner = 1 - outer;
    const std::int64_t far = a.strides[outer], near = a.strides[inner];
    const std::int64_t reach = (greater(a.extents[inner], b.extents[inner]) - 1) * near;
    std::int64_t low = -(b.extents[outer] - 1), high = a.extents[outer] - 1;
    if (far > 0) low = greater(low, (distance - reach) / far - 1), high = lesser(high, (distance + reach) / far + 1);
    for (std::int64_t i = low; i <= high; ++i) {
      const std::int64_t rest = distance - i * far;
      if (near == 0 ? rest == 0 : rest % near == 0 && rest / near > -b.extents[inner] && rest / near < a.extents[inner])
        return true;
    }
    return false;
  }
  const auto holds_first = [](const operand& whole, const operand& part) {
    return whole.dense() && part.pointer >= whole.begin() && part.pointer < whole.end();
  };
  return holds_first(a, b) || holds_first(b, a);
}

/// The first of these that is wrong: a null view of non-zero size, a negative stride, memory that the executor's
/// kernels cannot reach. Names the operand.
inline finding check_operands(const operands& all, memory_space reachable) {
  for (const operand& o : all) {
    if (o.empty()) continue;
    if (!o.pointer) return {o.name, " is a null view of size ", o.shape(), "; it must point to its elements"};
    if (o.matrix_stride < 0)
      return {o.name, " has a stride of ", o.matrix_stride, " between its matrices; it must not be negative"};
    if (o.strides[0] < 0 || o.strides[1] < 0)
      return {o.name, " has the strides ", o.strides[0], " and ", o.strides[1], "; strides must not be negative"};
    if (o.written && ((o.strides[0] == 0 && o.extents[0] > 1) || (o.strides[1] == 0 && o.extents[1] > 1) ||
                      (o.matrix_stride == 0 && o.matrices > 1)))
      return {o.name, " is written, but a stride of 0 gives several of its elements one place; each must have its own"};
    if (o.own) continue;
    const memory_space space = space_of(o.pointer);
    if (space != memory_space::either && reachable != memory_space::either && space != reachable)
      return {o.name, " is in ", name_of(space), " memory; this executor needs it in ", name_of(reachable), " memory"};
  }
  return {};
}

/// Refuses an output that provably shares an element with another operand. An output may be the very same view as an
/// operand that is named in `in_place`.
inline finding check_aliases(const operands& all, std::initializer_list<const char*> in_place = {}) {
  for (const operand& output : all) {
    if (!output.written) continue;
    for (const operand& other : all) {
      if (&other == &output || !share_an_element(output, other)) continue;
      bool allowed = false;
      for (const char* name : in_place) allowed = allowed || std::strcmp(name, other.name) == 0;
      if (allowed && other.pointer == output.pointer && other.strides[0] == output.strides[0] &&
          other.strides[1] == output.strides[1] && other.element_bytes == output.element_bytes)
        continue;
      return {output.name, " shares an element with ", other.name, "; the two must be apart",
              allowed ? ", or exactly the same view" : ""};
    }
  }
  return {};
}

}  // namespace tilery::inline TILERY_ABI
