// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The one __global__ function of the library: a trampoline from the grid to a kernel's text.
#pragma once

#include <tilery/simt/cuda_check.hpp>
#include <tilery/simt/cuda_lane.hpp>
#include <tilery/simt/kernel.hpp>

#ifdef __CUDACC__

namespace tilery::inline TILERY_ABI {

/// In a pass for an arch that cannot run the kernel the body is empty: it costs no time to compile and no code.
template <class Kernel, class Params>
__global__ void __launch_bounds__(Kernel::threads, 1) trampoline(const __grid_constant__ Params params) {
#ifdef __CUDA_ARCH__
  if constexpr (__CUDA_ARCH__ >= 10 * static_cast<int>(Kernel::lowest)) {
    extern __shared__ __align__(128) unsigned char shared_memory[];
    Kernel::run(cuda_lane{}, params, *reinterpret_cast<typename Kernel::shared*>(shared_memory));
  } else {
    __trap();  // the launch refuses before it comes to this
  }
#endif
}

/// One launch on a stream. The shared memory's opt-in is set at each launch that needs it: the attribute belongs to a
/// (function, device) pair, and a remembered "already done" would be wrong on the second device.
template <class Kernel, class Params>
void launch_on_stream(index3 blocks, const Params& params, cudaStream_t stream, where at) {
  auto* function = &trampoline<Kernel, Params>;
  const void* address = reinterpret_cast<const void*>(function);
  constexpr int bytes = shared_bytes<Kernel>();
  if constexpr (bytes > 48 * 1024)
    check_cuda(cudaFuncSetAttribute(address, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes),
               "cudaFuncSetAttribute", at);
  if constexpr (Kernel::lowest > arch::sm_75) {
    // A newer device would run the empty body that was compiled for an older arch.
    cudaFuncAttributes code;
    check_cuda(cudaFuncGetAttributes(&code, address), "cudaFuncGetAttributes", at);
    if (code.ptxVersion < static_cast<int>(Kernel::lowest))
      throw error({Kernel::name, " needs code for ", limits(Kernel::lowest).name, "; the program has it for sm_",
                   code.ptxVersion,
                   ": add the device's compute capability to nvcc's -gencode options (CMAKE_CUDA_ARCHITECTURES)"},
                  at);
  }
  void* arguments[] = {const_cast<Params*>(&params)};
  const dim3 grid(blocks.x, blocks.y, blocks.z), threads(Kernel::threads);
  cudaError_t result;
  if constexpr (cluster_of<Kernel>() > 1) {
    cudaLaunchAttribute cluster = {};
    cluster.id = cudaLaunchAttributeClusterDimension;
    cluster.val.clusterDim = {static_cast<unsigned>(cluster_of<Kernel>()), 1, 1};
    const cudaLaunchConfig_t how = {grid, threads, static_cast<std::size_t>(bytes), stream, &cluster, 1};
    result = cudaLaunchKernelExC(&how, address, arguments);
  } else {
    result = cudaLaunchKernel(address, grid, threads, arguments, bytes, stream);
  }
  if (result == cudaErrorNoKernelImageForDevice || result == cudaErrorInvalidDeviceFunction) {
    (void)cudaGetLastError();
    throw error({"cudaLaunchKernel: the program has no code of ", Kernel::name,
                 " for this device; add its compute capability to nvcc's -gencode options (CMAKE_CUDA_ARCHITECTURES)"},
                at);
  }
  check_cuda(result, "cudaLaunchKernel", at);
}

}  // namespace tilery::inline TILERY_ABI

#endif
