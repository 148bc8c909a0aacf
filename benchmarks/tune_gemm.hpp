// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the tuners of GEMM policies have in common: measure each candidate as gemm_gpu does, list them by time, and
// print the row for the table. A tuner is built for one arch, sm_75 to sm_120.
#pragma once

#include "benchmarks/gemm_gpu.hpp"

#include <cctype>
#include <ctime>
#include <fstream>
#include <iterator>
#include <sstream>

namespace tilery_benchmarks {

/// For each shape the candidates, the fastest first.
inline void print_by_time(const gemm_session& session) {
  std::map<std::string, std::vector<gemm_measurement>> shapes;
  for (const gemm_measurement& m : session.measurements) shapes[m.shape.title()].push_back(m);
  for (auto& [title, all] : shapes) {
    std::sort(all.begin(), all.end(), [](const auto& x, const auto& y) { return x.seconds < y.seconds; });
    std::printf("\n%-40s %12s %9s %15s\n", title.c_str(), "microseconds", "TFLOP/s", "cuBLASLt/ours");
    for (const gemm_measurement& m : all)
      std::printf("  %-38s %12.1f %9.2f %15.3f\n", m.candidate.c_str(), m.seconds * 1e6, m.tflops(),
                  m.best_seconds / m.seconds);
  }
}

/// Over all shapes of a type and field: the geometric mean of the time as a multiple of the shape's fastest.
inline void print_means(const gemm_session& session) {
  std::map<std::string, double> fastest;
  for (const gemm_measurement& m : session.measurements) {
    auto [at, is_new] = fastest.try_emplace(m.shape.title(), m.seconds);
    if (!is_new) at->second = std::min(at->second, m.seconds);
  }
  std::map<std::string, std::map<std::string, std::vector<double>>> types;
  for (const gemm_measurement& m : session.measurements)
    types[m.shape.type + ", " + m.shape.group][m.candidate].push_back(m.seconds / fastest[m.shape.title()]);
  for (const auto& [type, candidates] : types) {
    std::vector<std::pair<double, std::string>> lines;
    for (const auto& [name, times] : candidates) lines.emplace_back(geometric_mean(times), name);
    std::sort(lines.begin(), lines.end());
    std::printf("\n%s: times the fastest of each shape, geometric means\n", type.c_str());
    for (const auto& [mean, name] : lines) std::printf("  %-38s %12.3f\n", name.c_str(), mean);
  }
}

/// The arch that the program is built for (benchmarks/run.sh --arch): its limits are the filter, and the row is for it.
inline constexpr tilery::arch tuned_arch = tilery::arch_of(tilery::unit_archs[0] / 10);

/// A policy as the program's arch may run it.
template <class Policy>
constexpr Policy on_tuned_arch(Policy p) {
  p.lowest = tuned_arch;
  return p;
}

/// A field of a table's row, such as `large`, and the cuts that are measured for it.
struct tuned_field {
  std::string name;
  std::map<std::string, std::string> rows_text;  // of a candidate: the cut as the row has it
};

/// What a tuner measures for: the group of a shape is the name of the field.
struct tuned_row {
  std::vector<tuned_field> fields;

