// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The library's only __global__ function, `trampoline`, which calls a kernel's `run` in each thread, and the function
// that launches it.
#pragma once
#pragma GCC system_header

#include <tilery/simt/cuda_check.hpp>
#include <tilery/simt/cuda_lane.hpp>
#include <tilery/simt/kernel.hpp>

#ifdef __CUDACC__

namespace tilery::inline TILERY_ABI {

/// True if the device pass for this compute capability (multiplied by 10) has the kernel's code. This is a constant,
/// because a __global__ function cannot call constexpr functions of the host.
template <class Kernel, int Capability>
inline constexpr bool is_compiled_for = Capability >= 75 && has_code_for(arch_of(Capability), needs_of<Kernel>());

/// Calls the kernel's `run`. In a device pass for an arch that cannot run the kernel, the body is only a trap: there
/// the kernel costs neither compile time nor code.
template <class Kernel, class Params>
__global__ void __launch_bounds__(Kernel::threads, resident_of<Kernel>())
    trampoline(const __grid_constant__ Params params) {
#ifdef __CUDA_ARCH__
  if constexpr (is_compiled_for<Kernel, __CUDA_ARCH__ / 10>) {
    extern __shared__ __align__(128) unsigned char shared_memory[];
    Kernel::run(cuda_lane{}, params, *reinterpret_cast<typename Kernel::shared*>(shared_memory));
  } else {
    __trap();  // not reached: the launch refuses first
  }
#endif
}

/// Launches a kernel on a stream. `function` is the kernel's trampoline; its type is erased, so this function is
/// compiled once. A launch that needs more than 48 KiB of shared memory sets the function's attribute for it each time:
/// the attribute belongs to a (function, device) pair, and a flag "already set" would be wrong on a second device.
inline void launch_on_stream(const kernel_needs& kernel, const void* function, index3 blocks, void* params,
                             cudaStream_t stream, where at) {
  if (kernel.shared_bytes > 48 * 1024)
    check_cuda(cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize, kernel.shared_bytes),
               "cudaFuncSetAttribute", at);
  if (!has_code_for(arch::sm_75, kernel)) {
    // A device for which the program has no code runs the code for an older arch, where the kernel may be only the
    // trap: refuse the launch instead.
    cudaFuncAttributes code;
    check_cuda(cudaFuncGetAttributes(&code, function), "cudaFuncGetAttributes", at);
    if (!has_code_for(arch_of(code.ptxVersion), kernel)) {
      const arch_limits* first = all_arch_limits;
      while (!has_code_for(first->id, kernel)) ++first;
      throw error({kernel.name, " needs code for ", first->name, "; the program has it for sm_", code.ptxVersion,
                   ": add the device's compute capability to nvcc's -gencode options (CMAKE_CUDA_ARCHITECTURES)"},
                  at);
    }
  }
  const dim3 grid(blocks.x, blocks.y, blocks.z), threads(kernel.threads);
  const auto bytes = static_cast<std::size_t>(kernel.shared_bytes);
  cudaError_t result;
  if (kernel.cluster > 1) {
    cudaLaunchAttribute cluster = {};
    cluster.id = cudaLaunchAttributeClusterDimension;
    cluster.val.clusterDim = {static_cast<unsigned>(kernel.cluster), 1, 1};
    const cudaLaunchConfig_t how = {grid, threads, bytes, stream, &cluster, 1};
    result = cudaLaunchKernelExC(&how, function, &params);
  } else {
    result = cudaLaunchKernel(function, grid, threads, &params, bytes, stream);
  }
  if (result == cudaErrorNoKernelImageForDevice || result == cudaErrorInvalidDeviceFunction) {
    (void)cudaGetLastError();
    throw error({"cudaLaunchKernel: the program has no code of ", kernel.name,
                 " for this device; add its compute capability to nvcc's -gencode options (CMAKE_CUDA_ARCHITECTURES)"},
                at);
  }
  check_cuda(result, "cudaLaunchKernel", at);
}
/// Launches Kernel on a stream.
template <class Kernel, class Params>
void launch_on_stream(index3 blocks, const Params& params, cudaStream_t stream, where at) {
  launch_on_stream(needs_of<Kernel>(), reinterpret_cast<const void*>(&trampoline<Kernel, Params>), blocks,
                   const_cast<Params*>(&params), stream, at);
}

}  // namespace tilery::inline TILERY_ABI

#endif
