// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// ldmatrix and stmatrix against their definition: every element in its lane, register and half, rows anywhere in shared
// memory, on the virtual GPU and on a GPU; and what the virtual GPU reports of a wrong use.
#include "tests/executors.hpp"

#include <tilery/atoms/matrix_move.hpp>

#ifndef __CUDACC__
#include "tests/planted.hpp"

#include <tilery/core/convert.hpp>
#include <tilery/tile/swizzled_tile.hpp>
#endif

namespace {

using namespace tilery;
using namespace tilery_tests;
using atoms::matrix_order;

// --- every element in its place

constexpr int rows = 64;  // of 8 elements, or 4 words, in shared memory: twice as many as four matrices have

/// Where row r of matrix q lies: no two of them in the same place, none next to its neighbour.
TILERY_SIMT constexpr int place_of(int q, int r) { return (8 * q + r) * 13 % rows; }

struct words {
  gmem_ptr<const int> in;
  gmem_ptr<int> out;
};

struct moves_once {
  static constexpr int threads = 32;
  static constexpr bool allows_one_lane = false;
  struct alignas(16) shared {
    shared_array<int, 4 * rows> x;
  };

  /// The lane's own row; lanes that no matrix needs name the first one.
  template <int Count, class Lane>
  TILERY_SIMT static smem_ptr<int> row(Lane lane, shared& smem) {
    const int q = lane.rank() / 8;
    return smem.x.at(q < Count ? 4 * place_of(q, lane.rank() % 8) : 0);
  }
};

/// in: all of shared memory. out: (lane, register).
template <int Count, matrix_order Order>
struct loads_once : moves_once {
  static constexpr const char* name = "loads_once";
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const words& p, shared& smem) {
    for (int i = lane.rank(); i < 4 * rows; i += 32) lane.store(smem.x.at(i), lane.load(p.in + i));
    lane.sync_warp();
    std::uint32_t held[Count];
    atoms::load_matrices<Count, Order>(lane, held, row<Count>(lane, smem));
    for (int r = 0; r < Count; ++r) lane.store(p.out + (lane.rank() * Count + r), static_cast<int>(held[r]));
  }
};

/// in: (lane, register). out: all of shared memory, -1 where nothing was stored.
template <int Count, matrix_order Order>
struct stores_once : moves_once {
  static constexpr const char* name = "stores_once";
  static constexpr features needs = features::stmatrix;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const words& p, shared& smem) {
    for (int i = lane.rank(); i < 4 * rows; i += 32) lane.store(smem.x.at(i), -1);
    lane.sync_warp();
    std::uint32_t held[Count];
    for (int r = 0; r < Count; ++r) held[r] = static_cast<std::uint32_t>(lane.load(p.in + (lane.rank() * Count + r)));
    atoms::store_matrices<Count, Order>(lane, row<Count>(lane, smem), held);
    lane.sync_warp();
    for (int i = lane.rank(); i < 4 * rows; i += 32) lane.store(p.out + i, lane.load(smem.x.at(i)));
  }
};

/// Elements of 16 bits, all different and none 0xffff.
constexpr int element(int q, int row, int column) { return 0x1000 * q + 0x100 * row + 0x11 * column + 1; }

/// Shared memory that holds Count matrices, -1 elsewhere: two elements a word, the first in the lower half.
std::vector<int> in_shared(int count) {
  std::vector<int> all(4 * rows, -1);
  for (int q = 0; q < count; ++q)
    for (int r = 0; r < 8; ++r)
      for (int w = 0; w < 4; ++w) all[4 * place_of(q, r) + w] = element(q, r, 2 * w) | element(q, r, 2 * w + 1) << 16;
  return all;
}

