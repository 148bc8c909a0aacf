// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Groups of GEMMs of different shapes, and batches of pointers: each is what `gemm` makes of it alone, bit by bit; long
// lists, empty members, refusals that name the member, on each executor.
#include "tests/gemm_reference.hpp"
#include "tests/layouts.hpp"

#include <tilery/gemm_grouped.hpp>
#include <tilery/validate.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;

constexpr gemm_simt_policy any_strides{.block = {32, 64, 8},
                                       .lane = {4, 4},
                                       .a = along::any,
                                       .b = along::any,
                                       .vector = 1,
                                       .c_vector = 1,
                                       .k_parts = 1};

template <class Executor>
class gemm_grouped_on : public on_executor<Executor> {
public:
  struct shape {
    int m, n, k;
    layout a = layout::dense, b = layout::dense, c = layout::dense;
    gemm_factors f = {};
  };

  /// Both ways on the same values; on the CPU with a policy of its own.
  template <auto P, class T>
  void same_as_alone(const std::vector<shape>& shapes) {
    std::vector<placed<T>> a, b, together, alone;
    std::vector<buffer<float>> bias;
    for (const shape& s : shapes) {
      a.push_back(place(*this, draw_values<T>(s.m * s.k), s.m, s.k, s.a));
      b.push_back(place(*this, draw_values<T>(s.k * s.n), s.k, s.n, s.b));
      const auto c_values = draw_values<T>(s.m * s.n);
      together.push_back(place(*this, c_values, s.m, s.n, s.c));
      alone.push_back(place(*this, c_values, s.m, s.n, s.c));
      bias.push_back(this->put(draw_values<float>(s.n)));
    }
    using steps = decltype(epilogue::bias(bias[0]) | epilogue::relu());
    using member = gemm_member<T, T, T, steps>;
    std::vector<member> members;
    for (std::size_t i = 0; i < shapes.size(); ++i)
      members.push_back(
          {a[i].view, b[i].view, together[i].view, epilogue::bias(bias[i]) | epilogue::relu(), shapes[i].f});
    const std::span<const member> list(members);
    constexpr auto policy = [] {
      if constexpr (Executor::uses_cpu_kernels)
        return gemm_cpu_table<T>::candidates[0];
      else
        return P;
    }();
    gemm_grouped<policy>(this->executor, list);
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      const auto& one = members[i];
      gemm<policy>(this->executor, one.a, one.b, alone[i].view, one.epilogue, one.factors);
      const auto got = gather(*this, together[i]), want = gather(*this, alone[i]);
      EXPECT_EQ(std::memcmp(got.data(), want.data(), got.size() * sizeof(T)), 0)
          << "member " << i << ": " << shapes[i].m << " x " << shapes[i].n << " x " << shapes[i].k;
    }
  }
};
TYPED_TEST_SUITE(gemm_grouped_on, executors);

TYPED_TEST(gemm_grouped_on, is_each_gemm_alone) {
  constexpr layout odd = layout::odd, spread = layout::spread, column_major = layout::column_major;
  this->template same_as_alone<any_strides, float>({{33, 70, 20},
                                                    {1, 1, 1, odd, spread, odd, {.alpha = -2, .beta = 1}},
                                                    {64, 64, 8, column_major, column_major},
                                                    {100, 3, 65, spread, odd, spread, {.beta = 0.5}},
                                                    {2, 200, 9}});
  this->template same_as_alone<any_strides, float>({{5, 6, 7}});
}
TYPED_TEST(gemm_grouped_on, is_each_gemm_alone_on_tensor_cores) {
  if (!TypeParam::uses_cpu_kernels && !has_features(this->executor.target(), features::mma_f16))
    GTEST_SKIP() << "mma.sync needs sm_80";
  constexpr auto strided = gemm_mma_sync_table<half>::candidates_for(arch::sm_90)[gemm_mma_sync_table<half>::strided];
  this->template same_as_alone<strided, half>({{33, 70, 20}, {65, 5, 100}, {4, 4, 4, layout::spread}});
}
TYPED_TEST(gemm_grouped_on, takes_lists_longer_than_a_launch_and_large_members) {
  std::vector<typename gemm_grouped_on<TypeParam>::shape> shapes;
  for (int i = 0; i < 150; ++i) shapes.push_back({1 + i % 7, 1 + i % 5, 1 + i % 11});
  shapes.push_back({140, 130, 130});
  this->template same_as_alone<any_strides, float>(shapes);
}

