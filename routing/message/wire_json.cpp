// Canonical JSON out and checked JSON in. The only file of the wire form that drives the JSON parser; nothing
// it is given makes it throw, short of memory running out.
#include "routing/message/wire_json.hpp"

#include <boost/json/parser.hpp>
#include <charconv>
#include <cstring>

#include "routing/message/wire.hpp"

namespace usher::message {

namespace wire {

namespace json = boost::json;

// --- Writer ---

void Writer::separate() {
  if (comma_) out_.push_back(',');
  comma_ = true;
}

void Writer::open(char bracket) {
  separate();
  out_.push_back(bracket);
  comma_ = false;
}

void Writer::close(char bracket) {
  out_.push_back(bracket);
  comma_ = true;
}

void Writer::key(std::string_view name) {
  separate();
  out_.push_back('"');
  out_ += name;
  out_ += "\":";
  comma_ = false;
}

void Writer::free_key(std::string_view name) {
  separate();
  quote(name);
  out_.push_back(':');
  comma_ = false;
}

void Writer::item(std::string_view text) {
  separate();
  quote(text);
}

void Writer::item(std::int64_t number) {
  separate();
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out_.append(digits.data(), end.ptr);
}

void Writer::item_null() {
  separate();
  out_ += "null";
}

void Writer::flag(std::string_view name, bool value) {
  key(name);
  out_ += value ? "true" : "false";
  comma_ = true;
}

void Writer::texts(std::string_view name, const std::vector<std::string>& values) {
  list(name, values, [this](const std::string& value) { item(value); });
}

void Writer::members_of(std::string_view object) {
  expect(object.size() >= 2 && object.front() == '{' && object.back() == '}', "extra members are one JSON object");
  object = object.substr(1, object.size() - 2);
  if (object.empty()) return;
  separate();
  out_ += object;
}

namespace {

// Whether none of eight bytes needs an escape: each is tested for less than a space, quotation mark, reverse solidus.
bool eight_plain(const char* bytes) {
  constexpr std::uint64_t ones = 0x0101010101010101ULL;
  std::uint64_t eight = 0;
  std::memcpy(&eight, bytes, sizeof eight);
  const std::uint64_t quotation = eight ^ (ones * '"');
  const std::uint64_t solidus = eight ^ (ones * '\\');
  const std::uint64_t special =
      ((eight - ones * 0x20) & ~eight) | ((quotation - ones) & ~quotation) | ((solidus - ones) & ~solidus);
  return (special & (ones * 0x80)) == 0;
}

}  // namespace

// Escapes what JSON demands and nothing else: quotation mark, reverse solidus, and everything below a space.
void Writer::quote(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  out_.push_back('"');
  std::size_t plain_from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    while (text.size() - i > sizeof(std::uint64_t) && eight_plain(text.data() + i)) i += sizeof(std::uint64_t);
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && c != '"' && c != '\\') continue;
    out_.append(text, plain_from, i - plain_from);
    plain_from = i + 1;
    out_.push_back('\\');
    switch (c) {
      case '"':
        out_.push_back('"');
        break;
      case '\\':
        out_.push_back('\\');
        break;
      case '\b':
        out_.push_back('b');
        break;
      case '\f':
        out_.push_back('f');
        break;
      case '\n':
        out_.push_back('n');
        break;
      case '\r':
        out_.push_back('r');
        break;
      case '\t':
        out_.push_back('t');
        break;
      default:
        out_ += "u00";
        out_.push_back(digits[byte >> 4]);
        out_.push_back(digits[byte & 15]);
    }
  }
  out_.append(text, plain_from, text.size() - plain_from);
  out_.push_back('"');
}

// --- Document, Place, Problem ---

Result<const json::value*> Document::parse(std::string_view text) {
  if (text.size() > limits::record_bytes_max) {
    return fail(Fault::too_large, "json: over " + std::to_string(limits::record_bytes_max) + " bytes");
  }
  json::parse_options options;
  options.max_depth = limits::json_depth_max;
  std::array<unsigned char, 4 * 1024> scratch;
  json::parser parser({}, options, scratch.data(), scratch.size());
  parser.reset(&memory_);
  boost::system::error_code error;
  const std::size_t parsed = parser.write(text.data(), text.size(), error);
  if (!error) {
    root_ = parser.release();
    return &root_;
  }
  if (!valid_utf8(text)) return fail(Fault::malformed, "json: not UTF-8");
  return fail(Fault::malformed, "json: " + error.message() + " near byte " + std::to_string(parsed));
}

std::string Place::path() const {
  std::string out = parent != nullptr ? parent->path() : std::string();
  if (index) return out + "[" + std::to_string(*index) + "]";
  if (!out.empty() && !name.empty()) out.push_back('.');
  return out.append(name);
}

void Problem::note(Fault fault, const Place& place, std::string_view what) {
  if (error_) return;
  std::string detail = place.path();
  if (detail.empty()) detail = "json";
  detail += ": ";
  detail += what;
  error_ = Error{fault, std::move(detail)};
}

// --- Reader ---

Reader::Reader(const json::value& value, const Place& place, Problem& problem)
    : place_(place), problem_(problem), object_(value.if_object()) {
  if (object_ == nullptr) problem_.note(Fault::malformed, place_, "must be an object");
}

void Reader::refuse(std::string_view name, std::string_view what, Fault fault) {
  problem_.note(fault, Place{&place_, name, std::nullopt}, what);
}

const json::value* Reader::find(std::string_view name, Need need) {
  if (object_ == nullptr || problem_.found()) return nullptr;
  const auto* member = object_->begin() + next_;
  if (member >= object_->end() || std::string_view(member->key()) != name) member = object_->find(name);
  if (member == object_->end()) {
    if (need == Need::required) refuse(name, "missing");
    return nullptr;
  }
  ++found_;
  next_ = static_cast<std::size_t>(member - object_->begin()) + 1;
  return &member->value();
}

