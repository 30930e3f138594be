// Canonical text of one tracked entity: lines `name=value` in a fixed order, absent fields left out. Readable with
// redis-cli or sqlite3, compared byte for byte, and free of JSON, locale and floating point (rule X3).
//
//   entity = [ line *( LF line ) ]      line = name "=" value
//   value  = *( any byte but LF and "%" | "%25" | "%0A" )     list items: "," inside an item is "%2C"
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "routing/message/ids.hpp"
#include "routing/message/instant.hpp"
#include "routing/message/text_buffer.hpp"

namespace usher::engine {

class EntityWriter {
 public:
  // Each leaves the field out when the value is empty, zero or false: a reader takes that as the default.
  EntityWriter& text(std::string_view name, std::string_view value);
  EntityWriter& number(std::string_view name, std::int64_t value);
  EntityWriter& list(std::string_view name, const std::vector<std::string>& items);
  EntityWriter& instant(std::string_view name, message::Instant at) { return number(name, message::unix_ms(at)); }
  template <class Tag>
  EntityWriter& id(std::string_view name, const message::Id128<Tag>& value) {
    return value.empty() ? *this : text(name, value.text());
  }

  [[nodiscard]] std::string take() { return out_.take(); }

 private:
  static constexpr std::size_t usual_bytes = 500;

  void begin(std::string_view name);
  message::TextBuffer out_{usual_bytes};
};

// Reads what EntityWriter wrote. After all fields were asked for, good() says whether each could be read.
class EntityReader {
 public:
  explicit EntityReader(std::string_view entity);

  [[nodiscard]] std::string text(std::string_view name);
  [[nodiscard]] std::int64_t number(std::string_view name);
  [[nodiscard]] std::vector<std::string> list(std::string_view name);
  [[nodiscard]] message::Instant instant(std::string_view name) { return message::from_unix_ms(number(name)); }
  [[nodiscard]] bool has(std::string_view name) const { return fields_.contains(name); }
  template <class Id>
  [[nodiscard]] Id id(std::string_view name) {
    const auto found = fields_.find(name);
    if (found == fields_.end()) return Id{};
    const auto parsed = Id::parse(found->second);
    if (!parsed) good_ = false;
    return parsed.value_or(Id{});
  }
  // A number that must be in [low, high], for enumerations.
  template <class Enum>
  [[nodiscard]] Enum choice(std::string_view name, Enum high) {
    const auto value = number(name);
    if (value < 0 || value > static_cast<std::int64_t>(high)) {
      good_ = false;
      return Enum{};
    }
    return static_cast<Enum>(value);
  }
  [[nodiscard]] bool good() const { return good_; }

 private:
  std::map<std::string_view, std::string_view> fields_;
  bool good_ = true;
};

}  // namespace usher::engine
