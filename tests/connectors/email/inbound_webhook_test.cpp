// What becomes of a posted mail: raw and in pieces, by provider.
#include <catch2/catch.hpp>

#include "connectors/email/charset.hpp"
#include "connectors/email/mime_reader.hpp"
#include "connectors/signature.hpp"
#include "tests/connectors/email/posted_requests.hpp"

using namespace usher::connectors;
using namespace usher::connectors::email;
using namespace usher::connectors::email::testing;

namespace {

constexpr auto sendgrid = InboundProvider::sendgrid, mailgun = InboundProvider::mailgun, postmark = InboundProvider::postmark;

const std::string raw_mail =
    "Message-ID: <order-4411@ex.org>\r\nFrom: =?utf-8?Q?Ana_M=C3=BCller?= <ana@ex.org>\r\nTo: support@ex.com\r\nSubject: =?utf-8?Q?Gr=C3=B6=C3=9Fe?=\r\n"
    "Date: Sat, 21 Nov 2026 18:57:59 +0000\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\nIst sie gr\xfc"
    "n?\r\n";

const std::string header_lines =
    "Received: by mx.ex.com; Sat, 21 Nov 2026 18:58:01 +0000\nMessage-ID: <order-4411@ex.org>\nFrom: =?utf-8?Q?Ana_M=C3=BCller?= <ana@ex.org>\n"
    "To: support@ex.com\nSubject: =?utf-8?Q?Gr=C3=B6=C3=9Fe?=\nReferences: <first@ex.org>\n <second@ex.org>\nIn-Reply-To: <second@ex.org>\n"
    "Content-Type: multipart/mixed; boundary=\"gone\"\n";

std::vector<FormField> sendgrid_pieces() {
  return {{"headers", header_lines},
          {"from", "Ana <ana@ex.org>"},
          {"to", "support@ex.com"},
          {"subject", "other"},
          {"text", "Where is it?\n"},
          {"html", "<p>Where is <img src=\"cid:logo@x\"> it?</p>"},
          {"envelope", R"({"to":["support+tag@ex.com"],"from":"bounces@ex.org"})"},
          {"charsets", R"({"from":"utf-8","to":"utf-8","subject":"utf-8","text":"utf-8","html":"utf-8"})"},
          {"attachments", "2"},
          {"attachment-info", R"({"attachment1":{"filename":"a.png","name":"a.png","type":"image/png","content-id":"logo@x"},
                                  "attachment2":{"filename":"order.txt","name":"order.txt","type":"text/plain"}})"},
          {"content-ids", R"({"logo@x":"attachment1"})"},
          {"attachment2", std::string("line one\r\nline two\0three", 23), "; filename=\"order.txt\"\r\nContent-Type: text/plain; name=\"order.txt"},
          {"attachment1", "\x89PNG\r\n\x1a\n", "; filename=\"a.png\"\r\nContent-Type: image/png"}};
}

std::vector<FormField> changed(std::vector<FormField> fields, const std::string& name, const std::string& value) {
  for (auto& field : fields)
    if (field.name == name) field.value = value;
  return fields;
}

const std::string postmark_pieces = R"({"FromName":"Ana M\u00fcller","From":"ana@ex.org","FromFull":{"Email":"ana@ex.org","Name":"Ana \"M\u00fcller\"","MailboxHash":""},
 "To":"\"Support\" <support+abc@ex.com>","ToFull":[{"Email":"support+abc@ex.com","Name":"Support","MailboxHash":"abc"}],"Cc":"","OriginalRecipient":"abc@in.ex.com",
 "Subject":"Gr\u00f6\u00dfe =?utf-8?Q?x?=","MessageID":"a8c1040e-db1c-4e18-ac79-bc5f64b7ce2c","Date":"Sat, 21 Nov 2026 18:57:59 +0000","ReplyTo":"ana@home.ex.org",
 "TextBody":"Where is it?\u0000","HtmlBody":"<b>Where is it?</b>","StrippedTextReply":"",
 "Headers":[{"Name":"Return-Path","Value":"<ana@ex.org>"},{"Name":"Message-ID","Value":"<order-4411@ex.org>"},{"Name":"Auto-Submitted","Value":"no"}],
 "Attachments":[{"Name":"f\u00fcr dich.txt","Content":"aGVsbG8=","ContentType":"text/plain; charset=x","ContentLength":5,"ContentID":""}]})";

