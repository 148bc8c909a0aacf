// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The operands of a launch as data: name, pointer, extents, strides. An op's checks read them (operand_checks.hpp). The
// virtual GPU uses them as bounds of each access.
#pragma once
#pragma GCC system_header

#include <tilery/core/extent.hpp>
#include <tilery/core/tensor_like.hpp>

#include <cstddef>
#include <initializer_list>
#include <new>

namespace tilery::inline TILERY_ABI {

/// One tensor of an op, without its element type.
struct operand {
  const char* name = "";
  const std::byte* pointer = nullptr;
  std::int64_t element_bytes = 0;
  int rank = 1;
  std::int64_t extents[largest_rank] = {};  // of the first `rank` dimensions
  std::int64_t strides[largest_rank] = {};  // in elements, each >= 0
  bool written = false;
  bool own = false;       // the op's workspace: its memory space is not checked, because while a graph is captured the
                          // driver does not know the address yet
  bool combined = false;  // written by atomic operations alone: the GEMMs of a group may share this output
  std::int64_t alignment = 1;  // that each element needs, in bytes
  bool is_double = false;

  std::int64_t size() const {
    if (empty()) return 0;
    std::int64_t n = 1;
    for (int d = 0; d < rank; ++d) n *= extents[d];
    return n;
  }
  bool empty() const {
    for (int d = 0; d < rank; ++d)
      if (extents[d] == 0) return true;
    return false;
  }
  const std::byte* begin() const { return pointer; }
  const std::byte* end() const {
    if (empty()) return pointer;
    std::int64_t last = 0;
    for (int d = 0; d < rank; ++d) last += (extents[d] - 1) * strides[d];
    return pointer + (last + 1) * element_bytes;
  }
  /// True if the elements fill one range of memory without gaps, with the last dimension contiguous.
  bool dense() const {
    std::int64_t step = 1;
    for (int d = rank - 1; d >= 0; --d) {
      if (extents[d] != 1 && strides[d] != step) return false;
      step *= extents[d];
    }
    return true;
  }
  /// The extents in words: "3 x 4".
  sentence shape() const {
    sentence all(extents[0]);
    for (int d = 1; d < rank; ++d) all = sentence(all, " x ", extents[d]);
    return all;
  }
};

/// The operands of a launch. Up to 12 of them need no heap memory.
class operands {
public:
  operands() {}
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
    new (first() + size_++) operand(o);
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

  union {
    operand few_[12];  // the first `size_` of them exist: to initialise all costs 10 to 40 ns a call of an op
  };
  operand* many_ = nullptr;
  int size_ = 0, room_ = 12;
  bool checked_ = false;
};

/// Describes a view as an operand.
template <class T, int Rank>
operand describe(const char* name, const tensor_view<T, Rank>& v, bool written) {
  operand o{name, reinterpret_cast<const std::byte*>(v.pointer), static_cast<std::int64_t>(sizeof(T)), Rank};
  for (int d = 0; d < Rank; ++d) o.extents[d] = v.extents[d], o.strides[d] = v.strides[d];
  o.written = written;
  o.alignment = alignof(T);
  o.is_double = std::is_same_v<std::remove_const_t<T>, double>;
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
