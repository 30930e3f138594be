// Every queue, retry, body and wait has its limit here, checked at compile time against its neighbours.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace usher::message::limits {

using namespace std::chrono_literals;

// Bodies, bytes.
inline constexpr std::size_t record_bytes_max = 1024 * 1024;        // One journal record's value.
inline constexpr std::size_t message_text_bytes_max = 256 * 1024;   // Message::text.
inline constexpr std::size_t short_field_bytes_max = 1024;          // Names, subjects, addresses, ids.
inline constexpr std::size_t list_items_max = 256;                  // Any list inside a message.
inline constexpr std::size_t attachment_bytes_max = 10 * 1024 * 1024;
inline constexpr std::size_t attachments_max = 10;
// Of one reply together: in base64 just under the 25 MB that large providers of mail take.
inline constexpr std::size_t reply_attachments_bytes_max = 18 * 1024 * 1024;
inline constexpr std::size_t http_body_bytes_max = 12 * 1024 * 1024;
inline constexpr std::size_t http_bodies_bytes_max = 256 * 1024 * 1024;  // Of all that are being read or looked at on one listener.
inline constexpr std::size_t http_json_body_bytes_max = 512 * 1024;
inline constexpr std::size_t http_header_bytes_max = 16 * 1024;
inline constexpr std::size_t json_depth_max = 32;
inline constexpr std::size_t agent_frame_bytes_max = 64 * 1024;
static_assert(message_text_bytes_max * 2 < record_bytes_max, "text and text_new fit one record");
static_assert(attachment_bytes_max < http_body_bytes_max, "one attachment fits one request");
static_assert(attachment_bytes_max <= reply_attachments_bytes_max, "any file that is taken can be sent");
static_assert(reply_attachments_bytes_max / 3 * 4 / 76 * 78 < 26 * 1024 * 1024, "a reply's mail fits what providers take");
static_assert(agent_frame_bytes_max <= message_text_bytes_max, "a reply is never larger than a message");

// Batches.
inline constexpr std::size_t batch_records_max = 256;   // Rule S4.
inline constexpr std::size_t batch_changes_max = 800;   // Rule S4: a batch is cut once it holds so many.
inline constexpr std::size_t commits_in_flight_max = 2;  // Of a router, each going on from the one before.
inline constexpr std::size_t append_queue_max = 16384;  // Appends waiting for the journal's writer; then `overloaded`.
inline constexpr std::size_t append_queue_bytes_max = 64 * 1024 * 1024;

// Servers.
inline constexpr auto journal_read_within = 5s;    // For a record that is known to be there.
inline constexpr auto servers_within = 60s;        // At start: for Kafka and Redis to answer.
inline constexpr std::int64_t incarnation_records_max = 1'000'000'000'000;  // Rule J2: of one log; the next counts on from there.
inline constexpr std::int64_t incarnations_max = 9'000;
static_assert(incarnation_records_max * incarnations_max < std::int64_t{1} << 53, "an offset is exact as a JSON number and a score");
inline constexpr auto append_within = 8s;          // A connector's append; shorter than any channel's own deadline.
inline constexpr auto state_answer_within = 2s;    // One command of the state store; a rewrite may take many.
inline constexpr auto router_lease = 1500ms;       // Rule O2: a partition whose router is silent so long is taken over.
inline constexpr auto gateway_lease = 5s;          // Rule A1: sessions of a gateway that is silent so long are closed.
inline constexpr auto egress_lease = 10s;          // Rule E5.
inline constexpr std::size_t snapshot_chunk_bytes_max = 512 * 1024;  // Rule X2.
static_assert(snapshot_chunk_bytes_max < record_bytes_max);
inline constexpr std::size_t texts_remembered = 64;  // By conversation: where its newest texts stand in the journal.

// Agents.
inline constexpr std::size_t commands_remembered = 256;          // Rule A2, by agent.
inline constexpr std::size_t session_send_queue_max = 1024;      // Frames waiting for a slow agent; then it is dropped.
inline constexpr std::size_t session_send_bytes_max = 4 * 1024 * 1024;
inline constexpr std::size_t welcome_messages_max = 20;
inline constexpr auto hello_within = 5s;

// ZeroMQ.
inline constexpr auto zmq_handshake_within = 10s;
inline constexpr auto zmq_heartbeat_every = 10s;  // The library's own, below our frames.
inline constexpr auto agent_silent_max = 25s;     // Rule A4: an agent's program says something every 10 s.
static_assert(zmq_heartbeat_every * 2 < agent_silent_max);
inline constexpr std::size_t zmq_sessions_max = 8192;
inline constexpr std::size_t zmq_strangers_max = 1024;    // Connections without a session; one more cuts the oldest.
inline constexpr std::size_t zmq_frames_ahead_max = 128;  // In the library's queue to one agent, beyond what is counted.
inline constexpr std::size_t zmq_frames_behind_max = 32;  // In the library's queue from one connection, not yet read.
inline constexpr std::size_t zmq_send_bytes_max = 256 * 1024 * 1024;  // Waiting for all agents; the slowest is dropped.
inline constexpr std::size_t zmq_heard_max = 8192;        // Frames read and not dealt with; then no more is read.
inline constexpr std::size_t zmq_heard_bytes_max = 64 * 1024 * 1024;
static_assert(session_send_bytes_max * 16 <= zmq_send_bytes_max, "a few slow agents are no reason to drop others");
static_assert(agent_frame_bytes_max * 16 <= zmq_heard_bytes_max);
inline constexpr std::size_t fabric_queue_max = 16384;  // Frames waiting for the fabric's thread; then they are dropped.
inline constexpr std::size_t fabric_queue_bytes_max = 64 * 1024 * 1024;
inline constexpr std::size_t fabric_gateway_queue_max = 8192;  // Frames waiting for one gateway, by side.
inline constexpr std::size_t fabric_gateways_max = 1024;
inline constexpr std::size_t fabric_frame_bytes_max = record_bytes_max;
inline constexpr auto fabric_beat_every = 1s;   // How late a lost last frame is noticed.
inline constexpr auto fabric_silent_max = 10s;  // A router that is silent so long is forgotten by gateways.
static_assert(fabric_beat_every * 3 < fabric_silent_max);

