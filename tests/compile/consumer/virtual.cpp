// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Links tilery::virtual_gpu.
#include <tilery/softmax.hpp>
#include <tilery/virtual_gpu.hpp>

constexpr tilery::row_policy mine{};

int main() {
  float x[4] = {1, 1, 1, 1};
  tilery::softmax<mine>(tilery::virtual_gpu(), tilery::matrix(x, 1, 4), tilery::matrix(x, 1, 4));
  return x[0] == 0.25f && x[3] == 0.25f ? 0 : 1;
}
