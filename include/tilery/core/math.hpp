// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// exp, log, tanh, erf and sqrt. One source serves a float, a double and a native vector of either, so that executors
// agree and the host's compiler vectorises. The functions are polynomials. Their coefficients are Chebyshev fits,
// computed with 40 digits; the degree and error of each fit are beside it. Error bounds over all finite arguments: 2
// units in the last place for float and 4 for double; erf: 4 for float and 6 for double.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>
#include <tilery/core/pack.hpp>

#include <cstdint>
#include <type_traits>

namespace tilery::inline TILERY_ABI {

namespace math {

/// Signed integers as wide as the elements of V, a floating-point type or a native vector of one.
template <class V>
struct integers_of {
  typedef std::int32_t type __attribute__((vector_size(sizeof(V))));
};
template <>
struct integers_of<float> {
  using type = std::int32_t;
};
template <>
struct integers_of<double> {
  using type = std::int64_t;
};
template <class V>
requires(sizeof(typename scalar_of<V>::type) == 8 && !std::is_same_v<V, double>) struct integers_of<V> {
  typedef std::int64_t type __attribute__((vector_size(sizeof(V))));
};

template <class V>
using integers = typename integers_of<V>::type;
template <class V>
using scalar = typename scalar_of<V>::type;
template <class V>
inline constexpr bool single = sizeof(scalar<V>) == 4;

/// A V with the value in every element.
template <class V>
TILERY_SIMT V all(scalar<V> value) {
  return value - V{};
}

/// A polynomial in x by Horner's method. The coefficients follow x, the highest power's first.
template <class V, class... C>
TILERY_SIMT V polynomial(V x, scalar<V> first, C... others) {
  V sum = all<V>(first);
  ((sum = sum * x + static_cast<scalar<V>>(others)), ...);
  return sum;
}

template <class V>
struct format;  // of an IEEE type: its fraction bits, its exponent bias, and rounder = 1.5 * 2^fraction
template <>
struct format<float> {
  static constexpr int fraction = 23, bias = 127;
  static constexpr float rounder = 12582912.0f;
};
template <>
struct format<double> {
  static constexpr int fraction = 52, bias = 1023;
  static constexpr double rounder = 6755399441055744.0;
};

/// 2^n, which must be a normal number.
template <class V>
TILERY_SIMT V power_of_two(integers<V> n) {
  using f = format<scalar<V>>;
  return reinterpret<V>((n + f::bias) << f::fraction);
}

/// An integer as a floating-point number; |n| must be below 2^22 (double: 2^51).
template <class V>
TILERY_SIMT V to_floating(integers<V> n) {
  const auto rounder = scalar<V>(format<scalar<V>>::rounder);  // a copy: device code cannot refer to the static member
  return reinterpret<V>(n + reinterpret<integers<scalar<V>>>(rounder)) - rounder;
}

template <class V>
TILERY_SIMT V magnitude(V x) {
  using Integers = integers<V>;
  constexpr auto mask = single<V> ? 0x7fffffffLL : 0x7fffffffffffffffLL;
  return reinterpret<V>(reinterpret<Integers>(x) & static_cast<integers<scalar<V>>>(mask));
}

/// x with the sign of s. x must not be negative.
template <class V>
TILERY_SIMT V with_sign(V x, V s) {
  using Integers = integers<V>;
  constexpr auto mask = single<V> ? 0x7fffffffLL : 0x7fffffffffffffffLL;
  return reinterpret<V>(reinterpret<Integers>(x) |
                        (reinterpret<Integers>(s) & ~static_cast<integers<scalar<V>>>(mask)));
}

/// 1 / x for |x| in [2^-100, 2^100], and for NaN. A GPU's division of floats has a slow path for other numbers, which
/// costs registers. The GPU's approximate reciprocal (relative error 2^-23) and one Newton step are as accurate.
template <class V>
TILERY_SIMT V reciprocal(V x) {
#ifdef __CUDA_ARCH__
  if constexpr (std::is_same_v<V, float>) {
    float r;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x));
    return __fmaf_rn(r, __fmaf_rn(-x, r, 1.0f), r);
  }
#endif
  return scalar<V>(1) / x;
}