  tuned_field& field(const std::string& name) {
    for (tuned_field& f : fields)
      if (f.name == name) return f;
    return fields.emplace_back(tuned_field{name, {}});
  }
};

/// The candidate of a type and a field that is fastest by the geometric mean over the field's shapes, and that mean as
/// a multiple of the fastest; candidates that some shape lacks are left out. Empty if nothing was measured.
inline std::pair<std::string, double> fastest_of(const gemm_session& session, const std::string& type,
                                                 const std::string& field) {
  std::map<std::string, double> fastest;
  std::map<std::string, std::vector<double>> times;
  const auto is_meant = [&](const gemm_measurement& m) {
    return m.shape.type == type && m.shape.group == field && m.candidate != "default";
  };
  for (const gemm_measurement& m : session.measurements)
    if (is_meant(m)) {
      const auto [at, is_new] = fastest.try_emplace(m.shape.title(), m.seconds);
      if (!is_new) at->second = std::min(at->second, m.seconds);
    }
  for (const gemm_measurement& m : session.measurements)
    if (is_meant(m)) times[m.candidate].push_back(m.seconds / fastest[m.shape.title()]);
  std::pair<std::string, double> best;
  for (const auto& [name, all] : times)
    if (all.size() == fastest.size() && (best.first.empty() || geometric_mean(all) < best.second))
      best = {name, geometric_mean(all)};
  return best;
}

/// Seconds of a candidate for the shape of a field that has so much k, or 0.
inline double seconds_of(const gemm_session& session, const std::string& type, const std::string& field,
                         const std::string& candidate, int k) {
  for (const gemm_measurement& m : session.measurements)
    if (m.shape.type == type && m.shape.group == field && m.candidate == candidate && m.shape.k == k) return m.seconds;
  return 0;
}

/// The NVIDIA driver's version, as Linux tells it, or "unknown".
inline std::string driver_version() {
  std::ifstream file("/proc/driver/nvidia/version");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::size_t at = text.find("Kernel Module");
  std::istringstream words(at == std::string::npos ? "" : text.substr(at + 13));
  for (std::string word; words >> word;)
    if (std::isdigit(static_cast<unsigned char>(word[0]))) return word;
  return "unknown";
}

/// The row to paste into the table, but for the fields in `kept`, which this program does not measure. `program` is its
/// name; the figure is that of the large tile for the field's longest shape.
inline void print_row(const gemm_session& session, const tuned_row& row, const std::string& type, const char* program,
                      const std::string& kept, int longest) {
  std::string text;
  std::map<std::string, std::string> chosen;
  for (const tuned_field& field : row.fields) {
    chosen[field.name] = fastest_of(session, type, field.name).first;
    if (chosen[field.name].empty()) {
      std::printf("\n%s: no row, for nothing was measured for its field %s\n", type.c_str(), field.name.c_str());
      return;
    }
    text += "     ." + field.name + " = " + field.rows_text.at(chosen[field.name]) + ",\n";
  }
  double ratio = 0;
  for (const gemm_measurement& m : session.measurements)
    if (m.shape.type == type && m.shape.group == "large" && m.candidate == chosen["large"] && m.shape.k == longest)
      ratio = m.best_seconds / m.seconds;
  const double large = seconds_of(session, type, "large", chosen["large"], longest),
               small = seconds_of(session, type, "small", chosen["small"], longest);
  cudaDeviceProp device{};
  tilery::check_cuda(cudaGetDeviceProperties(&device, 0), "cudaGetDeviceProperties", {});
  const std::time_t now = std::time(nullptr);
  char date[11] = "";
  std::strftime(date, sizeof date, "%Y-%m-%d", std::gmtime(&now));
  std::printf("\nThe row of %s, to paste into its array:\n\n", type.c_str());
  std::printf("    {.from = arch::%s,\n%s%s", tilery::limits(tuned_arch).name, text.c_str(), kept.c_str());
  if (large > 0 && small > 0) std::printf("     .small_slowdown_percent = %.0f,\n", 100 * small / large);
  std::printf("     .measured = {.machine = \"%s\",\n                  .when = \"driver %s, %s\",\n", device.name,
              driver_version().c_str(), date);
  std::printf("                  .command = \"benchmarks/run.sh --run %s\",\n", program);
  std::printf("                  .figure = \"%.3f of the speed of the best of cuBLASLt at m = n = k = %d\"}},\n", ratio,
              longest);
}

/// The whole program: `add` registers the candidates, `print` prints rows after the measurements.
template <class Add, class Print>
int run_tuner(int count, char** arguments, const char* name, const Add& add, const Print& print) try {
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  if (tilery::cuda_devices() == 0) return std::fprintf(stderr, "%s: there is no GPU\n", name), 77;

  gemm_session session;
  introduce(session);
  if (session.executor.target() != tuned_arch) {
    std::fprintf(stderr, "%s: this program is built for %s, and this GPU is an %s: build it with --arch\n", name,
                 tilery::limits(tuned_arch).name, tilery::limits(session.executor.target()).name);
    return 1;
  }
  add(session);
  tilery_benchmarks::run_with_table();
  print_by_time(session);
  print_means(session);
  print(session);
  if (session.failed) std::fprintf(stderr, "%s: a result was wrong or a call failed\n", name);
  return session.failed ? 1 : 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s: %s\n", name, error.what());
  return 1;
}

}  // namespace tilery_benchmarks
