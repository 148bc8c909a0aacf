// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sums of products with the bits of an arch's tensor cores: cases worked out by hand, for the model itself, for the
// virtual GPU in its exact mode, and for a GPU.
//
// A sum is formed so. Every product and the addend have an exponent: a product the sum of its operands' (1.5 * 1.5 has
// 0), a denormal operand that of the smallest normal number. Let e be the largest. Of each term what lies below
// 2^(e - 24) is cut off, toward zero; from sm_90 on below 2^(e - 25). The rest is added without error, and the sum is
// cut to the 24 bits of a float, toward zero. Up to sm_89 the first half of k is summed so, then the second half with
// that float as its addend; from sm_90 on all at once.
#include "tests/draw.hpp"
#include "tests/executors.hpp"

#include <tilery/atoms/mma_sync.hpp>

#include <cmath>
#include <limits>
#include <string>

namespace {

using namespace tilery;
using namespace tilery_tests;

struct term {
  int k;
  double a, b;
};

/// c + the terms, up to sm_89 and from sm_90 on.
struct worked_out {
  const char* name;
  float c;
  std::vector<term> terms;
  float older, newer;
};

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float most = std::numeric_limits<float>::max();  // 2^128 - 2^104
const float nan = reinterpret<float>(0x7fffffffu);         // the only one that tensor cores give

constexpr double two_to(int n) {
  double x = 1;
  for (; n > 0; --n) x *= 2;
  for (; n < 0; ++n) x /= 2;
  return x;
}

// half: k = 16, normal from 2^-14 on. Terms 0 to 7 are the first half, 8 to 15 the second.
const std::vector<worked_out> of_half = {
    // e = 0: 1 - 1 cancels, and what is left of the small product shows. Kept down to 2^-24, or 2^-25.
    {"the last bit of sm_80", -1, {{0, 1, 1}, {1, two_to(-12), two_to(-12)}}, 0x1p-24f, 0x1p-24f},
    {"the last bit of sm_90", -1, {{0, 1, 1}, {1, two_to(-12), two_to(-13)}}, 0, 0x1p-25f},
    {"a bit below it", -1, {{0, 1, 1}, {1, two_to(-13), two_to(-13)}}, 0, 0},
    // -1.5 * 2^-24 = -(2^-24 + 2^-25): the lower bit goes, and the rest comes nearer to zero. Down would be -2^-23.
    {"a negative product is cut toward zero",
     -1,
     {{0, 1, 1}, {1, -1.5 * two_to(-12), two_to(-12)}},
     -0x1p-24f,
     -0x1.8p-24f},
    // -1.5 * 2^-25 = -(2^-25 + 2^-26): nothing is left up to sm_89, then -2^-25.
    {"a negative product vanishes", -1, {{0, 1, 1}, {1, -1.5 * two_to(-12), two_to(-13)}}, 0, -0x1p-25f},
    // Terms are cut one by one: 2^-25 + 2^-25 would be 2^-24.
    {"each term is cut by itself",
     -1,
     {{0, 1, 1}, {1, two_to(-12), two_to(-13)}, {2, two_to(-13), two_to(-12)}},
     0,
     0x1p-24f},
    // 1.5 * 1.5 = 2.25 has the exponent 0: e = 0 and 2^-24 is kept. As 1.125 * 2^1 it would have made e = 1.
    {"a product is not normalised",
     0,
     {{0, 1.5, 1.5}, {1, -1.5, 1.5}, {2, two_to(-12), two_to(-12)}},
     0x1p-24f,
     0x1p-24f},
    // The addend is: -2.25 = -1.125 * 2^1, e = 1, kept down to 2^-23, or 2^-24.
    {"the addend is normalised", -2.25, {{0, 1.5, 1.5}, {1, two_to(-12), two_to(-12)}}, 0, 0x1p-24f},
    // The addend is cut as the products are. 1 + 2^-23 beside 2, e = 1: kept down to 2^-23. Beside 4, e = 2: 2^-22, or
    // 2^-23.
    {"the addend is cut", 0x1.000002p0f, {{0, 1, 2}, {1, -1, 2}, {2, -1, 1}}, 0x1p-23f, 0x1p-23f},
    {"the addend is cut more", 0x1.000002p0f, {{0, 1, 4}, {1, -1, 4}, {2, -1, 1}}, 0, 0x1p-23f},

    // Two halves. Older: 1 + 2^-24 is cut to the float 1; 1 - 1 = 0. Newer: 1 - 1 + 2^-24 at once.
    {"what the first half's float loses", 0, {{0, 1, 1}, {1, two_to(-12), two_to(-12)}, {8, -1, 1}}, 0, 0x1p-24f},
    // Older: 1 - 1 = 0, then 0 + 2^-28 with e = -28. Newer: e = 0, and 2^-28 is below 2^-25.
    {"what one sum loses", 0, {{0, 1, 1}, {1, -1, 1}, {8, two_to(-14), two_to(-14)}}, 0x1p-28f, 0},
    // The same two terms in one half are lost on both.
    {"the same in one half", 0, {{8, 1, 1}, {9, -1, 1}, {15, two_to(-14), two_to(-14)}}, 0, 0},
    // Older: 2^-28 first, a float; it is then an addend at e = 0 and cut.
    {"a small first half is cut in the second", 0, {{0, two_to(-14), two_to(-14)}, {8, 1, 1}, {9, -1, 1}}, 0, 0},

    // Cancellation: 2^30 - 2^30, e = 30, cut below 2^6 = 64, or 2^5 = 32.
    {"64 beside 2^30", 0x1p30f, {{0, -two_to(15), two_to(15)}, {1, 8, 8}}, 64, 64},
    {"32 beside 2^30", 0x1p30f, {{0, -two_to(15), two_to(15)}, {1, 8, 4}}, 0, 32},
    {"96 beside 2^30", 0x1p30f, {{0, -two_to(15), two_to(15)}, {1, 8, 12}}, 64, 96},
    {"1 beside 2^30", 0x1p30f, {{0, -two_to(15), two_to(15)}, {1, 1, 1}}, 0, 0},

    // To a float, toward zero. 1 + 1.5 * 2^-24 is 1 and three quarters of a last bit (2^-23): nearest would be up.
    {"the sum is cut", 1, {{0, 1.5 * two_to(-12), two_to(-12)}}, 1, 1},
    {"a negative sum is cut toward zero", -1, {{0, -1.5 * two_to(-12), two_to(-12)}}, -1, -1},
    // 2 + 3 * 2^-23, the last bit being 2^-22: one and a half of them.
    {"the sum has one bit more", 1, {{0, 1, 1}, {1, 3 * two_to(-12), two_to(-11)}}, 0x1.000002p1f, 0x1.000002p1f},
    // 16 (1 + 2^-10)^2 = 16 (1 + 2^-9 + 2^-20); exact in 24 bits.
    {"a sum that is exact",
     0,
     {{0, 1 + two_to(-10), 1 + two_to(-10)},
      {1, 1 + two_to(-10), 1 + two_to(-10)},
      {8, 1 + two_to(-10), 1 + two_to(-10)},
      {15, 1 + two_to(-10), 1 + two_to(-10)}},
     static_cast<float>(4 * (1 + two_to(-9) + two_to(-20))),
     static_cast<float>(4 * (1 + two_to(-9) + two_to(-20)))},
    // 1 - 1.5 * 2^-24. Older: the product is cut to 2^-24; 1 - 2^-24 is a float. Newer: 1 - 2^-24 - 2^-25, cut to
    // 1 - 2^-23 + ... = 1 - 2^-24 - 2^-24: below 1 a float's last bit is 2^-24, and toward zero is down.
    {"below one", 1, {{0, -1.5 * two_to(-12), two_to(-12)}}, 0x1.fffffep-1f, 0x1.fffffcp-1f},

    // Denormal operands have the exponent -14. 2^-24 - 2^-24 with e = -14: kept down to 2^-38, or 2^-39. Were 2^-24
    // normalised, e = -24, both would be kept.
    {"a denormal operand's exponent",
     0,
     {{0, two_to(-24), 1}, {1, -two_to(-24), 1}, {2, two_to(-24), two_to(-14)}},
     0x1p-38f,
     0x1p-38f},
    {"a denormal operand's exponent, cut",
     0,
     {{0, two_to(-24), 1}, {1, -two_to(-24), 1}, {2, two_to(-24), two_to(-15)}},
     0,
     0x1p-39f},
    {"the smallest product", 0, {{0, two_to(-24), two_to(-24)}}, 0x1p-48f, 0x1p-48f},

    {"infinity", 1, {{0, infinity, 2}}, infinity, infinity},
    {"infinity of the addend", infinity, {{0, 1, 1}, {1, 0, 1}}, infinity, infinity},
    {"infinity times a negative number", 1, {{9, infinity, -2}}, -infinity, -infinity},
    {"infinities of both signs", 0, {{0, infinity, 1}, {1, infinity, -1}}, nan, nan},
    {"infinities of both signs, in two halves", 0, {{0, infinity, 1}, {8, infinity, -1}}, nan, nan},
    {"infinity and the addend's", -infinity, {{0, infinity, 1}}, nan, nan},
    {"infinity times zero", 0, {{0, infinity, 0}}, nan, nan},
    {"not a number", 0, {{0, std::nan(""), 1}}, nan, nan},
    {"not a number, times zero", 0, {{12, std::nan(""), 0}}, nan, nan},
    {"an addend that is not a number", reinterpret<float>(0xffc12345u), {{0, 1, 1}}, nan, nan},
    // 2^128 - 2^104 + 2^15 * 2^15: less than the last bit, 2^104
    {"the largest float and a little", most, {{0, two_to(15), two_to(15)}}, most, most},

    // Zero has no sign: also of an addend of -0 alone.
    {"minus zero", -0.0f, {{0, -0.0, 1}, {8, 0, -1}}, 0.0f, 0.0f},
    {"a sum that cancels", -1, {{0, 1, 1}}, 0.0f, 0.0f},
    {"a negative sum that cancels", 1, {{0, -1, 1}}, 0.0f, 0.0f},
};

// bf16: k = 16, the exponents of a float.
const std::vector<worked_out> of_bf16 = {
    {"a denormal result", 0, {{0, two_to(-70), two_to(-70)}}, 0x1p-140f, 0x1p-140f},
    {"the smallest result", 0, {{0, two_to(-75), two_to(-74)}}, 0x1p-149f, 0x1p-149f},
    // 1.5 * 2^-149, and -1.5 * 2^-149, of which a float has no half
    {"a denormal result is cut", 0, {{0, 1.5 * two_to(-75), two_to(-74)}}, 0x1p-149f, 0x1p-149f},
    {"a negative one, too", 0, {{0, -1.5 * two_to(-75), two_to(-74)}}, -0x1p-149f, -0x1p-149f},
    {"a result that is too small", 0, {{0, 1.5 * two_to(-75), two_to(-75)}}, 0, 0},
    {"a denormal addend", 0x1p-149f, {{0, 0, 1}}, 0x1p-149f, 0x1p-149f},
    // 2^-149 + 1.5 * 2^-150 = 1.75 * 2^-149: all bits are added before the float is cut
    {"a denormal addend and less than its bit", 0x1p-149f, {{0, 1.5 * two_to(-75), two_to(-75)}}, 0x1p-149f, 0x1p-149f},
    // 2^-149 + 1.5 * 2^-149 = 2.5 * 2^-149
    {"a denormal addend and more", 0x1p-149f, {{0, 1.5 * two_to(-75), two_to(-74)}}, 0x1p-148f, 0x1p-148f},
    // from denormal to normal: 2^-127 + 2^-127
    {"denormals add up to a normal number", 0x1p-127f, {{0, two_to(-64), two_to(-63)}}, 0x1p-126f, 0x1p-126f},

    {"overflow", 0x1p127f, {{0, two_to(64), two_to(63)}}, infinity, infinity},
    {"overflow downward", -0x1p127f, {{0, -two_to(64), two_to(63)}}, -infinity, -infinity},
    // 2^128 - 2^104 + 2^103, cut; + 2^104 makes 2^128
    {"the largest float and half of its last bit", most, {{0, two_to(52), two_to(51)}}, most, most},
    {"the largest float and its last bit", most, {{0, two_to(52), two_to(52)}}, infinity, infinity},
    // A product is no float: 2^200 - 2^200 + 1, e = 200.
    {"products beyond a float cancel", 1, {{0, two_to(100), two_to(100)}, {1, -two_to(100), two_to(100)}}, 0, 0},
    {"a product beyond a float", 1, {{0, two_to(100), two_to(100)}}, infinity, infinity},
    // Older: the first half is infinite already.
    {"overflow of the first half",
     0x1p127f,
     {{0, two_to(64), two_to(63)}, {8, -two_to(64), two_to(63)}},
     infinity,
     0x1p127f},
};

// tf32: k = 8, halves of 4. Operands are floats whose lower 13 bits are not looked at: 1 + 2^-10 is the first one
// behind 1.
const std::vector<worked_out> of_tf32 = {
    {"the last bit of an operand", 0, {{0, 1 + two_to(-10), 1}}, 0x1.004p0f, 0x1.004p0f},
    {"an operand is cut", 0, {{0, 1 + two_to(-10) + two_to(-11) + two_to(-23), 1}}, 0x1.004p0f, 0x1.004p0f},
    {"a negative operand is cut toward zero", 0, {{0, 1, -1 - two_to(-11)}}, -1, -1},
    {"both operands are cut", 0, {{0, 1 + two_to(-11), 1 + two_to(-11)}}, 1, 1},
    {"a denormal operand is cut to nothing", 0, {{0, two_to(-137), two_to(100)}}, 0, 0},
    {"what is left of a denormal operand", 0, {{0, two_to(-136), two_to(100)}}, 0x1p-36f, 0x1p-36f},
    // Older: 1 + 2^-24 is cut to the float 1; the second half begins at 4.
    {"two halves of four", 0, {{3, 1, 1}, {1, two_to(-12), two_to(-12)}, {4, -1, 1}}, 0, 0x1p-24f},
    {"the last bit of sm_90", -1, {{0, 1, 1}, {3, two_to(-12), two_to(-13)}}, 0, 0x1p-25f},
};

template <class T>
const std::vector<worked_out>& cases() {
  if constexpr (std::is_same_v<T, half>)
    return of_half;
  else if constexpr (std::is_same_v<T, bf16>)
    return of_bf16;
  else
    return of_tf32;
}

std::string bits_of(float x) {
  char text[64];
  std::snprintf(text, sizeof text, "%a (0x%08x)", static_cast<double>(x), reinterpret<unsigned>(x));
  return text;
}

bool is_newer(arch a) { return is_at_least(a, arch::sm_90); }

// --- the model

template <class T>
class tensor_arithmetic : public testing::Test {};
using types = testing::Types<half, bf16, tf32>;
TYPED_TEST_SUITE(tensor_arithmetic, types);

TYPED_TEST(tensor_arithmetic, has_the_bits_that_were_worked_out) {
  using T = TypeParam;
  constexpr int k = atoms::mma_shape<T>::k;
  for (const worked_out& w : cases<T>())
    for (const arch on : {arch::sm_80, arch::sm_86, arch::sm_89, arch::sm_90}) {
      float a[k] = {}, b[k] = {};
      for (const term& t : w.terms) {
        a[t.k] = atoms::tensor_input<float>(convert<T>(static_cast<float>(t.a)));
        b[t.k] = atoms::tensor_input<float>(convert<T>(static_cast<float>(t.b)));
      }
      EXPECT_EQ(bits_of(atoms::exact_dot<k>(a, b, w.c, on, atoms::lowest_exponents<T>)),
                bits_of(is_newer(on) ? w.newer : w.older))
          << w.name << ", "
          << "sm_" << static_cast<int>(on);
    }
}

// fp8: k = 32. sm_89 keeps 13 bits, and the result has 13 behind its first one; it has halves of 16. sm_90's operands
// become halves: those whose k is 0 or 1 modulo 4 are summed first, with 25 bits, then the others, then c is added as a
// float. sm_100 and sm_120 keep 25 bits of all 32.
struct worked_out_fp8 {
  const char* name;
  float c;
  std::vector<term> terms;
  float on_sm_89, on_sm_90, on_sm_100;
};
const std::vector<worked_out_fp8> of_e4m3 = {
    {"the last bit of sm_89", 1, {{0, two_to(-6), two_to(-7)}}, 0x1.0008p0f, 0x1.0008p0f, 0x1.0008p0f},
    {"below the last bit of sm_89", 1, {{0, two_to(-7), two_to(-7)}}, 1, 0x1.0004p0f, 0x1.0004p0f},
    {"a negative sum is cut toward zero", -1, {{0, -two_to(-7), two_to(-7)}}, -1, -0x1.0004p0f, -0x1.0004p0f},
    // 2 + 2^-13: the sum has it, the result of 13 bits behind 2 has not.
    {"a result with one bit more", 1, {{0, 1, 1}, {1, two_to(-6), two_to(-7)}}, 2, 0x1.0004p1f, 0x1.0004p1f},
    {"the addend is cut, too", 0x1.0004p0f, {}, 1, 0x1.0004p0f, 0x1.0004p0f},
    {"two halves", 0, {{0, 1, 1}, {1, two_to(-7), two_to(-7)}, {16, -1, 1}}, 0, 0x1p-14f, 0x1p-14f},
    // 2^-9 2^-9 = 2^-18; 2^4 - 2^4 makes e = 4: sm_90 and sm_100 keep 2^-21, sm_89 2^-9.
    {"cut by products that cancel", 0, {{0, 4, 4}, {1, -4, 4}, {4, two_to(-9), two_to(-9)}}, 0, 0x1p-18f, 0x1p-18f},
    // 2^16 - 2^16 with k = 2 and 3, in sm_90's second sum, and 2^-18 in its first one: 2^-18 is below 2^(16 - 25)
    // there, and as the addend of the second sum it is cut.
    {"cut as the addend of the second sum", 0, {{2, 256, 256}, {3, -256, 256}, {0, two_to(-9), two_to(-9)}}, 0, 0, 0},
    // The same with c in its place: sm_90 adds it behind both sums.
    {"sm_90 adds c last", 0x1p-18f, {{2, 256, 256}, {3, -256, 256}}, 0, 0x1p-18f, 0},
    {"not a number", 1, {{31, std::nan(""), 0}}, nan, nan, nan},
};

TEST(tensor_arithmetic, of_fp8_has_the_bits_that_were_worked_out) {
  for (const worked_out_fp8& w : of_e4m3) {
    float a[32] = {}, b[32] = {};
    for (const term& t : w.terms) a[t.k] = static_cast<float>(t.a), b[t.k] = static_cast<float>(t.b);
    const auto bits_on = [&](arch target) {
      return bits_of(atoms::exact_dot<32>(a, b, w.c, target, atoms::lowest_exponents<fp8_e4m3>));
    };
    EXPECT_EQ(bits_on(arch::sm_89), bits_of(w.on_sm_89)) << w.name;
    EXPECT_EQ(bits_on(arch::sm_90), bits_of(w.on_sm_90)) << w.name;
    EXPECT_EQ(bits_on(arch::sm_100), bits_of(w.on_sm_100)) << w.name;
    EXPECT_EQ(bits_on(arch::sm_120), bits_of(w.on_sm_100)) << w.name;
  }
}

// 1 2^-10 - 1 2^-10 + c: e = -10 where 2^-10 is a normal e5m2; where it is a denormal e4m3 it is aligned as if it were
// 2^-6 times something. sm_89 keeps 13 bits below e, sm_100 25.
TEST(tensor_arithmetic, takes_each_operand_with_its_own_exponents) {
  const float large[32] = {1, -1}, small[32] = {0x1p-10f, 0x1p-10f};
  constexpr auto first = atoms::lowest_exponents<fp8_e4m3, fp8_e5m2>,
                 second = atoms::lowest_exponents<fp8_e5m2, fp8_e4m3>;
  for (const auto& [target, c] : {std::pair{arch::sm_89, 0x1p-23f}, std::pair{arch::sm_100, 0x1p-35f}}) {
    EXPECT_EQ(atoms::exact_dot<32>(large, small, c, target, first), c);
    EXPECT_EQ(atoms::exact_dot<32>(large, small, c, target, second), 0.0f) << "denormal there";
    EXPECT_EQ(atoms::exact_dot<32>(small, large, c, target, second), c);
    EXPECT_EQ(atoms::exact_dot<32>(large, small, c / 2, target, first), 0.0f);
  }
}

// --- the machines

template <class T>
struct dot_operands {
  gmem_ptr<const T> a, b;   // (case, k)
  gmem_ptr<const float> c;  // (case)
  gmem_ptr<float> d;        // (case, m, n)
};

/// One case a block: every row of A and every column of B are the same.
template <class T>
struct dots {
  using shape = atoms::mma_shape<T>;
  using fragments = atoms::mma_fragments<T>;
  static constexpr const char* name = "dots";
  static constexpr int threads = 32;
  static constexpr features needs = shape::needs;
  static constexpr bool allows_one_lane = false;
  using shared = no_shared;

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const dot_operands<T>& p, no_shared&) {
    constexpr int each = shape::per_register;
    const int block = lane.block().x;
    typename fragments::a_type a[1];
    typename fragments::b_type b[1];
    typename fragments::c_type c[1][1];
    for (int r = 0; r < shape::a_registers; ++r) {
      pack<T, each> held;
      for (int i = 0; i < each; ++i)
        held.set(i, lane.load(p.a +
                              (block * shape::k + atoms::fragment_place<shape::a>(lane.rank(), r * each + i).column)));
      a[0].r[r] = reinterpret<std::uint32_t>(held);
    }
    for (int r = 0; r < shape::b_registers; ++r) {
      pack<T, each> held;
      for (int i = 0; i < each; ++i)
        held.set(i,
                 lane.load(p.b + (block * shape::k + atoms::fragment_place<shape::b>(lane.rank(), r * each + i).row)));
      b[0].r[r] = reinterpret<std::uint32_t>(held);
    }
    for (float& sum : c[0][0].r) sum = lane.load(p.c + block);
    atoms::mma_sync<T>(lane, c, a, b);
    for (int r = 0; r < shape::c_registers; ++r) {
      const auto at = atoms::fragment_place<shape::c>(lane.rank(), r);
      lane.store(p.d + ((block * shape::m + at.row) * shape::n + at.column), c[0][0].r[r]);
    }
  }
};

