// What an agent sees of who writes: each message's sender, whose message a reply answers, and whether that one is new.
#include "daemon/frame_json.hpp"
#include "tests/daemon/gateway_fixture.hpp"

using namespace usher;
using namespace usher::testing;
namespace json = boost::json;

namespace {

const ConversationId conversation{1, 2};

state::Body mail_of(std::uint32_t sequence, const std::string& from, std::optional<Automated> automated = {}) {
  auto body = body_of(conversation, sequence, "text");
  Message message;
  message.id = body.id;
  message.tenant = TenantId("acme");
  message.connector = ConnectorId("support-mail");
  message.channel = "email";
  message.provider_message_id = "m" + std::to_string(sequence) + "@ex.org";
  message.received_at = from_unix_ms(1'790'000'000'000);
  message.text = message.text_new = "text";
  message.from = {{{"email", from, false}}, "Zoe"};  // Names are anybody's choice.
  message.automated = automated;
  body.json = encode(message);
  return body;
}

state::Body reply_of(std::uint32_t sequence) {
  return {conversation, sequence, MessageId{7, sequence + 1},
          R"({"v":1,"kind":"reply","id":"x","author":"ana","author_name":"Ana","text":"Soon","written_at":"2026-11-21T10:00:00.000Z"})"};
}

// As a gateway shows it when the engine says that a reply answers the message with this sequence.
json::object shown(const std::vector<state::Body>& bodies, std::uint32_t answered) {
  auto view = view_of(conversation);
  view.last_from_customer = MessageId{7, answered + 1};
  return daemon::conversation_json(view, bodies);
}

std::string customer(const json::object& shown) { return shown.at("customer").at("identities").at(0).at("value").as_string().c_str(); }

}  // namespace

TEST_CASE("the customer of a conversation is who is answered and not the machine that wrote last", "[gateway]") {
  const auto seen = shown({mail_of(0, "zoe@ex.org"), mail_of(1, "mailer-daemon@ex.net", Automated::bounce)}, 0);
  CHECK(customer(seen) == "zoe@ex.org");
  CHECK(seen.at("new_sender") == false);
  const auto& machine = seen.at("messages").at(1);
  CHECK(machine.at("from").at(0).at("value") == "mailer-daemon@ex.net");
  CHECK(machine.at("automated") == "bounce");
  CHECK(seen.at("messages").at(0).at("automated").is_null());
  // What it answers is not among those that are shown.
  CHECK(customer(shown({mail_of(0, "zoe@ex.org"), mail_of(1, "max@ex.net")}, 99)) == "max@ex.net");
}

TEST_CASE("an agent sees that somebody new would get the reply until one was written", "[gateway]") {
  std::vector<state::Body> bodies{mail_of(0, "zoe@ex.org"), reply_of(1)};
  CHECK(shown(bodies, 0).at("new_sender") == false);
  bodies.push_back(mail_of(2, "friend@ex.net"));  // Zoe has passed our reply on.
  const auto seen = shown(bodies, 2);
  CHECK(customer(seen) == "friend@ex.net");
  CHECK(seen.at("new_sender") == true);
  CHECK(seen.at("messages").at(2).at("from").at(0).at("value") == "friend@ex.net");
  bodies.push_back(mail_of(3, "zoe@ex.org"));
  CHECK(shown(bodies, 3).at("new_sender") == false);
  bodies.push_back(mail_of(4, "friend@ex.net"));
  CHECK(shown(bodies, 4).at("new_sender") == true);
  bodies.push_back(reply_of(5));
  CHECK(shown(bodies, 4).at("new_sender") == false);
  // Nobody is new for being verified this time.
  auto verified = mail_of(1, "zoe@ex.org");
  auto again = decode_message(verified.json).value();
  again.from.identities.at(0).verified = true;
  verified.json = encode(again);
  CHECK(shown({mail_of(0, "zoe@ex.org"), verified}, 1).at("new_sender") == false);
  // A machine that began it makes nobody new.
  CHECK(shown({mail_of(0, "shop@ex.net", Automated::bulk), mail_of(1, "zoe@ex.org")}, 1).at("new_sender") == false);
}

TEST_CASE("nobody is new to a conversation that nobody could be read of", "[gateway]") {
  const auto seen = shown({}, 0);
  CHECK(seen.at("new_sender") == false);
  CHECK(seen.at("customer").at("identities").as_array().empty());
}
