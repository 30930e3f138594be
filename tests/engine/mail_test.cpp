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

TEST_CASE("I5: a mail that answers an earlier mail of its sender joins the conversation of that one", "[engine][rule-I5]") {
  Centre centre;
  const auto id = take(centre, mail(1, "zoe@ex.org", "a1@ex.org"));

  auto again = mail(2, "zoe@ex.org", "a2@ex.org");
  again.thread.references = {"older@ex.org", "a1@ex.org"};
  CHECK(take(centre, again) == id);

  auto behind = mail(4, "zoe@ex.org", "a4@ex.org");  // To a mail that joined itself.
  behind.thread.in_reply_to = {"a2@ex.org"};
  CHECK(take(centre, behind) == id);
}

TEST_CASE("I5: a sender that somebody looked at and could not verify joins by a token alone", "[engine][rule-I5][security-S13]") {
  using Result = Verification::Result;
  using Method = Verification::Method;
  const auto joins = [](std::optional<Verification> found, bool with_token) {
    Centre centre;
    const auto id = take(centre, mail(1, "zoe@ex.org", "a1@ex.org"));
    auto again = mail(2, "zoe@ex.org", "a2@ex.org");
    again.thread.in_reply_to = {"a1@ex.org"};
    again.thread.references = {"a1@ex.org"};
    again.from.verification = std::move(found);
    if (with_token) again.thread.token = MessageId{id.high, id.low};
    return take(centre, again) == id;
  };
  CHECK(joins({}, false));  // Nobody looked.
  CHECK(joins(Verification{Result::pass, Method::dmarc, "ex.org"}, false));
  CHECK(joins(Verification{Result::pass, Method::dkim, "ex.org"}, false));
  for (const auto& found : {Verification{Result::unknown, {}, "ex.org"}, Verification{Result::fail, Method::dmarc, "ex.org"}, Verification{Result::pass, Method::spf, "ex.org"}}) {
    CHECK_FALSE(joins(found, false));
    CHECK(joins(found, true));
  }
}

