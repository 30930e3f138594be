// The parsers of form bodies, against what strangers send.
#include <catch2/catch.hpp>

#include "connectors/media_type.hpp"
#include "connectors/multipart.hpp"
#include "connectors/urlencoded.hpp"
#include "routing/message/limits.hpp"
#include "tests/journal/show_result.hpp"

using namespace usher::connectors;

namespace {

std::string whole(const std::string& parts) { return "--b\r\n" + parts + "\r\n--b--\r\n"; }

const std::string plain_header = "Content-Disposition: form-data; name=\"a\"\r\n";

}  // namespace

TEST_CASE("a form's pairs are decoded as WHATWG says", "[urlencoded]") {
  const auto fields = parse_urlencoded("a=1+2&&b=%C3%A4%2B%26&c&=d&a=&e=f=g");
  REQUIRE(fields);
  const FieldList expected{{"a", "1 2"}, {"b", "\u00e4+&"}, {"c", ""}, {"", "d"}, {"a", ""}, {"e", "f=g"}};
  CHECK(*fields == expected);
  CHECK(parse_urlencoded("")->empty());
}

TEST_CASE("a form with a % that means nothing is refused", "[urlencoded]") {
  for (const char* body : {"a=%", "a=%4", "a=%zz", "a=100% sure", "%=1", "a=%%41", "a=1&b=%f"}) {
    INFO(body);
    const auto fields = parse_urlencoded(body);
    REQUIRE(!fields);
    CHECK(fields.error().fault == Fault::malformed);
  }
}

TEST_CASE("a form may have so many fields and no more", "[urlencoded]") {
  std::string body;
  for (std::size_t i = 0; i < limits::list_items_max; ++i) body += "f=1&";
  CHECK(parse_urlencoded(body)->size() == limits::list_items_max);
  CHECK(parse_urlencoded(body + "f=1").error().fault == Fault::too_large);
}

TEST_CASE("a media type is read with its parameters, quoted or not", "[media_type]") {
  const auto type = parse_media_type(" Multipart/Form-Data ; Boundary=\"a b\\\"c\\d\" ;charset = UTF-8");
  REQUIRE(type);
  CHECK(type->value == "multipart/form-data");
  CHECK(type->parameter("boundary") == "a b\"c\\d");
  CHECK(type->parameter("charset") == "UTF-8");
  CHECK(type->parameter("none").empty());
  for (const char* text : {"a/b; x", "a/b; =1", "a/b; x=\"1", "a/b; x=1; X=2", "a/b; x=\"1\"y", "a/b; x=\"1\" y=2"}) {
    INFO(text);
    CHECK(!parse_media_type(text));
  }
}

TEST_CASE("parts of a multipart form come out byte for byte", "[multipart]") {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  bytes += "\r\n--other\r\n--\r\n-";
  const std::string body = "\r\n" + whole(plain_header + "\r\n\r\n--b \t\r\ncontent-disposition: form-data; name=f; filename=\"x.bin\"\r\n"
                                                             "X-Other: y\r\nContent-Type: Image/PNG; a=b\r\n\r\n" + bytes) + "epilogue --b";
  const auto parts = parse_multipart(body, "b");
  REQUIRE(parts);
  REQUIRE(parts->size() == 2);
  CHECK(parts->at(0).name == "a");
  CHECK(!parts->at(0).is_file);
  CHECK(parts->at(0).bytes.empty());
  CHECK(parts->at(1).is_file);
  CHECK(parts->at(1).file_name == "x.bin");
  CHECK(parts->at(1).type == "image/png");
  CHECK(parts->at(1).bytes == bytes);
}

TEST_CASE("the names that browsers and libraries give to files are understood", "[multipart]") {
  const std::pair<const char*, const char*> cases[] = {
      {"filename=\"a%22b%0D%0Ac.txt\"", "a\"b\r\nc.txt"},      // WHATWG
      {"filename=\"a\\\"b.txt\"", "a\"b.txt"},                  // older libraries
      {"filename=\"C:\\dir\\x.txt\"", "C:\\dir\\x.txt"},        // older browsers
      {"filename=\"100%25.txt\"", "100%25.txt"},                // not an escape of browsers
      {"filename=x; filename*=utf-8''%e2%82%ac%20rates.txt", "\u20ac rates.txt"},
      {"filename*=UTF-8'en'plain.txt", "plain.txt"},
      {"filename=\"\"", ""},
  };
  for (const auto& [spelled, meant] : cases) {
    INFO(spelled);
    const std::string body = whole(std::string("Content-Disposition: form-data; name=f; ") + spelled + "\r\n\r\nx");
    const auto parts = parse_multipart(body, "b");
    REQUIRE(parts);
    CHECK(parts->front().is_file);
    CHECK(parts->front().file_name == meant);
  }
}

