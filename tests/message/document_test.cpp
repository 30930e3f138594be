// A document holds what another reader of JSON finds in the same text, members given twice and texts with escapes included.
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <random>

#include "routing/message/limits.hpp"
#include "routing/message/wire_document.hpp"

using namespace usher::message;
using usher::message::wire::Document;
using usher::message::wire::Value;
namespace json = boost::json;

namespace {

bool same(const Value& ours, const json::value& theirs);

bool same_members(const Value& ours, const json::object& theirs) {
  std::size_t counted = 0;
  for (const Value* one = ours.begin(); one != ours.end(); one = one->next()) {
    if (!one->counts()) continue;
    ++counted;
    const auto* other = theirs.if_contains(one->key());
    if (other == nullptr || !same(*one, *other)) return false;
  }
  return counted == ours.count() && counted == theirs.size();
}

bool same_items(const Value& ours, const json::array& theirs) {
  std::size_t at = 0;
  for (const Value* one = ours.begin(); one != ours.end(); one = one->next(), ++at)
    if (at >= theirs.size() || !same(*one, theirs[at])) return false;
  return at == theirs.size() && at == ours.count();
}

bool same(const Value& ours, const json::value& theirs) {
  switch (theirs.kind()) {
    case json::kind::null: return ours.is_null();
    case json::kind::bool_: return ours.is_flag() && ours.flag() == theirs.get_bool();
    case json::kind::int64: return ours.is_whole() && ours.whole() == theirs.get_int64();
    case json::kind::uint64: return ours.is_beyond() && !ours.is_whole();
    case json::kind::double_: return !ours.is_whole() && !ours.is_beyond() && !ours.is_text() && !ours.is_null() && !ours.is_flag();
    case json::kind::string: return ours.is_text() && ours.text() == std::string_view(theirs.get_string());
    case json::kind::array: return ours.is_list() && same_items(ours, theirs.get_array());
    default: return ours.is_object() && same_members(ours, theirs.get_object());
  }
}

bool read_alike(const std::string& text) {
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = limits::json_depth_max;
  const auto theirs = json::parse(text, error, {}, options);
  Document document;
  const auto ours = document.parse(text);
  if (error || !ours) return error.failed() && !ours;
  return same(**ours, theirs);
}

// Random text of a value, names from few so that some are given twice, now and then an object of many members.
class Texts {
 public:
  explicit Texts(unsigned seed) : random_(seed) {}

  std::string value(int depth) {
    switch (below(depth > 4 ? 6 : 9)) {
      case 0: return "null";
      case 1: return below(2) == 0 ? "true" : "false";
      case 2: return std::to_string(static_cast<std::int64_t>(random_()));
      case 3: return below(2) == 0 ? "18446744073709551615" : "1e300";
      case 4: return std::to_string(below(100)) + (below(3) == 0 ? ".5" : "");
      case 5: return quoted();
      case 6: return list(depth);
      default: return object(depth);
    }
  }
  std::size_t below(std::size_t most) { return random_() % most; }

 private:
  std::string quoted() {
    static constexpr std::string_view pieces[] = {"a", "plain words ", "\\n", "\\\"", "\\u00e4", "\xc3\xa9", "\\ud83d\\ude00", ""};
    std::string out = "\"";
    const std::size_t count = below(40) == 0 ? 3'000 : below(6);
    for (std::size_t i = 0; i < count; ++i) out += pieces[below(std::size(pieces))];
    return out + "\"";
  }
  std::string list(int depth) {
    std::string out = "[";
    for (std::size_t i = below(4); i > 0; --i) out += value(depth + 1) + (i > 1 ? " , " : "");
    return out + "]";
  }
  std::string object(int depth) {
    const bool many = below(10) == 0;
    std::string out = "{";
    for (std::size_t i = many ? 33 + below(60) : below(7); i > 0; --i) {
      const std::size_t name = below(many ? 60 : 8);
      // One name in two spellings.
      out += below(5) == 0 ? "\"n\\u0061" : "\"na";
      out += std::to_string(name) + "\": " + (many ? std::to_string(i) : value(depth + 1)) + (i > 1 ? "," : "");
    }
    return out + "}";
  }

  std::mt19937_64 random_;
};

}  // namespace

TEST_CASE("a document holds what another reader finds in the same text", "[message]") {
  for (unsigned seed = 0; seed < 3'000; ++seed) {
    Texts texts(seed);
    auto text = texts.value(0);
    INFO(seed << ": " << text.substr(0, 500));
    REQUIRE(read_alike(text));
    // And what is no JSON any more is refused by both, or by neither.
    if (text.size() > 1) text[texts.below(text.size())] = "{}[],:\"\\x\xff"[texts.below(10)];
    REQUIRE(read_alike(text));
  }
}

TEST_CASE("of members with one name the last one counts wherever they stand", "[message]") {
  Document document;
  const auto root = document.parse(R"({"a":{"a":1,"b":[1,2]},"b":2,"a":3,"\u0061":{"c":4}})");
  REQUIRE(root.has_value());
  CHECK((*root)->count() == 2);
  std::vector<std::string> counted;
  for (const Value* one = (*root)->begin(); one != (*root)->end(); one = one->next())
    if (one->counts()) counted.emplace_back(one->key());
  CHECK(counted == std::vector<std::string>{"b", "a"});
}

TEST_CASE("an object of as many members as fit is read in a moment", "[message]") {
  std::string text = "{";
  while (text.size() + 16 < limits::record_bytes_max) text += (text.size() > 1 ? ",\"" : "\"") + std::to_string(text.size() % 7'919) + "\":1";
  Document document;
  const auto root = document.parse(text + "}");
  REQUIRE(root.has_value());
  CHECK((*root)->count() <= 7'919);
}

TEST_CASE("what is too deep or goes on behind its end is refused with the place", "[message]") {
  const std::string deep(limits::json_depth_max + 1, '[');
  CHECK_FALSE(Document().parse(deep + std::string(deep.size(), ']')).has_value());
  const std::string fits(limits::json_depth_max, '[');
  CHECK(Document().parse(fits + std::string(fits.size(), ']')).has_value());
  Document document;
  const auto more = document.parse("{} {}");
  REQUIRE_FALSE(more.has_value());
  CHECK(more.error().detail.find("extra data near byte 3") != std::string::npos);
}
