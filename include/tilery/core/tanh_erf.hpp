// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// tanh and erf (math.hpp says what all functions have in common).
#pragma once
#pragma GCC system_header

#include <tilery/core/exponential.hpp>

namespace tilery::inline TILERY_ABI {

namespace math {

/// tanh(x). For |x| <= 0.625: x + x^3 q(x^2). For larger |x|: 1 - 2 / (e^(2 |x|) + 1), with the sign of x.
struct tanh {
  template <class V>
  TILERY_SIMT V operator()(V x) const {
    using S = scalar<V>;
    const V a = magnitude(x), z = x * x;
    V q;
    if constexpr (single<V>)  // q: degree 4, absolute error 4.3e-8
      q = polynomial(z, -0.006096714165908197575f, 0.02099717899907475057f, -0.05385090957851358083f,
                     0.1333276973697632786f, -0.3333332894413425457f);
    else  // q: degree 11, absolute error 3.9e-18
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

/// erf(x). For |x| <= 1: x p(x^2). For larger |x|, with a = |x|: 1 - e^(-a^2) g(t) / a with t = (a - 3) / (a + 3), with
/// the sign of x.
struct erf {
  template <class V>
  TILERY_SIMT V operator()(V x) const {
    using S = scalar<V>;
    const V a = magnitude(x), z = a * a;
    const V limit = all<V>(single<V> ? S(4.5) : S(6.25));  // for larger a, erf rounds to 1
    const V b = a < limit ? a : limit, t = (b - S(3)) / (b + S(3));
    V p, g;
    if constexpr (single<V>) {  // p: degree 6, absolute error 1.2e-9; g: degree 8, absolute error 1.7e-10
      p = polynomial(z, 0.00007875875062685488341f, -0.0008016864287165869529f, 0.005189087423433973986f,
                     -0.02685421201062641244f, 0.1128359471516021773f, -0.3761262666672033102f, 1.128379165848350946f);
      g = polynomial(t, 0.00157503405962472268f, 0.0009593709266689919308f, -0.01405488193875085969f,
                     0.04634044000392783406f, -0.09546873277382914727f, 0.1398809375410037554f, -0.1465830560143590512f,
                     0.09530622323155836653f, 0.5370034535563840417f);
    } else {  // p: degree 12, absolute error 1.3e-19; g: degree 19, absolute error 2.7e-21
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

}  // namespace math

/// tanh(x) of each element of a pack of float or double.
template <class T, int N>
TILERY_SIMT pack<T, N> tanh(pack<T, N> x) {
  return apply(math::tanh{}, x);
}
/// erf(x) of each element of a pack of float or double.
template <class T, int N>
TILERY_SIMT pack<T, N> erf(pack<T, N> x) {
  return apply(math::erf{}, x);
}

}  // namespace tilery::inline TILERY_ABI
