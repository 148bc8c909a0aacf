// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMMs whose tiles several blocks share along k: how the work is cut, the results of every cut and their bits, and
// what the virtual GPU says where the blocks' handover of their sums has a fault.
#include "tests/gemm_reference.hpp"
#include "tests/layouts.hpp"
#ifndef __CUDACC__
#include "tests/planted.hpp"
#endif

#include <tilery/gemm.hpp>
#include <tilery/validate.hpp>

#include <set>

namespace {

using namespace tilery;
using namespace tilery_tests;

#ifndef __CUDACC__
TEST(work_share, gives_each_step_to_one_block_in_order) {
  for (const int tiles : {1, 2, 3, 7})
    for (const int steps : {1, 2, 5, 16})
      for (int blocks = 1; blocks <= tiles * steps; ++blocks) {
        const bool split = blocks % tiles == 0 && blocks % 2 == 0;
        const auto share =
            split ? tile::work_share::split_k(steps, blocks / tiles) : tile::work_share::stream_k(steps, tiles, blocks);
        int at = 0;
        std::set<int> pieces;
        for (int b = 0; b < blocks; ++b)
          for (auto part = share.first(b); part.tile >= 0; part = share.next(part)) {
            ASSERT_EQ(part.tile * steps + part.begin, at);
            ASSERT_GT(part.end, part.begin);
            ASSERT_LE(part.end, steps);
            at += part.end - part.begin;
            const auto with = share.contributors(part.tile);
            ASSERT_TRUE(with.first <= b && b < with.first + with.count);
            ASSERT_EQ(share.whole(part), with.count == 1);
            ASSERT_TRUE(!split || part.left == 0) << "a part of one tile";
            ASSERT_TRUE(pieces.insert(part.contributor + part.tile).second) << "two parts have one place";
            ASSERT_LT(part.contributor + part.tile, blocks + tiles);
          }
        ASSERT_EQ(at, tiles * steps);
      }
  EXPECT_EQ(tile::work_share{}.first(5).tile, 5);
  EXPECT_EQ(tile::work_share{}.next(tile::work_share{}.first(5)).tile, -1);
}

TEST(gemm_work, shares_tiles_where_they_are_few_and_k_is_long) {
  constexpr gemm_simt_policy p = {.block = {64, 64, 16}, .lane = {8, 4}};
  const auto blocks = [&](int m, int n, int k, int k_parts = 0) {
    gemm_simt_policy with = p;
    with.k_parts = k_parts;
    gemm_problem problem;
    problem.m = m, problem.n = n, problem.k = k, problem.target = arch::sm_90;
    return work_of(with, problem, 4, 4).blocks;
  };
  EXPECT_EQ(blocks(1024, 1024, 4096), 256) << "tiles enough";
  EXPECT_EQ(blocks(64, 4096, 256), 64) << "k too short";
  EXPECT_EQ(blocks(64, 4096, 512), 128);
  EXPECT_EQ(blocks(64, 4096, 4096), 4 * 64);
  EXPECT_EQ(blocks(64, 4096, 4096, 1), 64);
  EXPECT_EQ(blocks(64, 4096, 4096, 3), 192);
  EXPECT_EQ(blocks(64, 64, 32, 9), 2) << "no more parts than steps";
  EXPECT_EQ(blocks(0, 64, 4096), 0) << "no tiles, no blocks";
  EXPECT_EQ(blocks(64, 64, 0, 9), 1) << "an empty sum has no steps";
  EXPECT_EQ(blocks(4096, 4096, 4096, stream_k) % peaks(arch::sm_90).multiprocessors, 0);
  EXPECT_EQ(blocks(64, 64, 64, stream_k), 4) << "no more blocks than steps";
  EXPECT_EQ(blocks(1 << 22, 1 << 14, 2048, stream_k), (1 << 16) * 256) << "steps beyond 32 bits are not shared";
  EXPECT_STREQ(broken_rule(gemm_simt_policy{.k_parts = -2}, 4),
               "gemm_simt_policy.k_parts must be stream_k, 0 (chosen for each problem), or a number of blocks");
  EXPECT_STREQ(broken_rule(gemm_mma_sync_policy{.k_parts = -2}, 2),
               "gemm_mma_sync_policy.k_parts must be stream_k, 0 (chosen for each problem), or a number of blocks");
}
#endif

constexpr gemm_simt_policy small_simt{.block = {32, 64, 8}, .lane = {4, 4}, .vector = 1, .c_vector = 1};
constexpr gemm_mma_sync_policy small_mma_of(int k) {
  return {.block = {32, 32, k},
          .warp = {32, 16},
          .stages = 2,
          .a = along::any,
          .b = along::any,
          .vector = 1,
          .c_vector = 1};
}
constexpr gemm_mma_sync_policy small_mma = small_mma_of(32), small_f64 = small_mma_of(8), small_s8 = small_mma_of(64);

template <class Policy>
constexpr Policy with_parts(Policy p, int k_parts) {
  p.k_parts = k_parts;
  return p;
}

/// C = relu(alpha A B + beta C + bias), and what it must be.
template <class T, class R>
struct drawn_problem {
  int m, n, k;
  gemm_factors f = {.alpha = 0.5, .beta = -1};
  std::vector<T> a = drawn<T>(m * k), b = drawn<T>(k * n);
  std::vector<R> c = drawn<R>(m * n);
  std::vector<float> bias = drawn<float>(n);

