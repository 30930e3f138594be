// Key: one setting an operator may write, described once: the loader checks by it, the reference, the JSON Schema and
// the commented default file are made from it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace usher::config {

enum class Kind {
  text,
  number,    // Whole.
  flag,      // true / false.
  duration,  // 30s, 5m, 250ms, 7d; kept as milliseconds.
  secret,    // Text, never printed; also readable by KEY_file.
  url,       // http:// or https://.
  list,      // Of text.
  map,       // Text to text.
};

struct Key {
  std::string_view name;
  Kind kind = Kind::text;
  bool required = false;
  std::string_view fallback;  // As written in YAML; "" for none.
  std::string_view about;     // One sentence.
};

// The checked values of a group of keys, by name. Numbers and durations (milliseconds) are in decimal.
struct Options {
  std::map<std::string, std::string, std::less<>> values;
  std::map<std::string, std::vector<std::string>, std::less<>> lists;
  std::map<std::string, std::map<std::string, std::string>, std::less<>> maps;

  // "" / 0 / false / empty when the key is absent and has no fallback.
  [[nodiscard]] const std::string& text(std::string_view key) const;
  [[nodiscard]] long long number(std::string_view key) const;
  [[nodiscard]] bool flag(std::string_view key) const;
  [[nodiscard]] const std::vector<std::string>& list(std::string_view key) const;
  [[nodiscard]] const std::map<std::string, std::string>& map(std::string_view key) const;
};

}  // namespace usher::config
