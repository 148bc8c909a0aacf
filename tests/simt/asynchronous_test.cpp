// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Asynchronous copies, barriers that are objects, and proxies: right kernels give right results, and what is left out
// is reported.
#include "tests/planted.hpp"

#include <tilery/atoms/copy_async.hpp>
#include <tilery/atoms/copy_bulk.hpp>
#include <tilery/atoms/named_barrier.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;
using namespace tilery::atoms;

// --- cp.async

template <bool Wrong>
struct no_wait : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    lines.before = __LINE__, copy_async<4>(lane, smem.x.at(lane.rank()), p.in + lane.rank());
    commit_copies(lane);
    if (!Wrong) wait_copies<0>(lane);
    const float mine = (lines.now = __LINE__, lane.load(smem.x.at(lane.rank())));
    lane.store(p.out + lane.rank(), mine);
  }
};
template <bool Wrong>
struct waits_for_one_group_too_few : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    for (int stage = 0; stage < 3; ++stage) {
      lines.before = __LINE__;
      copy_async<4>(lane, smem.x.at(stage * 64 + lane.rank()), p.in + (stage * 64 + lane.rank()), 4,
                    {__FILE__, lines.before});
      commit_copies(lane);
    }
    wait_copies<Wrong ? 2 : 1>(lane);  // the first group; the first two
    lane.sync_block();
    lines.now = __LINE__, lane.load(smem.x.at(64 + lane.rank()));
    wait_copies<0>(lane);
  }
};
template <bool Wrong>
struct waits_without_committing : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    if (lane.rank() < 16)
      lines.before = __LINE__, copy_async<16>(lane, smem.x.at(lane.rank() * 4), p.in + lane.rank() * 4);
    if (!Wrong) commit_copies(lane);
    wait_copies<0>(lane);
    lane.sync_block();
    lines.now = __LINE__, lane.load(smem.x.at(lane.rank()));
  }
};
TEST(asynchronous, a_copy_must_be_waited_for) {
  expect_fault<no_wait>(fault_kind::missing_wait, "the copy is still in flight");
  expect_fault<waits_for_one_group_too_few>(fault_kind::missing_wait);
  expect_fault<waits_without_committing>(fault_kind::missing_wait);
}

template <bool Wrong>
struct no_barrier_after_the_wait : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    lane.store(smem.x.at(lane.rank()), 0.0f);
    lane.sync_block();
    lines.before = __LINE__, copy_async<4>(lane, smem.x.at(lane.rank()), p.in + lane.rank());
    commit_copies(lane);
    wait_copies<0>(lane);
    if (!Wrong) lane.sync_block();
    lines.now = __LINE__, lane.load(smem.x.at(63 - lane.rank()));
  }
};
template <bool Wrong>
struct refilled_before_it_is_read : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    for (int k = 0; k < 3; ++k) {
      lines.before = __LINE__, copy_async<4>(lane, smem.x.at(lane.rank()), p.in + (k * 64 + lane.rank()));
      commit_copies(lane);
      wait_copies<0>(lane);
      lane.sync_block();
      lines.now = __LINE__, lane.load(smem.x.at(63 - lane.rank()));
      if (!Wrong) lane.sync_block();
    }
  }
};
TEST(asynchronous, a_wait_is_the_lanes_own) {
  expect_both_lines<no_barrier_after_the_wait>(fault_kind::race, fault_kind::missing_wait);
}
TEST(asynchronous, a_buffer_must_be_released_before_it_is_refilled) {
  expect_both_lines<refilled_before_it_is_read>(fault_kind::race, fault_kind::missing_wait);
}

template <bool Wrong>
struct source_is_overwritten : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    const gmem_ptr<const float> out(p.out);
    lines.before = __LINE__, copy_async<4>(lane, smem.x.at(lane.rank()), out + lane.rank());
    commit_copies(lane);
    if (!Wrong) wait_copies<0>(lane);
    lines.now = __LINE__, lane.store(p.out + lane.rank(), 1.0f);
    wait_copies<0>(lane);
  }
};
TEST(asynchronous, a_source_is_read_until_the_wait) { expect_fault<source_is_overwritten>(fault_kind::missing_wait); }

