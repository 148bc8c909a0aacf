// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sentences of parts, their copies, and the error that carries one.
#include <tilery/core/error.hpp>

#include <gtest/gtest.h>
#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace tilery;

TEST(sentence, is_made_of_text_and_numbers) {
  EXPECT_EQ(sentence("A is ", 3, " x ", std::int64_t{-40}, "; it must be ", std::string("5 x 4")),
            "A is 3 x -40; it must be 5 x 4");
  EXPECT_EQ(sentence(0, " ", 0u, " ", std::size_t{10}), "0 0 10");
  EXPECT_EQ(sentence(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(sentence(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(sentence(0.1, " ", -2.5f, " ", 1e-8, " ", -1.0), "0.1 -2.5 1e-08 -1");
  EXPECT_EQ(sentence(0.1f, " ", 0.99999999, " ", 1.0 / 3), "0.1 0.99999999 0.3333333333333333");
  EXPECT_EQ(sentence(NAN, " ", -INFINITY), "nan -inf");
  EXPECT_EQ(sentence(std::numeric_limits<double>::lowest()), "-1.7976931348623157e+308");
}

TEST(sentence, of_sentences) {
  const sentence shape(2, " x ", 3);
  EXPECT_EQ(sentence("A is ", shape, ", B is ", shape), "A is 2 x 3, B is 2 x 3");
  EXPECT_EQ(sentence("a"), sentence("a"));
  EXPECT_FALSE(sentence("a") == sentence("b"));
  EXPECT_FALSE(sentence("a") == "ab");
}

TEST(sentence, an_empty_one_is_false) {
  EXPECT_FALSE(sentence());
  EXPECT_FALSE(sentence(""));
  EXPECT_TRUE(sentence("x"));
  EXPECT_STREQ(sentence().c_str(), "");
  EXPECT_EQ(sentence().size(), 0u);
  EXPECT_EQ(sentence("A", sentence(), ""), "A");
}

TEST(sentence, copies_and_moves_share_the_text) {
  sentence a("a long sentence that no small buffer holds, for it has many words");
  sentence b = a, c;
  c = b;
  EXPECT_EQ(c.c_str(), a.c_str());
  c = *&c;
  b = std::move(c);
  EXPECT_EQ(b, a);
  a = sentence("another");
  EXPECT_EQ(b.size(), 65u);
  EXPECT_EQ(a, "another");
}

TEST(sentence, may_be_copied_on_several_threads) {
  const sentence text("shared by all ", 4);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 10000; ++i) sentence(text).c_str();
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(text, "shared by all 4");
}

TEST(sentence, goes_to_strings_and_streams) {
  EXPECT_EQ("x" + std::string(" is ") + sentence(1) + ".", "x is 1.");
  std::ostringstream to;
  to << sentence("x is ", 1) << "; " << finding();
  EXPECT_EQ(to.str(), "x is 1; ");
}

TEST(error, carries_its_sentence_and_the_callers_line) {
  try {
    refuse({"x is ", 3}, where("main.cpp", 31));
    FAIL();
  } catch (const std::exception& e) {
    EXPECT_STREQ(e.what(), "x is 3 [main.cpp:31]");
    EXPECT_EQ(dynamic_cast<const error&>(e).sentence(), "x is 3");
    EXPECT_EQ(dynamic_cast<const error&>(e).at().line, 31);
  }
  EXPECT_NO_THROW(refuse({}, {}));
}

}  // namespace
