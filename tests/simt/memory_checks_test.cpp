// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Accesses that the virtual GPU must report whatever the order of lanes: out of bounds, uninitialised, to what is only
// read, misaligned; barriers that not all lanes come to; kernels that do not end.
#include "tests/planted.hpp"

#include <chrono>
#include <cstdio>

namespace {

using namespace tilery;
using namespace tilery_tests;

// --- uninitialised shared memory

template <bool Wrong>
struct fewer_warps_than_slots : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    if (lane.warp_rank() == 0) lane.store(smem.x.at(lane.warp()), lane.load(p.in + lane.rank()));
    if (!Wrong && lane.rank() < 2) lane.store(smem.x.at(2 + lane.rank()), 0.0f);
    lane.sync_block();
    const float total = (lines.now = __LINE__, sum(lane.load(smem.x.at(0), width<4>)));
    if (lane.rank() == 0) lane.store(p.out, total);
  }
};
template <bool Wrong>
struct edge_not_filled : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    if (lane.rank() < 60 || !Wrong) lane.store(smem.x.at(lane.rank()), lane.load(p.in + lane.rank()));
    lane.sync_block();
    lines.now = __LINE__, lane.load(smem.x.at(63 - lane.rank()));
  }
};
template <bool Wrong>
struct left_by_another_block : planted_base {
  static constexpr int blocks = 2;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    if (lane.block().x == 0 || !Wrong) lane.store(smem.x.at(lane.rank()), 1.0f);
    lane.sync_block();
    lines.now = __LINE__, lane.load(smem.x.at(lane.rank()));
  }
};
TEST(memory_checks, uninitialised_shared_memory) {
  expect_fault<fewer_warps_than_slots>(fault_kind::uninitialised, "of 8 bytes at byte 8 of shared memory");
  expect_fault<edge_not_filled>(fault_kind::uninitialised);
  expect_fault<left_by_another_block>(fault_kind::uninitialised, "no lane of this block");
}

// --- global memory that was allocated and never written

