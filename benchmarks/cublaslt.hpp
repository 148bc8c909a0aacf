// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// cuBLASLt as a peer, opened at run time (half a gigabyte).
#pragma once

#include <tilery/core/element.hpp>
#include <tilery/core/error.hpp>

#include "benchmarks/gemm_reference.hpp"
#include "benchmarks/shared_library.hpp"

#include <cublasLt.h>

#include <memory>
#include <string>
#include <vector>

namespace tilery_benchmarks {

/// The library. TILERY_CUBLASLT names its file; else the loader's places and the toolkit's usual one are tried.
class cublaslt {
public:
  /// The library, or null where there is none; then `why` says so in a sentence.
  static std::unique_ptr<cublaslt> open(std::string& why) {
    shared_library file("cuBLASLt", "TILERY_CUBLASLT",
                        {"libcublasLt.so.13", "libcublasLt.so", "/usr/local/cuda/lib64/libcublasLt.so"});
    std::unique_ptr<cublaslt> result(new cublaslt);
    result->find_functions(file);
    why = file.why_not();
    if (!why.empty() || !result->begin(why)) return nullptr;
    return result;
  }
  ~cublaslt() {
    if (handle) (void)destroy(handle);
  }
  cublaslt(const cublaslt&) = delete;
  cublaslt& operator=(const cublaslt&) = delete;

  void check(cublasStatus_t status, const char* call) const {
    if (status != CUBLAS_STATUS_SUCCESS) throw tilery::error({call, " failed: ", status_string(status)});
  }
  /// Such as 13.1.0.
  std::string version() const {
    const std::size_t v = get_version();
    return std::to_string(v / 10000) + "." + std::to_string(v / 100 % 100) + "." + std::to_string(v % 100);
  }

  cublasLtHandle_t handle = nullptr;
  decltype(&cublasLtMatmulDescCreate) create_operation = nullptr;
  decltype(&cublasLtMatmulDescDestroy) destroy_operation = nullptr;
  decltype(&cublasLtMatmulDescSetAttribute) set_operation = nullptr;
  decltype(&cublasLtMatrixLayoutCreate) create_layout = nullptr;
  decltype(&cublasLtMatrixLayoutDestroy) destroy_layout = nullptr;
  decltype(&cublasLtMatrixLayoutSetAttribute) set_layout = nullptr;
  decltype(&cublasLtMatmulPreferenceCreate) create_preference = nullptr;
  decltype(&cublasLtMatmulPreferenceDestroy) destroy_preference = nullptr;
  decltype(&cublasLtMatmulPreferenceSetAttribute) set_preference = nullptr;
  decltype(&cublasLtMatmulAlgoGetHeuristic) get_heuristic = nullptr;
  decltype(&cublasLtMatmul) matmul = nullptr;

private:
  cublaslt() = default;

  void find_functions(shared_library& file) {
    const auto find = [&](auto& function, const char* name) { file.find(function, name); };
    find(create, "cublasLtCreate");
    find(destroy, "cublasLtDestroy");
    find(get_version, "cublasLtGetVersion");
    find(status_string, "cublasLtGetStatusString");
    find(create_operation, "cublasLtMatmulDescCreate");
    find(destroy_operation, "cublasLtMatmulDescDestroy");
    find(set_operation, "cublasLtMatmulDescSetAttribute");
    find(create_layout, "cublasLtMatrixLayoutCreate");
    find(destroy_layout, "cublasLtMatrixLayoutDestroy");
    find(set_layout, "cublasLtMatrixLayoutSetAttribute");
    find(create_preference, "cublasLtMatmulPreferenceCreate");
    find(destroy_preference, "cublasLtMatmulPreferenceDestroy");
    find(set_preference, "cublasLtMatmulPreferenceSetAttribute");
    find(get_heuristic, "cublasLtMatmulAlgoGetHeuristic");
    find(matmul, "cublasLtMatmul");
  }
  bool begin(std::string& why) {
    const cublasStatus_t status = create(&handle);
    if (status == CUBLAS_STATUS_SUCCESS) return true;
    handle = nullptr;
    why = std::string("cublasLtCreate failed: ") + status_string(status);
    return false;
  }

  decltype(&cublasLtCreate) create = nullptr;
  decltype(&cublasLtDestroy) destroy = nullptr;
  decltype(&cublasLtGetVersion) get_version = nullptr;
  decltype(&cublasLtGetStatusString) status_string = nullptr;
};

/// What cuBLASLt calls an element type of A and B, that of C, and the arithmetic that is as exact as tilery's. fp8 and
/// s8 it multiplies in the layout NT alone.
template <class T>
struct cublaslt_type;
// clang-format off
template <> struct cublaslt_type<float>            { static constexpr auto data = CUDA_R_32F, result = CUDA_R_32F, scale = CUDA_R_32F; static constexpr auto compute = CUBLAS_COMPUTE_32F; };
template <> struct cublaslt_type<tilery::tf32>     { static constexpr auto data = CUDA_R_32F, result = CUDA_R_32F, scale = CUDA_R_32F; static constexpr auto compute = CUBLAS_COMPUTE_32F_FAST_TF32; };
template <> struct cublaslt_type<tilery::half>     { static constexpr auto data = CUDA_R_16F, result = CUDA_R_16F, scale = CUDA_R_32F; static constexpr auto compute = CUBLAS_COMPUTE_32F; };
template <> struct cublaslt_type<tilery::bf16>     { static constexpr auto data = CUDA_R_16BF, result = CUDA_R_16BF, scale = CUDA_R_32F; static constexpr auto compute = CUBLAS_COMPUTE_32F; };
template <> struct cublaslt_type<tilery::fp8_e4m3> { static constexpr auto data = CUDA_R_8F_E4M3, result = CUDA_R_16BF, scale = CUDA_R_32F; static constexpr auto compute = CUBLAS_COMPUTE_32F; };
template <> struct cublaslt_type<tilery::int8>     { static constexpr auto data = CUDA_R_8I, result = CUDA_R_32I, scale = CUDA_R_32I; static constexpr auto compute = CUBLAS_COMPUTE_32I; };
template <> struct cublaslt_type<double>           { static constexpr auto data = CUDA_R_64F, result = CUDA_R_64F, scale = CUDA_R_64F; static constexpr auto compute = CUBLAS_COMPUTE_64F; };
// clang-format on

/// A problem or batch, described to cuBLASLt, with the algorithms that its heuristic returns, the one it thinks best
/// first.
template <class T>
class cublaslt_gemm {
public:
  static constexpr int most_algorithms = 8;

