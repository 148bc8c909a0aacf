// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Typed pointers to global and shared memory. A kernel cannot dereference them: it reads and writes through its lane,
// so that every access can be checked. On a GPU they compile to raw pointers.
#pragma once
#pragma GCC system_header

#include <tilery/core/pack.hpp>
#include <tilery/core/view.hpp>

#include <cstddef>

namespace tilery::inline TILERY_ABI {

/// The width of an access in elements: `lane.load(p, width<4>)`.
template <int N>
struct width_t {};
template <int N>
inline constexpr width_t<N> width{};

/// A pointer to global memory. A pointer to const elements promises that no lane writes them during the launch.
template <class T>
class gmem_ptr {
public:
  using element_type = T;

  gmem_ptr() = default;
  TILERY_SIMT constexpr explicit gmem_ptr(T* raw) : raw_(raw) {}
  template <class U>
  requires std::same_as<T, const U> TILERY_SIMT constexpr gmem_ptr(gmem_ptr<U> other) : raw_(other.raw()) {}

  TILERY_SIMT constexpr gmem_ptr operator+(std::int64_t elements) const { return gmem_ptr(raw_ + elements); }
  TILERY_SIMT constexpr explicit operator bool() const { return raw_ != nullptr; }
  /// True if the address is aligned for a pack of `elements` elements.
  TILERY_SIMT bool aligned_for(int elements) const {
    return reinterpret_cast<std::uintptr_t>(raw_) % (elements * sizeof(T)) == 0;
  }

  /// Returns the number of elements from this address to the next sector; 0 if a sector begins here. A sector has 32
  /// bytes and is the unit of memory transfers.
  TILERY_SIMT int elements_to_sector() const {
    return static_cast<int>((32 - reinterpret_cast<std::uintptr_t>(raw_) % 32) % 32 / sizeof(T));
  }

  /// Returns this pointer as one that nvcc knows to point to global memory. nvcc knows that of the pointers in a
  /// kernel's parameters; through a pointer that the kernel has loaded from memory it would make generic loads and
  /// stores.
  TILERY_SIMT gmem_ptr known_global() const {
#ifdef __CUDA_ARCH__
    std::size_t address = __cvta_generic_to_global(raw_);
    asm("" : "+l"(address));  // nvcc would see that the two conversions cancel, and leave both out
    return gmem_ptr(static_cast<T*>(__cvta_global_to_generic(address)));
#else
    return *this;
#endif
  }

  /// For lanes and atoms only.
  TILERY_SIMT constexpr T* raw() const { return raw_; }

private:
  T* raw_;
};

/// A pointer to the block's own shared memory.
template <class T>
class smem_ptr {
public:
  using element_type = T;

  smem_ptr() = default;
  TILERY_SIMT constexpr explicit smem_ptr(T* raw) : raw_(raw) {}

  TILERY_SIMT constexpr smem_ptr operator+(int elements) const { return smem_ptr(raw_ + elements); }

  /// For lanes and atoms only.
  TILERY_SIMT constexpr T* raw() const { return raw_; }

private:
  T* raw_;
};

/// True for smem_ptr.
template <class P>
inline constexpr bool is_shared_pointer = false;
template <class T>
inline constexpr bool is_shared_pointer<smem_ptr<T>> = true;
/// A pointer that atomics accept: to global memory or to the block's own shared memory, and not to const elements.
template <class P>
concept atomic_pointer =
    !std::is_const_v<typename P::element_type> &&
    (std::same_as<P, gmem_ptr<typename P::element_type>> || std::same_as<P, smem_ptr<typename P::element_type>>);

/// A pointer to the shared memory of any block of the cluster; `lane.of_block(pointer, rank)` makes it. On a GPU it
/// holds an address in the cluster's window (.shared::cluster in PTX), on the virtual GPU an offset in bytes into the
/// shared memory of block `rank`.
template <class T>
class dsmem_ptr {
public:
  using element_type = T;

  dsmem_ptr() = default;
  TILERY_SIMT constexpr dsmem_ptr(std::uint32_t address, int rank) : address_(address), rank_(rank) {}

  TILERY_SIMT constexpr dsmem_ptr operator+(int elements) const {
    return dsmem_ptr(address_ + static_cast<std::uint32_t>(elements) * static_cast<std::uint32_t>(sizeof(T)), rank_);
  }

  /// For lanes only.
  TILERY_SIMT constexpr std::uint32_t address() const { return address_; }
  TILERY_SIMT constexpr int rank() const { return rank_; }

private:
  std::uint32_t address_;
  std::int32_t rank_;
};

/// N elements in a kernel's `shared` struct, uninitialised when the block starts. A kernel reads and writes them
/// through its lane, so that the virtual GPU can check each access: lane.load(x.at(i)), lane.store(x.at(i), value).
template <class T, int N>
class shared_array {
public:
  using element_type = T;

  TILERY_SIMT smem_ptr<T> at(int i) { return smem_ptr<T>(elements_ + i); }

  /// Does not compile: the virtual GPU could not check such an access.
  template <class Index>
  T& operator[](Index) {
    static_assert(sizeof(Index) == 0,
                  "shared memory is read by lane.load(x.at(i)) and written by lane.store(x.at(i), "
                  "value): an access by x[i] could not be checked");
    return elements_[0];
  }

private:
  alignas(16) T elements_[N];
};

/// A matrix in global memory, as a kernel's parameter: 32-bit extents, 64-bit strides, trivially copyable.
template <class T>
struct gmem_matrix {
  using value_type = T;

  gmem_ptr<T> data;
  std::int32_t rows, columns;
  std::int64_t row_stride, column_stride;

  TILERY_SIMT gmem_ptr<T> at(int row, int column) const { return data + (row * row_stride + column * column_stride); }
  TILERY_SIMT gmem_ptr<T> row(int i) const { return data + i * row_stride; }
};

/// Makes a kernel's parameter from a host view. `To` is the view's element type, with or without const. `To` may drop
/// the view's const, which an input of an in-place op needs: the op's output may be the same memory, so the kernel's
/// pointer must not promise that no lane writes these elements.
template <class To, class T>
gmem_matrix<To> for_kernel(const tensor_view<T, 2>& v) {
  return {gmem_ptr<To>(const_cast<To*>(v.pointer)), v.extents[0], v.extents[1], v.strides[0], v.strides[1]};
}

}  // namespace tilery::inline TILERY_ABI
