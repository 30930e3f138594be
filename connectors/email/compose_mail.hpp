// A reply as a mail, ready for the envelope: plain text and HTML of what the agent wrote, the customer's mail quoted below,
// the thread's headers, and a Message-ID that is the same at every attempt (rule E5). Lines end with CRLF, none is longer
// than 998 bytes, and bodies are 7-bit text, so nothing in them can end the mail early. Pure: any thread.
#pragma once

#include <string>
#include <vector>

#include "connectors/connector.hpp"
#include "connectors/email/mail.hpp"
#include "connectors/email/thread_key.hpp"

namespace usher::connectors::email {

struct ReplyDraft {
  ThreadSecrets threads;
  std::string mailbox;       // The address that customers write to.
  std::vector<std::string> aliases = {};  // Other addresses of ours: no reply goes to them.
  std::string mailbox_name;  // "Example Support"; may be empty.
  MessageId reply;
  MessageId thread;          // thread_token() of the conversation.
  std::string author;        // Name of the agent; "" for none.
  std::string text;          // CommonMark.
  Instant written_at;
  Instant now;               // Of this attempt: the envelope's sender counts its days from it. Nothing in the bytes does.
  Message in_reply_to;       // The customer's message that the reply answers.
  std::vector<MailFile> files;
  bool automatic = false;    // Not written by a person: an acknowledgement.
};

struct ComposedMail {
  std::string message_id;      // Without angle brackets.
  // Tagged, so that a bounce names the conversation whatever it returns; "" for an automatic one: nobody answers those.
  std::string envelope_from;
  std::string recipient;
  std::string bytes;
  bool needs_smtputf8 = false; // An address is not ASCII.
};

// malformed: the customer's message has no address to answer but ours, or a mailbox is no address.
[[nodiscard]] Result<ComposedMail> compose_mail(const ReplyDraft& draft);

}  // namespace usher::connectors::email
