// Corpora: read, compared, counted.
#include "tests/connectors/email/corpus.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <boost/json/parse.hpp>

namespace usher::connectors::email::testing {

namespace {

std::filesystem::path root() {
  const char* named = std::getenv("USHER_CORPORA");
  return named != nullptr ? named : USHER_SOURCE_DIR "/../shared/corpora";
}

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

}  // namespace

std::vector<Sample> samples(std::string_view folder) {
  std::vector<Sample> out;
  std::istringstream lines(contents(root() / folder / "expected.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    auto expected = boost::json::parse(line);
    std::string file(expected.at("file").as_string());
    std::string bytes = contents(root() / folder / file);
    out.push_back({std::move(file), std::move(bytes), std::move(expected)});
  }
  return out;
}

std::vector<Reply> replies() {
  std::vector<Reply> out;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(root() / "email-replies" / "emails", none)) {
    const auto name = entry.path().filename();
    out.push_back({name.string(), contents(entry.path()), contents(root() / "email-replies" / "trimmed" / name)});
  }
  std::sort(out.begin(), out.end(), [](const Reply& a, const Reply& b) { return a.file < b.file; });
  return out;
}

Message message_of(std::string_view bytes) {
  const MailDoor door{TenantId("acme"), ConnectorId("support-mail"), {TenantId("acme"), {}}};
  return to_message(door, bytes, Instant{Milliseconds{1795287483120}}).messages.front();
}

std::string folded(std::string_view text) {
  std::string out;
  bool blank = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool wide = text.substr(at, 2) == "\xc2\xa0" || text.substr(at, 3) == "\xe3\x80\x80";
    if (wide) at += text[at] == '\xc2' ? 1 : 2;
    if (wide || std::string_view(" \t\r\n\v\f").find(text[at]) != std::string_view::npos) {
      blank = true;
      continue;
    }
    if (blank && !out.empty()) out += ' ';
    blank = false;
    out += text[at];
  }
  return out;
}

void Score::ask(bool same, const std::string& what) {
  ++asked;
  if (same) ++agreed;
  else differences.push_back(what);
}

void Score::show(std::string_view name) const {
  std::printf("%.*s: %zu of %zu agree (%.2f %%)\n", static_cast<int>(name.size()), name.data(), agreed, asked, share() * 100);
  if (std::getenv("USHER_CORPORA_SHOW") == nullptr) return;
  for (const auto& difference : differences) std::printf("  %s\n", difference.c_str());
}

}  // namespace usher::connectors::email::testing
