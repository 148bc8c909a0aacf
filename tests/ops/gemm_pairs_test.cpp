// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMMs of the pairwise covering table gemm_pairs.txt: each type is tested with each layout, epilogue, pair of factors
// and schedule, and so are the values of any other two columns. Small problems with odd edges, against sums in double.
//
// A kernel is compiled for a type and a policy alone: the policy's kernel looks up the layout, the epilogue is chosen
// at run time, and the schedule is the launch's. That keeps all of it within a minute of compiling.
#include "tests/ops/gemm_pairs.hpp"
#include "tests/epilogue_choice.hpp"

#include <tilery/gemm_batched.hpp>
#include <tilery/gemm_grouped.hpp>

#include <memory>
#include <span>

namespace {

using namespace tilery;
using namespace tilery_tests;

/// The element types of one name in the table's first column, and whether its groups are the strided ones.
template <class First, class Second, class Result, bool StridedGroups>
struct types {
  using A = First;
  using B = Second;
  using C = Result;
  static constexpr bool strided_groups = StridedGroups;
  static constexpr bool tensor_cores = !std::is_same_v<A, float>;
  static constexpr int vector = 16 / sizeof(A), k_step = tensor_cores ? 64 / sizeof(A) : 8;
  static constexpr double unit = std::is_same_v<A, double> ? 0x1p-53 : 0x1p-24;  // of an epilogue's arithmetic

  /// The relative errors of a sum of products, by the bound that gemm.hpp states: of each addition, and once for all.
  static double unit_of_sums(arch target) {
    return tensor_cores && !std::is_same_v<A, double> && target != arch::cpu ? 0x1p-22 : unit;
  }
  static double cut(arch target) {
    return std::is_same_v<A, tf32> ? 0x1p-9 : is_fp8<A> && target == arch::sm_89 ? 0x1p-5 : 0;
  }
};

// Small tiles, so that a small problem has several, and edges; two stages, which four steps along k fill twice.
template <class T>
constexpr auto aligned_tiles() {
  if constexpr (T::tensor_cores)
    return gemm_mma_sync_policy{.block = {32, 32, T::k_step},
                                .warp = {32, 16},
                                .stages = 2,
                                .a = along::any,
                                .b = along::any,
                                .vector = T::vector,
                                .c_vector = sizeof(typename T::A) == 8 ? 2 : 4,
                                .math = sizeof(typename T::A) == 4 ? multiply_as::tf32 : multiply_as::itself};
  else
    return gemm_simt_policy{.block = {32, 32, T::k_step},
                            .lane = {4, 4},
                            .a = along::any,
                            .b = along::any,
                            .vector = T::vector,
                            .c_vector = 4};
}
template <class T>
constexpr auto strided_tiles() {
  auto p = aligned_tiles<T>();
  p.vector = p.c_vector = 1;
  return p;
}
constexpr gemm_cpu_policy cpu_tiles{.rows = 3, .vectors = 1, .k_block = 24, .n_block = 32, .m_span = 16, .n_span = 32};

/// Values that T holds exactly, within [-1, 1] or within `whole` of 0, and the same as doubles.
template <class T>
struct drawn {
  std::vector<T> values;
  std::vector<double> exact;
  drawn(int size, int whole) : values(static_cast<std::size_t>(size)) {
    for (T& v : values) {
      if constexpr (std::is_same_v<T, int8>)
        v = static_cast<int8>(draw(-whole, whole - 1));
      else
        v = convert<T>(static_cast<accumulator_t<T>>(draw(-1000, 1000) / 1000.0));
      exact.push_back(as_double(v));
    }
  }
};

/// What a number near x may be off where it is stored as T.
template <class T>
double rounding_of(double x) {
  if constexpr (std::is_same_v<T, int8>)
    return 0.5;
  else if constexpr (std::is_same_v<T, fp8_e4m3>)
    return std::fabs(x) * 0x1p-4 + 0x1p-10;
  else
    return std::fabs(x) * unit_roundoff<T>() + (std::is_same_v<T, half> ? 0x1p-25 : 0);
}

/// A matrix as it is, or with its rows where its columns would be.
template <class Fixture, class T>
placed<T> place_as(const Fixture& on, const std::vector<T>& values, int rows, int columns, bool transposed,
                   layout how) {
  if (!transposed) return place(on, values, rows, columns, how);
  std::vector<T> flipped(values.size());
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j) flipped[j * rows + i] = values[i * columns + j];
  auto result = place(on, flipped, columns, rows, how);
  std::swap(result.view.extents[0], result.view.extents[1]);
  std::swap(result.view.strides[0], result.view.strides[1]);
  return result;
}