TEST_CASE("I5: nobody catches a stranger's answer by naming the stranger's mail as his own", "[engine][rule-I5]") {
  Centre centre;
  auto planted = mail(1, "eve@ex.net", "list-post@ex.org");  // The id of a mail that Zoe is about to answer.
  planted.to.push_back({"email", "zoe@ex.org", false});
  planted.cc = {{"email", "zoe@ex.org", false}};
  const auto id = take(centre, planted);
  auto answer = mail(2, "zoe@ex.org", "a2@ex.org");
  answer.thread.in_reply_to = {"list-post@ex.org"};
  CHECK(take(centre, answer) != id);
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
  machine.automated = Automated::auto_reply;
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

TEST_CASE("E5: a reply does not overtake one that has to be tried again", "[engine][rule-E5]") {
  Centre centre;
  centre.sign_in("ana");
  const auto id = take(centre, mail(1, "zoe@ex.org", "a1@ex.org"));
  centre.accept(id);
  centre.command("ana", Reply{id, "one"});
  const auto first = centre.effects<ReplyWanted>()[0].reply;
  centre.apply(DeliveryReported{first, 1, DeliveryState::deferred, "451 later", {}});
  for (const char* text : {"two", "three", "four"}) centre.command("ana", Reply{id, text});
  CHECK(centre.effects<ReplyWanted>().size() == 1);
  centre.pass(2min);
  REQUIRE(centre.effects<ReplyWanted>().size() == 2);
  CHECK(centre.effects<ReplyWanted>()[1].reply == first);
  centre.apply(DeliveryReported{first, 2, DeliveryState::sent, {}, {}});
  std::vector<MessageId> left{first};
  while (centre.effects<ReplyWanted>().size() == left.size() + 2) {  // One more each time; the second attempt of the first counts, too.
    const auto next = centre.effects<ReplyWanted>().back();
    CHECK(next.attempt == 1);
    left.push_back(next.reply);
    // One that fails lets the next go, too.
    centre.apply(DeliveryReported{next.reply, 1, left.size() == 2 ? DeliveryState::failed : DeliveryState::sent, {}, {}});
  }
  REQUIRE(left.size() == 4);
  std::vector<MessageId> written;
  for (const auto& frame : centre.frames<MessageFrame>("ana"))
    if (frame.kind == BodyKind::reply) written.push_back(frame.message);
  CHECK(left == written);
}

TEST_CASE("E5: replies that were all on their way when the first was put off leave in order", "[engine][rule-E5]") {
  Centre centre;
  centre.sign_in("ana");
  const auto id = take(centre, mail(1, "zoe@ex.org", "a1@ex.org"));
  centre.accept(id);
  for (const char* text : {"one", "two", "three"}) centre.command("ana", Reply{id, text});
  const auto wanted = [&] { return centre.effects<ReplyWanted>(); };
  REQUIRE(wanted().size() == 3);
  const auto one = wanted()[0].reply, two = wanted()[1].reply, three = wanted()[2].reply;
  // The first for longer than the others would be by themselves.
  centre.apply(DeliveryReported{one, 1, DeliveryState::deferred, "503", Milliseconds{10min}});
  centre.apply(DeliveryReported{two, 1, DeliveryState::deferred, "an earlier one", {}});
  centre.apply(DeliveryReported{three, 1, DeliveryState::deferred, "an earlier one", {}});
  centre.command("ana", Reply{id, "four"});
  centre.pass(9min);
  CHECK(wanted().size() == 3);
  centre.pass(2min);
  REQUIRE(wanted().size() == 4);
  CHECK(wanted().back().reply == one);
  const bool fails = GENERATE(false, true);
  centre.apply(DeliveryReported{one, 2, fails ? DeliveryState::failed : DeliveryState::sent, "", {}});
  REQUIRE(wanted().size() == 5);
  CHECK(wanted().back().reply == two);
  CHECK(wanted().back().attempt == 2);
  // Put off once more: "four", which was never out, does not take its place, and neither does the third.
  centre.apply(DeliveryReported{two, 2, DeliveryState::deferred, "503", {}});
  REQUIRE(wanted().size() == 5);
  centre.pass(1min);
  REQUIRE(wanted().size() == 6);
  CHECK(wanted().back().reply == two);
  centre.apply(DeliveryReported{two, 3, DeliveryState::sent, "", {}});
  CHECK(wanted().back().reply == three);
  centre.apply(DeliveryReported{three, 2, DeliveryState::sent, "", {}});
  REQUIRE(wanted().size() == 8);
  CHECK(wanted().back().reply != one);
  CHECK(wanted().back().attempt == 1);
}

TEST_CASE("E5: a reply that has left lets nothing leave that was written behind one that is tried still", "[engine][rule-E5]") {
  Centre centre;
  centre.sign_in("ana");
  const auto id = take(centre, mail(1, "zoe@ex.org", "a1@ex.org"));
  centre.accept(id);
  for (const char* text : {"one", "two"}) centre.command("ana", Reply{id, text});
  const auto one = centre.effects<ReplyWanted>()[0].reply, two = centre.effects<ReplyWanted>()[1].reply;
  // Put off before anything was heard of the first, so it is tried by itself.
  centre.apply(DeliveryReported{two, 1, DeliveryState::deferred, "503", {}});
  centre.command("ana", Reply{id, "three"});
  centre.apply(DeliveryReported{one, 1, DeliveryState::sent, "", {}});
  CHECK(centre.effects<ReplyWanted>().size() == 2);
  centre.pass(1min);
  REQUIRE(centre.effects<ReplyWanted>().size() == 3);
  centre.apply(DeliveryReported{two, 2, DeliveryState::sent, "", {}});
  CHECK(centre.effects<ReplyWanted>().size() == 4);
}

TEST_CASE("E5: a held reply that was sent after all is not sent again and holds up nothing", "[engine][rule-E5]") {
  Centre centre;
  centre.sign_in("ana");
  const auto id = take(centre, mail(1, "zoe@ex.org", "a1@ex.org"));
  centre.accept(id);
  for (const char* text : {"one", "two"}) centre.command("ana", Reply{id, text});
  const auto wanted = [&] { return centre.effects<ReplyWanted>(); };
  const auto one = wanted()[0].reply, two = wanted()[1].reply;
  centre.apply(DeliveryReported{one, 1, DeliveryState::deferred, "503", {}});
  centre.apply(DeliveryReported{two, 1, DeliveryState::deferred, "503", {}});
  centre.command("ana", Reply{id, "three"});
  // Of an edge that hung meanwhile.
  centre.apply(DeliveryReported{two, 1, DeliveryState::sent, "", {}});
  centre.pass(1min);
  REQUIRE(wanted().size() == 3);
  CHECK(wanted().back().reply == one);
  centre.apply(DeliveryReported{one, 2, DeliveryState::sent, "", {}});
  REQUIRE(wanted().size() == 4);
  CHECK(wanted().back().reply != two);
  CHECK(wanted().back().reply != one);
}

TEST_CASE("E5: a reply waits as long as an earlier one is tried and no longer than anybody can say", "[engine][rule-E5]") {
  Centre centre;
  centre.sign_in("ana");
  const auto id = take(centre, mail(1, "zoe@ex.org", "a1@ex.org"));
  centre.accept(id);
  centre.command("ana", Reply{id, "one"});
  const auto first = centre.effects<ReplyWanted>()[0].reply;
  centre.apply(DeliveryReported{first, 1, DeliveryState::deferred, "451 later", {}});
  centre.command("ana", Reply{id, "two"});
  // Tried for a day: "two" waits.
  for (int hour = 0; hour < 24; ++hour) {
    centre.pass(1h);
    const auto last = centre.effects<ReplyWanted>().back();
    REQUIRE(last.reply == first);
    centre.apply(DeliveryReported{first, last.attempt, DeliveryState::deferred, "451 later", {}});
  }
  // An attempt is out and its report is lost with its log.
  centre.pass(5h);
  CHECK(centre.effects<ReplyWanted>().back().reply != first);
}

TEST_CASE("E5: a closed conversation is not forgotten before its reply has left or failed", "[engine][rule-E5]") {
  auto policy = Centre::policy();
  policy.times.reopen_within = Milliseconds{1h};
  Centre centre(policy);
  centre.sign_in("ana");
  const auto id = take(centre, mail(1, "zoe@ex.org", "a1@ex.org"));
  centre.accept(id);
  centre.command("ana", Reply{id, "Hello"});
  const auto reply = centre.effects<ReplyWanted>().back().reply;
  centre.command("ana", Close{id, "solved"});
  centre.command("ana", WrappedUp{id});
  for (int hour = 0; hour < 30; ++hour) {
    centre.apply(DeliveryReported{reply, centre.effects<ReplyWanted>().back().attempt, DeliveryState::deferred, "451 later", {}});
    centre.pass(1h);
    REQUIRE(centre.where(id) == "closed");
  }
  centre.apply(DeliveryReported{reply, centre.effects<ReplyWanted>().back().attempt, DeliveryState::sent, {}, {}});
  centre.pass(2h);
  CHECK(centre.where(id) == "forgotten");
}

TEST_CASE("I1: a mail is known for thirty days, and its report is believed once", "[engine][rule-I1]") {
  Answered it;
  auto& centre = it.centre;
  const DeliveryReported report{MessageId{it.id.high, it.id.low}, 0, DeliveryState::failed, "no such user", {}, MessageId{7, 7}};
  centre.apply(report);
  REQUIRE(centre.where(it.id) == "offered ana");
  centre.accept(it.id);
  centre.command("ana", Close{it.id, "by telephone"});
  centre.command("ana", WrappedUp{it.id});
  centre.apply(report);
  CHECK(centre.where(it.id) == "closed");

  const auto conversations = [&] {
    const auto all = centre.engine.serialize();
    return std::count_if(all.begin(), all.end(), [](const auto& entity) { return entity.table == "conversation"; });
  };
  centre.pass(29 * 24h);
  centre.apply(MessageReceived{mail(1, "zoe@ex.org", "a1@ex.org")});
  CHECK(conversations() == 0);
  centre.pass(3 * 24h);
  centre.apply(MessageReceived{mail(1, "zoe@ex.org", "a1@ex.org")});
  CHECK(conversations() == 1);
}
