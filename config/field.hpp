// Field: a Key with the bounds that only this layer needs. The tables in file_fields.cpp describe every section of the
// file by fields; the loader, the JSON Schema and the check of the manual page all walk them, so they cannot differ.
#pragma once

#include <limits>
#include <span>
#include <string_view>

#include "config/key.hpp"

namespace usher::config {

// What a text, or each value of a list or map, must look like.
enum class Form {
  any,
  name,      // [a-z0-9][a-z0-9_-]{0,63}
  listen,    // HOST:PORT, [::1]:PORT
  choice,    // One of Field::choices.
  origin,    // https://host[:port], as a browser's Origin header says it.
  address,   // An IPv4 or IPv6 address.
  language,  // en, pt-BR
  digest,    // 64 hexadecimal digits.
  levels,    // Of a map: skill names to 1..5.
  counts,    // Of a map: channel names to 0..most.
  endpoint,  // tcp://HOST:PORT; `off` where it is a choice.
  redis,     // redis://[user@]host[:port][/database], unix:///path
  topic,     // The beginning of topics' names.
};

struct Field {
  Key key;
  Form form = Form::any;
  long long least = 0;  // Of numbers, and of durations in milliseconds.
  long long most = std::numeric_limits<long long>::max();
  std::span<const std::string_view> choices{};
};

struct Section {
  std::string_view name;  // The key that holds it; "" for the top of the file.
  std::string_view about;
  std::span<const Field> fields;
};

inline constexpr std::string_view secret_suffix = "_file";  // A secret `token` may also come as `token_file`.

// Single keys at the top of the file, and sections of fixed keys.
extern const Section top_section;
extern const std::span<const Section> sections;
// Collections whose keys are names: `connectors`, `labels`, `queues`, `agents`; and the list `rules`.
extern const std::span<const Section> collections;
extern const Section queue_section;
extern const Section rule_section;
extern const Section when_section;
extern const Section then_section;
extern const Section agent_section;
extern const Field connector_type_field;

// The section of that name in `sections`. Requires: there is one.
[[nodiscard]] const Section& section_named(std::string_view name);
// The keys at the top of the file that hold sections and collections; and all keys at the top.
[[nodiscard]] std::vector<std::string_view> holder_names();
[[nodiscard]] std::vector<std::string_view> top_names();
// The fields of a connector type, from the keys it declares.
[[nodiscard]] std::vector<Field> fields_of(std::span<const Key> keys);

}  // namespace usher::config
