// Web forms: what each field becomes, and what is refused.
#include <catch2/catch.hpp>

#include "connectors/catalog.hpp"
#include "connectors/signature.hpp"
#include "routing/message/limits.hpp"
#include "routing/message/wire.hpp"
#include "tests/connectors/samples.hpp"
#include "tests/journal/show_result.hpp"

using namespace usher::connectors;
using namespace usher::connectors::testing;

namespace {

Instance contact() { return sample_instance(webform_connector); }

Message only(const Instance& instance, const Raw& raw) {
  auto parsed = webform_connector.parse(instance, raw);
  REQUIRE(parsed);
  REQUIRE(parsed->messages.size() == 1);
  return parsed->messages.front();
}

Error refusal(const Instance& instance, const Raw& raw) {
  auto parsed = webform_connector.parse(instance, raw);
  REQUIRE(!parsed);
  return parsed.error();
}

std::vector<Identity> senders(const std::string& body) { return only(contact(), form("message=x&" + body)).from.identities; }

}  // namespace

TEST_CASE("the same form is the same message whichever body kind carried it", "[webform]") {
  const Message urlencoded = only(contact(), form("name=Ana&email=ana%40ex.org&subject=S&message=M&nonce=n&plan=gold"));
  const Message multi = only(contact(), multipart({text_part("name", "Ana"), text_part("email", "ana@ex.org"), text_part("subject", "S"),
                                                   text_part("message", "M"), text_part("nonce", "n"), text_part("plan", "gold")}));
  const Message json = only(contact(), json_body(R"({"name":"Ana","email":"ana@ex.org","subject":"S","message":"M","nonce":"n","plan":"gold"})"));
  CHECK(urlencoded == multi);
  CHECK(urlencoded == json);
  CHECK(urlencoded.from.display_name == "Ana");
  CHECK(urlencoded.subject == "S");
  CHECK(urlencoded.text == "M");
  CHECK(urlencoded.text_new == "M");
  CHECK(urlencoded.provider_message_id == "n");
  CHECK(urlencoded.extra == R"({"fields":{"plan":"gold"}})");
  CHECK(!urlencoded.language);
  CHECK(urlencoded.labels.empty());
}

TEST_CASE("without a content type the bytes tell what they are", "[webform]") {
  for (Raw raw : {form("message=M&nonce=n"), multipart({text_part("message", "M"), text_part("nonce", "n")}), json_body(" {\"message\":\"M\",\"nonce\":\"n\"}")}) {
    raw.content_type.clear();
    CHECK(only(contact(), raw).text == "M");
  }
}

TEST_CASE("a form whose further fields the journal could not read back is refused", "[webform]") {
  const auto nested = [](std::size_t depth) { return json_body(R"({"message":"M","a":)" + std::string(depth, '[') + std::string(depth, ']') + "}"); };
  const auto read_back = decode_message(encode(only(contact(), nested(limits::json_depth_max - 2))));
  CHECK(read_back);
  CHECK(refusal(contact(), nested(limits::json_depth_max - 1)).detail == "the further fields are nested too deep");
  CHECK(refusal(contact(), json_body(R"({"message":"M","a":1e999})")).detail == "the body holds a number that is too large");
}

TEST_CASE("a body that says it is something else is refused", "[webform]") {
  for (const char* type : {"text/plain", "application/xml", "application/x-www-form-urlencoded; charset=latin1", "multipart/form-data", "multipart/mixed; boundary=b"}) {
    INFO(type);
    Raw raw = form("message=M");
    raw.content_type = type;
    CHECK(refusal(contact(), raw).fault == Fault::malformed);
  }
}

TEST_CASE("an e-mail address becomes an identity with its domain in lower case, anything else stays what was typed", "[webform]") {
  CHECK(senders("email=Ana.B%40EX.Org") == std::vector<Identity>{{"email", "Ana.B@ex.org", false}});
  CHECK(senders("email=+ana%40ex.org+") == std::vector<Identity>{{"email", "ana@ex.org", false}});
  for (const char* typed : {"ana", "@ex.org", "ana@", "a@b@c", "ana ex@ex.org", "<ana@ex.org>", "ana@ex.org,ben@ex.org"}) {
    INFO(typed);
    CHECK(senders("email=" + percent(typed)) == std::vector<Identity>{{"form", typed, false}});
  }
}

