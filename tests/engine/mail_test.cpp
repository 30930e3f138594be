// Mail in the engine: which conversation it joins, what machines' mail does to it, and replies that come back.
#include "tests/engine/engine_fixture.hpp"

using namespace usher::engine;
using namespace usher::engine::test;
using namespace std::chrono_literals;

namespace {

Message mail(std::uint64_t n, const std::string& from, const std::string& mail_id) {
  auto m = Centre::message(n);
  m.channel = "email";
  m.connector = ConnectorId{"support-mail"};
  m.provider_message_id = mail_id;
  m.from.identities = {{"email", from, false}};
  m.to = {{"email", "support@ex.com", false}};
  return m;
}

ConversationId take(Centre& centre, const Message& m) {
  centre.apply(MessageReceived{m});
  return centre.engine.conversation_of(m.id)->id;
}

// Answered and closed: nobody looks at it any more.
struct Answered {
  Centre centre;
  ConversationId id;
  MessageId reply;

  Answered() {
    centre.sign_in("ana");
    id = take(centre, mail(1, "zoe@ex.org", "a1@ex.org"));
    centre.accept(id);
    centre.command("ana", Reply{id, "Hello"});
    reply = centre.effects<ReplyWanted>().back().reply;
    centre.apply(DeliveryReported{reply, 1, DeliveryState::sent, {}, {}});
    centre.command("ana", Close{id, "solved"});
    centre.command("ana", WrappedUp{id});
  }
};

}  // namespace

TEST_CASE("I5: a mail that answers a mail of the conversation joins it when its sender was in that mail", "[engine][rule-I5]") {
  Centre centre;
  auto first = mail(1, "zoe@ex.org", "a1@ex.org");
  first.cc = {{"email", "max@ex.org", false}};
  const auto id = take(centre, first);

  auto again = mail(2, "zoe@ex.org", "a2@ex.org");
  again.thread.references = {"older@ex.org", "a1@ex.org"};
  CHECK(take(centre, again) == id);

  auto copied = mail(3, "max@ex.org", "a3@ex.org");
  copied.thread.in_reply_to = {"a1@ex.org"};
  CHECK(take(centre, copied) == id);

  auto behind = mail(4, "max@ex.org", "a4@ex.org");  // To a mail that joined itself.
  behind.thread.in_reply_to = {"a3@ex.org"};
  CHECK(take(centre, behind) == id);
}

TEST_CASE("I5: whoever was not in a mail does not join its conversation by naming it", "[engine][rule-I5]") {
  Centre centre;
  const auto id = take(centre, mail(1, "zoe@ex.org", "a1@ex.org"));
  auto stranger = mail(2, "eve@ex.net", "e1@ex.net");
  stranger.thread.in_reply_to = {"a1@ex.org"};
  stranger.thread.references = {"a1@ex.org"};
  stranger.subject = "Re: text 1";
  CHECK(take(centre, stranger) != id);

  auto form_message = Centre::message(3);  // Another channel's ids are its own.
  form_message.thread.in_reply_to = {"a1@ex.org"};
  form_message.from.identities = {{"email", "zoe@ex.org", false}};
  CHECK(take(centre, form_message) != id);
}

TEST_CASE("a mail without any id joins no other", "[engine]") {
  Centre centre;
  const auto first = take(centre, mail(1, "zoe@ex.org", "content:1"));
  auto second = mail(2, "zoe@ex.org", "content:2");
  second.thread.in_reply_to = {};
  CHECK(take(centre, second) != first);
}

TEST_CASE("a verified token may name the conversation itself", "[engine]") {
  Answered it;
  auto answer = mail(2, "zoe.private@ex.net", "b1@ex.net");  // From another address of hers.
  answer.thread.token = MessageId{it.id.high, it.id.low};
  CHECK(take(it.centre, answer) == it.id);
  CHECK(it.centre.where(it.id) == "offered ana");
}

TEST_CASE("an answering machine opens no closed conversation, and is kept in it", "[engine]") {
  Answered it;
  for (const auto kind : {Automated::auto_reply, Automated::delivery_report, Automated::bounce}) {
    auto machine = mail(10 + static_cast<std::uint64_t>(kind), "zoe@ex.org", "m" + std::to_string(static_cast<int>(kind)) + "@ex.org");
    machine.thread.token = MessageId{it.id.high, it.id.low};
    machine.automated = kind;
    CHECK(take(it.centre, machine) == it.id);
    CHECK(it.centre.where(it.id) == "closed");
  }
  CHECK(it.centre.view(it.id).messages == 4);
}

