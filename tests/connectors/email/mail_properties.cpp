// Properties: UTF-8 everywhere, every limit of the wire kept, the same answer twice, and nothing of a mail in the structure
// of ours.
#include "tests/connectors/email/mail_properties.hpp"

#include "connectors/email/charset.hpp"
#include "connectors/email/compose_mail.hpp"
#include "connectors/email/email_message.hpp"
#include "connectors/email/mime_reader.hpp"
#include "connectors/signature.hpp"
#include "routing/message/wire.hpp"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define USHER_LOOKS_FOR_LEAKS
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define USHER_LOOKS_FOR_LEAKS
#endif
#ifdef USHER_LOOKS_FOR_LEAKS
#include <sanitizer/lsan_interface.h>
#endif

namespace usher::connectors::email::testing {

namespace {

using usher::message::expect;

#ifdef USHER_LOOKS_FOR_LEAKS
// GMime loses the four types of ours that replace its own, once: made before anything is counted, they hide no leak of ours.
const bool types_are_made = [] {
  __lsan_disable();
  const bool read = read_mail("Subject: x\n\nx").subject == "x";
  __lsan_enable();
  return read;
}();
#endif

void check_sent(std::string_view bytes, bool utf8) {
  std::size_t line = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    expect((utf8 || static_cast<unsigned char>(bytes[i]) < 0x80) && bytes[i] != '\0', "what is sent is ASCII, but for addresses");
    if (bytes[i] == '\n') expect(i > 0 && bytes[i - 1] == '\r', "lines end with CRLF");
    if (bytes[i] == '\r') expect(i + 1 < bytes.size() && bytes[i + 1] == '\n', "no CR stands alone");
    if (bytes[i] == '.') expect(line > 0, "no line begins with a dot");
    line = bytes[i] == '\n' ? 0 : line + 1;
    expect(line <= 998, "no line is too long");
  }
}

void check_answer(const Message& message, const ThreadSecrets& threads) {
  ReplyDraft draft;
  draft.threads = threads;
  draft.mailbox = "support@example.com";
  draft.mailbox_name = message.from.display_name;
  draft.reply = {1, 2};
  draft.thread = message.id;
  draft.author = message.subject;
  draft.text = message.text_new;
  draft.written_at = message.received_at;
  draft.in_reply_to = message;
  for (const auto& file : message.attachments) draft.files.push_back({file.type, file.name, "", "bytes", false});
  const auto sent = compose_mail(draft);
  if (!sent) return;
  check_sent(sent->bytes, sent->needs_smtputf8);
  const Mail back = read_mail(sent->bytes);
  expect(back.message_id == sent->message_id, "our id is read back");
  expect(verify_message_id(threads, back.message_id) == message.id, "our id is ours");
  expect(back.to.size() == 1 && back.from.size() == 1, "a name adds no address");
  expect(back.files.size() == draft.files.size(), "a name adds no part");
  expect(!back.headers.has("bcc") && !back.headers.has("cc"), "a name adds no field");
}

}  // namespace

void check_mail(std::string_view bytes, const MailArrival& arrival, bool twice) {
  static const std::vector<std::string> secrets{"a secret of the tests"};
  const ThreadSecrets threads{TenantId("acme"), secrets};
  const MailDoor door{TenantId("acme"), ConnectorId("support-mail"), threads, {}, "mx.ex.com"};
  const Instant now{Milliseconds{1795287483120}};
  const Parsed parsed = to_message(door, bytes, now, arrival);
  expect(parsed.messages.size() == 1, "a mail is one message");
  const Message& message = parsed.messages.front();
  expect(message.from.verification.has_value(), "with a server that is believed something is said of each sender");
  const std::string line = usher::message::encode(message);
  expect(is_utf8(line), "a record is UTF-8");
  const auto carried = usher::message::decode_message(line);
  if (!carried) std::fprintf(stderr, "%s\n", carried.error().detail.c_str());
  expect(carried.has_value(), "a record is read again");
  expect(*carried == message, "a record says what was written");
  if (twice) expect(to_message(door, bytes, now, arrival).messages.front() == message, "a mail reads the same twice");
  for (const auto& file : parsed.files) expect(sha256_hex(file.bytes) == file.sha256, "a file is named by its bytes");
  check_answer(message, threads);
}

}  // namespace usher::connectors::email::testing
