// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Two kernels for the norms of a list of tensors. The first one reads the tensors: a block sums one chunk of one
// tensor. The second one adds up the sums of chunks: of each tensor, or of all tensors. Both add in an order that
// depends on the policy and the sizes alone, so a result has the same bits in each run, at any addresses and for any
// number of threads.
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/core/convert.hpp>
#include <tilery/kernels/optimizer/norm_kind.hpp>
#include <tilery/kernels/optimizer/tensor_table.hpp>
#include <tilery/policies/elementwise.hpp>
#include <tilery/policies/row.hpp>
#include <tilery/simt/kernel.hpp>
#include <tilery/tile/row_group.hpp>

namespace tilery::inline TILERY_ABI {

/// A tensor that is only read: dense, `size` elements.
template <class T>
struct read_record {
  using element_type = T;

  gmem_ptr<const T> elements;
  std::int64_t size;
  std::int32_t whole_packs;  // 1: the elements are aligned for packs; 0: single elements
  std::int32_t unused = 0;

  bool aligned_for(int vector) const { return elements.aligned_for(vector); }
  TILERY_SIMT read_record known_global() const {
    read_record known = *this;
    known.elements = elements.known_global();
    return known;
  }
};

/// A group of all lanes of a block, which reduces one value of each lane (tile/row_group.hpp).
template <int Threads>
inline constexpr row_policy whole_block{.threads = Threads, .lanes_a_row = Threads, .rows = 1};

/// Kind: a norm of norm_kind.hpp. Table: see tensor_table.hpp.
template <class Kind, class Table>
struct norm_of_chunks_params {
  Table table;
  gmem_ptr<double> sums;  // (chunk, part)
};

template <elementwise_policy P, class Params>
struct norm_of_chunks;

template <elementwise_policy P, class Kind, class Table>
struct norm_of_chunks<P, norm_of_chunks_params<Kind, Table>> {
  static_assert(keeps_rules<P>(), "the policy breaks a rule");
  static constexpr const char* name = "norm_of_chunks";
  static constexpr int threads = P.threads;
  static constexpr bool allows_one_lane = P.threads == 1;
  using params = norm_of_chunks_params<Kind, Table>;
  using record = typename Table::record;
  using T = typename record::element_type;
  using shared = tile::row_slots<whole_block<P.threads>, double>;
  static constexpr int chunk_elements = P.block_elements(), vector = P.vector, parts = Kind::parts;
  /// Independent sums of a lane, because an addition takes several cycles. A pack of a GPU's lane has enough of them.
  static constexpr int chains = P.threads > 1 ? 1 : P.packs % 4 == 0 ? 4 : 1;
  /// Packs that a lane loads before it uses the first one.
  static constexpr int ahead = P.packs % 4 == 0 ? 4 : 1;

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared& smem) {
    const int block = lane.block().x;
    const auto [tensor, chunk] = p.table.find(lane, block);
    const std::int64_t begin = std::int64_t{chunk} * chunk_elements, rest = tensor.size - begin;
    const int count = rest < chunk_elements ? static_cast<int>(rest) : chunk_elements;
    pack<double, vector> sums[chains][parts];
    TILERY_UNROLL
    for (int c = 0; c < chains; ++c) {
      TILERY_UNROLL
      for (int part = 0; part < parts; ++part) sums[c][part] = splat<vector>(0.0);
    }
    if (count == chunk_elements && tensor.whole_packs)
      add_chunk(lane, tensor.elements + begin, sums, whole{});
    else
      add_chunk(lane, tensor.elements + begin, sums, not_whole{count, tensor.whole_packs != 0});

    const typename Kind::combine combine;
    const tile::row_group<whole_block<P.threads>, Lane> group{lane};
    TILERY_UNROLL
    for (int part = 0; part < parts; ++part) {
      pack<double, vector> total = sums[0][part];
      if constexpr (chains == 4)
        total = apply(combine, apply(combine, total, sums[1][part]), apply(combine, sums[2][part], sums[3][part]));
      const double all = group.reduce(fold(combine, total), combine, smem.values);
      if (lane.rank() == 0) lane.store(p.sums + (std::int64_t{block} * parts + part), all);
    }
  }

private:
  struct whole {};
  struct not_whole {
    int count;         // elements of the chunk
    bool whole_packs;  // the elements are aligned for packs
  };

