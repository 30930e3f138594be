// Caps on mail: machines that write without an end call nobody more than so often, and people are served as before.
#include "routing/engine/entity_text.hpp"
#include "routing/message/limits.hpp"
#include "tests/engine/engine_fixture.hpp"

using namespace usher::engine;
using namespace usher::engine::test;
using namespace std::chrono_literals;
namespace limits = usher::message::limits;

namespace {

constexpr auto most = limits::mails_calling_max;

void set_version(Entity& head, int version) {
  const std::string now = "version=" + std::to_string(engine_version);
  head.value.replace(head.value.find(now), now.size(), "version=" + std::to_string(version));
}

struct Post {
  Centre centre;
  std::uint64_t next = 1;
  ConversationId id;

  explicit Post(bool opened = true) {
    centre.sign_in("ana");
    if (!opened) return;
    id = open("robot@ex.org");
    shut(false);
  }
  Message mail(const std::string& from) {
    auto m = Centre::message(next++);
    m.channel = "email";
    m.provider_message_id = "m" + std::to_string(next) + "@ex.org";
    m.from.identities = {{"email", from, false}};
    return m;
  }
  ConversationId open(const std::string& from) {
    const auto m = mail(from);
    centre.apply(MessageReceived{m});
    return centre.engine.conversation_of(m.id)->id;
  }
  // Another mail to the same conversation.
  void write(std::optional<Automated> automated = {}) {
    auto m = mail("robot@ex.org");
    m.thread.token = MessageId{id.high, id.low};
    m.automated = automated;
    centre.apply(MessageReceived{m});
  }
  // Ana takes it, and is done with it, with or without a word.
  void shut(bool reply) {
    REQUIRE(centre.where(id) == "offered ana");
    centre.accept(id);
    if (reply) REQUIRE(centre.command("ana", Reply{id, "Hello"}).empty());
    centre.command("ana", Close{id, ""});
    centre.command("ana", WrappedUp{id});
    REQUIRE(centre.where(id) == "closed");
  }
  // So often as it may within an hour.
  void wake_often() {
    for (std::size_t i = 0; i < most; ++i) {
      write();
      shut(false);
      centre.pass(1min);
    }
  }
};

}  // namespace

TEST_CASE("mail makes a conversation work again so often within an hour and then waits for the hour to pass", "[engine][caps]") {
  Post post;
  const auto began = post.centre.now;
  post.wake_often();
  for (int i = 0; i < 5; ++i) post.write();
  CHECK(post.centre.where(post.id) == "closed");
  CHECK(post.centre.view(post.id).flood == Flood::conversation);
  CHECK(post.centre.view(post.id).messages == 1 + most + 5);
  std::size_t told = 0;
  for (const auto& one : post.centre.effects<Happened>()) told += one.type == "usher.work.flooded.v1" ? 1U : 0U;
  CHECK(told == 1);

  // Nothing is lost: it calls by itself as soon as the first call is an hour old, once for all that was put off.
  post.centre.pass(began + 1h - post.centre.now - 1ms);
  CHECK(post.centre.where(post.id) == "closed");
  post.centre.pass(1ms);
  CHECK(post.centre.where(post.id) == "offered ana");
  CHECK(post.centre.view(post.id).last_from_customer == MessageId{1, post.next - 1});
  post.shut(false);
  post.centre.pass(30s);
  CHECK(post.centre.where(post.id) == "closed");
}

TEST_CASE("an agent's reply sets the count back", "[engine][caps]") {
  Post post;
  post.wake_often();
  post.write();
  post.centre.pass(1h - most * 1min);
  CHECK(post.centre.view(post.id).flood == Flood::conversation);
  post.shut(true);
  CHECK(post.centre.view(post.id).flood == Flood::none);
  post.wake_often();
  post.write();
  CHECK(post.centre.where(post.id) == "closed");
}

TEST_CASE("a person who writes many mails before anybody answers is served at once and stays where he stood", "[engine][caps]") {
  Post post(false);
  post.id = post.open("robot@ex.org");
  for (int i = 0; i < 30; ++i) post.write();
  CHECK(post.centre.where(post.id) == "offered ana");
  post.centre.accept(post.id);
  for (int i = 0; i < 30; ++i) post.write();
  CHECK(post.centre.view(post.id).flood == Flood::none);
  CHECK(post.centre.view(post.id).messages == 61);
  CHECK(post.centre.frames<MessageFrame>("ana").size() == 30);
  post.centre.command("ana", Close{post.id, ""});
  post.centre.command("ana", WrappedUp{post.id});
  post.write();
  CHECK(post.centre.where(post.id) == "offered ana");
}

TEST_CASE("what calls nobody anyway counts for nothing", "[engine][caps]") {
  Post post;
  for (int i = 0; i < 30; ++i) post.write(Automated::auto_reply);
  CHECK(post.centre.where(post.id) == "closed");
  post.write();
  CHECK(post.centre.where(post.id) == "offered ana");
}

TEST_CASE("what was put off wakes a snoozed conversation and comes with one that is taken up before", "[engine][caps]") {
  Post post;
  post.wake_often();
  post.centre.pass(1h);
  post.write();
  post.centre.accept(post.id);
  post.centre.command("ana", Snooze{post.id, post.centre.now + 5h});
  for (std::size_t i = 1; i < most; ++i) {
    post.write();
    post.centre.accept(post.id);
    post.centre.command("ana", Snooze{post.id, post.centre.now + 5h});
  }
  post.write();
  CHECK(post.centre.where(post.id) == "snoozed");
  post.centre.pass(1h);
  CHECK(post.centre.where(post.id) == "offered ana");
}