struct reads_a_buffer : planted_base {
  struct params {
    gmem_ptr<const float> x;
    gmem_ptr<float> y;
  };
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared&) {
    lane.store(p.y + lane.rank(), (lines.now = __LINE__, lane.load(p.x + lane.rank())));
  }
};
std::string read_a_buffer(int written_from, int written_to) {
  launch_report report;
  const virtual_gpu gpu(arch::sm_90, {.report = &report});
  buffer<float> x(gpu, 64), y(gpu, 64);
  for (int i = written_from; i < written_to; ++i) x.data_handle()[i] = 1;
  launch<reads_a_buffer>(gpu, {1},
                         reads_a_buffer::params{gmem_ptr<const float>(x.data_handle()),
                                                gmem_ptr<float>(y.data_handle())},
                         {reads("x", x.view()), writes("y", y.view())});
  // what a kernel has written is written
  launch<reads_a_buffer>(gpu, {1},
                         reads_a_buffer::params{gmem_ptr<const float>(y.data_handle()),
                                                gmem_ptr<float>(x.data_handle())},
                         {reads("y", y.view()), writes("x", x.view())});
  return text_of(report);
}
TEST(memory_checks, a_buffer_that_was_never_written) {
  EXPECT_EQ(read_a_buffer(0, 64), "");
  for (const auto& [from, to] : {std::pair{0, 0}, std::pair{0, 62}, std::pair{2, 64}}) {
    const std::string text = read_a_buffer(from, to);
    EXPECT_NE(text.find("uninitialised read of 4 bytes"), std::string::npos) << text;
    EXPECT_NE(text.find("of x. "), std::string::npos) << text;
  }
}
/// An element is told apart from its neighbour in the same eight bytes, an element of eight bytes is one.
template <class T>
std::string read_with_one_hole(int hole) {
  struct copies : planted_base {
    struct params {
      gmem_ptr<const T> x;
      gmem_ptr<T> y;
    };
    static void run(const virtual_lane<true>& lane, const params& p, shared&) {
      lane.store(p.y + lane.rank(), (lines.now = __LINE__, lane.load(p.x + lane.rank())));
    }
  };
  launch_report report;
  const virtual_gpu gpu(arch::sm_90, {.report = &report});
  buffer<T> x(gpu, 64), y(gpu, 64);
  for (int i = 0; i < 64; ++i)
    if (i != hole) x.data_handle()[i] = T(i - 32);
  launch<copies>(gpu, {1}, typename copies::params{gmem_ptr<const T>(x.data_handle()), gmem_ptr<T>(y.data_handle())},
                 {reads("x", x.view()), writes("y", y.view())});
  return text_of(report);
}
TEST(memory_checks, one_element_that_was_never_written) {
  for (const int hole : {0, 1, 30, 63}) {
    EXPECT_NE(read_with_one_hole<float>(hole).find("uninitialised read of 4 bytes at byte " + std::to_string(hole * 4) +
                                                   " of x. lane " + std::to_string(hole) + " of"),
              std::string::npos)
        << read_with_one_hole<float>(hole);
    EXPECT_NE(read_with_one_hole<int>(hole).find("uninitialised read of 4 bytes"), std::string::npos);
    EXPECT_NE(read_with_one_hole<double>(hole).find("uninitialised read of 8 bytes"), std::string::npos);
  }
  EXPECT_EQ(read_with_one_hole<float>(-1), "");
  EXPECT_EQ(read_with_one_hole<int>(-1), "");
  EXPECT_EQ(read_with_one_hole<double>(-1), "");
}
TEST(memory_checks, what_was_never_written_is_a_nan_that_no_other_one_looks_like) {
  for (std::uintptr_t at = 0; at < 1 << 20; at += 4) {
    const std::uint32_t word = virtual_machine::unwritten_word(at);
    ASSERT_EQ(word >> 22, 0x7fc00000u >> 22) << at;
    ASSERT_NE(word, 0x7fc00000u) << at;
    ASSERT_NE(word, 0x7fffffffu) << at;
  }
}
/// A launch names what it writes; what held nothing before and holds nothing behind it was forgotten.
template <bool Wrong>
struct fills_rows : planted_base {
  struct params {
    gmem_matrix<float> y;
  };
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared&) {
    const int end = p.y.columns - (Wrong && lane.block().x == 2 ? 3 : 0);
    for (int c = lane.rank(); c < end; c += threads) lane.store(p.y.at(lane.block().x, c), 1.0f);
  }
};
template <bool Wrong>
std::string fill_rows(bool initialised, int rows_named = 3) {
  launch_report report;
  const virtual_gpu gpu(arch::sm_90, {.report = &report});
  buffer<float, 2> y(gpu, 3, 100);
  if (initialised) fill_zero(gpu, y);
  const auto named = matrix(y.data_handle(), rows_named, 100);
  launch<fills_rows<Wrong>>(gpu, {rows_named}, typename fills_rows<Wrong>::params{for_kernel<float>(named)},
                            {writes("y", named)});
  return text_of(report);
}
TEST(memory_checks, elements_of_an_output_that_nobody_wrote) {
  EXPECT_EQ(fill_rows<true>(false),
            "planted: unwritten output. 3 of 300 elements of y were never written; the first is y[2, 97].\n");
  EXPECT_EQ(fill_rows<false>(false), "");
  EXPECT_EQ(fill_rows<true>(true), "") << "what was there before may stay";
  EXPECT_EQ(fill_rows<true>(false, 2), "") << "a launch that means to write a part names the part";
  launch_report report;
  const virtual_gpu gpu(arch::sm_90, {.report = &report});
  buffer<double> one(gpu, 1);
  launch<fills_rows<true>>(gpu, {0}, fills_rows<true>::params{}, {writes("one", one.view())});
  EXPECT_EQ(text_of(report), "") << "an empty grid is no launch";
}
struct sums_into : planted_base {
  struct params {
    gmem_ptr<float> y;
  };
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared&) {
    lane.store(p.y + lane.rank(), lane.load(p.y + lane.rank()) + 1.0f);
  }
};
TEST(memory_checks, an_accumulation_into_what_was_never_cleared) {
  const virtual_gpu gpu;
  buffer<float> y(gpu, 64);
  const auto run = [&] {
    launch<sums_into>(gpu, {1}, sums_into::params{gmem_ptr<float>(y.data_handle())}, {writes("y", y.view())});
  };
  EXPECT_THROW(run(), fault_error);
  fill_zero(gpu, y);
  run();
  EXPECT_EQ(y.data_handle()[63], 1.0f);
}

// --- out of bounds

