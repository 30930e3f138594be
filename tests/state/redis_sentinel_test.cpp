// The primary as the sentinels name it, before and after a failover; real servers and a real sentinel.
#include "tests/state/redis_fixture.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

using namespace usher::testing;
using usher::message::Fault;
using usher::message::Milliseconds;
using namespace std::chrono_literals;

namespace {

int free_port() {
  RedisServer server(RedisServer::Door::port);
  return server.port();
}

// `redis-server --sentinel` on a port and folder of its own.
class Sentinel {
 public:
  explicit Sentinel(const RedisServer& primary) : port_(free_port()) {
    const auto file = (folder_.path() / "sentinel.conf").string();
    std::ofstream(file) << "port " << port_ << "\nbind 127.0.0.1\ndir " << folder_.path().string() << "\nlogfile sentinel.log\n"
                        << "sentinel monitor usher 127.0.0.1 " << primary.port() << " 1\n"
                        << "sentinel auth-user usher usher-operator\nsentinel auth-pass usher "
                        << primary.password("usher-operator") << "\n"
                        << "sentinel down-after-milliseconds usher 500\nsentinel failover-timeout usher 5000\n";
    std::string program = "redis-server";
    std::string mode = "--sentinel";
    std::string name = file;
    char* const arguments[] = {program.data(), name.data(), mode.data(), nullptr};
    usher::message::expect(::posix_spawnp(&process_, "redis-server", nullptr, nullptr, arguments, environ) == 0,
                           "a test can start a sentinel");
  }
  ~Sentinel() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::string ask(const std::vector<std::string>& command) const {
    auto connection = RedisConnection::connect({"127.0.0.1", port_, ""}, 1s);
    if (!connection) return "";
    RedisCommand wanted;
    for (const auto& word : command) wanted.add(word);
    const auto reply = connection->ask(wanted, RedisDeadline::in(2s));
    if (!reply) return "";
    std::string text(reply->view().text());
    for (std::size_t i = 0; i < reply->view().size(); ++i) {
      const auto part = reply->view().at(i);
      text += std::string(part.text()) + " ";
      for (std::size_t k = 0; k < part.size(); ++k) text += std::string(part.at(k).text()) + " ";
    }
    return text;
  }

 private:
  TemporaryFolder folder_;
  int port_;
  pid_t process_ = 0;
};

template <class Condition>
bool soon(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + 30s;
  while (!condition())
    if (std::chrono::steady_clock::now() > end) return false;
  return true;
}

void share_users(const RedisServer& from, RedisServer& to) {
  to.stop();
  for (const char* name : {"users.acl", "usher.password", "usher-reader.password", "usher-operator.password"})
    std::filesystem::copy_file(from.folder() / name, to.folder() / name, std::filesystem::copy_options::overwrite_existing);
  to.start();
}

}  // namespace

TEST_CASE("the primary is found through the sentinels, and found again after a failover [rule-S6]", "[redis][rule-S6]") {
  RedisServer first(RedisServer::Door::port);
  RedisServer second(RedisServer::Door::port);
  share_users(first, second);
  for (auto* server : {&first, &second}) {
    server->ask({"CONFIG", "SET", "masteruser", "usher-operator"});
    server->ask({"CONFIG", "SET", "masterauth", first.password("usher-operator")});
    server->ask({"CONFIG", "SET", "repl-diskless-sync-delay", "0"});
  }
  second.ask({"REPLICAOF", "127.0.0.1", std::to_string(first.port())});
  Sentinel sentinel(first);
  const auto knows_replica = [&] { return sentinel.ask({"SENTINEL", "REPLICAS", "usher"}).find(std::to_string(second.port())) != std::string::npos; };
  REQUIRE(soon(knows_replica));

  auto options = first.options();
  options.host.clear();
  // The first one is dead: the next one is asked.
  options.sentinels = {"127.0.0.1:1", sentinel.address()};
  options.sentinel_name = "usher";
  const auto store = open_store(options);
  REQUIRE(store->initialise(0));
  REQUIRE(commit(*store, step({}, 1, {{"t", "k", "v"}})));
  REQUIRE(first.ask({"EXISTS", "usher:v1:{0}:meta"}) == "1");
  // Replication is asynchronous: what a replica does not have yet is lost with the primary.
  REQUIRE(first.ask({"WAIT", "1", "10000"}) == "1");

  first.kill();
  REQUIRE(soon([&] { return store->load_meta(0).has_value(); }));
  CHECK(second.ask({"ROLE"}).starts_with("master"));
  CHECK(store->load_meta(0).value()->position == Position{0, 1});
  CHECK(store->entity(0, "t", "k").value() == "v");
  REQUIRE(soon([&] {
    const auto next = commit(*store, step({0, 1}, 2, {{"t", "k", "after"}}));
    return next.has_value() || next.error().fault == Fault::conflict;
  }));
  CHECK(store->load_meta(0).value()->position == Position{0, 2});
}

TEST_CASE("sentinels that know no such primary, or are none, are no reason to guess [rule-S6]", "[redis][rule-S6]") {
  RedisServer server(RedisServer::Door::port);
  Sentinel sentinel(server);
  REQUIRE(soon([&] { return sentinel.ask({"PING"}) == "PONG"; }));
  auto options = server.options();
  options.sentinels = {sentinel.address()};
  options.sentinel_name = "another";
  CHECK(RedisStore::open(options).error().fault == Fault::unavailable);
  options.sentinels = {"127.0.0.1:1", "127.0.0.1:2"};
  CHECK(RedisStore::open(options).error().fault == Fault::unavailable);
  options.sentinels = {"no port"};
  CHECK(RedisStore::open(options).error().fault == Fault::malformed);
}
