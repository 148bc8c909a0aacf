// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The CUDA executor: runs kernels on a stream of the current device. The class `cuda` is defined only if nvcc compiles
// the translation unit. A program that is also built without nvcc can call `with_cuda`.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/simt/cuda_launch.hpp>
#include <tilery/simt/cuda_workspace.hpp>
#include <tilery/simt/launch.hpp>

#include <tilery/core/buffer.hpp>

namespace tilery::inline TILERY_ABI {

#ifdef __CUDACC__

/// Runs ops on a CUDA stream. Operands are in device, pinned or managed memory. A call returns as soon as its work is
/// enqueued; only a copy from or to pageable host memory may wait until it is complete.
class cuda {
public:
  using lane = cuda_lane;
  static constexpr bool uses_cpu_kernels = false;
  static constexpr bool blocks_may_wait = true;  // resident blocks run at once, and each makes progress
  static constexpr bool has_doubles = true;
  static constexpr int parameter_bytes() { return largest_parameter_bytes; }

  /// `stream` is a stream of the current device, and `scratch` is device memory that ops may use as workspace.
  ///
  /// Workspace. If the scratch is absent or too small, an op allocates its workspace in stream order, from a pool that
  /// keeps the memory for the next op (simt/cuda_workspace.hpp).
  ///
  /// Graphs. If an op is captured into a CUDA graph with a scratch, the graph keeps the address of the scratch: replays
  /// of graphs with the same scratch must not overlap. If the scratch is absent or too small, the graph gets nodes that
  /// allocate and free the workspace.
  ///
  /// Errors. Throws if the scratch is in host memory.
  explicit cuda(cudaStream_t stream = nullptr, memory_range scratch = {}) : stream_(stream), scratch_(scratch) {
    if (scratch.begin && space_of(scratch.begin) == memory_space::host)
      throw error("cuda: the scratch is in host memory; kernels need it in device memory");
  }

  cudaStream_t stream() const { return stream_; }
  static constexpr memory_space reachable() { return memory_space::device; }

  /// Returns the arch of the current device. Throws if there is no device.
  tilery::arch target(where at = {}) const {
    int device = 0, major = 0, minor = 0;
    check_cuda(cudaGetDevice(&device), "cudaGetDevice", at);
    check_cuda(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device), "cudaDeviceGetAttribute", at);
    check_cuda(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device), "cudaDeviceGetAttribute", at);
    return arch_of(10 * major + minor);
  }

  /// Allocates device memory; allocation and release are in stream order. The memory comes from the device's current
  /// pool. The program decides, by the pool's release threshold, how much freed memory the pool keeps.
  allocation allocate(std::size_t bytes, where at = {}) const {
    if (bytes == 0) return {};
    void* memory = nullptr;
    check_cuda(cudaMallocAsync(&memory, bytes, stream_), "cudaMallocAsync", at);
    return {memory, bytes,
            [](void* p, std::size_t, void* stream) noexcept {
              (void)cudaFreeAsync(p, static_cast<cudaStream_t>(stream));
            },
            stream_};
  }
  /// Returns memory that an op uses until its kernels have run: the executor's scratch if that is large enough,
  /// otherwise memory of the library's pool.
  allocation workspace(std::size_t bytes, where at = {}) const {
    const std::size_t skipped = -reinterpret_cast<std::uintptr_t>(scratch_.begin) % 256;  // cudaMalloc's alignment
    if (skipped + bytes <= scratch_.bytes) return {static_cast<std::byte*>(scratch_.begin) + skipped, bytes, nullptr};
    return pooled_workspace(bytes, stream_, at);
  }
  void copy_bytes(void* to, const void* from, std::size_t bytes, where at = {}) const {
    check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream_), "cudaMemcpyAsync", at);
  }
  void zero_bytes(void* to, std::size_t bytes, where at = {}) const {
    check_cuda(cudaMemsetAsync(to, 0, bytes, stream_), "cudaMemsetAsync", at);
  }
  /// Waits until all work on the stream is complete. Throws if an earlier kernel failed.
  void wait(where at = {}) const { check_cuda(cudaStreamSynchronize(stream_), "cudaStreamSynchronize", at); }

  /// Launches a kernel on the stream. `launch` (simt/launch.hpp) calls this function after its checks.
  template <class Kernel, class Params>
  void run(index3 blocks, const Params& params, const operands&, where at) const {
    launch_on_stream<Kernel>(blocks, params, stream_, at);
  }

private:
  cudaStream_t stream_;
  memory_range scratch_;
};

/// The number of usable CUDA devices; 0 if there is no driver.
inline int cuda_devices() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess) {
    (void)cudaGetLastError();
    return 0;
  }
  return devices;
}

#endif

/// If nvcc compiled the translation unit and there is a device, calls f(executor) with a CUDA executor and returns
/// true. Otherwise returns false.
template <class F>
bool with_cuda([[maybe_unused]] F&& f) {
#ifdef __CUDACC__
  if (cuda_devices() > 0) {
    f(cuda{});
    return true;
  }
#endif
  return false;
}

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