const json::value* Reader::find_not_null(std::string_view name) {
  const auto* value = find(name, Need::optional);
  return value != nullptr && value->is_null() ? nullptr : value;
}

const json::array* Reader::find_list(std::string_view name, Need need, std::size_t items_max) {
  const auto* value = find(name, need);
  if (value == nullptr) return nullptr;
  const auto* list = value->if_array();
  if (list == nullptr) {
    refuse(name, "must be a list");
  } else if (list->size() > items_max) {
    refuse(name, "over " + std::to_string(items_max) + " items", Fault::too_large);
    return nullptr;
  }
  return list;
}

void Reader::copy_text(const json::value& value, const Place& place, std::string& out, TextRule rule) {
  const auto* text = value.if_string();
  if (text == nullptr) return problem_.note(Fault::malformed, place, "must be a string");
  if (text->size() < rule.bytes_min) return problem_.note(Fault::malformed, place, "must not be empty");
  if (text->size() > rule.bytes_max) {
    return problem_.note(Fault::too_large, place, "over " + std::to_string(rule.bytes_max) + " bytes");
  }
  out.assign(text->data(), text->size());
}

void Reader::text(std::string_view name, std::string& out, TextRule rule) {
  const auto* value = find(name, rule.need);
  if (value != nullptr) copy_text(*value, Place{&place_, name, std::nullopt}, out, rule);
}

void Reader::optional_text(std::string_view name, std::optional<std::string>& out, TextRule rule) {
  const auto* value = find_not_null(name);
  if (value != nullptr) copy_text(*value, Place{&place_, name, std::nullopt}, out.emplace(), rule);
}

void Reader::texts(std::string_view name, std::vector<std::string>& out, std::size_t items_max) {
  const auto* list = find_list(name, Need::optional, items_max);
  if (list == nullptr) return;
  const Place place{&place_, name, std::nullopt};
  out.reserve(list->size());
  for (std::size_t i = 0; i < list->size(); ++i) {
    copy_text((*list)[i], Place{&place, {}, i}, out.emplace_back(), short_text);
  }
}

void Reader::integer(std::string_view name, std::int64_t& out, std::int64_t least, std::int64_t most) {
  const auto* value = find(name, Need::required);
  if (value == nullptr) return;
  // Beyond int64 the parser gives another kind of number; it is out of any range of ours.
  const bool whole = value->is_int64();
  if (!whole && !value->is_uint64()) return refuse(name, "must be a whole number");
  if (!whole || value->get_int64() < least || value->get_int64() > most) {
    return refuse(name, "must be from " + std::to_string(least) + " to " + std::to_string(most));
  }
  out = value->get_int64();
}

void Reader::small_integer(std::string_view name, int& out, int least, int most) {
  std::int64_t value = out;
  integer(name, value, least, most);
  out = static_cast<int>(value);
}

void Reader::duration(std::string_view name, Milliseconds& out) {
  std::int64_t value = out.count();
  integer(name, value, 0, duration_ms_max);
  out = Milliseconds{value};
}

void Reader::numbers(std::string_view name, std::map<std::string, int>& out, int least, std::size_t items_max) {
  const auto* value = find(name, Need::required);
  if (value == nullptr) return;
  const auto* object = value->if_object();
  if (object == nullptr) return refuse(name, "must be an object");
  if (object->size() > items_max) {
    return refuse(name, "over " + std::to_string(items_max) + " members", Fault::too_large);
  }
  for (const auto& [key, number] : *object) {
    const auto* whole = number.if_int64();
    if (key.empty() || key.size() > limits::short_field_bytes_max || whole == nullptr || *whole < least ||
        *whole > int_max) {
      return refuse(name, "must hold names with whole numbers of at least " + std::to_string(least));
    }
    out.emplace(key, static_cast<int>(*whole));
  }
}

void Reader::flag_if_any(std::string_view name, bool& out) {
  const auto* value = find(name, Need::optional);
  if (value == nullptr) return;
  if (!value->is_bool()) return refuse(name, "must be true or false");
  out = value->get_bool();
}

std::optional<Instant> Reader::read_time(std::string_view name, const json::value& value) {
  const auto* text = value.if_string();
  auto at = text != nullptr ? parse_rfc3339(std::string_view(text->data(), text->size())) : std::nullopt;
  if (!at) refuse(name, "must be an RFC 3339 time from 1970 to 9999");
  return at;
}

void Reader::time(std::string_view name, Instant& out) {
  const auto* value = find(name, Need::required);
  if (value != nullptr) out = read_time(name, *value).value_or(out);
}

void Reader::optional_time(std::string_view name, std::optional<Instant>& out) {
  const auto* value = find_not_null(name);
  if (value != nullptr) out = read_time(name, *value);
}

void Reader::version() {
  std::int64_t version = 0;
  integer("v", version, 1, 1);
}

std::optional<std::size_t> Reader::choice(std::string_view name, std::span<const std::string_view> names, Need need) {
  const auto* value = need == Need::required ? find(name, need) : find_not_null(name);
  if (value == nullptr) return std::nullopt;
  const auto* text = value->if_string();
  for (std::size_t i = 0; text != nullptr && i < names.size(); ++i) {
    if (std::string_view(text->data(), text->size()) == names[i]) return i;
  }
  std::string known;
  for (const auto one : names) known.append(known.empty() ? "" : ", ").append(one);
  refuse(name, "must be one of " + known);
  return std::nullopt;
}

}  // namespace wire

}  // namespace usher::message