/// As many matrices as lie below each other in this one.
template <class T>
tensor_view<T, 3> batch_of(const matrix_view<T>& all, int batches) {
  tensor_view<T, 3> v;
  v.pointer = all.pointer;
  v.extents[0] = batches, v.extents[1] = all.extents[0] / batches, v.extents[2] = all.extents[1];
  v.strides[0] = v.extents[1] * all.strides[0], v.strides[1] = all.strides[0], v.strides[2] = all.strides[1];
  return v;
}

struct size_of_gemm {
  int m, n, k, batches;
};

/// One GEMM in an executor's memory, or a batch whose matrices lie one below the other.
template <class T, class Fixture>
struct problem {
  using A = typename T::A;
  using B = typename T::B;
  using C = typename T::C;

  const Fixture& on;
  size_of_gemm size;
  gemm_factors factors;
  std::array<int, 3> kinds;
  drawn<A> a_values{size.batches * size.m * size.k, 128};
  drawn<B> b_values{size.batches * size.k * size.n, 128};
  drawn<C> c_values{size.batches * size.m * size.n, 3};
  placed<A> a;
  placed<B> b;
  placed<C> c;
  place_in_chain<Fixture> places[3] = {place_of(), place_of(), place_of()};

  problem(const Fixture& f, size_of_gemm s, const pairs_row& row, gemm_factors with)
      : on(f), size(s), factors(with), kinds(kinds_of(row.epilogue)) {
    const layout how = row.strided() ? layout::spread : layout::padded;
    a = place_as(on, a_values.values, size.batches * size.m, size.k, row.a_transposed(), how);
    b = place_as(on, b_values.values, size.batches * size.k, size.n, row.b_transposed(), how);
    const bool ignored = factors.beta == 0;  // a beta of 0 does not read C: what is there may be NaN
    c = place(on, ignored ? std::vector<C>(c_values.values.size(), gap<C>()) : c_values.values, size.batches * size.m,
              size.n, how);
  }

  auto epilogue() const {
    return places[0].epilogue(kinds[0]) | places[1].epilogue(kinds[1]) | places[2].epilogue(kinds[2]);
  }

  /// The largest error of all that was written, as a multiple of its bound.
  double error() const {
    const auto got = gather(on, c);
    std::vector<float> outputs[3];
    for (int p = 0; p < 3; ++p) outputs[p] = places[p].written(on, kinds[p]);
    typename place_in_chain<Fixture>::totals totals[3] = {{places[0], kinds[0]},
                                                          {places[1], kinds[1]},
                                                          {places[2], kinds[2]}};
    worst_error worst;
    for (int i = 0; i < size.batches * size.m; ++i)
      for (int j = 0; j < size.n; ++j) {
        traced x = sum(i, j);
        for (int p = 0; p < 3; ++p) {
          x = places[p].expected(kinds[p], x, i, j, T::unit);
          if (!outputs[p].empty()) {
            const traced want = places[p].stored_from(kinds[p], x);
            worst.compare(outputs[p][i * size.n + j], want.value, want.error);
          }
          totals[p].add(x, j);
        }
        double want = x.value * factors.scale_c;
        const double off = x.error * factors.scale_c;
        if (std::is_same_v<C, int8>) want = std::clamp(want, -128.0, 127.0);
        worst.compare(as_double(got[i * size.n + j]), want,
                      off + (1 + 0x1p-20) * rounding_of<C>(std::fabs(want) + off));
      }
    for (const auto& t : totals) t.compare(on, worst);
    return worst.value();
  }

private:
  place_in_chain<Fixture> place_of() const { return {on, size.batches * size.m, size.n}; }

  /// alpha A B + beta C at a row of the batch.
  traced sum(int row, int column) const {
    const double alpha =
        factors.alpha * (factors.scale_a == 0 ? 1 : factors.scale_a) * (factors.scale_b == 0 ? 1 : factors.scale_b);
    const double *from_a = &a_values.exact[row * size.k], *from_b = &b_values.exact[row / size.m * size.k * size.n];
    double product = 0, magnitude = 0;
    for (int q = 0; q < size.k; ++q) {
      const double one = from_a[q] * from_b[q * size.n + column];
      product += one, magnitude += std::fabs(one);
    }
    const double unit = T::unit_of_sums(on.executor.target()), cut = T::cut(on.executor.target());
    const double old = factors.beta == 0 ? 0 : factors.beta * c_values.exact[row * size.n + column];
    return {alpha * product + old, ((size.k + 3) * unit + cut) * magnitude * std::fabs(alpha) +
                                       4 * T::unit * (std::fabs(old) + std::fabs(alpha * product))};
  }
};