struct copies_with_edges : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    copy_async<8>(lane, smem.x.at(lane.rank() * 2), p.in + lane.rank() * 2,
                  lane.rank() < 3    ? 8
                  : lane.rank() == 3 ? 4
                                     : 0);
    commit_copies(lane);
    wait_copies<0>(lane);
    lane.sync_block();
    lane.store(p.out + lane.rank(), lane.load(smem.x.at(lane.rank())));
  }
};
TEST(asynchronous, what_is_not_valid_becomes_zero) {
  const auto copies_on = [](const auto& gpu) {
    std::vector<float> in(256, 3.0f), out(256, -1.0f);
    launch<copies_with_edges>(gpu, {1},
                              planted_params{gmem_ptr<const float>(in.data()), gmem_ptr<float>(out.data()), {}},
                              {reads("in", vector(in.data(), 7)), writes("out", vector(out.data(), 64))});
    for (int i = 0; i < 64; ++i) EXPECT_EQ(out[static_cast<std::size_t>(i)], i < 7 ? 3.0f : 0.0f) << i;
  };
  copies_on(virtual_gpu());
  copies_on(unchecked_virtual_gpu());
}

// --- mbarriers and bulk copies: a producer warp, a consumer warp, two stages

struct staged : planted_base {
  struct shared {
    shared_array<float, 128> stage;
    mbarrier full[2], empty[2];
  };
};
enum class fault_in { nothing, no_wait_for_full, no_arrival_at_empty, early_arrival, no_expect, no_barrier_after_init };

template <fault_in Fault>
struct pipeline : staged {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    if (lane.rank() == 0) {
      for (int s = 0; s < 2; ++s) init(lane, smem.full[s], 1), init(lane, smem.empty[s], 32);
      fence_proxy(lane);
    }
    if (Fault != fault_in::no_barrier_after_init) lane.sync_block();
    if (lane.warp() == 0) {
      if (lane.rank() == 0)
        for (int k = 0; k < 4; ++k) {
          const int s = k % 2;
          if (k >= 2 && Fault != fault_in::no_arrival_at_empty) wait(lane, smem.empty[s], (k / 2 - 1) % 2);
          if (Fault == fault_in::no_expect)
            arrive(lane, smem.full[s]);
          else
            arrive_and_expect(lane, smem.full[s], 256);
          lines.before = __LINE__, copy_bulk(lane, smem.stage.at(s * 64), p.in + k * 64, 256, smem.full[s]);
        }
    } else {
      for (int k = 0; k < 4; ++k) {
        const int s = k % 2;
        if (Fault != fault_in::no_wait_for_full) wait(lane, smem.full[s], k / 2 % 2);
        if (Fault == fault_in::early_arrival) arrive(lane, smem.empty[s]);
        const auto x = (lines.now = __LINE__, lane.load(smem.stage.at(s * 64 + lane.warp_rank() * 2), width<2>));
        if (Fault != fault_in::no_arrival_at_empty && Fault != fault_in::early_arrival) arrive(lane, smem.empty[s]);
        lane.store(p.out + (k * 64 + lane.warp_rank() * 2), x);
      }
    }
  }
};
TEST(asynchronous, a_pipeline_of_bulk_copies_is_right_under_every_schedule) {
  const auto pipeline_on = [](const auto& gpu) {
    std::vector<float> in(256), out(256);
    for (int i = 0; i < 256; ++i) in[static_cast<std::size_t>(i)] = static_cast<float>(i);
    launch<pipeline<fault_in::nothing>>(gpu, {1},
                                        planted_params{gmem_ptr<const float>(in.data()),
                                                       gmem_ptr<float>(out.data()),
                                                       {}},
                                        {reads("in", vector(in.data(), 256)), writes("out", vector(out.data(), 256))});
    EXPECT_EQ(in, out);
  };
  for (std::uint64_t seed = 0; seed < 10; ++seed) pipeline_on(virtual_gpu(arch::sm_90, {.seed = seed}));
  pipeline_on(unchecked_virtual_gpu());
}
template <fault_in Fault>
bool reports(fault_kind kind, std::uint64_t seed) {
  const launch_report wrong = report_of<pipeline<Fault>>(seed);
  for (const fault& f : wrong.faults)
    if (f.kind == kind) return true;
  ADD_FAILURE() << "seed " << seed << ": no " << name_of(kind) << " in\n" << text_of(wrong);
  return false;
}
TEST(asynchronous, faults_of_a_pipeline) {
  for (const std::uint64_t seed : {0, 1, 2, 3}) {
    reports<fault_in::no_wait_for_full>(seed == 0
                                            ? fault_kind::missing_wait
                                            : report_of<pipeline<fault_in::no_wait_for_full>>(seed).faults.at(0).kind,
                                        seed);
    reports<fault_in::no_barrier_after_init>(fault_kind::race, seed);
  }
  // Reading after giving the buffer away: the refill races with the read, or lands on it.
  for (const std::uint64_t seed : {0, 1, 2, 3}) {
    EXPECT_FALSE(report_of<pipeline<fault_in::early_arrival>>(seed).faults.empty()) << seed;
    EXPECT_FALSE(report_of<pipeline<fault_in::no_arrival_at_empty>>(seed).faults.empty()) << seed;
    EXPECT_FALSE(report_of<pipeline<fault_in::no_expect>>(seed).faults.empty()) << seed;
  }
}

