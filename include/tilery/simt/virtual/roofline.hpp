// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The roofline model: computes lower bounds of a launch's time on a GPU from the launch's profile. Each resource (DRAM,
// L2, L1, shared memory, each arithmetic unit) gives one bound: the amount of work divided by the peak rate. The
// resource with the largest bound is the one to optimise.
//
// The model leaves out latency, and data that the previous kernel left in L2, because the profile has neither. An SM
// without a block does nothing: if a launch has fewer blocks than the GPU has SMs, the rates of L1, shared memory and
// arithmetic are those of as many SMs as there are blocks. The rate of L2 is at most 64 bytes per clock for each SM
// that has a block. The rate of DRAM is always that of the whole GPU.
//
// A wave is one block on each SM. If the last wave has fewer blocks than the GPU has SMs, the text of the result says
// so, but the bound does not change, because blocks may take different times.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/profile.hpp>

#include <cstdio>
#include <limits>

namespace tilery::inline TILERY_ABI {

/// The least time that a launch needs of one resource.
struct resource_bound {
  std::string name;   ///< "DRAM", "L2", "L1", "shared memory", "fma f32" ...
  double seconds;     ///< infinity if the resource is a unit that the GPU lacks
  std::string needs;  ///< the amount of work, and the rate: "67.1 MB, each sector once, at 3.4 TB/s"; for shared memory
                      ///< no rate; for a unit that the GPU lacks: "a unit that it lacks"
};

/// The lower bounds of a launch's time on one GPU product, such as the H100 SXM (core/arch_peaks.hpp).
struct roofline {
  const arch_peaks* on;                   ///< the peak rates of the product
  std::int64_t blocks;                    ///< number of blocks of the launch
  std::vector<resource_bound> resources;  ///< the resources that the launch uses, the largest bound first

