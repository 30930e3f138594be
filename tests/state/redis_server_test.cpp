// What deploy/redis/server sets up, and what RedisStore::open makes of a server: users, policy, durability.
#include "tests/state/redis_fixture.hpp"

#include <fstream>
#include <sstream>

using namespace usher::testing;
using usher::message::Fault;

namespace {

void replace_line(const std::filesystem::path& file, const std::string& begin, const std::string& line) {
  std::ifstream in(file);
  std::ostringstream out;
  for (std::string text; std::getline(in, text);) out << (text.starts_with(begin) ? line : text) << '\n';
  std::ofstream(file) << out.str();
}

usher::message::Error refusal(const RedisOptions& options) {
  const auto opened = RedisStore::open(options);
  REQUIRE_FALSE(opened);
  return opened.error();
}

}  // namespace

TEST_CASE("scripted writes survive a restart from the append-only file, and would not under a bare off [rule-S7]", "[redis][rule-S7]") {
  const bool bare = GENERATE(false, true);
  INFO((bare ? "user default off" : "the users as deployed"));
  RedisServer server;
  if (bare) {
    server.stop();
    replace_line(server.folder() / "users.acl", "user default", "user default off");
    server.start();
  }
  auto store = open_store(server.options());
  REQUIRE(store->initialise(0));
  REQUIRE(commit(*store, step({}, 1, {{"t", "k", "v"}})));
  server.stop();
  server.start();
  store = open_store(server.options());
  // With a bare off the server lost what it had acknowledged: this is why the file has the longer line.
  const auto meta = store->load_meta(0);
  REQUIRE(meta);
  CHECK((*meta && (*meta)->position == Position{0, 1}) == !bare);
}

TEST_CASE("the user may do what the store does, and nothing else [rule-S3]", "[redis]") {
  RedisServer server;
  CHECK(RedisStore::open(server.options()));
  // Nothing of the trial is left.
  CHECK(server.ask({"DBSIZE"}) == "0");
  for (const auto& forbidden : std::vector<std::vector<std::string>>{
           {"FLUSHALL"}, {"KEYS", "*"}, {"CONFIG", "SET", "maxmemory", "1"}, {"SHUTDOWN"}, {"EVAL", "return 1", "0"},
           {"GET", "others:key"}, {"SCRIPT", "FLUSH"}, {"PUBLISH", "c", "m"}, {"ACL", "LIST"}, {"RENAME", "usher:a", "usher:b"}})
    CHECK(server.ask_as("usher", forbidden).starts_with("NOPERM"));
}

TEST_CASE("without any one of its commands the store does not open, and says so [rule-S3]", "[redis][rule-S3]") {
  RedisServer server;
  std::ifstream file(server.folder() / "users.acl");
  std::string line;
  while (std::getline(file, line) && !line.starts_with("user usher ")) {
  }
  std::istringstream words(line);
  int tried = 0;
  for (std::string word; words >> word;) {
    if (!word.starts_with('+')) continue;
    const auto command = word.substr(1);
    // These have a second way, or are for redis-cli and the script that starts the server.
    if (command == "config|get" || command == "info" || command == "ping" || command == "select") continue;
    // For giving back leases.
    if (command == "del") continue;
    // Not asked of an older users.acl: see the leases without an expiry.
    if (command == "pttl") continue;
    // Nor these, without which commits go by the script alone.
    if (command == "watch" || command == "mset") continue;
    INFO(command);
    REQUIRE(server.ask({"ACL", "SETUSER", "usher", "-" + command}) == "OK");
    const auto error = refusal(server.options());
    CHECK(error.fault == Fault::malformed);
    CHECK(error.detail.find("may not") != std::string::npos);
    REQUIRE(server.ask({"ACL", "SETUSER", "usher", "+" + command}) == "OK");
    ++tried;
  }
  CHECK(tried > 25);
  CHECK(RedisStore::open(server.options()));
}