TEST_CASE("a multipart form that is not whole or not clear is refused", "[multipart]") {
  const std::string good = whole(plain_header + "\r\nx");
  REQUIRE(parse_multipart(good, "b"));
  const std::pair<const char*, std::string> cases[] = {
      {"nothing", ""},
      {"no boundary in it", "hello"},
      {"text before the first part", "Hello\r\n" + good},
      {"another boundary", whole(plain_header + "\r\nx").replace(2, 1, "c")},
      {"cut before the end", good.substr(0, good.size() - 9)},
      {"cut within a header", good.substr(0, 20)},
      {"the last delimiter without its hyphens", "--b\r\n" + plain_header + "\r\nx\r\n--b\r\n"},
      {"text after a delimiter", "--bc\r\n" + plain_header + "\r\nx\r\n--b--"},
      {"line feeds alone", "--b\nContent-Disposition: form-data; name=\"a\"\n\nx\n--b--\n"},
      {"no disposition", whole("Content-Type: text/plain\r\n\r\nx")},
      {"no headers at all", whole("\r\nx")},
      {"an attachment's disposition", whole("Content-Disposition: attachment; name=\"a\"\r\n\r\nx")},
      {"no name", whole("Content-Disposition: form-data\r\n\r\nx")},
      {"two names", whole("Content-Disposition: form-data; name=a; name=b\r\n\r\nx")},
      {"two dispositions", whole(plain_header + plain_header + "\r\nx")},
      {"two types", whole(plain_header + "Content-Type: a/b\r\nContent-Type: c/d\r\n\r\nx")},
      {"an open quote", whole("Content-Disposition: form-data; name=\"a\r\n\r\nx")},
      {"a bare LF in a header", whole("Content-Disposition: form-data; name=\"a\nb\"\r\n\r\nx")},
      {"a NUL in a header", whole("Content-Disposition: form-data; name=\"a" + std::string(1, '\0') + "\"\r\n\r\nx")},
      {"base64", whole(plain_header + "Content-Transfer-Encoding: base64\r\n\r\neA==")},
      {"another character set", whole(plain_header + "Content-Type: text/plain; charset=shift_jis\r\n\r\nx")},
      {"a name in another character set", whole("Content-Disposition: form-data; name=f; filename*=latin1''%e4\r\n\r\nx")},
      {"many header lines", whole(plain_header + std::string("X: 1\r\nX: 1\r\nX: 1\r\nX: 1\r\nX: 1\r\nX: 1\r\nX: 1\r\nX: 1\r\nX: 1\r\nX: 1\r\n"
                                                             "X: 1\r\nX: 1\r\nX: 1\r\nX: 1\r\nX: 1\r\nX: 1\r\n") + "\r\nx")},
      {"a long header", whole(plain_header + "X: " + std::string(9000, 'x') + "\r\n\r\nx")},
  };
  for (const auto& [about, body] : cases) {
    INFO(about);
    const auto parts = parse_multipart(body, "b");
    REQUIRE(!parts);
    CHECK(parts.error().fault == Fault::malformed);
  }
}

TEST_CASE("a boundary that is no boundary is refused", "[multipart]") {
  const std::string body = whole(plain_header + "\r\nx");
  for (const std::string& boundary : {std::string(), std::string("b "), std::string("b\r\n"), std::string("\xff"), std::string(71, 'b')}) {
    INFO(boundary);
    CHECK(!parse_multipart(body, boundary));
  }
}

TEST_CASE("a multipart form may have so many parts and no more", "[multipart]") {
  std::string body;
  for (std::size_t i = 0; i < limits::list_items_max; ++i) body += "--b\r\n" + plain_header + "\r\nx\r\n";
  CHECK(parse_multipart(body + "--b--", "b")->size() == limits::list_items_max);
  CHECK(parse_multipart(body + "--b\r\n" + plain_header + "\r\nx\r\n--b--", "b").error().fault == Fault::too_large);
}

TEST_CASE("a multipart form cut anywhere is refused", "[multipart]") {
  const std::string body = whole(plain_header + "\r\nx\r\n--b\r\n" + plain_header + "Content-Type: text/plain\r\n\r\nyy");
  REQUIRE(parse_multipart(body, "b"));
  for (std::size_t size = 0; size < body.size() - 2; ++size) {
    INFO(size);
    CHECK(!parse_multipart(std::string_view(body).substr(0, size), "b"));
  }
}
