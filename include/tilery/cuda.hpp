// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The CUDA executor: kernels on a stream of the current device. It exists where nvcc compiles the unit; `with_cuda`
// lets a program that is also built without nvcc say what to do on a GPU.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/simt/cuda_launch.hpp>
#include <tilery/simt/cuda_workspace.hpp>

#include <tilery/core/buffer.hpp>

namespace tilery::inline TILERY_ABI {

#ifdef __CUDACC__

/// Runs ops on a CUDA stream. Operands are in device, pinned or managed memory. Calls return once they are enqueued.
class cuda {
public:
  using lane = cuda_lane;

  /// On a stream of the current device; `scratch` is workspace for ops that need some. Without it, or where it is too
  /// small, they take theirs in the stream's order from a pool that keeps it for the next op (simt/cuda_workspace.hpp).
  /// Ops that are captured with a scratch hold its address, and their replays must not run at the same time.
  /// Throws where the scratch is memory of the host.
  explicit cuda(cudaStream_t stream = nullptr, memory_range scratch = {}) : stream_(stream), scratch_(scratch) {
    if (scratch.begin && space_of(scratch.begin) == memory_space::host)
      throw error("cuda: the scratch is in host memory; kernels need it in device memory");
  }

  cudaStream_t stream() const { return stream_; }
  static constexpr memory_space reachable() { return memory_space::device; }

  /// The arch of the current device. Throws where there is none.
  tilery::arch target(where at = {}) const {
    int device = 0, major = 0, minor = 0;
    check_cuda(cudaGetDevice(&device), "cudaGetDevice", at);
    check_cuda(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device), "cudaDeviceGetAttribute", at);
    check_cuda(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device), "cudaDeviceGetAttribute", at);
    return arch_of(10 * major + minor);
  }

  /// Device memory, allocated and freed in the stream's order, from the device's current pool: whether that keeps what
  /// is freed is the program's choice.
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
  /// Memory for the duration of an op: the executor's scratch where it is large enough.
  allocation workspace(std::size_t bytes, where at = {}) const {
    const std::size_t skipped = -reinterpret_cast<std::uintptr_t>(scratch_.begin) % 256;  // aligned as cudaMalloc does
    if (skipped + bytes <= scratch_.bytes) return {static_cast<std::byte*>(scratch_.begin) + skipped, bytes, nullptr};
    return pooled_workspace(bytes, stream_, at);
  }
  void copy_bytes(void* to, const void* from, std::size_t bytes, where at = {}) const {
    check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream_), "cudaMemcpyAsync", at);
  }
  void zero_bytes(void* to, std::size_t bytes, where at = {}) const {
    check_cuda(cudaMemsetAsync(to, 0, bytes, stream_), "cudaMemsetAsync", at);
  }
  /// Until everything on the stream has happened; errors of earlier kernels surface here.
  void wait(where at = {}) const { check_cuda(cudaStreamSynchronize(stream_), "cudaStreamSynchronize", at); }

  /// See `launch`.
  template <class Kernel, class Params>
  void run(index3 blocks, const Params& params, const operands&, where at) const {
    refuse(check_arch(needs_of<Kernel>(), target(at)), at);
    launch_on_stream<Kernel>(blocks, params, stream_, at);
  }

private:
  cudaStream_t stream_;
  memory_range scratch_;
};

/// Number of CUDA devices that can be used; 0 also where there is no driver.
inline int cuda_devices() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess) {
    (void)cudaGetLastError();
    return 0;
  }
  return devices;
}

#endif

/// Calls f(executor) with a CUDA executor and returns true, where the unit was compiled by nvcc and there is a device.
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
