// Reports by the book: delivery status (RFC 3464), feedback (RFC 5965), and what they return of the original mail. Also
// where the fields of such a report stand in the text, because a gateway took the mail apart. Pure: any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "connectors/email/mail.hpp"
#include "connectors/email/mail_kind.hpp"

namespace usher::connectors::email {

inline constexpr std::size_t reported_recipients_max = 256;

[[nodiscard]] bool has_delivery_report(const Mail& mail);
[[nodiscard]] std::vector<ReportedRecipient> reported_recipients(const Mail& mail);
// Those who complained, as far as the report says.
[[nodiscard]] std::vector<ReportedRecipient> complained_recipients(const Mail& mail);
// Who the returned mail was to, by its own To; `text` is where it stands when it is no part.
[[nodiscard]] std::vector<std::string> returned_recipients(const Mail& mail, std::string_view text);
// Ids of the mail that the report is about, the surest first: of the returned mail, then of the report's own thread.
[[nodiscard]] std::vector<std::string> original_ids(const Mail& mail);

// The first thing in `text` that is an address, in lower case, without brackets and quotes; "" when there is none.
[[nodiscard]] std::string first_address(std::string_view text);
// "5.1.1" or "4.4.7" in `text`, "" when there is none.
[[nodiscard]] std::string first_status(std::string_view text);

}  // namespace usher::connectors::email
