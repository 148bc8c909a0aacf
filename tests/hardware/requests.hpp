// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Many single accesses of one warp, by rule and at random: each is a launch that makes it once, so that a profiler's
// counters of the launch are its cost. What a GPU said of them is kept beside its results (virtual_gpu_requests.csv),
// and the virtual GPU's rules are tested against that (requests_test.cpp).
#pragma once

#include "tests/hardware/access_patterns.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <random>
#include <type_traits>
#include <vector>

namespace tilery_tests {

inline constexpr int request_units = 512;

/// Lane i, where bit i of `lanes` is set, accesses `bytes` at unit at[i].
struct request {
  access_kind kind;
  int bytes;
  std::uint32_t lanes;
  int at[32];  // below request_units

  /// The line in which the programs and the results name it: kind, bytes, lanes in hexadecimal, the units of all lanes.
  std::string name() const {
    char mask[9];
    std::snprintf(mask, sizeof mask, "%08x", static_cast<unsigned>(lanes));
    std::string text = std::string(name_of(kind)) + "," + std::to_string(bytes) + "," + mask;
    for (const int unit : at) text += "," + std::to_string(unit);
    return text;
  }
};

template <class T>
struct request_params {
  tilery::gmem_ptr<const T> in;    // request_units units
  tilery::gmem_ptr<T> out;         // request_units units
  tilery::gmem_ptr<float> result;  // 32
  std::uint32_t lanes;
  int at[32];
};

template <access_kind Kind, int Bytes>
struct request_kernel {
  using element = std::conditional_t<Bytes == 2, tilery::half, float>;
  static constexpr int elements = Bytes / static_cast<int>(sizeof(element));
  static constexpr const char* name = "request";
  static constexpr int threads = 32;
  static constexpr bool allows_one_lane = false;
  struct shared {
    tilery::shared_array<element, request_units * elements> x;
  };

  /// What the access reads or writes is used, or the compiler would drop it.
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const request_params<element>& p, shared& smem) {
    constexpr tilery::width_t<elements> wide;
    const int rank = lane.rank(), at = p.at[rank] * elements;
    const bool takes_part = p.lanes >> rank & 1;
    const auto value = tilery::splat<elements>(tilery::convert<element>(static_cast<float>(rank)));
    float result = 0;
    if constexpr (Kind == access_kind::global_load) {
      if (takes_part) result = total(lane.load(p.in + at, wide));
    } else if constexpr (Kind == access_kind::global_store) {
      if (takes_part) lane.store(p.out + at, value);
      return;
    } else if constexpr (Kind == access_kind::shared_load) {
      for (int i = rank; i < request_units * elements; i += threads) lane.store(smem.x.at(i), value[0]);
      lane.sync_block();
      if (takes_part) result = total(lane.load(smem.x.at(at), wide));
    } else {
      if (takes_part) lane.store(smem.x.at(at), value);
      lane.sync_block();
      result = total(lane.load(smem.x.at(rank * elements), wide));
    }
    lane.store(p.result + rank, result);
  }

private:
  TILERY_SIMT static float total(tilery::pack<element, elements> values) { return tilery::convert<float>(sum(values)); }
};

/// Calls visit(kernel) with the kernel that makes accesses of a kind and width.
template <class Visit>
void visit_request_kernel(access_kind kind, int bytes, Visit visit) {
  const auto of_kind = [&]<access_kind Kind>() {
    switch (bytes) {
      case 2: return visit(request_kernel<Kind, 2>{});
      case 4: return visit(request_kernel<Kind, 4>{});
      case 8: return visit(request_kernel<Kind, 8>{});
      default: return visit(request_kernel<Kind, 16>{});
    }
  };
  switch (kind) {
    case access_kind::global_load: return of_kind.template operator()<access_kind::global_load>();
    case access_kind::global_store: return of_kind.template operator()<access_kind::global_store>();
    case access_kind::shared_load: return of_kind.template operator()<access_kind::shared_load>();
    case access_kind::shared_store: return of_kind.template operator()<access_kind::shared_store>();
  }
}

/// The same requests on every machine: the engine's numbers are the standard's, and distributions are not used.
inline std::vector<request> all_requests() {
  constexpr std::uint32_t full = 0xffffffffu;
  std::vector<request> all;
  std::mt19937 engine(20261122);
  const auto below = [&](int n) { return static_cast<int>(engine() % static_cast<unsigned>(n)); };
  for (const access_kind kind :
       {access_kind::shared_load, access_kind::shared_store, access_kind::global_load, access_kind::global_store})
    for (const int bytes : {2, 4, 8, 16}) {
      const auto add = [&](std::uint32_t lanes, auto at) {
        request r{kind, bytes, lanes, {}};
        for (int i = 0; i < 32; ++i) r.at[i] = at(i);
        all.push_back(r);
      };
      const auto add_random = [&](std::uint32_t lanes, int range, int alike) {  // lanes i and i ^ alike agree
        int at[32];
        for (int& each : at) each = below(range);
        add(lanes, [&](int i) { return at[std::min(i, i ^ alike)]; });
      };
      for (const int stride : {0, 1, 2, 3, 4, 8, 16}) add(full, [&](int i) { return i * stride; });
      for (const int range : {4, 16, 64, 256, 512})
        for (int n = 0; n < 2; ++n) add_random(full, range, 0);
      for (int n = 0; n < 4; ++n) add_random(engine(), 64, 0);
      if (is_global(kind)) continue;
      add(full, [](int i) { return i * 5 % 32; });
      add(full, [](int i) { return 31 - i; });
      for (const int period : {2, 4, 8, 16}) add(full, [&](int i) { return i % period; });
      for (const int group : {2, 4, 8, 16}) add(full, [&](int i) { return i / group; });
      for (const int group : {2, 4, 8, 16}) add(full, [&](int i) { return i / group * 32; });
      for (const std::uint32_t lanes :
           {0x1u, 0x01010101u, 0x00010001u, 0xffffu, 0xffu, 0xaaaaaaaau, 0x0f0f0f0fu, 0xff0000ffu}) {
        add(lanes, [](int i) { return i; });
        add(lanes, [](int i) { return i * 8; });
      }
      for (const int alike : {1, 2, 4, 8, 16, 3, 31}) {
        add_random(full, 64, alike);
        add_random(full, 512, alike);
        add_random(engine(), 64, alike);
      }
    }
  return all;
}

}  // namespace tilery_tests