  double error_of(const std::vector<R>& got) const {
    worst_error worst;
    const double unit = std::is_same_v<T, double> ? 0x1p-50 : 0x1p-22;
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j) {
        const exact_product exact(a, b, n, k, i, j);
        const double old = f.beta * as_double(c[i * n + j]), sum = f.alpha * exact.sum + old + bias[j];
        const double want = sum > 0 ? sum : 0;
        worst.compare(as_double(got[i * n + j]), want,
                      (k + 2) * unit * exact.magnitude * std::fabs(f.alpha) + 4 * unit * (std::fabs(old) + 10) +
                          (sizeof(R) == 2 ? unit_roundoff<R>() * want + 0x1p-25 : 0));
      }
    return worst.value();
  }

private:
  template <class E>
  static std::vector<E> drawn(int size) {
    std::vector<E> values(static_cast<std::size_t>(size));
    for (E& v : values) {
      if constexpr (std::is_same_v<E, int8>)
        v = static_cast<int8>(draw(-9, 9));
      else
        v = convert<E>(static_cast<accumulator_t<E>>(draw(-1000, 1000) / 1000.0));
    }
    return values;
  }
};

template <class Executor>
class gemm_work_on : public on_executor<Executor> {
public:
  /// Through policy P, on so many blocks, or on as many as it finds (0).
  template <auto P, class T, class R>
  std::vector<R> run(const drawn_problem<T, R>& d, int blocks) {
    return run<P>(this->executor, d, blocks);
  }
  template <auto P, class T, class R>
  std::vector<R> run(const Executor& executor, const drawn_problem<T, R>& d, int blocks) {
    const auto a = place(*this, d.a, d.m, d.k, layout::padded), b = place(*this, d.b, d.k, d.n, layout::column_major);
    const auto c = this->put(d.c);
    const auto bias = this->put(d.bias);
    const auto e = epilogue::bias(bias) | epilogue::relu();
    const auto c_view = matrix(c.data_handle(), d.m, d.n);
    if (blocks == 0) {
      gemm<P>(executor, a.read(), b.read(), c_view, e, d.f);
    } else {
      operands all{reads("A", a.read()), reads("B", b.read()), writes("C", c_view)};
      e.describe(all);
      const gemm_work work{std::int64_t{pieces(d.m, P.block.m)} * pieces(d.n, P.block.n), blocks,
                           pieces(d.k, P.block.k), 0};
      ops::launch_gemm<P>(executor, "gemm", work, ops::gemm_params_of(a.read(), b.read(), c_view, e, d.f), all, {});
    }
    return this->get(c);
  }

