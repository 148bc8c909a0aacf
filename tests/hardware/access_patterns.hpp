// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Accesses of one warp whose cost is known by hand: sectors of global memory, wavefronts of shared memory. Each is a
// launch of one warp that makes the access once, so that a profiler's counter of a launch is the cost of a request.
#pragma once

#include <tilery/kernel.hpp>

#include <string>

namespace tilery_tests {

enum class access_kind { global_load, global_store, shared_load, shared_store };

constexpr const char* name_of(access_kind k) {
  constexpr const char* names[] = {"global load", "global store", "shared load", "shared store"};
  return names[static_cast<int>(k)];
}
constexpr bool is_global(access_kind k) { return k == access_kind::global_load || k == access_kind::global_store; }

/// Lane i accesses `bytes` at unit i * stride, or at unit (5 i mod 32) * stride where permuted, units counted from
/// `shift` words.
struct access_pattern {
  access_kind kind;
  int bytes;
  int stride;
  int cost;  ///< by hand: sectors where the memory is global, wavefronts where it is shared
  bool permuted = false;
  int shift = 0;

  TILERY_SIMT constexpr int words() const { return bytes / 4; }
  /// The word at which a lane's access begins.
  TILERY_SIMT constexpr int at(int lane) const { return (permuted ? lane * 5 % 32 : lane) * stride * words() + shift; }

  std::string name() const {
    return std::string(name_of(kind)) + ", " + std::to_string(bytes) + " bytes, " +
           (stride == 0 ? "broadcast" : "stride " + std::to_string(stride)) + (permuted ? ", permuted" : "") +
           (shift ? ", shifted by " + std::to_string(shift * 4) + " bytes" : "");
  }
};

struct pattern_params {
  tilery::gmem_ptr<const float> in;  // pattern_words
  tilery::gmem_ptr<float> out;       // pattern_words
};
inline constexpr int pattern_words = 33 * 32;

template <access_pattern P>
struct pattern_kernel {
  static constexpr const char* name = "pattern";
  static constexpr int threads = 32;
  static constexpr bool allows_one_lane = false;
  struct shared {
    tilery::shared_array<float, pattern_words> x;
  };
  static_assert(P.at(31) + P.words() <= pattern_words);

  /// What the access reads or writes is used, or the compiler would drop it.
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const pattern_params& p, shared& smem) {
    constexpr tilery::width_t<P.words()> wide;
    const int rank = lane.rank(), at = P.at(rank);
    const auto value = tilery::splat<P.words()>(static_cast<float>(rank));
    if constexpr (P.kind == access_kind::global_load) {
      lane.store(p.out + rank, sum(lane.load(p.in + at, wide)));
    } else if constexpr (P.kind == access_kind::global_store) {
      lane.store(p.out + at, value);
    } else if constexpr (P.kind == access_kind::shared_load) {
      for (int i = rank; i < pattern_words; i += threads) lane.store(smem.x.at(i), static_cast<float>(i));
      lane.sync_block();
      lane.store(p.out + rank, sum(lane.load(smem.x.at(at), wide)));
    } else {
      lane.store(smem.x.at(at), value);
      lane.sync_block();
      lane.store(p.out + rank, sum(lane.load(smem.x.at(at), wide)));
    }
  }
};

/// A pattern as a value to pass around.
template <access_pattern P>
struct pattern {
  static constexpr access_pattern value = P;
  using kernel = pattern_kernel<P>;
};

template <class Visit>
void for_each_pattern(Visit visit) {
  using enum access_kind;
  // Sectors of 32 bytes.
  visit(pattern<access_pattern{global_load, 4, 1, 4}>{});
  visit(pattern<access_pattern{global_load, 4, 1, 5, false, 1}>{});  // 128 bytes that begin inside a sector
  visit(pattern<access_pattern{global_load, 4, 1, 4, true}>{});
  visit(pattern<access_pattern{global_load, 4, 2, 8}>{});
  visit(pattern<access_pattern{global_load, 4, 32, 32}>{});
  visit(pattern<access_pattern{global_load, 4, 33, 32}>{});
  visit(pattern<access_pattern{global_load, 4, 0, 1}>{});
  visit(pattern<access_pattern{global_load, 8, 1, 8}>{});
  visit(pattern<access_pattern{global_load, 16, 1, 16}>{});
  visit(pattern<access_pattern{global_load, 16, 2, 32}>{});
  visit(pattern<access_pattern{global_store, 4, 1, 4}>{});
  visit(pattern<access_pattern{global_store, 4, 2, 8}>{});
  visit(pattern<access_pattern{global_store, 4, 33, 32}>{});
  visit(pattern<access_pattern{global_store, 16, 1, 16}>{});
  // Passes through 32 banks of 4 bytes: 8 bytes go by half-warps, 16 bytes by quarter-warps.
  visit(pattern<access_pattern{shared_load, 4, 1, 1}>{});
  visit(pattern<access_pattern{shared_load, 4, 1, 1, true}>{});
  visit(pattern<access_pattern{shared_load, 4, 2, 2}>{});
  visit(pattern<access_pattern{shared_load, 4, 32, 32}>{});
  visit(pattern<access_pattern{shared_load, 4, 33, 1}>{});
  visit(pattern<access_pattern{shared_load, 4, 0, 1}>{});
  visit(pattern<access_pattern{shared_load, 8, 1, 2}>{});
  visit(pattern<access_pattern{shared_load, 8, 2, 4}>{});
  visit(pattern<access_pattern{shared_load, 16, 1, 4}>{});
  visit(pattern<access_pattern{shared_load, 16, 2, 8}>{});
  visit(pattern<access_pattern{shared_load, 16, 0, 2}>{});  // lanes i and i ^ 1 agree: quarters go together in pairs
  visit(pattern<access_pattern{shared_store, 4, 1, 1}>{});
  visit(pattern<access_pattern{shared_store, 4, 2, 2}>{});
  visit(pattern<access_pattern{shared_store, 4, 32, 32}>{});
  visit(pattern<access_pattern{shared_store, 4, 33, 1}>{});
  visit(pattern<access_pattern{shared_store, 8, 1, 2}>{});
  visit(pattern<access_pattern{shared_store, 16, 1, 4}>{});
}

}  // namespace tilery_tests
