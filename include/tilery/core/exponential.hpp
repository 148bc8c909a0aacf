// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// exp and log (math.hpp says what all functions have in common).
#pragma once
#pragma GCC system_header

#include <tilery/core/math_bits.hpp>

namespace tilery::inline TILERY_ABI {

namespace math {

/// e^x as half * rest, where rest is a power of two near sqrt(e^x). half and rest are normal numbers even if e^x
/// underflows, so that e^x times a large factor keeps all of its digits.
template <class V>
struct power_of_e {
  V half, rest;

  TILERY_SIMT V value() const { return half * rest; }
  /// e^x times a factor. half * factor must be 0 or a normal number: then the result loses digits only if it is itself
  /// denormal.
  TILERY_SIMT V times(V factor) const { return (half * factor) * rest; }
};

/// e^x = 2^n e^r with |r| <= log(2)/2, for x in [-170, 88.73] (double: [-1400, 709.79]). NaN stays NaN. The optional
/// second argument, `low`, is the low-order part of an argument x + low that one V cannot hold exactly; it is not
/// rounded into x. The result is then e^(x + low).
template <class V, class... Low>
TILERY_SIMT power_of_e<V> split_exp(V x, Low... low) {
  using S = scalar<V>;
  using f = format<S>;
  // n = (x + low) / log(2), rounded to an integer; the low fraction bits of `shifted` hold n.
  const V shifted = (x + ... + low) * S(1.4426950408889634074) + f::rounder;
  const V n = shifted - f::rounder;
  // r = x - n log(2) in two steps: log(2) is the sum of two parts, and n times the first part is exact.
  V r = n * (single<V> ? S(-0.693145751953125) : S(-6.93147180369123816490e-01)) + x;
  r = n * (single<V> ? S(-1.42860682030941723212e-6) : S(-1.90821492927058770002e-10)) + r;
  r = (r + ... + low);
  V q;                      // e^r = 1 + r + q r^2
  if constexpr (single<V>)  // q: degree 4, absolute error 6.5e-8
    q = polynomial(r, 0.001392617611993557888f, 0.008363173074513710903f, 0.04166655466205053398f,
                   0.1666657702559798819f, 0.5f);
  else  // q: degree 10, absolute error 1.4e-18
    q = polynomial(r, 2.09146793765839351e-9, 2.510520637395701112e-8, 2.755727366134863622e-7, 2.755725542574643428e-6,
                   0.00002480158732553336382, 0.0001984126987480049198, 0.001388888888888375242,
                   0.008333333333326140884, 0.04166666666666666975, 0.1666666666666667099, 0.5);
  const V e = (q * r) * r + r + S(1);  // e^r
  const integers<V> k = reinterpret<integers<V>>(shifted) - reinterpret<integers<S>>(S(f::rounder));
  const integers<V> k_half = k >> 1;  // k = n as an integer; 2^k in two factors, each of which is a normal number
  return {e * power_of_two<V>(k_half), power_of_two<V>(k - k_half)};
}

/// e^x. Results too large for the type become infinity, too small ones become denormals, and below these 0.
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

/// e^x of a float by the GPU's approximate instruction (ex2.approx, by way of __expf). On the host and for double it is
/// the same as `exp`.
///
/// Accuracy. In device code, for float: 2 + 1.173 |x| units in the last place (CUDA C++ Programming Guide, __expf). A
/// denormal result may be 0.
struct hardware_exp {
  template <class V>
  TILERY_SIMT V operator()(V x) const {
#ifdef __CUDA_ARCH__
    if constexpr (std::is_same_v<V, float>) return __expf(x);
#endif
    return exp{}(x);
  }
};

/// log(x) = n log(2) + 2 atanh((m - 1) / (m + 1)) with x = 2^n m and m in [sqrt(1/2), sqrt(2)). The result is -infinity
/// at 0 and NaN for x < 0.
struct log {
  template <class V>
  TILERY_SIMT V operator()(V x) const {
    using S = scalar<V>;
    using Integers = integers<V>;
    using f = format<S>;
    const S smallest_normal = single<V> ? S(1.17549435e-38) : S(2.2250738585072014e-308);
    const S lift = single<V> ? S(33554432.0) : S(18014398509481984.0);  // 2^25, 2^54: makes a denormal x normal
    const V is_tiny = x < all<V>(smallest_normal) ? all<V>(S(1)) : V{};
    const V lifted = x * (is_tiny * (lift - S(1)) + S(1));
    const Integers bits = reinterpret<Integers>(lifted);
    // e: the exponent of the lifted x = 2^e m. The bits of sqrt(1/2) are subtracted, so that m begins at sqrt(1/2)
    // instead of 1.
    const Integers e = (bits - reinterpret<integers<S>>(S(0.70710678118654752440))) >> f::fraction;
    const V m = reinterpret<V>(bits - (e << f::fraction));
    const V n = to_floating<V>(e) - is_tiny * S(single<V> ? 25 : 54);
    const V s = (m - S(1)) / (m + S(1)), z = s * s;
    V q;                      // 2 atanh(s) = 2 s + q s^3
    if constexpr (single<V>)  // q: degree 3, absolute error 1.2e-9
      q = polynomial(z, 0.233304672163038363f, 0.285508208159606633f, 0.4000012183980612671f, 0.6666666655449709155f);
    else  // q: degree 7, absolute error 2.1e-18
      q = polynomial(z, 0.1308662614784010214, 0.1326877313865688518, 0.1538623970281465819, 0.1818179564013290628,
                     0.2222222239171391744, 0.2857142857080361181, 0.4000000000000087698, 0.6666666666666666646);
    // log(2) is the sum of two parts; n times the larger part (in `high`) is exact.
    const V low = n * (single<V> ? S(1.42860682030941723212e-6) : S(1.90821492927058770002e-10)) + (q * z) * s;
    // 2 s = frac - frac s, where frac = m - 1 is exact. The rounded s is then only in frac s, which is small near x
    // = 1.
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

}  // namespace math

/// e^x of each element of a pack of float or double.
template <class T, int N>
TILERY_SIMT pack<T, N> exp(pack<T, N> x) {
  return apply(math::exp{}, x);
}
/// log(x) (base e) of each element of a pack of float or double.
template <class T, int N>
TILERY_SIMT pack<T, N> log(pack<T, N> x) {
  return apply(math::log{}, x);
}

}  // namespace tilery::inline TILERY_ABI