struct uses_a_barrier_that_is_none : staged {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    lines.now = __LINE__, arrive(lane, smem.full[0]);
  }
};
TEST(asynchronous, an_mbarrier_must_be_initialised) {
  const launch_report wrong = report_of<uses_a_barrier_that_is_none>(0);
  ASSERT_FALSE(wrong.faults.empty());
  EXPECT_EQ(wrong.faults[0].kind, fault_kind::barrier_misuse);
  EXPECT_EQ(wrong.faults[0].now.site.line.line, lines.now);
}

// --- an mbarrier's memory is the hardware's until it is invalidated

enum class reuse { store, wide_store, load, copy, bulk_copy };
struct reused : planted_base {
  struct shared {
    mbarrier full;
    mbarrier b;  // at byte 8, the second half of a line
    shared_array<float, 64> x;
  };
};
template <reuse How, bool Wrong>
struct reuses_an_mbarrier : reused {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    const smem_ptr<float> line(reinterpret_cast<float*>(&smem)), word = line + 3;
    if (lane.rank() == 0) {
      init(lane, smem.full, 1);
      lines.before = __LINE__, init(lane, smem.b, 64);
      fence_proxy(lane);
    }
    lane.sync_block();
    arrive(lane, smem.b);
    wait(lane, smem.b, 0);
    lane.sync_block();
    if (lane.rank() == 5) {
      if (!Wrong) invalidate(lane, smem.b);
      if (How == reuse::store) lines.now = __LINE__, lane.store(word, 1.0f);
      if (How == reuse::wide_store) {
        invalidate(lane, smem.full);
        lines.now = __LINE__, lane.store(line, splat<4>(1.0f));
      }
      if (How == reuse::load) lines.now = __LINE__, lane.load(word);
      if (How == reuse::copy) {
        lines.now = __LINE__, copy_async<4>(lane, word, p.in);
        commit_copies(lane);
        wait_copies<0>(lane);
      }
      if (How == reuse::bulk_copy) {
        invalidate(lane, smem.full);
        fence_proxy(lane);
        lines.now = __LINE__, copy_bulk(lane, p.out, line, 16);
        commit_bulk(lane);
        wait_bulk<0>(lane);
      }
    }
  }
};
template <bool Wrong>
using overwritten_by_a_store = reuses_an_mbarrier<reuse::store, Wrong>;
template <bool Wrong>
using overwritten_beside_others = reuses_an_mbarrier<reuse::wide_store, Wrong>;
template <bool Wrong>
using read_as_data = reuses_an_mbarrier<reuse::load, Wrong>;
template <bool Wrong>
using overwritten_by_a_copy = reuses_an_mbarrier<reuse::copy, Wrong>;
template <bool Wrong>
using copied_out = reuses_an_mbarrier<reuse::bulk_copy, Wrong>;

