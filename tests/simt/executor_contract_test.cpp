// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The contracts of executors and lanes (simt/executor.hpp, simt/lane.hpp): every executor of the library is a model,
// and an executor that is written from the contracts' text alone runs ops.
#ifdef __CUDACC__
#include <tilery/cuda.hpp>
#else
#include <tilery/cpu.hpp>
#include <tilery/virtual_gpu.hpp>
#endif
#include <tilery/copy.hpp>
#include <tilery/softmax.hpp>
#include <tilery/validate.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

namespace {

using namespace tilery;

#ifdef __CUDACC__
static_assert(executor<cuda> && lane<cuda::lane> && executor<launches_nothing<cuda>>);
static_assert(cuda::lane::warp_size == limits(arch::sm_90).warp_size);
#else
static_assert(executor<cpu> && executor<virtual_gpu> && executor<unchecked_virtual_gpu>);
static_assert(lane<cpu_lane> && lane<virtual_lane<true>> && lane<virtual_lane<false>>);
static_assert(executor<launches_nothing<cpu>> && executor<launches_nothing<virtual_gpu>>);
static_assert(!executor<int> && !lane<int> && !executor<cpu_lane> && !lane<cpu>);
static_assert(cpu_lane::warp_size == limits(arch::cpu).warp_size);

// Only lanes whose blocks may wait for each other can wait.
static_assert(contract::waiting_lane<virtual_gpu::lane> && !contract::waiting_lane<cpu::lane>);

/// A lane of a block that has no other: plain accesses, and barriers that do nothing.
class only_lane {
public:
  static constexpr int warp_size = 1;
  static constexpr bool is_whole_block = true, takes_any_alignment = true, runs_on_device = false;
  static constexpr int threads(int) { return 1; }

  only_lane(index3 block, index3 blocks) : block_(block), blocks_(blocks) {}

  int rank() const { return 0; }
  int warp() const { return 0; }
  int warp_rank() const { return 0; }
  index3 block() const { return block_; }
  index3 blocks() const { return blocks_; }

  void sync_block(where = {}) const {}
  void sync_warp(where = {}) const {}
  template <class T>
  T shuffle(T value, int, where = {}) const {
    return value;
  }
  template <class T>
  T shuffle_xor(T value, int, where = {}) const {
    return value;
  }
  template <class T>
  T shuffle_down(T value, int, where = {}) const {
    return value;
  }
  unsigned ballot(bool vote, where = {}) const { return vote; }

  template <class P>
  auto load(P p, where = {}) const {
    return std::remove_const_t<typename P::element_type>(*p.raw());
  }
  template <class P, int N>
  auto load(P p, width_t<N>, where = {}) const {
    pack<std::remove_const_t<typename P::element_type>, N> result;
    std::memcpy(static_cast<void*>(&result), static_cast<const void*>(p.raw()), sizeof(result));
    return result;
  }
  template <class P>
  void store(P p, typename P::element_type value, where = {}) const {
    *p.raw() = value;
  }
  template <class P, int N>
  void store(P p, pack<typename P::element_type, N> value, where = {}) const {
    std::memcpy(static_cast<void*>(p.raw()), static_cast<const void*>(&value), sizeof(value));
  }

  // Blocks run one after the other, so plain accesses are atomic.
  template <class P, class T>
  T atomic_add(P p, T value, order = order::relaxed, scope = scope::device, where = {}) const {
    return replace(p, static_cast<T>(*p.raw() + value));
  }
  template <class P, class T>
  T atomic_max(P p, T value, order = order::relaxed, scope = scope::device, where = {}) const {
    return replace(p, *p.raw() < value ? value : *p.raw());
  }
  template <class P, class T>
  T atomic_exchange(P p, T value, order = order::relaxed, scope = scope::device, where = {}) const {
    return replace(p, value);
  }
  template <class P, class T>
  T atomic_compare_exchange(P p, T expected, T value, order = order::relaxed, scope = scope::device, where = {}) const {
    return replace(p, *p.raw() == expected ? value : *p.raw());
  }
  template <class P>
  auto atomic_load(P p, order = order::relaxed, scope = scope::device, where = {}) const {
    return load(p);
  }
  template <class P, class T>
  void atomic_store(P p, T value, order = order::relaxed, scope = scope::device, where = {}) const {
    *p.raw() = value;
  }
  void fence(order = order::acquire_release, scope = scope::device, where = {}) const {}

  no_step step(const char*, where = {}) const { return {}; }
  void operations(compute_unit, int, where = {}) const {}
  template <class T>
  void discard(smem_ptr<T>, int, where = {}) const {}
  immediate_engine engine() const { return {}; }

private:
  template <class P, class T>
  T replace(P p, T value) const {
    const T old = *p.raw();
    *p.raw() = value;
    return old;
  }

  index3 block_, blocks_;
};

/// Runs the blocks of a grid one after the other on the calling thread.
class sequential {
public:
  using lane = only_lane;
  static constexpr bool uses_cpu_kernels = true, blocks_may_wait = false, has_doubles = false;

  explicit sequential(int parameter_bytes = 1024) : parameter_bytes_(parameter_bytes) {}

  arch target(where = {}) const { return arch::cpu; }
  int parameter_bytes() const { return parameter_bytes_; }
  static memory_space reachable() { return memory_space::host; }