  /// Adds the lane's packs of a chunk to its sums.
  template <class Lane, class Extent>
  TILERY_SIMT static void add_chunk(Lane lane, gmem_ptr<const T> from, pack<double, vector> (&sums)[chains][parts],
                                    Extent extent) {
    TILERY_ROLLED
    for (int i = 0; i < P.packs; i += ahead) {
      pack<T, vector> x[ahead];
      TILERY_UNROLL
      for (int j = 0; j < ahead; ++j) x[j] = load(lane, from, ((i + j) * threads + lane.rank()) * vector, extent);
      TILERY_UNROLL
      for (int j = 0; j < ahead; ++j) {
        const auto wide = widened(x[j]);
        TILERY_UNROLL
        for (int part = 0; part < parts; ++part) sums[j % chains][part] = Kind::add(sums[j % chains][part], wide, part);
      }
      if constexpr (std::is_same_v<Extent, not_whole>)
        if (((i + ahead) * threads) * vector >= extent.count) break;
    }
  }

  template <class Lane>
  TILERY_SIMT static pack<T, vector> load(Lane lane, gmem_ptr<const T> from, int i, whole, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("load elements", at);
    return lane.load(from + i, width<vector>);
  }
  /// Elements out of bounds are 0.
  template <class Lane>
  TILERY_SIMT static pack<T, vector> load(Lane lane, gmem_ptr<const T> from, int i, not_whole extent, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("load elements", at);
    if (extent.whole_packs && i + vector <= extent.count) return lane.load(from + i, width<vector>);
    auto x = splat<vector>(convert<T>(0.0f));
    TILERY_UNROLL
    for (int e = 0; e < vector; ++e)
      if (i + e < extent.count) x.set(e, lane.load(from + (i + e)));
    return x;
  }

  TILERY_SIMT static pack<double, vector> widened(pack<T, vector> x) {
    return convert<double>(convert<accumulator_t<T>>(x));
  }
};

/// The chunks of all tensors as those of one tensor.
struct all_chunks {
  template <class Lane>
  TILERY_SIMT int first_chunk(Lane, int) const {
    return 0;
  }
  static constexpr int size = 1;
};

/// Chunks: a table of tensors, or all_chunks. Result: double or float.
template <class Kind, class Chunks, class Result>
struct norm_totals_params {
  Chunks of;
  std::int32_t chunks;          // of all tensors
  gmem_ptr<const double> sums;  // (chunk, part)
  gmem_ptr<Result> results;     // (tensor)
};

/// results[i] = the norm of tensor i, from the sums of its chunks. One block computes one result. A tensor without
/// chunks has norm 0.
template <int Threads, class Params>
struct norm_totals;

template <int Threads, class Kind, class Chunks, class Result>
struct norm_totals<Threads, norm_totals_params<Kind, Chunks, Result>> {
  static constexpr const char* name = "norm_totals";
  static constexpr int threads = Threads;
  static constexpr bool allows_one_lane = Threads == 1;
  using params = norm_totals_params<Kind, Chunks, Result>;
  using shared = tile::row_slots<whole_block<Threads>, double>;
  static constexpr int parts = Kind::parts, chains = 4;  // chains: independent sums of a lane

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared& smem) {
    const int i = lane.block().x;
    const int begin = p.of.first_chunk(lane, i), end = i + 1 < p.of.size ? p.of.first_chunk(lane, i + 1) : p.chunks;
    const typename Kind::combine combine;
    const tile::row_group<whole_block<Threads>, Lane> group{lane};
    double totals[parts];
    TILERY_UNROLL
    for (int part = 0; part < parts; ++part) {
      double sums[chains] = {};
      TILERY_ROLLED
      for (int chunk = begin + lane.rank(); chunk < end; chunk += chains * threads) {
        TILERY_UNROLL
        for (int c = 0; c < chains; ++c) sums[c] = combine(sums[c], sum_of(lane, p, chunk + c * threads, end, part));
      }
      totals[part] = group.reduce(combine(combine(sums[0], sums[1]), combine(sums[2], sums[3])), combine, smem.values);
    }
    if (lane.rank() == 0) lane.store(p.results + i, static_cast<Result>(Kind::result(totals)));
  }

private:
  template <class Lane>
  TILERY_SIMT static double sum_of(Lane lane, const params& p, int chunk, int end, int part) {
    return chunk < end ? lane.load(p.sums + (std::int64_t{chunk} * parts + part)) : 0.0;
  }
};

}  // namespace tilery::inline TILERY_ABI