TEST(asynchronous, the_memory_of_an_mbarrier_is_not_for_data) {
  const std::string why = "these bytes hold an mbarrier: invalidate it before";
  expect_fault<overwritten_by_a_store>(fault_kind::barrier_misuse, "of 4 bytes at byte 12 of shared memory");
  expect_fault<overwritten_by_a_store>(fault_kind::barrier_misuse, why);
  expect_fault<overwritten_beside_others>(fault_kind::barrier_misuse, "of 8 bytes at byte 8 of shared memory");
  expect_fault<read_as_data>(fault_kind::barrier_misuse, why);
  expect_fault<overwritten_by_a_copy>(fault_kind::barrier_misuse, why);
  expect_fault<copied_out>(fault_kind::barrier_misuse, "of 8 bytes at byte 8 of shared memory");
}

template <bool Wrong>
struct used_after_its_end : staged {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    if (lane.rank() != 0) return;
    init(lane, smem.full[0], 1);
    invalidate(lane, smem.full[0]);
    if (!Wrong) init(lane, smem.full[0], 1);
    lines.now = __LINE__, arrive(lane, smem.full[0]);
  }
};
template <bool Wrong>
struct ended_while_others_use_it : staged {
  static constexpr int threads = 96;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    if (lane.rank() == 0) init(lane, smem.full[0], 64);
    lane.sync_block();
    if (lane.rank() < 64) lines.before = __LINE__, arrive(lane, smem.full[0]);
    if (!Wrong) lane.sync_block();
    if (lane.rank() == 95) lines.now = __LINE__, invalidate(lane, smem.full[0]);
  }
};
TEST(asynchronous, an_mbarrier_ends_when_it_is_invalidated) {
  expect_fault<used_after_its_end>(fault_kind::barrier_misuse, "the mbarrier has not been initialised");
  // under some schedules it has ended before others come to it
  for (const std::uint64_t seed : {0, 1, 2, 3, 4}) {
    EXPECT_NE(text_of(report_of<ended_while_others_use_it<true>>(seed)), "") << seed;
    EXPECT_EQ(text_of(report_of<ended_while_others_use_it<false>>(seed)), "") << seed;
  }
}

// --- proxies

