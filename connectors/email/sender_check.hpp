// Is a mail from whom its From field names? Not checked here: the server or the provider that took the mail did, by SPF, DKIM
// and DMARC, and wrote down what it found. This reads what it wrote (RFC 8601), and believes only what a sender cannot have
// written: the fields of the name that the operator configured, the topmost of them, and of a provider what it says itself.
// Pure: any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/email/mail.hpp"
#include "routing/message/message.hpp"

namespace usher::connectors::email {

// Stands for a server that writes its results without a name, as Exchange Online does.
inline constexpr std::string_view nameless_server = "-";

// What the fields of that server say, in order; none when there is no such field. Fields of other names, and those below where a
// sender may write, never count.
[[nodiscard]] std::optional<std::vector<SenderCheck>> authentication_results(const HeaderList& headers, std::string_view authserv_id);

// What follows for the author of the mail; none when nobody looked. Results for other domains than that of its one From
// address prove nothing of it.
[[nodiscard]] std::optional<Verification> verify_sender(const Mail& mail, std::string_view authserv_id, const MailArrival& arrival);

// What providers say, in their own forms. `sender`: the envelope's, when it is known.
[[nodiscard]] std::vector<SenderCheck> sendgrid_checks(std::string_view spf, std::string_view dkim, const std::optional<std::string>& sender);
[[nodiscard]] std::vector<SenderCheck> mailgun_checks(const HeaderList& headers, const std::optional<std::string>& sender);
// `author`: the From address, as Postmark tells it.
[[nodiscard]] std::vector<SenderCheck> postmark_checks(const HeaderList& headers, std::string_view author);

}  // namespace usher::connectors::email
