// One node, assembled from a configuration on free ports: what an operator sees of its start, its reload and its stop.
#include <sqlite3.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "daemon/backup_archive.hpp"
#include "daemon/config_catalog.hpp"
#include "daemon/ctl.hpp"
#include "daemon/ctl_table.hpp"
#include "daemon/node.hpp"
#include "routing/message/wire.hpp"
#include "routing/state/sqlite_database.hpp"
#include "tests/daemon/scratch_folder.hpp"
#include "tests/message/show_result.hpp"

using namespace usher::daemon;

namespace {

std::string config_text(const std::string& skills, const std::string& more = "") {
  return "tenant: acme\nhttp: {listen: 127.0.0.1:0, public_url: http://127.0.0.1:1}\nops: {listen: 127.0.0.1:0}\n"
         "connectors: {contact: {type: webform}}\nqueues: {support: {}}\ndefault_queue: support\n"
         "agents: {ana: {name: Ana, skills: {" + skills + "}, capacity: {total: 2}}}\n" + more;
}

struct Running {
  ScratchFolder folder;
  std::unique_ptr<Node> node;

  Result<std::unique_ptr<Node>> start() {
    auto loaded = load_settings(folder.path() / "usher.yaml");
    for (const auto& line : loaded.problems.lines) UNSCOPED_INFO(line);
    REQUIRE(loaded.settings);
    return Node::start(std::move(*loaded.settings), {folder.path() / "usher.yaml", folder.path() / "data", {}});
  }
  explicit Running(const std::string& config) {
    folder.write("usher.yaml", config);
    auto started = start();
    if (!started) UNSCOPED_INFO(started.error().detail);
    REQUIRE(started);
    node = std::move(*started);
  }
  [[nodiscard]] CtlContext operator_context() const {
    CtlContext context;
    context.url = node->ops_address();
    context.token_file = (folder.path() / "data/admin.token").string();
    return context;
  }
  [[nodiscard]] boost::json::value get(const std::string& path) const {
    auto answer = ask(operator_context(), "GET", path);
    if (!answer) UNSCOPED_INFO(answer.error().detail);
    REQUIRE(answer);
    return *answer;
  }
};

}  // namespace

TEST_CASE("a node that has started routes, knows its policy, and shows it to who has the token", "[node]") {
  const Running running(config_text("english: 3"));
  CHECK(running.node->router_status()->phase == usher::router::Phase::routing);
  const auto agents = boost::json::serialize(running.get("/v1/agents"));
  CHECK(agents.find("\"ana\"") != std::string::npos);
  auto stranger = running.operator_context();
  stranger.token_file.clear();
  stranger.token = "guess";
  const auto refused = ask(stranger, "GET", "/v1/agents");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().fault == Fault::unauthorised);
}

TEST_CASE("a second node on the same folder is refused with a sentence that names it", "[node]") {
  Running running(config_text("english: 3"));
  const auto second = running.start();
  REQUIRE_FALSE(second);
  CHECK(second.error().fault == Fault::conflict);
  CHECK(second.error().detail.find((running.folder.path() / "data").string()) != std::string::npos);
}

TEST_CASE("a taken port is refused with a sentence, and the folder is free again", "[node]") {
  Running first(config_text("english: 3"));
  const auto taken = first.node->public_address().substr(std::string("http://").size());
  Running other(config_text("english: 3"));
  other.node.reset();
  other.folder.write("usher.yaml", "tenant: acme\nhttp: {listen: '" + taken + "'}\nops: {listen: 127.0.0.1:0}\n"
                     "queues: {support: {}}\ndefault_queue: support\nagents: {ana: {name: Ana, capacity: {total: 1}}}\n");
  const auto refused = other.start();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().fault == Fault::unavailable);
  CHECK(refused.error().detail.find(taken) != std::string::npos);
  other.folder.write("usher.yaml", config_text("english: 3"));
  CHECK(other.start());
}

TEST_CASE("a bad reload changes nothing and a good one changes the policy, also over a restart", "[node]") {
  Running running(config_text("english: 3"));
  const auto policy = [&] { return boost::json::serialize(running.get("/v1/agents")); };
  running.folder.write("usher.yaml", config_text("english: 9"));
  const auto bad = running.node->reload();
  REQUIRE_FALSE(bad);
  CHECK(bad.error().fault == Fault::malformed);
  CHECK(bad.error().detail.find("usher.yaml:7:") != std::string::npos);
  CHECK(policy().find("\"ben\"") == std::string::npos);

  auto two = config_text("english: 3");
  two += "  ben: {name: Ben, capacity: {total: 1}}\n";
  two.replace(two.find("agents: {ana:"), 13, "agents:\n  ana:");
  two.replace(two.find("}}}\n"), 4, "}}\n");
  running.folder.write("usher.yaml", two);
  const auto good = running.node->reload();
  if (!good) UNSCOPED_INFO(good.error().detail);
  REQUIRE(good);
  CHECK(policy().find("\"ben\"") != std::string::npos);

  running.node.reset();
  auto again = running.start();
  REQUIRE(again);
  running.node = std::move(*again);
  CHECK(policy().find("\"ben\"") != std::string::npos);
}

