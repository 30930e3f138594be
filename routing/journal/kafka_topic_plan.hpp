// What each topic must promise (rule J3), said once for those who make topics and those who check them.
// Values only.
#pragma once

#include "routing/journal/kafka_asking.hpp"
#include "routing/journal/kafka_topics.hpp"

namespace usher::journal {

struct TopicPlan {
  Stream stream;
  std::string topic;
  std::map<std::string, std::string> settings;  // Without these the daemon refuses to start or names a weakness.
};

[[nodiscard]] std::vector<TopicPlan> plan_topics(const std::string& prefix, const TopicWishes& wishes);

// The settings without which a topic cannot carry its stream, by name; plan_topics has them, too.
[[nodiscard]] std::map<std::string, std::string> must_be_set(Stream stream);

// Empty: topics are as they must be. malformed: they are not, all of it in words. `weak`: a sentence for each promise that
// others make and this cluster does not.
[[nodiscard]] std::optional<Error> check_topics(KafkaAsking& asking, Milliseconds within, std::vector<std::string>& weak);

// Of `offsets.retention.minutes`: a sentence when the cluster forgets where connectors go on sooner than anybody would expect.
[[nodiscard]] std::optional<std::string> forgets_marks(const std::string& minutes);

}  // namespace usher::journal