TEST_CASE("a phone number becomes E.164 when it plausibly is one, anything else stays what was typed", "[webform]") {
  for (const char* typed : {"+33 1 23 45 67 89", "+33-1.23/45(67)89", " +33123456789 "}) {
    INFO(typed);
    CHECK(senders("phone=" + percent(typed)) == std::vector<Identity>{{"phone", "+33123456789", false}});
  }
  for (const char* typed : {"0123456789", "+1234567", "+1234567890123456", "+0123456789", "+33 1 23 45 ext 9", "33+123456789", "call me"}) {
    INFO(typed);
    CHECK(senders("phone=" + percent(typed)) == std::vector<Identity>{{"form", typed, false}});
  }
}

TEST_CASE("somebody of whom nothing is known is nobody else", "[webform]") {
  const Message first = only(contact(), form("message=x&nonce=1"));
  const Message second = only(contact(), form("message=x&nonce=2"));
  CHECK(first.from.identities == std::vector<Identity>{{"form", "anonymous-" + first.id.text(), false}});
  CHECK(first.from.identities != second.from.identities);
  CHECK(senders("email=ana%40ex.org&phone=%2B33123456789").size() == 2);
}

TEST_CASE("a filled honeypot is no message and no refusal", "[webform]") {
  auto parsed = webform_connector.parse(contact(), form("message=Buy&website=http%3A%2F%2Fspam"));
  REQUIRE(parsed);
  CHECK(parsed->messages.empty());
  CHECK(only(contact(), form("message=Hello&website=")).extra.empty());
  const Instance other = with(contact(), "honeypot", "fax");
  CHECK(webform_connector.parse(other, form("message=Buy&fax=1"))->messages.empty());
  CHECK(only(other, form("message=Hello&website=ex.org")).extra == R"({"fields":{"website":"ex.org"}})");
}

TEST_CASE("line breaks are refused where a line is meant and kept where a text is", "[webform]") {
  for (const char* field : {"name", "subject", "email", "phone"})
    for (const char* break_of_line : {"%0D%0A", "%0A", "%0D"}) {
      INFO(field << break_of_line);
      const Error error = refusal(contact(), form("message=x&" + std::string(field) + "=a" + break_of_line + "Bcc:%20b"));
      CHECK(error.fault == Fault::malformed);
      CHECK(error.detail == std::string(field) + ": holds a line break");
    }
  CHECK(only(contact(), form("message=a%0D%0Ab%0Ac%0Dd")).text == "a\r\nb\nc\rd");
}

TEST_CASE("NUL and broken UTF-8 are refused in every field and in names", "[webform]") {
  for (const char* bad : {"%00", "a%00b", "%FF", "%C0%80", "%ED%A0%80", "%C3", "%F5%80%80%80"}) {
    INFO(bad);
    for (const char* field : {"name", "subject", "email", "phone", "message", "other"})
      CHECK(refusal(contact(), form((field == std::string("message") ? "" : "message=x&") + std::string(field) + "=" + bad)).fault == Fault::malformed);
    CHECK(refusal(contact(), form("message=x&a" + std::string(bad) + "=1")).fault == Fault::malformed);
  }
  CHECK(refusal(contact(), json_body(R"({"message":"a\u0000b"})")).fault == Fault::malformed);
  CHECK(refusal(contact(), json_body(R"({"message":"x","deep":[{"a\u0000":1}]})")).fault == Fault::malformed);
  CHECK(refusal(contact(), json_body(R"({"message":"\udc00"})")).fault == Fault::malformed);
}

TEST_CASE("a refusal never repeats what the customer wrote", "[webform]") {
  const Error error = refusal(contact(), form("message=x&subject=my+secret%0A"));
  CHECK(error.detail.find("secret") == std::string::npos);
}

TEST_CASE("texts may be as long as the limits and no longer", "[webform]") {
  const Instance instance = with(contact(), "text_bytes_max", "100");
  CHECK(only(instance, form("message=" + std::string(100, 'x'))).text.size() == 100);
  CHECK(refusal(instance, form("message=" + std::string(101, 'x'))).fault == Fault::too_large);
  const std::string line(limits::short_field_bytes_max, 'x');
  CHECK(only(contact(), form("message=x&subject=" + line)).subject == line);
  for (const char* field : {"subject", "name", "email", "phone"}) CHECK(refusal(contact(), form("message=x&" + std::string(field) + "=x" + line)).fault == Fault::too_large);
  CHECK(refusal(contact(), form("message=x&other=" + std::string(limits::message_text_bytes_max, '"'))).fault == Fault::too_large);
  CHECK(refusal(contact(), form("message=x&other=" + std::string(limits::http_body_bytes_max, 'x'))).fault == Fault::too_large);
}