std::vector<FormField> mailgun_pieces() {
  return {{"recipient", "support+tag@ex.com"},
          {"sender", "ana@ex.org"},
          {"subject", "Gr\xc3\xb6\xc3\x9f" "e"},
          {"from", "Ana <ana@ex.org>"},
          {"body-plain", "Where is it?\r\n"},
          {"stripped-text", "never used"},
          {"body-html", "<p>Where is it?</p>"},
          {"attachment-count", "1"},
          {"timestamp", "1795287483"},
          {"token", "f00d4411"},
          {"signature", "00"},
          {"message-headers", R"([["From","Ana M\u00fcller <ana@ex.org>"],["Message-Id","<order-4411@ex.org>"],["Subject","Gr\u00f6\u00dfe"],["In-Reply-To","<second@ex.org>"]])"},
          {"content-id-map", R"({"<logo@x>":"attachment-1"})"},
          {"attachment-1", "PDF", "; filename*=iso-8859-1''f%FCr.pdf\r\nContent-Type: application/pdf"}};
}

}  // namespace

TEST_CASE("a raw mail that a provider posts is read as it stands", "[inbound]") {
  const auto check = [](InboundProvider provider, const Raw& raw) {
    const auto mail = read_inbound(provider, raw);
    REQUIRE(mail.has_value());
    CHECK(mail->mime == raw_mail);
    CHECK_FALSE(mail->rebuilt);
    const Message message = received(provider, raw);
    CHECK(message.text == "Ist sie gr\xc3\xbcn?\n");
    CHECK(message.from.display_name == "Ana M\xc3\xbcller");
    CHECK(message.provider_message_id == "order-4411@ex.org");
    return message.id;
  };
  const auto first = check(sendgrid, multipart({{"to", "x"}, {"email", raw_mail}, {"envelope", R"({"to":["a@ex.com"],"from":"b@ex.org"})"}}));
  // One mail that comes by two ways is one message.
  CHECK(check(mailgun, urlencoded({{"body-mime", raw_mail}, {"recipient", "a@ex.com"}})) == first);
  CHECK(check(mailgun, multipart({{"body-mime", raw_mail}, {"recipient", "a@ex.com"}})) == first);
  // JSON holds characters, so the provider has made one of the byte that is not UTF-8.
  const Message by_json = received(postmark, json_request("{\"RawEmail\":\"Message-ID: <j@ex.org>\\r\\nFrom: a@ex.org\\r\\n\\r\\nhi\\r\\n\",\"TextBody\":\"other\"}"));
  CHECK(by_json.provider_message_id == "j@ex.org");
  CHECK(by_json.text == "hi\n");
}

TEST_CASE("the envelope comes with a posted mail", "[inbound]") {
  const Message by_sendgrid = received(sendgrid, multipart({{"email", raw_mail}, {"envelope", R"({"to":["Support+Tag@ex.com","<b@ex.com>","no address"],"from":"ana@ex.org"})"}}));
  REQUIRE(by_sendgrid.delivered_to.size() == 2);
  CHECK(by_sendgrid.delivered_to[0].value == "support+tag@ex.com");
  CHECK(by_sendgrid.delivered_to[1].value == "b@ex.com");
  CHECK_FALSE(by_sendgrid.automated);
  const Message by_mailgun = received(mailgun, urlencoded({{"body-mime", raw_mail}, {"recipient", "one@ex.com, two@ex.com"}}));
  CHECK(by_mailgun.delivered_to.size() == 2);
  CHECK(received(postmark, json_request(postmark_pieces)).delivered_to.front().value == "abc@in.ex.com");
}

