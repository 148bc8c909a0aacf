// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Each form of the GEMM, and the bias gradient that goes with it, captured into a CUDA graph and replayed, on other
// values and more than once: the same bits as the call itself. Only for the cuda executor.
#include "tests/draw.hpp"

#include <tilery/column_sum.hpp>
#include <tilery/cuda.hpp>
#include <tilery/gemm_batched.hpp>
#include <tilery/gemm_grouped.hpp>
#include <tilery/validate.hpp>

#include <gtest/gtest.h>

#include <cstring>

namespace {

using namespace tilery;
using namespace tilery_tests;

class gemm_capture : public testing::Test {
public:
  void SetUp() override {
    if (cuda_devices() == 0) GTEST_SKIP() << "no CUDA device";
    check_cuda(cudaStreamCreate(&stream_), "cudaStreamCreate", {});
  }
  void TearDown() override {
    if (stream_) (void)cudaStreamDestroy(stream_);
  }

  /// `call(executor, A, B, C)` on 2^16 elements each of T; with a scratch for the executor, or with none, and captured
  /// behind a call or as the first one.
  template <class T, class Call>
  void check(const Call& call, std::int64_t scratch_bytes = 0, bool first = false) {
    constexpr int size = 1 << 16;
    const buffer<std::uint8_t> scratch(cuda(stream_), scratch_bytes);
    const cuda gpu(stream_, {scratch.data_handle(), static_cast<std::size_t>(scratch_bytes)});
    const buffer<T> a(gpu, size), b(gpu, size), c(gpu, size);
    const auto fill = [&](const buffer<T>& to) {
      const auto values = draw_values<T>(size);
      copy_dense(gpu, vector(values.data(), size), to);
      gpu.wait();
    };
    const auto result = [&] {
      std::vector<T> values(size);
      copy_dense(gpu, c, vector(values.data(), size));
      gpu.wait();
      return values;
    };
    fill(a), fill(b), fill_zero(gpu, c);
    if (!first) call(gpu, a, b, c);  // what is set up at a first call is set up
    gpu.wait();

    cudaGraph_t graph = nullptr;
    cudaGraphExec_t replay = nullptr;
    check_cuda(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal), "cudaStreamBeginCapture", {});
    call(gpu, a, b, c);
    check_cuda(cudaStreamEndCapture(stream_, &graph), "cudaStreamEndCapture", {});
    check_cuda(cudaGraphInstantiate(&replay, graph, 0), "cudaGraphInstantiate", {});
    for (int turn = 0; turn < 3; ++turn) {
      fill(a), fill(b);
      fill_zero(gpu, c);
      call(gpu, a, b, c);
      const auto want = result();
      fill_zero(gpu, c);
      check_cuda(cudaGraphLaunch(replay, stream_), "cudaGraphLaunch", {});
      const auto got = result();
      EXPECT_EQ(std::memcmp(got.data(), want.data(), size * sizeof(T)), 0) << "replay " << turn;
      EXPECT_NE(as_double(got[0]), 0);
    }
    (void)cudaGraphExecDestroy(replay);
    (void)cudaGraphDestroy(graph);
  }

private:
  cudaStream_t stream_ = nullptr;
};

template <class T>
matrix_view<const T> input(const buffer<T>& of, int rows, int columns) {
  return matrix(static_cast<const T*>(of.data_handle()), rows, columns);
}

