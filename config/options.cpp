// Options: reading checked values by name. An absent key reads as the empty value of its kind.
#include <charconv>

#include "config/key.hpp"

namespace usher::config {
namespace {

template <class Values>
const typename Values::mapped_type& value_or_empty(const Values& values, std::string_view key) {
  static const typename Values::mapped_type empty{};
  const auto found = values.find(key);
  return found == values.end() ? empty : found->second;
}

}  // namespace

const std::string& Options::text(std::string_view key) const { return value_or_empty(values, key); }

long long Options::number(std::string_view key) const {
  const auto& digits = text(key);
  long long value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

bool Options::flag(std::string_view key) const { return text(key) == "true"; }

const std::vector<std::string>& Options::list(std::string_view key) const { return value_or_empty(lists, key); }

const std::map<std::string, std::string>& Options::map(std::string_view key) const { return value_or_empty(maps, key); }

}  // namespace usher::config
