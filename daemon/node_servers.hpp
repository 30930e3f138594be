// From settings to what the adapters of Kafka and Redis are given. Also for usherctl.
#pragma once

#include "config/settings.hpp"
#include "routing/journal/kafka_topics.hpp"
#include "routing/state/redis_store.hpp"

namespace usher::daemon {

using namespace usher::message;

[[nodiscard]] journal::KafkaOptions kafka_options(const config::KafkaSettings& settings);
[[nodiscard]] journal::TopicWishes topic_wishes(const config::KafkaSettings& settings);
[[nodiscard]] state::RedisOptions redis_options(const config::RedisSettings& settings);

}  // namespace usher::daemon
