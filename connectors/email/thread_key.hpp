// What in a mail proves which conversation it continues: a Message-ID of ours that it answers, or the plus-address it was
// sent to. All carry the conversation's id and an HMAC over it, so nobody joins a conversation by guessing, and a subject
// alone never does (rule I5). Pure: any thread.
//
//   word       = ID "." MAC              base32 in lower case: 26 and 16 digits, for relays that fold case
//   Message-ID = "<u1." REPLY "." ID "." MAC "@" DOMAIN ">"    ID: of the conversation, as a message's id is written
//   address    = LOCAL "+" ID "." MAC "@" DOMAIN               where customers answer: without an end
//   sender     = LOCAL "+" ID DAY "." MAC "@" DOMAIN           on the envelope, where bounces go: it ends; MAC of 13 digits
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "connectors/email/mail.hpp"
#include "routing/message/instant.hpp"
#include "routing/message/message.hpp"

namespace usher::connectors::email {

// Secrets of one tenant's mail, the newest first: the first one signs, each is believed.
struct ThreadSecrets {
  TenantId tenant;
  std::span<const std::string> secrets;
};

// A conversation in the place of a message's id, for Message::thread.token.
[[nodiscard]] inline MessageId thread_token(ConversationId conversation) { return {conversation.high, conversation.low}; }

// Requires of both: there is a secret.
// The same reply has the same Message-ID at every attempt, so a server can tell a repeat (rule E5).
[[nodiscard]] std::string mint_message_id(const ThreadSecrets& secrets, MessageId reply, MessageId thread, std::string_view domain);
// `base` is the mailbox's own address. "" when the result would be no address (RFC 5321 4.5.3.1.1: 64 bytes before the @).
[[nodiscard]] std::string mint_reply_address(const ThreadSecrets& secrets, MessageId thread, std::string_view base);
// The same of a mail that is sent at `now`; believed until limits::envelope_days later.
[[nodiscard]] std::string mint_envelope_sender(const ThreadSecrets& secrets, MessageId thread, std::string_view base, Instant now);

// The address without what the two above put into it; any other address is as it was. Not a proof of anything.
[[nodiscard]] std::string without_reply_tag(std::string_view address);

// What an id (without angle brackets) or an address of ours names; none when it is not ours, or was changed.
[[nodiscard]] std::optional<MessageId> verify_message_id(const ThreadSecrets& secrets, std::string_view id);
[[nodiscard]] std::optional<MessageId> verify_reply_address(const ThreadSecrets& secrets, std::string_view address);
// None as well when its time is over at `received_at`.
[[nodiscard]] std::optional<MessageId> verify_envelope_sender(const ThreadSecrets& secrets, std::string_view address, Instant received_at);

// Which reply of ours has this id.
[[nodiscard]] std::optional<MessageId> verify_reply(const ThreadSecrets& secrets, std::string_view id);

// The thread of a mail: In-Reply-To, then References from the newest, then its addresses.
[[nodiscard]] std::optional<MessageId> find_thread(const ThreadSecrets& secrets, const Mail& mail, Instant received_at);

}  // namespace usher::connectors::email
