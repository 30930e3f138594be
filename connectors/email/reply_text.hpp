// What a mail says that its thread did not say before: without quoted mails, attributions and signatures. The whole text
// is kept beside it, so a doubtful line stays out of `text_new` at worst, and never out of the message. Pure: any thread.
#pragma once

#include <string>
#include <string_view>

namespace usher::connectors::email {

// Lines in, lines out. "" only when every line is quoted under an attribution, or there is none. Requires: UTF-8, LF.
[[nodiscard]] std::string new_text(std::string_view text);

}  // namespace usher::connectors::email
