// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the virtual GPU counts of the ops' kernels.
#include "tests/hardware/counts_on_virtual_gpu.hpp"
#include "tests/hardware/ops.hpp"

namespace tilery_tests {

using namespace tilery;
using nlohmann::ordered_json;

namespace {

template <class Call>
ordered_json op_entry(const std::string& name, const Call& call, void (*expect)(bool, const std::string&)) {
  launch_report report;
  call(virtual_gpu(arch::sm_90, {.report = &report}));
  expect(report.faults.empty() && report.profiles.size() == 1, name + " is not one launch without a fault");
  ordered_json counts = ordered_json::array();
  for (const access_kind kind :
       {access_kind::global_load, access_kind::global_store, access_kind::shared_load, access_kind::shared_store}) {
    const tally sum = total(report.profiles.at(0), kind);
    counts.push_back({{"kind", name_of(kind)}, {"unit", sum.unit}, {"requests", sum.requests}, {"cost", sum.cost}});
  }
  return {{"op", name}, {"kernel", report.profiles.at(0).kernel}, {"counts", counts}};
}

}  // namespace

ordered_json ops_on_virtual_gpu(void (*expect)(bool, const std::string&)) {
  ordered_json all = ordered_json::array();
  for_each_op([&](const std::string& name, const auto& call) { all.push_back(op_entry(name, call, expect)); });
  return all;
}

}  // namespace tilery_tests