  /// The result of a cut is right, and the same when it is asked for again; on the virtual GPU, too, when blocks come
  /// in another order, so that another one adds up what they share.
  template <auto P, class T, class R>
  void check(const drawn_problem<T, R>& d, int blocks) {
    if (!is_at_least(this->executor.target(), P.lowest)) GTEST_SKIP() << "needs a later arch";
    const auto got = run<P>(d, blocks);
    EXPECT_LE(d.error_of(got), 1) << d.m << " x " << d.n << " x " << d.k << " " << element<T>::name << ", " << blocks
                                  << " blocks; " << describe(P);
    for (int turn = 1; turn < 4; ++turn) {
#ifdef __CUDACC__
      const auto again = run<P>(d, blocks);
#else
      const virtual_gpu executor(this->executor.target(), {.seed = static_cast<std::uint64_t>(turn)});
      const auto again = run<P>(executor, d, blocks);
#endif
      EXPECT_EQ(std::memcmp(got.data(), again.data(), got.size() * sizeof(R)), 0) << blocks << " blocks: other bits";
    }
  }
};
TYPED_TEST_SUITE(gemm_work_on, gpus);

// 35 x 70 in tiles of 32 x 64 or 32 x 32, edges included; k is 9 steps and a bit of a tenth.
TYPED_TEST(gemm_work_on, is_right_however_simt_tiles_are_cut) {
  const drawn_problem<float, float> d{35, 70, 9 * 8 + 3};
  for (const int blocks : {1, 3, 5, 8, 13, 27, 40}) this->template check<small_simt>(d, blocks);
}
TYPED_TEST(gemm_work_on, is_right_however_tensor_core_tiles_are_cut) {
  const drawn_problem<bf16, bf16> halves{35, 70, 5 * 32 + 3};
  for (const int blocks : {1, 4, 7, 12, 23, 36}) this->template check<small_mma>(halves, blocks);
  const drawn_problem<double, double> doubles{35, 70, 5 * 8 + 3};
  for (const int blocks : {5, 12}) this->template check<small_f64>(doubles, blocks);
}
TYPED_TEST(gemm_work_on, is_exact_for_integers) {
  drawn_problem<int8, float> d{33, 40, 6 * 64 + 1};
  for (const int blocks : {3, 7, 28}) {
    this->template check<small_s8>(d, blocks);
    EXPECT_EQ((this->template run<small_s8>(d, blocks)), (this->template run<small_s8>(d, 4))) << blocks;
  }
}
// Whoever shares k, too: there is none of it then.
TYPED_TEST(gemm_work_on, shares_no_product_where_alpha_is_0) {
  const auto check = [&]<auto P, class T>() {
    if (!is_at_least(this->executor.target(), P.lowest)) return;
    drawn_problem<T, T> d{20, 40, 170, {.alpha = 0, .beta = -1}};
    for (T& x : d.a) x = convert<T>(accumulator_t<T>(NAN));
    for (T& x : d.b) x = convert<T>(accumulator_t<T>(INFINITY));
    const auto got = this->template run<P>(d, 0);
    worst_error worst;
    for (int i = 0; i < 20; ++i)
      for (int j = 0; j < 40; ++j) {
        const double want = std::max(0.0, d.bias[j] - as_double(d.c[i * 40 + j]));
        worst.compare(as_double(got[i * 40 + j]), want, 2 * unit_roundoff<T>() * (want + 1e-30));
      }
    EXPECT_LE(worst.value(), 1) << describe(P);
  };
  check.template operator()<with_parts(small_simt, 4), float>();
  check.template operator()<with_parts(small_simt, stream_k), float>();
  check.template operator()<with_parts(small_mma, 4), bf16>();
  check.template operator()<with_parts(small_mma, stream_k), bf16>();
}

