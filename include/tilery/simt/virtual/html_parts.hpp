// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Parts of the HTML page that profile_html.hpp builds from a launch's profile: escaped text, the lines of source files,
// a table row for one source line, and the head of the page with its style sheet.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/profile_text.hpp>

#include <fstream>
#include <map>

namespace tilery::inline TILERY_ABI::virtual_machine {

/// Escapes text for an HTML element or a quoted attribute. Characters below 0x20 become blanks, except newlines and
/// tabs: HTML does not allow most of them.
inline std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      case '\'': result += "&#39;"; break;
      default: result += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? ' ' : c;
    }
  return result;
}

/// The lines of source files. A file is read at its first use; a file that cannot be read has no lines.
class source_files {
public:
  const std::vector<std::string>& lines(const std::string& file) {
    const auto [found, is_new] = files_.try_emplace(file);
    if (is_new) {
      std::ifstream in(file);
      for (std::string line; std::getline(in, line);) found->second.push_back(line);
    }
    return found->second;
  }

private:
  std::map<std::string, std::vector<std::string>> files_;
};

/// Returns a line of a source file; empty if there is no such line. Lines count from 1.
inline std::string source_at(const std::vector<std::string>& source, int line) {
  return line >= 1 && line <= static_cast<int>(source.size()) ? source[static_cast<std::size_t>(line) - 1] : "";
}
/// Returns the text without the spaces, tabs and carriage returns at its beginning and end.
inline std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// Returns a percentage as text: "37 %". Values between 0 and 1 have one decimal: "0.4 %".
inline std::string percent(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value > 0 && value < 1 ? "%.1f %%" : "%.0f %%", value);
  return text;
}

/// Returns a table row for source line `number`: its share of the launch's cost as a bar and in percent, the line's
/// text `source`, and notes. `share` is in percent; it is shown only if `counted`, that is, if the line has an entry in
/// the profile. `faulty`: true if a fault was found at this line. `notes` is HTML, not plain text.
inline std::string heat_row(int number, const std::string& source, double share, bool counted, bool faulty,
                            const std::string& notes) {
  std::string row = faulty ? "<tr class=\"faulty\">" : "<tr>";
  row += "<td class=\"heat\">";
  if (counted)
    row += "<span style=\"width:" + std::to_string(static_cast<int>(share + 0.5)) + "%\"></span>" + percent(share);
  return row + "</td><td class=\"number\">" + std::to_string(number) + "</td><td class=\"code\">" + escaped(source) +
         "</td><td class=\"notes\">" + notes + "</td></tr>\n";
}

/// Returns the first part of the page: the head, and the tag that opens the body.
inline std::string html_begin(const std::string& title) {
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width\">\n<title>" +
         escaped(title) +
         "</title>\n<style>\n"
         ":root { color-scheme: light dark; --heat: #f4a259; --fault: #c0223b; --quiet: #667; --line: #8883; }\n"
         "@media (prefers-color-scheme: dark) { :root { --heat: #a8571a; --fault: #ff7a8a; --quiet: #99a; } }\n"
         "body { font: 18px/1.45 system-ui, sans-serif; margin: 2em; }\n"
         "h1 { margin-bottom: 0; } h2 { font-size: 1em; margin-top: 2em; }\n"
         "table { border-collapse: collapse; } .source { width: 100%; }\n"
         "td { padding: 0 .6em; vertical-align: top; } td p { margin: 0; }\n"
         ".code, code { font-family: ui-monospace, monospace; font-size: .9em; white-space: pre-wrap; tab-size: 4; }\n"
         ".heat { position: relative; width: 5em; text-align: right; }\n"
         ".heat span { position: absolute; z-index: -1; right: 0; top: 0; height: 1.45em; background: var(--heat); }\n"
         ".number { color: var(--quiet); text-align: right; width: 3em; white-space: nowrap; }\n"
         ".notes { width: 40%; font-size: .8em; } .notes td { border-top: 1px solid var(--line); }\n"
         ".gap td { color: var(--quiet); text-align: center; } .quiet { color: var(--quiet); }\n"
         ".fault { color: var(--fault); } .faulty .code { border-left: .3em solid var(--fault); }\n"
         "summary { cursor: pointer; }\n</style>\n</head>\n<body>\n";
}

}  // namespace tilery::inline TILERY_ABI::virtual_machine
