// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Renders the profile and the faults of a launch as one HTML page, made to be shown on a projector. The page shows the
// kernel's source, with the cost and the faults of each line. A line that calls tile steps (step.hpp: functions with a
// name in reports, such as "load a tile") has entries to unfold, one for each innermost step below this line: an entry
// lists the costs of the source lines in this step. The page needs no scripts and loads no other files. A cost is an
// estimate in clocks (site_profile::cycles), shown as a share of the launch's cost.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/fault.hpp>
#include <tilery/simt/virtual/html_parts.hpp>

#include <set>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// Builds the page. Costs and faults are grouped by file and line of the kernel's own source: those inside a tile step
/// belong to the kernel's line that calls the step (site::kernel_line).
class profile_page {
public:
  profile_page(const launch_profile& launch, const std::vector<fault>& faults)
      : launch_(launch), faults_(faults), on_(peaks(launch.arch)) {
    for (const site_profile& s : launch.sites) {
      lines_[{s.site.kernel_line.file, s.site.kernel_line.line}].sites.push_back(&s);
      all_cycles_ += s.cycles(on_);
    }
    for (const fault& f : faults) {
      mark(f, f.now);
      if (f.has_before()) mark(f, f.before);
    }
    std::map<std::string, double> cost;  // by file; files_ is sorted by this cost, the most expensive file first
    for (const auto& [place, line] : lines_) cost[place.first] += cycles(line);
    for (const auto& [file, sum] : cost) files_.push_back(file);
    std::stable_sort(files_.begin(), files_.end(),
                     [&](const std::string& a, const std::string& b) { return cost[a] > cost[b]; });
  }

  /// Returns the page. Of the source, it shows only the lines that have a cost or a fault, with `context` lines before
  /// and after each of them.
  std::string text() {
    std::string page = html_begin(launch_.kernel);
    page += "<h1>" + escaped(launch_.kernel) + "</h1>\n<p>" + escaped(bound_of(launch_).text()) + ".</p>\n";
    page += "<p class=\"quiet\">" + std::to_string(launch_.blocks.volume()) + " blocks of " +
            std::to_string(launch_.threads) + " threads, " + std::to_string(launch_.shared_bytes) +
            " bytes of shared memory; reads " + with_unit(static_cast<double>(launch_.unique_bytes_read), "B") +
            ", writes " + with_unit(static_cast<double>(launch_.unique_bytes_written), "B") + "</p>\n";
    if (!faults_.empty()) {
      page += "<h2>" + std::to_string(faults_.size()) + (faults_.size() == 1 ? " fault" : " faults") + "</h2>\n<ul>\n";
      for (const fault& f : faults_) page += "<li class=\"fault\">" + escaped(f.text()) + "</li>\n";
      page += "</ul>\n";
    }
    for (const std::string& file : files_) add_file(page, file);
    return page + "</body>\n</html>\n";
  }

private:
  /// The costs and faults of one line of the kernel's source.
  struct line_report {
    std::vector<const site_profile*> sites;
    std::vector<std::string> faults;
  };
  static constexpr int context = 8;  // number of lines shown before and after a line that has a cost or a fault

  /// Adds a note of the fault to the source line of one of its two accesses: `side` is f.now or f.before itself.
  void mark(const fault& f, const fault_access& side) {
    if (side.site.kernel_line.line <= 0) return;
    const bool is_now = &side == &f.now;
    std::string note = std::string(name_of(f.kind)) + (is_now ? "" : ", the other side") +
                       (side.lane >= 0 ? ": " + name_of_lane(side) : "");
    if (*side.site.step) note += ", in '" + std::string(side.site.step) + "' at " + site::name_of(side.site.line);
    if (is_now && f.has_before()) note += "; before it, line " + std::to_string(f.before.site.kernel_line.line);
    if (is_now && !f.missing.empty()) note += ". " + f.missing;
    std::vector<std::string>& notes = lines_[{side.site.kernel_line.file, side.site.kernel_line.line}].faults;
    if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(note);
  }

  double cycles(const line_report& line) const {
    double sum = 0;
    for (const site_profile* s : line.sites) sum += s->cycles(on_);
    return sum;
  }
  /// Returns a cost in clocks as a share of the launch's cost (all_cycles_), in percent.
  double share(double cycles) const { return all_cycles_ > 0 ? cycles / all_cycles_ * 100 : 0; }