TEST_CASE("keys of another type in the place of leases keep nobody from holding one [rule-O2]", "[redis][rule-O2]") {
  RedisFixture fixture;
  const auto user = GENERATE(values<std::string>({"usher", "usher-reader"}));
  RedisLeases leases(fixture.server.options(user));
  fixture.server.ask({"SET", "usher:v1:leases", "a string where none belongs"});
  fixture.server.ask({"HSET", "usher:v1:lease:partition/0", "none", "belongs"});
  CHECK(leases.hold({"partition/0", "me", ""}, usher::message::Milliseconds{60'000}).value());
  CHECK(leases.held("")->size() == 1);
  CHECK_FALSE(leases.hold({"partition/0", "other", ""}, usher::message::Milliseconds{60'000}).value());
}

TEST_CASE("a lease without an expiry ends after its time, and a holder that lives keeps it [rule-O2]", "[redis][rule-O2]") {
  using std::chrono_literals::operator""ms, std::chrono_literals::operator""s;
  RedisServer server;
  const auto user = GENERATE(values<std::string>({"usher", "usher-reader"}));
  RedisLeases leases(server.options(user));
  const auto endless = [&](const std::string& name) {
    REQUIRE(leases.hold({name, "first", "v"}, 60s).value());
    REQUIRE(server.ask({"PERSIST", "usher:v1:lease:" + name}) == "1");
  };
  const auto left = [&](const std::string& name) { return std::stoll(server.ask({"PTTL", "usher:v1:lease:" + name})); };
  endless("partition/0");
  CHECK_FALSE(leases.hold({"partition/0", "next", ""}, 200ms).value());
  const auto until = std::chrono::steady_clock::now() + 10s;
  bool taken = false;
  while (!taken && std::chrono::steady_clock::now() < until) taken = leases.hold({"partition/0", "next", ""}, 200ms).value();
  CHECK(taken);

  endless("partition/1");
  CHECK_FALSE(leases.hold({"partition/1", "next", ""}, 30s).value());
  CHECK(leases.held("partition/1").value() == std::vector<Lease>{{"partition/1", "first", "v"}});
  CHECK((left("partition/1") > 0 && left("partition/1") <= 30'000));
  CHECK(leases.hold({"partition/1", "first", ""}, 60s).value());
  CHECK_FALSE(leases.hold({"partition/1", "next", ""}, 1ms).value());
  CHECK(left("partition/1") > 30'000);

  // Nobody but its holder ever asks for a gateway's.
  endless("gateway/0/dead");
  RedisLeases watching(server.options(user));
  CHECK(watching.held("gateway/").value().size() == 1);
  CHECK((left("gateway/0/dead") > 0 && left("gateway/0/dead") <= 10'000));

  if (user != "usher") return;
  // With a users.acl of before such a lease stands, as it did.
  REQUIRE(server.ask({"ACL", "SETUSER", "usher", "-pttl"}) == "OK");
  endless("partition/2");
  CHECK_FALSE(leases.hold({"partition/2", "next", ""}, 1ms).value());
  CHECK(RedisLeases(server.options(user)).held("partition/2").value().size() == 1);
  CHECK(left("partition/2") == -1);
}

TEST_CASE("the reader reads and holds leases, and cannot write a state [rule-S5]", "[redis][rule-S5]") {
  RedisFixture fixture;
  auto options = fixture.server.options("usher-reader");
  CHECK(refusal(options).fault == Fault::malformed);
  options.read_only = true;
  const auto reader = open_store(options);
  CHECK(reader->load(0)->entities.size() == 3);
  CHECK(reader->body(0, {9, 10}).value()->json == "{}");
  CHECK(reader->bodies(0, {1, 1}, 5, 5)->size() == 1);
  CHECK(reader->entity(0, "agents", "ana").value() == "1");
  CHECK(commit(*reader, step({0, 1}, 2)).error().fault == Fault::unauthorised);
  CHECK(reader->initialise(1).error().fault == Fault::unauthorised);
  CHECK(reader->count_attempt(0, 1).error().fault == Fault::unauthorised);
  // The server refuses too, whoever asks.
  const auto before = fixture.everything();
  for (const auto& forbidden : std::vector<std::vector<std::string>>{
           {"HSET", "usher:v1:{0}:meta", "offset", "9"}, {"SET", "usher:v1:{0}:msg:x", "y"}, {"DEL", "usher:v1:{0}:meta"},
           {"GET", "others:key"}, {"FLUSHALL"}})
    CHECK(fixture.server.ask_as("usher-reader", forbidden).starts_with("NOPERM"));
  CHECK(fixture.everything() == before);
  options.read_only = false;
  RedisLeases leases(options);
  CHECK(leases.hold({"gateway/a", "me", "tcp://a:1"}, usher::message::Milliseconds{60'000}).value());
  CHECK(leases.held("")->size() == 1);
  CHECK(leases.release("gateway/a", "me"));
}

TEST_CASE("a server that may evict keys is refused [rule-S3]", "[redis][rule-S3]") {
  RedisServer server;
  const bool forbidden = GENERATE(false, true);
  server.ask({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});
  if (forbidden) server.ask({"ACL", "SETUSER", "usher", "-config|get"});
  const auto error = refusal(server.options());
  CHECK(error.fault == Fault::malformed);
  CHECK(error.detail.find("noeviction") != std::string::npos);
  server.ask({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
  CHECK(RedisStore::open(server.options()));
}

TEST_CASE("a wrong password and a missing user are refused for good", "[redis]") {
  RedisServer server;
  auto options = server.options();
  options.password = "wrong";
  CHECK(refusal(options).fault == Fault::malformed);
  options.user.clear();
  options.password.clear();
  CHECK(refusal(options).fault == Fault::malformed);
}

TEST_CASE("a replica is refused until it is a primary", "[redis]") {
  RedisServer server;
  server.ask({"REPLICAOF", "127.0.0.1", "1"});
  const auto error = refusal(server.options());
  CHECK(error.fault == Fault::unavailable);
  CHECK(error.detail.find("replica") != std::string::npos);
  server.ask({"REPLICAOF", "NO", "ONE"});
  CHECK(RedisStore::open(server.options()));
}

TEST_CASE("what the server does not promise is said in a sentence each", "[redis]") {
  RedisServer server;
  const auto weaknesses = [&] { return open_store(server.options())->weaknesses(); };
  REQUIRE(weaknesses().size() == 1);
  CHECK(weaknesses()[0].find("once a second") != std::string::npos);
  server.ask({"CONFIG", "SET", "appendfsync", "always"});
  CHECK(weaknesses().empty());
  server.ask({"CONFIG", "SET", "appendonly", "no"});
  REQUIRE(weaknesses().size() == 1);
  CHECK(weaknesses()[0].find("append-only file") != std::string::npos);
  server.ask({"ACL", "SETUSER", "usher", "-config|get"});
  REQUIRE(weaknesses().size() == 1);
  CHECK(weaknesses()[0].find("append-only file") != std::string::npos);
}

TEST_CASE("prefixes and databases keep installations apart", "[redis]") {
  RedisFixture fixture;
  auto options = fixture.server.options();
  options.key_prefix = "usher:second";
  const auto second = open_store(options);
  CHECK_FALSE(second->load_meta(0)->has_value());
  REQUIRE(second->initialise(0));
  options.key_prefix = "usher:v1";
  options.database = 3;
  const auto third = open_store(options);
  CHECK_FALSE(third->load_meta(0)->has_value());
  CHECK(fixture.store->load_meta(0).value()->position == Position{0, 1});
}

TEST_CASE("the script starts a server once, on a port too, and stops only its own", "[redis]") {
  RedisServer server(RedisServer::Door::port);
  const auto port = server.port();
  CHECK(open_store(server.options())->initialise(0));
  server.start();
  CHECK(server.port() == port);
  RedisServer other(RedisServer::Door::port);
  CHECK(other.port() != port);
  other.stop();
  other.stop();
  CHECK(server.ask({"PING"}) == "PONG");
}