  cublaslt_gemm(const cublaslt& library, const gemm_shape& shape, std::size_t workspace_bytes)
      : library_(library), workspace_bytes_(workspace_bytes) {
    const column_major_call call = column_major(shape);
    using type = cublaslt_type<T>;
    operation_ = made<cublasLtMatmulDesc_t>(library.destroy_operation, "cublasLtMatmulDescCreate", [&](auto* desc) {
      return library.create_operation(desc, type::compute, type::scale);
    });
    const auto transpose = [&](cublasLtMatmulDescAttributes_t which, bool is_transposed) {
      const cublasOperation_t value = is_transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
      library.check(library.set_operation(operation_.get(), which, &value, sizeof value),
                    "cublasLtMatmulDescSetAttribute");
    };
    transpose(CUBLASLT_MATMUL_DESC_TRANSA, call.first.transposed);
    transpose(CUBLASLT_MATMUL_DESC_TRANSB, call.second.transposed);
    first_ = layout(call.first, type::data, shape.batch), second_ = layout(call.second, type::data, shape.batch);
    result_ = layout(call.result, type::result, shape.batch);

    const auto preference =
        made<cublasLtMatmulPreference_t>(library.destroy_preference, "cublasLtMatmulPreferenceCreate",
                                         [&](auto* made_one) { return library.create_preference(made_one); });
    library.check(library.set_preference(preference.get(), CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace_bytes_,
                                         sizeof workspace_bytes_),
                  "cublasLtMatmulPreferenceSetAttribute");
    cublasLtMatmulHeuristicResult_t found[most_algorithms] = {};
    int count = 0;
    const cublasStatus_t status =
        library.get_heuristic(library.handle, operation_.get(), first_.get(), second_.get(), result_.get(),
                              result_.get(), preference.get(), most_algorithms, found, &count);
    if (status == CUBLAS_STATUS_NOT_SUPPORTED) return;
    library.check(status, "cublasLtMatmulAlgoGetHeuristic");
    for (int i = 0; i < count; ++i)
      if (found[i].state == CUBLAS_STATUS_SUCCESS && found[i].workspaceSize <= workspace_bytes_)
        algorithms_.push_back(found[i].algo);
  }

  /// How many there are; 0 where cuBLASLt does not serve the problem.
  int algorithms() const { return static_cast<int>(algorithms_.size()); }

  /// C = op(A) op(B), for each of a batch, in the stream's order.
  void run(int algorithm, const T* a, const T* b, gemm_result_t<T>* c, void* workspace, cudaStream_t stream) const {
    const tilery::accumulator_t<T> one = 1, zero = 0;
    library_.check(library_.matmul(library_.handle, operation_.get(), &one, b, first_.get(), a, second_.get(), &zero, c,
                                   result_.get(), c, result_.get(), &algorithms_[static_cast<std::size_t>(algorithm)],
                                   workspace, workspace_bytes_, stream),
                   "cublasLtMatmul");
  }

private:
  template <class Handle>
  using owned = std::unique_ptr<std::remove_pointer_t<Handle>, cublasStatus_t (*)(Handle)>;

  template <class Handle, class Destroy, class Create>
  owned<Handle> made(Destroy destroy, const char* call, const Create& create) const {
    Handle handle = nullptr;
    library_.check(create(&handle), call);
    return owned<Handle>(handle, destroy);
  }
  owned<cublasLtMatrixLayout_t> layout(const column_major_operand& x, cudaDataType_t type, std::int32_t batch) const {
    auto one = made<cublasLtMatrixLayout_t>(library_.destroy_layout, "cublasLtMatrixLayoutCreate", [&](auto* desc) {
      return library_.create_layout(desc, type, static_cast<std::uint64_t>(x.rows),
                                    static_cast<std::uint64_t>(x.columns), x.pitch);
    });
    const auto set = [&](cublasLtMatrixLayoutAttribute_t which, auto value) {
      library_.check(library_.set_layout(one.get(), which, &value, sizeof value), "cublasLtMatrixLayoutSetAttribute");
    };
    if (batch > 1) set(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, batch);
    if (batch > 1) set(CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, x.step());
    return one;
  }

  const cublaslt& library_;
  std::size_t workspace_bytes_;
  owned<cublasLtMatmulDesc_t> operation_{nullptr, nullptr};
  owned<cublasLtMatrixLayout_t> first_{nullptr, nullptr}, second_{nullptr, nullptr}, result_{nullptr, nullptr};
  std::vector<cublasLtMatmulAlgo_t> algorithms_;
};

}  // namespace tilery_benchmarks
