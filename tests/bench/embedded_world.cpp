// See embedded_world.hpp.
#include "tests/bench/embedded_world.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>

#include "routing/message/wire.hpp"
#include "tests/bench/raw_commits.hpp"

namespace usher::bench {

namespace {

// Waits for moments in time; a descriptor, since its wake-up is exact and its wait costs no processor.
class Pace {
 public:
  Pace() : descriptor_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)) {
    if (descriptor_ < 0) give_up("timerfd_create failed");
  }
  ~Pace() { ::close(descriptor_); }
  Pace(const Pace&) = delete;
  Pace& operator=(const Pace&) = delete;

  // Steady::now() counts CLOCK_MONOTONIC.
  void until(Steady::time_point at) {
    if (at <= Steady::now()) return;
    const auto since = at.time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
    itimerspec when{};
    when.it_value.tv_sec = seconds.count();
    when.it_value.tv_nsec = std::chrono::nanoseconds(since - seconds).count();
    std::uint64_t fired = 0;
    if (timerfd_settime(descriptor_, TFD_TIMER_ABSTIME, &when, nullptr) != 0 ||
        ::read(descriptor_, &fired, sizeof fired) != sizeof fired)
      give_up("the timer failed");
  }

 private:
  int descriptor_;
};

}  // namespace

EmbeddedWorld::EmbeddedWorld(std::filesystem::path folder, const Centre& centre, std::size_t messages, Trace* trace)
    : folder_(std::move(folder)), centre_(centre), messages_(messages), log_(messages) {
  auto opened = state::SqliteDatabase::open(folder_, clock_);
  if (!opened) give_up(opened.error().detail);
  database_ = std::move(*opened);
  journal_ = &database_->journal();
  auto* store = &database_->store();
  if (trace) {
    recording_journal_ = std::make_unique<RecordingJournal>(*journal_, *trace);
    recording_store_ = std::make_unique<RecordingStore>(*store, *recording_journal_);
    journal_ = recording_journal_.get();
    store = recording_store_.get();
  }
  router_ = std::make_unique<router::RouterThread>(router::RouterOptions{0, RouterId{"bench"}},
                                                   router::Router::Ports{*journal_, *store, log_, clock_});
  sign_in();
  ready_ = router_->status();
  // Nothing is under way now, so the writer's thread does not touch the trace.
  if (trace) trace->measured_from = trace->transactions.size();
}

EmbeddedWorld::~EmbeddedWorld() {
  router_.reset();
  database_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void EmbeddedWorld::append(Record record, const std::string& id) {
  journal_->append(journal::Stream::inbound, 0, {id, std::string(record_type(record)), encode(record)},
                   [this](const Result<journal::Appended>& done) { refused_ += done ? 0 : 1; });
}

void EmbeddedWorld::write(std::size_t number) {
  auto message = centre_.message(number);
  const auto id = message.id.text();
  append(MessageReceived{std::move(message)}, id);
}

void EmbeddedWorld::sign_in() {
  append(PolicyActivated{centre_.policy(), ""}, "policy");
  for (const auto& agent : centre_.policy().agents) {
    const SessionId session{agent.id.text()};
    append(SessionOpened{agent.id, session, GatewayId{"desk"}}, "session");
    append(CommandIssued{agent.id, session, CommandId{"available"}, SetPresence{Presence::available, {}}}, "presence");
  }
  log_.wait_for_agents(centre_.policy().agents.size());
}

double EmbeddedWorld::run_closed(std::size_t window) {
  // Goes on once half of the window is free: a wake-up for every single message would be part of the figure.
  const auto half = std::max<std::size_t>(1, window / 2);
  const auto begin = Steady::now();
  for (std::size_t number = 0; number < messages_; ++number) {
    if (number % half == 0 && number >= window) log_.wait_for_offers(number - (window - half));
    write(number);
  }
  log_.wait_for_offers(messages_);
  return static_cast<double>(messages_) / seconds_since(begin);
}

std::vector<double> EmbeddedWorld::run_open(double per_second) {
  Pace pace;
  const auto begin = Steady::now();
  const auto due = [&](std::size_t number) {
    return begin + std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(number) * 1e9 / per_second));
  };
  for (std::size_t number = 0; number < messages_; ++number) {
    pace.until(due(number));
    write(number);
  }
  log_.wait_for_offers(messages_);
  std::vector<double> taken;
  taken.reserve(messages_);
  for (std::size_t number = 0; number < messages_; ++number)
    taken.push_back(std::chrono::duration<double, std::nano>(log_.offered()[number].at - due(number)).count());
  return taken;
}

double EmbeddedWorld::messages_per_commit() const {
  const auto now = router_->status();
  return static_cast<double>(now.records - ready_.records) / static_cast<double>(std::max<std::uint64_t>(1, now.commits - ready_.commits));
}

void EmbeddedWorld::audit() {
  router_->stop();
  if (refused_ != 0) give_up(std::to_string(refused_) + " appends were refused");
  if (log_.strangers() != 0) give_up("offers of unknown messages");
  for (std::size_t number = 0; number < messages_; ++number) {
    const auto& one = log_.offered()[number];
    if (one.times != 1) give_up("message " + std::to_string(number) + " was offered " + std::to_string(one.times) + " times");
    if (!centre_.serves(one.agent, number)) give_up("message " + std::to_string(number) + " went to " + one.agent.text());
  }
  const auto loaded = database_->store().load(0);
  if (!loaded) give_up(loaded.error().detail);
  const auto engine = engine::Engine::restore(loaded->entities);
  if (!engine) give_up(engine.error().detail);
  if (engine->state_hash() != loaded->meta.digest) give_up("the stored state is not what its digest says");
  if (const auto broken = engine->broken_rule()) give_up("the stored state breaks a rule: " + *broken);
  const auto stored = engine->conversations(messages_ + 1);
  if (stored.size() != messages_) give_up("the store has " + std::to_string(stored.size()) + " conversations");
  for (const auto& one : stored) {
    const auto& offered = log_.offered().at(Centre::number_of(one.last_from_customer));
    if (one.state != engine::ConversationState::offered || one.agent != offered.agent) give_up("the store knows of another offer");
  }
}

std::map<std::string, std::int64_t> EmbeddedWorld::close_and_count() {
  router_.reset();
  database_.reset();
  auto rows = count_rows(folder_);
  if (rows["bodies"] != static_cast<std::int64_t>(messages_)) give_up("a message's text is missing, or is there twice");
  return rows;
}

}  // namespace usher::bench
