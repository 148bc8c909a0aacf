// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Units for different instruction sets in one program: each computes with its own.
#include <cstdio>

int baseline_unit(bool& is_right);
int avx2_unit(bool& is_right);

namespace {

bool check(const char* name, int (*unit)(bool&), int expected) {
  bool is_right = false;
  const int isa = unit(is_right);
  if (isa < 0) {
    std::printf("%s: this CPU does not have it\n", name);
    return true;
  }
  std::printf("%s: compiled for instruction set %d, results are %s\n", name, isa, is_right ? "right" : "WRONG");
  return is_right && isa == expected;
}

}  // namespace

int main() {
  const bool plain = check("baseline", baseline_unit, 0), wide = check("avx2", avx2_unit, 1);
  return plain && wide ? 0 : 1;
}
