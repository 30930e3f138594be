// The run of a seed: what happens next, and what goes wrong.
#include "tests/simulation/world.hpp"

#include "routing/message/wire.hpp"

namespace usher::simulation {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds step_longest{900};
constexpr Milliseconds calm_time{20 * 60'000};
constexpr Milliseconds cap_time{limits::mails_calling_within};

}  // namespace

World::World(std::uint64_t seed)
    : random_(seed),
      journal_(clock_, journal::Delivering::by_hand),
      store_(journal::Delivering::by_hand, seed % 2 == 0 ? &journal_ : nullptr),
      robot_(seed % 8 == 5 || seed % 8 == 6),
      server_(seed % 2 != 0) {
  if (!server_ && seed % 8 != 2) journal_.give_early();
  if (server_) {
    router::SnapshotOptions options;
    options.every = Milliseconds{120'000 + static_cast<std::int64_t>(pick(300'000))};
    options.owning = [] { return true; };
    options.ours = [this](const RouterId& owner) {
      for (const auto& running : routers_)
        if (running.router->has_engine() && running.router->status().phase == router::Phase::routing &&
            running.router->engine().owner() == owner)
          return true;
      return false;
    };
    snapshots_ = std::make_unique<router::SnapshotRound>(options, journal_, store_, clock_, std::make_shared<router::Mailbox>());
  }
  start_router();
  activate_policy();
  settle(1s);
  for (const auto* name : {"ana", "ben", "cem", "dia"}) {
    auto& client = clients_[AgentId{name}];
    client.id = AgentId{name};
    client.diligent = client.id.text() != "dia" || chance(50);
  }
}

void World::run(int steps) {
  for (int i = 0; i < steps; ++i) {
    step();
    if (i % 64 == 0) audit_running();
  }
  calm_ = true;
  lease_lies_ = false;
  settle(calm_time);
  if (harmed_at_ && !whole()) {  // What no commit runs into is found by whoever loads next.
    routers_.clear();
    start_router();
    settle(calm_time);
    const auto shown = routers_.back().router->status();
    must(whole(), "a harmed store was not mended: the router is " + std::string(router::phase_name(shown.phase)) + " at " +
                      std::to_string(shown.committed) + " of " + std::to_string(followed_) + "; " + shown.reason);
  }
  audit_state();
  audit_running();
  audit_offers_end();
  everybody_works();
  settle(robot_ ? calm_time + cap_time : calm_time);
  audit_state();
  audit_end();
}

void World::start_router() {
  router::RouterOptions options;
  options.id = RouterId{"router-" + std::to_string(++routers_started_)};
  options.batch_records_max = 1 + pick(40);
  if (server_) {
    options.snapshots = true;
    options.engine_version = version_;
    options.may_claim = [this, name = options.id.text()] { return may_claim(name); };
    options.live_gateways = [this] { return std::optional(std::set<GatewayId>{gateway_}); };
  }
  routers_.push_back({std::make_unique<router::Router>(options, router::Router::Ports{journal_, store_, *this, clock_}), false});
}

