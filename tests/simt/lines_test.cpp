// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checks keep a line of 16 bytes, or a word of 4, as one where all its bytes have one history. Nothing may be lost
// or blurred by that: accesses of all widths are compared with a model that keeps every byte by itself.
#include "tests/planted.hpp"

#include <array>
#include <random>

namespace {

using namespace tilery;
using namespace tilery_tests;
using namespace tilery::virtual_machine;

// --- numbers

template <bool Joins>
void numbers_are_those_of_an_array(unsigned seed) {
  std::mt19937 random(seed);
  const std::size_t cells = 16 * 5 + random() % 16;
  line_numbers<Joins> numbers(cells, 1);
  std::vector<std::uint32_t> model(cells, 1);
  for (int step = 0; step < 400; ++step) {
    const std::size_t widths[] = {1, 2, 4, 8, 16, 32, 5, cells}, width = widths[random() % 8];
    const std::size_t first = random() % 2 ? random() % (cells - width + 1) : random() % (cells / width) * width;
    const std::uint32_t number = random() % 4 | (random() % 8 ? 0 : 1u << 31);
    numbers.set(first, width, number);
    std::fill_n(model.begin() + static_cast<std::ptrdiff_t>(first), width, number);
    for (std::size_t i = 0; i < cells; ++i) ASSERT_EQ(numbers[i], model[i]) << step << ", " << i;
    const std::size_t from = random() % cells;
    std::size_t end = from;
    while (end < cells && model[end] == model[from]) ++end;
    ASSERT_EQ(numbers.run(from, cells), end - from);
    const auto same = [&](std::uint32_t n) { return n == model[from]; };
    ASSERT_TRUE(numbers.all(from, end - from, same));
    ASSERT_TRUE(end == cells || !numbers.all(from, end - from + 1, same));
    if (step % 16 == 0) {
      numbers.for_each([](std::uint32_t& n) { n ^= 5; });
      for (std::uint32_t& n : model) n ^= 5;
    }
  }
}
TEST(lines, numbers_are_those_of_an_array) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    numbers_are_those_of_an_array<false>(seed);
    numbers_are_those_of_an_array<true>(seed);
  }
}
TEST(lines, what_is_told_of_a_whole_line_ends_with_the_next_number) {
  line_numbers<false> numbers(32, 1);
  numbers.set(4, 4, 2);
  numbers.settle(0);
  EXPECT_TRUE(numbers.head(0) & numbers.settled);
  EXPECT_EQ(numbers[0], 1u);
  numbers.set(8, 4, 3);
  EXPECT_FALSE(numbers.head(0) & numbers.settled);
  EXPECT_EQ(numbers[8], 3u);
}

// --- histories: a block of two warps, of which each lane does anything at any time

constexpr int threads = 64, bytes = 64;

/// Every byte by itself, every lane's knowledge of every lane.
class model {
public:
  struct access {
    int lane, time;
  };
  void read(int lane, int first, int count) {
    begin(lane);
    for (int i = first; i < first + count; ++i) {
      byte& b = all_[static_cast<std::size_t>(i)];
      unwritten[static_cast<std::size_t>(i)] = b.writer.lane < 0;
      races[static_cast<std::size_t>(i)] = b.writer.lane >= 0 && !knows(lane, b.writer);
      b.readers.push_back({lane, now(lane)});
    }
  }
  void write(int lane, int first, int count) {
    begin(lane);
    for (int i = first; i < first + count; ++i) {
      byte& b = all_[static_cast<std::size_t>(i)];
      bool race = b.writer.lane >= 0 && !knows(lane, b.writer);
      for (const access& r : b.readers) race = race || !knows(lane, r);
      races[static_cast<std::size_t>(i)] = race;
      b = {{lane, now(lane)}, {}};
    }
  }
  void meet(int first, int last) {
    clock together{};
    for (int i = first; i < last; ++i) join(together, known_[static_cast<std::size_t>(i)]);
    for (int i = first; i < last; ++i) known_[static_cast<std::size_t>(i)] = together;
  }
  void pass(int lane, int flag) {  // an atomic that acquires and releases
    clock &mine = known_[static_cast<std::size_t>(lane)], &given = flags_[static_cast<std::size_t>(flag)];
    join(mine, given);
    given = mine;
  }
  std::array<bool, bytes> races{}, unwritten{};

private:
  using clock = std::array<int, threads>;
  struct byte {
    access writer{-1, 0};
    std::vector<access> readers;
  };
  int& now(int lane) { return known_[static_cast<std::size_t>(lane)][static_cast<std::size_t>(lane)]; }
  bool knows(int lane, access a) {
    return a.lane == lane || known_[static_cast<std::size_t>(lane)][static_cast<std::size_t>(a.lane)] >= a.time;
  }
  void begin(int lane) {
    ++now(lane);
    races = unwritten = {};
  }
  static void join(clock& to, const clock& from) {
    for (std::size_t i = 0; i < threads; ++i) to[i] = std::max(to[i], from[i]);
  }
  std::array<byte, bytes> all_;
  std::array<clock, threads> known_{};
  std::array<clock, 4> flags_{};
};

