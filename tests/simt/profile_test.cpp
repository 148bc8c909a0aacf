// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The profile of the virtual GPU: what warp-wide accesses cost, how lanes' accesses become requests, the roofline, and
// the reports. Sectors and wavefronts are counted by hand.
#include <tilery/simt/virtual/block_requests.hpp>
#include <tilery/simt/virtual/profile_html.hpp>
#include <tilery/simt/virtual/profile_text.hpp>
#include <tilery/simt/virtual/report_json.hpp>
#include <tilery/simt/virtual/roofline.hpp>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <functional>

namespace {

using namespace tilery;
using virtual_machine::block_requests;
using virtual_machine::profile_recorder;
using virtual_machine::site_table;

// --- single requests

struct pattern {
  const char* name;
  std::function<std::uintptr_t(int)> at;
  int bytes;
  std::uint32_t lanes;
  int first, fewest;  // sectors and fewest sectors, or wavefronts and fewest wavefronts
};

template <class Cost>
auto cost_of(const pattern& p, Cost cost) {
  std::uintptr_t at[32];
  for (int i = 0; i < 32; ++i)
    at[i] = p.lanes >> i & 1 ? p.at(i) : 12345;  // what lanes left there before must not count
  return cost(virtual_machine::warp_request{at, p.lanes, p.bytes});
}

constexpr std::uint32_t all = 0xffffffff;
auto stride(std::uintptr_t bytes, std::uintptr_t from = 0) {
  return [=](int i) { return from + static_cast<std::uintptr_t>(i) * bytes; };
}

TEST(warp_request, sectors_of_global_memory) {
  const pattern patterns[] = {
      {"stride 1 of 4 bytes", stride(4), 4, all, 4, 4},
      {"misaligned by 4", stride(4, 4), 4, all, 5, 4},
      {"stride 2 of 4 bytes", stride(8), 4, all, 8, 4},
      {"stride 32 of 4 bytes", stride(128), 4, all, 32, 4},
      {"stride 33 of 4 bytes", stride(132), 4, all, 32, 4},
      {"16 bytes a lane", stride(16), 16, all, 16, 16},
      {"8 bytes a lane", stride(8), 8, all, 8, 8},
      {"1 byte a lane", stride(1, 64), 1, all, 1, 1},
      {"2 bytes a lane, across a border", stride(2, 30), 2, all, 3, 2},
      {"a broadcast", stride(0, 4096), 4, all, 1, 1},
      {"a permutation", [](int i) { return static_cast<std::uintptr_t>(i * 13 % 32) * 4; }, 4, all, 4, 4},
      {"two rows in turn", [](int i) { return static_cast<std::uintptr_t>(i % 2 * 4096 + i / 2 * 4); }, 4, all, 4, 4},
      {"three lanes", stride(4, 28), 4, 0x7, 2, 1},
      {"one lane, the last", stride(64), 16, 0x80000000, 1, 1},
      {"high addresses", stride(4, 0xffffffffffff0000), 4, all, 4, 4},
  };
  for (const pattern& p : patterns) {
    const auto cost = cost_of(p, [](const auto& r) { return virtual_machine::global_cost(r); });
    EXPECT_EQ(cost.sectors, p.first) << p.name;
    EXPECT_EQ(cost.fewest, p.fewest) << p.name;
  }
}

TEST(warp_request, wavefronts_of_shared_memory) {
  const auto by_pairs = [](int i) { return static_cast<std::uintptr_t>(i / 2) * 16; };
  const auto by_fours = [](int i) { return static_cast<std::uintptr_t>((i & 1) | (i >> 2 << 1)) * 16; };  // i and i ^ 2
  const pattern loads[] = {
      {"stride 1 of 4 bytes", stride(4), 4, all, 1, 1},
      {"shifted by a word", stride(4, 4), 4, all, 1, 1},
      {"stride 2: two words in each second bank", stride(8), 4, all, 2, 1},
      {"stride 32: a column of a tile", stride(128), 4, all, 32, 1},
      {"stride 33: the same column, padded", stride(132), 4, all, 1, 1},
      {"stride 1 but for the last, in the first one's bank",
       [](int i) { return std::uintptr_t(i == 31 ? 128 : i * 4); }, 4, all, 2, 1},
      {"a broadcast", stride(0), 4, all, 1, 1},
      {"a permutation", [](int i) { return static_cast<std::uintptr_t>(i * 5 % 32) * 4; }, 4, all, 1, 1},
      {"bytes: four lanes a word", stride(1), 1, all, 1, 1},
      {"halves, stride 2", stride(4), 2, all, 1, 1},
      {"halves, a column of rows of 128 bytes", stride(128), 2, all, 32, 1},
      {"8 bytes, stride 1: half-warps", stride(8), 8, all, 2, 2},
      {"8 bytes, stride 2: 16 units in 8 columns", stride(16), 8, all, 4, 2},
      {"8 bytes, one address: the halves go together", stride(0), 8, all, 1, 1},
      {"8 bytes, the first half-warp alone", stride(8), 8, 0xffff, 1, 1},
      {"16 bytes, stride 1: quarter-warps", stride(16), 16, all, 4, 4},
      {"16 bytes, stride 2: 8 units in 4 columns", stride(32), 16, all, 8, 4},
      {"16 bytes, rows of 128 bytes", stride(128), 16, all, 32, 4},
      {"16 bytes, rows padded by 16", stride(144), 16, all, 4, 4},
      {"16 bytes, one address", stride(0), 16, all, 2, 2},
      {"16 bytes, lanes i and i ^ 1 agree", by_pairs, 16, all, 2, 2},
      {"16 bytes, lanes i and i ^ 2 agree", by_fours, 16, all, 2, 2},
      {"16 bytes, agreeing but for one lane", [=](int i) { return i == 31 ? 512 : by_pairs(i); }, 16, all, 4, 4},
      {"16 bytes, agreeing where lanes take part", by_pairs, 16, 0x55555555, 2, 2},
      {"16 bytes, agreeing lanes in conflict", [=](int i) { return by_pairs(i) * 2; }, 16, all, 4, 2},
      {"16 bytes, three lanes of one quarter", stride(16), 16, 0x7000, 1, 1},
      {"16 bytes, a lane of each half", stride(128), 16, 0x00010001, 2, 2},
  };
  for (const pattern& p : loads) {
    const auto cost = cost_of(p, [](const auto& r) { return virtual_machine::shared_cost(r, true); });
    EXPECT_EQ(cost.wavefronts, p.first) << p.name;
    EXPECT_EQ(cost.fewest, p.fewest) << p.name;
  }
  const pattern store{"a store of 16 bytes by pairs: no groups go together", by_pairs, 16, all, 4, 4};
  EXPECT_EQ(cost_of(store, [](const auto& r) { return virtual_machine::shared_cost(r, false); }).wavefronts, 4);
}

// --- lanes become warps

/// A recorder, one block's requests and a site for each kind, as a checked lane would use them.
struct recording {
  site_table sites;
  profile_recorder totals;
  block_requests block{totals};
  std::uint32_t load = sites.number(0, "load", {"kernel.hpp", 10}),
                store = sites.number(0, "store", {"kernel.hpp", 11}),
                barrier = sites.number(0, "sync_block", {"kernel.hpp", 12});

