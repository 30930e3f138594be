// Fuzz target: the small forms within a mail, each on its own, where a fuzzer gets deeper than through a whole mail.
// The first byte chooses the form. Built and run by ./run.
#include <cstdint>

#include "connectors/email/charset.hpp"
#include "connectors/email/delivery_report.hpp"
#include "connectors/email/email_limits.hpp"
#include "connectors/email/encoded_words.hpp"
#include "connectors/email/flowed_text.hpp"
#include "connectors/email/header_block.hpp"
#include "connectors/email/header_text.hpp"
#include "connectors/email/html_text.hpp"
#include "connectors/email/mail_body.hpp"
#include "connectors/email/markdown.hpp"
#include "connectors/email/mime_reader.hpp"
#include "connectors/email/reply_text.hpp"
#include "connectors/email/sender_check.hpp"
#include "connectors/email/thread_key.hpp"
#include "routing/message/result.hpp"

using namespace usher::connectors::email;
using usher::message::expect;

namespace {

void check_addresses(const std::string& text) {
  for (const auto& mailbox : read_mailboxes(text)) {
    expect(is_utf8(mailbox.name) && is_utf8(mailbox.address), "addresses are UTF-8");
    // What the parser takes for an address may still be none that we write to; a field made of it holds that one only.
    const auto field = HeaderText::mailbox(mailbox.name, mailbox.address);
    if (field) expect(read_mailboxes(field->text()).size() == 1, "a mailbox is one mailbox");
  }
}

void check_words(const std::string& text) {
  expect(is_utf8(decode_words(text)), "words are UTF-8");
  const std::string field = header_field("Subject", HeaderText::words(text));
  expect(read_header_block(field + "\r\n").headers.fields.size() == 1, "a subject is one field");
  const std::string name = HeaderText::file_parameter(text).text();
  expect(is_ascii(name), "a file name is sent as ASCII");
}

void check_ids(const std::string& text) {
  static const std::vector<std::string> secrets{"one", "two"};
  const ThreadSecrets threads{TenantId("acme"), secrets};
  for (const auto& id : read_ids(text)) expect(!id.empty() && !verify_message_id(threads, id), "no id is ours by chance");
  expect(!verify_reply_address(threads, text) && !verify_envelope_sender(threads, text, from_unix_ms(0)), "no address is ours by chance");
  (void)read_date(text);
  (void)first_address(text);
  (void)first_status(text);
  for (const std::string_view server : {"mx.ex.com", "-"})
    if (const auto checks = authentication_results({{{"authentication-results", text}}}, server)) expect(checks->size() <= usher::connectors::email::limits::sender_checks_max, "checks are limited");
  expect(sendgrid_checks("pass", text, text).size() <= usher::connectors::email::limits::sender_checks_max, "checks are limited");
  (void)postmark_checks({{{"Received-SPF", text}, {"X-Spam-Tests", text}}}, text);
  (void)mailgun_checks({{{"DKIM-Signature", text}, {"X-Mailgun-Dkim-Check-Result", text}}}, text);
}

void check_texts(const std::string& text) {
  const std::string valid = to_utf8(text, "utf-8");
  expect(is_utf8(html_to_text(valid)), "the text of HTML is UTF-8");
  expect(new_text(valid).size() <= valid.size() + 1, "nothing is added to a reply");
  expect(is_utf8(new_text(valid)), "the new text is UTF-8");
  (void)unflow(valid, true);
  expect(markdown_to_html(valid).find("<script") == std::string::npos, "no script comes out of Markdown");
  expect(is_ascii(quoted_printable(text)), "quoted-printable is ASCII");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 5) {
    case 0: check_addresses(to_utf8(text, "utf-8")); break;
    case 1: check_words(to_utf8(text, "utf-8")); break;
    case 2: check_ids(to_utf8(text, "utf-8")); break;
    case 3: check_texts(text); break;
    default: expect(is_utf8(to_utf8(text.substr(text.find('\n') + 1), text.substr(0, text.find('\n')))), "any set gives UTF-8");
  }
  return 0;
}
