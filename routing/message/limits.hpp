// Every queue, retry, body and wait has its limit here, checked at compile time against its neighbours.
#pragma once

#include <chrono>
#include <cstddef>

namespace usher::message::limits {

using namespace std::chrono_literals;

// Bodies, bytes.
inline constexpr std::size_t record_bytes_max = 1024 * 1024;        // One journal record's value.
inline constexpr std::size_t message_text_bytes_max = 256 * 1024;   // Message::text.
inline constexpr std::size_t short_field_bytes_max = 1024;          // Names, subjects, addresses, ids.
inline constexpr std::size_t list_items_max = 256;                  // Any list inside a message.
inline constexpr std::size_t attachment_bytes_max = 10 * 1024 * 1024;
inline constexpr std::size_t attachments_max = 10;
inline constexpr std::size_t http_body_bytes_max = 12 * 1024 * 1024;
inline constexpr std::size_t http_json_body_bytes_max = 512 * 1024;
inline constexpr std::size_t http_header_bytes_max = 16 * 1024;
inline constexpr std::size_t json_depth_max = 32;
inline constexpr std::size_t agent_frame_bytes_max = 64 * 1024;
static_assert(message_text_bytes_max * 2 < record_bytes_max, "text and text_new fit one record");
static_assert(attachment_bytes_max < http_body_bytes_max, "one attachment fits one request");
static_assert(agent_frame_bytes_max <= message_text_bytes_max, "a reply is never larger than a message");

// Batches.
inline constexpr std::size_t batch_records_max = 256;   // Rule S4.
inline constexpr std::size_t batch_changes_max = 800;   // Rule S4: a batch is cut once it holds so many.
inline constexpr std::size_t append_queue_max = 16384;  // Appends waiting for the journal's writer; then `overloaded`.
inline constexpr std::size_t append_queue_bytes_max = 64 * 1024 * 1024;

// Agents.
inline constexpr std::size_t commands_remembered = 256;          // Rule A2, by agent.
inline constexpr std::size_t session_send_queue_max = 1024;      // Frames waiting for a slow agent; then it is dropped.
inline constexpr std::size_t session_send_bytes_max = 4 * 1024 * 1024;
inline constexpr std::size_t welcome_messages_max = 20;
inline constexpr auto hello_within = 5s;

// Engine.
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

// Egress.
inline constexpr auto webhook_timeout = 15s;
inline constexpr std::size_t webhooks_in_flight_max = 32;
inline constexpr auto retry_first = 5s;
inline constexpr auto retry_longest = 3600s;
static_assert(retry_first < retry_longest);

}  // namespace usher::message::limits
