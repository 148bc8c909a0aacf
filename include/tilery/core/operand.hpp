// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The operands of a launch as data: name, pointer, extents, strides. An op's checks read them (operand_checks.hpp). The
// virtual GPU uses them as bounds of each access.
#pragma once
#pragma GCC system_header

#include <tilery/core/extent.hpp>
#include <tilery/core/tensor_like.hpp>

#include <cstddef>
#include <initializer_list>

namespace tilery::inline TILERY_ABI {

/// One tensor of an op, without its element type. A vector has extents {1, n}. Of a tensor of rank 3 the first
/// dimension is `matrices`.
struct operand {
  const char* name = "";
  const std::byte* pointer = nullptr;
  std::int64_t element_bytes = 0;
  std::int64_t extents[2] = {};
  std::int64_t strides[2] = {};  // in elements, each >= 0
  bool written = false;
  bool own = false;       // the op's workspace: its memory space is not checked, because while a graph is captured the
                          // driver does not know the address yet
  bool combined = false;  // written by atomic operations alone: the GEMMs of a group may share this output
  std::int64_t matrices = 1, matrix_stride = 0;
  std::int64_t alignment = 1;  // that each element needs, in bytes

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

/// The operands of a launch. Up to 12 of them need no heap memory.
class operands {
public:
  operands() = default;
  operands(std::initializer_list<operand> all) {
    for (const operand& o : all) push_back(o);
  }
  operands(const operands& other) { *this = other; }
  operands& operator=(const operands& other) {
    if (this == &other) return *this;
    size_ = 0;
    append(other);
    checked_ = other.checked_;
    return *this;
  }
  ~operands() { delete[] many_; }

  void push_back(const operand& o) {
    if (size_ == room_) grow();
    first()[size_++] = o;
    checked_ = checked_ && o.own;
  }
  void append(const operands& others) {
    for (const operand& o : others) push_back(o);
  }

  /// True if an op has checked these operands, so that a launch need not check them again. Adding an operand that is
  /// not the op's workspace resets this to false.
  bool checked() const { return checked_; }
  void set_checked() { checked_ = true; }

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
  bool checked_ = false;
};

/// Describes a view of rank 1, 2 or 3 as an operand.
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
  o.alignment = alignof(T);
  if constexpr (Rank == 3) o.matrices = v.extents[0], o.matrix_stride = v.strides[0];
  return o;
}

/// Describes a dense tensor of any rank as a vector.
template <class T, int Rank>
operand describe_dense(const char* name, const tensor_view<T, Rank>& v, bool written) {
  operand o{name,
            reinterpret_cast<const std::byte*>(v.pointer),
            static_cast<std::int64_t>(sizeof(T)),
            {1, v.size()},
            {0, 1},
            written};
  o.alignment = alignof(T);
  return o;
}

/// An operand that the op only reads, even if its view is of mutable elements.
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

/// Marks an operand as the op's workspace.
inline operand own(operand o) {
  o.own = true;
  return o;
}

}  // namespace tilery::inline TILERY_ABI