template <bool Wrong>
struct no_proxy_fence : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    lines.before = __LINE__, lane.store(smem.x.at(lane.rank()), lane.load(p.in + lane.rank()));
    if (!Wrong) fence_proxy(lane);
    lane.sync_block();
    if (lane.rank() == 0) {
      lines.now = __LINE__, copy_bulk(lane, p.out, smem.x.at(0), 256);
      commit_bulk(lane);
      wait_bulk<0>(lane);
    }
  }
};
/// The lane that copies may fence for all, behind the barrier.
template <bool Wrong>
struct fence_before_the_barrier_of_one_lane : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    lines.before = __LINE__, lane.store(smem.x.at(lane.rank()), lane.load(p.in + lane.rank()));
    if (Wrong && lane.rank() == 0) fence_proxy(lane);  // covers its own writes only
    lane.sync_block();
    if (lane.rank() == 0) {
      if (!Wrong) fence_proxy(lane);
      lines.now = __LINE__, copy_bulk(lane, p.out, smem.x.at(0), 256);
      commit_bulk(lane);
      wait_bulk<0>(lane);
    }
  }
};
template <bool Wrong>
struct filled_by_lanes_then_by_the_engine : staged {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    lines.before = __LINE__, lane.store(smem.stage.at(lane.rank()), 1.0f);
    if (lane.rank() == 0) init(lane, smem.full[0], 1);
    if (!Wrong) fence_proxy(lane);
    lane.sync_block();
    if (lane.rank() == 0) {
      arrive_and_expect(lane, smem.full[0], 256);
      lines.now = __LINE__, copy_bulk(lane, smem.stage.at(0), p.in, 256, smem.full[0]);
    }
    wait(lane, smem.full[0], 0);
    lane.load(smem.stage.at(63 - lane.rank()));
  }
};
TEST(asynchronous, the_engine_sees_what_lanes_wrote_behind_a_proxy_fence) {
  expect_fault<no_proxy_fence>(fault_kind::missing_fence, "a proxy fence between them is missing");
  expect_fault<fence_before_the_barrier_of_one_lane>(fault_kind::missing_fence);
  expect_fault<filled_by_lanes_then_by_the_engine>(fault_kind::missing_fence);
}

template <bool Wrong>
struct source_of_a_bulk_copy_is_used_again : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    lane.store(smem.x.at(lane.rank()), lane.load(p.in + lane.rank()));
    fence_proxy(lane);
    lane.sync_block();
    if (lane.rank() == 0) {
      lines.before = __LINE__, copy_bulk(lane, p.out, smem.x.at(0), 256);
      commit_bulk(lane);
      if (!Wrong) wait_bulk_reads<0>(lane);
    }
    lane.sync_block();
    lines.now = __LINE__, lane.store(smem.x.at(lane.rank()), 0.0f);
  }
};
TEST(asynchronous, the_source_of_a_bulk_copy_is_kept_until_it_is_read) {
  expect_fault<source_of_a_bulk_copy_is_used_again>(fault_kind::missing_wait);
}
TEST(asynchronous, bulk_copies_out_arrive) {
  std::vector<float> in(256, 5.0f), out(256);
  launch<no_proxy_fence<false>>(virtual_gpu(), {1},
                                planted_params{gmem_ptr<const float>(in.data()), gmem_ptr<float>(out.data()), {}});
  EXPECT_EQ(out[63], 5.0f);
  EXPECT_EQ(out[64], 0.0f);
}

// --- what they cost

/// 1024 bytes in and 1024 out, each by one instruction of one lane.
struct bulk_both_ways : planted_base {
  struct shared {
    shared_array<float, 264> x;  // at byte 16 of a row of banks
    mbarrier full;
  };
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    if (lane.rank() == 0) {
      init(lane, smem.full, 1);
      fence_proxy(lane);
      arrive_and_expect(lane, smem.full, 1024);
      lines.before = __LINE__, copy_bulk(lane, smem.x.at(4), p.in, 1024, smem.full);
      wait(lane, smem.full, 0);
      lines.now = __LINE__, copy_bulk(lane, p.out, smem.x.at(4), 1024);
      commit_bulk(lane);
      wait_bulk<0>(lane);
    }
  }
};
TEST(asynchronous, a_bulk_copy_is_one_request_of_whole_sectors) {
  const launch_report report = report_of<bulk_both_ways>(0);
  EXPECT_EQ(text_of(report), "");
  int rows = 0;
  for (const site_profile& s : report.profiles.at(0).sites) {
    const bool in = s.site.line.line == lines.before, out = s.site.line.line == lines.now;
    if (!in && !out) continue;
    ++rows;
    EXPECT_EQ(s.requests, 1) << name_of(s.kind);
    EXPECT_EQ(s.lanes, 1) << name_of(s.kind);
    EXPECT_EQ(s.divergent, 0) << name_of(s.kind) << ": one lane is all that it takes";
    EXPECT_EQ(s.bytes, 1024) << name_of(s.kind);
    if (s.kind == (in ? site_kind::async_copy : site_kind::global_store)) {
      EXPECT_EQ(s.sectors, 32);
      EXPECT_EQ(s.fewest_sectors, 32);
      EXPECT_EQ(s.wavefronts, 0);
    } else {
      EXPECT_EQ(s.kind, in ? site_kind::shared_store : site_kind::shared_load);
      EXPECT_EQ(s.wavefronts, 9) << "rows of 128 bytes that it touches";
      EXPECT_EQ(s.fewest_wavefronts, 8);
      EXPECT_EQ(s.sectors, 0);
    }
  }
  EXPECT_EQ(rows, 4);
  EXPECT_EQ(report.profiles.at(0).unique_bytes_read, 1024);
  EXPECT_EQ(report.profiles.at(0).unique_bytes_written, 1024);
}