/// Registers that hold them: lane l has elements 2 (l % 4) and the next of row l / 4; transposed, of column l / 4.
std::vector<int> in_registers(int count, matrix_order order) {
  std::vector<int> all;
  for (int l = 0; l < 32; ++l)
    for (int q = 0; q < count; ++q) {
      const int one = l / 4, other = 2 * (l % 4);
      all.push_back(order == matrix_order::rows ? element(q, one, other) | element(q, one, other + 1) << 16
                                                : element(q, other, one) | element(q, other + 1, one) << 16);
    }
  return all;
}

template <class Executor>
class matrix_move_on : public on_executor<Executor> {
public:
  template <class Kernel>
  std::vector<int> moved(const std::vector<int>& in, std::size_t size) {
    const auto from = this->put(in), to = this->put(std::vector<int>(size, -7));
    launch<Kernel>(this->executor, {1}, words{gmem_ptr<const int>(from.data_handle()), gmem_ptr<int>(to.data_handle())},
                   {reads("in", from.view()), writes("out", to.view())});
    return this->get(to);
  }
  template <int Count>
  void loads() {
    EXPECT_EQ((moved<loads_once<Count, matrix_order::rows>>(in_shared(Count), 32 * Count)),
              in_registers(Count, matrix_order::rows));
    EXPECT_EQ((moved<loads_once<Count, matrix_order::transposed>>(in_shared(Count), 32 * Count)),
              in_registers(Count, matrix_order::transposed));
  }
  template <int Count>
  void stores() {
    EXPECT_EQ((moved<stores_once<Count, matrix_order::rows>>(in_registers(Count, matrix_order::rows), 4 * rows)),
              in_shared(Count));
    EXPECT_EQ((moved<stores_once<Count, matrix_order::transposed>>(in_registers(Count, matrix_order::transposed),
                                                                   4 * rows)),
              in_shared(Count));
  }
};
TYPED_TEST_SUITE(matrix_move_on, gpus);

TYPED_TEST(matrix_move_on, loads_every_element_to_its_place) {
  this->template loads<1>();
  this->template loads<2>();
  this->template loads<4>();
}

TYPED_TEST(matrix_move_on, stores_every_element_to_its_place_and_nothing_else) {
  if (!has_features(this->executor.target(), features::stmatrix)) GTEST_SKIP() << "stmatrix needs sm_90";
  this->template stores<1>();
  this->template stores<2>();
  this->template stores<4>();
}

#ifndef __CUDACC__

TEST(matrix_move, without_checks_is_the_same) {
  const auto run = []<class Kernel>(const std::vector<int>& in, std::size_t size) {
    std::vector<int> out(size, -7);
    launch<Kernel>(unchecked_virtual_gpu(), {1}, words{gmem_ptr<const int>(in.data()), gmem_ptr<int>(out.data())});
    return out;
  };
  EXPECT_EQ((run.operator()<loads_once<4, matrix_order::transposed>>(in_shared(4), 128)),
            in_registers(4, matrix_order::transposed));
  EXPECT_EQ((run.operator()<stores_once<4, matrix_order::rows>>(in_registers(4, matrix_order::rows), 4 * rows)),
            in_shared(4));
}

TEST(matrix_move, an_arch_without_stmatrix_refuses_the_kernel) {
  EXPECT_THROW((launch<stores_once<1, matrix_order::rows>>(virtual_gpu(arch::sm_89), {1}, words{})), error);
}

// --- what is reported. A lane names the row that lane 31 - l has written.

struct one_warp : planted_base {
  static constexpr int threads = 32;
  struct alignas(16) shared {
    shared_array<float, 256> x;
  };
  template <class Lane>
  static smem_ptr<float> mine(Lane lane, shared& smem) {
    return smem.x.at(4 * lane.rank());
  }
  template <class Lane>
  static smem_ptr<float> others(Lane lane, shared& smem) {
    return smem.x.at(4 * (31 - lane.rank()));
  }
  /// Every lane's row is written, and everybody knows it.
  template <class Lane>
  static void write_all(Lane lane, shared& smem) {
    lane.store(mine(lane, smem), splat<4>(1.0f));
    lane.sync_warp();
  }
};

