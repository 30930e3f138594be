// Address and date fields that only look like what RFC 5322 says, made into what it says: what stands in a From that breaks
// the grammar is still who wrote, and an answer must find them. Pure: any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "connectors/email/mail.hpp"

namespace usher::connectors::email {

// A list set apart by semicolons, as Outlook writes it, set apart by commas. Fields with groups come back as they are.
[[nodiscard]] std::string mended_list(std::string_view value);
// Addresses of a field that breaks the grammar: of each of its pieces what stands in angle brackets, or the word with an @.
[[nodiscard]] std::vector<Mailbox> loose_mailboxes(std::string_view value);
// A date as RFC 5322 writes it: of one of ISO 8601, of one with the minutes of its zone behind a colon, of one with the name of a zone
// that the standard does not have.
[[nodiscard]] std::string mended_date(std::string_view value);

}  // namespace usher::connectors::email