template <class Executor>
class gemm_pairs_on : public on_executor<Executor> {
public:
  /// All rows of a type.
  template <class T>
  void check(const char* name) {
    if (const char* why = missing<T>()) GTEST_SKIP() << why;
    int count = 0;
    for (const pairs_row& row : all_pairs(gemm_pairs_text)) {
      if (row.type != name) continue;
      ++count;
      try {
        EXPECT_LE(error_of<T>(row), 1) << row.text();
      } catch (const std::exception& failure) {
        ADD_FAILURE() << row.text() << ": " << failure.what();
      }
    }
    EXPECT_GT(count, 0) << "no row has " << name;
  }

private:
  template <class T>
  using problem_of = problem<T, on_executor<Executor>>;
  template <class T>
  using members_of = std::vector<std::unique_ptr<problem_of<T>>>;

  template <class T>
  const char* missing() const {
    if constexpr (T::tensor_cores && !Executor::uses_cpu_kernels)
      if (!has_features(this->executor.target(), atoms::mma_shape<typename T::A, typename T::B>::needs))
        return "the tensor cores of a later arch are needed";
    return nullptr;
  }

  /// Two tiles or four, the last ones with an odd part; three steps and a part. Extents that are contiguous are
  /// multiples of what one copy takes.
  template <class T>
  static size_of_gemm size_of(const pairs_row& row) {
    const int batches = row.schedule == "batched" ? 2 : 1, k = 3 * T::k_step;
    if (row.strided()) return {19, 37, k + 3, batches};
    const bool a = row.a_transposed(), b = row.b_transposed(), has_packs_along_k = !a || b;
    return {a ? 48 : b ? 35 : 19, b ? 28 : 48, k + (has_packs_along_k ? T::vector : 1), batches};
  }

  template <class T>
  static gemm_factors factors_of(const pairs_row& row) {
    gemm_factors f;
    if (row.factors == "alpha" || row.factors == "both") f.alpha = -0.75;
    if (row.factors == "beta") f.beta = 1;
    if (row.factors == "both") f.beta = -1.5;
    if (is_fp8<typename T::A>) f.scale_a = 0.3, f.scale_b = 2;
    if (std::is_same_v<typename T::A, int8>) f.scale_a = 0.006, f.scale_b = 0.004;
    if (sizeof(typename T::C) == 1) f.scale_c = is_fp8<typename T::C> ? 4 : 40;  // s8: some are beyond 127
    return f;
  }

  template <class T>
  double error_of(const pairs_row& row) {
    const size_of_gemm size = size_of<T>(row);
    const gemm_factors f = factors_of<T>(row);
    members_of<T> members;
    const auto add = [&](size_of_gemm s, double by) {
      gemm_factors own = f;
      own.alpha *= by;
      members.push_back(std::make_unique<problem_of<T>>(*this, s, row, own));
    };
    add(size, 1);
    if (row.schedule == "grouped") {
      add({size.m - 16, size.n, size.k - T::k_step, 1}, 0.5);
      add({size.m, size.n - 16, size.k - 2 * T::k_step, 1}, -1);
    }
    if constexpr (Executor::uses_cpu_kernels)
      run<cpu_tiles, T>(row, members);
    else if (row.strided())
      run<strided_tiles<T>(), T>(row, members);
    else
      run<aligned_tiles<T>(), T>(row, members);
    double worst = 0;
    for (const auto& one : members) worst = std::max(worst, one->error());
    return worst;
  }

  /// Either layout's kernel for groups is compiled for a type, not both.
  template <auto P, class T>
  static constexpr bool is_for_groups() {
    if constexpr (Executor::uses_cpu_kernels)
      return true;
    else
      return (P.vector == 1) == T::strided_groups;
  }

  template <auto P, class T>
  void run(const pairs_row& row, const members_of<T>& members) const {
    const auto& one = *members[0];
    if (row.schedule == "grouped") {
      if constexpr (is_for_groups<P, T>())
        run_group<P>(members);
      else
        throw std::logic_error("a group of this type and layout has no kernel");
    } else if (row.schedule == "batched") {
      gemm_batched<P>(this->executor, batch_of(one.a.read(), 2), batch_of(one.b.read(), 2), batch_of(one.c.view, 2),
                      one.epilogue(), one.factors);
    } else {
      run_one<P>(row, one);
    }
  }

  template <auto P, class T, class Fixture>
  void run_group(const std::vector<std::unique_ptr<problem<T, Fixture>>>& members) const {
    using epilogue_type = decltype(members[0]->epilogue());
    std::vector<gemm_member<typename T::A, typename T::B, typename T::C, epilogue_type>> group;
    for (const auto& m : members) group.push_back({m->a.read(), m->b.read(), m->c.view, m->epilogue(), m->factors});
    gemm_grouped<P>(this->executor, std::span<const std::remove_reference_t<decltype(group[0])>>(group));
  }