  launch_profile result(int threads = 32) const {
    return totals.result(sites, "planted", arch::sm_90, {1, 1, 1}, threads, 0);
  }
  site_profile of(std::uint32_t number, site_kind kind) const {
    const site wanted = sites.describe(number);
    for (const site_profile& p : result().sites)
      if (p.site.line.line == wanted.line.line && p.kind == kind) return p;
    return {};
  }
};

TEST(block_requests, the_nth_execution_of_each_lane_is_one_request) {
  recording r;
  r.block.begin_block(64);
  for (int rank = 0; rank < 64; ++rank)
    for (int row = 0; row < 5; ++row)
      r.block.access(r.load, site_kind::global_load, rank, static_cast<std::uintptr_t>(row * 4096 + rank * 4), 4);
  EXPECT_EQ(r.of(r.load, site_kind::global_load).requests, 0);  // not yet: the warps have not met
  r.block.end_block();
  const site_profile p = r.of(r.load, site_kind::global_load);
  EXPECT_EQ(p.requests, 10);
  EXPECT_EQ(p.lanes, 320);
  EXPECT_EQ(p.bytes, 1280);
  EXPECT_EQ(p.sectors, 40);
  EXPECT_EQ(p.fewest_sectors, 40);
  EXPECT_EQ(p.divergent, 0);
  EXPECT_EQ(r.result().unique_bytes_read, 5 * 256);
  EXPECT_EQ(r.result().unique_bytes_written, 0);
}

TEST(block_requests, a_meeting_puts_lanes_that_skipped_in_step_again) {
  recording r;
  r.block.begin_block(32);
  for (int step = 0; step < 2; ++step) {
    for (int rank = 0; rank < 32; ++rank) {
      if (step == 1 || rank >= 8)
        r.block.access(r.load, site_kind::shared_load, rank, static_cast<std::uintptr_t>(rank * 4), 4);
      r.block.synchronisation(r.barrier, site_kind::barrier, rank);
    }
    r.block.aligned(0, all);
  }
  r.block.end_block();
  const site_profile p = r.of(r.load, site_kind::shared_load), b = r.of(r.barrier, site_kind::barrier);
  EXPECT_EQ(p.requests, 2);
  EXPECT_EQ(p.lanes, 24 + 32);
  EXPECT_EQ(p.divergent, 1);
  EXPECT_EQ(p.wavefronts, 2);
  EXPECT_EQ(b.requests, 2);
  EXPECT_EQ(b.lanes, 64);
  EXPECT_EQ(b.divergent, 0);
}

TEST(block_requests, lanes_of_unequal_loops_and_the_last_warp_of_a_block) {
  recording r;
  r.block.begin_block(40);  // the second warp has 8 lanes
  for (int rank = 0; rank < 40; ++rank)
    for (int n = 0; n <= rank % 4; ++n)
      r.block.access(r.load, site_kind::shared_load, rank, static_cast<std::uintptr_t>(rank * 4), 4);
  r.block.end_block();
  const site_profile p = r.of(r.load, site_kind::shared_load);
  EXPECT_EQ(p.requests, 8);
  EXPECT_EQ(p.lanes, 32 + 24 + 16 + 8 + 8 + 6 + 4 + 2);
  EXPECT_EQ(p.divergent, 6);  // all but the first of each warp

  r.block.begin_block(32);  // half of the warp has left before the last meeting: the other half is all there is
  r.block.aligned(0, 0xffff);
  for (int rank = 0; rank < 16; ++rank) r.block.access(r.store, site_kind::shared_store, rank, 0, 4);
  r.block.aligned(0, 0xffff);
  r.block.end_block();
  EXPECT_EQ(r.of(r.store, site_kind::shared_store).requests, 1);
  EXPECT_EQ(r.of(r.store, site_kind::shared_store).divergent, 0);
}

TEST(block_requests, blocks_that_interleave_do_not_mix) {
  recording r;
  block_requests other{r.totals};
  r.block.begin_block(32);
  other.begin_block(32);
  for (int rank = 0; rank < 32; ++rank) {
    r.block.access(r.load, site_kind::shared_load, rank, static_cast<std::uintptr_t>(rank * 4), 4);
    other.access(r.load, site_kind::shared_load, rank, static_cast<std::uintptr_t>(rank * 128), 4);
  }
  other.end_block();
  EXPECT_EQ(r.of(r.load, site_kind::shared_load).wavefronts, 32);
  r.block.end_block();
  EXPECT_EQ(r.of(r.load, site_kind::shared_load).wavefronts, 33);
  EXPECT_EQ(r.of(r.load, site_kind::shared_load).requests, 2);
}

TEST(block_requests, wide_accesses_are_several_instructions_and_widths_do_not_mix) {
  recording r;
  r.block.begin_block(32);
  for (int rank = 0; rank < 32; ++rank) {
    r.block.access(r.load, site_kind::global_load, rank, static_cast<std::uintptr_t>(rank * 64), 64);
    r.block.access(r.load, site_kind::shared_load, rank, static_cast<std::uintptr_t>(rank * 16), 12);  // 8, then 4
  }
  r.block.end_block();
  const site_profile global = r.of(r.load, site_kind::global_load), shared = r.of(r.load, site_kind::shared_load);
  EXPECT_EQ(global.requests, 4);
  EXPECT_EQ(global.bytes, 2048);
  EXPECT_EQ(global.sectors, 4 * 32);
  EXPECT_EQ(global.fewest_sectors, 4 * 16);
  EXPECT_EQ(r.result().unique_bytes_read, 2048);
  EXPECT_EQ(shared.requests, 2);
  EXPECT_EQ(shared.bytes, 384);
  EXPECT_EQ(shared.wavefronts, 4 + 4);  // 8 bytes: 8 columns of 2 for each half; 4 bytes: 32 words in 8 banks
}

TEST(block_requests, a_loop_too_long_to_be_kept_is_taken_to_go_on_alike) {
  recording r;
  r.block.begin_block(32);
  for (int rank = 0; rank < 32; ++rank)
    for (int n = 0; n < 5000; ++n) {
      r.block.access(r.load, site_kind::global_load, rank, static_cast<std::uintptr_t>(n * 128 + rank * 4), 4);
      if (rank < 16) r.block.access(r.store, site_kind::shared_store, rank, static_cast<std::uintptr_t>(rank * 8), 4);
    }
  r.block.end_block();
  const site_profile p = r.of(r.load, site_kind::global_load), s = r.of(r.store, site_kind::shared_store);
  EXPECT_EQ(p.requests, 5000);
  EXPECT_EQ(p.lanes, 160000);
  EXPECT_EQ(p.bytes, 640000);
  EXPECT_EQ(p.sectors, 20000);
  EXPECT_EQ(p.divergent, 0);
  EXPECT_EQ(r.result().unique_bytes_read, 640000);  // this is exact
  EXPECT_EQ(s.requests, 5000);
  EXPECT_EQ(s.bytes, 320000);
  EXPECT_EQ(s.divergent, 5000);
  EXPECT_EQ(s.wavefronts, 5000);
}

TEST(profile, unique_bytes_count_each_sector_once_and_reads_apart_from_writes) {
  recording r;
  for (int block = 0; block < 3; ++block) {
    r.block.begin_block(32);
    for (int rank = 0; rank < 32; ++rank) {
      const auto at = static_cast<std::uintptr_t>(0x7f0000000000 + rank * 4);
      r.block.access(r.load, site_kind::global_load, rank, at, 4);
      r.block.access(r.load, site_kind::global_load, rank, at + 65536, 4);       // another page
      r.block.access(r.load, site_kind::global_load, rank, at + 16 * 65536, 4);  // that shares the first one's place
      r.block.access(r.store, site_kind::global_store, rank, at + 128, 4);
    }
    if (block == 2) r.block.access(r.store, site_kind::atomic, 0, 64, 4);
    r.block.end_block();
  }
  EXPECT_EQ(r.result().unique_bytes_read, 3 * 128 + 32);
  EXPECT_EQ(r.result().unique_bytes_written, 128 + 32);
}

TEST(profile, sites_are_sorted_by_their_cycles) {
  recording r;
  const auto multiply = r.sites.number(0, "fma", {"kernel.hpp", 20});
  r.block.begin_block(32);
  for (int rank = 0; rank < 32; ++rank) {
    r.block.access(r.load, site_kind::shared_load, rank, static_cast<std::uintptr_t>(rank * 128), 4);  // 32 wavefronts
    r.block.access(r.store, site_kind::global_store, rank, static_cast<std::uintptr_t>(rank * 4), 4);  // 4 sectors
    r.block.operations(multiply, compute_unit::fma_f32, 128);
  }
  r.block.end_block();
  const launch_profile p = r.result();
  ASSERT_EQ(p.sites.size(), 3u);
  EXPECT_EQ(p.sites[0].kind, site_kind::shared_load);
  EXPECT_EQ(p.sites[0].cycles(peaks(arch::sm_90)), 32);
  EXPECT_EQ(p.sites[1].kind, site_kind::operations);
  EXPECT_EQ(p.sites[1].cycles(peaks(arch::sm_90)), 32);  // 4096 at 128 a clock
  EXPECT_EQ(p.sites[1].cycles(peaks(arch::sm_80)), 64);
  EXPECT_EQ(p.sites[2].cycles(peaks(arch::sm_90)), 2);
  EXPECT_EQ(p.operations(compute_unit::fma_f32), 4096);
}

// --- the roofline

/// A launch with one site of each kind that a test fills in.
launch_profile launch_of(std::int64_t blocks, std::vector<site_profile> sites = {}) {
  return {"planted", arch::sm_90, {static_cast<int>(blocks), 1, 1}, 256, 0, 0, 0, std::move(sites)};
}

site_profile site_of(site_kind kind, std::int64_t site_profile::*what, std::int64_t value) {
  site_profile s;
  s.kind = kind, s.*what = value;
  return s;
}

TEST(roofline, memory) {
  launch_profile p = launch_of(1320, {site_of(site_kind::global_load, &site_profile::sectors, 1 << 21)});
  p.unique_bytes_read = 1 << 26;  // each sector once
  const roofline h100 = bound_of(p);
  EXPECT_STREQ(h100.bound_by(), "DRAM");
  EXPECT_NEAR(h100.seconds(), 67108864 / 3352e9, 1e-12);
  EXPECT_EQ(h100.text(), "at least 20 us on an H100 SXM: bound by DRAM (67.1 MB, each sector once, at 3.4 TB/s)");
  EXPECT_NEAR(bound_of(p, all_arch_peaks[5]).seconds(), 67108864 / 4800e9, 1e-12);
  EXPECT_STREQ(all_arch_peaks[5].product, "H200 SXM");

  p.sites[0].sectors = std::int64_t{1} << 26;  // each sector 32 times: what L1 hands out is the bound
  EXPECT_STREQ(bound_of(p).bound_by(), "L1");
  EXPECT_NEAR(bound_of(p).seconds(), 2147483648.0 / (132 * 128 * 1.98e9), 1e-12);

  p.sites[0].kind = site_kind::global_store;  // stores go to L2, at half the width
  EXPECT_STREQ(bound_of(p).bound_by(), "L2");
  EXPECT_NEAR(bound_of(p).seconds(), (2147483648.0 + 67108864) / (132 * 64 * 1.98e9), 1e-12);
  EXPECT_NEAR(bound_of(p, peaks(arch::sm_80)).seconds(), (2147483648.0 + 67108864) / (5120 * 1.41e9), 1e-12);
}

TEST(roofline, says_times_in_three_digits) {
  using virtual_machine::time_text;
  EXPECT_EQ(time_text(0), "0 ns");
  EXPECT_EQ(time_text(12.34e-9), "12.3 ns");
  EXPECT_EQ(time_text(999.4e-9), "999 ns");
  EXPECT_EQ(time_text(999.6e-9), "1 us");
  EXPECT_EQ(time_text(3.14159e-6), "3.14 us");
  EXPECT_EQ(time_text(0.0123), "12.3 ms");
  EXPECT_EQ(time_text(0.9996), "1 s");
  EXPECT_EQ(time_text(1.5), "1.5 s");
  EXPECT_EQ(time_text(999.6), "1000 s");
  EXPECT_EQ(time_text(123456), "123456 s");
}

TEST(roofline, shared_memory_and_arithmetic_of_a_gemm) {
  // 1024 cubed in 64 blocks of 128 x 128: 2^30 multiply-adds; and a wavefront for each 32 of them
  std::vector<site_profile> sites{site_of(site_kind::shared_load, &site_profile::wavefronts, 1 << 25), {}};
  sites[1].kind = site_kind::operations;
  sites[1].operations[static_cast<int>(compute_unit::fma_f32)] = 1 << 30;
  const launch_profile p = launch_of(64, sites);
  const roofline r = bound_of(p);
  ASSERT_EQ(r.resources.size(), 2u);
  EXPECT_EQ(r.resources[0].name, "shared memory");
  EXPECT_NEAR(r.resources[0].seconds, 33554432 / (64 * 1.98e9), 1e-12);  // 64 multiprocessors of 132 have a block
  EXPECT_EQ(r.resources[1].name, "fma f32");
  EXPECT_NEAR(r.resources[1].seconds, 1073741824 / (64 * 128 * 1.98e9), 1e-12);
  EXPECT_NEAR(r.filled(), 64.0 / 132, 1e-12);
  EXPECT_EQ(r.resources[1].needs, "1.1G operations at 16.2T a second");
  EXPECT_EQ(r.resources[0].needs, "33.6M wavefronts, 0 without a conflict");
  EXPECT_NE(r.text().find("; 64 blocks fill 48 % of its 132 SMs"), std::string::npos) << r.text();
  EXPECT_NEAR(bound_of(launch_of(133)).filled(), 133.0 / 264, 1e-12);
  EXPECT_EQ(bound_of(launch_of(1)).text(), "nothing to do on an H100 SXM");
}

TEST(roofline, tensor_cores_have_a_clock_of_their_own_and_may_be_missing) {
  site_profile s;
  s.kind = site_kind::operations;
  s.operations[static_cast<int>(compute_unit::tensor_f8)] = std::int64_t{1} << 40;
  const launch_profile p = launch_of(132, {s});
  EXPECT_NEAR(bound_of(p).seconds(), 1099511627776.0 / (132 * 4096 * 1.83e9), 1e-9);
  site_profile of_double = s;
  of_double.operations[static_cast<int>(compute_unit::tensor_f8)] = 0;
  of_double.operations[static_cast<int>(compute_unit::tensor_f64)] = std::int64_t{1} << 40;
  EXPECT_NEAR(bound_of(launch_of(132, {of_double})).seconds(), 1099511627776.0 / (132 * 128 * 1.98e9), 1e-9);
  EXPECT_EQ(bound_of(p, peaks(arch::sm_80)).text(),
            "cannot run on an A100 SXM 80GB: it needs tensor f8, a unit that it lacks");
}

TEST(peaks, come_to_the_published_operations_a_second) {
  const auto tera = [](arch id, int unit_rates::*what, bool tensor) {
    const arch_peaks& p = peaks(id);
    return 2e-12 * p.multiprocessors * (p.a_clock.*what) * (tensor ? p.tensor_clock : p.clock);
  };
  EXPECT_NEAR(tera(arch::sm_75, &unit_rates::fma_f32, false), 8.1, 0.1);
  EXPECT_NEAR(tera(arch::sm_75, &unit_rates::tensor_f16, true), 65, 0.5);
  EXPECT_NEAR(tera(arch::sm_80, &unit_rates::fma_f32, false), 19.5, 0.1);
  EXPECT_NEAR(tera(arch::sm_80, &unit_rates::tensor_f64, false), 19.5, 0.1);
  EXPECT_NEAR(tera(arch::sm_80, &unit_rates::tensor_s8, true), 624, 1);
  EXPECT_NEAR(tera(arch::sm_86, &unit_rates::tensor_f16, true), 71, 0.5);
  EXPECT_NEAR(tera(arch::sm_89, &unit_rates::fma_f32, false), 82.6, 0.1);
  EXPECT_NEAR(tera(arch::sm_89, &unit_rates::tensor_f8, true), 330.3, 0.2);
  EXPECT_NEAR(tera(arch::sm_90, &unit_rates::tensor_f16, true), 989.4, 1);
  EXPECT_NEAR(tera(arch::sm_90, &unit_rates::fma_f64, false), 33.5, 0.1);
  EXPECT_NEAR(tera(arch::sm_90, &unit_rates::tensor_f64, false), 66.9, 0.1);
  EXPECT_NEAR(tera(arch::sm_100, &unit_rates::tensor_f16, true), 2250, 5);
  EXPECT_NEAR(tera(arch::sm_100, &unit_rates::fma_f32, false), 75, 1);
  EXPECT_NEAR(tera(arch::sm_120, &unit_rates::tensor_f16, true), 209.5, 0.2);
  for (const arch_limits& a : all_arch_limits) {
    if (a.id != arch::cpu) {
      EXPECT_EQ(peaks(a.id).id, a.id);
    }
  }
}

// --- reports

/// A kernel whose source lies in a file of the test: a step's two lines, a line of its own, a fault with two sides.
struct report {
  std::string kernel = (std::filesystem::path(testing::TempDir()) / "profile_test_kernel.hpp").string(),
              step = (std::filesystem::path(testing::TempDir()) / "profile_test_step.hpp").string();
  recording r;
  launch_profile launch;
  std::vector<fault> faults;