  allocation allocate(std::size_t bytes, where = {}) const {
    if (bytes == 0) return {};
    const auto free_memory = [](void* memory, std::size_t, void*) noexcept { std::free(memory); };
    return {std::aligned_alloc(64, (bytes + 63) / 64 * 64), bytes, free_memory};
  }
  allocation workspace(std::size_t bytes, where at = {}) const { return allocate(bytes, at); }
  void copy_bytes(void* to, const void* from, std::size_t bytes, where = {}) const { std::memcpy(to, from, bytes); }
  void zero_bytes(void* to, std::size_t bytes, where = {}) const { std::memset(to, 0, bytes); }
  void wait(where = {}) const {}

  int threads() const { return 1; }
  template <class Body>
  void parallel(std::int64_t n, const Body& body, int = 1) const {
    for (std::int64_t i = 0; i < n; ++i) body(i);
  }
  template <class First, class Second>
  void parallel(std::int64_t n_first, const First& first, std::int64_t n_second, const Second& second, int = 1) const {
    parallel(n_first, first);
    parallel(n_second, second);
  }

  template <class Kernel, class Params>
  void run(index3 blocks, const Params& params, const operands&, where) const {
    index3 at;
    for (at.z = 0; at.z < blocks.z; ++at.z)
      for (at.y = 0; at.y < blocks.y; ++at.y)
        for (at.x = 0; at.x < blocks.x; ++at.x) {
          typename Kernel::shared shared;
          Kernel::run(only_lane(at, blocks), params, shared);
          ++launched_blocks;
        }
  }

  mutable int launched_blocks = 0;

private:
  int parameter_bytes_;
};
static_assert(lane<only_lane> && executor<sequential>);

struct without_traits : sequential {
private:
  using sequential::has_doubles;
};
static_assert(!executor<without_traits>);

struct a_lane_with_unaligned_packs_missing : only_lane {
  static constexpr bool takes_any_alignment = false;
};
static_assert(!lane<a_lane_with_unaligned_packs_missing>);

constexpr int rows = 5, columns = 37;

std::vector<float> numbers() {
  std::vector<float> x(rows * columns);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 7919 % 101) / 16;
  return x;
}

TEST(executor_contract, an_executor_of_its_text_runs_softmax) {
  const sequential executor;
  const std::vector<float> x = numbers();
  std::vector<float> y(x.size());
  softmax(executor, matrix(x.data(), rows, columns), matrix(y.data(), rows, columns));
  EXPECT_GT(executor.launched_blocks, 0);
  for (int r = 0; r < rows; ++r) {
    double sum = 0;
    for (int c = 0; c < columns; ++c) sum += std::exp(static_cast<double>(x[r * columns + c]));
    for (int c = 0; c < columns; ++c) {
      const double want = std::exp(static_cast<double>(x[r * columns + c])) / sum;
      EXPECT_NEAR(y[r * columns + c], want, 1e-6 * want) << r << ", " << c;
    }
  }
}

TEST(executor_contract, an_executor_of_its_text_copies) {
  const sequential executor;
  const std::vector<float> x = numbers();
  std::vector<float> y(x.size());
  copy(executor, matrix(x.data(), rows, columns), transposed(matrix(y.data(), columns, rows)));
  EXPECT_GT(executor.launched_blocks, 0);
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < columns; ++c) EXPECT_EQ(y[c * rows + r], x[r * columns + c]);

  buffer<float, 2> there(executor, rows, columns);
  copy(executor, matrix(x.data(), rows, columns), there);
  EXPECT_EQ(std::memcmp(there.data_handle(), x.data(), x.size() * sizeof(float)), 0);
}

template <class Call>
std::string refusal(Call&& call) {
  try {
    call();
  } catch (const error& e) {
    return e.sentence().c_str();
  }
  return "";
}

TEST(executor_contract, launch_refuses_parameters_that_the_executor_cannot_pass) {
  const sequential executor(8);
  std::vector<float> x = numbers();
  const auto run = [&] { softmax(executor, matrix(x.data(), rows, columns), matrix(x.data(), rows, columns)); };
  const std::string bytes = std::to_string(sizeof(softmax_params<float>));
  EXPECT_EQ(refusal(run), "softmax_forward has " + bytes + " bytes of parameters; this device takes at most 8");
  EXPECT_EQ(executor.launched_blocks, 0);
  EXPECT_EQ(refusal([&] { (void)validate(executor, [](const auto&) {}); }), "");
}

TEST(executor_contract, launch_refuses_doubles_without_arithmetic_for_them) {
  const sequential executor;
  std::vector<double> x(rows * columns, 1.0);
  const auto run = [&] { softmax(executor, matrix(x.data(), rows, columns), matrix(x.data(), rows, columns)); };
  EXPECT_EQ(refusal(run), "softmax_forward: x has elements of double, which this device has no arithmetic for");
  EXPECT_EQ(executor.launched_blocks, 0);
}
#endif

TEST(executor_contract, the_traits_agree_with_the_archs) {
  for (const arch_limits& entry : all_arch_limits) {
    EXPECT_LE(entry.parameter_bytes, largest_parameter_bytes) << entry.name;
#ifndef __CUDACC__
    if (entry.vendor == vendor::nvidia) {
      EXPECT_EQ(virtual_gpu(entry.id).parameter_bytes(), entry.parameter_bytes);
      EXPECT_EQ(virtual_gpu::lane::warp_size, entry.warp_size);
    }
#endif
  }
}

}  // namespace
