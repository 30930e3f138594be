// Connector: the contract of a channel, entry by entry. A connector is one folder under connectors/, one constant
// `extern const Connector NAME`, and one line in connectors/catalog.hpp. The shared ingress and egress do all I/O; a
// connector only says what bytes mean.
//
// Life cycle: check() once at start and at each reload; then, per input, verify() and parse(); per reply, render().
// Every function is pure and reentrant: it may run on any thread, keeps nothing, does no I/O, reads no clock.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "config/key.hpp"
#include "connectors/email/mail_account.hpp"
#include "routing/message/message.hpp"
#include "routing/message/record.hpp"
#include "routing/message/result.hpp"

namespace usher::connectors {

using namespace usher::message;

// One configured connector: `connectors: NAME: {type: TYPE, ...}`.
struct Instance {
  ConnectorId id;
  TenantId tenant;
  std::string type;
  config::Options options;  // Checked against Connector::keys; defaults filled in.
};

// An input as it came from the channel.
struct Raw {
  std::string content_type;                    // With its parameters; may be empty (normalize): then parse() looks.
  std::map<std::string, std::string> headers;  // Names in lower case.
  std::string body;
  Instant received_at;
  std::string remote = {};  // The sender's network address, where the edge knows it; part of a form's content key.
  bool cut = false;         // Its end was left out on the way here, for a limit.
  bool deadly = false;      // Reading it ended the process before: parse() takes it as it is.
  bool in_thread = false;   // An answer at a private link: its sender has written before. Set by ingress.
};

// A file that came with an input; ingress stores it as a blob before the append (rule J1).
struct File {
  std::string name;
  std::string type;
  std::string bytes;
  std::string sha256;  // Of `bytes`, lower-case hexadecimal; the Attachment in the message names it.
};

// Messages with ids set, received_at = Raw::received_at, labels and language left empty: triage adds them.
struct Parsed {
  std::vector<Message> messages;
  std::vector<File> files;
  // What the input says of replies that went out before, as attempt 0. Appended before the messages.
  std::vector<DeliveryReported> reports = {};
  // Not empty: the sender named no key, so equal content is a repeat for limits of repeat_window.hpp (rule I1). Requires
  // exactly one message; ingress gives it the id of the first with this content_key.
  std::string content_key = {};
  // Not empty: what proved the input is good for this one message, however often that comes.
  std::string token = {};
};

// A reply to be sent, as egress hands it to render().
struct Outbound {
  MessageId reply;
  ConversationId conversation;
  int attempt = 1;
  std::string author;        // Display name of the agent.
  std::string text;
  Instant written_at;
  Message in_reply_to;       // The customer's message that the reply's route is pinned to.
  std::vector<Attachment> attachments = {};
  std::vector<File> files = {};    // Their bytes, in the same order; empty unless the connector's files_out is `inside`.
  std::string public_url = {};     // Where this installation is reached, without a slash at its end; "" where nobody says.
};

// What becomes of the files of a reply.
enum class FilesOut {
  none,    // The channel has no way for them: the desk refuses such a reply.
  inside,  // They travel in what is sent.
  links,   // Whoever gets the reply fetches them here.
};

// How egress carries a rendered reply.
struct HttpPost {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};
// The customer fetches it (private link, polled outbox): `sent` as soon as it is in the outbound stream.
struct Kept {
  std::string json;
};
// A mail for a submission server. The same Message-ID at every attempt (rule E5).
struct MailPost {
  email::SmtpAccount account;
  std::string message_id;      // Without angle brackets.
  std::string envelope_from;   // "": the null path, which nobody answers.
  std::string recipient;
  std::string bytes;           // Lines end with CRLF, no dot is doubled yet.
  bool needs_smtputf8 = false;
  // Where a copy of what was sent is kept; none: nowhere.
  std::optional<email::ImapAccount> sent_copy = {};
};
using Rendered = std::variant<HttpPost, MailPost, Kept>;

struct Connector {
  std::string_view type;     // The folder's name and the configuration's `type`.
  std::string_view channel;  // Message::channel, and the key of agents' capacity.
  std::string_view about;    // One sentence for `usherctl connectors list` and the docs.
  std::span<const config::Key> keys;
  FilesOut files_out = FilesOut::none;

  // What cannot be said by `keys`: combinations. Detail: all that is wrong, one line each (findings.hpp), which begins with its key.
  Result<void> (*check)(const Instance& instance);
  // Is this from whom it claims? Runs on the raw bytes before anything else looks at them. `now` for signed times.
  Result<void> (*verify)(const Instance& instance, const Raw& raw, Instant now);
  // Bytes to messages. malformed / too_large with a sentence for the sender.
  Result<Parsed> (*parse)(const Instance& instance, const Raw& raw);
  // A reply to what is sent. `now` for signatures.
  Result<Rendered> (*render)(const Instance& instance, const Outbound& outbound, Instant now);
};

// Rule I1: the id any edge gives to this provider message. SHA-256 of the three, length-prefixed, first 128 bits.
[[nodiscard]] MessageId message_id(const TenantId& tenant, const ConnectorId& connector, std::string_view provider_id);

}  // namespace usher::connectors