TEST_CASE("a null envelope sender makes a posted mail a machine's", "[inbound]") {
  const std::string vacation = "From: ana@ex.org\r\nSubject: away\r\n\r\nI am away.\r\n";
  for (const char* sender : {"", "<>"}) {
    CHECK(received(sendgrid, multipart({{"email", vacation}, {"envelope", std::string(R"({"to":["a@ex.com"],"from":")") + sender + "\"}"}})).automated == Automated::auto_reply);
    CHECK(received(mailgun, urlencoded({{"body-mime", vacation}, {"sender", sender}})).automated == Automated::auto_reply);
  }
  CHECK(received(postmark, json_request(R"({"TextBody":"I am away.","From":"ana@ex.org","Subject":"away","Headers":[{"Name":"Return-Path","Value":"<>"}]})")).automated == Automated::auto_reply);
  CHECK(received(postmark, json_request(R"({"RawEmail":"From: ana@ex.org\r\nSubject: away\r\n\r\nI am away.\r\n","Headers":[{"Name":"Return-Path","Value":"<>"}]})")).automated ==
        Automated::auto_reply);
  // Nothing is known of the envelope, or it was seen: then the header has no say.
  CHECK_FALSE(received(sendgrid, multipart({{"email", vacation}})).automated);
  CHECK_FALSE(received(mailgun, urlencoded({{"body-mime", "Return-Path: <>\r\n" + vacation}, {"sender", "ana@ex.org"}})).automated);
}

TEST_CASE("SendGrid's pieces become the mail they were", "[inbound]") {
  const Parsed got = parsed(sendgrid, multipart(sendgrid_pieces()));
  const Message& message = got.messages.front();
  CHECK(message.provider_message_id == "order-4411@ex.org");
  CHECK(message.subject == "Gr\xc3\xb6\xc3\x9f" "e");
  CHECK(message.from.display_name == "Ana M\xc3\xbcller");
  CHECK(message.thread.in_reply_to == std::vector<std::string>{"second@ex.org"});
  CHECK(message.thread.references.size() == 2);
  CHECK(message.text == "Where is it?\n");
  CHECK(message.html_ref);
  CHECK(message.delivered_to.front().value == "support+tag@ex.com");
  REQUIRE(message.attachments.size() == 2);
  CHECK(message.attachments[0].name == "a.png");
  CHECK(message.attachments[0].type == "image/png");
  CHECK(message.attachments[0].inline_part);
  CHECK(message.attachments[1].name == "order.txt");
  CHECK_FALSE(message.attachments[1].inline_part);
  CHECK(got.files[1].bytes == std::string("line one\r\nline two\0three", 23));
  CHECK(message.extra.empty());
}

TEST_CASE("each field of SendGrid's is in its own character set", "[inbound]") {
  std::vector<FormField> fields{{"from", "J\xfcrgen <j@ex.org>"}, {"subject", "\x93\xfa\x96\x7b"}, {"text", "\x1b$BF|K\\\x1b(B"}, {"html", "<p>\xd0\xbf</p>"},
                                {"charsets", R"({"from":"iso-8859-1","subject":"shift_jis","text":"iso-2022-jp","html":"utf-8"})"}};
  const Message message = received(sendgrid, multipart(fields));
  CHECK(message.from.display_name == "J\xc3\xbcrgen");
  CHECK(message.subject == "\xe6\x97\xa5\xe6\x9c\xac");
  CHECK(message.text == "\xe6\x97\xa5\xe6\x9c\xac");
  // Sets that nobody knows, and none at all.
  CHECK(received(sendgrid, multipart(changed(fields, "charsets", R"({"from":"x-nonsense"})"))).from.display_name == "J\xc3\xbcrgen");
  CHECK(received(sendgrid, multipart(changed(fields, "charsets", "{"))).from.display_name == "J\xc3\xbcrgen");
}

TEST_CASE("Mailgun's pieces become the mail they were", "[inbound]") {
  const auto mail = read_inbound(mailgun, multipart(mailgun_pieces()));
  REQUIRE(mail.has_value());
  CHECK(mail->token == "f00d4411");
  const Message message = received(mailgun, multipart(mailgun_pieces()));
  CHECK(message.provider_message_id == "order-4411@ex.org");
  CHECK(message.subject == "Gr\xc3\xb6\xc3\x9f" "e");
  CHECK(message.from.display_name == "Ana M\xc3\xbcller");
  CHECK(message.thread.in_reply_to == std::vector<std::string>{"second@ex.org"});
  CHECK(message.text == "Where is it?\n");
  REQUIRE(message.attachments.size() == 1);
  CHECK(message.attachments[0].name == "f\xc3\xbcr.pdf");
  // The fields that repeat the header serve where the list is missing.
  auto fields = changed(mailgun_pieces(), "message-headers", "");
  fields.push_back({"Message-Id", "<other@ex.org>"});
  CHECK(received(mailgun, multipart(fields)).provider_message_id == "other@ex.org");
}

