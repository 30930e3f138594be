// Making librdkafka clients: the settings that carry our rules, the ones an operator may add, and where their log goes.
// A journal has several clients, because a connection answers in order: a long poll would hold a short question up.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>

#include "routing/journal/kafka_handles.hpp"
#include "routing/journal/kafka_journal.hpp"

namespace usher::journal {

// What a client is for; each has its own settings.
enum class KafkaUse {
  asking,      // Watermarks, metadata, marks, topics. Never fetches, so its answers come at once.
  following,   // Sits at the tail and is told of every record.
  scanning,    // Reads older records.
  accepting,   // Appends to inbound; gives up after append_within (rule J1).
  publishing,  // Everything else; never gives up (rule E1).
};

// The library's complaints, at most one a second; and the newest one, to say with an error. Any thread.
class KafkaLog {
 public:
  explicit KafkaLog(std::function<void(const std::string& line)> sink) : sink_(std::move(sink)) {}
  void say(const std::string& line);
  [[nodiscard]] std::string newest() const;

 private:
  const std::function<void(const std::string&)> sink_;
  mutable std::mutex mutex_;
  std::string newest_;                // Guarded by mutex_.
  std::int64_t said_at_second_ = -1;  // Guarded by mutex_.
};

// What a client calls back; it outlives the client. `delivered` and `broken` run inside rd_kafka_poll().
struct KafkaHooks {
  KafkaLog* log = nullptr;
  std::function<void(const rd_kafka_message_t& report)> delivered;
  std::function<void()> broken;  // A fatal error: this client will never append again.
};

// malformed: a property is unknown, wrong, or not ours to change. Never names a property's value: it may be a password.
// `group`: whose committed offsets an asking client reads and writes.
[[nodiscard]] Result<KafkaOwned<rd_kafka_t>> make_kafka_client(const KafkaOptions& options, KafkaUse use, KafkaHooks& hooks,
                                                               const std::string& group = {});

// How much of the time in which an append must be answered it may wait for the library; the rest is the library's.
[[nodiscard]] constexpr Milliseconds gathered_within(Milliseconds append_within) { return append_within / 4; }

// PREFIX.dead-letter.v1 for Stream::dead_letters, and so on.
[[nodiscard]] std::string kafka_topic(const std::string& prefix, Stream stream);

// Which of its properties make a connection weaker than it looks, a sentence each.
[[nodiscard]] std::vector<std::string> weak_properties(const KafkaOptions& options);

}  // namespace usher::journal
