// See bench_servers.hpp.
#include "tests/bench/bench_servers.hpp"

#include <unistd.h>

#include <fstream>

#include "routing/journal/kafka_client.hpp"
#include "routing/journal/kafka_topics.hpp"
#include "routing/state/redis_connection.hpp"

namespace usher::bench {

using namespace usher::message;

namespace {

constexpr Milliseconds answer_within{60'000};  // To forget all of a large state takes a while.
constexpr int delete_within_ms = 20'000;

std::string password_of(const std::string& folder, const std::string& user) {
  std::ifstream file(folder + "/" + user + ".password");
  std::string password;
  if (!(file >> password)) give_up("--redis-folder has no password of " + user);
  return password;
}

}  // namespace

BenchServers::BenchServers(const Options& options)
    : brokers_(options.text("brokers", "")),
      broker_pid_(static_cast<int>(options.count("broker-pid", 0))),
      redis_socket_(options.text("redis-socket", "")) {
  const auto folder = options.text("redis-folder", "");
  if (brokers_.empty() || redis_socket_.empty() || folder.empty()) give_up("--brokers, --redis-socket and --redis-folder are needed");
  password_ = password_of(folder, "usher");
  operator_password_ = password_of(folder, "usher-operator");
}

journal::KafkaOptions BenchServers::fresh_topics() {
  journal::KafkaOptions kafka;
  kafka.brokers = brokers_;
  kafka.topic_prefix = "bench" + std::to_string(::getpid()) + "x" + std::to_string(topics_made_++);
  kafka.log = [](const std::string& line) { std::fprintf(stderr, "kafka: %s\n", line.c_str()); };
  const auto steps = journal::ensure_topics(kafka, {}, false);
  if (!steps) give_up(steps.error().detail);
  for (const auto& step : *steps)
    if (!step.done) give_up(step.topic + ": " + step.what);
  return kafka;
}

void BenchServers::delete_topics(const journal::KafkaOptions& kafka) const {
  journal::KafkaHooks hooks;
  const auto client = journal::make_kafka_client(kafka, journal::KafkaUse::asking, hooks);
  if (!client) give_up(client.error().detail);
  const journal::KafkaOwned<rd_kafka_queue_t> queue(rd_kafka_queue_new(client->get()));
  std::vector<rd_kafka_DeleteTopic_t*> wishes;
  for (int i = 0; i < journal::stream_count; ++i)
    wishes.push_back(rd_kafka_DeleteTopic_new(journal::kafka_topic(kafka.topic_prefix, static_cast<journal::Stream>(i)).c_str()));
  rd_kafka_DeleteTopics(client->get(), wishes.data(), wishes.size(), nullptr, queue.get());
  const journal::KafkaOwned<rd_kafka_event_t> answer(rd_kafka_queue_poll(queue.get(), delete_within_ms));
  if (!answer || rd_kafka_event_error(answer.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) give_up("the topics cannot be deleted");
  rd_kafka_DeleteTopic_destroy_array(wishes.data(), wishes.size());
}

state::RedisOptions BenchServers::redis() const {
  state::RedisOptions redis;
  redis.unix_socket = redis_socket_;
  redis.user = "usher";
  redis.password = password_;
  return redis;
}

std::string BenchServers::ask_redis(std::initializer_list<std::string_view> command) const {
  auto connection = state::RedisConnection::connect({"", 0, redis_socket_}, Milliseconds(2'000));
  if (!connection) give_up(connection.error().detail);
  const auto deadline = state::RedisDeadline::in(answer_within);
  const auto known = connection->ask({"AUTH", "usher-operator", operator_password_}, deadline);
  if (!known) give_up(known.error().detail);
  const auto answer = connection->ask(command, deadline);
  if (!answer) give_up(answer.error().detail);
  return std::string(answer->view().text());
}

void BenchServers::flush_redis() const { (void)ask_redis({"FLUSHALL"}); }

double BenchServers::broker_cpu_us() const {
  std::ifstream file("/proc/" + std::to_string(broker_pid_) + "/stat");
  std::string word;
  double ticks = 0;
  // utime and stime are the fields 14 and 15; `java` has no blank.
  for (int field = 1; field <= 15 && file >> word; ++field)
    if (field >= 14) ticks += std::stod(word);
  return ticks * 1e6 / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double BenchServers::redis_cpu_us() const {
  const auto info = ask_redis({"INFO", "cpu"});
  const auto seconds = [&](const std::string& name) {
    const auto at = info.find(name);
    return at == std::string::npos ? 0.0 : std::stod(info.substr(at + name.size()));
  };
  return (seconds("used_cpu_sys:") + seconds("used_cpu_user:")) * 1e6;
}

}  // namespace usher::bench
