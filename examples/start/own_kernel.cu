// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Writes its own kernel, once, and runs it on every machine: what a lane does is the whole text.
#include <tilery/cpu.hpp>
#include <tilery/cuda.hpp>
#include <tilery/kernel.hpp>
#include <tilery/virtual_gpu.hpp>

#include <cstdio>
#include <vector>

using namespace tilery;

struct norm_params {
  gmem_matrix<const float> x;
  gmem_ptr<float> norms;
};

/// norms[r] = sqrt(sum of x[r, c]^2): a block a row, four elements an access.
struct row_norms {
  static constexpr const char* name = "row_norms";
  static constexpr int threads = 128;
  static constexpr bool allows_one_lane = true;  // right for a block of one lane, too: that is the CPU
  struct shared {
    shared_array<float, 4> of_warp;
    void members(auto name) { name("of_warp", of_warp); }  // for reports
  };

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const norm_params& p, shared& smem) {
    const int row = lane.block().x;
    auto squares = splat<4>(0.0f);
    for (int c = lane.rank() * 4; c < p.x.columns; c += lane.threads(threads) * 4) {
      const auto x = lane.load(p.x.row(row) + c, width<4>);
      squares = fma(x, x, squares);
    }
    float total = sum(squares);
    for (int mask = Lane::warp_size / 2; mask > 0; mask /= 2) total += lane.shuffle_xor(total, mask);
    if constexpr (!Lane::is_whole_block) {
      if (lane.warp_rank() == 0) lane.store(smem.of_warp.at(lane.warp()), total);
      lane.sync_block();  // take it away, and the virtual GPU shows what goes wrong
      total = sum(lane.load(smem.of_warp.at(0), width<4>));
    }
    if (lane.rank() == 0) lane.store(p.norms + row, math::sqrt{}(total));
  }
};

template <class Executor>
bool norms_on(const Executor& executor, const char* name) {
  const int rows = 3, columns = 1024;
  const std::vector<float> twos(rows * columns, 2.0f);
  buffer<float, 2> x(executor, rows, columns);
  buffer<float> norms(executor, rows);
  copy(executor, matrix(twos.data(), rows, columns), x);

  launch<row_norms>(executor, {rows},
                    norm_params{for_kernel<const float>(x.view()), gmem_ptr<float>(norms.data_handle())},
                    {reads("x", x.view()), writes("norms", norms.view())});

  std::vector<float> result(rows);
  copy(executor, norms, vector(result.data(), rows));
  executor.wait();
  std::printf("%-12s %g %g %g\n", name, result[0], result[1], result[2]);
  return result == std::vector<float>{64, 64, 64};
}

int main() {
  bool right = norms_on(virtual_gpu(arch::sm_90), "virtual gpu") && norms_on(cpu(), "cpu");  // it finds faults first
  if (!with_cuda([&](const auto& gpu) { right = norms_on(gpu, "cuda") && right; }))
    std::printf("no CUDA device here\n");
  return right ? 0 : 1;
}
