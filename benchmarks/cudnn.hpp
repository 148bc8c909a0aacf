// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// cuDNN as a peer, opened at run time (a gigabyte). It is asked through its graph API: descriptors with attributes, the
// heuristics' engine configurations, and a plan of each. cuDNN 9 calls its older functions (cudnnFindConvolution...)
// deprecated in favour of that API.
#pragma once

#include <tilery/core/error.hpp>

#include "benchmarks/shared_library.hpp"

#include <cudnn.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tilery_benchmarks {

/// The library. TILERY_CUDNN names its file, libcudnn.so.9; else the loader's places are tried.
class cudnn {
public:
  /// The library, or null where there is none; then `why` says so in a sentence.
  static std::unique_ptr<cudnn> open(std::string& why) {
    shared_library file("cuDNN", "TILERY_CUDNN", {"libcudnn.so.9", "libcudnn.so"});
    std::unique_ptr<cudnn> result(new cudnn);
    result->find_functions(file);
    why = file.why_not();
    if (!why.empty() || !result->begin(why)) return nullptr;
    return result;
  }
  ~cudnn() {
    if (handle) (void)destroy(handle);
  }
  cudnn(const cudnn&) = delete;
  cudnn& operator=(const cudnn&) = delete;

  void check(cudnnStatus_t status, const char* call) const {
    if (status != CUDNN_STATUS_SUCCESS) throw tilery::error({call, " failed: ", status_string(status)});
  }
  /// Such as 9.28.1.
  std::string version() const {
    const std::size_t v = get_version();
    return std::to_string(v / 10000) + "." + std::to_string(v / 100 % 100) + "." + std::to_string(v % 100);
  }
  /// Sets the stream of all launches from now on.
  void use_stream(cudaStream_t stream) const { check(set_stream(handle, stream), "cudnnSetStream"); }

  cudnnHandle_t handle = nullptr;
  decltype(&cudnnBackendCreateDescriptor) create_descriptor = nullptr;
  decltype(&cudnnBackendDestroyDescriptor) destroy_descriptor = nullptr;
  decltype(&cudnnBackendSetAttribute) set_attribute = nullptr;
  decltype(&cudnnBackendGetAttribute) get_attribute = nullptr;
  decltype(&cudnnBackendFinalize) finalize = nullptr;
  decltype(&cudnnBackendExecute) execute = nullptr;

private:
  cudnn() = default;

  void find_functions(shared_library& file) {
    const auto find = [&](auto& function, const char* name) { file.find(function, name); };
    find(create, "cudnnCreate");
    find(destroy, "cudnnDestroy");
    find(get_version, "cudnnGetVersion");
    find(status_string, "cudnnGetErrorString");
    find(set_stream, "cudnnSetStream");
    find(create_descriptor, "cudnnBackendCreateDescriptor");
    find(destroy_descriptor, "cudnnBackendDestroyDescriptor");
    find(set_attribute, "cudnnBackendSetAttribute");
    find(get_attribute, "cudnnBackendGetAttribute");
    find(finalize, "cudnnBackendFinalize");
    find(execute, "cudnnBackendExecute");
  }
  bool begin(std::string& why) {
    if (get_version() < 90000) return why = "cuDNN " + version() + " is too old: 9.0 is the first that serves", false;
    const cudnnStatus_t status = create(&handle);
    if (status == CUDNN_STATUS_SUCCESS) return true;
    handle = nullptr;
    why = std::string("cudnnCreate failed: ") + status_string(status);
    return false;
  }

  decltype(&cudnnCreate) create = nullptr;
  decltype(&cudnnDestroy) destroy = nullptr;
  decltype(&cudnnGetVersion) get_version = nullptr;
  decltype(&cudnnGetErrorString) status_string = nullptr;
  decltype(&cudnnSetStream) set_stream = nullptr;
};

/// The attribute type of a C++ type. Descriptors and pointers are both void*: they have functions of their own below.
constexpr cudnnBackendAttributeType_t attribute_type(std::int64_t) { return CUDNN_TYPE_INT64; }
constexpr cudnnBackendAttributeType_t attribute_type(float) { return CUDNN_TYPE_FLOAT; }
constexpr cudnnBackendAttributeType_t attribute_type(double) { return CUDNN_TYPE_DOUBLE; }
constexpr cudnnBackendAttributeType_t attribute_type(cudnnHandle_t) { return CUDNN_TYPE_HANDLE; }
constexpr cudnnBackendAttributeType_t attribute_type(cudnnDataType_t) { return CUDNN_TYPE_DATA_TYPE; }
constexpr cudnnBackendAttributeType_t attribute_type(cudnnConvolutionMode_t) { return CUDNN_TYPE_CONVOLUTION_MODE; }
constexpr cudnnBackendAttributeType_t attribute_type(cudnnBackendHeurMode_t) { return CUDNN_TYPE_HEUR_MODE; }
constexpr cudnnBackendAttributeType_t attribute_type(cudnnBackendKnobType_t) { return CUDNN_TYPE_KNOB_TYPE; }
constexpr cudnnBackendAttributeType_t attribute_type(cudnnBackendNumericalNote_t) { return CUDNN_TYPE_NUMERICAL_NOTE; }

