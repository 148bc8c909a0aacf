// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tensor-core atoms against dense products: every lane and register of every fragment map, by matrices with a
// single one and by drawn ones, on the virtual GPU and on a GPU.
#include "tests/draw.hpp"
#include "tests/executors.hpp"

#include <tilery/atoms/mma_sync.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;

template <class A, class B>
struct mma_operands {
  using sum = typename atoms::mma_shape<A, B>::accumulator;
  gmem_ptr<const A> a;  // (m, k)
  gmem_ptr<const B> b;  // (k, n)
  gmem_ptr<const sum> c;
  gmem_ptr<sum> d;
};

// Where a lane's elements lie, by the formulas of the PTX manual ("Matrix Fragments for mma"), not by the library's
// maps: element i of a fragment, groupID = lane / 4, threadID_in_group = lane % 4. Bits are an element's of A and B.
struct place {
  int row, column;
};
template <int Bits>
TILERY_SIMT place manual_a(int lane, int i) {
  const int group = lane / 4, thread = lane % 4;
  if (Bits == 64) return {group, thread};                                                // m8n8k4
  if (Bits == 32) return {i % 2 == 0 ? group : group + 8, i < 2 ? thread : thread + 4};  // m16n8k8
  if (Bits == 16)                                                                        // m16n8k16
    return {i < 2 || (i >= 4 && i < 6) ? group : group + 8, thread * 2 + (i & 1) + (i >= 4 ? 8 : 0)};
  return {i < 4 || (i >= 8 && i < 12) ? group : group + 8, thread * 4 + (i & 3) + (i >= 8 ? 16 : 0)};  // m16n8k32
}
template <int Bits>
TILERY_SIMT place manual_b(int lane, int i) {
  const int group = lane / 4, thread = lane % 4;
  if (Bits == 64) return {thread, group};
  if (Bits == 32) return {i == 0 ? thread : thread + 4, group};
  if (Bits == 16) return {thread * 2 + (i & 1) + (i >= 2 ? 8 : 0), group};
  return {thread * 4 + (i & 3) + (i >= 4 ? 16 : 0), group};
}
TILERY_SIMT place manual_c(int lane, int i) { return {lane / 4 + (i < 2 ? 0 : 8), lane % 4 * 2 + (i & 1)}; }

/// One instruction a block: d = a b + c.
template <class A, class B>
struct multiply_once {
  using shape = atoms::mma_shape<A, B>;
  using fragments = atoms::mma_fragments<A, B>;
  static constexpr const char* name = "multiply_once";
  static constexpr int threads = 32;
  static constexpr features needs = shape::needs;
  static constexpr bool allows_one_lane = false;
  using shared = no_shared;

  template <class T, class Register, int N, class Lane, class Place>
  TILERY_SIMT static void gather(Lane lane, Register (&to)[N], gmem_ptr<const T> from, int columns, Place place_of) {
    constexpr int per_register = static_cast<int>(sizeof(Register) / sizeof(T));
    TILERY_UNROLL
    for (int r = 0; r < N; ++r) {
      pack<T, per_register> held;
      TILERY_UNROLL
      for (int i = 0; i < per_register; ++i) {
        const place at = place_of(lane.rank(), r * per_register + i);
        held.set(i, lane.load(from + (at.row * columns + at.column)));
      }
      to[r] = reinterpret<Register>(held);
    }
  }

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const mma_operands<A, B>& p, no_shared&) {
    const int block = lane.block().x;
    typename fragments::a_type a[1];
    typename fragments::b_type b[1];
    typename fragments::c_type c[1][1];
    constexpr int bits = 8 * static_cast<int>(sizeof(A));
    gather(lane, a[0].r, p.a + block * (shape::m * shape::k), shape::k, manual_a<bits>);
    gather(lane, b[0].r, p.b + block * (shape::k * shape::n), shape::n, manual_b<bits>);
    const int origin = block * (shape::m * shape::n);
    TILERY_UNROLL
    for (int i = 0; i < shape::c_registers; ++i) {
      const place at = manual_c(lane.rank(), i);
      c[0][0].r[i] = lane.load(p.c + (origin + at.row * shape::n + at.column));
    }
    atoms::mma_sync<A, B>(lane, c, a, b);
    TILERY_UNROLL
    for (int i = 0; i < shape::c_registers; ++i) {
      const place at = manual_c(lane.rank(), i);
      lane.store(p.d + (origin + at.row * shape::n + at.column), c[0][0].r[i]);
    }
  }
};

