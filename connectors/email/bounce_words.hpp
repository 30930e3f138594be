// What servers say of a mail that they did not deliver, by language, and where they set apart what they return. Lists only:
// what they prove, and of whom, is decided in bounce_forms. Pure: any thread.
#pragma once

#include <string>
#include <string_view>

namespace usher::connectors::email {

// As the lists below have it: folded, with one kind of apostrophe.
[[nodiscard]] std::string bounce_folded(std::string_view text);

// Requires for each: bounce_folded().
[[nodiscard]] bool is_bounce_subject(std::string_view subject);
[[nodiscard]] bool says_not_delivered(std::string_view text);
[[nodiscard]] bool says_delayed(std::string_view text);
// What stands behind a code of SMTP at the beginning of a line.
[[nodiscard]] bool says_refused(std::string_view answer);
// A line from which on the mail that was not delivered is returned.
[[nodiscard]] bool begins_returned_mail(std::string_view line);

}  // namespace usher::connectors::email
