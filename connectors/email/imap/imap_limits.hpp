// What a server may cost, and how long each step may take. Over a limit the connection is dropped with a sentence; the
// mailbox is opened again after a pause.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "connectors/email/email_limits.hpp"
#include "routing/message/limits.hpp"

namespace usher::connectors::email::imap::limits {

using namespace std::chrono_literals;

// What a server says.
inline constexpr std::size_t mail_bytes_max = email::limits::mail_bytes_max;  // Of a larger one the beginning is taken.
// A server's idea of a size need not be exact, so a whole mail may be somewhat larger than was said.
inline constexpr std::size_t literal_bytes_max = mail_bytes_max + 4 * 1024 * 1024;
inline constexpr std::size_t line_bytes_max = 2 * 1024 * 1024;  // A search of a whole window is one line.
inline constexpr std::size_t literals_max = 64;                 // In one response.
inline constexpr std::size_t list_items_max = 200'000;
inline constexpr int depth_max = 32;
inline constexpr std::uint32_t search_window = 100'000;  // Mails that one search can find.
inline constexpr std::size_t words_shown_max = 300;      // Of a server's words, to an operator.
static_assert(search_window * std::size_t{11} < line_bytes_max, "ten digits and a blank each");
static_assert(search_window < list_items_max);

// What is sent.
inline constexpr std::size_t quoted_bytes_max = 1'000;  // A longer string is a literal.
inline constexpr std::size_t marked_at_once = 100;

// How long.
inline constexpr auto connect_within = 20s;  // Name, connection and TLS.
inline constexpr auto greeting_within = 30s;
// So long after the connection a silent server is asked over another one whether it waits for TLS: a port for TLS from the first
// byte never greets who waits for STARTTLS.
inline constexpr auto greeting_soon = 3s;
inline constexpr auto tls_tried_within = 5s;
static_assert(greeting_soon + tls_tried_within < greeting_within);
inline constexpr auto step_within = 60s;     // A command, from its first byte to its answer; more for more bytes:
inline constexpr std::size_t bytes_a_second_min = 8 * 1024;
inline constexpr auto search_within = 180s;  // Large mailboxes are searched from disk.
inline constexpr auto goodbye_within = 2s;
inline constexpr auto done_within = 30s;     // The end of IDLE; a server that is there has nothing else to do.
inline constexpr auto line_silent_max = 90s;  // No sign of life from the other machine: TCP asks for one by itself.
inline constexpr auto idle_max = 9min;       // RFC 2177 says 29; address translators and some servers forget sooner.
// Cyrus 3.6 looks for new mail a moment before its IDLE begins to count, and never tells of what comes in between. So the
// wait behind mail, when more is likely to come, is a short one.
inline constexpr auto idle_after_mail = 20s;
static_assert(idle_after_mail < idle_max);

// The loop of one mailbox.
inline constexpr std::size_t batch_mails = 50;
inline constexpr std::size_t in_flight_max = 8;  // Mails handed to the sink and not answered yet.
inline constexpr std::size_t in_flight_bytes_max = 64 * 1024 * 1024;
inline constexpr int fetch_attempts_max = 4;  // Of one mail, over connections that it broke; then it is passed over.
// For the first place of a mailbox to be durable; then the connection is given up, and the next one asks again.
inline constexpr auto place_within = 20s;
inline constexpr auto place_asked_every = 20ms;
// Before a refusal counts against a mail: so many others are asked for, and older ones among so many numbers before it.
inline constexpr std::size_t others_asked = 3;
inline constexpr std::uint32_t others_within = 1'000;
inline constexpr int deaths_max = 2;          // Of processes that read one mail; then it is taken as it is.
// All of one batch: the place in the mailbox moves only behind the last of it.
inline constexpr std::size_t deadly_mails_remembered = 64;
static_assert(deadly_mails_remembered > batch_mails);
inline constexpr int mark_attempts_max = 3;
inline constexpr std::size_t marks_owed_max = 10'000;
inline constexpr auto retry_first = 1s;
inline constexpr auto retry_longest = 300s;
inline constexpr auto walks_apart = 1s;  // Whatever a server announces.
// Arrival times, once numbers mean nothing any more.
inline constexpr auto clocks_apart_max = 24h;  // Of a server, of the one it is replaced by, and ours.
inline constexpr auto repeats_known = message::limits::mail_dedupe_window - clocks_apart_max;
inline constexpr auto calm_from = 10s;  // Behind the last mail: none comes any more in the second that it came in.
static_assert(calm_from < idle_after_mail, "the look after the short wait finds it calm");
inline constexpr std::size_t first_looked_at = 1'000;  // Of the mails that are there at the first connection, the newest.
// A connection that lasted so long was a good one: the pauses begin anew. Some servers let everybody in and then hang up.
inline constexpr auto lasts_from = 60s;
// A wrong password does not become right by itself, and servers lock out who tries too often.
inline constexpr auto login_retry_first = 60s;
inline constexpr auto login_retry_longest = 900s;
inline constexpr auto sink_retry_first = 1s;
inline constexpr auto sink_retry_longest = 60s;
static_assert(mail_bytes_max <= in_flight_bytes_max);

}  // namespace usher::connectors::email::imap::limits
