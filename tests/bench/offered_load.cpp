// See offered_load.hpp.
#include "tests/bench/offered_load.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>

#include "routing/engine/engine.hpp"
#include "routing/message/wire.hpp"

namespace usher::bench {

constexpr auto least_sleep = std::chrono::microseconds(250);

Pace::Pace() : descriptor_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)) {
  if (descriptor_ < 0) give_up("timerfd_create failed");
}

Pace::~Pace() { ::close(descriptor_); }

// Steady::now() counts CLOCK_MONOTONIC. What is due during the shortest sleep is late by as much, which its latency counts: a timer
// for every single message takes as much processor time as the message does.
void Pace::until(Steady::time_point at) {
  const auto now = Steady::now();
  if (at <= now) return;
  const auto since = std::max(at, now + least_sleep).time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
  itimerspec when{};
  when.it_value.tv_sec = seconds.count();
  when.it_value.tv_nsec = std::chrono::nanoseconds(since - seconds).count();
  std::uint64_t fired = 0;
  if (timerfd_settime(descriptor_, TFD_TIMER_ABSTIME, &when, nullptr) != 0 ||
      ::read(descriptor_, &fired, sizeof fired) != sizeof fired)
    give_up("the timer failed");
}

journal::Entry entry_of(const Centre& centre, std::size_t number) {
  auto message = centre.message(number);
  auto id = message.id.text();
  const Record record = MessageReceived{std::move(message)};
  return {std::move(id), std::string(record_type(record)), encode(record)};
}

OfferedLoad::OfferedLoad(journal::Journal& journal, OfferLog& log, const Centre& centre, std::size_t messages)
    : journal_(journal), log_(log), centre_(centre), messages_(messages) {}

void OfferedLoad::append(journal::Entry entry) {
  journal_.append(journal::Stream::inbound, 0, std::move(entry),
                  [this](const Result<journal::Appended>& done) { refused_ += done ? 0 : 1; });
}

void OfferedLoad::append(Record record, const std::string& id) {
  append(journal::Entry{id, std::string(record_type(record)), encode(record)});
}

void OfferedLoad::write(std::size_t number) {
  append(number < made_.size() ? std::move(made_[number]) : entry_of(centre_, number));
}

void OfferedLoad::make_records() {
  made_.reserve(messages_);
  for (std::size_t number = 0; number < messages_; ++number) made_.push_back(entry_of(centre_, number));
}

void OfferedLoad::sign_in() {
  append(PolicyActivated{centre_.policy(), ""}, "policy");
  for (const auto& agent : centre_.policy().agents) {
    const SessionId session{agent.id.text()};
    append(SessionOpened{agent.id, session, GatewayId{"desk"}}, "session");
    append(CommandIssued{agent.id, session, CommandId{"available"}, SetPresence{Presence::available, {}}}, "presence");
  }
  log_.wait_for_agents(centre_.policy().agents.size());
}

double OfferedLoad::run_closed(std::size_t window) {
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

std::vector<double> OfferedLoad::run_open(double per_second) {
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

void OfferedLoad::audit_offers() const {
  if (refused_ != 0) give_up(std::to_string(refused_) + " appends were refused");
  if (log_.strangers() != 0) give_up("offers of unknown messages");
  for (std::size_t number = 0; number < messages_; ++number) {
    const auto& one = log_.offered()[number];
    if (one.times != 1) give_up("message " + std::to_string(number) + " was offered " + std::to_string(one.times) + " times");
    if (!centre_.serves(one.agent, number)) give_up("message " + std::to_string(number) + " went to " + one.agent.text());
  }
}

void OfferedLoad::audit(state::StateStore& store) const {
  audit_offers();
  const auto loaded = store.load(0);
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

}  // namespace usher::bench
