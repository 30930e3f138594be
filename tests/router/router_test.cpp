// The router's loop over memory adapters: what it commits, when the world sees it, and what it refuses. Rules O1, J2, S1,
// S2, E1..E4, X1 by name.
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <set>
#include <vector>

#include "routing/journal/memory_journal.hpp"
#include "routing/message/wire.hpp"
#include "routing/router/batch.hpp"
#include "routing/router/effect_json.hpp"
#include "routing/router/router.hpp"
#include "routing/state/memory_store.hpp"

using namespace usher;
using namespace usher::message;
using namespace std::chrono_literals;
using journal::Delivering;
using journal::Stream;

namespace {

struct HandClock final : Clock {
  Instant now = from_unix_ms(1'790'000'000'000);
  Milliseconds ticks{1000};
  Instant wall() const override { return now; }
  Milliseconds steady() const override { return ticks; }
  void pass(Milliseconds time) { now += time, ticks += time; }
};

struct Desk final : delivery::Delivery {
  std::vector<engine::AgentFrame> frames;
  void send(const engine::AgentFrame& frame) override { frames.push_back(frame); }
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
  std::unique_ptr<router::Router> router;
  int routers = 0;

  explicit Bench(Delivering delivering = Delivering::at_once, bool publish = true)
      : journal(clock, delivering), store(delivering, publish ? &journal : nullptr) {}

