// The bytes of a mail as a Mail, by GMime; no other file knows GLib. The header is read by hand (header_block.hpp), GMime
// takes the body apart. Always gives something: what is over a limit or no mail comes back marked `unparsed`, with the raw
// beginning as its text. Pure: any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/email/mail.hpp"

namespace usher::connectors::email {

// What `arrival` says goes before what the header claims of the same.
[[nodiscard]] Mail read_mail(std::string_view bytes, const MailArrival& arrival = {});

// An address field; groups give their members. What is no address is left out.
[[nodiscard]] std::vector<Mailbox> read_mailboxes(const std::string& value);
// RFC 5322 dates and the forms real programs write.
[[nodiscard]] std::optional<Instant> read_date(const std::string& value);

}  // namespace usher::connectors::email
