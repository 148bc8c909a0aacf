// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a lesson is, and what is known of it once it has run: the error of its result, what the virtual GPU found, and
// its profile. `show` prints all of it, the step before beside it.
#pragma once

#include <tilery/core/arch.hpp>
#include <tilery/simt/virtual/checks.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace learn {

using namespace tilery;

/// How large a problem is: m, n and k of a GEMM; rows and columns of a softmax.
using sizes = std::vector<int>;

/// What became of one run on one machine.
struct outcome {
  double error = 0;    ///< the largest, against a reference in double; infinity where a result is no number
  double allowed = 0;  ///< what rounding may do
  double seconds = 0;  ///< of one launch, on a GPU
  double multiply_adds = 0;
  launch_report report;  ///< of the virtual GPU

  bool right() const { return error <= allowed; }
};

/// A launch's profile, added up.
struct totals {
  std::int64_t bytes = 0;  ///< that lanes ask of global memory
  std::int64_t requests = 0, sectors = 0;
  std::int64_t shared_requests = 0, wavefronts = 0;
  std::int64_t barriers = 0;  ///< by warp
};
totals add_up(const launch_profile& launch);

/// One of them.
using counter = std::int64_t totals::*;

/// What a lesson must improve on the step before: at most this share of it is left.
struct aim {
  const char* what = "";
  counter of = nullptr;
  double share = 1;
};

struct lesson {
  std::string name;  ///< the kernel's
  const char* idea;
  aim improves;
  std::function<outcome(arch, const sizes&)> on_virtual_gpu;
  std::function<std::optional<outcome>(const sizes&)> on_cuda;  ///< nothing where there is no GPU
};

/// Lessons that improve one kernel step by step.
struct course {
  std::string name;
  const char* computes;
  std::vector<const char*> size_names;
  sizes usual;
  std::vector<lesson> lessons;
};
course gemm_course();
course softmax_course();

struct show_options {
  sizes size;
  arch model = arch::sm_90;
  std::string html;  ///< the file for the annotated source; empty: none
};
/// Runs a lesson and the step before it and prints what there is to see. Whether all is well: right, nothing found, and
/// better than the step before.
bool show(const course& of, int number, const show_options& how);

}  // namespace learn
