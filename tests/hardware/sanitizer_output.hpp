// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reads what NVIDIA's compute-sanitizer prints (Compute Sanitizer's manual, "Understanding ... Reports").
#pragma once

#include "tests/hardware/text_lines.hpp"

#include <algorithm>

namespace tilery_tests {

/// What a tool said of one run.
struct verdict {
  std::string state = "not run";  // clean, reports, or why there is neither
  long reports = 0;
  std::string first;  // the first report's first line

  bool reported() const { return state == "reports"; }
  std::string cell() const { return reported() ? std::to_string(reports) : state; }
};

/// Reports are lines behind "========= " that are not indented; the last line is a summary. The tool's own limit on
/// what it prints does not touch the summary. A program that failed is no finding, nor are the CUDA calls that return
/// an error after a finding, which memcheck counts with the findings.
inline verdict read_sanitizer(const std::string& path) {
  verdict v;
  const auto lines = lines_of(path);
  if (!lines) return v;
  v.state = "no summary";
  bool failed = false, summary = false;
  long calls = 0;
  for (const std::string& line : *lines) {
    if (line == "status: 124") v.state = "out of time";
    if (!starts_with(line, "========= ")) continue;
    const std::string text = line.substr(10);
    for (const char* begin : {"ERROR SUMMARY: ", "RACECHECK SUMMARY: "})
      if (starts_with(text, begin) && text.find("not printed") == std::string::npos)
        v.reports = std::stol(text.substr(std::string(begin).size())), summary = true;
    const bool of_program = text.find("returned an error") != std::string::npos ||
                            text.find("didn't terminate successfully") != std::string::npos;
    const bool of_call = starts_with(text, "Program hit ");
    failed = failed || of_program, calls += of_call;
    if (!of_program && !of_call && v.first.empty() && !text.empty() && text[0] != ' ' && text != "COMPUTE-SANITIZER" &&
        text.find("SUMMARY: ") == std::string::npos)
      v.first = text;
  }
  if (v.state == "out of time") return v;
  v.reports = std::max(0l, v.reports - calls);
  if (summary) v.state = v.reports > 0 && !v.first.empty() ? "reports" : failed ? "program failed" : "clean";
  if (!v.reported()) v.first.clear();
  return v;
}

}  // namespace tilery_tests
