// The journey through the engine: queueing, offers, answers, and who gets what.
#include "tests/engine/engine_fixture.hpp"

using namespace usher::engine;
using namespace usher::engine::test;
using namespace std::chrono_literals;

TEST_CASE("a message goes to an agent with the required skill, and to no other", "[engine]") {
  Centre centre;
  centre.sign_in("cem");
  const auto id = centre.write(1, "bill");
  CHECK(centre.where(id) == "waiting");
  centre.sign_in("ana");
  CHECK(centre.where(id) == "offered ana");
}

TEST_CASE("a skill below the required level does not count", "[engine]") {
  auto policy = Centre::policy();
  policy.agents[0].skills[0].level = 1;
  Centre centre(policy);
  centre.sign_in("ana");
  CHECK(centre.where(centre.write(1, "bill")) == "waiting");
}

TEST_CASE("the urgent one is offered first although it came last", "[engine]") {
  Centre centre;
  const auto normal = centre.write(1);
  centre.now += 1s;
  const auto urgent = centre.write(2, "alarm");
  centre.sign_in("ana");
  CHECK(centre.where(urgent) == "offered ana");
  CHECK(centre.where(normal) == "waiting");
}

TEST_CASE("urgency is worth a bounded wait, so that nothing starves", "[engine]") {
  Centre centre;
  const auto normal = centre.write(1);
  centre.now += 21min;  // More than two steps of ten minutes.
  const auto urgent = centre.write(2, "alarm");
  centre.sign_in("ana");
  CHECK(centre.where(normal) == "offered ana");
  CHECK(centre.where(urgent) == "waiting");
}

TEST_CASE("an item that nobody may serve is reported and blocks nobody", "[engine]") {
  Centre centre;
  auto m = Centre::message(1);
  m.labels = {"bill"};
  m.language = "fr";  // Billing and French: nobody has both.
  centre.apply(MessageReceived{m});
  bool reported = false;
  for (const auto& event : centre.effects<Happened>()) reported = reported || event.type == "usher.work.unmatchable.v1";
  CHECK(reported);
  const auto behind = centre.write(2, "bill");
  centre.sign_in("ana");
  CHECK(centre.where(behind) == "offered ana");
}

TEST_CASE("the least loaded, then the most proficient, then the longest idle is asked", "[engine]") {
  auto policy = Centre::policy();
  policy.agents = {{AgentId{"a"}, "A", {{SkillId{"billing"}, 3}}, {}, 2, 2},
                   {AgentId{"b"}, "B", {{SkillId{"billing"}, 5}}, {}, 2, 2},
                   {AgentId{"c"}, "C", {{SkillId{"billing"}, 3}}, {}, 2, 2}};
  Centre centre(policy);
  for (const auto* name : {"c", "a", "b"}) {
    centre.sign_in(name);
    centre.now += 1s;
  }
  CHECK(centre.where(centre.write(1, "bill")) == "offered b");  // Best skill among the equally loaded.
  CHECK(centre.where(centre.write(2, "bill")) == "offered c");  // Longest idle.
  CHECK(centre.where(centre.write(3, "bill")) == "offered a");
}

TEST_CASE("capacity holds by channel and in total", "[engine]") {
  auto policy = Centre::policy();
  policy.agents = {{AgentId{"ana"}, "Ana", {}, {{"webform", 2}, {"http", 2}}, 0, 3}};
  Centre centre(policy);
  centre.sign_in("ana");
  CHECK(centre.where(centre.write(1)) == "offered ana");
  CHECK(centre.where(centre.write(2)) == "offered ana");
  CHECK(centre.where(centre.write(3)) == "waiting");
  auto m = Centre::message(4);
  m.channel = "http";
  centre.apply(MessageReceived{m});
  CHECK(centre.where(centre.engine.conversation_of({1, 4})->id) == "offered ana");
  m = Centre::message(5);
  m.channel = "http";
  centre.apply(MessageReceived{m});
  CHECK(centre.where(centre.engine.conversation_of({1, 5})->id) == "waiting");
  m = Centre::message(6);
  m.channel = "phone";  // Not named, and no capacity for others.
  centre.apply(MessageReceived{m});
  CHECK(centre.where(centre.engine.conversation_of({1, 6})->id) == "waiting");
}

TEST_CASE("an accepted offer is assigned, with the reason recorded", "[engine]") {
  Centre centre;
  centre.sign_in("ana");
  const auto id = centre.write(1, "bill");
  const auto offers = centre.frames<OfferFrame>("ana");
  REQUIRE(offers.size() == 1);
  CHECK(offers[0].offer.why.winner.agent == AgentId{"ana"});
  CHECK(offers[0].offer.why.winner.proficiency == 5);
  CHECK(offers[0].offer.why.excluded.at("skill") == 2);
  CHECK(centre.accept(id) == "");
  CHECK(centre.where(id) == "assigned ana");
  REQUIRE(centre.frames<AssignedFrame>("ana").size() == 1);
}