template <bool Wrong>
struct behind_shared_memory : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    lines.now = __LINE__, lane.store(smem.x.at(lane.rank() * (Wrong ? 5 : 4)), 1.0f);
  }
};
template <bool Wrong>
struct behind_an_operand : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    for (int i = lane.rank() * 4; i < (Wrong ? 257 : 256); i += 256)
      lines.now = __LINE__, lane.load(p.in + (i + (Wrong && lane.rank() == 63 ? 4 : 0)), width<4>);
  }
};
template <bool Wrong>
struct before_an_operand : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    lines.now = __LINE__, lane.store(p.out + (lane.rank() - (Wrong ? 1 : 0)), 1.0f);
  }
};
TEST(memory_checks, out_of_bounds) {
  expect_fault<behind_shared_memory>(fault_kind::out_of_bounds, "shared memory has 1024 bytes");
  expect_fault<behind_an_operand>(fault_kind::out_of_bounds, "at byte 1024 of in");
  expect_fault<before_an_operand>(fault_kind::out_of_bounds, "at byte -4 of out");
}

struct slice_params {
  gmem_matrix<float> x;
  int wrong;
};
struct walks_over_rows {
  static constexpr const char* name = "walks";
  static constexpr int threads = 32;
  static constexpr bool allows_one_lane = false;
  using shared = no_shared;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const slice_params& p, no_shared&) {
    if (lane.rank() < p.x.columns + p.wrong) lane.store(p.x.at(1, lane.rank()), 5.0f);
  }
};
TEST(memory_checks, between_the_rows_of_a_slice_and_nothing_is_written_there) {
  std::vector<float> whole(8 * 16);
  const auto slice = matrix(whole.data(), 8, 10, 16);
  const auto run = [&](int wrong) {
    launch<walks_over_rows>(virtual_gpu(), {1}, slice_params{for_kernel<float>(slice), wrong}, {writes("x", slice)});
  };
  run(0);
  try {
    run(1);
    FAIL();
  } catch (const fault_error& e) {
    ASSERT_EQ(e.faults().size(), 1u);
    EXPECT_EQ(e.faults()[0].kind, fault_kind::out_of_bounds);
    EXPECT_EQ(e.faults()[0].now.lane, 10);
    EXPECT_NE(std::string(e.what()).find("this address is between its rows"), std::string::npos) << e.what();
  }
  EXPECT_EQ(whole[16 + 9], 5.0f);
  EXPECT_EQ(whole[16 + 10], 0.0f);
}

TEST(memory_checks, the_first_unwritten_element_of_five_dimensions) {
  alignas(16) static float memory[2000];
  tensor_view<float, 5> y(memory, 2, 3, 4, 5, 6);
  y.strides[0] = 1000, y.strides[3] = 1, y.strides[4] = 5;  // a gap, and the last two dimensions exchanged in memory
  virtual_machine::mark_unwritten(memory, sizeof(memory));
  for (int n = 0; n < 720; ++n)
    if (n != 360 + 2 * 120 + 0 * 30 + 3 * 6 + 4 && n != 719)
      memory[n / 360 * 1000 + n % 360 / 30 * 30 + n % 30 / 6 + n % 6 * 5] = 1;
  const virtual_machine::unwritten_elements found = virtual_machine::unwritten_elements_of(writes("y", y));
  EXPECT_EQ(found.all, 720);
  EXPECT_EQ(found.count, 2);
  const std::int64_t expected[] = {1, 2, 0, 3, 4};
  for (int d = 0; d < 5; ++d) EXPECT_EQ(found.first[d], expected[d]) << d;
  y.extents[2] = 0;
  EXPECT_EQ(virtual_machine::unwritten_elements_of(writes("y", y)).all, 0);
}

/// One access of a batch of matrices, to where it says; an access of `Width` elements.
struct batch_params {
  gmem_ptr<float> x;
  std::int64_t offset;
  bool writes;
};
template <int Width>
struct one_access {
  static constexpr const char* name = "one access";
  static constexpr int threads = 32;
  static constexpr bool allows_one_lane = false;
  using shared = no_shared;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const batch_params& p, no_shared&) {
    if (lane.rank() != 0) return;
    if (p.writes)
      lane.store(p.x + p.offset, splat<Width>(5.0f));
    else
      lane.load(p.x + p.offset, width<Width>);
  }
};

