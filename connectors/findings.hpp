// All that check() finds wrong with one connector's settings, each once and in the order found. One thread.
// A finding that would be another one with another value of a second key names that behind `with`, `without`, `for`, `needs`, `than`
// or `or` ("missing, with inbound: imap"): while that key is mistyped, `check-config` does not tell it.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "routing/message/result.hpp"

namespace usher::connectors {

class Findings {
 public:
  void add(std::string_view key, std::string_view what) {
    std::string line = std::string(key) + ": " + std::string(what);
    // `what` may show a value, and a line end in it would begin a finding of its own.
    std::replace_if(line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
    if (std::find(lines_.begin(), lines_.end(), line) == lines_.end()) lines_.push_back(std::move(line));
  }
  // One finding or several, a line each.
  void take(const message::Result<void>& checked) {
    if (checked.has_value()) return;
    const std::string detail = checked.error().detail;
    std::string_view rest = detail;
    while (!rest.empty()) {
      const auto line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
      const auto colon = std::min(line.find(": "), line.size());
      add(line.substr(0, colon), line.substr(std::min(colon + 2, line.size())));
    }
  }
  // One line a finding, as Connector::check returns them.
  [[nodiscard]] message::Result<void> result() const {
    if (lines_.empty()) return {};
    std::string detail;
    for (const auto& line : lines_) detail += (detail.empty() ? "" : "\n") + line;
    return message::fail(message::Fault::malformed, std::move(detail));
  }

 private:
  std::vector<std::string> lines_;
};

}  // namespace usher::connectors
