// Canonical JSON out and checked JSON in.
#include "routing/message/wire_json.hpp"

#include <boost/json/parser.hpp>
#include <algorithm>
#include <charconv>
#include <cstring>

#include "routing/message/wire.hpp"

namespace usher::message {

namespace wire {

// --- Writer ---

void Writer::separate() {
  if (comma_) out_.add(',');
  comma_ = true;
}

void Writer::open(char bracket) {
  separate();
  out_.add(bracket);
  comma_ = false;
}

void Writer::close(char bracket) {
  out_.add(bracket);
  comma_ = true;
}

void Writer::key(std::string_view name) {
  separate();
  out_.add('"', name, "\":");
  comma_ = false;
}

void Writer::free_key(std::string_view name) {
  separate();
  quote(name);
  out_.add(':');
  comma_ = false;
}

void Writer::item(std::string_view text) {
  separate();
  quote(text);
}

void Writer::plain(std::string_view text) {
  separate();
  out_.add('"', text, "\"");
}

void Writer::item(std::int64_t number) {
  separate();
  out_.add(number);
}

void Writer::item_null() {
  separate();
  out_.add("null");
}

void Writer::flag(std::string_view name, bool value) {
  key(name);
  out_.add(value ? std::string_view("true") : std::string_view("false"));
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
  out_.add(object);
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
  out_.add('"');
  std::size_t plain_from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    while (text.size() - i > sizeof(std::uint64_t) && eight_plain(text.data() + i)) i += sizeof(std::uint64_t);
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && c != '"' && c != '\\') continue;
    out_.add(text.substr(plain_from, i - plain_from));
    plain_from = i + 1;
    out_.add('\\');
    switch (c) {
      case '"':
        out_.add('"');
        break;
      case '\\':
        out_.add('\\');
        break;
      case '\b':
        out_.add('b');
        break;
      case '\f':
        out_.add('f');
        break;
      case '\n':
        out_.add('n');
        break;
      case '\r':
        out_.add('r');
        break;
      case '\t':
        out_.add('t');
        break;
      default:
        out_.add("u00");
        out_.add(digits[byte >> 4]);
        out_.add(digits[byte & 15]);
    }
  }
  out_.add('\0', text.substr(plain_from), "\"");
}

// --- Place, Problem ---

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

Reader::Reader(const Value& value, const Place& place, Problem& problem)
    : place_(place), problem_(problem), object_(value.is_object() ? &value : nullptr) {
  if (object_ == nullptr) problem_.note(Fault::malformed, place_, "must be an object");
  else next_ = object_->begin();
}

void Reader::refuse(std::string_view name, std::string_view what, Fault fault) {
  problem_.note(fault, Place{&place_, name, std::nullopt}, what);
}

const Value* Reader::find(std::string_view name, Need need) {
  if (object_ == nullptr || problem_.found()) return nullptr;
  const Value* member = next_;
  if (member == object_->end() || member->key() != name || !member->counts()) {
    member = object_->begin();
    while (member != object_->end() && (member->key() != name || !member->counts())) member = member->next();
  }
  if (member == object_->end()) {
    if (need == Need::required) refuse(name, "missing");
    return nullptr;
  }
  ++found_;
  next_ = member->next();
  return member;
}

const Value* Reader::find_not_null(std::string_view name) {
  const auto* value = find(name, Need::optional);
  return value != nullptr && value->is_null() ? nullptr : value;
}

const Value* Reader::find_list(std::string_view name, Need need, std::size_t items_max) {
  const auto* value = find(name, need);
  if (value == nullptr) return nullptr;
  if (!value->is_list()) refuse(name, "must be a list");
  else if (value->count() > items_max) refuse(name, "over " + std::to_string(items_max) + " items", Fault::too_large);
  else return value;
  return nullptr;
}

void Reader::copy_text(const Value& value, const Place& place, std::string& out, TextRule rule) {
  if (!value.is_text()) return problem_.note(Fault::malformed, place, "must be a string");
  const auto text = value.text();
  if (text.size() < rule.bytes_min) return problem_.note(Fault::malformed, place, "must not be empty");
  if (text.size() > rule.bytes_max) {
    return problem_.note(Fault::too_large, place, "over " + std::to_string(rule.bytes_max) + " bytes");
  }
  out.assign(text);
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
  out.reserve(list->count());
  std::size_t index = 0;
  for (const Value* one = list->begin(); one != list->end(); one = one->next()) {
    copy_text(*one, Place{&place, {}, index++}, out.emplace_back(), short_text);
  }
}

void Reader::integer(std::string_view name, std::int64_t& out, std::int64_t least, std::int64_t most) {
  const auto* value = find(name, Need::required);
  if (value == nullptr) return;
  // Beyond int64 the parser gives another kind of number; it is out of any range of ours.
  if (!value->is_whole() && !value->is_beyond()) return refuse(name, "must be a whole number");
  if (value->is_beyond() || value->whole() < least || value->whole() > most) {
    return refuse(name, "must be from " + std::to_string(least) + " to " + std::to_string(most));
  }
  out = value->whole();
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
  if (!value->is_object()) return refuse(name, "must be an object");
  if (value->count() > items_max) {
    return refuse(name, "over " + std::to_string(items_max) + " members", Fault::too_large);
  }
  for (const Value* one = value->begin(); one != value->end(); one = one->next()) {
    if (!one->counts()) continue;
    const auto key = one->key();
    if (key.empty() || key.size() > limits::short_field_bytes_max || !one->is_whole() || one->whole() < least ||
        one->whole() > int_max) {
      return refuse(name, "must hold names with whole numbers of at least " + std::to_string(least));
    }
    out.emplace(key, static_cast<int>(one->whole()));
  }
}

void Reader::flag_if_any(std::string_view name, bool& out) {
  const auto* value = find(name, Need::optional);
  if (value == nullptr) return;
  if (!value->is_flag()) return refuse(name, "must be true or false");
  out = value->flag();
}

std::optional<Instant> Reader::read_time(std::string_view name, const Value& value) {
  auto at = value.is_text() ? parse_rfc3339(value.text()) : std::nullopt;
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
  for (std::size_t i = 0; value->is_text() && i < names.size(); ++i) {
    if (value->text() == names[i]) return i;
  }
  std::string known;
  for (const auto one : names) known.append(known.empty() ? "" : ", ").append(one);
  refuse(name, "must be one of " + known);
  return std::nullopt;
}

}  // namespace wire

}  // namespace usher::message
