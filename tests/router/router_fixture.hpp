// A router on memory adapters, pumped by hand, with a desk that remembers what it was sent.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "routing/journal/memory_journal.hpp"
#include "routing/message/wire.hpp"
#include "routing/router/router.hpp"
#include "routing/router/snapshot.hpp"
#include "routing/state/memory_store.hpp"

namespace usher::router::test {

using namespace usher::message;
using namespace std::chrono_literals;
using journal::Delivering;
using journal::Stream;

struct HandClock final : Clock {
  Instant now = from_unix_ms(1'790'000'000'000);
  Milliseconds ticks{1000};
  Instant wall() const override { return now; }
  Milliseconds steady() const override { return ticks; }
  void pass(Milliseconds time) { now += time, ticks += time; }
};

struct Desk final : delivery::Delivery {
  std::vector<engine::AgentFrame> frames;
  std::vector<bool> degraded;
  void send(const engine::AgentFrame& frame) override { frames.push_back(frame); }
  void service(bool now_degraded) override { degraded.push_back(now_degraded); }
  template <class F>
  std::vector<F> all() const {
    std::vector<F> out;
    for (const auto& frame : frames)
      if (const auto* one = std::get_if<F>(&frame.frame)) out.push_back(*one);
    return out;
  }
};

struct Bench {
  HandClock clock;
  journal::MemoryJournal journal;
  state::MemoryStore store;
  Desk desk;
  RouterOptions options;  // Of the next start; id and batch are filled in.
  std::unique_ptr<Router> router;
  int routers = 0;

  explicit Bench(Delivering delivering = Delivering::at_once, bool publish = true)
      : journal(clock, delivering), store(delivering, publish ? &journal : nullptr) {}

  void start(std::size_t batch_records_max = 0) {
    router = make(batch_records_max);
  }
  std::unique_ptr<Router> make(std::size_t batch_records_max = 0) {
    options.id = RouterId{"r" + std::to_string(++routers)};
    options.batch_records_max = batch_records_max;
    return std::make_unique<Router>(options, Router::Ports{journal, store, desk, clock});
  }
  void run() { run_all({router.get()}); }
  void run_all(const std::vector<Router*>& all_of_them, int rounds = 200) {
    for (int i = 0; i < rounds; ++i) {
      for (auto* one : all_of_them) one->pump();
      clock.pass(1ms);
    }
  }
  void append(const Record& record, std::string value = {}) {
    journal.append(Stream::inbound, 0,
                   {"id", std::string(record_type(record)), value.empty() ? encode(record) : value}, [](auto) {});
  }
  std::vector<journal::Stored> all(Stream stream) { return journal.read(stream, 0, 0, 100'000).value(); }

  static Policy policy() {
    Policy p;
    p.tenant = TenantId{"acme"};
    p.queues = {{QueueId{"support"}, {}, Urgency::normal, Milliseconds{0}}};
    p.default_queue = QueueId{"support"};
    p.agents = {{AgentId{"ana"}, "Ana", {}, {}, 3, 3}};
    return p;
  }
  static Message message(std::uint64_t n) {
    Message m;
    m.id = {5, n};
    m.tenant = TenantId{"acme"};
    m.connector = ConnectorId{"contact"};
    m.channel = "webform";
    m.from.identities = {{"email", "kim@example.org", false}};
    m.text = "Where is it?";
    return m;
  }
  void open() {
    append(PolicyActivated{policy(), ""});
    append(SessionOpened{AgentId{"ana"}, SessionId{"s"}, GatewayId{"desk"}});
    command(SetPresence{Presence::available, ""});
  }
  int commands = 0;
  void command(Command what) {
    append(CommandIssued{AgentId{"ana"}, SessionId{"s"}, CommandId{"c" + std::to_string(++commands)}, std::move(what)});
  }
  // A conversation accepted by ana and answered once.
  engine::OfferView answered() {
    open();
    append(MessageReceived{message(1)});
    run();
    const auto offer = desk.all<engine::OfferFrame>().at(0).offer;
    command(Accept{offer.offer});
    command(Reply{offer.conversation.id, "On its way."});
    run();
    return offer;
  }
};

}  // namespace usher::router::test