class checked_block {
public:
  checked_block()
      : launch_(watched_launch{.kernel = "random",
                               .arch = arch::sm_90,
                               .blocks = {1, 1, 1},
                               .threads = threads,
                               .shared_bytes = bytes,
                               .cluster = 1,
                               .what = checks::memory | checks::races,
                               .stop_at_first = false,
                               .step_limit = 1 << 30,
                               .seed = 0},
                {}),
        block_(threads, bytes),
        watch_(launch_, threads, bytes) {
    watch_.begins(block_);
  }
  template <bool Writes, int Bytes>
  void access(int lane, int first, int line) {
    const char* name = Writes ? "store" : "load";
    const where at{"random.cpp", line};
    const void* pointer = static_cast<std::byte*>(block_.shared()) + first;
    if constexpr (!Writes)
      if (watch_.repeats_load<Bytes>(lane, pointer, name, at)) return;
    watch_.may_access<true, Writes, Bytes>(lane, pointer, watch_.at_site(lane, name, at), access_mode::plain);
  }
  template <bool Writes>
  void access(int lane, int first, int count, int line) {
    if (count == 1) access<Writes, 1>(lane, first, line);
    if (count == 2) access<Writes, 2>(lane, first, line);
    if (count == 4) access<Writes, 4>(lane, first, line);
    if (count == 8) access<Writes, 8>(lane, first, line);
    if (count == 16) access<Writes, 16>(lane, first, line);
    if (count == 32) access<Writes, 32>(lane, first, line);
  }
  void meet_block() { watch_.block_complete(threads); }
  void meet_warp(int warp) { watch_.warp_complete(warp, verb::sync_warp, ~0u); }
  void pass(int lane, int flag) {
    watch_.atomic(lane, flags_ + flag, true, true, order::acquire_release, scope::block);
  }
  /// What has been found since this was last asked: how often, and the new ones.
  struct findings {
    std::int64_t races = 0, unwritten = 0;
    std::vector<fault> fresh;
  };
  findings found() {
    const std::vector<fault>& all = launch_.faults();
    std::int64_t races = 0, unwritten = 0;
    for (const fault& f : all) (f.kind == fault_kind::uninitialised ? unwritten : races) += f.count;
    findings since{races - races_, unwritten - unwritten_, {}};
    since.fresh.assign(all.begin() + faults_, all.end());
    races_ = races, unwritten_ = unwritten, faults_ = static_cast<std::ptrdiff_t>(all.size());
    return since;
  }

private:
  std::int64_t races_ = 0, unwritten_ = 0;
  std::ptrdiff_t faults_ = 0;
  launch_watch launch_;
  block block_;
  block_watch watch_;
  int flags_[4];
};

template <class Bytes>
bool any_of(const Bytes& b) {
  return std::find(b.begin(), b.end(), true) != b.end();
}

/// How a random program is made. Few races come of programs that meet often, many of those that do not.
struct mix {
  int barriers;           // of 100 steps
  int narrowest, widest;  // accesses, by the logarithms of their widths
};
void compare(unsigned seed, mix how) {
  std::mt19937 random(seed);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  model right;
  checked_block checked;
  int line = 100;
  for (int step = 0; step < 500; ++step) {
    if (below(100) < how.barriers) {
      const int what = below(6);
      if (what < 2) checked.meet_block(), right.meet(0, threads);
      if (what == 2) checked.meet_warp(0), right.meet(0, 32);
      if (what == 3) checked.meet_warp(1), right.meet(32, 64);
      if (what > 3) {
        const int lane = below(threads), flag = below(4);
        checked.pass(lane, flag), right.pass(lane, flag);
      }
      continue;
    }
    // some neighbouring lanes do the same at the same line of the source, to the same bytes or to neighbouring ones
    const int width = 1 << (how.narrowest + below(how.widest - how.narrowest + 1)), lanes = 1 + below(4);
    const int lane = below(threads - lanes + 1), first = below(bytes / width) * width, apart = below(2) * width;
    const bool writes = below(3) == 0;
    const int at = below(8) ? below(6) : ++line;
    for (int i = 0; i < lanes; ++i) {
      const int place = (first + i * apart) % bytes;
      writes ? right.write(lane + i, place, width) : right.read(lane + i, place, width);
      writes ? checked.access<true>(lane + i, place, width, at) : checked.access<false>(lane + i, place, width, at);
      const auto found = checked.found();
      ASSERT_EQ(found.races > 0, any_of(right.races)) << "seed " << seed << ", step " << step;
      ASSERT_EQ(found.unwritten > 0, any_of(right.unwritten)) << "seed " << seed << ", step " << step;
      for (const fault& f : found.fresh) {
        EXPECT_EQ(f.now.lane, lane + i);
        const auto& bad = f.kind == fault_kind::uninitialised ? right.unwritten : right.races;
        for (std::int64_t b = f.offset; b < f.offset + f.bytes; ++b)
          ASSERT_TRUE(b >= place && b < place + width && bad[static_cast<std::size_t>(b)])
              << "seed " << seed << ", step " << step << ": " << f.text();
      }
    }
  }
}
TEST(lines, find_what_a_model_finds_that_keeps_every_byte) {
  unsigned seed = 0;
  for (const int barriers : {5, 20, 50})
    for (int narrowest = 0; narrowest <= 5; ++narrowest)
      for (int widest = narrowest; widest <= 5; ++widest)
        for (int i = 0; i < 4; ++i) compare(++seed, {barriers, narrowest, widest});
}

