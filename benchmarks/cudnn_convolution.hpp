// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A convolution as cuDNN is asked for it, channels-last, with all plans that its heuristics know.
#pragma once

#include <tilery/core/element.hpp>

#include "benchmarks/conv_case.hpp"
#include "benchmarks/cudnn.hpp"

#include <algorithm>
#include <set>

namespace tilery_benchmarks {

/// cuDNN's names of an element type, and of the type of sums and factors. tf32 is float to cuDNN, which then may use
/// tensor cores.
template <class T>
struct cudnn_type;
// clang-format off
template <> struct cudnn_type<float>        { static constexpr auto data = CUDNN_DATA_FLOAT,    sums = CUDNN_DATA_FLOAT; };
template <> struct cudnn_type<tilery::tf32> { static constexpr auto data = CUDNN_DATA_FLOAT,    sums = CUDNN_DATA_FLOAT; };
template <> struct cudnn_type<tilery::half> { static constexpr auto data = CUDNN_DATA_HALF,     sums = CUDNN_DATA_FLOAT; };
template <> struct cudnn_type<tilery::bf16> { static constexpr auto data = CUDNN_DATA_BFLOAT16, sums = CUDNN_DATA_FLOAT; };
// clang-format on

/// A tensor of a graph. cuDNN takes the extents in the order n, c, h, w (a filter's: k, c, r, s); the strides say that
/// the channels are contiguous. `id` is the tensor's number in this graph.
inline cudnn_descriptor cudnn_tensor(const cudnn& library, std::int64_t id, cudnnDataType_t type, const extents4& e) {
  const std::int64_t h = e[1], w = e[2], c = e[3];
  cudnn_descriptor tensor(library, CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  tensor.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, id)
      .set(CUDNN_ATTR_TENSOR_DATA_TYPE, type)
      .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, std::int64_t{16})
      .set(CUDNN_ATTR_TENSOR_DIMENSIONS, std::vector<std::int64_t>{e[0], c, h, w})
      .set(CUDNN_ATTR_TENSOR_STRIDES, std::vector<std::int64_t>{h * w * c, 1, w * c, c});
  tensor.finalize("the cuDNN tensor");
  return tensor;
}

/// The graph of one operation c = conv(a, b) in the direction of `s`. The tensors' numbers are 0, 1 and 2. cuDNN takes
/// the number of groups from the channels of images and filters.
template <class T>
cudnn_descriptor cudnn_conv_operation(const cudnn& library, const conv_case& s) {
  const std::int64_t padding = s.shape.padding, stride = s.shape.stride, dilation = s.shape.dilation;
  const auto both = [](std::int64_t value) { return std::vector<std::int64_t>{value, value}; };
  cudnn_descriptor convolution(library, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  convolution.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, cudnn_type<T>::sums)
      .set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION)
      .set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, std::int64_t{2})
      .set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, both(padding))
      .set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, both(padding))
      .set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, both(stride))
      .set(CUDNN_ATTR_CONVOLUTION_DILATIONS, both(dilation))
      .finalize("the cuDNN convolution");
  const cudnn_descriptor a = cudnn_tensor(library, 0, cudnn_type<T>::data, s.a());
  const cudnn_descriptor b = cudnn_tensor(library, 1, cudnn_type<T>::data, s.b());
  const cudnn_descriptor c = cudnn_tensor(library, 2, cudnn_type<gemm_result_t<T>>::data, s.c());
  const auto of = [&](cudnnBackendDescriptorType_t type, cudnnBackendAttributeName_t conv,
                      cudnnBackendAttributeName_t of_a, cudnnBackendAttributeName_t of_b,
                      cudnnBackendAttributeName_t of_c, cudnnBackendAttributeName_t alpha,
                      cudnnBackendAttributeName_t beta) {
    cudnn_descriptor operation(library, type);
    operation.set(conv, convolution).set(of_a, a).set(of_b, b).set(of_c, c).set(alpha, 1.0f).set(beta, 0.0f);
    operation.finalize("the cuDNN operation");
    return operation;
  };
  if (s.is_forward())
    return of(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA);
  if (s.is_data_gradient())
    return of(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA);
  return of(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA);
}

