// Subjects of answering machines, by language. Only what a program writes in front of the subject it answers to, or alone:
// "Out of office chairs" is a customer's. Pure: any thread.
#pragma once

#include <string_view>

namespace usher::connectors::email {

// Requires: `subject` folded.
[[nodiscard]] bool is_auto_reply_subject(std::string_view subject);

}  // namespace usher::connectors::email