/// Lane 0 knows of lane 64's reads, lane 1 does not, though it reads as lane 0 did: who comes behind lane 1 comes
/// behind lane 64 only if somebody says so.
template <bool Wrong>
struct what_a_neighbour_knows : planted_base {
  static constexpr int threads = 96;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    constexpr auto is_set = [](int v) { return v == 1; };
    if (lane.rank() == 0) lane.store(smem.x.at(0), splat<4>(0.0f)), lane.store(smem.x.at(4), splat<4>(0.0f));
    lane.sync_block();
    if (lane.rank() == 64) {
      for (int i = 0; i < 2; ++i) lines.before = __LINE__, lane.load(smem.x.at(i * 4), width<4>);
      lane.atomic_store(p.flags, 1, order::release);
    }
    if (lane.rank() < 2) {
      if (lane.rank() == 0 || !Wrong) lane.wait_until(p.flags, is_set);
      if (lane.rank() == 1) lane.wait_until(p.flags + 1, is_set);
      lane.load(smem.x.at(lane.rank() * 4), width<4>);
      lane.atomic_store(p.flags + 1 + lane.rank(), 1, lane.rank() == 0 ? order::relaxed : order::release);
    }
    if (lane.rank() == 32) {
      lane.wait_until(p.flags + 2, is_set);
      lines.now = __LINE__, lane.store(smem.x.at(5), 1.0f);
    }
  }
};
TEST(lines, a_lane_goes_its_neighbours_way_only_by_what_both_know) {
  expect_fault<what_a_neighbour_knows>(fault_kind::race, "of 4 bytes at byte 20");
}

/// A byte of a line is written and its word read, which splits the line: the readers of its other words stay known.
template <bool Wrong>
struct a_neighbouring_word_is_split : planted_base {
  static constexpr int threads = 96;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params& p, shared& smem) {
    constexpr auto is_set = [](int v) { return v == 1; };
    const smem_ptr<std::uint8_t> byte(reinterpret_cast<std::uint8_t*>(smem.x.at(4).raw()));
    if (lane.rank() < 2) lane.store(smem.x.at(lane.rank() * 4), splat<4>(0.0f));
    lane.sync_block();
    if (lane.rank() == 64) {
      lines.before = __LINE__, lane.load(smem.x.at(6), width<2>);
      lane.atomic_store(p.flags, 1, Wrong ? order::relaxed : order::release);
    }
    if (lane.rank() == 33) {
      lane.wait_until(p.flags, is_set);
      lane.store(byte, std::uint8_t{1});
      lane.atomic_store(p.flags + 1, 1, order::release);
    }
    if (lane.rank() == 5) {
      lane.wait_until(p.flags + 1, is_set);
      lane.atomic_load(smem_ptr<int>(reinterpret_cast<int*>(byte.raw())));
      lines.now = __LINE__, lane.store(smem.x.at(4), splat<4>(1.0f));
    }
  }
};
TEST(lines, the_readers_of_a_word_outlive_the_splitting_of_its_neighbour) {
  expect_fault<a_neighbouring_word_is_split>(fault_kind::race, "of 8 bytes at byte 24");
}

// --- memory