template <class Executor>
class tensor_cores_of : public on_executor<Executor> {
public:
  template <class T, class Machine>
  void check(const Machine& machine) const {
    using shape = atoms::mma_shape<T>;
    const std::vector<worked_out>& all = cases<T>();
    std::vector<T> a(all.size() * shape::k, convert<T>(0.0f)), b(a);
    std::vector<float> c;
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (const term& t : all[i].terms) {
        a[i * shape::k + t.k] = convert<T>(static_cast<float>(t.a));
        b[i * shape::k + t.k] = convert<T>(static_cast<float>(t.b));
      }
      c.push_back(all[i].c);
    }
    const auto on_a = this->put(a), on_b = this->put(b);
    const auto on_c = this->put(c), on_d = this->put(std::vector<float>(all.size() * shape::m * shape::n, -7.0f));
    launch<dots<T>>(machine, {static_cast<int>(all.size())},
                    dot_operands<T>{gmem_ptr<const T>(on_a.data_handle()), gmem_ptr<const T>(on_b.data_handle()),
                                    gmem_ptr<const float>(on_c.data_handle()), gmem_ptr<float>(on_d.data_handle())},
                    {reads("a", on_a.view()), reads("b", on_b.view()), reads("c", on_c.view()),
                     writes("d", on_d.view())});
    const std::vector<float> d = this->get(on_d);
    for (std::size_t i = 0; i < all.size(); ++i)
      for (int e = 0; e < shape::m * shape::n; ++e)
        ASSERT_EQ(bits_of(d[i * shape::m * shape::n + e]),
                  bits_of(is_newer(machine.target()) ? all[i].newer : all[i].older))
            << all[i].name << ", " << limits(machine.target()).name << ", element " << e;
  }
};
TYPED_TEST_SUITE(tensor_cores_of, gpus);

TYPED_TEST(tensor_cores_of, have_the_bits_that_were_worked_out) {
#ifdef __CUDACC__
  if (!has_features(this->executor.target(), features::mma_f16)) GTEST_SKIP() << "mma.sync of these shapes needs sm_80";
  this->template check<half>(this->executor);
  this->template check<bf16>(this->executor);
  this->template check<tf32>(this->executor);
#else
  for (const arch on : {arch::sm_80, arch::sm_89, arch::sm_90, arch::sm_100}) {
    const virtual_gpu gpu(on, {.exact_tensor_cores = true});
    this->template check<half>(gpu);
    this->template check<bf16>(gpu);
    this->template check<tf32>(gpu);
  }
  this->template check<half>(unchecked_virtual_gpu(arch::sm_80, {.exact_tensor_cores = true}));
#endif
}

// The archs differ, and each differs from plain float, in enough of the cases that a mix-up would show.
TEST(worked_out, tells_the_archs_apart) {
  int different = 0;
  for (const auto* all : {&of_half, &of_bf16, &of_tf32})
    for (const worked_out& w : *all) different += bits_of(w.older) != bits_of(w.newer);
  EXPECT_GE(different, 12);
}

}  // namespace