  void start(std::size_t batch_records_max = 0) {
    router = std::make_unique<router::Router>(
        router::RouterOptions{0, RouterId{"r" + std::to_string(++routers)}, batch_records_max},
        router::Router::Ports{journal, store, desk, clock});
  }
  void run() {
    for (int i = 0; i < 200; ++i) {
      router->pump();
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

}  // namespace

TEST_CASE("a message is committed with its text before anybody is offered it", "[router]") {
  Bench bench;
  bench.start();
  bench.open();
  bench.append(MessageReceived{Bench::message(1)});
  bench.run();
  const auto offers = bench.desk.all<engine::OfferFrame>();
  REQUIRE(offers.size() == 1);
  const auto body = bench.store.body(0, {5, 1}).value();
  REQUIRE(body.has_value());
  CHECK(decode_message(body->json).value() == Bench::message(1));
  CHECK(bench.router->status().phase == router::Phase::routing);
}

TEST_CASE("S1: nothing reaches an agent before the commit of its step", "[router][S1]") {
  Bench bench(Delivering::by_hand);
  bench.start();
  bench.open();
  for (int i = 0; i < 50; ++i) {
    bench.journal.deliver_all();
    bench.router->pump();
  }
  CHECK(bench.desk.frames.empty());  // The commit is out, but the store has not answered.
  for (int i = 0; i < 50; ++i) {
    bench.store.deliver_all();
    bench.journal.deliver_all();
    bench.router->pump();
  }
  CHECK_FALSE(bench.desk.frames.empty());
}

TEST_CASE("S1: a commit whose answer was lost is found out by reading, whether it was applied or not", "[router][S1]") {
  for (const auto applied : {journal::Applied::yes, journal::Applied::no}) {
    Bench bench;
    bench.start();
    bench.open();
    bench.run();
    bench.store.fail_next_commits(1, applied);
    bench.append(MessageReceived{Bench::message(1)});
    bench.run();
    CHECK(bench.router->status().phase == router::Phase::routing);
    CHECK(bench.router->engine().conversations(10).size() == 1);
    CHECK(bench.store.load_meta(0).value()->digest == bench.router->engine().state_hash());
    CHECK(bench.desk.all<engine::OfferFrame>().size() + bench.desk.all<engine::WelcomeFrame>().size() >= 2);
  }
}

TEST_CASE("S1: a router whose partition was taken writes nothing more", "[router][S1][O1]") {
  Bench bench;
  bench.start();
  bench.open();
  bench.run();
  auto old = std::move(bench.router);
  bench.start();
  bench.run();
  const auto after = bench.store.load_meta(0).value();
  bench.append(MessageReceived{Bench::message(1)});
  for (int i = 0; i < 100; ++i) old->pump();
  CHECK(old->status().phase == router::Phase::stopped);
  CHECK(bench.store.load_meta(0).value() == after);
  bench.run();
  CHECK(bench.router->status().phase == router::Phase::routing);
  CHECK(bench.router->engine().owner() == RouterId{"r2"});
}

TEST_CASE("a restart goes on exactly where the last one stopped", "[router]") {
  Bench bench;
  bench.start();
  const auto offer = bench.answered();
  const auto before = bench.router->engine().serialize();
  bench.start();
  bench.run();
  CHECK(bench.router->engine().conversation(offer.conversation.id)->state == engine::ConversationState::assigned);
  CHECK(bench.all(Stream::outbound).size() == 1);
  CHECK(bench.desk.all<engine::WelcomeFrame>().back().conversations.size() == 1);
}

TEST_CASE("J2: a journal that is not the one the state came from is refused", "[router][J2]") {
  Bench bench;
  bench.start();
  bench.open();
  bench.run();
  HandClock clock;
  journal::MemoryJournal other(clock);
  for (int i = 0; i < 20; ++i) other.append(Stream::inbound, 0, {"x", "usher.tick.v1", "{\"v\":1}"}, [](auto) {});
  router::Router router({0, RouterId{"r9"}, 0}, {other, bench.store, bench.desk, bench.clock});
  for (int i = 0; i < 50; ++i) router.pump();
  CHECK(router.status().phase == router::Phase::failed);
  CHECK(router.status().reason.find("journal") != std::string::npos);
}

TEST_CASE("J2: a journal that has lost what the state applied is refused, never skipped", "[router][J2]") {
  Bench bench;
  bench.start();
  bench.open();
  bench.run();
  bench.journal.erase_before(Stream::inbound, 0, bench.journal.bounds(Stream::inbound, 0)->end);
  bench.start();
  bench.run();
  CHECK(bench.router->status().phase == router::Phase::failed);
}

TEST_CASE("S2: tracked state that does not add up is refused", "[router][S2]") {
  Bench bench;
  bench.start();
  bench.open();
  bench.run();
  auto meta = bench.store.load_meta(0).value().value();
  state::Commit damage;
  damage.before = meta.position;
  damage.after = meta;
  damage.changes = {{"agent", "ana", std::nullopt}};  // An entity is gone, the digest stays.
  bench.store.commit(damage, [](auto) {});
  bench.start();
  bench.run();
  CHECK(bench.router->status().phase == router::Phase::failed);
  CHECK(bench.router->status().reason.find("damaged") != std::string::npos);
}

TEST_CASE("S4: a flood is cut into batches and all of it is applied", "[router][S4]") {
  Bench bench;
  bench.start(16);
  bench.open();
  bench.run();
  for (std::uint64_t n = 1; n <= 200; ++n) bench.append(MessageReceived{Bench::message(n)});
  bench.run();
  CHECK(bench.router->engine().conversations(1000).size() == 200);
  CHECK(bench.router->status().commits >= 200 / 16);
}

TEST_CASE("E1: effects leave in the order of what caused them, each with its position as id", "[router][E1]") {
  for (const bool publish : {true, false}) {
    Bench bench(Delivering::at_once, publish);
    bench.start();
    bench.answered();
    std::pair<long, long> last{-1, -1};
    for (const auto& record : bench.all(Stream::events)) {
      long offset = 0, index = 0;
      REQUIRE(std::sscanf(record.entry.id.c_str(), "0/%ld/%ld", &offset, &index) == 2);
      CHECK(std::pair(offset, index) > last);
      last = {offset, index};
    }
    REQUIRE(bench.all(Stream::outbound).size() == 1);
    const auto json = boost::json::parse(bench.all(Stream::outbound)[0].entry.value).as_object();
    CHECK(json.at("text").as_string() == "On its way.");
    CHECK(json.at("author_name").as_string() == "Ana");
    CHECK(json.at("attempt").as_int64() == 1);
  }
}

TEST_CASE("E3: the outbox is trimmed once its effects are out, and sent after a crash if they were not", "[router][E3]") {
  Bench bench(Delivering::at_once, false);
  bench.start();
  bench.open();
  bench.run();
  // The commit succeeds, then the process dies before anything is published.
  bench.journal.fail_next_appends(0, journal::Applied::no);
  bench.append(MessageReceived{Bench::message(1)});
  bench.router->pump();
  const auto queued = bench.store.load(0).value().outbox.size();
  bench.start();
  bench.run();
  CHECK(queued >= 1);
  CHECK(bench.all(Stream::events).size() >= 1);
  bench.append(MessageReceived{Bench::message(2)});
  bench.run();
  bench.append(Tick{});
  bench.run();
  CHECK(bench.store.load(0).value().outbox.size() <= 1);
  std::set<std::string> ids;
  for (const auto& record : bench.all(Stream::events)) CHECK(ids.insert(record.entry.id).second);
}

TEST_CASE("E4, E5: a second attempt carries the same reply id and text", "[router][E4][E5]") {
  Bench bench;
  bench.start();
  bench.answered();
  const auto first = boost::json::parse(bench.all(Stream::outbound).at(0).entry.value).as_object();
  const auto reply = MessageId::parse(std::string(first.at("reply").as_string())).value();
  bench.append(DeliveryReported{reply, 1, DeliveryState::deferred, "503", {}});
  bench.run();
  for (int i = 0; i < 12; ++i) {
    bench.clock.pass(1s);
    bench.run();
  }
  const auto out = bench.all(Stream::outbound);
  REQUIRE(out.size() == 2);
  const auto second = boost::json::parse(out[1].entry.value).as_object();
  CHECK(second.at("reply") == first.at("reply"));
  CHECK(second.at("text") == first.at("text"));
  CHECK(second.at("attempt").as_int64() == 2);
}

TEST_CASE("X1: a record that cannot be read goes to the dead letters with its bytes, and the rest moves on", "[router][X1]") {
  Bench bench;
  bench.start();
  bench.open();
  const std::string poison("\xff\x00{not json", 11);
  bench.journal.append(Stream::inbound, 0, {"id", "usher.message.received.v1", poison}, [](auto) {});
  bench.journal.append(Stream::inbound, 0, {"id", "usher.future.v9", "{}"}, [](auto) {});
  bench.append(MessageReceived{Bench::message(1)});
  bench.run();
  const auto dead = bench.all(Stream::dead_letters);
  REQUIRE(dead.size() == 2);
  CHECK(boost::json::parse(dead[0].entry.value).as_object().at("value_base64").as_string() == "/wB7bm90IGpzb24=");
  CHECK(bench.router->engine().conversations(10).size() == 1);
  CHECK(bench.router->status().dead_letters == 2);
}

TEST_CASE("X1: a record announced by three starts that died on it is skipped by the fourth", "[router][X1]") {
  Bench bench;
  bench.start();
  bench.open();
  bench.run();
  bench.router.reset();
  bench.append(MessageReceived{Bench::message(1)});
  const auto poison = bench.journal.bounds(Stream::inbound, 0)->end - 1;
  const auto stored = bench.store.load_meta(0).value()->position.offset;
  // What starts leave behind that crash while applying this record: begun, announced, dead.
  const auto control = [&](const char* type, Offset offset) {
    bench.journal.append(Stream::control, 0, {type, type, "{\"offset\":" + std::to_string(offset) + "}"}, [](auto) {});
  };
  (void)bench.store.count_attempt(0, stored);
  for (int crash = 0; crash < 3; ++crash) {
    (void)bench.store.count_attempt(0, stored);
    control("usher.control.begin.v1", stored);
    for (auto offset = stored + 1; offset <= poison; ++offset) control("usher.control.attempt.v1", offset);
  }
  bench.start();
  bench.run();
  CHECK(bench.router->status().phase == router::Phase::routing);
  CHECK(bench.router->engine().conversations(10).empty());
  REQUIRE(bench.all(Stream::dead_letters).size() == 1);
  bool skipped = false;
  for (const auto& record : bench.all(Stream::control)) skipped = skipped || record.entry.type == "usher.control.skip.v1";
  CHECK(skipped);
}

TEST_CASE("X1: restarts that are no crash never skip a record", "[router][X1]") {
  Bench bench;
  for (int start = 0; start < 10; ++start) {
    bench.start();
    bench.append(start == 0 ? Record{PolicyActivated{Bench::policy(), ""}}
                            : Record{MessageReceived{Bench::message(static_cast<std::uint64_t>(start))}});
    bench.run();
  }
  CHECK(bench.router->engine().conversations(100).size() == 9);
  CHECK(bench.all(Stream::dead_letters).empty());
}

TEST_CASE("J4: one tick is in flight, and timers go on while the wall clock is set back", "[router][J4]") {
  Bench bench;
  bench.start();
  bench.open();
  bench.append(MessageReceived{Bench::message(1)});
  bench.run();
  bench.clock.now -= 1h;
  for (int i = 0; i < 31; ++i) {
    bench.clock.pass(1s);
    bench.run();
  }
  CHECK(bench.desk.all<engine::OfferRevokedFrame>().size() == 1);
  int ticks = 0;
  for (const auto& record : bench.all(Stream::inbound)) ticks += record.entry.type == "usher.tick.v1";
  CHECK(ticks <= 3);
}

TEST_CASE("while the journal cannot be read the router waits and says why", "[router]") {
  Bench bench;
  bench.start();
  bench.open();
  bench.run();
  bench.journal.fail_next_reads(1);
  bench.append(MessageReceived{Bench::message(1)});
  bench.router->pump();
  CHECK(bench.router->status().phase == router::Phase::paused);
  CHECK_FALSE(bench.router->status().reason.empty());
  bench.run();
  CHECK(bench.router->status().phase == router::Phase::routing);
  CHECK(bench.router->engine().conversations(10).size() == 1);
}

TEST_CASE("changes of a batch collapse to the last of each entity, behind a dropped table", "[router]") {
  router::Batch batch;
  batch.add_changes({{"t", "a", "1"}, {"t", "b", "1"}, {"t", "a", "2"}});
  batch.add_changes({{"t", "*", std::nullopt}, {"t", "a", "3"}});
  const auto changes = batch.take_changes();
  REQUIRE(changes.size() == 4);
  CHECK(changes[0] == engine::Change{"t", "a", "2"});
  CHECK(changes[3] == engine::Change{"t", "a", "3"});
}

TEST_CASE("a body of ours is read back as it was written", "[router]") {
  const router::Written written{{1, 2}, {3, 4}, true, AgentId{"ana"}, "Ana", "a\n\"b\"", from_unix_ms(1'790'000'000'123)};
  const auto read = router::read_body(router::body_json(written)).value();
  CHECK(read.text == written.text);
  CHECK(read.note);
  CHECK(read.written_at == written.written_at);
  CHECK_FALSE(router::read_body("{}").has_value());
}