/// Lets everything happen.
struct silent {
  epoch self;
  const epoch& now() const { return self; }
  bool asks_always() const { return false; }
  bool is_engine() const { return false; }
  template <class Other>
  bool ordered(const Other&) const {
    return false;
  }
  template <class Other>
  bool allows(const Other&) const {
    return true;
  }
  void never_written(std::size_t, std::size_t) {}
  template <class Other>
  void conflicts(const Other&, std::size_t, std::size_t) {}
};
TEST(lines, take_eight_bytes_a_byte_when_all_differ) {
  constexpr std::size_t cells = 4096;
  shadow s(cells, write_log::never);
  histories all;
  const std::size_t whole = s.bytes();
  for (std::size_t i = 0; i < cells; i += 16) {
    silent by{{{0, 0}, 1, 1, 0, access_mode::plain}};
    s.write(all, i, 16, all.writes.add(by.self), by);
    s.read(all, i, 16, by);
  }
  EXPECT_LE(s.bytes(), cells);
  for (std::size_t i = 0; i < cells; ++i) {
    silent by{{{0, static_cast<std::uint32_t>(i % 7)}, 1, 1, 0, access_mode::plain}};
    s.write(all, i, 1, all.writes.add(by.self), by);
    s.read(all, i, 1, by);
  }
  EXPECT_GT(s.bytes(), whole);
  EXPECT_LE(s.bytes(), 8 * cells);
}
/// Numbers that are given out for hours become small again.
TEST(lines, numbers_do_not_run_out) {
  write_log log;
  reader_sets sets;
  epoch reader{{0, 1}, 1, 1, 3, access_mode::plain};
  for (; reader.time < 50000; ++reader.time) {
    log.add(reader), sets.with(0, reader, [](const readers&) { return false; });
    log.order_all(), sets.order_all();
  }
  const std::uint32_t kept = log.add(reader), read = sets.with(0, reader, [](const readers&) { return false; });
  EXPECT_GE(sets.end(), 50000u);
  const auto write_now = log.drop_unused([&](std::uint32_t n) { return n == kept; });
  const auto read_now = sets.drop_unused(std::vector<std::uint32_t>{read});
  EXPECT_LE(log.end(), 10u);
  EXPECT_LE(sets.end(), 10u);
  EXPECT_EQ(log[write_now(kept)], reader);
  EXPECT_FALSE(log.known_to_all(write_now(kept)));
  EXPECT_EQ(write_now(5), write_log::before) << "forgotten long ago";
  int seen = 0;
  sets.visit(read_now(read), [&](const readers& r) { seen += r.members == 8; });
  EXPECT_EQ(seen, 1);
}

// --- what reports name

smem_ptr<std::uint8_t> byte_of(shared_array<float, 256>& x, int i) {
  return smem_ptr<std::uint8_t>(reinterpret_cast<std::uint8_t*>(x.at(0).raw()) + i);
}
template <bool Wrong>
struct one_byte_of_a_line : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    if (lane.rank() < 16) lane.store(smem.x.at(lane.rank() * 4), splat<4>(1.0f));
    lane.sync_block();
    if (lane.rank() < 32) lines.before = __LINE__, lane.load(smem.x.at(lane.rank() % 16 * 4), width<4>);
    if (!Wrong) lane.sync_block();
    if (lane.rank() == 40) lines.now = __LINE__, lane.store(byte_of(smem.x, 37), std::uint8_t{1});
  }
};
template <bool Wrong>
struct a_word_is_overwritten : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    if (lane.rank() < 16) lane.store(smem.x.at(lane.rank() * 4), splat<4>(1.0f));
    lane.sync_block();
    if (lane.rank() == 3) lines.before = __LINE__, lane.store(smem.x.at(9), 2.0f);
    if (!Wrong) lane.sync_block();
    if (lane.rank() == 63) lines.now = __LINE__, lane.load(smem.x.at(8), width<4>);
  }
};
template <bool Wrong>
struct a_word_is_not_written : planted_base {
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const planted_params&, shared& smem) {
    if (lane.rank() < 4 && !(Wrong && lane.rank() == 2)) lane.store(smem.x.at(lane.rank()), 2.0f);
    lane.sync_block();
    lines.now = __LINE__, lane.load(smem.x.at(0), width<4>);
  }
};
template <template <bool> class Kernel>
void expect_bytes(fault_kind kind, const std::string& which) {
  const launch_report wrong = report_of<Kernel<true>>(0);
  ASSERT_EQ(wrong.faults.size(), 1u) << text_of(wrong);
  EXPECT_EQ(wrong.faults[0].kind, kind);
  EXPECT_EQ(std::max(wrong.faults[0].now.site.line.line, wrong.faults[0].before.site.line.line), lines.now);
  EXPECT_NE(wrong.faults[0].text().find(which), std::string::npos) << text_of(wrong);
  EXPECT_EQ(text_of(report_of<Kernel<false>>(0)), "");
}
TEST(lines, reports_name_the_bytes_and_not_the_line) {
  expect_bytes<one_byte_of_a_line>(fault_kind::race, "of 1 byte at byte 37 of shared memory");
  expect_bytes<a_word_is_overwritten>(fault_kind::race, "of 4 bytes at byte 36 of shared memory");
  expect_bytes<a_word_is_not_written>(fault_kind::uninitialised, "of 4 bytes at byte 8 of shared memory");
}

}  // namespace
