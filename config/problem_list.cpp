// Problems as lines. What came from a file is escaped before it is printed: a terminal obeys control characters.
#include "config/problem_list.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

namespace usher::config {
namespace {

constexpr std::size_t shown_bytes_max = 60;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      out += c;
      continue;
    }
    std::array<char, 8> hex{};
    std::snprintf(hex.data(), hex.size(), "\\x%02x", static_cast<unsigned>(byte));
    out += hex.data();
  }
  return out;
}

// Cut between characters, never inside one.
std::string_view cut(std::string_view text) {
  if (text.size() <= shown_bytes_max) return text;
  auto end = shown_bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  return text.substr(0, end);
}

}  // namespace

void ProblemList::add(Place place, std::string path, std::string sentence) {
  problems_.push_back({std::move(place), std::move(path), std::move(sentence)});
}

std::vector<std::string> ProblemList::paths_since(std::size_t size) const {
  std::vector<std::string> paths;
  for (auto i = size; i < problems_.size(); ++i) paths.push_back(problems_[i].path);
  return paths;
}

std::vector<std::string> ProblemList::lines(const std::string& file) const {
  auto sorted = problems_;
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  std::vector<std::string> out;
  out.reserve(sorted.size());
  for (const auto& problem : sorted) {
    const auto& source = problem.place.variable.empty() ? file : problem.place.variable;
    out.push_back(escaped(source) + ":" + std::to_string(problem.place.line) + ":" +
                  std::to_string(problem.place.column) + " " + escaped(problem.path) + ": " + problem.sentence);
  }
  return out;
}

std::string shown(std::string_view text) {
  const auto part = cut(text);
  return "\"" + escaped(part) + (part.size() < text.size() ? "…\"" : "\"");
}

}  // namespace usher::config
