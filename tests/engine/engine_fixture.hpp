// A small contact centre for engine tests: records in, steps out, time moved by hand.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "routing/engine/engine.hpp"

namespace usher::engine::test {

inline const ConnectorId form{"contact"};

struct Centre {
  Engine engine;
  Offset offset = 0;
  Instant now = from_unix_ms(1'790'000'000'000);
  int commands = 0;
  std::string policy_parent;
  std::vector<Step> steps;

  static Policy policy() {
    Policy p;
    p.tenant = TenantId{"acme"};
    p.queues = {{QueueId{"support"}, {}, Urgency::normal, Milliseconds{0}},
                {QueueId{"billing"}, {{SkillId{"billing"}, 2}}, Urgency::normal, Milliseconds{0}},
                {QueueId{"alarm"}, {}, Urgency::critical, Milliseconds{60'000}}};
    p.default_queue = QueueId{"support"};
    p.rules.push_back({"bills", {}, {}, "bill", {}, QueueId{"billing"}, {}, {}});
    p.rules.push_back({"alarms", {}, {}, "alarm", {}, QueueId{"alarm"}, {}, {}});
    p.rules.push_back({"french", {}, {}, {}, "fr", {}, {}, {{SkillId{"french"}, 3}}});
    p.agents = {{AgentId{"ana"}, "Ana", {{SkillId{"billing"}, 5}}, {}, 1, 1},
                {AgentId{"ben"}, "Ben", {{SkillId{"french"}, 4}}, {}, 1, 1},
                {AgentId{"cem"}, "Cem", {}, {{"webform", 2}}, 0, 2}};
    return p;
  }

  Centre() : Centre(policy()) {}
  explicit Centre(const Policy& p) {
    apply(Claimed{offset_none, RouterId{"r1"}, engine_version});
    activate(p);
  }

  const Step& apply(Record record) {
    // A twin restored from the tracked state must do the very same: the state holds all that matters.
    auto twin = Engine::restore(engine.serialize());
    REQUIRE(twin.has_value());
    const Arrival arrival{0, ++offset, now, std::move(record)};
    steps.push_back(engine.apply(arrival));
    const auto same = twin->apply(arrival);
    REQUIRE(same.changes == steps.back().changes);
    REQUIRE(same.frames.size() == steps.back().frames.size());
    REQUIRE(same.effects.size() == steps.back().effects.size());
    REQUIRE(twin->serialize() == engine.serialize());
    REQUIRE(twin->next_deadline() == engine.next_deadline());
    const auto broken = engine.broken_rule();
    INFO(broken.value_or(""));
    REQUIRE_FALSE(broken);
    return steps.back();
  }
  const Step& activate(const Policy& p) {
    const auto parent = policy_parent;
    policy_parent = message::policy_hash(p);
    return apply(PolicyActivated{p, parent});
  }
  // Lets time pass; the tick comes when the engine asks for it.
  void pass(Milliseconds time) {
    const auto end = now + time;
    while (engine.next_deadline() && *engine.next_deadline() <= end) {
      now = std::max(now, *engine.next_deadline());
      apply(Tick{});
    }
    now = end;
  }

  static Message message(std::uint64_t n) {
    Message m;
    m.id = {1, n};
    m.tenant = TenantId{"acme"};
    m.connector = form;
    m.channel = "webform";
    m.text = "text " + std::to_string(n);
    return m;
  }
  // Returns the conversation.
  ConversationId write(std::uint64_t n, const std::string& label = {}, const std::string& language = {}) {
    auto m = message(n);
    if (!label.empty()) m.labels = {label};
    if (!language.empty()) m.language = language;
    apply(MessageReceived{m});
    return engine.conversation_of({1, n})->id;
  }
  ConversationId follow_up(std::uint64_t n, std::uint64_t of) {
    auto m = message(n);
    m.thread.token = MessageId{1, of};
    apply(MessageReceived{m});
    return engine.conversation_of({1, n})->id;
  }

  static SessionId session(const std::string& agent) { return SessionId{agent + "-tab"}; }
  void sign_in(const std::string& agent, Presence presence = Presence::available) {
    apply(SessionOpened{AgentId{agent}, session(agent), GatewayId{"desk"}});
    command(agent, SetPresence{presence, {}});
  }
  // The outcome's code: "" is ok.
  std::string command(const std::string& agent, Command what, const std::string& id = {}) {
    const auto name = id.empty() ? "c" + std::to_string(++commands) : id;
    const auto& step = apply(CommandIssued{AgentId{agent}, session(agent), CommandId{name}, std::move(what)});
    for (const auto& frame : step.frames)
      if (const auto* outcome = std::get_if<OutcomeFrame>(&frame.frame); outcome && outcome->command.text() == name)
        return outcome->code;
    return "no outcome";
  }
  ConversationView view(ConversationId id) const { return engine.conversation(id).value(); }
  std::string where(ConversationId id) const {
    const auto c = engine.conversation(id);
    if (!c) return "forgotten";
    return std::string(state_name(c->state)) + (c->agent ? " " + c->agent->text() : "");
  }
  OfferId offer(ConversationId id) const { return view(id).offer.value(); }
  std::string accept(ConversationId id) { return command(view(id).agent.value().text(), Accept{offer(id)}); }

  template <class F>
  std::vector<F> frames(const std::string& agent) const {
    std::vector<F> out;
    for (const auto& step : steps)
      for (const auto& frame : step.frames)
        if (const auto* one = std::get_if<F>(&frame.frame); one && frame.agent.text() == agent) out.push_back(*one);
    return out;
  }
  template <class E>
  std::vector<E> effects() const {
    std::vector<E> out;
    for (const auto& step : steps)
      for (const auto& effect : step.effects)
        if (const auto* one = std::get_if<E>(&effect)) out.push_back(*one);
    return out;
  }
};

}  // namespace usher::engine::test