/// Each access of `Width` elements to a batch, and some elements beside it, is reported where it touches what is no
/// element of it, and only there.
template <int Width, int Rank>
void knows_each_element_of(const int (&extents)[Rank], const int (&strides)[Rank]) {
  alignas(16) static float memory[512];
  tensor_view<float, Rank> batch;
  batch.pointer = memory + 16;
  for (int d = 0; d < Rank; ++d) batch.extents[d] = extents[d], batch.strides[d] = strides[d];
  bool is_element[512] = {};
  for (std::int64_t n = 0; n < batch.size(); ++n) {
    std::int64_t rest = n, at = 16;
    for (int d = Rank - 1; d >= 0; --d) at += rest % extents[d] * strides[d], rest /= extents[d];
    is_element[at] = true;
  }
  const operand all = reads("x", batch);
  const bool may_be_written = !overlaps_itself(all);
  const std::int64_t end = (all.end() - all.begin()) / 4;
  for (std::int64_t at = -16; at < end + 8; at += Width) {
    bool right = true;
    for (int i = 0; i < Width; ++i) right = right && is_element[16 + at + i];
    for (const bool write : {false, true}) {
      if (write && !may_be_written) continue;
      launch_report report;
      memory[16 + at] = 1;
      launch<one_access<Width>>(virtual_gpu(arch::sm_90, {.report = &report}), {1},
                                batch_params{gmem_ptr<float>(batch.pointer), at, write},
                                {describe("x", batch, may_be_written)});
      ASSERT_EQ(report.faults.size(), right ? 0u : 1u)
          << at << " of " << testing::PrintToString(extents) << ", strides " << testing::PrintToString(strides) << "\n"
          << text_of(report);
      if (!right) {
        EXPECT_EQ(report.faults[0].kind, fault_kind::out_of_bounds);
      }
      EXPECT_EQ(memory[16 + at], right && write ? 5 : 1) << at << ": what is reported is not done";
    }
  }
}
template <int Width>
void knows_each_element(int matrices, int matrix_stride, int rows, int row_stride, int columns, int column_stride) {
  knows_each_element_of<Width>({matrices, rows, columns}, {matrix_stride, row_stride, column_stride});
}
TEST(memory_checks, between_the_elements_of_a_tensor_of_any_rank) {
  knows_each_element_of<1>({7}, {3});
  knows_each_element_of<1>({2, 2, 3, 4}, {120, 50, 12, 2});
  knows_each_element_of<1>({2, 2, 3, 2, 4}, {150, 70, 20, 9, 2});  // gaps in each dimension
  knows_each_element_of<1>({2, 3, 2, 2, 5}, {1, 10, 90, 40, 2});   // in another order in memory
  knows_each_element_of<1>({2, 2, 3, 3, 4}, {40, 20, 8, 4, 1});    // windows that overlap
  knows_each_element_of<4>({2, 2, 2, 2, 8}, {160, 80, 40, 12, 1});
}
TEST(memory_checks, between_the_rows_and_the_matrices_of_a_batch) {
  knows_each_element<1>(3, 24, 4, 6, 6, 1);   // one behind the other
  knows_each_element<1>(3, 26, 4, 6, 6, 1);   // a gap behind each matrix
  knows_each_element<1>(3, 24, 3, 8, 5, 1);   // behind each row
  knows_each_element<1>(2, 40, 3, 12, 4, 2);  // behind each element, too
  knows_each_element<1>(3, 7, 4, 32, 5, 1);   // beside each other in the rows
  knows_each_element<1>(3, 1, 4, 30, 5, 4);   // ... and one element of each in turn
  knows_each_element<1>(4, 3, 3, 16, 5, 1);   // windows that overlap
  knows_each_element<1>(3, 5, 4, 3, 2, 7);    // strides that have nothing to do with each other
  knows_each_element<1>(3, 0, 3, 8, 5, 1);    // one for all
  knows_each_element<4>(3, 36, 4, 8, 8, 1);
  knows_each_element<4>(2, 40, 3, 12, 8, 1);
  knows_each_element<4>(3, 8, 3, 32, 5, 1);
  knows_each_element<4>(4, 2, 3, 12, 2, 1);  // an access over several matrices
}
TEST(memory_checks, says_how_a_batch_lies) {
  float memory[100];
  tensor_view<float, 3> batch(memory, 2, 3, 5);
  batch.strides[0] = 40, batch.strides[1] = 8;
  launch_report report;
  launch<one_access<1>>(virtual_gpu(arch::sm_90, {.report = &report}), {1},
                        batch_params{gmem_ptr<float>(memory), 40 + 8 + 5, true}, {writes("x", batch)});
  EXPECT_NE(text_of(report).find("x has 2 x 3 x 5 elements of 4 bytes, with strides 40, 8 and 1; this address is "
                                 "between its rows or matrices"),
            std::string::npos)
      << text_of(report);
}