TYPED_TEST(gemm_work_on, follows_the_policy) {
  const drawn_problem<float, float> d{20, 40, 70};
  this->template check<with_parts(small_simt, 1)>(d, 0);
  this->template check<with_parts(small_simt, 4)>(d, 0);
  this->template check<with_parts(small_simt, 100)>(d, 0);
  this->template check<with_parts(small_simt, stream_k)>(d, 0);
  const drawn_problem<bf16, bf16> h{20, 40, 70};
  this->template check<with_parts(small_mma, 3)>(h, 0);
  this->template check<with_parts(small_mma, stream_k)>(h, 0);
}

#ifndef __CUDACC__
// By the H100's 132 multiprocessors of 228 KB, 3352 GB/s and 2048 products a clock at 1.83 GHz: 64 blocks of 3 132;
// 2 512^3 operations for 3 512^2 2 bytes, which take 0.469 us.
TEST(gemm_explained, says_what_a_policy_costs) {
  std::vector<bf16> x(512 * 512);
  const auto m = matrix(x.data(), 512, 512);
  const virtual_gpu gpu(arch::sm_90);
  const auto says = [&](const sentence& text, const std::string& part) {
    EXPECT_NE(std::string(text.c_str()).find(part), std::string::npos) << text.c_str();
  };
  constexpr auto small = gemm_mma_sync_table<bf16>::candidates[gemm_mma_sync_table<bf16>::small];
  for (const sentence& text : {explain_gemm(gpu, m, m, m), explain_gemm<small>(gpu, m, m, m)})
    says(
        text,
        "64 blocks, one for each tile; a block has 128 threads and 65536 bytes of shared memory; 3 fit an "
        "SM: 0.162 waves on the H100 SXM; 170.667 operations a byte of A, B and C: bound by memory, at least 0.469 us");
  says(explain_gemm(gpu, m, m, m),
       "; tiles from the table's row for sm_90, measured on an H200 (driver 580.159, 2026-11-22); 64 blocks");
  says(explain_gemm(virtual_gpu(arch::sm_86), m, m, m),
       "; tiles from the table's row for sm_80, not measured: taken from sm_90's row; ");
  // 2 4096^3 operations at 2 132 128 products a clock and 1.98 GHz
  std::vector<float> y(1);
  const auto f = matrix(y.data(), 4096, 4096);
  says(explain_gemm<small_simt>(gpu, f, f, f), "bound by arithmetic, at least 2054.1");
  const auto odd = matrix(x.data() + 1, 511, 511);
  says(explain_gemm<small>(gpu, odd, odd, odd),
       "gemm 511 x 511 x 511 cannot run on gemm_mma_sync with blocks of 64 x 64");
}
#endif

// The default call: few tiles and a long k.
TYPED_TEST(gemm_work_on, is_shared_by_the_selector) {
  const int m = 24, n = 64, k = 2048;
  const auto a = this->put(draw_values<float>(m * k)), b = this->put(draw_values<float>(k * n));
  const auto c = this->put(std::vector<float>(m * n));
  const auto A = matrix(static_cast<const float*>(a.data_handle()), m, k);
  const auto B = matrix(static_cast<const float*>(b.data_handle()), k, n);
  EXPECT_NE(std::string(explain_gemm(this->executor, A, B, matrix(c.data_handle(), m, n)).c_str())
                .find("blocks share its 1 tile along k"),
            std::string::npos)
      << explain_gemm(this->executor, A, B, matrix(c.data_handle(), m, n)).c_str();
  EXPECT_FALSE(validate(this->executor, [&](const auto& x) { gemm(x, A, B, matrix(c.data_handle(), m, n)); }));
  gemm(this->executor, A, B, matrix(c.data_handle(), m, n));
  const auto a_values = this->get(a), b_values = this->get(b), got = this->get(c);
  worst_error worst;
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) {
      const exact_product exact(a_values, b_values, n, k, i, j);
      worst.compare(got[i * n + j], exact.sum, (k + 2) * 0x1p-24 * exact.magnitude);
    }
  EXPECT_LE(worst.value(), 1);
}

#ifndef __CUDACC__
// --- the handover of sums between blocks, with one planted fault each

