// The only file of the wire form that drives the JSON parser; nothing it is given makes it throw, short of memory running out.
#include "routing/message/wire_document.hpp"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <limits>

#include "routing/message/limits.hpp"
#include "routing/message/wire.hpp"

namespace usher::message::wire {

namespace json = boost::json;

static_assert(limits::record_bytes_max < std::numeric_limits<std::uint32_t>::max(), "sizes and rows are counted in 32 bits");

// What the parser tells, in rows.
class DocumentBuilder {
 public:
  using Error = boost::system::error_code;
  using Text = json::string_view;
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = max_object_size;
  static constexpr std::size_t max_key_size = max_object_size;
  static constexpr std::size_t max_string_size = max_object_size;

  DocumentBuilder(std::string_view source, std::pmr::vector<Value>& rows, std::pmr::memory_resource& memory)
      : source_(source), rows_(rows), memory_(memory), parts_(&memory) {}

  bool on_document_begin(Error&) { return true; }
  bool on_document_end(Error&) { return true; }
  bool on_object_begin(Error&) { return open(Value::Kind::object); }
  bool on_object_end(std::size_t count, Error&) {
    const std::uint32_t at = close(count);
    rows_[at].size_ -= replaced_in(at);
    return true;
  }
  bool on_array_begin(Error&) { return open(Value::Kind::list); }
  bool on_array_end(std::size_t count, Error&) { return close(count), true; }
  bool on_key_part(Text text, std::size_t, Error&) { return keep_part(text); }
  bool on_key(Text text, std::size_t, Error&) {
    key_ = whole_text(text);
    return true;
  }
  bool on_string_part(Text text, std::size_t, Error&) { return keep_part(text); }
  bool on_string(Text text, std::size_t, Error&) {
    const auto whole = whole_text(text);
    Value& row = add(Value::Kind::text);
    row.text_ = whole.data();
    row.size_ = static_cast<std::uint32_t>(whole.size());
    return true;
  }
  bool on_number_part(Text, Error&) { return true; }
  bool on_int64(std::int64_t number, Text, Error&) { return add(Value::Kind::whole).whole_ = number, true; }
  bool on_uint64(std::uint64_t, Text, Error&) { return add(Value::Kind::beyond), true; }
  bool on_double(double, Text, Error&) { return add(Value::Kind::other_number), true; }
  bool on_bool(bool flag, Error&) { return add(Value::Kind::flag).whole_ = flag ? 1 : 0, true; }
  bool on_null(Error&) { return add(Value::Kind::null), true; }
  bool on_comment_part(Text, Error&) { return true; }
  bool on_comment(Text, Error&) { return true; }

 private:
  Value& add(Value::Kind kind) {
    Value& row = rows_.emplace_back();
    row.kind_ = kind;
    row.key_ = key_.data();
    row.key_size_ = static_cast<std::uint32_t>(key_.size());
    key_ = {};
    return row;
  }

  bool open(Value::Kind kind) {
    expect(depth_ < open_.size(), "the parser keeps the limit of depth");
    open_[depth_++] = static_cast<std::uint32_t>(rows_.size());
    add(kind);
    return true;
  }

  std::uint32_t close(std::size_t count) {
    const std::uint32_t at = open_[--depth_];
    rows_[at].rows_ = static_cast<std::uint32_t>(rows_.size()) - at;
    rows_[at].size_ = static_cast<std::uint32_t>(count);
    return at;
  }

  bool keep_part(Text text) {
    parts_.insert(parts_.end(), text.begin(), text.end());
    return true;
  }

  // Where it stands in the source; with an escape in it, it stands nowhere, and is kept.
  std::string_view whole_text(Text text) {
    if (parts_.empty() && std::less_equal<>{}(source_.data(), text.data()) &&
        std::less_equal<>{}(text.data() + text.size(), source_.data() + source_.size()))
      return {text.data(), text.size()};
    const std::size_t size = parts_.size() + text.size();
    auto* kept = static_cast<char*>(memory_.allocate(size + 1, 1));
    std::copy(text.begin(), text.end(), std::copy(parts_.begin(), parts_.end(), kept));
    parts_.clear();
    return {kept, size};
  }

  // Marks members whose name is given once more further on. How many.
  std::uint32_t replaced_in(std::uint32_t at) {
    return rows_[at].size_ > few_members ? replaced_of_many(at) : replaced_of_few(at);
  }

  std::uint32_t replaced_of_few(std::uint32_t at) {
    std::uint32_t replaced = 0;
    std::uint64_t seen = 0;  // A bit for each name, which some may share.
    const Value* const end = rows_.data() + at + rows_[at].rows_;
    for (Value* member = rows_.data() + at + 1; member != end; member += member->rows_) {
      const auto key = member->key();
      const auto sum = key.size() * 7 + (key.empty() ? 0 : static_cast<unsigned char>(key.front()) * 5U + static_cast<unsigned char>(key.back()) * 3U);
      const std::uint64_t bit = std::uint64_t{1} << (sum & 63);
      if ((seen & bit) != 0)
        for (Value* before = rows_.data() + at + 1; before != member; before += before->rows_)
          if (before->counts() && before->key() == key) before->kind_ = Value::Kind::replaced, ++replaced;
      seen |= bit;
    }
    return replaced;
  }

  std::uint32_t replaced_of_many(std::uint32_t at) {
    std::vector<Value*> members;
    const Value* const end = rows_.data() + at + rows_[at].rows_;
    for (Value* member = rows_.data() + at + 1; member != end; member += member->rows_) members.push_back(member);
    std::stable_sort(members.begin(), members.end(), [](const Value* a, const Value* b) { return a->key() < b->key(); });
    std::uint32_t replaced = 0;
    for (std::size_t i = 1; i < members.size(); ++i)
      if (members[i]->key() == members[i - 1]->key()) members[i - 1]->kind_ = Value::Kind::replaced, ++replaced;
    return replaced;
  }

  static constexpr std::uint32_t few_members = 32;

  std::string_view source_;
  std::pmr::vector<Value>& rows_;
  std::pmr::memory_resource& memory_;
  std::pmr::vector<char> parts_;  // Of a text that comes in several.
  std::string_view key_;
  std::array<std::uint32_t, limits::json_depth_max + 1> open_{};
  std::size_t depth_ = 0;
};

Result<const Value*> Document::parse(std::string_view text) {
  if (text.size() > limits::record_bytes_max) {
    return fail(Fault::too_large, "json: over " + std::to_string(limits::record_bytes_max) + " bytes");
  }
  json::parse_options options;
  options.max_depth = limits::json_depth_max;
  rows_.clear();
  rows_.reserve(std::min<std::size_t>(text.size() / 2 + 1, 96));
  json::basic_parser<DocumentBuilder> parser(options, text, rows_, memory_);
  boost::system::error_code error;
  const std::size_t parsed = parser.write_some(false, text.data(), text.size(), error);
  if (!error && parsed < text.size()) error = json::error::extra_data;
  if (!error) return rows_.data();
  if (!valid_utf8(text)) return fail(Fault::malformed, "json: not UTF-8");
  return fail(Fault::malformed, "json: " + error.message() + " near byte " + std::to_string(parsed));
}

}  // namespace usher::message::wire
