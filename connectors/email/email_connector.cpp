// Email: a mail as a message, and a reply as a mail in its thread. No mail is refused: what cannot be read comes in raw and
// marked. Mail enters by the mailbox's reader or by a provider's webhook; both hand over what they have as Raw.
//
// Journey: mailbox or POST /v1/webhooks/NAME -> ingress -> [parse] -> journal; egress -> [render] -> submission server.
#include "connectors/catalog.hpp"
#include "connectors/email/compose_mail.hpp"
#include "connectors/email/email_account.hpp"
#include "connectors/email/email_message.hpp"
#include "connectors/email/inbound_webhook.hpp"

namespace usher::connectors {

namespace {

Result<void> check(const Instance& instance) {
  auto account = email::account_of(instance);
  if (!account) return account.error();
  return {};
}

// A mailbox was reached with its own password; nobody else hands over its mail.
Result<void> verify(const Instance& instance, const Raw& raw, Instant now) {
  auto account = email::account_of(instance);
  if (!account) return account.error();
  if (account->posted_by) return email::verify_inbound(*account->posted_by, account->proof, raw, now);
  return {};
}

Result<Parsed> parse(const Instance& instance, const Raw& raw) {
  auto account = email::account_of(instance);
  if (!account) return account.error();
  const email::MailDoor door{instance.tenant, instance.id, {instance.tenant, account->secrets}, {account->address, account->aliases}, account->authserv_id};
  if (!account->posted_by) return email::to_message(door, raw.body, raw.received_at, {.sender = {}, .recipients = {}, .cut = raw.cut, .deadly = raw.deadly});
  auto posted = email::read_inbound(*account->posted_by, raw);
  if (!posted) return posted.error();
  if (!account->believes_provider) posted->arrival.checks.reset();
  auto parsed = email::to_message(door, posted->mime, raw.received_at, posted->arrival);
  parsed.token = std::move(posted->token);
  return parsed;
}

Result<Rendered> render(const Instance& instance, const Outbound& outbound, Instant now) {
  auto account = email::account_of(instance);
  if (!account) return account.error();
  if (!account->smtp) return fail(Fault::malformed, "smtp_url: is missing, so no reply can be sent");
  email::ReplyDraft draft;
  draft.threads = {instance.tenant, account->secrets};
  draft.mailbox = account->address;
  draft.aliases = account->aliases;
  draft.mailbox_name = account->name;
  draft.reply = outbound.reply;
  draft.thread = email::thread_token(outbound.conversation);
  draft.author = outbound.author;
  draft.text = outbound.text;
  draft.written_at = outbound.written_at;
  draft.now = now;
  draft.in_reply_to = outbound.in_reply_to;
  for (const File& file : outbound.files) draft.files.push_back({file.type, file.name, {}, file.bytes, false});
  auto mail = email::compose_mail(draft);
  if (!mail) return mail.error();
  MailPost post{std::move(*account->smtp), std::move(mail->message_id), std::move(mail->envelope_from), std::move(mail->recipient),
                std::move(mail->bytes), mail->needs_smtputf8};
  if (!account->sent_folder.empty()) {
    post.sent_copy = std::move(*account->imap);
    post.sent_copy->folder = account->sent_folder;
  }
  return Rendered{std::move(post)};
}

}  // namespace

const Connector email_connector{
    .type = "email",
    .channel = "email",
    .about = "A mailbox: mail in by IMAP or a provider's webhook, replies out by SMTP, in their threads.",
    .keys = email::email_keys(),
    .files_out = FilesOut::inside,
    .check = check,
    .verify = verify,
    .parse = parse,
    .render = render,
};

}  // namespace usher::connectors
