// The backend on Kafka and Redis. At start the servers get a bounded time to come up: machines start in any order.
#include "daemon/node_servers.hpp"

#include <chrono>
#include <thread>

#include "daemon/logging.hpp"
#include "daemon/node_backend.hpp"
#include "routing/journal/continued_journal.hpp"
#include "routing/journal/kafka_journal.hpp"
#include "routing/state/sqlite_folder.hpp"

namespace usher::daemon {
namespace {

constexpr auto one_try_within = Milliseconds(5'000);
constexpr auto try_again_after = Milliseconds(500);

// Members are destroyed in reverse: the folder is given back last.
class ServersBackend final : public Backend {
 public:
  ServersBackend(state::FolderLock lock, std::unique_ptr<journal::KafkaJournal> log,
                 std::unique_ptr<journal::ContinuedJournal> journal, std::unique_ptr<state::RedisStore> store,
                 std::unique_ptr<state::RedisLeases> leases)
      : lock_(std::move(lock)),
        log_(std::move(log)),
        journal_(std::move(journal)),
        store_(std::move(store)),
        leases_(std::move(leases)) {}

  [[nodiscard]] journal::Journal& journal() override { return *journal_; }
  [[nodiscard]] state::StateStore& store() override { return *store_; }
  [[nodiscard]] state::Leases* leases() override { return leases_.get(); }
  [[nodiscard]] std::string durability() const override {
    return "Kafka: acknowledged when every replica in sync has it; the state in Redis can be made again from it";
  }
  [[nodiscard]] std::vector<std::string> weaknesses() const override {
    auto all = log_->weaknesses();
    for (auto& one : store_->weaknesses()) all.push_back(std::move(one));
    return all;
  }
  [[nodiscard]] Result<void> erase_before(journal::Stream, Partition, Offset) override {
    return fail(Fault::conflict, "Kafka forgets by itself, as its topics say");
  }
  [[nodiscard]] Result<void> backup(const std::filesystem::path&) override {
    return fail(Fault::conflict,
                "backup is for the embedded form: here the journal is in Kafka and the state in Redis, which have "
                "replicas and backups of their own");
  }

 private:
  state::FolderLock lock_;
  std::unique_ptr<journal::KafkaJournal> log_;
  std::unique_ptr<journal::ContinuedJournal> journal_;
  std::unique_ptr<state::RedisStore> store_;
  std::unique_ptr<state::RedisLeases> leases_;
};

// Tries until `deadline`; what will not change by waiting ends it at once. Each new reason is one line of the log.
template <class Open>
auto open_within(const char* part, std::chrono::steady_clock::time_point deadline, Open open) -> decltype(open()) {
  std::string said;
  for (;;) {
    auto opened = open();
    if (opened || opened.error().fault != Fault::unavailable) return opened;
    if (std::chrono::steady_clock::now() + try_again_after >= deadline) return opened;
    if (opened.error().detail != said) log_warn(part, "not there yet, trying again: " + opened.error().detail);
    said = opened.error().detail;
    std::this_thread::sleep_for(try_again_after);
  }
}

// Whether a server is down or not as it must be: this process cannot serve now, and the settings are not wrong in form.
Error cannot_serve(const char* server, const Error& error) {
  return fail(Fault::unavailable, std::string(server) + ": " + error.detail);
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ",") + word;
  return out;
}

}  // namespace

journal::KafkaOptions kafka_options(const config::KafkaSettings& settings) {
  journal::KafkaOptions options;
  options.brokers = joined(settings.brokers);
  options.topic_prefix = settings.topic_prefix;
  options.properties = settings.properties;
  options.log = [](const std::string& line) { log_warn("kafka", line); };
  return options;
}

journal::TopicWishes topic_wishes(const config::KafkaSettings& settings) {
  journal::TopicWishes wishes;
  wishes.partitions = std::max(settings.partitions, static_cast<int>(settings.partition) + 1);
  wishes.replication = settings.replication;
  wishes.retention = settings.retention;
  return wishes;
}

state::RedisOptions redis_options(const config::RedisSettings& settings) {
  state::RedisOptions options;
  options.host = settings.host;
  options.port = settings.port;
  options.unix_socket = settings.unix_socket;
  options.sentinels = settings.sentinels;
  options.sentinel_name = settings.sentinel_name;
  options.user = settings.user;
  options.password = settings.password;
  options.database = settings.database;
  options.key_prefix = settings.key_prefix;
  options.bodies_kept_for = settings.bodies_kept_for;
  return options;
}

Result<std::unique_ptr<Backend>> open_servers(const config::Settings& settings, const std::filesystem::path& data_folder,
                                              bool writes) {
  auto lock = state::FolderLock::take(data_folder);
  if (!lock) return lock.error();
  const auto deadline = std::chrono::steady_clock::now() + limits::servers_within;
  const auto kafka = kafka_options(*settings.kafka);
  auto redis = redis_options(*settings.redis);
  redis.read_only = !writes;
  auto log = open_within("kafka", deadline, [&] { return journal::KafkaJournal::open(kafka, one_try_within); });
  if (!log) return cannot_serve("Kafka", log.error());
  // Whoever only appends to the inbound log need not know how often it was made anew, nor may read what operators noted.
  const auto partition = settings.kafka->partition;
  auto journal = open_within("kafka", deadline, [&]() -> Result<std::unique_ptr<journal::ContinuedJournal>> {
    if (writes) return journal::ContinuedJournal::open(**log, partition);
    return std::make_unique<journal::ContinuedJournal>(**log, partition, journal::Incarnation{});
  });
  if (!journal) return cannot_serve("Kafka", journal.error());
  auto store = open_within("redis", deadline, [&] { return state::RedisStore::open(redis); });
  if (!store) return cannot_serve("Redis", store.error());
  return std::unique_ptr<Backend>(std::make_unique<ServersBackend>(std::move(*lock), std::move(*log), std::move(*journal),
                                                                   std::move(*store),
                                                                   std::make_unique<state::RedisLeases>(redis)));
}

}  // namespace usher::daemon