/// e^x as half * rest, where rest is a power of two near sqrt(e^x). Both are normal numbers even if e^x underflows, so
/// that e^x times a large factor keeps all of its digits.
template <class V>
struct power_of_e {
  V half, rest;

  TILERY_SIMT V value() const { return half * rest; }
  /// e^x times a factor. The factor may be near 0 only if e^x is large: half * factor must be a normal number.
  TILERY_SIMT V times(V factor) const { return (half * factor) * rest; }
};

/// e^x = 2^n e^r with |r| <= log(2)/2, for x in [-170, 88] (double: [-1400, 709]). NaN stays NaN. An optional second
/// argument, `low`, holds digits of the exponent that do not fit x: the result is e^(x + low).
template <class V, class... Low>
TILERY_SIMT power_of_e<V> split_exp(V x, Low... low) {
  using S = scalar<V>;
  using f = format<S>;
  const V shifted = (x + ... + low) * S(1.4426950408889634074) + f::rounder;  // n is in the low fraction bits
  const V n = shifted - f::rounder;
  V r = n * (single<V> ? S(-0.693145751953125) : S(-6.93147180369123816490e-01)) + x;  // minus n log(2), in two parts
  r = n * (single<V> ? S(-1.42860682030941723212e-6) : S(-1.90821492927058770002e-10)) + r;
  r = (r + ... + low);
  V q;
  if constexpr (single<V>)  // degree 4, 6.5e-8
    q = polynomial(r, 0.001392617611993557888f, 0.008363173074513710903f, 0.04166655466205053398f,
                   0.1666657702559798819f, 0.5f);
  else  // degree 10, 1.4e-18
    q = polynomial(r, 2.09146793765839351e-9, 2.510520637395701112e-8, 2.755727366134863622e-7, 2.755725542574643428e-6,
                   0.00002480158732553336382, 0.0001984126987480049198, 0.001388888888888375242,
                   0.008333333333326140884, 0.04166666666666666975, 0.1666666666666667099, 0.5);
  const V e = (q * r) * r + r + S(1);
  const integers<V> k = reinterpret<integers<V>>(shifted) - reinterpret<integers<S>>(S(f::rounder));
  const integers<V> k_half = k >> 1;  // two factors: each is normal even if the result is not
  return {e * power_of_two<V>(k_half), power_of_two<V>(k - k_half)};
}

/// e^x. It overflows to infinity, and underflows through denormals to zero.
struct exp {
  template <class V>
  TILERY_SIMT V operator()(V x) const {
    using S = scalar<V>;
    const S low = single<V> ? S(-104.0) : S(-746.0), high = single<V> ? S(88.722839) : S(709.782712893384);
    V result = split_exp(x).value();
    result = x > all<V>(high) ? all<V>(S(__builtin_inf())) : result;
    return x < all<V>(low) ? V{} : result;
  }
};

/// e^x of a float by the GPU's approximate instruction; on the host and for double the same as `exp`.
///
/// Accuracy. 2 + 1.173 |x| units in the last place (CUDA C++ Programming Guide, __expf). A denormal result may be 0.
struct hardware_exp {
  template <class V>
  TILERY_SIMT V operator()(V x) const {
#ifdef __CUDA_ARCH__
    if constexpr (std::is_same_v<V, float>) return __expf(x);
#endif
    return exp{}(x);
  }
};