// A lease by the store's clock: whoever asks first after it ran out has it.
bool World::may_claim(const std::string& name) {
  if (lease_lies_) return true;
  if (lease_until_ <= clock_.steady()) lease_holder_ = name;
  if (lease_holder_ != name) return false;
  lease_until_ = clock_.steady() + Milliseconds{2'000};
  return true;
}

void World::step() {
  clock_.pass(Milliseconds{pick(static_cast<std::uint64_t>(step_longest.count()))});
  customers_act();
  agents_act();
  egress_acts();
  if (!calm_ && chance(4)) nemesis();
  deliver_some();
  pump_some();
}

void World::deliver_some() {
  for (auto events = pick(12); events > 0; --events) {
    if (chance(60)) journal_.deliver_one();
    else store_.deliver_one();
  }
}

void World::pump_some() {
  for (auto& running : routers_)
    if (!running.asleep) running.router->pump();
  if (snapshots_) static_cast<void>(snapshots_->pump());
}

void World::nemesis() {
  if (server_ && chance(40)) return server_nemesis();
  switch (pick(9)) {
    case 0:
    case 1: return crash();
    case 2: return journal_.fail_next_appends(1 + static_cast<int>(pick(3)), chance(50) ? journal::Applied::yes : journal::Applied::no);
    case 3: return store_.fail_next_commits(1 + static_cast<int>(pick(2)), chance(50) ? journal::Applied::yes : journal::Applied::no);
    case 4: return store_.fail_next_calls(1 + static_cast<int>(pick(3)));
    case 5: return journal_.fail_next_reads(1 + static_cast<int>(pick(3)));
    case 6: return clock_.step_wall(Milliseconds{static_cast<std::int64_t>(pick(7'200'000)) - 3'600'000});
    case 7:
      // A second router by mistake, while the first is paused past its lease and then wakes up. One that has not settled
      // announces its attempts, and two of those at once would take each other for crashes (decision 0013).
      if (routers_.back().router->status().phase != router::Phase::routing) return;
      routers_.back().asleep = chance(70);
      start_router();
      return;
    default:
      if (chance(30)) activate_policy();
      for (auto& running : routers_) running.asleep = false;
  }
}

// The process dies between two events: what was not yet made durable never will be, and nobody hears another word.
void World::crash() {
  ++crashes_;
  routers_.clear();
  journal_.crash();
  store_.crash();
  audit_state();
  start_router();
  if (server_) return;  // The gateway is a process of its own.
  for (auto& [id, client] : clients_) {
    client.connected = false;
    client.welcomed = false;
  }
  append(GatewayLost{gateway_});
}

void World::server_nemesis() {
  switch (pick(7)) {
    case 0:
    case 1: return lose_store();
    case 2: return store_.keep();
    case 3: lease_lies_ = chance(30); return;
    case 4: return lose_gateway();
    case 5: return change_version();
    default:
      if (routers_.size() < 3 && routers_.back().router->status().phase == router::Phase::routing) start_router();
  }
}

void World::lose_store() {
  follow();
  if (!harmed_at_) harmed_at_ = followed_;
  epoch_seen_ = offset_none;
  switch (pick(3)) {
    case 0: return store_.wipe();
    case 1: return store_.restore();
    default: break;
  }
  const auto which = pick(1'000'000);
  if (which % 4 != 3 || !store_.lose_outbox(0)) store_.damage(0, which);
}

// It dies without a word; agents sign in at another one.
void World::lose_gateway() {
  gateway_ = GatewayId{"desk-" + std::to_string(++gateways_)};
  for (auto& [id, client] : clients_) client.connected = client.welcomed = false;
}

// Rule O3. Not while the store is harmed: without store and without an orderly end, another version rightly refuses.
void World::change_version() {
  if (harmed_at_ && !whole()) return;
  routers_.clear();
  version_ = engine::engine_version + static_cast<int>(pick(2));
  lease_until_ = {};
  lease_lies_ = false;
  start_router();
  settle(Milliseconds{30'000});
}

// Runs without new trouble until `time` has passed and nothing is left to happen.
void World::settle(Milliseconds time) {
  for (auto& running : routers_) running.asleep = false;
  const auto rounds = 400;
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < 5000; ++i) {
      const bool busy = journal_.deliver_one() | store_.deliver_one();
      pump_some();
      if (!busy && i > 3) break;
    }
    if (calm_) agents_act();
    if (calm_ && robot_ && robots_last_ > 0) --robots_last_, robot_acts();
    egress_acts();
    clock_.pass(time / rounds);
  }
}

void World::append(Record record, std::function<void(bool)> done) {
  journal_.append(journal::Stream::inbound, 0, {"x", std::string(record_type(record)), encode(record)},
                  [done = std::move(done)](const Result<journal::Appended>& appended) { if (done) done(appended.has_value()); });
}

Policy World::make_policy() {
  Policy p;
  p.tenant = TenantId{"acme"};
  p.queues = {{QueueId{"support"}, {}, Urgency::normal, Milliseconds{0}},
              {QueueId{"billing"}, {{SkillId{"billing"}, 2}}, Urgency::normal, Milliseconds{120'000}},
              {QueueId{"alarm"}, {}, Urgency::critical, Milliseconds{60'000}}};
  p.default_queue = QueueId{"support"};
  p.rules.push_back({"bills", {}, {}, "bill", {}, QueueId{"billing"}, {}, {}});
  p.rules.push_back({"alarms", {}, {}, "alarm", {}, QueueId{"alarm"}, {}, {}});
  p.rules.push_back({"french", {}, {}, {}, "fr", {}, {}, {{SkillId{"french"}, 2}}});
  const auto level = [&] { return 1 + static_cast<int>(pick(5)); };
  // Ana can do everything, so nothing is unmatchable for ever.
  p.agents = {{AgentId{"ana"}, "Ana", {{SkillId{"billing"}, 5}, {SkillId{"french"}, 5}}, {}, 3, 3},
              {AgentId{"ben"}, "Ben", {{SkillId{"french"}, level()}}, {}, 2, 2},
              {AgentId{"cem"}, "Cem", {}, {{"webform", 2}}, 1, 2},
              {AgentId{"dia"}, "Dia", {{SkillId{"billing"}, level()}}, {}, 1 + static_cast<int>(pick(3)), 3}};
  p.times.wrap_up = chance(50) ? Milliseconds{0} : Milliseconds{20'000};
  p.times.decline_memory = Milliseconds{60'000};
  if (chance(20)) p.times.reopen_within = Milliseconds{300'000};
  p.urgency_step = Milliseconds{chance(50) ? 600'000 : 60'000};
  p.missed_offers_max = 2 + static_cast<int>(pick(2));
  return p;
}

void World::activate_policy() {
  auto fresh = make_policy();
  const auto parent = policy_ ? message::policy_hash(*policy_) : "";
  append(PolicyActivated{fresh, parent}, [this, fresh](bool good) { if (good) policy_ = fresh; });
}

}  // namespace usher::simulation