template <class Left, class Right = Left>
struct pair_of {
  using a = Left;
  using b = Right;
};

template <class T>
T number(double x) {
  if constexpr (std::is_same_v<T, int8>)
    return static_cast<int8>(x);
  else
    return convert<T>(static_cast<accumulator_t<T>>(x));
}

template <class Types>
class mma_atom : public testing::Test {
public:
  using A = typename Types::a;
  using B = typename Types::b;
  using shape = atoms::mma_shape<A, B>;
  using sum = typename shape::accumulator;
  static constexpr int m = shape::m, n = shape::n, k = shape::k;

  static bool can_run() {
#ifdef __CUDACC__
    return cuda_devices() > 0 && has_features(cuda().target(), shape::needs);
#else
    return true;
#endif
  }

  /// a b + c for a number of problems, one a block.
  template <class Executor>
  static std::vector<sum> multiply(const Executor& gpu, const std::vector<A>& a, const std::vector<B>& b,
                                   const std::vector<sum>& c) {
    const int blocks = static_cast<int>(c.size()) / (m * n);
    const auto put = [&](const auto& values) {
      using T = std::remove_cvref_t<decltype(values[0])>;
      buffer<T> memory(gpu, values.size());
      copy_dense(gpu, vector(values.data(), static_cast<int>(values.size())), memory);
      return memory;
    };
    const auto on_a = put(a);
    const auto on_b = put(b);
    const auto on_c = put(c), on_d = put(std::vector<sum>(c.size(), sum(-7)));
    launch<multiply_once<A, B>>(gpu, {blocks},
                                mma_operands<A, B>{gmem_ptr<const A>(on_a.data_handle()),
                                                   gmem_ptr<const B>(on_b.data_handle()),
                                                   gmem_ptr<const sum>(on_c.data_handle()),
                                                   gmem_ptr<sum>(on_d.data_handle())},
                                {reads("a", on_a.view()), reads("b", on_b.view()), reads("c", on_c.view()),
                                 writes("d", on_d.view())});
    std::vector<sum> d(c.size());
    copy_dense(gpu, vector(static_cast<const sum*>(on_d.data_handle()), static_cast<int>(d.size())),
               vector(d.data(), static_cast<int>(d.size())));
    gpu.wait();
    return d;
  }
};

using all_types =
    testing::Types<pair_of<half>, pair_of<bf16>, pair_of<tf32>, pair_of<fp8_e4m3>, pair_of<fp8_e5m2>,
                   pair_of<fp8_e4m3, fp8_e5m2>, pair_of<fp8_e5m2, fp8_e4m3>, pair_of<int8>, pair_of<double>>;
TYPED_TEST_SUITE(mma_atom, all_types);

#ifdef __CUDACC__
using machine = cuda;
#else
using machine = virtual_gpu;
#endif

// Each element of A in turn is 1, the others 0, and B is different in every element: a lane or register in the wrong
// place shows in D. The same for B.
TYPED_TEST(mma_atom, has_every_element_in_its_place) {
  if (!this->can_run()) GTEST_SKIP() << "no GPU that has the instruction";
  using F = mma_atom<TypeParam>;
  using A = typename F::A;
  using B = typename F::B;
  using sum = typename F::sum;
  constexpr int m = F::m, n = F::n, k = F::k;
  std::vector<A> a;
  std::vector<B> b;
  std::vector<sum> want, c;
  // values that every type holds exactly: powers of two times a sign, distinct in each row or column
  const auto value = [](int i) { return (i & 1 ? -1.0 : 1.0) * static_cast<double>(1 << (i / 2 % 6)); };
  for (int probe = 0; probe < m * k + k * n; ++probe) {
    const bool of_a = probe < m * k;
    const int row = of_a ? probe / k : (probe - m * k) / n, column = of_a ? probe % k : (probe - m * k) % n;
    for (int i = 0; i < m * k; ++i) a.push_back(number<A>(of_a ? i == probe : value(i / k * 5 + i % k * 3)));
    for (int i = 0; i < k * n; ++i) b.push_back(number<B>(of_a ? value(i / n * 7 + i % n) : i == probe - m * k));
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j) {
        c.push_back(sum(i * 16 + j));
        const double product =
            of_a ? (i == row ? value(column * 7 + j) : 0.0) : (j == column ? value(i * 5 + row * 3) : 0.0);
        want.push_back(sum(i * 16 + j) + sum(product));
      }
  }
  EXPECT_EQ(F::multiply(machine(), a, b, c), want);
}

