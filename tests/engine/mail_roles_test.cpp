// Who is answered: a person of the conversation, and never the machine that wrote last.
#include "tests/engine/engine_fixture.hpp"

using namespace usher::engine;
using namespace usher::engine::test;

namespace {

// A conversation with Zoe, and whatever else is written in it. Ana works.
struct Talk {
  Centre centre;
  ConversationId id;
  std::uint64_t next = 1;

  Talk() { centre.sign_in("ana"); }
  MessageId take(const std::string& from, std::optional<Automated> automated = {}) {
    auto m = Centre::message(next++);
    m.channel = "email";
    m.connector = ConnectorId{"support-mail"};
    m.provider_message_id = "m" + std::to_string(next) + "@ex.org";
    m.from.identities = {{"email", from, false}};
    m.automated = automated;
    if (id != ConversationId{}) m.thread.token = MessageId{id.high, id.low};
    centre.apply(MessageReceived{m});
    id = centre.engine.conversation_of(m.id)->id;
    return m.id;
  }
  MessageId answered_by_reply() {
    if (centre.where(id) == "offered ana") centre.accept(id);
    REQUIRE(centre.where(id) == "assigned ana");
    REQUIRE(centre.command("ana", Reply{id, "Hello"}).empty());
    const auto wanted = centre.effects<ReplyWanted>().back();
    centre.apply(DeliveryReported{wanted.reply, 1, DeliveryState::sent, {}, {}});
    return wanted.in_reply_to;
  }
  void close() {
    centre.command("ana", Close{id, "solved"});
    centre.command("ana", WrappedUp{id});
    REQUIRE(centre.where(id) == "closed");
  }
  bool told(const std::string& type) const {
    const auto all = centre.effects<Happened>();
    return std::any_of(all.begin(), all.end(), [&](const Happened& one) { return one.type == type; });
  }
};

}  // namespace

TEST_CASE("a complaint about a reply of ours calls nobody and is not what the next reply answers", "[engine]") {
  Talk talk;
  const auto zoe = talk.take("zoe@ex.org");
  CHECK(talk.answered_by_reply() == zoe);
  talk.close();
  talk.take("feedback@provider.example", Automated::feedback_report);
  CHECK(talk.centre.where(talk.id) == "closed");
  CHECK(talk.centre.view(talk.id).messages == 2);
  CHECK(talk.centre.view(talk.id).last_from_customer == zoe);
  CHECK(talk.told("usher.message.complained.v1"));
}

TEST_CASE("no machine's mail is what a reply answers once a person has written", "[engine]") {
  for (const auto kind : {Automated::auto_reply, Automated::bounce, Automated::delivery_report, Automated::feedback_report, Automated::bulk}) {
    INFO(static_cast<int>(kind));
    Talk talk;
    const auto zoe = talk.take("zoe@ex.org");
    talk.take("machine@ex.net", kind);
    CHECK(talk.answered_by_reply() == zoe);
    talk.take("machine@ex.net", kind);
    CHECK(talk.answered_by_reply() == zoe);
    talk.close();
    talk.take("machine@ex.net", kind);
    CHECK(talk.centre.where(talk.id) == (kind == Automated::bulk ? "offered ana" : "closed"));
    CHECK(talk.centre.view(talk.id).last_from_customer == zoe);
  }
}

TEST_CASE("a person who writes into a machine's conversation is answered from then on", "[engine]") {
  Talk talk;
  const auto first = talk.take("shop@ex.net", Automated::bulk);
  CHECK(talk.answered_by_reply() == first);
  const auto second = talk.take("other-shop@ex.net", Automated::bulk);  // Nobody but machines so far.
  CHECK(talk.answered_by_reply() == second);
  const auto zoe = talk.take("zoe@ex.org");
  CHECK(talk.answered_by_reply() == zoe);
  talk.take("shop@ex.net", Automated::bulk);
  CHECK(talk.answered_by_reply() == zoe);
}

TEST_CASE("a customer who writes through a list stays the one who is answered", "[engine]") {
  Talk talk;
  talk.take("zoe@ex.org");
  const auto through_list = talk.take("zoe@ex.org", Automated::bulk);
  CHECK(talk.answered_by_reply() == through_list);
  talk.take("max@ex.net", Automated::bulk);  // Zoe is a person all the same.
  CHECK(talk.answered_by_reply() == through_list);
  talk.take("", Automated::bulk);
  CHECK(talk.answered_by_reply() == through_list);
}

TEST_CASE("a report on a delivery that no conversation knows of is kept and told and is nobody's work", "[engine]") {
  for (const auto kind : {Automated::bounce, Automated::delivery_report}) {
    Talk talk;
    talk.take("mailer-daemon@ex.net", kind);
    CHECK(talk.centre.where(talk.id) == "closed");
    CHECK(talk.centre.view(talk.id).messages == 1);
    CHECK(talk.told("usher.message.unmatched.v1"));
    CHECK(talk.centre.steps.back().bodies.size() == 1);
    CHECK(talk.centre.view(talk.id).waiting_since == talk.centre.now);
    CHECK(talk.centre.engine.next_deadline());  // It is forgotten like any other.
    // Whoever writes to it is answered, were it another machine.
    const auto list = talk.take("list@ex.net", Automated::bulk);
    CHECK(talk.answered_by_reply() == list);
    const auto zoe = talk.take("zoe@ex.org");
    CHECK(talk.answered_by_reply() == zoe);
  }
}

TEST_CASE("a report on a reply of ours whose conversation is forgotten is work of low urgency", "[engine]") {
  Talk talk;
  talk.id = ConversationId{77, 77};
  talk.take("mailer-daemon@ex.net", Automated::bounce);
  CHECK(talk.centre.where(talk.id) == "offered ana");
  CHECK(talk.centre.view(talk.id).urgency == Urgency::low);
}