  /// Returns the bound of the launch: the largest bound of a resource. bound_by() is the name of this resource.
  double seconds() const { return resources.empty() ? 0 : resources.front().seconds; }
  const char* bound_by() const { return resources.empty() ? "nothing" : resources.front().name.c_str(); }
  /// Returns the share of the SMs that have a block, averaged over all waves: blocks / (waves * SMs). The share is 1 if
  /// every wave is full. Assumes that an SM runs one block at once, and that all blocks take equal time.
  double filled() const {
    const std::int64_t waves = (blocks + on->multiprocessors - 1) / on->multiprocessors;
    return waves == 0 ? 0 : static_cast<double>(blocks) / static_cast<double>(waves * on->multiprocessors);
  }
  /// Returns the bound as text. Example: "at least 20 us on an H100 SXM: bound by DRAM (67.1 MB, each sector once, at
  /// 3.4 TB/s)". If filled() is below 0.995, the text also gives filled() in percent. If the launch uses no resource,
  /// the text says that there is nothing to do; if the GPU lacks a unit that the launch needs, the text says so.
  std::string text() const;
};

namespace virtual_machine {

/// Divides a value by 1000 until it is below 999.5 (at most 5 times); returns the result as text, and the SI prefix in
/// `letter`: 67108864 gives "67.1" and "M". The result has one decimal if it is below 99.95, otherwise none. A whole
/// number that was not divided has no decimal either.
inline std::string digits_of(double value, const char*& letter) {
  static constexpr const char* letters[] = {"", "k", "M", "G", "T", "P"};
  int step = 0;
  while (value >= 999.5 && step < 5) value /= 1000, ++step;
  letter = letters[step];
  char text[64];
  std::snprintf(text, sizeof text, value >= 99.95 || (step == 0 && value == static_cast<int>(value)) ? "%.0f" : "%.1f",
                value);
  return text;
}
/// Returns a value with its unit. Examples: "67.1 MB", "3.4 TB/s".
inline std::string with_unit(double value, const char* unit_name) {
  const char* letter;
  const std::string digits = digits_of(value, letter);
  return digits + " " + letter + unit_name;
}
/// Returns a number without unit. Examples: "67.1M", "640".
inline std::string count_text(double value) {
  const char* letter;
  const std::string digits = digits_of(value, letter);
  return digits + letter;
}

/// Returns a time in ns, us, ms or s with three significant digits, from 1000 s on in whole seconds. Example: "3.14
/// us".
inline std::string time_text(double seconds) {
  const char* const units[] = {"ns", "us", "ms", "s"};
  double value = seconds * 1e9;
  int unit = 0;
  while (value >= 999.5 && unit < 3) value /= 1000, ++unit;  // 999.5 would be rounded to 1000
  char text[64];
  std::snprintf(text, sizeof text, value < 999.5 ? "%.3g %s" : "%.0f %s", value, units[unit]);
  return text;
}

inline bool is_tensor(compute_unit u) { return u >= compute_unit::tensor_f16; }

}  // namespace virtual_machine

/// Computes the least time that a launch takes on a product, by resource: the work divided by the rate. A sector is 32
/// bytes. The rates of L2, L1, shared memory and arithmetic count only SMs that have a block.
///
///   resource        work                                                         rate
///   DRAM            the distinct sectors that are read, plus the distinct        dram_bytes_a_second
///                   sectors that are written
///   L2              the sectors of all requests of stores and atomics, plus      l2_bytes_a_clock, at most 64 bytes
///                   the larger of: the sectors of all requests of copies from    per clock for each SM
///                   global to shared memory; the distinct sectors that are read
///   L1              the sectors of all requests of loads                         128 bytes per clock for each SM
///   shared memory   wavefronts                                                   1 per clock for each SM
///   each unit       operations                                                   rate_of() per clock for each SM
///
/// The copies count for L2 as if all of them bypassed L1; those of 4 and 8 bytes do not.
inline roofline bound_of(const launch_profile& launch, const arch_peaks& on) {
  using virtual_machine::count_text, virtual_machine::with_unit;
  roofline result{&on, launch.blocks.volume(), {}};
  // busy: the number of SMs that have a block, at least 1
  const double busy =
      static_cast<double>(std::min<std::int64_t>(on.multiprocessors, std::max<std::int64_t>(1, result.blocks)));
  const auto needs = [&](const char* name, double amount, double a_second, const std::string& text) {
    if (amount > 0) result.resources.push_back({name, amount / a_second, text});
  };

  std::int64_t loads = 0, copies = 0, stores = 0;  // sectors
  for (const site_profile& s : launch.sites)
    (s.kind == site_kind::global_load ? loads : s.kind == site_kind::async_copy ? copies : stores) += s.sectors;
  const double sector = 32, unique = static_cast<double>(launch.unique_bytes_read + launch.unique_bytes_written);
  const double through_l2 =
      static_cast<double>(stores) * sector +
      std::max(static_cast<double>(copies) * sector, static_cast<double>(launch.unique_bytes_read));
  const double from_l1 = static_cast<double>(loads) * sector,
               wavefronts = static_cast<double>(launch.total(&site_profile::wavefronts));
  const bool held = unique <= static_cast<double>(on.l2_bytes);

  needs("DRAM", unique, on.dram_bytes_a_second,
        with_unit(unique, "B") + ", each sector once, at " + with_unit(on.dram_bytes_a_second, "B/s") +
            (held ? "; less if L2 already holds it" : ""));
  // an SM receives at most 64 bytes a clock from L2 (assumed, see arch_peaks.hpp)
  const double l2 = std::min<double>(on.l2_bytes_a_clock, busy * 64) * on.clock;
  needs("L2", through_l2, l2, with_unit(through_l2, "B") + " at " + with_unit(l2, "B/s"));
  const double l1 = busy * arch_peaks::shared_bytes_a_clock * on.clock;
  needs("L1", from_l1, l1, with_unit(from_l1, "B") + " in sectors at " + with_unit(l1, "B/s"));
  needs("shared memory", wavefronts, busy * on.clock,
        count_text(wavefronts) + " wavefronts, " +
            count_text(static_cast<double>(launch.total(&site_profile::fewest_wavefronts))) + " without a conflict");
  for (int i = 0; i < static_cast<int>(compute_unit::count); ++i) {
    const compute_unit u = static_cast<compute_unit>(i);
    // tensor_clock holds for all tensor-core rates except that of double (arch_peaks.hpp)
    const double clock = virtual_machine::is_tensor(u) && u != compute_unit::tensor_f64 ? on.tensor_clock : on.clock;
    const double rate = busy * rate_of(u, on.a_clock) * clock, count = static_cast<double>(launch.operations(u));
    if (rate > 0)
      needs(name_of(u), count, rate, count_text(count) + " operations at " + count_text(rate) + " a second");
    else if (count > 0)
      result.resources.push_back({name_of(u), std::numeric_limits<double>::infinity(), "a unit that it lacks"});
  }
  std::stable_sort(result.resources.begin(), result.resources.end(),
                   [](const resource_bound& a, const resource_bound& b) { return a.seconds > b.seconds; });
  return result;
}

/// Computes the bounds on the first product in arch_peaks.hpp that has the arch which the virtual GPU modelled (see
/// peaks()).
inline roofline bound_of(const launch_profile& launch) { return bound_of(launch, peaks(launch.arch)); }

inline std::string roofline::text() const {
  const std::string product = on->product;
  // the article follows the pronunciation: an A100, an H100, an RTX; a T4, a B200
  const std::string article = product[0] == 'A' || product[0] == 'H' || product[0] == 'R' ? "an " : "a ";
  if (resources.empty()) return "nothing to do on " + article + product;
  const resource_bound& worst = resources.front();
  if (worst.seconds == std::numeric_limits<double>::infinity())
    return "cannot run on " + article + product + ": it needs " + worst.name + ", " + worst.needs;
  std::string result = "at least " + virtual_machine::time_text(worst.seconds) + " on " + article + product +
                       ": bound by " + worst.name + " (" + worst.needs + ")";
  if (filled() < 0.995) {
    char share[8];
    std::snprintf(share, sizeof share, "%.0f", filled() * 100);
    result += "; " + std::to_string(blocks) + (blocks == 1 ? " block fills " : " blocks fill ") + share + " % of its " +
              std::to_string(on->multiprocessors) + " SMs";
  }
  return result;
}

}  // namespace tilery::inline TILERY_ABI