enum class planted_handover {
  nothing,
  relaxed,            // the count orders nothing
  only_release,       // the last block does not see what the others released
  block_scope,        // the count orders the block's own lanes alone
  no_barrier_before,  // the first lane speaks for lanes that have not stored yet
  no_barrier_behind,  // a lane reads the note before it is written
  note_reused,        // the note's memory is used again while others read it
};

template <planted_handover Fault>
struct handover {
  static constexpr const char* name = "handover";
  static constexpr int threads = 64, blocks = 4;
  static constexpr bool allows_one_lane = false;
  struct shared {
    shared_array<int, 64> note;
  };
  struct params {
    gmem_ptr<float> parts, out;
    gmem_ptr<int> arrived;
  };

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared& smem) {
    constexpr auto how = Fault == planted_handover::relaxed        ? order::relaxed
                         : Fault == planted_handover::only_release ? order::release
                                                                   : order::acquire_release;
    constexpr auto whom = Fault == planted_handover::block_scope ? scope::block : scope::device;
    lane.store(p.parts + (lane.block().x * threads + lane.rank()), 1.0f + lane.block().x);
    if (Fault != planted_handover::no_barrier_before) lane.sync_block();
    if (lane.rank() == 0) lane.store(smem.note.at(0), lane.atomic_add(p.arrived, 1, how, whom));
    if (Fault != planted_handover::no_barrier_behind) lane.sync_block();
    const int before = lane.load(smem.note.at(0));
    if (Fault != planted_handover::note_reused) lane.sync_block();
    if (before + 1 == blocks) {
      float sum = 0;
      for (int b = 0; b < blocks; ++b) sum += lane.load(p.parts + (b * threads + lane.rank()));
      lane.store(p.out + lane.rank(), sum);
    }
    lane.store(smem.note.at(lane.rank()), 0);
  }
};

template <planted_handover Fault>
launch_report report_of_handover(std::uint64_t seed) {
  std::vector<float> parts(256), out(64);
  std::vector<int> arrived(1);
  launch_report report;
  launch<handover<Fault>>(virtual_gpu(arch::sm_90, {.report = &report, .seed = seed}), {handover<Fault>::blocks},
                          typename handover<Fault>::params{gmem_ptr<float>(parts.data()), gmem_ptr<float>(out.data()),
                                                           gmem_ptr<int>(arrived.data())},
                          {writes("parts", vector(parts.data(), 256)), writes("out", vector(out.data(), 64)),
                           writes("arrived", vector(arrived.data(), 1))});
  if (report.faults.empty()) {
    EXPECT_EQ(out, std::vector<float>(64, 10.0f));
  }
  return report;
}

template <planted_handover Fault>
void expect_race(const std::string& memory, std::initializer_list<fault_kind> kinds) {
  for (const std::uint64_t seed : {0, 1, 2, 3, 4}) {
    const launch_report report = report_of_handover<Fault>(seed);
    EXPECT_FALSE(report.faults.empty()) << "seed " << seed;
    for (const fault& f : report.faults) {
      EXPECT_NE(std::find(kinds.begin(), kinds.end(), f.kind), kinds.end()) << f.text();
      EXPECT_NE(f.text().find(memory), std::string::npos) << f.text();
    }
  }
}

TEST(gemm_meeting, is_clean_without_a_fault) {
  for (const std::uint64_t seed : {0, 1, 2, 3, 4})
    EXPECT_EQ(text_of(report_of_handover<planted_handover::nothing>(seed)), "");
}
TEST(gemm_meeting, needs_an_ordered_count) {
  expect_race<planted_handover::relaxed>("parts", {fault_kind::race});
  expect_race<planted_handover::only_release>("parts", {fault_kind::race});
  expect_race<planted_handover::block_scope>("", {fault_kind::race});
}
TEST(gemm_meeting, needs_its_barriers) {
  expect_race<planted_handover::no_barrier_before>("parts", {fault_kind::race});
  expect_race<planted_handover::no_barrier_behind>("shared memory", {fault_kind::race, fault_kind::uninitialised});
  expect_race<planted_handover::note_reused>("shared memory", {fault_kind::race});
}
#endif

}  // namespace
