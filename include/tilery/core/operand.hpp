// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The operands of a launch as data: name, pointer, extents, strides. An op's checks read this data
// (operand_checks.hpp). The virtual GPU compares each access to memory with it, to find accesses out of bounds.
#pragma once
#pragma GCC system_header

#include <tilery/core/extent.hpp>
#include <tilery/core/tensor_like.hpp>

#include <cstddef>
#include <initializer_list>
#include <new>

namespace tilery::inline TILERY_ABI {

/// One tensor of an op. Of its element type, only the size, the alignment and `is_double` are known.
struct operand {
  const char* name = "";
  const std::byte* pointer = nullptr;
  std::int64_t element_bytes = 0;
  int rank = 1;
  std::int64_t extents[largest_rank] = {};  // of the first `rank` dimensions
  std::int64_t strides[largest_rank] = {};  // in elements; rules: check_strides (operand_checks.hpp)
  bool written = false;                     // an output of the op
  bool own = false;            // the op's workspace: only checked not to be null (while a graph is captured, the driver
                               // does not know the address yet)
  bool combined = false;       // written by atomic operations alone: the GEMMs of a group may share this output
  std::int64_t alignment = 1;  // that each element needs, in bytes
  bool is_double = false;      // some devices have no double arithmetic

  /// The number of elements.
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
  /// The range [begin(), end()) contains all elements and the gaps between them, if no stride is negative.
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
  /// The extents as text: "3 x 4".
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

  /// True if an op has checked these operands, so that a launch need not check them again. push_back() and append()
  /// reset this to false, except for an operand that is the op's workspace.
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
    operand few_[12];  // only the first `size_` are constructed: constructing all would cost 10 to 40 ns per op call
  };
  operand* many_ = nullptr;   // heap memory for more than 12 operands: then it holds all, and few_ none
  int size_ = 0, room_ = 12;  // room_: how many operands fit in the array in use, few_ or many_
  bool checked_ = false;
};

/// Returns a view as an operand. `written` is true for an output of the op.
template <class T, int Rank>
operand describe(const char* name, const tensor_view<T, Rank>& v, bool written) {
  operand o{name, reinterpret_cast<const std::byte*>(v.pointer), static_cast<std::int64_t>(sizeof(T)), Rank};
  for (int d = 0; d < Rank; ++d) o.extents[d] = v.extents[d], o.strides[d] = v.strides[d];
  o.written = written;
  o.alignment = alignof(T);
  o.is_double = std::is_same_v<std::remove_const_t<T>, double>;
  return o;
}

/// Returns an operand that the op only reads, even if the elements of the view are not const.
template <class T, int Rank>
operand reads(const char* name, const tensor_view<T, Rank>& v) {
  return describe(name, v, false);
}

/// Returns an operand that the op writes (and may read).
template <class T, int Rank>
operand writes(const char* name, const tensor_view<T, Rank>& v) {
  static_assert(!std::is_const_v<T>, "an output must not be a view of const elements");
  return describe(name, v, true);
}

/// Returns the operand marked as the op's workspace.
inline operand own(operand o) {
  o.own = true;
  return o;
}

}  // namespace tilery::inline TILERY_ABI
