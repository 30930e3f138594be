// What a text of a customer must be before anything else looks at it: UTF-8 without NUL, within its limit, and on one
// line where lines would be an injection (security checklist: form fields). Whatever passes arrives unchanged.
// Details name the field, never the text. Pure: any thread.
#pragma once

#include <string>
#include <string_view>

#include "routing/message/message.hpp"
#include "routing/message/result.hpp"

namespace usher::connectors {

using namespace usher::message;

// Any text, up to `bytes_max`.
[[nodiscard]] Result<void> check_text(std::string_view field, std::string_view text, std::size_t bytes_max);
// A name, subject, address or id: within limits::short_field_bytes_max and without CR and LF.
[[nodiscard]] Result<void> check_line(std::string_view field, std::string_view text);

// Kind "email" with the domain in lower case when it looks like an address, else kind "form" as it stands.
[[nodiscard]] Identity email_identity(std::string_view text);
// Kind "phone" as +digits when it plausibly is E.164, else kind "form" as it stands.
[[nodiscard]] Identity phone_identity(std::string_view text);

}  // namespace usher::connectors
