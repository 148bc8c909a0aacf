// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The last kernel of a GEMM whose epilogue sums columns (epilogue::bias_gradient). The GEMM's kernel has added
// the partial sums of each column exactly, in counters (tile/exact_sum.hpp). This kernel rounds these sums, adds beta
// times the old gradient and writes the result. On a GPU a lane computes one column. All executors run this code.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>
#include <tilery/core/convert.hpp>
#include <tilery/core/extent.hpp>
#include <tilery/simt/kernel.hpp>
#include <tilery/tile/exact_sum.hpp>

namespace tilery::inline TILERY_ABI {

/// Element type of the result. It is a value at run time, so that one kernel writes all types.
enum class total_type : int { f64, f32, f16, bf16 };
/// The total_type of T: double, float, half or bf16.
template <class T>
inline constexpr total_type total_type_of = std::is_same_v<T, double>  ? total_type::f64
                                            : std::is_same_v<T, float> ? total_type::f32
                                            : std::is_same_v<T, half>  ? total_type::f16
                                                                       : total_type::bf16;

/// y[j] = beta y[j] + the sum that the counters of column j hold, for each of `size` vectors y. The sums are of type S.
/// With beta = 0, y is not read.
template <class S>
struct column_totals_params {
  static constexpr int most = 64;  // vectors in one launch
  struct vector {
    gmem_ptr<const tile::exact_counter> counters;  // (counter, column)
    gmem_ptr<std::byte> y;                         // elements of `type`
    std::int64_t stride;                           // of y, in elements
    double beta;
    std::int32_t columns;
    total_type type;
  };
  std::int32_t size = 0, columns = 0;  // the number of vectors, and the length of the longest one
  vector vectors[most];
};

template <class S>
struct column_totals {
  static constexpr const char* name = "column_totals";
  static constexpr int threads = 128;
  static constexpr bool allows_one_lane = true;
  using shared = no_shared;
  using params = column_totals_params<S>;

  /// Returns the grid: x counts tiles of `threads` columns, y the vectors.
  static index3 blocks(const params& p) { return {pieces(p.columns, threads), p.size}; }

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared&) {
    const auto& v = p.vectors[lane.block().y];
    const int end = lesser(v.columns, (lane.block().x + 1) * threads);
    for (int j = lane.block().x * threads + lane.rank(); j < end; j += lane.threads(threads)) {
      const S total = tile::exact_sum<S>::total(lane, v.counters + j, v.columns);
      switch (v.type) {
        case total_type::f64: write<double>(lane, v, j, total); break;
        case total_type::f32: write<float>(lane, v, j, total); break;
        case total_type::f16: write<half>(lane, v, j, total); break;
        case total_type::bf16: write<bf16>(lane, v, j, total); break;
      }
    }
  }

private:
  /// Writes y[j] as T. The arithmetic is in S, but in double if T is double.
  template <class T, class Lane>
  TILERY_SIMT static void write(Lane lane, const typename params::vector& v, int j, S total) {
    using wider = std::conditional_t<sizeof(T) == 8, double, S>;
    const auto y = reinterpret<gmem_ptr<T>>(v.y) + j * v.stride;
    auto result = static_cast<wider>(total);
    if (v.beta != 0) result += static_cast<wider>(v.beta) * convert<wider>(lane.load(y));
    lane.store(y, convert<T>(result));
  }
};

}  // namespace tilery::inline TILERY_ABI