/// A descriptor of the graph API, which it owns: what is described by attributes, then finalized.
class cudnn_descriptor {
public:
  cudnn_descriptor(const cudnn& library, cudnnBackendDescriptorType_t type) : library_(&library) {
    library.check(library.create_descriptor(type, &descriptor_), "cudnnBackendCreateDescriptor");
  }
  cudnn_descriptor(cudnn_descriptor&& other) noexcept
      : library_(other.library_), descriptor_(std::exchange(other.descriptor_, nullptr)) {}
  cudnn_descriptor& operator=(cudnn_descriptor&& other) noexcept {
    std::swap(library_, other.library_), std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~cudnn_descriptor() {
    if (descriptor_) (void)library_->destroy_descriptor(descriptor_);
  }

  cudnnBackendDescriptor_t get() const { return descriptor_; }

  template <class Value>
  cudnn_descriptor& set(cudnnBackendAttributeName_t name, const std::vector<Value>& values) {
    return set(name, attribute_type(Value{}), static_cast<std::int64_t>(values.size()), values.data());
  }
  template <class Value>
  cudnn_descriptor& set(cudnnBackendAttributeName_t name, const Value& value) {
    return set(name, attribute_type(value), 1, &value);
  }
  cudnn_descriptor& set(cudnnBackendAttributeName_t name, const cudnn_descriptor& value) {
    return set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value.descriptor_);
  }
  cudnn_descriptor& set(cudnnBackendAttributeName_t name, const std::vector<void*>& pointers) {
    return set(name, CUDNN_TYPE_VOID_PTR, static_cast<std::int64_t>(pointers.size()), pointers.data());
  }
  /// Throws if cuDNN does not support what the attributes say.
  cudnn_descriptor& finalize(const char* what) {
    library_->check(library_->finalize(descriptor_), what);
    return *this;
  }
  bool can_be_finalized() { return library_->finalize(descriptor_) == CUDNN_STATUS_SUCCESS; }

  /// Up to `most` values of an attribute.
  template <class Value>
  std::vector<Value> get(cudnnBackendAttributeName_t name, std::int64_t most) const {
    std::vector<Value> values(static_cast<std::size_t>(most));
    values.resize(read(name, attribute_type(Value{}), most, values.data()));
    return values;
  }
  template <class Value>
  Value get(cudnnBackendAttributeName_t name) const {
    Value value{};
    (void)read(name, attribute_type(value), 1, &value);
    return value;
  }
  /// The descriptors of an attribute, which are of this type; up to `most`, or all if it is negative.
  std::vector<cudnn_descriptor> get(cudnnBackendAttributeName_t name, cudnnBackendDescriptorType_t type,
                                    std::int64_t most) const {
    if (most < 0) most = static_cast<std::int64_t>(read(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, nullptr));
    std::vector<cudnn_descriptor> all;
    std::vector<cudnnBackendDescriptor_t> pointers;
    for (std::int64_t i = 0; i < most; ++i) pointers.push_back(all.emplace_back(*library_, type).get());
    const std::size_t count = read(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, most, pointers.data());
    while (all.size() > count) all.pop_back();
    return all;
  }

private:
  cudnn_descriptor& set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::int64_t count,
                        const void* values) {
    library_->check(library_->set_attribute(descriptor_, name, type, count, values), "cudnnBackendSetAttribute");
    return *this;
  }
  /// How many elements the attribute has; with most > 0, how many were written.
  std::size_t read(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::int64_t most,
                   void* values) const {
    std::int64_t count = 0;
    library_->check(library_->get_attribute(descriptor_, name, type, most, &count, values), "cudnnBackendGetAttribute");
    return static_cast<std::size_t>(most > 0 && count > most ? most : count);
  }

  const cudnn* library_;
  cudnnBackendDescriptor_t descriptor_ = nullptr;
};

}  // namespace tilery_benchmarks