  /// The policy leaves the number of blocks to the problem, which is too small for more than one a tile. Other
  /// schedules are asked of the launch itself: they need no kernel of their own then. The CPU has one schedule.
  template <auto P, class Problem>
  void run_one(const pairs_row& row, const Problem& one) const {
    const auto a = one.a.read();
    const auto b = one.b.read();
    const auto e = one.epilogue();
    if constexpr (!Executor::uses_cpu_kernels) {
      const gemm_problem shape = ops::describe_gemm(a, b, one.c.view, this->executor.target());
      gemm_work work = ops::shared_out<typename Problem::A>(P, shape);
      EXPECT_EQ(work.parts, 1);
      if (row.schedule != "one_block") {
        work.parts = row.schedule == "split_k" ? 3 : 0;
        work.blocks = row.schedule == "split_k" ? 3 * work.tiles : work.tiles + 1;
        EXPECT_EQ(misfit(P, shape), nullptr);
        operands all{reads("A", a), reads("B", b), writes("C", one.c.view)};
        e.describe(all);
        return ops::launch_gemm<P>(this->executor, "gemm", work, ops::gemm_params_of(a, b, one.c.view, e, one.factors),
                                   all, {});
      }
    }
    gemm<P>(this->executor, a, b, one.c.view, e, one.factors);
  }
};
TYPED_TEST_SUITE(gemm_pairs_on, executors);

TYPED_TEST(gemm_pairs_on, f64) { this->template check<types<double, double, double, true>>("f64"); }
TYPED_TEST(gemm_pairs_on, f32) { this->template check<types<float, float, float, false>>("f32"); }
TYPED_TEST(gemm_pairs_on, tf32) { this->template check<types<tf32, tf32, float, true>>("tf32"); }
TYPED_TEST(gemm_pairs_on, f16) { this->template check<types<half, half, half, true>>("f16"); }
TYPED_TEST(gemm_pairs_on, bf16) { this->template check<types<bf16, bf16, bf16, false>>("bf16"); }
TYPED_TEST(gemm_pairs_on, fp8_e4m3) { this->template check<types<fp8_e4m3, fp8_e4m3, bf16, false>>("fp8_e4m3"); }
TYPED_TEST(gemm_pairs_on, fp8_e5m2) { this->template check<types<fp8_e5m2, fp8_e5m2, fp8_e4m3, false>>("fp8_e5m2"); }
TYPED_TEST(gemm_pairs_on, fp8_mixed) { this->template check<types<fp8_e4m3, fp8_e5m2, half, true>>("fp8_mixed"); }
TYPED_TEST(gemm_pairs_on, s8_to_f32) { this->template check<types<int8, int8, float, false>>("s8_to_f32"); }
TYPED_TEST(gemm_pairs_on, s8) { this->template check<types<int8, int8, int8, true>>("s8"); }

#ifndef __CUDACC__
// That no pair is missing is for tests/covering.sh to say (gemm_pairs_covering).
TEST(gemm_pairs, are_in_the_table_once) {
  std::set<std::array<std::string, 5>> once;
  bool chain_of_three = false;
  for (const pairs_row& row : all_pairs(gemm_pairs_text)) {
    EXPECT_TRUE(once.insert(row.columns()).second) << row.text() << " stands there twice";
    chain_of_three = chain_of_three || std::count(row.epilogue.begin(), row.epilogue.end(), '|') == 2;
  }
  EXPECT_TRUE(chain_of_three);
}

TEST(gemm_pairs, have_all_epilogues) {
  const auto& column = description_of_pairs().columns.at(2);
  for (const std::string& name : epilogue_names())
    EXPECT_NE(std::find(column.begin(), column.end(), name), column.end()) << name << " is no value of the table";
  for (const std::string& chain : column) EXPECT_NO_THROW(kinds_of(chain)) << chain;
}

TEST(gemm_pairs, a_broken_line_is_refused) {
  EXPECT_NO_THROW(row_of_line("f32 NN bias|store_f32|relu one grouped"));
  for (const char* const line :
       {"f31 NN none one grouped", "f32 NM none one grouped", "f32 NN nothing one grouped", "f32 NN none two grouped",
        "f32 NN none one twice", "f32 NN none one", "f32 NN none one grouped more",
        "f32 NN none|none|none|none one grouped", "f32 strided none one grouped", "s8 NN none one grouped",
        "f64 NN round_by_chance one one_block"})
    EXPECT_THROW(row_of_line(line), std::runtime_error) << line;
}
#endif

}  // namespace