TEST_CASE("a form without a message and without a file is refused, with either it is taken", "[webform]") {
  CHECK(refusal(contact(), form("name=Ana")).detail == "message: missing");
  CHECK(refusal(contact(), form("message=")).detail == "message: missing");
  CHECK(only(contact(), multipart({file_part("f", "a.txt", "text/plain", "hi")})).text.empty());
  CHECK(refusal(contact(), multipart({text_part("message", ""), file_part("f", "", "application/octet-stream", "")})).detail == "message: missing");
  CHECK(only(contact(), form("text=Hi")).text == "Hi");
}

TEST_CASE("a known field given twice is refused, an unknown one becomes a list", "[webform]") {
  for (const char* field : {"name", "email", "phone", "subject", "message", "nonce"})
    CHECK(refusal(contact(), form("message=x&" + std::string(field) + "=1&" + field + "=2")).detail == std::string(field) + ": given twice");
  CHECK(only(contact(), form("message=x&c=1&b=2&c=3&c=4")).extra == R"({"fields":{"c":["1","3","4"],"b":"2"}})");
  CHECK(refusal(contact(), json_body(R"({"message":["x"]})")).detail == "message: must be a string");
  CHECK(only(contact(), json_body(R"({"message":"x","email":null,"n":[1,{"a":true}]})")).extra == R"({"fields":{"n":[1,{"a":true}]}})");
}

TEST_CASE("a form may name its fields as it likes", "[webform]") {
  Instance instance = contact();
  instance.options.maps["fields"] = {{"message", "entry.7"}, {"email", "mail"}, {"nonce", "_id"}};
  REQUIRE(webform_connector.check(instance));
  const Message message = only(instance, form("entry.7=Hi&mail=ana%40ex.org&_id=k&name=Ana&message=m&text=t&nonce=n"));
  CHECK(message.text == "Hi");
  CHECK(message.from.display_name == "Ana");
  CHECK(message.from.identities == std::vector<Identity>{{"email", "ana@ex.org", false}});
  CHECK(message.provider_message_id == "k");
  CHECK(message.extra == R"({"fields":{"message":"m","text":"t","nonce":"n"}})");
}

TEST_CASE("files are kept with a clean name, a plausible type and their hash", "[webform]") {
  const std::string bytes = std::string("\x00\xff\r\n--", 6) + "x";
  auto parsed = webform_connector.parse(contact(), multipart({text_part("message", "x"), file_part("f", "../../C:\\a\\\x01r\xe2\x80\xae" "fdp.exe", "te xt/html\x02", bytes),
                                                              file_part("f", "", "text/plain", "nameless"), file_part("g", "...", "text/plain", "dots")}));
  REQUIRE(parsed);
  REQUIRE(parsed->files.size() == 3);
  CHECK(parsed->files[0].name == "rfdp.exe");
  CHECK(parsed->files[0].type == "application/octet-stream");
  CHECK(parsed->files[0].bytes == bytes);
  CHECK(parsed->files[1].name == "file");
  CHECK(parsed->files[2].name == "file");
  const auto& attachments = parsed->messages.front().attachments;
  REQUIRE(attachments.size() == 3);
  CHECK(attachments[0] == Attachment{"rfdp.exe", "application/octet-stream", bytes.size(), sha256_hex(bytes), false});
  CHECK(parsed->messages.front().parts == std::vector<std::string>{"text/plain", "application/octet-stream", "text/plain", "text/plain"});
}

TEST_CASE("a long file name is cut between characters", "[webform]") {
  std::string name;
  for (int i = 0; i < 200; ++i) name += "\u00e4";
  auto parsed = webform_connector.parse(contact(), multipart({file_part("f", name, "text/plain", "x")}));
  REQUIRE(parsed);
  CHECK(parsed->files[0].name == name.substr(0, 254));
}

TEST_CASE("files may be so many and so large and no more", "[webform]") {
  std::vector<std::string> parts(limits::attachments_max, file_part("f", "a", "text/plain", "x"));
  CHECK(only(contact(), multipart(parts)).attachments.size() == limits::attachments_max);
  parts.push_back(parts.front());
  CHECK(refusal(contact(), multipart(parts)).fault == Fault::too_large);
  CHECK(only(contact(), multipart({file_part("f", "a", "text/plain", std::string(limits::attachment_bytes_max, 'x'))})).attachments.size() == 1);
  CHECK(refusal(contact(), multipart({file_part("f", "a", "text/plain", std::string(limits::attachment_bytes_max + 1, 'x'))})).fault == Fault::too_large);
}