TEST_CASE("a reply goes out once, pinned to the customer's last message", "[engine]") {
  Centre centre;
  centre.sign_in("ana");
  const auto id = centre.write(1);
  centre.accept(id);
  CHECK(centre.command("ana", Reply{id, "Hello"}) == "");
  const auto replies = centre.effects<ReplyWanted>();
  REQUIRE(replies.size() == 1);
  CHECK(replies[0].in_reply_to == MessageId{1, 1});
  CHECK(replies[0].connector == form);
  CHECK(centre.command("ana", Reply{id, ""}) == "bad_request");
}

TEST_CASE("a customer who answers stays with the agent, in order", "[engine]") {
  Centre centre;
  centre.sign_in("ana");
  const auto id = centre.write(1);
  centre.accept(id);
  CHECK(centre.follow_up(2, 1) == id);
  CHECK(centre.follow_up(3, 1) == id);
  const auto frames = centre.frames<MessageFrame>("ana");
  REQUIRE(frames.size() == 2);
  CHECK(frames[0].message == MessageId{1, 2});
  CHECK(frames[0].sequence == 1);
  CHECK(frames[1].sequence == 2);
}

TEST_CASE("a closed conversation that its customer takes up again goes to the same agent", "[engine]") {
  Centre centre;
  centre.sign_in("ana");
  const auto id = centre.write(1);
  centre.accept(id);
  centre.sign_in("ben");
  CHECK(centre.command("ana", Close{id, "solved"}) == "");
  CHECK(centre.where(id) == "wrap_up ana");
  CHECK(centre.command("ana", WrappedUp{id}) == "");
  CHECK(centre.where(id) == "closed");
  CHECK(centre.follow_up(2, 1) == id);
  CHECK(centre.where(id) == "offered ana");
}

TEST_CASE("wrap-up holds the agent's place and ends by itself", "[engine]") {
  Centre centre;
  centre.sign_in("ana");
  const auto first = centre.write(1);
  centre.accept(first);
  centre.command("ana", Close{first, "solved"});
  const auto second = centre.write(2);
  CHECK(centre.where(second) == "waiting");
  centre.pass(2min);
  CHECK(centre.where(first) == "closed");
  CHECK(centre.where(second) == "offered ana");
}

TEST_CASE("a transfer goes to the queue's skills, or to one agent who is there", "[engine]") {
  Centre centre;
  centre.sign_in("cem");
  const auto id = centre.write(1);
  centre.accept(id);
  CHECK(centre.command("cem", Transfer{id, QueueId{"nowhere"}, {}, {}}) == "unknown_queue");
  CHECK(centre.command("cem", Transfer{id, {}, AgentId{"nobody"}, {}}) == "unknown_agent");
  CHECK(centre.command("cem", Transfer{id, {}, AgentId{"ana"}, {}}) == "wrong_state");
  centre.sign_in("ana");
  centre.sign_in("ben");
  CHECK(centre.command("cem", Transfer{id, {}, AgentId{"ben"}, "please"}) == "");
  CHECK(centre.where(id) == "offered ben");
  centre.accept(id);
  CHECK(centre.command("ben", Transfer{id, QueueId{"billing"}, {}, {}}) == "");
  CHECK(centre.where(id) == "offered ana");
  CHECK(centre.view(id).waiting_since == centre.view(id).opened_at);
}

TEST_CASE("a snoozed conversation comes back to its agent when its time has come, or its customer writes", "[engine]") {
  Centre centre;
  centre.sign_in("ana");
  const auto id = centre.write(1);
  centre.accept(id);
  CHECK(centre.command("ana", Snooze{id, centre.now - 1s}) == "bad_request");
  CHECK(centre.command("ana", Snooze{id, centre.now + 1h}) == "");
  CHECK(centre.where(id) == "snoozed");
  centre.pass(1h);
  CHECK(centre.where(id) == "offered ana");
  centre.accept(id);
  centre.command("ana", Snooze{id, centre.now + 1h});
  centre.follow_up(2, 1);
  CHECK(centre.where(id) == "offered ana");
}

TEST_CASE("what a customer waits longer than promised is reported once", "[engine]") {
  Centre centre;
  centre.write(1, "alarm");
  centre.pass(10min);
  int reports = 0;
  for (const auto& event : centre.effects<Happened>()) reports += event.type == "usher.work.overdue.v1";
  CHECK(reports == 1);
}