TYPED_TEST(mma_atom, multiplies_drawn_matrices) {
  if (!this->can_run()) GTEST_SKIP() << "no GPU that has the instruction";
  using F = mma_atom<TypeParam>;
  using A = typename F::A;
  using B = typename F::B;
  using sum = typename F::sum;
  constexpr int m = F::m, n = F::n, k = F::k, problems = 50;
  const double scale = std::is_same_v<A, int8> ? 127 : 1;
  std::vector<A> a(problems * m * k);
  std::vector<B> b(problems * k * n);
  for (A& v : a) v = number<A>(scale * draw(-1000, 1000) / 1000.0);
  for (B& v : b) v = number<B>(scale * draw(-1000, 1000) / 1000.0);
  std::vector<sum> c(problems * m * n);
  for (sum& v : c) v = static_cast<sum>(scale * draw(-1000, 1000) / 1000.0);
  const auto got = F::multiply(machine(), a, b, c);
  const auto as_number = [](auto v) {
    if constexpr (std::is_same_v<decltype(v), int8>)
      return static_cast<double>(v);
    else if constexpr (std::is_same_v<decltype(v), tf32>)
      return static_cast<double>(atoms::tensor_input<float>(v));
    else
      return as_double(v);
  };
  for (int p = 0; p < problems; ++p)
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j) {
        const auto at = static_cast<std::size_t>((p * m + i) * n + j);
        double want = static_cast<double>(c[at]), magnitude = std::fabs(want);
        for (int q = 0; q < k; ++q) {
          const double product = as_number(a[(p * m + i) * k + q]) * as_number(b[(p * k + q) * n + j]);
          want += product, magnitude += std::fabs(product);
        }
        const double bound = std::is_same_v<sum, double> ? 0x1p-50 : std::is_same_v<sum, float> ? (k + 2) * 0x1p-23 : 0;
        ASSERT_LE(std::fabs(static_cast<double>(got[at]) - want), bound * magnitude) << p << ": " << i << ", " << j;
      }
}

// The exact model against the machine. On the host this shows that the atom asks the model for its arch; the model's
// own cases, worked out by hand, are tensor_arithmetic_test.
TYPED_TEST(mma_atom, has_the_bits_of_its_arch) {
  using F = mma_atom<TypeParam>;
  using A = typename F::A;
  using B = typename F::B;
  if constexpr (std::is_same_v<typename F::sum, float>) {
    if (!this->can_run()) GTEST_SKIP() << "no GPU that has the instruction";
    constexpr int m = F::m, n = F::n, k = F::k, problems = 100;
#ifdef __CUDACC__
    const cuda gpu;
#else
    const virtual_gpu gpu(arch::sm_90, {.exact_tensor_cores = true});
#endif
    // values over many powers of two, so that terms are cut
    const auto drawn = [](int powers) { return std::ldexp(draw(-1000, 1000) / 1000.0, draw(-powers, powers)); };
    constexpr int powers = std::is_same_v<A, fp8_e4m3> || std::is_same_v<B, fp8_e4m3> ? 5 : 12;
    std::vector<A> a(problems * m * k);
    std::vector<B> b(problems * k * n);
    std::vector<float> c(problems * m * n);
    for (A& v : a) v = number<A>(drawn(powers));
    for (B& v : b) v = number<B>(drawn(powers));
    for (float& v : c) v = static_cast<float>(drawn(2 * powers));
    const auto got = F::multiply(gpu, a, b, c);
    int different = 0;
    for (int p = 0; p < problems; ++p)
      for (int i = 0; i < m; ++i)
        for (int j = 0; j < n; ++j) {
          float row[k], column[k];
          for (int q = 0; q < k; ++q) {
            row[q] = atoms::tensor_input<float>(a[(p * m + i) * k + q]);
            column[q] = atoms::tensor_input<float>(b[(p * k + q) * n + j]);
          }
          const auto at = static_cast<std::size_t>((p * m + i) * n + j);
          const float want = atoms::exact_dot<k>(row, column, c[at], gpu.target(), atoms::lowest_exponents<A, B>);
          if (reinterpret<std::uint32_t>(want) != reinterpret<std::uint32_t>(got[at]) && ++different < 4)
            ADD_FAILURE() << p << ": " << i << ", " << j << ": " << std::hexfloat << got[at] << ", the model " << want;
        }
    EXPECT_EQ(different, 0) << "of " << got.size();
  }
}

}  // namespace