TEST(memory_checks, says_the_layout_of_a_tensor_of_five_dimensions) {
  float memory[1000];
  tensor_view<float, 5> tensor(memory, 2, 3, 2, 4, 5);
  tensor.strides[0] = 400, tensor.strides[1] = 100;
  launch_report report;
  launch<one_access<1>>(virtual_gpu(arch::sm_90, {.report = &report}), {1},
                        batch_params{gmem_ptr<float>(memory), 50, true}, {writes("x", tensor)});
  EXPECT_NE(text_of(report).find(
                "x has 2 x 3 x 2 x 4 x 5 elements of 4 bytes, with strides 400, 100, 20, 5 and 1; this address is "
                "between its elements"),
            std::string::npos)
      << text_of(report);
}

// --- written, though only read; misaligned

struct writes_its_input : planted_base {
  struct params {
    gmem_ptr<float> x;
  };
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared&) {
    lane.store(p.x + lane.rank(), 1.0f);
  }
};
TEST(memory_checks, an_operand_that_is_only_read) {
  std::vector<float> x(64);
  const writes_its_input::params p{gmem_ptr<float>(x.data())};
  EXPECT_THROW(launch<writes_its_input>(virtual_gpu(), {1}, p, {reads("x", vector(x.data(), 64))}), fault_error);
  EXPECT_EQ(x[0], 0.0f);
  launch<writes_its_input>(virtual_gpu(), {1}, p, {writes("x", vector(x.data(), 64))});
  EXPECT_EQ(x[0], 1.0f);
}

template <bool Wrong>
struct misaligned_shared : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    if (lane.rank() < 32)
      lines.now = __LINE__, lane.store(smem.x.at(lane.rank() * 4 + (Wrong ? 2 : 0)), splat<4>(0.0f));
  }
};
template <bool Wrong>
struct misaligned_load : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    lines.now = __LINE__, lane.load(p.in + (lane.rank() * 2 + (Wrong ? 1 : 0)), width<2>);
  }
};
template <bool Wrong>
struct misaligned_store : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    if (lane.rank() < 60) lines.now = __LINE__, lane.store(p.out + (lane.rank() * 4 + (Wrong ? 3 : 0)), splat<4>(1.0f));
  }
};
TEST(memory_checks, misaligned) {
  expect_fault<misaligned_shared>(fault_kind::misaligned, "of 16 bytes at byte");
  expect_fault<misaligned_load>(fault_kind::misaligned, "of in");
  expect_fault<misaligned_store>(fault_kind::misaligned, "of out");
}

// --- barriers

template <bool Wrong>
struct two_barriers : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared&) {
    if (Wrong && lane.warp() == 1)
      lane.sync_block();
    else
      lane.sync_block();
  }
};
template <bool Wrong>
struct leaves_before_a_barrier : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared&) {
    if (Wrong && lane.rank() >= 50) return;
    lane.sync_block();
  }
};
template <bool Wrong>
struct leaves_before_a_shuffle : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared&) {
    if (Wrong && lane.rank() == 50) return;
    lane.shuffle_xor(lane.rank(), 1);
  }
};
TEST(memory_checks, lanes_that_do_not_come_to_a_meeting) {
  EXPECT_EQ(text_of(report_of<two_barriers<false>>(0)), "");
  const launch_report apart = report_of<two_barriers<true>>(0);
  ASSERT_EQ(apart.faults.size(), 1u);
  EXPECT_EQ(apart.faults[0].kind, fault_kind::collective);
  EXPECT_EQ(apart.faults[0].now.site.line.line, apart.faults[0].before.site.line.line - 2) << apart.faults[0].text();
  expect_fault<leaves_before_a_barrier>(fault_kind::barrier_misuse,
                                        "14 lanes of the block have ended without reaching it");
  expect_fault<leaves_before_a_shuffle>(fault_kind::barrier_misuse, "1 lane of the warp has ended without reaching it");
}

