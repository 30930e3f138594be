// Subjects of answering machines, by language. Only what a program writes in front of the subject it answers to, or alone:
// "Out of office chairs" is a customer's. Pure: any thread.
#pragma once

#include <string_view>

namespace usher::connectors::email {

// Requires for both: `subject` folded.
[[nodiscard]] bool is_auto_reply_subject(std::string_view subject);
// Says that somebody is away: a machine's only where something else shows that it answers, since people write it of themselves.
[[nodiscard]] bool is_absence_subject(std::string_view subject);

}  // namespace usher::connectors::email