// --- named barriers

template <bool Wrong>
struct hands_over_by_name : planted_base {
  static constexpr int threads = 128;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    if (lane.warp() == 0) {
      lines.before = __LINE__, lane.store(smem.x.at(lane.rank()), lane.load(p.in + lane.rank()));
      arrive_named(lane, 1, 64);
    } else if (lane.warp() == 1) {
      sync_named(lane, Wrong ? 2 : 1, Wrong ? 32 : 64);
      lines.now = __LINE__, lane.load(smem.x.at(lane.warp_rank()));
    }
  }
};
template <bool Wrong>
struct writes_after_arriving : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    if (lane.warp() == 0) {
      if (!Wrong) lane.store(smem.x.at(lane.rank()), 1.0f);
      arrive_named(lane, 3, 64);
      if (Wrong) lines.before = __LINE__, lane.store(smem.x.at(lane.rank()), 1.0f);
    } else {
      sync_named(lane, 3, 64);
      lines.now = __LINE__, lane.load(smem.x.at(lane.warp_rank()));
    }
  }
};
TEST(asynchronous, named_barriers_order_those_who_come) {
  for (const std::uint64_t seed : {0, 1, 2, 3}) {
    EXPECT_FALSE(report_of<hands_over_by_name<true>>(seed).faults.empty());
    EXPECT_EQ(text_of(report_of<hands_over_by_name<false>>(seed)), "");
    EXPECT_FALSE(report_of<writes_after_arriving<true>>(seed).faults.empty());
    EXPECT_EQ(text_of(report_of<writes_after_arriving<false>>(seed)), "");
  }
}

template <int Number, int Lanes>
struct odd_barrier : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared&) {
    lines.now = __LINE__, sync_named(lane, Number, Lanes);
  }
};
TEST(asynchronous, named_barriers_have_numbers_and_whole_warps) {
  for (const launch_report& wrong :
       {report_of<odd_barrier<16, 64>>(0), report_of<odd_barrier<-1, 64>>(0), report_of<odd_barrier<1, 48>>(0)}) {
    ASSERT_EQ(wrong.faults.size(), 1u);
    EXPECT_EQ(wrong.faults[0].kind, fault_kind::barrier_misuse);
    EXPECT_EQ(wrong.faults[0].now.site.line.line, lines.now);
  }
  EXPECT_EQ(text_of(report_of<odd_barrier<15, 64>>(0)), "");
}

struct waits_for_more_than_there_are : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared&) {
    if (lane.warp() == 0) lines.now = __LINE__, sync_named(lane, 1, 64);
  }
};
TEST(asynchronous, a_named_barrier_that_is_short_of_a_warp_is_a_deadlock) {
  const launch_report wrong = report_of<waits_for_more_than_there_are>(0);
  ASSERT_EQ(wrong.faults.size(), 1u);
  EXPECT_EQ(wrong.faults[0].kind, fault_kind::deadlock);
  EXPECT_NE(wrong.faults[0].text().find("lanes 0-31 wait in sync_named at"), std::string::npos)
      << wrong.faults[0].text();
}

}  // namespace
