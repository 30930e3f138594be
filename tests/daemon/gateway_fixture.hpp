// A desk gateway behind real listeners, with the journal in memory and no engine: the test reads what agents caused to
// be appended and says the engine's part itself, frame by frame. A test that names no transport runs on each.
#pragma once

#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>

#include "connectors/blob_store.hpp"
#include "daemon/agent_files.hpp"
#include "daemon/agent_tokens.hpp"
#include "daemon/desk_gateway.hpp"
#include "daemon/http_server.hpp"
#include "daemon/http_upgrade.hpp"
#include "daemon/zmq_agents.hpp"
#include "routing/journal/memory_journal.hpp"
#include "routing/message/wire.hpp"
#include "routing/state/memory_store.hpp"
#include "tests/daemon/gateway_client.hpp"
#include "tests/daemon/scratch_folder.hpp"

namespace usher::testing {

using namespace usher::message;
using namespace std::chrono_literals;

enum class Over { websocket, zeromq };

// The machine's clock; what a test has no time to wait for it says has gone by.
class LeapingClock final : public Clock {
 public:
  [[nodiscard]] Instant wall() const override { return machine_.wall() + leapt_.load(); }
  [[nodiscard]] Milliseconds steady() const override { return machine_.steady() + leapt_.load(); }
  void leap(Milliseconds time) { leapt_ = leapt_.load() + time; }

 private:
  SystemClock machine_;
  std::atomic<Milliseconds> leapt_{Milliseconds{0}};
};

struct Desk {
  Over over;
  ScratchFolder folder;
  LeapingClock clock;
  journal::MemoryJournal journal{clock};
  state::MemoryStore store;
  daemon::Metrics metrics;
  std::unique_ptr<daemon::AgentTokens> tokens = std::move(daemon::AgentTokens::open(folder.path()).value());
  connectors::BlobStore blobs{folder.path() / "blobs"};
  daemon::AgentFiles files{std::string(32, 'k'), TenantId("acme"), blobs};
  daemon::HttpLoop loop;
  std::unique_ptr<daemon::DeskGateway> gateway;
  std::unique_ptr<daemon::HttpServer> server;
  std::unique_ptr<daemon::ZmqAgents> agents;
  Door port;
  std::string token = tokens->create(AgentId("ana")).value();
  Offset next_record = 0;
  std::uint64_t number = 0;
  state::Position position;

  std::mutex mutex;
  std::condition_variable appended;
  std::uint64_t appends = 0;  // Guarded by mutex.

  explicit Desk(daemon::DeskOptions options = {}, std::optional<Over> chosen = {},
                daemon::ZmqAgentsOptions zmq_options = {})
      : over(chosen ? *chosen : GENERATE(Over::websocket, Over::zeromq)) {
    options.public_url = "https://desk.example/";
    options.origins = {"https://other.example"};
    options.sweep_every = Milliseconds(10);
    gateway = std::make_unique<daemon::DeskGateway>(
        std::move(options), daemon::DeskGateway::Ports{loop, journal, store, *tokens, metrics, clock, &files,
                                                            [](const ConnectorId& id) { return id != ConnectorId("no-files"); }});
    daemon::RouteTable table;
    table.add_upgrade(
        "/v1/agent", [this](const daemon::Request& request) { return gateway->check(request); },
        [this](daemon::Upgrade upgrade) { gateway->adopt(std::move(upgrade)); });
    server = std::make_unique<daemon::HttpServer>(loop, std::move(table), metrics, daemon::HttpServerOptions{});
    port = server->start({"127.0.0.1", 0}).value();
    if (over == Over::zeromq) {
      zmq_options.endpoint = "tcp://127.0.0.1:0";
      agents = std::move(daemon::ZmqAgents::start(std::move(zmq_options), loop, *gateway).value());
      port.zmq = agents->endpoint();
    }
    REQUIRE(store.initialise(0).has_value());
    journal.on_append(journal::Stream::inbound, 0, [this] {
      const std::lock_guard lock(mutex);
      ++appends;
      appended.notify_all();
    });
  }
  ~Desk() {
    server.reset();
    agents.reset();
    gateway.reset();
  }

  // The next record that an agent caused.
  journal::Stored stored() {
    std::unique_lock lock(mutex);
    for (;;) {
      const auto seen = appends;
      lock.unlock();
      auto read = journal.read(journal::Stream::inbound, 0, next_record, 1).value();
      lock.lock();
      if (!read.empty()) {
        next_record = read.front().offset + 1;
        return read.front();
      }
      if (!appended.wait_for(lock, 10s, [&] { return appends != seen; }))
        throw std::runtime_error("no record was appended");
    }
  }
  template <class Kind>
  Kind record() {
    const auto entry = stored().entry;
    INFO(entry.type << ' ' << entry.value);
    const auto decoded = decode_record(entry.type, entry.value);
    REQUIRE(decoded.has_value());
    REQUIRE(std::holds_alternative<Kind>(*decoded));
    return std::get<Kind>(*decoded);
  }
  [[nodiscard]] bool nothing_appended() {
    return journal.read(journal::Stream::inbound, 0, next_record, 1).value().empty();
  }

  void send(const SessionOpened& session, engine::Frame frame, std::uint64_t numbered) {
    gateway->send(engine::AgentFrame{session.agent, session.session, session.gateway, numbered, std::move(frame)});
    number = numbered + 1;
  }
  void send(const SessionOpened& session, engine::Frame frame) { send(session, std::move(frame), number); }

  // Hello and welcome; returns the record.
  SessionOpened open(AgentClient& client, engine::WelcomeFrame welcome = {}) {
    client.hello(token);
    auto session = record<SessionOpened>();
    send(session, std::move(welcome), 0);
    return session;
  }

  void keep(const state::Body& body) {
    state::Commit commit;
    commit.before = position;
    position.offset += 1;
    commit.after.position = position;
    commit.bodies.push_back(body);
    store.commit(std::move(commit), [](const Result<state::CommitReceipt>& receipt) { REQUIRE(receipt.has_value()); });
  }
};

inline engine::ConversationView view_of(ConversationId id) {
  engine::ConversationView view;
  view.id = id;
  view.connector = ConnectorId("contact");
  view.channel = "webform";
  view.queue = QueueId("support");
  view.urgency = Urgency::high;
  view.requirements = {{SkillId("english"), 2}};
  view.state = engine::ConversationState::assigned;
  view.opened_at = from_unix_ms(1'790'000'000'000);
  view.waiting_since = view.opened_at;
  view.messages = 1;
  return view;
}

inline state::Body body_of(ConversationId conversation, std::uint32_t sequence, const std::string& text) {
  Message message;
  message.id = MessageId{7, sequence + 1};
  message.tenant = TenantId("acme");
  message.connector = ConnectorId("contact");
  message.channel = "webform";
  message.provider_message_id = "p" + std::to_string(sequence);
  message.received_at = from_unix_ms(1'790'000'000'000);
  message.subject = "About";
  message.text = message.text_new = text;
  message.from = {{{"email", "a@b.example", false}}, "Ada"};
  return {conversation, sequence, message.id, encode(message)};
}

}  // namespace usher::testing