/// A convolution with its plans: one for each engine configuration that a heuristic of cuDNN returns, the one it thinks
/// best first. Plans that need more workspace than there is are left out, and for float those that use tensor cores or
/// round the operands.
template <class T>
class cudnn_convolution {
public:
  cudnn_convolution(const cudnn& library, const conv_case& s, std::size_t workspace_bytes)
      : library_(&library), operation_(cudnn_conv_operation<T>(library, s)) {
    graph_.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, library.handle).set(CUDNN_ATTR_OPERATIONGRAPH_OPS, operation_);
    graph_.finalize("the cuDNN graph");
    std::set<std::string> known;
    for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_B, CUDNN_HEUR_MODE_FALLBACK}) {
      cudnn_descriptor heuristic(library, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
      heuristic.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph_).set(CUDNN_ATTR_ENGINEHEUR_MODE, mode);
      if (!heuristic.can_be_finalized()) continue;  // mode B does not know groups and dilation
      for (cudnn_descriptor& configuration :
           heuristic.get(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, -1))
        if (serves(configuration) && known.insert(name_of(configuration)).second)
          add_plan(std::move(configuration), workspace_bytes);
    }
  }

  /// How many there are; 0 where cuDNN does not serve the problem.
  int plans() const { return static_cast<int>(plans_.size()); }
  /// Such as "engine 38 k2=14 k13=0".
  const std::string& name(int plan) const { return plans_[static_cast<std::size_t>(plan)].name; }

  /// The tensors and the workspace of a call, for any plan.
  cudnn_descriptor pack(const T* a, const T* b, gemm_result_t<T>* c, void* workspace) const {
    cudnn_descriptor pack(*library_, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, std::vector<std::int64_t>{0, 1, 2})
        .set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS,
             std::vector<void*>{const_cast<T*>(a), const_cast<T*>(b), static_cast<void*>(c)})
        .set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, std::vector<void*>{workspace});
    pack.finalize("the cuDNN variant pack");
    return pack;
  }
  /// c = conv(a, b), in the order of the library's stream.
  void run(int plan, const cudnn_descriptor& pack) const {
    library_->check(library_->execute(library_->handle, plans_[static_cast<std::size_t>(plan)].descriptor.get(),
                                      pack.get()),
                    "cudnnBackendExecute");
  }

private:
  struct named_plan {
    std::string name;
    cudnn_descriptor configuration, descriptor;
  };

  static cudnn_descriptor engine_of(const cudnn_descriptor& configuration) {
    auto engines = configuration.get(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR, 1);
    if (engines.empty()) throw tilery::error("cuDNN returned an engine configuration without an engine");
    return std::move(engines[0]);
  }
  static bool serves([[maybe_unused]] const cudnn_descriptor& configuration) {
    if constexpr (std::is_same_v<T, float>) {
      const auto notes = engine_of(configuration)
                             .template get<cudnnBackendNumericalNote_t>(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
                                                                        CUDNN_NUMERICAL_NOTE_TYPE_COUNT);
      return std::none_of(notes.begin(), notes.end(), [](cudnnBackendNumericalNote_t note) {
        return note == CUDNN_NUMERICAL_NOTE_TENSOR_CORE || note == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS;
      });
    } else {
      return true;
    }
  }
  /// The engine's number and its knobs, in the order of their numbers.
  static std::string name_of(const cudnn_descriptor& configuration) {
    std::set<std::pair<int, std::int64_t>> knobs;
    for (const cudnn_descriptor& knob : configuration.get(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES,
                                                          CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR, CUDNN_KNOB_TYPE_COUNTS))
      knobs.emplace(static_cast<int>(knob.get<cudnnBackendKnobType_t>(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE)),
                    knob.get<std::int64_t>(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE));
    std::string name =
        "engine " + std::to_string(engine_of(configuration).get<std::int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX));
    for (const auto& [knob, value] : knobs) name += " k" + std::to_string(knob) + "=" + std::to_string(value);
    return name;
  }
  void add_plan(cudnn_descriptor configuration, std::size_t workspace_bytes) {
    cudnn_descriptor plan(*library_, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, library_->handle)
        .set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
    if (!plan.can_be_finalized()) return;  // a heuristic may return what the engine then refuses
    if (plan.get<std::int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE) > static_cast<std::int64_t>(workspace_bytes))
      return;
    std::string name = name_of(configuration);
    plans_.push_back({std::move(name), std::move(configuration), std::move(plan)});
  }

  const cudnn* library_;
  cudnn_descriptor operation_;
  cudnn_descriptor graph_{*library_, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR};
  std::vector<named_plan> plans_;
};

}  // namespace tilery_benchmarks