TEST_CASE("Postmark's pieces become the mail they were", "[inbound]") {
  const Parsed got = parsed(postmark, json_request(postmark_pieces));
  const Message& message = got.messages.front();
  CHECK(message.provider_message_id == "order-4411@ex.org");
  CHECK(message.from.display_name == "Ana \"M\xc3\xbcller\"");
  CHECK(message.subject == "Gr\xc3\xb6\xc3\x9f" "e =?utf-8?Q?x?=");
  CHECK(message.to.front().value == "support+abc@ex.com");
  CHECK(message.reply_to.front().value == "ana@home.ex.org");
  CHECK(message.text == "Where is it?");
  CHECK(message.sent_at);
  REQUIRE(message.attachments.size() == 1);
  CHECK(message.attachments[0].name == "f\xc3\xbcr dich.txt");
  CHECK(message.attachments[0].type == "text/plain");
  CHECK(got.files[0].bytes == "hello");
}

TEST_CASE("a bounce that was taken apart is a bounce again", "[inbound]") {
  const std::string status = "Reporting-MTA: dns; mx.ex.org\r\n\r\nFinal-Recipient: rfc822; zoe@ex.org\r\nAction: failed\r\nStatus: 5.1.1\r\n";
  const Message message = received(sendgrid, multipart({{"headers", "From: mail@ex.org\nSubject: failed\nContent-Type: multipart/report; report-type=delivery-status; boundary=x\n"},
                                                        {"text", "It failed."},
                                                        {"envelope", R"({"to":["support@ex.com"],"from":"mail@ex.org"})"},
                                                        {"attachment1", status, "; filename=\"\"\r\nContent-Type: message/delivery-status"},
                                                        {"attachment2", "Message-ID: <sent@ex.com>\r\n\r\nx", "; filename=\"\"\r\nContent-Type: message/rfc822"}}));
  CHECK(message.automated == Automated::bounce);
  CHECK(message.extra.find("\"zoe@ex.org\"") != std::string::npos);
  CHECK(message.extra.find("sent@ex.com") != std::string::npos);
}

TEST_CASE("nothing in a piece becomes a header or a part", "[inbound]") {
  const std::string evil = "x\r\nBcc: victim@ex.org\r\n\r\n--=_outer\r\nContent-Type: text/plain\r\n\r\nforged\r\n--=_outer--\r\n";
  const std::string in_json = R"(x\r\nBcc: victim@ex.org\r\n\r\n--=_outer\r\nContent-Type: text/plain\r\n\r\nforged\u0000)";
  const auto check = [](InboundProvider provider, const Raw& raw, std::size_t files) {
    const auto mail = read_inbound(provider, raw);
    REQUIRE(mail.has_value());
    const Mail read = read_mail(mail->mime);
    CHECK_FALSE(read.headers.has("bcc"));
    CHECK(read.parts.size() == files + (read.html.empty() ? 1 : 2));
    CHECK(read.files.size() == files);
    for (const auto& file : read.files) CHECK_FALSE(file.type.starts_with("multipart/"));
    CHECK(read.text.find('\0') == std::string::npos);
  };
  check(sendgrid, multipart({{"from", evil}, {"subject", evil}, {"to", evil}, {"text", evil}, {"html", evil}}), 0);
  check(sendgrid, multipart({{"subject", evil}, {"text", "x"},
                             {"attachment-info", R"({"attachment1":{"filename":")" + in_json + R"(","type":"a/b\r\nBcc: x@y.z","content-id":"c\r\nBcc: x@y.z"}})"},
                             {"attachment1", evil}}), 1);
  check(mailgun, multipart({{"message-headers", "[[\"Subject\",\"" + in_json + "\"],[\"X: y\\r\\nBcc\",\"v@ex.org\"],[\"\",\"\"],[\"Content-Type\",\"text/x; boundary=b\"]]"},
                            {"body-plain", "x"},
                            {"attachment-1", evil, "; filename=\"a%0D%0ABcc: x@y.z\"\r\nContent-Type: multipart/mixed; boundary=zz"}}), 1);
  check(postmark, json_request("{\"Subject\":\"" + in_json + "\",\"FromFull\":{\"Name\":\"" + in_json + "\",\"Email\":\"a@ex.org\"},\"To\":\"" + in_json + "\",\"TextBody\":\"" + in_json +
                               "\",\"Headers\":[{\"Name\":\"X-A\",\"Value\":\"" + in_json + "\"}],\"Attachments\":[{\"Name\":\"" + in_json + "\",\"Content\":\"QQ==\",\"ContentType\":\"" + in_json +
                               "\",\"ContentID\":\"" + in_json + "\"}]}"), 1);
}