/// log(x) = e log(2) + 2 atanh((m - 1) / (m + 1)) with x = 2^e m and m in [sqrt(1/2), sqrt(2)). The result is -infinity
/// at 0 and NaN for x < 0.
struct log {
  template <class V>
  TILERY_SIMT V operator()(V x) const {
    using S = scalar<V>;
    using Integers = integers<V>;
    using f = format<S>;
    const S smallest_normal = single<V> ? S(1.17549435e-38) : S(2.2250738585072014e-308);
    const S lift = single<V> ? S(33554432.0) : S(18014398509481984.0);  // 2^25, 2^54
    const V is_tiny = x < all<V>(smallest_normal) ? all<V>(S(1)) : V{};
    const V lifted = x * (is_tiny * (lift - S(1)) + S(1));
    const Integers bits = reinterpret<Integers>(lifted);
    const Integers e = (bits - reinterpret<integers<S>>(S(0.70710678118654752440))) >> f::fraction;
    const V m = reinterpret<V>(bits - (e << f::fraction));
    const V n = to_floating<V>(e) - is_tiny * S(single<V> ? 25 : 54);
    const V s = (m - S(1)) / (m + S(1)), z = s * s;
    V q;
    if constexpr (single<V>)  // degree 3, 1.2e-9
      q = polynomial(z, 0.233304672163038363f, 0.285508208159606633f, 0.4000012183980612671f, 0.6666666655449709155f);
    else  // degree 7, 2.1e-18
      q = polynomial(z, 0.1308662614784010214, 0.1326877313865688518, 0.1538623970281465819, 0.1818179564013290628,
                     0.2222222239171391744, 0.2857142857080361181, 0.4000000000000087698, 0.6666666666666666646);
    const V low = n * (single<V> ? S(1.42860682030941723212e-6) : S(1.90821492927058770002e-10)) + (q * z) * s;
    // 2 s = f - f s with f = m - 1, so the rounding error of s matters little near x = 1
    const V frac = m - S(1);
    const V high = n * (single<V> ? S(0.693145751953125) : S(6.93147180369123816490e-01));
    V result = high + (frac - (frac * s - low));
    const V infinity = all<V>(S(__builtin_inf()));
    result = x == infinity ? infinity : result;
    result = x == V{} ? -infinity : result;
    result = x < V{} ? all<V>(S(__builtin_nan(""))) : result;
    return x == x ? result : x;
  }
};

/// tanh(x): an odd polynomial for |x| <= 0.625, and 1 - 2 / (e^(2 |x|) + 1) with the sign of x above.
struct tanh {
  template <class V>
  TILERY_SIMT V operator()(V x) const {
    using S = scalar<V>;
    const V a = magnitude(x), z = x * x;
    V q;
    if constexpr (single<V>)  // degree 4, 4.3e-8
      q = polynomial(z, -0.006096714165908197575f, 0.02099717899907475057f, -0.05385090957851358083f,
                     0.1333276973697632786f, -0.3333332894413425457f);
    else  // degree 11, 3.9e-18
      q = polynomial(z, 6.48516348279311315e-6, -0.00003120110142579740003, 0.00009257116129556768271,
                     -0.0002375906496055561955, 0.0005896606577757043347, -0.00145577541204780551,
                     0.003592121751154962269, -0.008863235103240877925, 0.02186948851900830576, -0.05396825396789699169,
                     0.133333333333330416, -0.3333333333333333294);
    const V small = (q * z) * a + a;
    const V big = S(1) - S(2) / (exp{}(a + a) + S(1));
    V result = a > all<V>(S(0.625)) ? big : small;
    result = a == a ? result : a;
    return with_sign(result, x);
  }
};

