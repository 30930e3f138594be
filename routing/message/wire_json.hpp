// The tools of the wire form: a writer that gives canonical JSON, and a reader of objects that never throws, keeps the
// first thing that is wrong and names its place by member path, never by what a customer wrote.
// Values only; a writer or reader belongs to the thread that made it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "routing/message/ids.hpp"
#include "routing/message/instant.hpp"
#include "routing/message/limits.hpp"
#include "routing/message/result.hpp"
#include "routing/message/text_buffer.hpp"
#include "routing/message/wire_document.hpp"

namespace usher::message::wire {

// A duration beyond a century is a mistake, and adding it to a time must not overflow.
inline constexpr std::int64_t duration_ms_max = 100LL * 366 * 86'400'000;
inline constexpr std::int64_t int_max = std::numeric_limits<int>::max();

// --- Writing ---

// Members come out in the order they are written, without white space. Requires: text is UTF-8.
class Writer {
 public:
  explicit Writer(std::size_t bytes_expected) : out_(bytes_expected) {}

  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_list() { open('['); }
  void end_list() { close(']'); }
  // `name` is one of ours and needs no escape; `free_key` is anybody's.
  void key(std::string_view name);
  void free_key(std::string_view name);

  void item(std::string_view text);
  void item(std::int64_t number);
  void item_null();

  void text(std::string_view name, std::string_view value) { key(name), item(value); }
  void number(std::string_view name, std::int64_t value) { key(name), item(value); }
  void flag(std::string_view name, bool value);
  void time(std::string_view name, Instant at) { key(name), plain(format_rfc3339(at)); }
  void duration(std::string_view name, Milliseconds value) { number(name, value.count()); }
  void null(std::string_view name) { key(name), item_null(); }
  void optional_text(std::string_view name, const std::optional<std::string>& value) {
    value ? text(name, *value) : null(name);
  }
  void texts(std::string_view name, const std::vector<std::string>& values);
  template <class Tag>
  void name(std::string_view name, const Name<Tag>& value) {
    text(name, value.text());
  }
  template <class Tag>
  void optional_name(std::string_view name, const std::optional<Name<Tag>>& value) {
    value ? text(name, value->text()) : null(name);
  }
  template <class Tag>
  void id(std::string_view name, const Id128<Tag>& value) {
    key(name), plain(value.text());
  }
  template <class Items, class Write>
  void list(std::string_view name, const Items& items, Write write) {
    key(name);
    begin_list();
    for (const auto& one : items) write(one);
    end_list();
  }
  // Appends the members of a JSON object given as text.
  void members_of(std::string_view object);

  [[nodiscard]] std::string take() { return out_.take(); }

 private:
  void open(char bracket);
  void close(char bracket);
  void separate();
  void quote(std::string_view text);
  // A string that needs no escape: ours, and a short one.
  void plain(std::string_view text);

  TextBuffer out_;
  bool comma_ = false;
};

// --- Reading ---

// Where a value stands: a chain towards the root, spelled out only when something is wrong.
struct Place {
  const Place* parent = nullptr;
  std::string_view name;
  std::optional<std::size_t> index;

  [[nodiscard]] std::string path() const;
};

// Keeps the first thing that is wrong.
class Problem {
 public:
  [[nodiscard]] bool found() const { return error_.has_value(); }
  [[nodiscard]] const Error& error() const { return *error_; }
  void note(Fault fault, const Place& place, std::string_view what);

 private:
  std::optional<Error> error_;
};

enum class Need { required, optional };

struct TextRule {
  Need need = Need::required;
  std::size_t bytes_min = 0;
  std::size_t bytes_max = limits::short_field_bytes_max;
};
inline constexpr TextRule short_text{Need::required, 0, limits::short_field_bytes_max};
inline constexpr TextRule short_text_if_any{Need::optional, 0, limits::short_field_bytes_max};
inline constexpr TextRule name_text{Need::required, 1, limits::short_field_bytes_max};
inline constexpr TextRule long_text{Need::required, 0, limits::message_text_bytes_max};
inline constexpr TextRule long_text_if_any{Need::optional, 0, limits::message_text_bytes_max};

// Reads the members of one object. A member that is absent and optional leaves `out` as it was. After the first problem
// the rest does nothing, so the caller asks once, at the end.
class Reader {
 public:
  // Requires: value, place and problem outlive the reader.
  Reader(const Value& value, const Place& place, Problem& problem);