template <bool Wrong>
struct half_of_a_warp_votes : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared&) {
    if (Wrong && lane.rank() < 16)
      lane.ballot(true);
    else
      lane.shuffle(1, 0);
  }
};
TEST(memory_checks, different_collectives_are_a_fault_as_data) {
  const launch_report wrong = report_of<half_of_a_warp_votes<true>>(0);
  ASSERT_EQ(wrong.faults.size(), 1u);
  EXPECT_EQ(wrong.faults[0].kind, fault_kind::collective);
  EXPECT_STREQ(wrong.faults[0].before.site.verb, "ballot");
  EXPECT_STREQ(wrong.faults[0].now.site.verb, "shuffle");
  EXPECT_EQ(text_of(report_of<half_of_a_warp_votes<false>>(0)), "");
}

// --- kernels that do not end

struct spins : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    lane.sync_block();
    if (lane.rank() == 3)
      while (lane.atomic_load(p.flags) == 0) lines.now = __LINE__;
    lane.sync_block();
  }
};
TEST(memory_checks, a_kernel_that_does_not_end) {
  std::vector<float> values(256);
  std::vector<int> flags(8);
  launch_report report;
  launch<spins>(virtual_gpu(arch::sm_90, {.report = &report, .step_limit = 1000}), {1},
                planted_params{gmem_ptr<const float>(values.data()), gmem_ptr<float>(values.data()),
                               gmem_ptr<int>(flags.data())});
  ASSERT_EQ(report.faults.size(), 1u) << text_of(report);
  EXPECT_EQ(report.faults[0].kind, fault_kind::step_limit);
  EXPECT_EQ(report.faults[0].now.site.line.line, lines.now);
  EXPECT_NE(report.faults[0].text().find("lanes 3 were last in atomic_load"), std::string::npos)
      << report.faults[0].text();
  EXPECT_NE(report.faults[0].text().find("sync_block"), std::string::npos) << report.faults[0].text();
}

/// All lanes go round together: their verbs count together, or it would take each of them as long as one alone.
struct goes_round : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    lane.store(smem.x.at(lane.rank()), 0.0f);
    for (int i = 0; i >= 0; i = i & 1023) {
      lane.store(smem.x.at(lane.rank()), lane.load(smem.x.at(lane.rank())) + lane.load(p.in + i % 64));
      lines.now = __LINE__, lane.sync_block();
    }
  }
};
TEST(memory_checks, a_kernel_that_does_not_end_is_told_in_seconds) {
  constexpr std::int64_t some = 2'000'000, limit = virtual_gpu::options{}.step_limit;
  std::vector<float> values(256);
  launch_report report;
  const auto begin = std::chrono::steady_clock::now();
  launch<goes_round>(virtual_gpu(arch::sm_90, {.report = &report, .step_limit = some}), {1},
                     planted_params{gmem_ptr<const float>(values.data()), {}, {}},
                     {reads("in", vector(static_cast<const float*>(values.data()), 256))});
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  ASSERT_EQ(report.faults.size(), 1u) << text_of(report);
  EXPECT_EQ(report.faults[0].kind, fault_kind::step_limit);
  EXPECT_NE(text_of(report).find("the lanes of the block have executed 2000000 loads, stores, barriers and other "
                                 "verbs, and the block has not ended"),
            std::string::npos)
      << text_of(report);
  EXPECT_NE(text_of(report).find("memory_checks_test.cpp:" + std::to_string(lines.now)), std::string::npos);
  const double seconds = took.count() * static_cast<double>(limit) / static_cast<double>(some);
#ifdef TILERY_ASAN_FIBERS
  const double most = 600;  // a sanitizer's program is some five times slower
#else
  const double most = 120;
#endif
  EXPECT_LT(seconds, most) << "some ten where nothing else runs";
  std::printf("without a step_limit it is told after %.0f s\n", seconds);
}

// --- lanes that need more stack than there is