TEST_CASE("a conversation is not forgotten while mail to it is put off", "[engine][caps]") {
  auto policy = Centre::policy();
  policy.times.reopen_within = Milliseconds(5min);
  Post post(false);
  post.centre.activate(policy);
  post.id = post.open("robot@ex.org");
  post.shut(false);
  for (std::size_t i = 0; i < most; ++i) {
    post.write();
    post.shut(false);
  }
  post.write();
  post.centre.pass(59min);
  CHECK(post.centre.where(post.id) == "closed");
  post.centre.pass(1min);
  CHECK(post.centre.where(post.id) == "offered ana");
}

TEST_CASE("a sender who opens conversation after conversation comes behind everybody else until somebody answers", "[engine][caps]") {
  Post post(false);
  post.centre.command("ana", SetPresence{Presence::away, ""});
  std::vector<ConversationId> all;
  for (std::size_t i = 0; i < most + 3; ++i) {
    all.push_back(post.open("robot@ex.org"));
    post.centre.pass(1s);
  }
  CHECK(post.centre.view(all[most - 1]).urgency == Urgency::normal);
  CHECK(post.centre.view(all[most]).urgency == Urgency::low);
  CHECK(post.centre.view(all[most]).flood == Flood::sender);
  CHECK(post.centre.where(all[most + 2]) == "waiting");
  std::vector<ConversationView> told;
  for (const auto& one : post.centre.effects<Happened>())
    if (one.type == "usher.work.flooded.v1") told.push_back(one.conversation);
  REQUIRE(told.size() == 3);
  CHECK(told.front().flood == Flood::sender);
  CHECK(told.front().messages == 1);
  CHECK(told.front().state == ConversationState::waiting);
  const auto zoe = post.open("zoe@ex.org");
  CHECK(post.centre.view(zoe).urgency == Urgency::normal);

  post.centre.command("ana", SetPresence{Presence::available, ""});
  REQUIRE(post.centre.where(all[0]) == "offered ana");
  post.centre.accept(all[0]);
  post.centre.command("ana", Reply{all[0], "Hello"});
  CHECK(post.centre.view(post.open("robot@ex.org")).flood == Flood::none);
}

TEST_CASE("a reply gives a conversation of a flood its urgency back", "[engine][caps]") {
  Post post(false);
  for (std::size_t i = 0; i < most; ++i) {
    post.id = post.open("robot@ex.org");
    post.shut(false);
  }
  post.id = post.open("robot@ex.org");
  CHECK(post.centre.view(post.id).urgency == Urgency::low);
  REQUIRE(post.centre.where(post.id) == "offered ana");
  post.centre.accept(post.id);
  REQUIRE(post.centre.command("ana", Reply{post.id, "Hello"}).empty());
  CHECK(post.centre.view(post.id).flood == Flood::none);
  CHECK(post.centre.view(post.id).urgency == Urgency::normal);
}

TEST_CASE("a sender is counted for an hour and then forgotten", "[engine][caps]") {
  Post post(false);
  for (std::size_t i = 0; i < most; ++i) (void)post.open("robot@ex.org");
  const auto counted = [&] {
    std::size_t count = 0;
    for (const auto& entity : post.centre.engine.serialize()) count += entity.table == "sender" ? 1U : 0U;
    return count;
  };
  CHECK(counted() == 1);
  (void)post.open("zoe@ex.org");
  CHECK(counted() == 2);
  post.centre.pass(1h);
  CHECK(counted() == 0);
  CHECK(post.centre.view(post.open("robot@ex.org")).flood == Flood::none);
}

TEST_CASE("O3: state of the version before the caps is read as it stands and written anew with the next record", "[engine][rule-O3]") {
  Post post;
  auto old = post.centre.engine.serialize();
  std::erase_if(old, [](const Entity& entity) { return entity.table == "sender"; });
  for (auto& entity : old) {
    if (entity.table == "engine") set_version(entity, 1);
    if (const auto at = entity.value.find("\nsender="); entity.table == "conversation" && at != std::string::npos)
      entity.value.erase(at, entity.value.find('\n', at + 1) - at);
    if (!entity.table.starts_with("seen:")) continue;
    entity.key = entity.value.substr(0, 32);
    entity.value.erase(0, 33);
  }
  std::sort(old.begin(), old.end());
  auto engine = Engine::restore(old);
  REQUIRE(engine.has_value());
  const auto before = engine->state_hash();
  CHECK(engine->serialize() == old);  // A snapshot of it says what the store says.
  (void)engine->apply(Arrival{0, 1000, post.centre.now, Tick{}});
  CHECK(engine->state_hash() != before);
  const auto now = engine->serialize();
  const auto head = std::find_if(now.begin(), now.end(), [](const Entity& entity) { return entity.table == "engine"; });
  CHECK(EntityReader(head->value).number("version") == engine_version);
  CHECK_FALSE(engine->broken_rule());

  // What was seen then is known still, and stands as it stood.
  auto again = Centre::message(1);
  const auto step = engine->apply(Arrival{0, 1001, post.centre.now, MessageReceived{again}});
  CHECK(step.bodies.empty());
  CHECK(engine->conversations(10).size() == 1);
  const auto seen_in = [](const std::vector<Entity>& entities) {
    std::vector<Entity> seen;
    std::copy_if(entities.begin(), entities.end(), std::back_inserter(seen), [](const Entity& one) { return one.table.starts_with("seen:"); });
    return seen;
  };
  REQUIRE(seen_in(old).size() > 0);
  CHECK(seen_in(engine->serialize()) == seen_in(old));
}

TEST_CASE("what a newer version wrote is refused", "[engine][rule-O3]") {
  Centre centre;
  auto newer = centre.engine.serialize();
  for (auto& entity : newer)
    if (entity.table == "engine") set_version(entity, engine_version + 1);
  CHECK_FALSE(Engine::restore(newer).has_value());
}