  void text(std::string_view name, std::string& out, TextRule rule = short_text);
  // Absent or null: none.
  void optional_text(std::string_view name, std::optional<std::string>& out, TextRule rule = short_text);
  void texts(std::string_view name, std::vector<std::string>& out, std::size_t items_max = limits::list_items_max);
  void integer(std::string_view name, std::int64_t& out, std::int64_t least, std::int64_t most);
  void small_integer(std::string_view name, int& out, int least, int most = static_cast<int>(int_max));
  void duration(std::string_view name, Milliseconds& out);
  // Numbers by a key of anybody's choice.
  void numbers(std::string_view name, std::map<std::string, int>& out, int least, std::size_t items_max);
  void flag_if_any(std::string_view name, bool& out);
  void time(std::string_view name, Instant& out);
  void optional_time(std::string_view name, std::optional<Instant>& out);
  // The version of this wire form must be 1.
  void version();
  // One of `names`: its index. Empty when absent or null, which is a problem if it is required.
  [[nodiscard]] std::optional<std::size_t> choice(std::string_view name, std::span<const std::string_view> names,
                                                  Need need);

  template <class Tag>
  void name(std::string_view name, Name<Tag>& out, TextRule rule = name_text) {
    std::string value;
    text(name, value, rule);
    out = Name<Tag>(std::move(value));
  }
  template <class Tag>
  void optional_name(std::string_view name, std::optional<Name<Tag>>& out) {
    std::optional<std::string> value;
    optional_text(name, value, name_text);
    if (value) out = Name<Tag>(std::move(*value));
  }
  template <class Tag>
  void id(std::string_view name, Id128<Tag>& out) {
    std::optional<Id128<Tag>> value;
    read_id(name, value, Need::required);
    if (value) out = *value;
  }
  template <class Tag>
  void optional_id(std::string_view name, std::optional<Id128<Tag>>& out) {
    read_id(name, out, Need::optional);
  }

  // read(reader) for the object that is this member.
  template <class Read>
  void nested(std::string_view name, Need need, Read read) {
    const auto* value = find(name, need);
    if (value == nullptr) return;
    const Place place{&place_, name, std::nullopt};
    Reader reader(*value, place, problem_);
    read(reader);
  }
  // read(reader) for each object of a list.
  template <class Read>
  void objects(std::string_view name, Need need, std::size_t items_max, Read read) {
    const auto* list = find_list(name, need, items_max);
    if (list == nullptr) return;
    const Place place{&place_, name, std::nullopt};
    std::size_t index = 0;
    for (const Value* one = list->begin(); one != list->end() && !problem_.found(); one = one->next()) {
      const Place item{&place, {}, index++};
      Reader reader(*one, item, problem_);
      read(reader);
    }
  }

  // How many members of the object nobody asked for so far. Requires: no member was asked for twice.
  [[nodiscard]] std::size_t unknown() const { return object_ != nullptr ? object_->count() - found_ : 0; }
  [[nodiscard]] bool ok() const { return !problem_.found(); }
  void refuse(std::string_view name, std::string_view what, Fault fault = Fault::malformed);

 private:
  // The member's value; null when there is none or it is of no use, which is then noted.
  const Value* find(std::string_view name, Need need);
  const Value* find_not_null(std::string_view name);
  const Value* find_list(std::string_view name, Need need, std::size_t items_max);
  void copy_text(const Value& value, const Place& place, std::string& out, TextRule rule);
  [[nodiscard]] std::optional<Instant> read_time(std::string_view name, const Value& value);

  template <class Tag>
  void read_id(std::string_view name, std::optional<Id128<Tag>>& out, Need need) {
    const auto* value = need == Need::required ? find(name, need) : find_not_null(name);
    if (value == nullptr) return;
    if (value->is_text()) out = Id128<Tag>::parse(value->text());
    if (!value->is_text() || !out) refuse(name, "must be 32 lower-case hexadecimal digits");
  }

  const Place& place_;
  Problem& problem_;
  const Value* object_ = nullptr;
  const Value* next_ = nullptr;  // The member expected next: members mostly come in canonical order.
  std::size_t found_ = 0;
};

}  // namespace usher::message::wire
