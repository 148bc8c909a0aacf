// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Writes the virtual GPU's reports (profiles, rooflines and faults) as JSON. Json is any type with `operator[]`,
// `push_back`, a static `array()`, and assignment from numbers, bools and strings. nlohmann's library, which is not
// included here, finds these to_json functions by argument-dependent lookup: `nlohmann::json(profile)` works.
//
// Keys are the names of members or member functions; profile.hpp, roofline.hpp and fault.hpp explain them. `product` is
// the GPU's name, from arch_peaks. `operations` has a key for each unit of an SM; `resources` has a key for each
// resource (DRAM, L2 ...), whose value is the bound by this resource. Times are in seconds; the time for a unit that
// the GPU lacks is infinity. Keys that would say nothing are left out: `step` outside of steps, a unit without
// operations (and `operations` if all are), `resources` if the launch uses none, `before` and `element` if there is
// none, and `cause` if it is 0.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/fault.hpp>
#include <tilery/simt/virtual/roofline.hpp>

namespace tilery::inline TILERY_ABI {

template <class Json>
void to_json(Json& json, const where& at) {
  json["file"] = at.file;
  json["line"] = at.line;
}

template <class Json>
void to_json(Json& json, const index3& at) {
  json = Json::array();
  for (const int i : {at.x, at.y, at.z}) json.push_back(i);
}

template <class Json>
void to_json(Json& json, const site& at) {
  json["verb"] = at.verb;
  to_json(json["line"], at.line);
  if (*at.step) json["step"] = at.step;
  to_json(json["kernel_line"], at.kernel_line);
}

template <class Json>
void to_json(Json& json, const site_profile& p) {
  to_json(json["site"], p.site);
  json["kind"] = name_of(p.kind);
  json["requests"] = p.requests;
  json["lanes"] = p.lanes;
  json["bytes"] = p.bytes;
  json["sectors"] = p.sectors;
  json["fewest_sectors"] = p.fewest_sectors;
  json["wavefronts"] = p.wavefronts;
  json["fewest_wavefronts"] = p.fewest_wavefronts;
  json["divergent"] = p.divergent;
  for (int u = 0; u < static_cast<int>(compute_unit::count); ++u)
    if (p.operations[u] != 0) json["operations"][name_of(static_cast<compute_unit>(u))] = p.operations[u];
}

template <class Json>
void to_json(Json& json, const launch_profile& p) {
  json["kernel"] = p.kernel;
  json["arch"] = limits(p.arch).name;
  to_json(json["blocks"], p.blocks);
  json["threads"] = p.threads;
  json["shared_bytes"] = p.shared_bytes;
  json["unique_bytes_read"] = p.unique_bytes_read;
  json["unique_bytes_written"] = p.unique_bytes_written;
  Json& sites = json["sites"] = Json::array();
  for (const site_profile& s : p.sites) {
    Json each;
    to_json(each, s);
    sites.push_back(each);
  }
}

template <class Json>
void to_json(Json& json, const roofline& r) {
  json["product"] = r.on->product;
  json["seconds"] = r.seconds();
  json["bound_by"] = r.bound_by();
  json["filled"] = r.filled();
  for (const resource_bound& each : r.resources) json["resources"][each.name.c_str()] = each.seconds;
}

template <class Json>
void to_json(Json& json, const fault_access& a) {
  to_json(json["site"], a.site);
  to_json(json["block"], a.block);
  json["lane"] = a.lane;
  json["writes"] = a.writes;
}

template <class Json>
void to_json(Json& json, const fault& f) {
  json["kind"] = name_of(f.kind);
  json["kernel"] = f.kernel;
  to_json(json["now"], f.now);
  if (f.has_before()) to_json(json["before"], f.before);
  json["memory"] = f.memory;
  json["offset"] = f.offset;
  if (!f.element.empty()) json["element"] = f.element;
  json["bytes"] = f.bytes;
  json["missing"] = f.missing;
  json["count"] = f.count;
  if (f.cause != 0) json["cause"] = f.cause;
  json["text"] = f.text();
}

}  // namespace tilery::inline TILERY_ABI
