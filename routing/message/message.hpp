// Message: what every connector makes of its channel's own form, and the only form the rest of Usher knows.
// The wire form is the JSON of docs/message-format.md; unknown fields of it are kept in `extra`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "routing/message/ids.hpp"
#include "routing/message/instant.hpp"

namespace usher::message {

// Who somebody is on one channel. `kind`: email, phone, sip, whatsapp, ..., form, or a connector's own.
struct Identity {
  std::string kind;
  std::string value;
  bool verified = false;
  friend bool operator==(const Identity&, const Identity&) = default;
};

// What is known of whether the sender is who the message says. Two machines that look at the same proof may differ in what
// they can check, so the edge says what it found; nothing is repeated later.
struct Verification {
  enum class Result { pass, fail, unknown };
  enum class Method { dmarc, dkim, spf };
  Result result = Result::unknown;
  std::optional<Method> method;  // What decided it.
  std::string domain;            // The domain that was proved, or was not; "" when none was looked at.
  friend bool operator==(const Verification&, const Verification&) = default;
};

struct Sender {
  std::vector<Identity> identities;
  std::string display_name;
  std::optional<Verification> verification = {};  // None: nobody looked.
  friend bool operator==(const Sender&, const Sender&) = default;
};

// What says which conversation a message continues.
struct Thread {
  std::vector<std::string> in_reply_to;
  std::vector<std::string> references;
  // Verified by the edge (a signed link or address): the id of a message of the conversation.
  std::optional<MessageId> token;
  // The channel's own conversation key, unique within one connector.
  std::optional<std::string> key;
  friend bool operator==(const Thread&, const Thread&) = default;
};

struct Attachment {
  std::string name;
  std::string type;
  std::uint64_t size = 0;
  std::string sha256;  // 64 lower-case hexadecimal digits: the blob's name.
  bool inline_part = false;
  friend bool operator==(const Attachment&, const Attachment&) = default;
};

enum class Automated { auto_reply, bounce, delivery_report, feedback_report, bulk };

struct Message {
  MessageId id;  // Hash of (tenant, connector, provider id): rules I1, I2. Any edge computes the same.
  TenantId tenant;
  ConnectorId connector;
  std::string channel;
  std::string provider_message_id;
  Thread thread;
  Sender from;
  std::vector<Identity> to, cc, reply_to, delivered_to;
  std::optional<Instant> sent_at;
  Instant received_at;
  std::string subject;
  std::string text;
  std::string text_new;
  std::optional<std::string> html_ref;
  std::vector<Attachment> attachments;
  std::vector<std::string> parts;
  std::optional<Automated> automated;
  std::optional<std::string> language;  // BCP 47, lower case.
  std::vector<std::string> labels;      // Sorted, unique.
  std::optional<std::string> raw_ref;
  // Unknown members of the JSON object, as one JSON object text; empty when there were none.
  std::string extra;
  friend bool operator==(const Message&, const Message&) = default;
};

}  // namespace usher::message