// Engine.
inline constexpr auto mail_dedupe_window = 30 * 24h;  // Rule I1; longer where times.dedupe_window is.
// Of one sender, and of one conversation, until an agent answers: more are read with the rest and call nobody.
inline constexpr std::size_t mails_calling_max = 10;
inline constexpr auto mails_calling_within = 1h;
inline constexpr std::size_t mail_senders_counted_max = 100'000;
inline constexpr auto forget_again_after = 1h;        // A closed conversation with a reply that is still on its way.
inline constexpr auto overdue_rearm_after = 5s;  // Rule J4.
inline constexpr auto clock_ahead_max = 5min;    // Rule J4.
inline constexpr std::size_t declines_remembered = 16;  // By conversation; the oldest is forgotten first.
inline constexpr std::size_t dedupe_keys_max = 5'000'000;
inline constexpr int poison_attempts_max = 3;    // Rule X1.
inline constexpr std::size_t runners_up_max = 5; // Rule X4.

// HTTP.
inline constexpr auto http_header_within = 10s;
inline constexpr auto http_idle_max = 60s;
inline constexpr std::size_t http_connections_max = 8192;
inline constexpr int retry_after_seconds = 2;
inline constexpr auto drain_max = 25s;

// Retention of the embedded journal (rule X6).
inline constexpr auto retention_first_look = 60s;  // After the start, which has enough to do.
inline constexpr auto retention_look_every = 600s;
inline constexpr int effects_kept_longer = 2;  // Effects outlive their causes.

// Egress.
inline constexpr auto webhook_timeout = 15s;
inline constexpr std::size_t webhooks_in_flight_max = 32;
inline constexpr auto retry_first = 5s;
inline constexpr auto retry_longest = 3600s;
inline constexpr int mail_attempts_max = 130;  // About five days: servers of mail are away for days, and come back.
inline constexpr auto held_reply_look_every = 2h;  // Longer than any attempt takes with the wait before it.
static_assert(retry_first < retry_longest && retry_longest < held_reply_look_every);
static_assert(retry_longest * mail_attempts_max > 5 * 24h && retry_longest * mail_attempts_max < 6 * 24h);
inline constexpr std::size_t mails_in_flight_max = 8;   // Over all connectors: each has a thread.
inline constexpr std::size_t mails_waiting_max = 64;    // Of one connector, read and not sent; more are put off.
inline constexpr std::size_t mails_waiting_in_all_max = 128;  // So that the window of egress has room for what is no mail.
inline constexpr auto mail_before_dot_within = 120s;    // From looking up the name to the end of the text.
inline constexpr auto mail_after_dot_within = 600s;     // RFC 5321 4.5.3.2.6: who leaves earlier sends twice.
inline constexpr auto mail_rest = 30s;                  // A server that did not answer, or refused the login, is left alone.
inline constexpr auto mail_retry_first = 60s;           // Doubled up to retry_longest: servers greylist for minutes.
inline constexpr std::size_t mail_answer_bytes_max = 1000;  // Of what a server says.
// So often one reply's mail may be taken without a word; then an agent decides, since each may be a copy for the customer.
inline constexpr int mail_unknown_max = 3;
// Mails of which it is known how often; the oldest is forgotten first, and all with the process.
inline constexpr std::size_t mails_unknown_remembered = 4096;
inline constexpr std::size_t sent_copies_waiting_max = 64;
inline constexpr std::size_t sent_copies_bytes_max = 64 * 1024 * 1024;
static_assert(mails_waiting_max < mails_waiting_in_all_max);
static_assert(mails_waiting_max * 4 <= 256, "one connector's mails leave room in the window of egress");
static_assert(mail_rest < mail_retry_first && mail_retry_first < retry_longest);

inline constexpr int uploads_per_minute_max = 60;       // Of one agent.

// Access tokens.
inline constexpr auto token_within = 15s;
inline constexpr auto token_fetch_floor = 10s;          // Between two fetches for one grant, whoever asks.
inline constexpr auto token_early_max = 300s;           // Fetched anew so long before it ends.
inline constexpr std::size_t token_answer_bytes_max = 64 * 1024;
inline constexpr std::size_t token_grants_max = 64;

}  // namespace usher::message::limits