  /// Adds the lines of a file that have a cost or a fault, and the lines around them.
  void add_file(std::string& page, const std::string& file) {
    const std::vector<std::string>& source = sources_.lines(file);
    page += "<h2>" + escaped(file) + "</h2>\n";
    if (source.empty())
      page += "<p class=\"quiet\">This file cannot be read here; its lines are given by number.</p>\n";
    std::set<int> shown;
    for (auto i = lines_.lower_bound({file, 0}); i != lines_.end() && i->first.first == file; ++i) {
      const int at = i->first.second;
      shown.insert(at);
      const int last = static_cast<int>(source.size());
      for (int near = std::max(1, at - context); near <= std::min(last, at + context); ++near) shown.insert(near);
    }
    page += "<table class=\"source\">\n";
    int previous = 0;
    for (const int at : shown) {
      if (at != previous + 1 && !source.empty()) page += "<tr class=\"gap\"><td colspan=\"4\">&#8943;</td></tr>\n";
      previous = at;
      const auto found = lines_.find({file, at});
      add_line(page, at, source_at(source, at), found == lines_.end() ? line_report{} : found->second);
    }
    page += "</table>\n";
  }

  /// Adds a source line to the page: the line's cost and text, then the counts of the verbs (calls of a lane's
  /// functions, such as "load") on the line itself, then one entry to unfold for each innermost tile step (site::step)
  /// with sites under this line, then the line's faults.
  void add_line(std::string& page, int number, const std::string& source, const line_report& line) {
    std::string notes;
    std::map<std::string, std::vector<const site_profile*>> steps;
    for (const site_profile* s : line.sites) {
      if (*s->site.step)
        steps[s->site.step].push_back(s);
      else
        notes += "<p>" + escaped(counts(*s)) + "</p>";
    }
    for (const auto& [name, sites] : steps) {
      double sum = 0;
      for (const site_profile* s : sites) sum += s->cycles(on_);
      notes += "<details><summary>" + escaped(name) + ", " + percent(share(sum)) + "</summary>" + inner(sites) +
               "</details>";
    }
    page += heat_row(number, source, share(cycles(line)), !line.sites.empty(), !line.faults.empty(), notes);
    for (const std::string& f : line.faults)
      page += "<tr><td></td><td></td><td class=\"fault\" colspan=\"2\">" + escaped(f) + "</td></tr>\n";
  }

  /// Returns a table of the sites inside a step, in the order of `sites` (the most expensive site first): the cost,
  /// place, source text and counts of each site.
  std::string inner(const std::vector<const site_profile*>& sites) {
    std::string result = "<table>";
    for (const site_profile* s : sites)
      result += "<tr><td class=\"number\">" + percent(share(s->cycles(on_))) + "</td><td>" +
                escaped(site::name_of(s->site.line)) + "<br><code>" +
                escaped(trimmed(source_at(sources_.lines(s->site.line.file), s->site.line.line))) + "</code></td><td>" +
                escaped(counts(*s)) + "</td></tr>";
    return result + "</table>";
  }

  /// Returns the counts of a site as text. Example: "global load, 640 requests; 8 sectors a request, 4 at best; 50 %
  /// divergent".
  static std::string counts(const site_profile& s) {
    std::string result = name_of(s.kind);
    if (s.requests > 0)
      result += ", " + count_text(static_cast<double>(s.requests)) + (s.requests == 1 ? " request" : " requests");
    for (const std::string& more : {cost_text(s), divergence_text(s)})
      if (!more.empty()) result += "; " + more;
    return result;
  }

  const launch_profile& launch_;
  const std::vector<fault>& faults_;
  const arch_peaks& on_;
  std::map<std::pair<std::string, int>, line_report> lines_;
  std::vector<std::string> files_;
  source_files sources_;
  double all_cycles_ = 0;  // sum of the costs of all sites, in clocks
};

}  // namespace virtual_machine

/// Returns one HTML page: the profile of a launch and the given faults, at the lines of the kernel's source that they
/// concern.
inline std::string html_of(const launch_profile& launch, const std::vector<fault>& faults = {}) {
  return virtual_machine::profile_page(launch, faults).text();
}

}  // namespace tilery::inline TILERY_ABI
