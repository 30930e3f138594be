// What stands in a Kafka message, as the journal's record: bytes as they are, CloudEvents or not. Time never goes back
// within one reader's sequence, though a broker's clock be set back.
#pragma once

#include "routing/journal/kafka_handles.hpp"
#include "routing/journal/journal.hpp"

namespace usher::journal {

// A batch of read() ends once it holds so much, with one record at least.
inline constexpr std::size_t kafka_read_bytes_max = 8 * 1024 * 1024;

// `last`: the newest time given so far in this sequence; it is moved on.
[[nodiscard]] Stored stored_of(const rd_kafka_message_t& message, Instant& last);

}  // namespace usher::journal
