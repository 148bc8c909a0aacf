// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tables behind the checks: clocks, logs of writes, sets of readers, shadows; and how much memory they take.
#include <tilery/core/element.hpp>
#include <tilery/core/view.hpp>
#include <tilery/simt/virtual/block_order.hpp>
#include <tilery/simt/virtual/global_memory.hpp>

#include <gtest/gtest.h>
#include <set>
#include <vector>

namespace {

using namespace tilery;
using namespace tilery::virtual_machine;

epoch plain(std::uint32_t warp, std::uint32_t time, std::uint8_t member = 0) {
  return {{0, warp}, time, 1, member, access_mode::plain};
}

// --- clocks

TEST(history, a_clock_knows_what_it_has_learnt) {
  vector_clock c(0, 4);
  EXPECT_TRUE(c.empty());
  EXPECT_FALSE(c.knows({0, 1}, 5, 0));
  c.learn({0, 1}, vector_clock::all_members, 3);
  EXPECT_TRUE(c.knows({0, 1}, 5, 2));
  EXPECT_FALSE(c.knows({0, 1}, 5, 3));
  c.learn({0, 2}, 7, 4);  // one lane
  EXPECT_TRUE(c.knows({0, 2}, 7, 3));
  EXPECT_FALSE(c.knows({0, 2}, 7, 4));
  EXPECT_FALSE(c.knows({0, 2}, 8, 3));
  c.learn({9, 0}, vector_clock::all_members, 2);  // another block
  EXPECT_TRUE(c.knows({9, 0}, 31, 1));
  EXPECT_FALSE(c.knows({9, 1}, 31, 1));
  vector_clock other(9, 2);
  other.join(c);
  EXPECT_TRUE(other.knows({0, 1}, 5, 2));
  EXPECT_TRUE(other.knows({9, 0}, 31, 1));
  EXPECT_FALSE(other.knows({0, 2}, 8, 3));
}
TEST(history, lanes_that_are_known_one_by_one_become_their_warp) {
  vector_clock c(0, 2);
  for (int block = 1; block < 5; ++block)
    for (int lane = 0; lane < 32; ++lane)
      c.learn({static_cast<std::uint32_t>(block), 0}, lane, static_cast<std::uint32_t>(10 + lane));
  for (std::uint32_t block = 1; block < 5; ++block) {
    EXPECT_TRUE(c.knows({block, 0}, 0, 9));
    EXPECT_FALSE(c.knows({block, 0}, 0, 10));
    EXPECT_TRUE(c.knows({block, 0}, 31, 40));
    EXPECT_FALSE(c.knows({block, 0}, 31, 41));
  }
}

// --- writes

TEST(history, writes_that_nobody_has_are_dropped_and_the_others_keep_their_order) {
  write_log log;
  std::vector<std::uint32_t> numbers;
  for (std::uint32_t i = 0; i < 10; ++i) numbers.push_back(log.add(plain(i, i)));
  log.order_all();
  for (std::uint32_t i = 10; i < 20; ++i) numbers.push_back(log.add(plain(i, i)));
  const std::uint32_t engine = log.add({{0, 40}, 1, 1, 0, access_mode::async});
  const std::set<std::uint32_t> used = {numbers[3], numbers[8], numbers[11], numbers[19], engine};
  const auto now = log.drop_unused([&](std::uint32_t n) { return used.count(n) > 0; });
  EXPECT_EQ(log.size(), 5u);
  for (const std::uint32_t i : {3u, 8u, 11u, 19u}) {
    EXPECT_EQ(log[now(numbers[i])].time, i);
    EXPECT_EQ(now(numbers[i]) < log.known(), i < 10) << i;
  }
  EXPECT_EQ(log[now(engine)].who.local, 40u);
  EXPECT_EQ(now(write_log::never), write_log::never);
  EXPECT_EQ(now(write_log::before), write_log::before);
  EXPECT_GE(log.add(plain(1, 1)), log.known());
}

// --- readers

std::vector<std::uint32_t> members_of(const reader_sets& sets, std::uint32_t number) {
  std::vector<std::uint32_t> members;
  sets.visit(number, [&](const readers& r) { members.push_back(r.members); });
  return members;
}
TEST(history, equal_sets_of_readers_have_one_number) {
  reader_sets sets;
  const auto nobody_ordered = [](const readers&) { return false; };
  std::uint32_t a = 0, b = 0;
  for (const std::uint8_t lane : {3, 4, 5}) a = sets.with(a, plain(1, 7, lane), nobody_ordered);
  for (const std::uint8_t lane : {3, 4, 5}) b = sets.with(b, plain(1, 7, lane), nobody_ordered);
  EXPECT_EQ(a, b);
  EXPECT_EQ(members_of(sets, a), std::vector<std::uint32_t>{0b111000});
  EXPECT_EQ(sets.with(a, plain(1, 7, 4), nobody_ordered), a);
  const std::uint32_t two = sets.with(a, plain(2, 7, 0), nobody_ordered);
  EXPECT_EQ(members_of(sets, two).size(), 2u);
  // who comes behind all of them stands for them
  const std::uint32_t one = sets.with(two, plain(3, 9, 1), [](const readers&) { return true; });
  EXPECT_EQ(members_of(sets, one), std::vector<std::uint32_t>{2});
  sets.order_all();
  EXPECT_TRUE(members_of(sets, one).empty());
  EXPECT_EQ(sets.size(), 0u);
}
TEST(history, readers_of_an_engine_outlive_barriers) {
  reader_sets sets;
  const std::uint32_t with_engine =
      sets.with(0, {{0, 9}, 1, 1, 0, access_mode::async}, [](const readers&) { return false; });
  sets.order_all();
  EXPECT_EQ(members_of(sets, with_engine).size(), 1u);
}
TEST(history, thousands_of_sets_are_told_apart) {
  reader_sets sets;
  std::vector<std::uint32_t> numbers;
  for (std::uint32_t warp = 0; warp < 3000; ++warp)
    numbers.push_back(sets.with(0, plain(warp, 1, warp % 32), [](const readers&) { return false; }));
  for (std::uint32_t warp = 0; warp < 3000; ++warp)
    sets.visit(numbers[warp], [&](const readers& r) { EXPECT_EQ(r.who.local, warp); });
  EXPECT_EQ(sets.size(), 3000u);
}

// --- memory

TEST(history, shadows_take_no_more_than_they_may) {
  const shadow shared(48 * 1024, write_log::never);
  EXPECT_LE(shared.bytes(), std::size_t{8} * 48 * 1024);
  std::vector<float> f(1000), g(1000);
  std::vector<tilery::half> h(1000);
  std::vector<tilery::int8> b(1000);
  global_memory memory({reads("read", vector(g.data(), 1000)), writes("f", vector(f.data(), 1000)),
                        writes("h", vector(h.data(), 1000)), writes("b", vector(b.data(), 1000))});
  EXPECT_LE(memory.shadow_bytes(), 4 * std::size_t{1000 * 4 + 1000 * 2 + 1000});  // nothing for what is only read
}

}  // namespace
