// See entity_text.hpp.
#include "routing/engine/entity_text.hpp"

#include <algorithm>
#include <charconv>

namespace usher::engine {
namespace {

void escape(message::TextBuffer& out, std::string_view value, bool in_list) {
  std::size_t plain_from = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c != '%' && c != '\n' && !(in_list && c == ',')) continue;
    out.add('\0', value.substr(plain_from, i - plain_from), c == '%' ? "%25" : c == '\n' ? "%0A" : "%2C");
    plain_from = i + 1;
  }
  out.add(value.substr(plain_from));
}

std::string unescape(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  for (std::size_t i = 0; i < value.size(); ++i) {
    const auto code = value.substr(i, 3);
    if (code == "%25") out += '%';
    else if (code == "%0A") out += '\n';
    else if (code == "%2C") out += ',';
    else {
      out += value[i];
      continue;
    }
    i += 2;
  }
  return out;
}

}  // namespace

void EntityWriter::begin(std::string_view name) {
  out_.add(out_.empty() ? '\0' : '\n', name, "=");
}

EntityWriter& EntityWriter::text(std::string_view name, std::string_view value) {
  if (value.empty()) return *this;
  begin(name);
  escape(out_, value, false);
  return *this;
}

EntityWriter& EntityWriter::number(std::string_view name, std::int64_t value) {
  if (value == 0) return *this;
  begin(name);
  out_.add(value);
  return *this;
}

EntityWriter& EntityWriter::list(std::string_view name, const std::vector<std::string>& items) {
  if (items.empty()) return *this;
  begin(name);
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out_.add(',');
    escape(out_, items[i], true);
  }
  return *this;
}

EntityReader::EntityReader(std::string_view entity) {
  while (!entity.empty()) {
    const auto line = entity.substr(0, entity.find('\n'));
    entity.remove_prefix(std::min(entity.size(), line.size() + 1));
    const auto equals = line.find('=');
    if (equals == std::string_view::npos || !fields_.emplace(line.substr(0, equals), line.substr(equals + 1)).second) {
      good_ = false;
      return;
    }
  }
}

std::string EntityReader::text(std::string_view name) {
  const auto found = fields_.find(name);
  return found == fields_.end() ? std::string{} : unescape(found->second);
}

std::int64_t EntityReader::number(std::string_view name) {
  const auto found = fields_.find(name);
  if (found == fields_.end()) return 0;
  std::int64_t value = 0;
  const auto digits = found->second;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) good_ = false;
  return value;
}

std::vector<std::string> EntityReader::list(std::string_view name) {
  std::vector<std::string> items;
  const auto found = fields_.find(name);
  if (found == fields_.end()) return items;
  auto rest = found->second;
  for (;;) {
    const auto comma = rest.find(',');
    items.push_back(unescape(rest.substr(0, comma)));
    if (comma == std::string_view::npos) return items;
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace usher::engine
