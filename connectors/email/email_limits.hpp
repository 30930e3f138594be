// What a mail may cost (security checklist: MIME bombs). Over one of these it is delivered raw and marked, or cut and
// marked; it is never dropped.
#pragma once

#include <cstddef>

#include "routing/message/limits.hpp"

namespace usher::connectors::email::limits {

inline constexpr std::size_t mail_bytes_max = 40 * 1024 * 1024;     // Of a whole mail, as it came.
inline constexpr std::size_t header_block_bytes_max = 1024 * 1024;  // Of the mail's own header.
inline constexpr std::size_t header_fields_max = 2'000;
inline constexpr std::size_t header_value_bytes_max = 64 * 1024;    // What is longer is cut.
inline constexpr std::size_t parts_max = 1'000;
inline constexpr std::size_t depth_max = 30;
// What GMime allocates for is counted before it runs.
inline constexpr std::size_t boundary_words_max = 400;      // "boundary=": bounds how deep multiparts can nest.
inline constexpr std::size_t delimiter_lines_max = 50'000;  // Lines that begin with "--".
inline constexpr std::size_t field_lines_max = 500'000;     // Lines that could be a part's header fields.
inline constexpr std::size_t field_parameters_max = 1'000;  // Semicolons in one of them.
inline constexpr std::size_t mailboxes_max = 256;           // In one address field.
inline constexpr std::size_t sender_checks_max = 100;       // Results of checks of the sender.
inline constexpr std::size_t thread_ids_max = 100;          // References and In-Reply-To, each.
inline constexpr std::size_t html_bytes_max = 4 * 1024 * 1024;  // What is read of HTML for its text.
inline constexpr std::size_t text_bytes_max = usher::message::limits::message_text_bytes_max;
inline constexpr std::size_t text_kept_bytes = 16 * 1024;            // Of a text that has to be cut to fit one record, at least.
inline constexpr std::size_t record_bytes_for_intake = 32 * 1024;    // Of a record, for what is added after the mail was read.
inline constexpr int envelope_days = 14;  // So long a bounce is believed by its recipient alone: queues give up within five.
inline constexpr std::size_t report_part_bytes_max = 256 * 1024;
inline constexpr std::size_t raw_text_bytes_max = 64 * 1024;  // Of an unparsed mail, what is shown.

// Mail that a provider posts. Postmark posts 35 MB twice, parsed and raw, when asked for the raw mail.
inline constexpr std::size_t webhook_body_bytes_max = 80 * 1024 * 1024;
inline constexpr std::size_t posted_fields_max = 4'000;           // Mailgun adds a field for each of the mail's header.
inline constexpr std::size_t posted_header_bytes_max = 16 * 1024;  // Of one field.
inline constexpr std::size_t seen_tokens_max = 65'536;
static_assert(posted_fields_max > header_fields_max + parts_max);
static_assert(webhook_body_bytes_max >= 2 * mail_bytes_max);
static_assert(3 * webhook_body_bytes_max <= usher::message::limits::http_bodies_bytes_max, "one large mail does not refuse the next");

static_assert(header_value_bytes_max < header_block_bytes_max && header_block_bytes_max < mail_bytes_max);
static_assert(raw_text_bytes_max < text_bytes_max && text_bytes_max < html_bytes_max);
static_assert(depth_max < boundary_words_max, "the walk's own limit is what a mail meets first");

}  // namespace usher::connectors::email::limits
