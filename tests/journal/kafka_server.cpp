// Through librdkafka itself, not through the adapter under test.
#include "tests/journal/kafka_server.hpp"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <thread>

#include "routing/journal/kafka_handles.hpp"
#include "tests/journal/paused_process.hpp"

namespace usher::testing {

namespace {

using journal::KafkaOwned;
using message::expect;

constexpr int within_ms = 20'000;

KafkaOwned<rd_kafka_t> client_of(const std::string& address, rd_kafka_type_t type = RD_KAFKA_PRODUCER,
                                 const std::string& transactional_id = {}) {
  auto* settings = rd_kafka_conf_new();
  expect(rd_kafka_conf_set(settings, "bootstrap.servers", address.c_str(), nullptr, 0) == RD_KAFKA_CONF_OK, "an address is set");
  if (!transactional_id.empty())
    expect(rd_kafka_conf_set(settings, "transactional.id", transactional_id.c_str(), nullptr, 0) == RD_KAFKA_CONF_OK, "an id is set");
  KafkaOwned<rd_kafka_t> client(rd_kafka_new(type, settings, nullptr, 0));
  expect(client != nullptr, "a test can make a client");
  return client;
}

void await(rd_kafka_queue_t* queue, const char* what) {
  const KafkaOwned<rd_kafka_event_t> answer(rd_kafka_queue_poll(queue, within_ms));
  expect(answer && rd_kafka_event_error(answer.get()) == RD_KAFKA_RESP_ERR_NO_ERROR, what);
}

}  // namespace

KafkaServer& KafkaServer::get() {
  static KafkaServer server;
  return server;
}

KafkaServer::KafkaServer() {
  const char* folder = std::getenv("USHER_TEST_KAFKA");
  expect(folder != nullptr, "USHER_TEST_KAFKA names the folder of a running broker (deploy/kafka/broker start --folder DIR)");
  folder_ = folder;
  std::ifstream(folder_ / "address") >> address_;
  expect(!address_.empty(), "the broker's folder has its address");
}

int KafkaServer::pid() const {
  int pid = 0;
  std::ifstream(folder_ / "pid") >> pid;
  expect(pid > 1, "the broker's folder has its pid");
  return pid;
}

void KafkaServer::pause() const { pause_process(pid()); }
void KafkaServer::go_on() const { expect(::kill(pid(), SIGCONT) == 0, "the broker can go on"); }

void KafkaServer::kill() const {
  const int broker = pid();
  expect(::kill(broker, SIGKILL) == 0, "the broker can be killed");
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (::kill(broker, 0) == 0 && std::chrono::steady_clock::now() < until) {
    // A zombie whose parent does not wait for it is gone, too.
    std::ifstream stat("/proc/" + std::to_string(broker) + "/stat");
    const std::string line((std::istreambuf_iterator<char>(stat)), {});
    if (line.find(") Z") != std::string::npos) return;
    std::this_thread::yield();
  }
}

void KafkaServer::start() const {
  const std::string version = std::getenv("USHER_TEST_KAFKA_VERSION") ? std::getenv("USHER_TEST_KAFKA_VERSION") : "";
  const auto command = std::string(USHER_SOURCE_DIR) + "/deploy/kafka/broker start --folder '" + folder_.string() + "'" +
                       (version.empty() ? "" : " --version " + version) + " >/dev/null";
  expect(std::system(command.c_str()) == 0, "the broker starts again");
}

journal::KafkaOptions KafkaServer::options() const {
  static int count = 0;
  journal::KafkaOptions options;
  options.brokers = address_;
  options.topic_prefix = "t" + std::to_string(::getpid()) + "x" +
                         std::to_string(std::chrono::system_clock::now().time_since_epoch().count() % 1'000'000'000) + "x" +
                         std::to_string(++count);
  return options;
}

journal::KafkaOptions KafkaServer::fresh_topics(int partitions) const {
  auto wanted = options();
  make_topics(wanted, partitions);
  return wanted;
}

void KafkaServer::make_topics(const journal::KafkaOptions& options, int partitions) const {
  journal::TopicWishes wishes;
  wishes.partitions = partitions;
  const auto steps = journal::ensure_topics(options, wishes, false);
  expect(steps.has_value(), "topics can be made");
  for (const auto& step : *steps) {
    if (!step.done) std::cerr << step.topic << ": " << step.what << '\n';
    expect(step.done, "each topic is made");
  }
}

void KafkaServer::delete_topic(const std::string& topic) const {
  const auto client = client_of(address_);
  const KafkaOwned<rd_kafka_queue_t> queue(rd_kafka_queue_new(client.get()));
  auto* wish = rd_kafka_DeleteTopic_new(topic.c_str());
  rd_kafka_DeleteTopics(client.get(), &wish, 1, nullptr, queue.get());
  await(queue.get(), "a topic is deleted");
  rd_kafka_DeleteTopic_destroy(wish);
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(within_ms);
  for (bool known = true; known && std::chrono::steady_clock::now() < until;) {
    // A client of its own each time: one that knew the topic would ask for it, and wait.
    const auto asking = client_of(address_);
    const rd_kafka_metadata_t* found = nullptr;
    if (rd_kafka_metadata(asking.get(), 1, nullptr, &found, within_ms) != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    const KafkaOwned<const rd_kafka_metadata_t> metadata(found);
    known = false;
    for (int i = 0; i < found->topic_cnt; ++i) known = known || topic == found->topics[i].topic;
  }
}

void KafkaServer::set_topic(const std::string& topic, const std::map<std::string, std::string>& settings) const {
  const auto client = client_of(address_);
  const KafkaOwned<rd_kafka_queue_t> queue(rd_kafka_queue_new(client.get()));
  const KafkaOwned<rd_kafka_ConfigResource_t> resource(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  for (const auto& [name, value] : settings) rd_kafka_ConfigResource_set_config(resource.get(), name.c_str(), value.c_str());
  auto* wish = resource.get();
  rd_kafka_AlterConfigs(client.get(), &wish, 1, nullptr, queue.get());
  await(queue.get(), "a topic is set");
}

void KafkaServer::erase_before(const std::string& topic, message::Partition partition, message::Offset offset) const {
  const auto client = client_of(address_);
  const KafkaOwned<rd_kafka_queue_t> queue(rd_kafka_queue_new(client.get()));
  const KafkaOwned<rd_kafka_topic_partition_list_t> list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = offset;
  auto* wish = rd_kafka_DeleteRecords_new(list.get());
  rd_kafka_DeleteRecords(client.get(), &wish, 1, nullptr, queue.get());
  await(queue.get(), "records are erased");
  rd_kafka_DeleteRecords_destroy(wish);
}

RawMessage KafkaServer::read(const std::string& topic, message::Partition partition, message::Offset offset) const {
  const auto client = client_of(address_, RD_KAFKA_CONSUMER);
  const KafkaOwned<rd_kafka_topic_t> handle(rd_kafka_topic_new(client.get(), topic.c_str(), nullptr));
  expect(rd_kafka_consume_start(handle.get(), partition, offset) == 0, "a test can read");
  RawMessage raw;
  {
    const KafkaOwned<rd_kafka_message_t> found(rd_kafka_consume(handle.get(), partition, within_ms));
    expect(found && found->err == RD_KAFKA_RESP_ERR_NO_ERROR && found->offset == offset, "the message is there");
    if (found->key) raw.key.emplace(static_cast<const char*>(found->key), found->key_len);
    if (found->payload) raw.value.emplace(static_cast<const char*>(found->payload), found->len);
    rd_kafka_headers_t* headers = nullptr;
    rd_kafka_message_headers(found.get(), &headers);
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t i = 0; headers && rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
      raw.headers[name] = std::string(static_cast<const char*>(value), size);
  }
  rd_kafka_consume_stop(handle.get(), partition);
  return raw;
}

void KafkaServer::produce(const std::string& topic, message::Partition partition, const char* value) const {
  const auto client = client_of(address_);
  void* bytes = const_cast<char*>(value);
  expect(rd_kafka_producev(client.get(), RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
                           RD_KAFKA_V_VALUE(bytes, value ? std::char_traits<char>::length(value) : 0),
                           RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR_NO_ERROR,
         "a message is produced");
  expect(rd_kafka_flush(client.get(), within_ms) == RD_KAFKA_RESP_ERR_NO_ERROR, "a message is flushed");
}

void KafkaServer::produce_in_transaction(const std::string& topic, message::Partition partition, const char* value) const {
  const auto client = client_of(address_, RD_KAFKA_PRODUCER, topic);
  const auto good = [](rd_kafka_error_t* error) {
    if (error) rd_kafka_error_destroy(error);
    return error == nullptr;
  };
  expect(good(rd_kafka_init_transactions(client.get(), within_ms)) && good(rd_kafka_begin_transaction(client.get())), "a transaction begins");
  expect(rd_kafka_producev(client.get(), RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
                           RD_KAFKA_V_VALUE(const_cast<char*>(value), std::char_traits<char>::length(value)),
                           RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR_NO_ERROR,
         "a message is produced");
  expect(good(rd_kafka_commit_transaction(client.get(), within_ms)), "a transaction is committed");
}

std::unique_ptr<journal::KafkaJournal> open_kafka(const journal::KafkaOptions& options) {
  auto opened = journal::KafkaJournal::open(options, message::Milliseconds(within_ms));
  if (!opened) std::cerr << opened.error().detail << '\n';
  expect(opened.has_value(), "the Kafka journal opens");
  return std::move(*opened);
}

}  // namespace usher::testing
