// Mail: a mail taken apart, before anything is decided about it. Plain values: text is UTF-8, bytes are decoded, ids are
// without their angle brackets. read_mail() makes it; classify_mail(), split_reply() and to_message() go on from here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "routing/message/instant.hpp"
#include "routing/message/message.hpp"

namespace usher::connectors::email {

using namespace usher::message;

// `address` in lower case, as it identifies a customer; `name` may be empty.
struct Mailbox {
  std::string name;
  std::string address;
  friend bool operator==(const Mailbox&, const Mailbox&) = default;
};

struct HeaderField {
  std::string name;   // Lower case.
  std::string value;  // Unfolded, trimmed, UTF-8; encoded words are still encoded.
};

struct HeaderList {
  std::vector<HeaderField> fields;
  bool cut = false;  // Over a limit of email_limits.hpp: the rest was left out.

  // The first field of that name, "" when there is none. Requires: `name` in lower case.
  [[nodiscard]] std::string_view value(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const;
};

// A leaf that is not the text itself.
struct MailFile {
  std::string type;
  std::string name;         // "" when the sender gave none.
  std::string content_id;   // Without angle brackets.
  std::string bytes;
  bool inline_part = false; // Shown within the text rather than offered beside it.
};

// A machine-readable part of a report (RFC 6522), or what it returns of the original.
struct ReportPart {
  std::string type;  // "message/delivery-status", "message/rfc822", ...
  std::string text;  // As it stands.
};

// One result of a check of the sender, as the server or provider that took the mail found it.
struct SenderCheck {
  Verification::Method method = Verification::Method::dmarc;
  std::string result;  // Lower case: "pass", "fail", "none", ...
  std::string domain;  // Of which it says so, in lower case; "" when it does not say.
  friend bool operator==(const SenderCheck&, const SenderCheck&) = default;
};

// What is known of a mail beside its bytes: what the server that took it says of the envelope. A mailbox that is read over
// IMAP says nothing.
struct MailArrival {
  std::optional<std::string> sender;    // MAIL FROM; the null path: "". None: not known.
  std::vector<std::string> recipients;  // RCPT TO.
  bool cut = false;                     // Something was left out before these bytes were made.
  bool deadly = false;                  // Reading it ended the process before: it is shown raw.
  // What the provider says of its sender; none: nothing that is believed.
  std::optional<std::vector<SenderCheck>> checks = {};
};

struct Mail {
  HeaderList headers;
  std::string subject;
  std::string message_id;  // "" when there is none.
  std::vector<std::string> in_reply_to, references;
  std::vector<Mailbox> from, to, cc, reply_to;
  std::vector<std::string> delivered_to;  // Addresses, in lower case.
  // Without a Return-Path: none. The null path `<>`: "".
  std::optional<std::string> return_path;
  std::optional<Instant> date;
  std::string type;  // The mail's own media type, lower case.
  std::string text;  // Its plain text, or what its HTML says.
  std::string html;  // As sent, in UTF-8; never shown unless sanitised.
  std::vector<std::string> parts;  // Media types of the leaves in order.
  std::vector<MailFile> files;
  std::vector<ReportPart> report;
  bool unparsed = false;  // Over a limit or no mail at all: `text` holds the raw beginning.
  bool cut = false;       // Something was left out for a limit; the raw mail has it.
};

}  // namespace usher::connectors::email