TYPED_TEST(gemm_grouped_on, does_not_read_a_and_b_of_a_member_whose_alpha_is_0) {
  const auto a = this->put(std::vector<float>(33 * 20, NAN)), b = this->put(std::vector<float>(20 * 40, INFINITY)),
             ones = this->put(std::vector<float>(20 * 40, 1)), c = this->put(std::vector<float>(33 * 40, 3)),
             d = this->put(std::vector<float>(20 * 40, NAN));
  const std::vector<gemm_member<float, float, float>> members = {{matrix(a.data_handle(), 33, 20),
                                                                  matrix(b.data_handle(), 20, 40),
                                                                  matrix(c.data_handle(), 33, 40),
                                                                  {},
                                                                  {.alpha = 0, .beta = 2}},
                                                                 {matrix(ones.data_handle(), 20, 10),
                                                                  matrix(ones.data_handle(), 10, 40),
                                                                  matrix(d.data_handle(), 20, 40)}};
  gemm_grouped(this->executor, std::span<const gemm_member<float, float, float>>(members));
  EXPECT_EQ(this->get(c), std::vector<float>(33 * 40, 6));
  EXPECT_EQ(this->get(d), std::vector<float>(20 * 40, 10));
}

// The default call: the selector finds what all have in common. Members without elements are none.
TYPED_TEST(gemm_grouped_on, is_right_by_default) {
  struct {
    int m, n, k;
  } shapes[] = {{40, 64, 32}, {8, 128, 64}, {0, 64, 32}, {72, 4, 16}, {4, 4, 0}};
  std::vector<std::vector<float>> a_values, b_values;
  std::vector<buffer<float>> a, b, c;
  std::vector<gemm_member<float, float, float>> members;
  for (const auto& s : shapes) {
    a_values.push_back(draw_values<float>(s.m * s.k)), b_values.push_back(draw_values<float>(s.k * s.n));
    a.push_back(this->put(a_values.back())), b.push_back(this->put(b_values.back()));
    c.push_back(this->put(std::vector<float>(s.m * s.n, 7.0f)));
    members.push_back({matrix(a.back().data_handle(), s.m, s.k), matrix(b.back().data_handle(), s.k, s.n),
                       matrix(c.back().data_handle(), s.m, s.n)});
  }
  gemm_grouped(this->executor, std::span<const gemm_member<float, float, float>>(members));
  worst_error worst;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto got = this->get(c[i]);
    for (int row = 0; row < shapes[i].m; ++row)
      for (int j = 0; j < shapes[i].n; ++j) {
        const exact_product exact(a_values[i], b_values[i], shapes[i].n, shapes[i].k, row, j);
        worst.compare(got[row * shapes[i].n + j], exact.sum, (shapes[i].k + 2) * 0x1p-24 * exact.magnitude);
      }
  }
  EXPECT_LE(worst.value(), 1);
  gemm_grouped(this->executor, std::span<const gemm_member<float, float, float>>());
}

TYPED_TEST(gemm_grouped_on, may_have_empty_members_that_are_null) {
  const auto a = this->put(std::vector<float>{1, 2, 3, 4}), c = this->put(std::vector<float>(4));
  const float* const nothing = nullptr;
  using member = gemm_member<float, float, float>;
  const std::vector<member> members{{matrix(nothing, 0, 2), matrix(nothing, 2, 5), matrix<float>(nullptr, 0, 5)},
                                    {matrix<const float>(a.data_handle(), 2, 2),
                                     matrix<const float>(a.data_handle(), 2, 2), matrix(c.data_handle(), 2, 2)},
                                    {matrix(nothing, 3, 2), matrix(nothing, 2, 0), matrix<float>(nullptr, 3, 0)}};
  gemm_grouped(this->executor, std::span<const member>(members));
  EXPECT_EQ(this->get(c), (std::vector<float>{7, 10, 15, 22}));
  gemm_grouped(this->executor, std::span<const member>(members).first(1));
  gemm(this->executor, matrix(nothing, 0, 2), matrix(nothing, 2, 5), matrix<float>(nullptr, 0, 5));
}

