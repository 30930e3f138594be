// The other half of headers_of() in kafka_producer.cpp.
#include "routing/journal/kafka_records.hpp"

#include <algorithm>

namespace usher::journal {

namespace {

std::string header(const rd_kafka_headers_t* headers, const char* name) {
  const void* value = nullptr;
  std::size_t size = 0;
  if (rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR || !value) return {};
  return {static_cast<const char*>(value), size};
}

}  // namespace

Stored stored_of(const rd_kafka_message_t& message, Instant& last) {
  Stored stored;
  stored.offset = message.offset;
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  last = std::max(last, from_unix_ms(rd_kafka_message_timestamp(&message, &type)));
  stored.appended_at = last;
  rd_kafka_headers_t* headers = nullptr;  // The message's, not ours.
  if (rd_kafka_message_headers(&message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    stored.entry.id = header(headers, "ce_id");
    stored.entry.type = header(headers, "ce_type");
  }
  if (message.payload) stored.entry.value.assign(static_cast<const char*>(message.payload), message.len);
  return stored;
}

}  // namespace usher::journal
