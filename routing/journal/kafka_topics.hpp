// The topics Usher needs, and making them (`usherctl topics ensure`). A running daemon never creates any.
#pragma once

#include "routing/journal/kafka_journal.hpp"

namespace usher::journal {

struct TopicWishes {
  int partitions = 1;
  int replication = 1;             // 3 in production.
  Milliseconds retention{0};       // Of inbound and control; outbound and events are kept twice as long. 0: 14 days.
};

struct TopicStep {
  std::string topic;
  std::string what;    // "create", "set message.timestamp.type", "there", "has 1 partition instead of 4: make them by hand"
  bool done = false;   // Was there already, or was done now. False in a dry run, or when it could not be done.
};

// Looks at every topic and creates what is missing, unless dry_run. unavailable: no broker answers.
[[nodiscard]] Result<std::vector<TopicStep>> ensure_topics(const KafkaOptions& options, const TopicWishes& wishes,
                                                           bool dry_run);

}  // namespace usher::journal