template <bool Wrong>
struct loads_a_misaligned_row : one_warp {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    write_all(lane, smem);
    std::uint32_t held[4];
    const int off = Wrong && lane.rank() == 5 ? 2 : 0;
    lines.now = __LINE__, atoms::load_matrices(lane, held, others(lane, smem) + off);
  }
};
template <bool Wrong>
struct stores_a_misaligned_row : one_warp {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    const std::uint32_t held[4] = {};
    const int off = Wrong && lane.rank() == 5 ? 1 : 0;
    lines.now = __LINE__, atoms::store_matrices(lane, others(lane, smem) + off, held);
  }
};
TEST(matrix_move, reports_a_misaligned_row) {
  expect_fault<loads_a_misaligned_row>(fault_kind::misaligned);
  expect_fault<stores_a_misaligned_row>(fault_kind::misaligned);
}

template <bool Wrong>
struct loads_a_row_that_nobody_wrote : one_warp {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    if (!Wrong || lane.rank() != 20) lane.store(mine(lane, smem), splat<4>(1.0f));
    lane.sync_warp();
    std::uint32_t held[4];
    lines.now = __LINE__, atoms::load_matrices(lane, held, others(lane, smem));
  }
};
template <bool Wrong>
struct loads_one_matrix_too_many : one_warp {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    if (lane.rank() < 16) lane.store(mine(lane, smem), splat<4>(1.0f));
    lane.sync_warp();
    std::uint32_t two[2], four[4];
    if (Wrong)
      lines.now = __LINE__, atoms::load_matrices(lane, four, mine(lane, smem));
    else
      atoms::load_matrices(lane, two, mine(lane, smem));
  }
};
TEST(matrix_move, reports_a_row_that_nobody_wrote) {
  expect_fault<loads_a_row_that_nobody_wrote>(fault_kind::uninitialised);
  expect_fault<loads_one_matrix_too_many>(fault_kind::uninitialised);
}

template <bool Wrong>
struct loads_without_sync : one_warp {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    write_all(lane, smem);
    lines.before = __LINE__, lane.store(mine(lane, smem), splat<4>(2.0f));
    if (!Wrong) lane.sync_warp();
    std::uint32_t held[4];
    lines.now = __LINE__, atoms::load_matrices(lane, held, others(lane, smem));
  }
};
template <bool Wrong>
struct reads_what_was_stored_without_sync : one_warp {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    write_all(lane, smem);
    const std::uint32_t held[4] = {};
    lines.before = __LINE__, atoms::store_matrices(lane, mine(lane, smem), held);
    if (!Wrong) lane.sync_warp();
    lines.now = __LINE__, lane.load(others(lane, smem));
  }
};
/// Of the warp beside: sync_warp is not enough.
template <bool Wrong>
struct loads_without_barrier : one_warp {
  static constexpr int threads = 64;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    lane.store(mine(lane, smem), splat<4>(1.0f));
    lane.sync_block();
    lines.before = __LINE__, lane.store(mine(lane, smem), splat<4>(2.0f));
    if (Wrong)
      lane.sync_warp();
    else
      lane.sync_block();
    std::uint32_t held[4];
    lines.now = __LINE__, atoms::load_matrices(lane, held, smem.x.at(4 * (63 - lane.rank())));
  }
};
TEST(matrix_move, reports_rows_that_other_lanes_wrote_without_a_barrier) {
  expect_both_lines<loads_without_sync>(fault_kind::race);
  expect_both_lines<reads_what_was_stored_without_sync>(fault_kind::race);
  expect_both_lines<loads_without_barrier>(fault_kind::race);
}