TEST_CASE("the sender's key makes the id, wherever it stands", "[webform]") {
  Raw with_header = form("message=x");
  with_header.headers["idempotency-key"] = "\"k-1\"";
  const Message first = only(contact(), with_header);
  CHECK(first.provider_message_id == "k-1");
  CHECK(first.id == only(contact(), form("message=another+text&nonce=k-1")).id);
  CHECK(webform_connector.parse(contact(), with_header)->content_key.empty());
  with_header.body += "&nonce=k-2";
  CHECK(refusal(contact(), with_header).fault == Fault::malformed);
  for (const std::string& key : {std::string("content:1"), std::string("k\xc3\xa4"), std::string(256, 'k'), std::string("a\tb")}) {
    INFO(key);
    Raw raw = form("message=x");
    raw.headers["idempotency-key"] = key;
    CHECK(refusal(contact(), raw).fault == Fault::malformed);
  }
}

TEST_CASE("without a key the content and the address are the key", "[webform]") {
  const auto key = [](const Raw& raw) { return webform_connector.parse(contact(), raw)->content_key; };
  const Raw raw = form("message=x&name=A");
  Raw same = raw;
  same.received_at += std::chrono::hours(1);
  Raw elsewhere = raw;
  elsewhere.remote = "192.0.2.1";
  CHECK(!key(raw).empty());
  CHECK(key(raw) == key(same));
  CHECK(key(raw) != key(elsewhere));
  CHECK(key(raw) != key(form("message=x&name=B")));
  CHECK(key(raw) != key(form("message=xname&A=")));
  // A browser makes a new boundary each time.
  Raw multi = multipart({text_part("message", "x"), file_part("f", "a", "text/plain", "1")});
  Raw again = multi;
  for (std::size_t at = again.body.find("edge42"); at != std::string::npos; at = again.body.find("edge42")) again.body.replace(at, 6, "edge43");
  again.content_type = "multipart/form-data; boundary=----edge43";
  CHECK(key(multi) == key(again));
  CHECK(key(multi) != key(multipart({text_part("message", "x"), file_part("f", "a", "text/plain", "2")})));
}

TEST_CASE("a page that is not allowed may not post, and programs may", "[webform]") {
  Instance instance = contact();
  instance.options.lists["origins"] = {"https://ex.org"};
  const auto verified = [&](std::map<std::string, std::string> headers) {
    Raw raw = form("message=x");
    raw.headers = std::move(headers);
    return webform_connector.verify(instance, raw, evening).has_value();
  };
  CHECK(verified({}));
  CHECK(verified({{"origin", "https://ex.org"}}));
  CHECK(verified({{"origin", "null"}, {"sec-fetch-site", "same-origin"}}));
  for (const char* origin : {"https://ex.org.evil.com", "http://ex.org", "https://ex.org:8443", "https://EX.org", "null", "https://evil.com"}) {
    INFO(origin);
    CHECK(!verified({{"origin", origin}}));
    CHECK(!verified({{"origin", origin}, {"sec-fetch-site", "same-site"}}));
  }
  instance.options.lists.clear();
  CHECK(verified({{"origin", "https://anywhere.org"}}));
}

TEST_CASE("a form's configuration that cannot work is refused by the name of its key", "[webform]") {
  const auto detail = [](const Instance& instance) {
    const auto checked = webform_connector.check(instance);
    return checked ? std::string() : checked.error().detail;
  };
  const auto fields = [](std::map<std::string, std::string, std::less<>> map) {
    Instance instance = contact();
    instance.options.maps["fields"].insert(map.begin(), map.end());
    return instance;
  };
  CHECK(detail(contact()).empty());
  CHECK(detail(fields({{"mesage", "m"}})).starts_with("fields.mesage:"));
  CHECK(detail(fields({{"name", ""}})).starts_with("fields.name:"));
  CHECK(detail(fields({{"name", "email"}})).starts_with("fields.email:"));
  CHECK(detail(fields({{"name", "website"}})).starts_with("fields.name:"));
  CHECK(detail(with(contact(), "text_bytes_max", "0")).starts_with("text_bytes_max:"));
  CHECK(detail(with(contact(), "text_bytes_max", "262145")).starts_with("text_bytes_max:"));
  CHECK(detail(with(contact(), "per_address_per_minute", "0")).starts_with("per_address_per_minute:"));
  Instance instance = contact();
  instance.options.lists["origins"] = {"https://ex.org", "https://ex.org/page"};
  CHECK(detail(instance).starts_with("origins:"));
  instance.options.lists = {};
  instance.options.lists["redirect_to"] = {"javascript:alert(1)"};
  CHECK(detail(instance).starts_with("redirect_to:"));
  CHECK(detail(instance).find("javascript:alert(1)") != std::string::npos);
  for (const std::string key : {"origins", "redirect_to"}) {
    instance.options.lists = {};
    instance.options.lists[key] = {"https://ana:s3cret@ex.org"};
    CHECK(detail(instance).starts_with(key + ":"));
    CHECK(detail(instance).find("s3cret") == std::string::npos);
  }
}
