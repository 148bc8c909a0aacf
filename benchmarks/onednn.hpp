// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// oneDNN as a peer of the CPU's GEMM: its matmul primitive for a problem or a batch, and its plain gemm functions where
// there is one for the element type; whichever is faster for the problem is the peer.
#pragma once

#include "benchmarks/gemm_reference.hpp"

#include <dnnl.hpp>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tilery_benchmarks {

/// What oneDNN calls an element type of A and B, and that of C. It has none for double; half it does not multiply on
/// CPUs without instructions for it.
template <class T>
inline constexpr auto onednn_type = dnnl::memory::data_type::undef;
template <>
inline constexpr auto onednn_type<float> = dnnl::memory::data_type::f32;
template <>
inline constexpr auto onednn_type<tilery::bf16> = dnnl::memory::data_type::bf16;
template <>
inline constexpr auto onednn_type<tilery::int8> = dnnl::memory::data_type::s8;
template <>
inline constexpr auto onednn_type<std::int32_t> = dnnl::memory::data_type::s32;

/// A way to compute the problem.
struct cpu_way {
  std::string name;
  std::function<void()> call;
};

/// op(X) of each matrix of a batch, as it is stored.
inline dnnl::memory::desc onednn_operand(dnnl::memory::data_type type, std::int64_t batch, std::int64_t rows,
                                         std::int64_t columns, bool is_transposed) {
  const std::int64_t down = is_transposed ? 1 : columns, across = is_transposed ? rows : 1;
  if (batch == 1) return {{rows, columns}, type, {down, across}};
  return {{batch, rows, columns}, type, {rows * columns, down, across}};
}

/// The matmul primitive; nothing where oneDNN has none for this type on this CPU, as for bf16 without AVX-512.
template <class T>
std::optional<cpu_way> onednn_matmul(const gemm_shape& s, const T* a, const T* b, gemm_result_t<T>* c) try {
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  const auto a_desc = onednn_operand(onednn_type<T>, s.batch, s.m, s.k, s.a_transposed);
  const auto b_desc = onednn_operand(onednn_type<T>, s.batch, s.k, s.n, s.b_transposed);
  const auto c_desc = onednn_operand(onednn_type<gemm_result_t<T>>, s.batch, s.m, s.n, false);
  const dnnl::matmul product(dnnl::matmul::primitive_desc({a_desc, b_desc, c_desc}, engine));
  const auto memory = [&](const dnnl::memory::desc& desc, const void* data) {
    return dnnl::memory(desc, engine, const_cast<void*>(data));
  };
  const std::unordered_map<int, dnnl::memory> operands = {{DNNL_ARG_SRC, memory(a_desc, a)},
                                                          {DNNL_ARG_WEIGHTS, memory(b_desc, b)},
                                                          {DNNL_ARG_DST, memory(c_desc, c)}};
  return cpu_way{"matmul", [product, operands, stream = dnnl::stream(engine)]() mutable {
                   product.execute(stream, operands);
                   stream.wait();
                 }};
} catch (const dnnl::error& error) {
  if (error.status == dnnl_unimplemented) return std::nullopt;
  throw;
}

/// All ways that serve the problem; none where oneDNN does not multiply the type here.
template <class T>
std::vector<cpu_way> onednn_ways(const gemm_shape& s, const T* a, const T* b, gemm_result_t<T>* c) {
  std::vector<cpu_way> ways;
  if constexpr (onednn_type<T> != dnnl::memory::data_type::undef) {
    if (auto matmul = onednn_matmul(s, a, b, c)) ways.push_back(std::move(*matmul));
    const char a_is = s.a_transposed ? 'T' : 'N', b_is = s.b_transposed ? 'T' : 'N';
    const std::int64_t m = s.m, n = s.n, k = s.k, a_pitch = s.a_transposed ? m : k, b_pitch = s.b_transposed ? k : n;
    if constexpr (std::is_same_v<T, float>)
      if (s.batch == 1)
        ways.push_back({"sgemm", [=] { dnnl::sgemm(a_is, b_is, m, n, k, 1, a, a_pitch, b, b_pitch, 0, c, n); }});
    if constexpr (std::is_same_v<T, tilery::int8>)
      if (s.batch == 1)
        ways.push_back({"gemm_s8s8s32", [=] {
                          const std::int32_t nothing = 0;
                          dnnl::gemm_s8s8s32(a_is, b_is, 'F', m, n, k, 1, a, a_pitch, 0, b, b_pitch, 0, 0, c, n,
                                             &nothing);
                        }});
  }
  return ways;
}

}  // namespace tilery_benchmarks