template <bool Wrong>
struct loads_without_a_lane : one_warp {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    write_all(lane, smem);
    if (Wrong && lane.rank() == 30) return;
    std::uint32_t held[1];
    lines.now = __LINE__, atoms::load_matrices(lane, held, others(lane, smem));
  }
};
template <bool Wrong>
struct stores_without_a_lane : one_warp {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    if (Wrong && lane.rank() < 2) return;
    const std::uint32_t held[1] = {};
    lines.now = __LINE__, atoms::store_matrices(lane, mine(lane, smem), held);
  }
};
TEST(matrix_move, needs_all_lanes_of_the_warp) {
  expect_fault<loads_without_a_lane>(fault_kind::collective, "it needs all 32 lanes of the warp");
  expect_fault<stores_without_a_lane>(fault_kind::collective, "2 have not reached it");
}

template <bool Wrong>
struct loads_one_or_two : one_warp {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    write_all(lane, smem);
    std::uint32_t one[1], two[2];
    if (!Wrong || lane.rank() % 2)
      lines.now = __LINE__, atoms::load_matrices(lane, one, others(lane, smem));
    else
      lines.before = __LINE__, atoms::load_matrices(lane, two, others(lane, smem));
  }
};
template <bool Wrong>
struct loads_or_stores : one_warp {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    write_all(lane, smem);
    std::uint32_t one[1] = {};
    if (!Wrong || lane.rank() < 16)
      lines.now = __LINE__, atoms::load_matrices(lane, one, mine(lane, smem));
    else
      lines.before = __LINE__, atoms::store_matrices(lane, mine(lane, smem), one);
  }
};
template <bool Wrong>
struct loads_or_syncs : one_warp {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    write_all(lane, smem);
    std::uint32_t one[1];
    if (!Wrong || lane.rank() != 9)
      lines.now = __LINE__, atoms::load_matrices(lane, one, mine(lane, smem));
    else
      lines.before = __LINE__, lane.sync_warp();
  }
};
TEST(matrix_move, must_be_the_same_instruction_in_all_lanes) {
  expect_both_lines<loads_one_or_two>(fault_kind::collective);
  expect_both_lines<loads_or_stores>(fault_kind::collective);
  expect_both_lines<loads_or_syncs>(fault_kind::collective);
}

// --- what it costs: a row of 128 bytes is every bank once

template <int Count, bool Swizzled>
struct loads_from_a_tile : planted_base {
  static constexpr int threads = 32;
  struct shared {
    tile::swizzled_tile<half, 32, 64> x;
  };
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    const auto at = [&](int row, int chunk) {
      return Swizzled ? smem.x.at(row, chunk) : smem.x.at(0, 0) + (row * 64 + chunk * 8);
    };
    for (int row = 0; row < 32; ++row)
      if (lane.rank() < 8) lane.store(at(row, lane.rank()), splat<8>(convert<half>(1.0f)));
    lane.sync_warp();
    std::uint32_t held[Count];
    for (int chunk = 0; chunk < 8; ++chunk) atoms::load_matrices(lane, held, at(lane.rank(), chunk));
  }
};

template <int Count>
void expect_wavefronts() {
  const auto loads = []<bool Swizzled>() {
    const launch_report report = report_of<loads_from_a_tile<Count, Swizzled>>(0);
    EXPECT_EQ(text_of(report), "");
    for (const site_profile& s : report.profiles.at(0).sites)
      if (s.kind == site_kind::shared_load) return s;
    return site_profile{};
  };
  const site_profile plain = loads.template operator()<false>(), swizzled = loads.template operator()<true>();
  EXPECT_EQ(plain.requests, 8);
  EXPECT_EQ(swizzled.requests, 8);
  EXPECT_EQ(plain.bytes, 8 * Count * 128);
  EXPECT_EQ(plain.wavefronts, 8 * Count * 8) << "eight rows in the same banks";
  EXPECT_EQ(plain.fewest_wavefronts, 8 * Count);
  EXPECT_EQ(swizzled.wavefronts, 8 * Count) << "one a matrix";
}
TEST(matrix_move, of_a_swizzled_tile_has_no_bank_conflict) {
  expect_wavefronts<1>();
  expect_wavefronts<2>();
  expect_wavefronts<4>();
}

#endif

}  // namespace