int deeper(int levels) {
  volatile char frame[1024];
  frame[0] = static_cast<char>(levels);
  return levels == 0 ? 0 : deeper(levels - 1) + frame[0];
}
struct recurses : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared&) {
    lines.now = __LINE__, lane.load(p.in + lane.rank());
    lane.sync_block();
    if (lane.rank() == 37) deeper(1 << 20);
    lane.sync_block();
  }
};
TEST(memory_checks, a_stack_overflow_is_a_fault) {
#if defined(TILERY_ASAN_FIBERS)
  GTEST_SKIP() << "AddressSanitizer reports it";
#endif
  for (int i = 0; i < 3; ++i) {
    const launch_report report = report_of<recurses>(0);
    ASSERT_EQ(report.faults.size(), 1u) << text_of(report);
    EXPECT_EQ(report.faults[0].kind, fault_kind::stack_overflow);
    EXPECT_EQ(report.faults[0].now.lane, 37);
    EXPECT_EQ(report.faults[0].now.site.line.line, lines.now + 1) << "the last verb before it";
  }
  std::vector<float> values(256);
  EXPECT_THROW(launch<recurses>(unchecked_virtual_gpu(arch::sm_90, {.threads = 2}), {3},
                                planted_params{gmem_ptr<const float>(values.data()), {}, {}}),
               fault_error);
}
TEST(memory_checks, other_segmentation_faults_stay_what_they_are) {
  struct reads_null : planted_base {
    TILERY_SIMT static void touch() { *static_cast<volatile int*>(nullptr) = 1; }
  };
  EXPECT_DEATH(
      {
        virtual_machine::stack_guard guard;
        reads_null::touch();
      },
      "");
}

// --- how faults are told

TEST(memory_checks, the_first_fault_can_stop_the_launch) {
  EXPECT_GT(report_of<behind_shared_memory<true>>(0).faults[0].count, 1);
  std::vector<float> values(256);
  try {
    launch<behind_shared_memory<true>>(virtual_gpu(arch::sm_90, {.stop_at_first = true}), {1},
                                       planted_params{gmem_ptr<const float>(values.data()),
                                                      gmem_ptr<float>(values.data()), gmem_ptr<int>(nullptr)});
    FAIL();
  } catch (const fault_error& e) {
    ASSERT_EQ(e.faults().size(), 1u);
    EXPECT_EQ(e.faults()[0].count, 1);
  }
}

/// As many distinct faults as there are iterations: each has a step of its own.
template <int Faults>
struct many_faults : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    for (int i = 0; i < Faults && lane.rank() == 0; ++i) {
      [[maybe_unused]] const auto step = lane.step("read", {"many.cpp", i + 1});
      lane.load(smem.x.at(0));
    }
  }
};
template <int Faults>
std::string thrown_text() {
  try {
    launch<many_faults<Faults>>(virtual_gpu(), {1}, planted_params{});
  } catch (const fault_error& e) {
    EXPECT_EQ(e.faults().size(), static_cast<std::size_t>(Faults));
    return e.what();
  }
  return "nothing";
}
TEST(memory_checks, a_long_report_is_cut_where_it_is_thrown) {
  const std::string some = thrown_text<20>(), many = thrown_text<300>();
  EXPECT_NE(some.find("many.cpp:20"), std::string::npos) << some;
  EXPECT_EQ(some.find(" more"), std::string::npos) << some;
  EXPECT_NE(many.find("many.cpp:20"), std::string::npos) << many;
  EXPECT_EQ(many.find("many.cpp:21"), std::string::npos) << many;
  EXPECT_NE(many.find("There are 280 more; faults() of this exception has them all"), std::string::npos) << many;
  EXPECT_EQ(report_of<many_faults<300>>(0).faults.size(), 300u);
}

/// A tile function: its name, the kernel's line and the line inside are told.
template <class Lane, class T>
TILERY_SIMT void fill_a_tile(Lane lane, smem_ptr<T> tile, where at = {}) {
  [[maybe_unused]] const auto step = lane.step("fill a tile", at);
  lines.before = __LINE__, lane.store(tile + 250 + lane.rank(), 1.0f);
}
struct calls_a_step : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    lines.now = __LINE__, fill_a_tile(lane, smem.x.at(0));
  }
};
TEST(memory_checks, a_report_names_the_step_and_the_kernels_line) {
  const launch_report report = report_of<calls_a_step>(0);
  ASSERT_EQ(report.faults.size(), 1u);
  const site& at = report.faults[0].now.site;
  EXPECT_STREQ(at.step, "fill a tile");
  EXPECT_EQ(at.line.line, lines.before);
  EXPECT_EQ(at.kernel_line.line, lines.now);
}

}  // namespace