// Aligned operands that lie both ways: a kernel that looks it up serves them with packs, where there is one.
TYPED_TEST(gemm_grouped_on, is_right_where_operands_lie_both_ways) {
  const auto check = [&]<class T>(const char* kernel) {
    std::vector<std::vector<T>> a_values, b_values;
    std::vector<placed<T>> a, b;
    std::vector<placed<accumulator_t<T>>> c;
    std::vector<gemm_member<T, T, accumulator_t<T>>> members;
    for (const auto& [m, n, k, a_is, b_is] : {std::tuple{48, 72, 32, layout::dense, layout::dense},
                                              {72, 40, 40, layout::column_major, layout::dense},
                                              {24, 48, 24, layout::padded, layout::column_major},
                                              {40, 24, 64, layout::column_major, layout::column_major}}) {
      a_values.push_back(draw_values<T>(m * k)), b_values.push_back(draw_values<T>(k * n));
      a.push_back(place(*this, a_values.back(), m, k, a_is)), b.push_back(place(*this, b_values.back(), k, n, b_is));
      c.push_back(place(*this, std::vector<accumulator_t<T>>(m * n), m, n, layout::dense));
      members.push_back({a.back().view, b.back().view, c.back().view});
    }
    const std::span<const gemm_member<T, T, accumulator_t<T>>> list(members);
    gemm_grouped(this->executor, list);
    worst_error worst;
    for (std::size_t i = 0; i < members.size(); ++i) {
      const auto got = gather(*this, c[i]);
      const int n = members[i].c.extents[1], k = members[i].a.extents[1];
      for (std::size_t at = 0; at < got.size(); ++at) {
        const exact_product exact(a_values[i], b_values[i], n, k, static_cast<int>(at) / n, static_cast<int>(at) % n);
        worst.compare(got[at], exact.sum, (k + 2) * (std::is_same_v<T, double> ? 0x1p-53 : 0x1p-22) * exact.magnitude);
      }
    }
    EXPECT_LE(worst.value(), 1) << element<T>::name;
    if (TypeParam::uses_cpu_kernels) return;
    const std::string says = explain_gemm_grouped(this->executor, list).c_str();
    EXPECT_NE(says.find(kernel), std::string::npos) << says;
  };
  check.template operator()<float>("4 elements a load: aligned operands; those of the group have different layouts");
  check.template operator()<double>("1 elements a load: the operands of the group have different layouts");
  if (TypeParam::uses_cpu_kernels || has_features(this->executor.target(), features::mma_f16))
    check.template operator()<bf16>(
        "8 elements a copy: tensor cores; the operands of the group have different layouts");
}

#ifndef __CUDACC__
// Contiguous, but not aligned: not an operand without a way; and a group of nothing is one for this arch.
TEST(gemm_grouped, says_what_is_wrong_with_operands_that_lie_both_ways) {
  std::vector<float> in(4000), out(4000);
  using member = gemm_member<float, float, float>;
  const auto b = matrix(static_cast<const float*>(in.data()), 32, 32);
  std::vector<member> two{{b, b, matrix(out.data(), 32, 32)},
                          {transposed(matrix(static_cast<const float*>(in.data()), 32, 33)), b,
                           matrix(out.data() + 1024, 33, 32)}};
  const virtual_gpu gpu(arch::sm_90);
  const std::string says = explain_gemm_grouped(gpu, std::span<const member>(two)).c_str();
  EXPECT_NE(says.find("an operand is not aligned for 16-byte loads"), std::string::npos) << says;
  constexpr gemm_simt_policy packs{.block = {32, 64, 8},
                                   .lane = {4, 4},
                                   .a = along::any,
                                   .b = along::any,
                                   .vector = 4,
                                   .c_vector = 1};
  EXPECT_REFUSED(gemm_grouped<packs>(gpu, std::span<const member>(two)),
                 "gemm_grouped: A and B must be aligned for the policy's accesses");
  using of_bytes = gemm_member<int8, int8, std::int32_t>;
  EXPECT_NO_THROW(explain_gemm_grouped(gpu, std::span<const of_bytes>()));
}
#endif