TEST_CASE("a restart appends a policy record only when the policy changed", "[node]") {
  Running running(config_text("english: 3"));
  const auto policies = [&running] {
    running.node.reset();
    const SystemClock clock;
    auto database = usher::state::SqliteDatabase::open(running.folder.path() / "data", clock);
    REQUIRE(database);
    const auto records = (*database)->journal().read(usher::journal::Stream::inbound, 0, 0, 1000);
    REQUIRE(records);
    const auto type = record_type(PolicyActivated{});
    return std::count_if(records->begin(), records->end(), [&](const auto& stored) { return stored.entry.type == type; });
  };
  CHECK(policies() == 1);
  CHECK(running.start());
  CHECK(policies() == 1);
  running.folder.write("usher.yaml", config_text("english: 4"));
  CHECK(running.start());
  CHECK(policies() == 2);
}

TEST_CASE("J5: a state that is another tenant's is refused at a start, in words", "[node][J5]") {
  Running running(config_text("english: 3"));
  REQUIRE(running.node->stop(Milliseconds(5'000)));
  running.node.reset();
  auto other = config_text("english: 3");
  other.replace(other.find("acme"), 4, "evil");
  running.folder.write("usher.yaml", other);
  const auto refused = running.start();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().fault == Fault::malformed);
  CHECK(refused.error().detail.find("tenant acme's, not evil's") != std::string::npos);
  running.folder.write("usher.yaml", config_text("english: 3"));
  CHECK(running.start());
}

TEST_CASE("J5: a state that is damaged where its tenant stands is mended and no other tenant's", "[node][J5]") {
  const auto* const damage = GENERATE("replace(value, 'acme', 'evil')", "replace(value, 'acme', '')", "substr(value, 1, 5)", "'?'");
  INFO(damage);
  Running running(config_text("english: 3"));
  REQUIRE(running.node->stop(Milliseconds(5'000)));
  running.node.reset();
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open((running.folder.path() / "data/usher.db").c_str(), &database) == SQLITE_OK);
  const auto change = std::string("UPDATE entities SET value = ") + damage + " WHERE table_name = 'policy' AND key = 'head'";
  CHECK(sqlite3_exec(database, change.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  CHECK(sqlite3_changes(database) == 1);
  sqlite3_close(database);
  auto again = running.start();
  if (!again) UNSCOPED_INFO(again.error().detail);
  REQUIRE(again);
  running.node = std::move(*again);
  CHECK(boost::json::serialize(running.get("/v1/agents")).find("\"ana\"") != std::string::npos);
}

TEST_CASE("another tenant's configuration is refused at a reload", "[node]") {
  Running running(config_text("english: 3"));
  auto other = config_text("english: 3");
  other.replace(other.find("acme"), 4, "evil");
  running.folder.write("usher.yaml", other);
  const auto refused = running.node->reload();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().detail.find("tenant") == 0);
}

TEST_CASE("the default door for agents' programs may stay closed where it is taken, a chosen one may not", "[node]") {
  // Whoever has the default port: the first of these, or something else on this machine.
  const Running first(config_text("english: 3"));
  const Running second(config_text("english: 3"));
  CHECK(second.node->router_status()->phase == usher::router::Phase::routing);
  const auto taken = first.node->ops_address().substr(std::string("http://").size());
  Running chosen(config_text("english: 3"));
  chosen.node.reset();
  chosen.folder.write("usher.yaml", config_text("english: 3", "zmq: {agents: \"tcp://" + taken + "\"}\n"));
  const auto refused = chosen.start();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().fault == Fault::unavailable);
  CHECK(refused.error().detail.find(taken) != std::string::npos);
}

TEST_CASE("without servers a node does everything or nothing", "[node]") {
  Running running(config_text("english: 3"));
  running.node.reset();
  auto loaded = load_settings(running.folder.path() / "usher.yaml");
  REQUIRE(loaded.settings);
  NodeOptions options{running.folder.path() / "usher.yaml", running.folder.path() / "data"};
  options.roles = {true, false, false};
  const auto refused = Node::start(std::move(*loaded.settings), std::move(options));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().detail.find("without Kafka and Redis") == 0);
}

TEST_CASE("a stop is clean, closes every door, and refuses a late reload", "[node]") {
  Running running(config_text("english: 3"));
  const auto context = running.operator_context();
  CHECK(running.node->stop(std::chrono::seconds(10)));
  CHECK_FALSE(running.node->reload());
  const auto gone = ask(context, "GET", "/v1/status");
  REQUIRE_FALSE(gone);
  CHECK(gone.error().fault == Fault::unavailable);
  running.node.reset();
  CHECK(running.start());
}

TEST_CASE("a backup of a running node restores to a node that starts", "[node]") {
  Running running(config_text("english: 3"));
  const auto file = running.folder.path() / "backup.tar";
  const boost::json::value body = boost::json::object{{"path", file.string()}};
  const auto written = ask(running.operator_context(), "POST", "/v1/backup", &body);
  if (!written) UNSCOPED_INFO(written.error().detail);
  REQUIRE(written);
  const auto under_it = restore_backup(file, running.folder.path() / "data");
  REQUIRE_FALSE(under_it);
  CHECK(under_it.error().fault == Fault::conflict);
  const auto first = running.node->router_status()->committed;
  running.node.reset();
  std::filesystem::rename(running.folder.path() / "data", running.folder.path() / "lost");
  REQUIRE(restore_backup(file, running.folder.path() / "data"));
  auto again = running.start();
  if (!again) UNSCOPED_INFO(again.error().detail);
  REQUIRE(again);
  // It goes on where the backup stood: the policy is there, and offsets are not used twice.
  CHECK((*again)->router_status()->committed > first);
}