TEST_CASE("a mail that holds the delimiter of its form names no envelope twice", "[inbound]") {
  // The first field of a name is the provider's where it comes first; what a customer smuggles in behind it is not looked at.
  const auto mail = read_inbound(sendgrid, multipart({{"envelope", R"({"to":["a@ex.com"],"from":"ana@ex.org"})"},
                                                      {"email", "Subject: s\r\n\r\nx\r\n--xYz4411\r\nContent-Disposition: form-data; name=\"envelope\"\r\n\r\n{\"from\":\"\"}"}}));
  REQUIRE(mail.has_value());
  CHECK(mail->arrival.sender == "ana@ex.org");
  CHECK(mail->arrival.recipients == std::vector<std::string>{"a@ex.com"});
}

TEST_CASE("what is over a limit is left out of a posted mail and marked", "[inbound]") {
  std::vector<FormField> fields{{"headers", "From: a@ex.org\n"}, {"text", "see below"}};
  for (int i = 1; i <= 12; ++i) fields.push_back({"attachment" + std::to_string(i), "file " + std::to_string(i), "; filename=\"" + std::to_string(i) + ".txt\""});
  const Message many = received(sendgrid, multipart(fields));
  CHECK(many.attachments.size() == 10);
  CHECK(many.attachments[9].name == "10.txt");
  CHECK(many.extra == R"({"mail":{"cut":true}})");

  const std::string large(11 * 1024 * 1024, 'a');
  fields = {{"headers", "From: a@ex.org\n"}, {"text", "see below"}};
  for (int i = 1; i <= 4; ++i) fields.push_back({"attachment" + std::to_string(i), large, "; filename=\"a.bin\""});
  fields.push_back({"attachment5", "small", "; filename=\"small.txt\""});
  const Parsed got = parsed(sendgrid, multipart(fields));
  CHECK(got.messages.front().text == "see below");
  REQUIRE(got.messages.front().attachments.size() == 1);
  CHECK(got.messages.front().attachments[0].name == "small.txt");
  CHECK(got.messages.front().extra == R"({"mail":{"cut":true}})");

  std::vector<FormField> headers{{"body-plain", "x"}, {"from", "a@ex.org"}};
  for (int i = 0; i < 5'000; ++i) headers.push_back({"X-" + std::to_string(i), "y"});
  CHECK(received(mailgun, urlencoded(headers)).extra == R"({"mail":{"cut":true}})");
  Raw huge = json_request(std::string(80 * 1024 * 1024 + 1, ' '));
  CHECK(read_inbound(postmark, huge).error().fault == Fault::too_large);
}

TEST_CASE("the order in which a provider sends its fields changes no message", "[inbound]") {
  auto fields = sendgrid_pieces();
  const MessageId id = received(sendgrid, multipart(fields)).id;
  std::reverse(fields.begin(), fields.end());
  CHECK(received(sendgrid, multipart(fields)).id == id);
  auto other = mailgun_pieces();
  const MessageId sent = received(mailgun, multipart(other)).id;
  other = changed(changed(other, "token", "another"), "recipient", "second@ex.com");
  CHECK(received(mailgun, multipart(other)).id == sent);
  CHECK(received(mailgun, multipart(changed(other, "body-plain", "forged"))).id != sent);
}

TEST_CASE("a request that is no mail of the provider's is refused", "[inbound]") {
  const auto fault = [](InboundProvider provider, const Raw& raw) {
    const auto mail = read_inbound(provider, raw);
    REQUIRE_FALSE(mail.has_value());
    return mail.error().fault;
  };
  CHECK(fault(sendgrid, json_request("{}")) == Fault::malformed);
  CHECK(fault(sendgrid, multipart({{"other", "x"}})) == Fault::malformed);
  CHECK(fault(mailgun, urlencoded({})) == Fault::malformed);
  CHECK(fault(postmark, json_request("[]")) == Fault::malformed);
  CHECK(fault(postmark, json_request("{\"TextBody\":")) == Fault::malformed);
  CHECK(fault(postmark, json_request("{\"Headers\":7,\"Attachments\":[1],\"From\":{}}")) == Fault::malformed);
  // Half a mail would pass for a whole one; sent again it may be whole.
  Raw half = multipart(sendgrid_pieces());
  half.body.resize(half.body.size() - 10);
  CHECK(fault(sendgrid, half) == Fault::unavailable);
}

TEST_CASE("each provider gets the answer that makes it come again or stop", "[inbound]") {
  CHECK(refusal_status(mailgun, Fault::malformed) == 406);
  CHECK(refusal_status(mailgun, Fault::too_large) == 406);
  CHECK(refusal_status(postmark, Fault::malformed) == 403);
  CHECK(refusal_status(postmark, Fault::too_large) == 403);
  CHECK(refusal_status(sendgrid, Fault::malformed) == 400);
  CHECK(refusal_status(sendgrid, Fault::too_large) == 413);
  CHECK(refusal_status(sendgrid, Fault::unauthorised) == 503);
  CHECK(refusal_status(mailgun, Fault::unauthorised) == 401);
  CHECK(refusal_status(postmark, Fault::unauthorised) == 401);
  for (const auto provider : {sendgrid, mailgun, postmark})
    for (const Fault fault : {Fault::overloaded, Fault::unavailable, Fault::conflict}) CHECK(refusal_status(provider, fault) == 503);
}

TEST_CASE("a provider's checks of the sender come with a mail in either form", "[inbound][sender]") {
  const std::vector<FormField> told{{"envelope", R"({"to":["support@ex.com"],"from":"b@ex.org"})"}, {"SPF", "pass"}, {"dkim", "{@ex.org : pass}"}};
  const auto with = [&](std::vector<FormField> fields) {
    fields.insert(fields.begin(), told.begin(), told.end());
    return received(sendgrid, multipart(fields)).from.verification;
  };
  const Verification verified{Verification::Result::pass, Verification::Method::dkim, "ex.org"};
  CHECK(with({{"email", raw_mail}}) == verified);
  CHECK(with(sendgrid_pieces()) == verified);
  CHECK_FALSE(received(sendgrid, multipart({{"email", raw_mail}})).from.verification);

  const std::string marks = "X-Mailgun-Spf: Neutral\r\nX-Mailgun-Dkim-Check-Result: Pass\r\nDKIM-Signature: v=1; d=ex.org; b=x\r\n";
  CHECK(received(mailgun, urlencoded({{"body-mime", marks + raw_mail}, {"sender", "b@ex.org"}})).from.verification == verified);
  CHECK(received(mailgun, multipart(changed(mailgun_pieces(), "message-headers",
                                            R"([["From","Ana <ana@ex.org>"],["X-Mailgun-Dkim-Check-Result","Pass"],["DKIM-Signature","v=1; d=ex.org; b=x"]])")))
            .from.verification == verified);

  const std::string headers = R"("FromFull":{"Email":"ana@ex.org","Name":"Ana"},"Headers":[{"Name":"X-Spam-Tests","Value":"DKIM_SIGNED,DKIM_VALID,DKIM_VALID_AU"}]})";
  CHECK(received(postmark, json_request(R"({"RawEmail":"From: ana@ex.org\r\n\r\nhi\r\n",)" + headers)).from.verification == verified);
  CHECK(received(postmark, json_request(R"({"TextBody":"hi",)" + headers)).from.verification == verified);
}