TEST_F(gemm_capture, of_whole_tiles) {
  const auto call = [](const cuda& gpu, const auto& a, const auto& b, const auto& c) {
    gemm(gpu, input(a, 128, 64), input(b, 64, 128), matrix(c.data_handle(), 128, 128));
  };
  check<float>(call);
  check<half>(call);
  check<double>(call);
}
TEST_F(gemm_capture, of_tiles_that_blocks_share) {
  const auto call = [](const cuda& gpu, const auto& a, const auto& b, const auto& c) {
    gemm(gpu, input(a, 32, 2048), input(b, 2048, 32), matrix(c.data_handle(), 32, 32));
  };
  check<float>(call);
  check<half>(call);
}
// With a scratch as large as the op says, the graph has no nodes that allocate.
TEST_F(gemm_capture, of_tiles_that_share_a_scratch) {
  const auto call = [](const auto& gpu, const auto& a, const auto& b, const auto& c) {
    gemm(gpu, input(a, 32, 2048), input(b, 2048, 32), matrix(c.data_handle(), 32, 32));
  };
  const buffer<float> some(cuda(), 1 << 16);
  const auto bytes = workspace_bytes(cuda(), [&](const auto& gpu) { call(gpu, some, some, some); });
  EXPECT_GT(bytes, 0u);
  check<float>(call, static_cast<std::int64_t>(bytes));
}
TEST_F(gemm_capture, of_a_first_call) {
  check<float>(
      [](const cuda& gpu, const auto& a, const auto& b, const auto& c) {
        constexpr gemm_simt_policy of_this_test_alone{.block = {32, 64, 8}, .lane = {4, 4}, .k_parts = 3};
        gemm<of_this_test_alone>(gpu, input(a, 96, 128), input(b, 128, 96), matrix(c.data_handle(), 96, 96));
      },
      0, true);
}
TEST_F(gemm_capture, with_an_epilogue) {
  check<bf16>([](const cuda& gpu, const auto& a, const auto& b, const auto& c) {
    gemm(gpu, input(a, 128, 64), input(b, 64, 128), matrix(c.data_handle(), 128, 128),
         epilogue::bias(vector(static_cast<const bf16*>(a.data_handle()), 128)) | epilogue::gelu());
  });
}
TEST_F(gemm_capture, of_stream_k_on_tensor_cores) {
  check<bf16>([](const cuda& gpu, const auto& a, const auto& b, const auto& c) {
    constexpr gemm_mma_sync_policy shared{.block = {64, 64, 32}, .warp = {32, 32}, .k_parts = stream_k};
    gemm<shared>(gpu, input(a, 192, 256), input(b, 256, 192), matrix(c.data_handle(), 192, 192));
  });
}
// The pool of the workspace keeps it, and lends the same again.
TEST_F(gemm_capture, workspace_is_kept_from_launch_to_launch) {
  const cuda gpu;
  const std::size_t bytes = std::size_t{8} << 20;
  void* const first = gpu.workspace(bytes).get();
  gpu.wait();
  int device = 0;
  check_cuda(cudaGetDevice(&device), "cudaGetDevice", {});
  std::uint64_t reserved = 0;
  check_cuda(cudaMemPoolGetAttribute(workspace_pool(device), cudaMemPoolAttrReservedMemCurrent, &reserved),
             "cudaMemPoolGetAttribute", {});
  EXPECT_GE(reserved, bytes);
  EXPECT_EQ(gpu.workspace(bytes).get(), first);
}
TEST_F(gemm_capture, of_stream_k) {
  check<float>([](const cuda& gpu, const auto& a, const auto& b, const auto& c) {
    constexpr gemm_simt_policy shared{.block = {64, 64, 8}, .lane = {4, 4}, .k_parts = stream_k};
    gemm<shared>(gpu, input(a, 192, 256), input(b, 256, 192), matrix(c.data_handle(), 192, 192));
  });
}
TEST_F(gemm_capture, of_a_batch) {
  check<float>([](const cuda& gpu, const auto& a, const auto& b, const auto& c) {
    const tensor_view<const float, 3> as(a.data_handle(), 4, 64, 32), bs(b.data_handle(), 4, 32, 64);
    gemm_batched(gpu, as, bs, tensor_view<float, 3>(c.data_handle(), 4, 64, 64));
  });
}
TEST_F(gemm_capture, of_a_batch_whose_tiles_are_shared) {
  check<float>([](const cuda& gpu, const auto& a, const auto& b, const auto& c) {
    const tensor_view<const float, 3> as(a.data_handle(), 2, 16, 2048), bs(b.data_handle(), 2, 2048, 16);
    gemm_batched(gpu, as, bs, tensor_view<float, 3>(c.data_handle(), 2, 16, 16));
  });
}
TEST_F(gemm_capture, of_a_group_of_several_launches) {
  check<float>([](const cuda& gpu, const auto& a, const auto& b, const auto& c) {
    using member = gemm_member<float, float, float>;
    std::vector<member> members;
    for (int i = 0; i < 1000; ++i)
      members.push_back({input(a, 8, 16), input(b, 16, 8), matrix(c.data_handle() + 64 * i, 8, 8)});
    gemm_grouped(gpu, std::span<const member>(members));
  });
}
TEST_F(gemm_capture, of_a_group_and_of_pointers) {
  // The lists are gone when the graph is replayed.
  check<float>([](const cuda& gpu, const auto& a, const auto& b, const auto& c) {
    using member = gemm_member<float, float, float>;
    const std::vector<member> members{{input(a, 64, 32), input(b, 32, 64), matrix(c.data_handle(), 64, 64)},
                                      {input(a, 20, 70), input(b, 70, 30), matrix(c.data_handle() + 64 * 64, 20, 30)}};
    gemm_grouped(gpu, std::span<const member>(members));
  });
  check<float>([](const cuda& gpu, const auto& a, const auto& b, const auto& c) {
    const std::vector<const float*> as{a.data_handle() + 64, a.data_handle()}, bs{b.data_handle(), b.data_handle()};
    const std::vector<float*> cs{c.data_handle(), c.data_handle() + 4096};
    gemm_batched(gpu, matrix_pointers<const float>{as, 64, 32}, matrix_pointers<const float>{bs, 32, 64},
                 matrix_pointers<float>{cs, 64, 64});
  });
}

TEST_F(gemm_capture, of_the_gradient_of_a_bias_in_an_epilogue) {
  check<float>([](const cuda& gpu, const auto& a, const auto& b, const auto& c) {
    gemm(gpu, input(a, 200, 64), input(b, 64, 128), matrix(c.data_handle() + 128, 200, 128),
         epilogue::times_gradient<activation::gelu>(input(b, 200, 128)) |
             epilogue::bias_gradient(vector(c.data_handle(), 128)));
  });
}
TEST_F(gemm_capture, of_the_gradient_of_a_bias) {
  check<float>([](const cuda& gpu, const auto& a, const auto&, const auto& c) {
    column_sum(gpu, input(a, 4096, 16), vector(c.data_handle(), 16));
  });
}

}  // namespace
