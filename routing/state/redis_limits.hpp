// What bounds the work with a Redis server: waits between attempts, pieces, connections. Shared limits are in limits.hpp.
#pragma once

#include <chrono>
#include <cstddef>

#include "routing/message/limits.hpp"

namespace usher::state::redis_limits {

using namespace std::chrono_literals;

inline constexpr auto redial_first = 20ms;   // After a connection was lost or refused; doubled up to redial_longest.
inline constexpr auto redial_longest = 1000ms;
static_assert(redial_longest < message::limits::state_answer_within, "a caller sees an attempt within one answer");

inline constexpr std::size_t read_connections_max = 4;
inline constexpr std::size_t jobs_max = 64;  // Waiting for the writer; then `overloaded`.

// Rule S4: a commit over one of these is staged in pieces and applied by one script.
inline constexpr std::size_t commit_arguments_max = 8 * message::limits::batch_changes_max;
inline constexpr std::size_t commit_bytes_max = 4 * 1024 * 1024;
// From here on a commit is a transaction of Redis' own, with one exchange more: some ten messages.
inline constexpr std::size_t transaction_bytes_min = 32 * 1024;
inline constexpr std::size_t staged_bytes_max = 512 * 1024 * 1024;  // Of one staged commit; then `too_large`.
inline constexpr std::size_t piece_arguments_max = 2000;
inline constexpr std::size_t piece_bytes_max = 512 * 1024;
inline constexpr std::size_t block_bytes_max = 64 * 1024;  // Of effects in one field of the outbox; a larger one stands alone.
inline constexpr auto staged_kept = 600s;            // A staged commit whose router died erases itself.
inline constexpr auto large_answer_within = 30s;     // For a script over staged pieces, and for one read of a whole state.
static_assert(piece_bytes_max < commit_bytes_max && commit_bytes_max < staged_bytes_max);
static_assert(message::limits::batch_changes_max * 2 < commit_arguments_max, "a full batch is not staged for its changes");

inline constexpr std::size_t load_at_once_max = 50'000;  // Entities; more are read in pages.
inline constexpr std::size_t load_page = 1000;
inline constexpr int load_attempts_max = 3;
inline constexpr std::size_t bodies_page = 256;
inline constexpr std::size_t scan_page_max = 1000;   // Keys looked at by one SCAN: about half a millisecond of the server's.
inline constexpr int entity_attempts_max = 4;

}  // namespace usher::state::redis_limits