/// erf(x): an odd polynomial for |x| <= 1. Above, with a = |x|: 1 - e^(-a^2) g(t) / a, t = (a - 3) / (a + 3), with the
/// sign of x.
struct erf {
  template <class V>
  TILERY_SIMT V operator()(V x) const {
    using S = scalar<V>;
    const V a = magnitude(x), z = a * a;
    const V limit = all<V>(single<V> ? S(4.5) : S(6.25));  // erf rounds to 1 above
    const V b = a < limit ? a : limit, t = (b - S(3)) / (b + S(3));
    V p, g;
    if constexpr (single<V>) {  // degrees 6 and 8, 1.2e-9 and 1.7e-10
      p = polynomial(z, 0.00007875875062685488341f, -0.0008016864287165869529f, 0.005189087423433973986f,
                     -0.02685421201062641244f, 0.1128359471516021773f, -0.3761262666672033102f, 1.128379165848350946f);
      g = polynomial(t, 0.00157503405962472268f, 0.0009593709266689919308f, -0.01405488193875085969f,
                     0.04634044000392783406f, -0.09546873277382914727f, 0.1398809375410037554f, -0.1465830560143590512f,
                     0.09530622323155836653f, 0.5370034535563840417f);
    } else {  // degrees 12 and 19, 1.3e-19 and 2.7e-21
      p = polynomial(z, 5.957176147748911404e-11, -1.137284885679167367e-9, 1.465977527404743581e-8,
                     -1.635031270105469501e-7, 1.646100048412136803e-6, -0.00001492559526683118157,
                     0.0001205533111164271092, -0.0008548326980833789905, 0.005223977624818014467,
                     -0.02686617064507679325, 0.1128379167095487867, -0.3761263890318374806, 1.128379167095512574);
      g = polynomial(t, 1.331453461839038878e-8, -9.341232408008320346e-8, -3.013034399772655665e-7,
                     3.014938940159347969e-7, 1.877895976332351153e-6, -9.944342278877018176e-7,
                     -0.00001110958219705161456, 6.464345104428418832e-6, 0.00006897987449034854015,
                     -0.00008460825798642601398, -0.0004125437847388118054, 0.001242876162225258524,
                     0.0009108226888464059732, -0.01401982562628147793, 0.04635026333129761597, -0.09546975030662567771,
                     0.1398805476017699249, -0.1465830480328910368, 0.09530622695922801768, 0.5370034535441698513);
    }
    const V small = a * p;
    const V big = S(1) - exp{}(-(b * b)) * (g / b);
    V result = a > all<V>(S(1)) ? big : small;
    result = a == a ? result : a;
    return with_sign(result, x);
  }
};

/// The square root, correctly rounded (IEEE 754, to nearest).
struct sqrt {
  template <class V>
  TILERY_SIMT V operator()(V x) const {
#ifdef __CUDA_ARCH__
    if constexpr (single<V>)
      return __fsqrt_rn(x);
    else
      return __dsqrt_rn(x);
#else
    if constexpr (std::is_same_v<V, float>) {
      return __builtin_sqrtf(x);
    } else if constexpr (std::is_same_v<V, double>) {
      return __builtin_sqrt(x);
    } else {
      V result;
#if defined(__AVX__)
      // The compilers have no square root of native vectors. They do not vectorise a loop of sqrt() either, because
      // sqrt() may set errno.
      if constexpr (sizeof(V) >= 16 && sizeof(V) <= static_cast<std::size_t>(vector_bytes())) {
        if constexpr (single<V>)
          asm("vsqrtps %1, %0" : "=v"(result) : "v"(x));
        else
          asm("vsqrtpd %1, %0" : "=v"(result) : "v"(x));
        return result;
      }
#endif
      for (unsigned i = 0; i < sizeof(V) / sizeof(scalar<V>); ++i) result[i] = sqrt{}(static_cast<scalar<V>>(x[i]));
      return result;
    }
#endif
  }
};

}  // namespace math

/// e^x, log(x), tanh(x), erf(x) and sqrt(x) of each element of a pack of float or double.
template <class T, int N>
TILERY_SIMT pack<T, N> exp(pack<T, N> x) {
  return apply(math::exp{}, x);
}
template <class T, int N>
TILERY_SIMT pack<T, N> log(pack<T, N> x) {
  return apply(math::log{}, x);
}
template <class T, int N>
TILERY_SIMT pack<T, N> tanh(pack<T, N> x) {
  return apply(math::tanh{}, x);
}
template <class T, int N>
TILERY_SIMT pack<T, N> erf(pack<T, N> x) {
  return apply(math::erf{}, x);
}
template <class T, int N>
TILERY_SIMT pack<T, N> sqrt(pack<T, N> x) {
  return apply(math::sqrt{}, x);
}

}  // namespace tilery::inline TILERY_ABI