TYPED_TEST(gemm_grouped_on, explains_itself) {
  const buffer<float> memory(this->executor, 4096);
  using member = gemm_member<float, float, float>;
  const auto at = [&](int rows, int columns) { return matrix(memory.data_handle(), rows, columns); };
  const std::vector<member> two{{at(40, 32), at(32, 64), at(40, 64)}, {at(8, 64), at(64, 12), at(8, 12)}};
  const std::string says = explain_gemm_grouped(this->executor, std::span(two)).c_str();
  EXPECT_EQ(says.find("gemm_grouped of 2 members, each within 40 x 64 x 64 (f32) runs gemm_"), 0u) << says;
  EXPECT_EQ(says.find("in 1 launch") != std::string::npos, !TypeParam::uses_cpu_kernels) << says;
  const float* in[] = {memory.data_handle(), memory.data_handle()};
  float* out[] = {memory.data_handle(), memory.data_handle()};
  const std::string of_pointers =
      explain_gemm_batched(this->executor, matrix_pointers<const float>{in, 8, 4},
                           matrix_pointers<const float>{in, 4, 12}, matrix_pointers<float>{out, 8, 12})
          .c_str();
  EXPECT_EQ(of_pointers.find("gemm_grouped of 2 members, each within 8 x 12 x 4"), 0u) << of_pointers;
}

#ifndef __CUDACC__
// As many blocks, in as many launches.
TEST(gemm_grouped, explains_its_launches) {
  std::vector<float> in(4000), out(20000);
  std::vector<gemm_member<float, float, float>> members;
  for (int i = 0; i < 150; ++i)
    members.push_back({matrix(in.data(), i % 9, 4), matrix(in.data(), 4, 12), matrix(out.data() + 100 * i, i % 9, 12)});
  members.push_back({matrix(in.data(), 140, 4), matrix(in.data(), 4, 12), matrix(out.data() + 15000, 140, 12)});
  launch_report report;
  const virtual_gpu gpu(arch::sm_90, {.report = &report});
  gemm_grouped(gpu, std::span<const gemm_member<float, float, float>>(members));
  std::int64_t blocks = 0;
  for (const auto& p : report.profiles) blocks += p.blocks.x;
  const std::string says =
      explain_gemm_grouped(gpu, std::span<const gemm_member<float, float, float>>(members)).c_str();
  EXPECT_NE(says.find("; " + std::to_string(blocks) + " blocks, one for each tile, in " +
                      std::to_string(report.profiles.size()) + " launches"),
            std::string::npos)
      << says;
}
#endif

TYPED_TEST(gemm_grouped_on, takes_pointers_to_matrices) {
  const int m = 9, n = 12, k = 20;
  const auto a_values = draw_values<float>(3 * m * k), b_values = draw_values<float>(k * n);
  const auto a = this->put(a_values), b = this->put(b_values), c = this->put(std::vector<float>(3 * m * n));
  // in another order, with one B for all, A column by column
  const float* of_a[] = {a.data_handle() + 2 * m * k, a.data_handle(), a.data_handle() + m * k};
  const float* of_b[] = {b.data_handle(), b.data_handle(), b.data_handle()};
  float* of_c[] = {c.data_handle(), c.data_handle() + 2 * m * n, c.data_handle() + m * n};
  gemm_batched(this->executor, matrix_pointers<const float>{of_a, m, k, 1, m}, matrix_pointers<const float>{of_b, k, n},
               matrix_pointers<float>{of_c, m, n}, epilogue::none(), {.alpha = 2});
  const auto got = this->get(c);
  worst_error worst;
  for (int i = 0; i < 3; ++i)
    for (int row = 0; row < m; ++row)
      for (int j = 0; j < n; ++j) {
        double sum = 0;
        for (int q = 0; q < k; ++q)
          sum += 2.0 * a_values[(of_a[i] - a.data_handle()) + q * m + row] * b_values[q * n + j];
        worst.compare(got[(of_c[i] - c.data_handle()) + row * n + j], sum, k * k * 0x1p-22);
      }
  EXPECT_LE(worst.value(), 1);
  EXPECT_REFUSED(gemm_batched(this->executor, matrix_pointers<const float>{{of_a, 2}, m, k, 1, m},
                              matrix_pointers<const float>{of_b, k, n}, matrix_pointers<float>{of_c, m, n}),
                 "gemm_batched: A has 2 matrices, B 3 and C 3; the numbers must be equal");
}

