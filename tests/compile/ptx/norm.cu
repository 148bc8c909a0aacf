// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The kernels of norms for elements of ELEMENT.
#include "kernels.hpp"

#include <tilery/kernels/optimizer/norm.hpp>
#include <tilery/policies/norm_table.hpp>

using tilery::half, tilery::bf16;
using T = ELEMENT;
using record = tilery::read_record<T>;

// Packs of 16 bytes, and single elements of tensors that are not aligned, or at their end. One sum of 8 bytes is
// stored.
template <class Kind, class Table, int WordBytes>
struct of_chunks {
  using params = tilery::norm_of_chunks_params<Kind, Table>;
  template <tilery::elementwise_policy P>
  using kernel = tilery::norm_of_chunks<P, params>;
  static constexpr meant_accesses meant(const tilery::elementwise_policy&) {
    const int narrowest = sizeof(T) < WordBytes ? static_cast<int>(sizeof(T)) : WordBytes;
    return {{narrowest, 16}, {8, 8}, 8, {8, 8}};
  }
};

template <class Kind>
void compile_kind() {
  using in_arguments = tilery::table_in_arguments<record>;
  using in_memory = tilery::table_in_memory<record>;
  compile_candidates<tilery::norm_table_gpu<T>, of_chunks<Kind, in_arguments, 16>>();
  compile_candidates<tilery::norm_table_gpu<T>, of_chunks<Kind, in_memory, 4>>();
  using all = tilery::norm_totals_params<Kind, tilery::all_chunks, double>;
  compile<tilery::norm_totals<512, all>, all, meant_accesses{{8, 8}, {8, 8}, 8, {8, 8}}>();
  using each = tilery::norm_totals_params<Kind, in_arguments, float>;
  compile<tilery::norm_totals<128, each>, each, meant_accesses{{8, 8}, {4, 4}, 8, {8, 8}}>();
}

void use() {
  compile_kind<tilery::norm_kind::euclidean<T>>();
  compile_kind<tilery::norm_kind::maximum<T>>();
}