TEST_CASE("an answering machine does not make an answered customer one who waits", "[engine]") {
  Centre centre;
  centre.sign_in("ana");
  const auto id = take(centre, mail(1, "zoe@ex.org", "a1@ex.org"));
  centre.accept(id);
  centre.command("ana", Reply{id, "Hello"});
  auto machine = mail(2, "zoe@ex.org", "m1@ex.org");
  machine.thread.token = MessageId{id.high, id.low};
  machine.automated = Automated::auto_reply;
  take(centre, machine);
  CHECK(centre.frames<MessageFrame>("ana").back().message == MessageId{1, 2});  // Whoever holds it sees it.
  centre.command("ana", Reply{id, "One more thing"});
  CHECK(centre.effects<ReplyWanted>().back().in_reply_to == MessageId{1, 1});  // It is not what a reply answers.
}

TEST_CASE("an automatic mail that belongs to nothing is work of low urgency", "[engine]") {
  Centre centre;
  auto machine = mail(1, "zoe@ex.org", "m1@ex.org");
  machine.automated = Automated::bounce;
  const auto id = take(centre, machine);
  CHECK(centre.where(id) == "waiting");
  CHECK(centre.view(id).urgency == Urgency::low);
}

TEST_CASE("a reply that comes back is failed, and its conversation is work again", "[engine]") {
  Answered it;
  it.centre.apply(DeliveryReported{it.reply, 0, DeliveryState::failed, "550 no such user", {}});
  CHECK(it.centre.where(it.id) == "offered ana");
  const auto told = it.centre.effects<Happened>();
  CHECK(told.end() != std::find_if(told.begin(), told.end(), [](const Happened& one) { return one.type == "usher.message.failed.v1"; }));
  // Once: the same report again changes nothing.
  it.centre.accept(it.id);
  it.centre.apply(DeliveryReported{it.reply, 0, DeliveryState::failed, "550 no such user", {}});
  CHECK(it.centre.where(it.id) == "assigned ana");
}

TEST_CASE("a report that names no reply but the conversation makes it work again", "[engine]") {
  Answered it;
  it.centre.apply(DeliveryReported{MessageId{it.id.high, it.id.low}, 0, DeliveryState::failed, "mailbox full", {}});
  CHECK(it.centre.where(it.id) == "offered ana");
}

TEST_CASE("a late delivery is news and no failure", "[engine]") {
  Answered it;
  it.centre.apply(DeliveryReported{it.reply, 0, DeliveryState::deferred, "still trying", {}});
  CHECK(it.centre.where(it.id) == "closed");
  it.centre.apply(DeliveryReported{it.reply, 0, DeliveryState::read, {}, {}});
  it.centre.apply(DeliveryReported{it.reply, 0, DeliveryState::failed, "too late", {}});  // It was read: what fails now is something else.
  CHECK(it.centre.where(it.id) == "closed");
  CHECK(it.centre.effects<ReplyWanted>().size() == 1);  // No attempt is made for it.
}

TEST_CASE("a report of what nobody knows changes nothing", "[engine]") {
  Answered it;
  const auto& step = it.centre.apply(DeliveryReported{MessageId{77, 77}, 0, DeliveryState::failed, "who", {}});
  CHECK(step.effects.empty());
  CHECK(it.centre.where(it.id) == "closed");
}

TEST_CASE("a mail is tried for days before its reply is given up", "[engine]") {
  Centre centre;
  centre.sign_in("ana");
  const auto id = take(centre, mail(1, "zoe@ex.org", "a1@ex.org"));
  centre.accept(id);
  centre.command("ana", Reply{id, "Hello"});
  const auto begin = centre.now;
  const auto reply = centre.effects<ReplyWanted>().back().reply;
  int attempts = 0;
  for (; centre.frames<DeliveryFrame>("ana").empty() || centre.frames<DeliveryFrame>("ana").back().state != DeliveryState::failed; ++attempts) {
    REQUIRE(attempts < 1000);
    centre.apply(DeliveryReported{reply, centre.effects<ReplyWanted>().back().attempt, DeliveryState::deferred, "451 later", {}});
    centre.pass(1h);
  }
  CHECK(centre.now - begin > 5 * 24h);
  CHECK(centre.now - begin < 6 * 24h);
}