  report() {
    std::ofstream text(kernel);
    for (int i = 1; i <= 60; ++i)
      text << (i == 30 ? "  fetch<\"A & B\">(a);" : "// kernel line " + std::to_string(i)) << "\n";
    std::ofstream(step) << "// first\n  value = lane.load(p + i);\n  lane.store(smem + i, value);\n";
    const auto fetch = r.sites.step(0, "fetch <a tile>", {kernel.c_str(), 30});
    const auto load = r.sites.number(fetch, "load", {step.c_str(), 2}),
               store = r.sites.number(fetch, "store", {step.c_str(), 3}),
               own = r.sites.number(0, "load", {kernel.c_str(), 33});
    r.block.begin_block(32);
    for (int rank = 0; rank < 32; ++rank) {
      r.block.access(load, site_kind::global_load, rank, static_cast<std::uintptr_t>(rank * 8), 4);
      r.block.access(store, site_kind::shared_store, rank, static_cast<std::uintptr_t>(rank * 128), 4);
      if (rank > 0) r.block.access(own, site_kind::shared_load, rank, static_cast<std::uintptr_t>(rank * 4), 4);
    }
    r.block.end_block();
    launch = r.totals.result(r.sites, "planted<\"&\">", arch::sm_90, {132, 1, 1}, 32, 4096);
    fault f;
    f.kernel = launch.kernel;
    f.now = {r.sites.describe(own), {1, 2, 3}, 5, false};
    f.before = {r.sites.describe(store), {1, 2, 3}, 4, true};
    f.memory = "shared <memory>", f.offset = 16, f.bytes = 4, f.missing = "sync_block() & more";
    faults.push_back(f);
  }
};

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(report, as_text) {
  const report r;
  const std::string text = text_of(r.launch);
  EXPECT_TRUE(holds(text, "132 blocks of 32 threads, 4096 bytes of shared memory; reads 256 B and writes 0 B")) << text;
  EXPECT_TRUE(holds(
      text,
      "  86 %  shared store            1  32 wavefronts a request, 1 at best; store at profile_test_step.hpp:3, in 'fetch <a tile>' called at profile_test_kernel.hpp:30\n"))
      << text;
  EXPECT_TRUE(
      holds(text, "  11 %  global load             1  8 sectors a request, 4 at best; load at profile_test_step.hpp:2"))
      << text;
  EXPECT_TRUE(holds(
      text,
      "   3 %  shared load             1  1 wavefront a request, 100 % divergent; load at profile_test_kernel.hpp:33\n"))
      << text;
  EXPECT_LT(text.find("shared store"), text.find("global load"));
}

TEST(report, as_json) {
  const report r;
  const nlohmann::json sent = {{"profile", r.launch}, {"faults", r.faults}, {"bound", bound_of(r.launch)}};
  const nlohmann::json json = nlohmann::json::parse(sent.dump());
  EXPECT_EQ(json, sent);
  const nlohmann::json& profile = json["profile"];
  EXPECT_EQ(profile["kernel"], "planted<\"&\">");
  EXPECT_EQ(profile["arch"], "sm_90");
  EXPECT_EQ(profile["blocks"], (std::vector<int>{132, 1, 1}));
  EXPECT_EQ(profile["unique_bytes_read"], 256);
  ASSERT_EQ(profile["sites"].size(), 3u);
  const nlohmann::json& first = profile["sites"][0];
  EXPECT_EQ(first["kind"], "shared store");
  EXPECT_EQ(first["wavefronts"], 32);
  EXPECT_EQ(first["fewest_wavefronts"], 1);
  EXPECT_EQ(first["site"]["step"], "fetch <a tile>");
  EXPECT_EQ(first["site"]["line"]["line"], 3);
  EXPECT_EQ(first["site"]["kernel_line"]["line"], 30);
  EXPECT_EQ(first["site"]["kernel_line"]["file"], r.kernel);
  EXPECT_FALSE(profile["sites"][2]["site"].contains("step"));
  EXPECT_EQ(profile["sites"][2]["divergent"], 1);
  EXPECT_EQ(json["faults"][0]["kind"], "race");
  EXPECT_EQ(json["faults"][0]["now"]["lane"], 5);
  EXPECT_EQ(json["faults"][0]["before"]["writes"], true);
  EXPECT_EQ(json["faults"][0]["text"], r.faults[0].text());
  EXPECT_EQ(json["bound"]["product"], "H100 SXM");
  EXPECT_EQ(nlohmann::json(site_of(site_kind::fence, &site_profile::requests, 3))["requests"], 3);
}

/// What is wrong with the elements of a page: "" where each is closed in its turn and no text holds a bare "<" or "&".
std::string broken_markup(const std::string& page) {
  std::vector<std::string> open;
  for (std::size_t i = page.find('<', 1); i < page.size();) {
    if (page[i] == '&') {
      const std::size_t end = page.find(';', i);
      if (end == std::string::npos || end - i > 7) return "a bare & at " + page.substr(i, 30);
    }
    if (page[i] != '<') {
      ++i;
      continue;
    }
    const std::size_t end = page.find('>', i);
    if (end == std::string::npos) return "an open tag";
    std::string tag = page.substr(i + 1, end - i - 1);
    const bool closes = tag[0] == '/';
    const std::string name = tag.substr(closes, tag.find(' ') - closes);
    static const std::set<std::string> known = {"html",    "head",    "title", "style", "body", "h1", "h2",
                                                "p",       "ul",      "li",    "table", "tr",   "td", "span",
                                                "details", "summary", "code",  "meta",  "br"};
    if (!known.count(name)) return "the element " + name;
    if (closes) {
      if (open.empty() || open.back() != name)
        return "/" + name + " closes " + (open.empty() ? "nothing" : open.back());
      open.pop_back();
    } else if (name != "meta" && name != "br") {
      open.push_back(name);
    }
    i = end + 1;
    if (name == "style" && !closes) i = page.find("</style>", i);
  }
  return open.empty() ? "" : open.back() + " is not closed";
}

TEST(report, as_html) {
  const report r;
  const std::string page = html_of(r.launch, r.faults);
  EXPECT_EQ(broken_markup(page), "");
  EXPECT_TRUE(holds(page, "fetch&lt;&quot;A &amp; B&quot;&gt;(a);"));
  EXPECT_TRUE(holds(page, "<summary>fetch &lt;a tile&gt;, 97 %</summary>")) << page;
  EXPECT_TRUE(holds(page, "<code>lane.store(smem + i, value);</code>"));
  EXPECT_TRUE(holds(page, "shared load, 1 request; 1 wavefront a request; 100 % divergent"));
  EXPECT_TRUE(holds(page, "sync_block() &amp; more"));
  EXPECT_TRUE(holds(page, "race: lane 5 of block (1, 2, 3); before it, line 30. sync_block()"));
  EXPECT_TRUE(holds(
      page,
      "race, the other side: lane 4 of block (1, 2, 3), in &#39;fetch &lt;a tile&gt;&#39; at profile_test_step.hpp:3"));
  EXPECT_TRUE(holds(page, "kernel line 22<"));  // 8 lines around what is reported
  EXPECT_FALSE(holds(page, "kernel line 21<"));
  EXPECT_TRUE(holds(page, "kernel line 41<"));
  EXPECT_FALSE(holds(page, "kernel line 42<"));
  for (const char* foreign : {"<script", "http:", "https:", "src=", "href=", "@import", "url("})
    EXPECT_FALSE(holds(page, foreign)) << foreign;
  EXPECT_FALSE(holds(html_of(r.launch), "<li class=\"fault\">"));
}

TEST(report, as_html_says_which_file_is_missing) {
  report r;
  std::filesystem::remove(r.kernel);
  const std::string page = html_of(r.launch, r.faults);
  EXPECT_EQ(broken_markup(page), "");
  EXPECT_TRUE(holds(page, "This file cannot be read here"));
  EXPECT_TRUE(holds(page, "<td class=\"number\">30</td>"));
  EXPECT_TRUE(holds(page, "<code>lane.store(smem + i, value);</code>"));
}

TEST(report, as_html_the_check_of_markup_finds_what_is_broken) {
  EXPECT_NE(broken_markup("<!DOCTYPE html>\n<html><p>a < b</p></html>"), "");
  EXPECT_NE(broken_markup("<!DOCTYPE html>\n<html><p>a & b and much more</p></html>"), "");
  EXPECT_NE(broken_markup("<!DOCTYPE html>\n<html><p></html></p>"), "");
  EXPECT_EQ(broken_markup("<!DOCTYPE html>\n<html><p>a &lt; b</p></html>"), "");
}

}  // namespace