TYPED_TEST(gemm_grouped_on, may_share_an_amax) {
  const auto a = this->put(std::vector<float>{1, 2, 3, 4}), c = this->put(std::vector<float>(8));
  const auto largest = this->put(std::vector<float>{0});
  const float* inputs[] = {a.data_handle(), a.data_handle()};
  float* outputs[] = {c.data_handle(), c.data_handle() + 4};
  gemm_batched(this->executor, matrix_pointers<const float>{inputs, 2, 2}, matrix_pointers<const float>{inputs, 2, 2},
               matrix_pointers<float>{outputs, 2, 2}, epilogue::amax(largest));
  EXPECT_EQ(this->get(largest)[0], 22);
}

TYPED_TEST(gemm_grouped_on, names_the_member_that_it_refuses) {
  const auto a = this->put(std::vector<float>(100)), c = this->put(std::vector<float>(100, 7.0f));
  const float* A = a.data_handle();
  float* C = c.data_handle();
  using member = gemm_member<float, float, float>;
  const member good{matrix(A, 4, 4), matrix(A, 4, 4), matrix(C, 4, 4)};
  const auto call = [&](const member& second, const member& third) {
    const std::vector<member> members{good, second, third};
    gemm_grouped(this->executor, std::span<const member>(members));
  };
  const member other{matrix(A, 4, 4), matrix(A, 4, 4), matrix(C + 16, 4, 4)};
  const auto another = [&](int at) { return member{matrix(A, 4, 4), matrix(A, 4, 4), matrix(C + at, 4, 4)}; };
  EXPECT_REFUSED(call(other, {matrix(A, 4, 4), matrix(A, 5, 4), matrix(C + 32, 4, 4)}),
                 "gemm_grouped: member 2: B is 5 x 4; it must be k x n = 4 x 4");
  EXPECT_REFUSED(call({matrix(A, 4, 4), matrix(A, 4, 4), matrix(static_cast<float*>(nullptr), 4, 4)}, other),
                 "gemm_grouped: member 1: C is a null view of size 4 x 4");
  EXPECT_REFUSED(call(other, another(31)),
                 "gemm_grouped: member 1: C shares an element with C of member 2; the two must not overlap");
  EXPECT_REFUSED(call(other, {matrix(A, 4, 4), matrix(static_cast<const float*>(C), 4, 4), matrix(C + 32, 4, 4)}),
                 "gemm_grouped: member 0: C shares an element with B of member 2; the two must not overlap");
  member negative = another(32);
  negative.a.extents[1] = negative.b.extents[0] = -1;
  EXPECT_REFUSED(call(other, negative), "gemm_grouped: member 2: extent 1 of A is -1; it must be at least 0");
  member scaled = another(32);
  scaled.factors.scale_a = 2;
  EXPECT_REFUSED(call(other, scaled), "gemm_grouped: member 2: scale_a and scale_b are for fp8 and s8");
  member misplaced = another(32);
  misplaced.c.strides[0] = 2;
  EXPECT_REFUSED(
      call(other, misplaced),
      "gemm_grouped: member 2: C is written, but several of its elements have the same address because of its strides "
      "2, 1");
  EXPECT_EQ(this->get(c), std::vector<float>(100, 7.0f)) << "nothing was written";
  const std::vector<member> members{good, other};
  EXPECT_FALSE(validate(this->executor, [&](const auto& x) { gemm_grouped(x, std::span<const member>(members)); }));
}

}  // namespace
