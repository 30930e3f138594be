// The terminal agent: lines typed and frames received in, lines and frames out.
#include <catch2/catch.hpp>

#include "connectors/file_type.hpp"
#include "daemon/ctl.hpp"
#include "daemon/ctl_agent_desk.hpp"
#include "daemon/ctl_agent_socket.hpp"
#include "daemon/ctl_table.hpp"
#include "tests/message/show_result.hpp"

using namespace usher::daemon;
using boost::json::object;
using boost::json::value;

namespace {

const std::string conversation_1(32, '1'), conversation_2(32, '2'), offer_1(32, 'a'), offer_2(32, 'b');

object conversation(const std::string& id) {
  return {{"id", id}, {"connector", "contact"}, {"channel", "webform"}, {"queue", "support"}, {"urgency", "high"},
          {"requirements", {{{"skill", "english"}, {"level", 2}}}}, {"waiting_since", "2026-11-21T18:50:00.000Z"},
          {"customer", {{"display_name", "Zoë"}, {"identities", {{{"kind", "email"}, {"value", "zoe@ex.org"}}}}}},
          {"subject", "Order 4411"},
          {"messages", {{{"id", "m1"}, {"kind", "from_customer"}, {"author_name", "Zoë"}, {"text", "Where\nis it?"}}}}};
}

struct Terminal {
  TerminalDesk desk{"token", "c-"};
  Instant now = *usher::message::parse_rfc3339("2026-11-21T19:00:00Z");
  std::int64_t sequence = 0;

  DeskOutput receive(object frame) {
    if (!frame.contains("seq")) frame["seq"] = sequence++;
    return desk.received(boost::json::serialize(frame), now);
  }
  void sign_in() {
    sequence = 0;
    (void)desk.opened();
    (void)receive({{"type", "welcome"}, {"agent", "ana"}, {"presence", "offline"}, {"offers", boost::json::array{}},
                   {"conversations", boost::json::array{}}});
  }
  DeskOutput offer(const std::string& id, const std::string& about) {
    return receive({{"type", "offer"}, {"offer", id}, {"expires_in_ms", 30000}, {"conversation", conversation(about)},
                    {"why", {{"preferred", true}, {"winner", {{"agent", "ana"}, {"proficiency", 5}}},
                             {"excluded", {{"skill", 2}}}}}});
  }
  DeskOutput assign(const std::string& about) {
    return receive({{"type", "assigned"}, {"conversation", conversation(about)}});
  }
  object only_frame(const DeskOutput& out) {
    REQUIRE(out.frames.size() == 1);
    return boost::json::parse(out.frames[0]).as_object();
  }
  object typed(const std::string& line) { return only_frame(desk.typed(line, now)); }
};

bool has_line(const DeskOutput& out, const std::string& part) {
  for (const auto& line : out.lines)
    if (line.find(part) != std::string::npos) return true;
  return false;
}

}  // namespace

TEST_CASE("an offer says who, what, why and how long, and accept takes it", "[ctl][agent]") {
  Terminal terminal;
  terminal.sign_in();
  const auto shown = terminal.offer(offer_1, conversation_1);
  for (const auto* part : {"Zoë <zoe@ex.org>", "high", "Order 4411", "english 2+", "Where", "30 s to decide",
                           "you had this conversation before", "2 not asked: skill", "waiting 10 min"}) {
    INFO(part);
    CHECK(has_line(shown, part));
  }
  const auto frame = terminal.typed("accept");
  CHECK(frame.at("type") == "accept");
  CHECK(frame.at("offer") == value(offer_1));
  CHECK(frame.at("id") == "c-1");
}

TEST_CASE("a number means the same offer for good, whatever became of those before it", "[ctl][agent]") {
  Terminal terminal;
  terminal.sign_in();
  (void)terminal.offer(offer_1, conversation_1);
  (void)terminal.offer(offer_2, conversation_2);
  (void)terminal.receive({{"type", "offer_revoked"}, {"offer", offer_1}, {"reason", "expired"}});
  CHECK(terminal.typed("accept 2").at("offer") == value(offer_2));
  CHECK(terminal.desk.typed("accept 1", terminal.now).frames.empty());
}

TEST_CASE("decline takes a number, a reason, both or neither", "[ctl][agent]") {
  Terminal terminal;
  terminal.sign_in();
  (void)terminal.offer(offer_1, conversation_1);
  (void)terminal.offer(offer_2, conversation_2);
  const auto both = terminal.typed("decline 2 not my product");
  CHECK(both.at("offer") == value(offer_2));
  CHECK(both.at("reason") == "not my product");
  const auto reason = terminal.typed("decline lunch now");
  CHECK(reason.at("offer") == value(offer_1));
  CHECK(reason.at("reason") == "lunch now");
  CHECK_FALSE(terminal.typed("decline").contains("reason"));
}

TEST_CASE("work goes to the conversation in hand, and use changes it", "[ctl][agent]") {
  Terminal terminal;
  terminal.sign_in();
  (void)terminal.assign(conversation_1);
  (void)terminal.assign(conversation_2);
  CHECK(terminal.typed("reply Hello  there ").at("conversation") == value(conversation_2));
  CHECK(terminal.desk.typed("use 1", terminal.now).frames.empty());
  const auto reply = terminal.typed("reply Hello  there ");
  CHECK(reply.at("conversation") == value(conversation_1));
  CHECK(reply.at("text") == "Hello  there ");
  CHECK(terminal.typed("note for us").at("type") == "note");
  CHECK(terminal.typed("transfer queue billing").at("to") == value(object{{"queue", "billing"}}));
  CHECK(terminal.typed("transfer agent ben").at("to") == value(object{{"agent", "ben"}}));
  CHECK(terminal.typed("snooze 30").at("until") == "2026-11-21T19:30:00.000Z");
  CHECK(terminal.typed("history").at("before") == "m1");
  CHECK(terminal.typed("close solved at once").at("disposition") == "solved at once");
  CHECK(terminal.typed("done").at("type") == "wrapped_up");
  CHECK(terminal.desk.typed("transfer billing", terminal.now).frames.empty());
  CHECK(terminal.desk.typed("snooze never", terminal.now).frames.empty());
  CHECK(terminal.desk.typed("reply   ", terminal.now).frames.empty());
}

TEST_CASE("a line that ends with a backslash goes on with the next", "[ctl][agent]") {
  Terminal terminal;
  terminal.sign_in();
  (void)terminal.assign(conversation_1);
  CHECK(terminal.desk.typed("reply Dear Zoë,\\", terminal.now).frames.empty());
  CHECK(terminal.typed("it is on its way.").at("text") == "Dear Zoë,\nit is on its way.");
}

TEST_CASE("what is typed a moment too early waits for its frame, in order", "[ctl][agent]") {
  Terminal terminal;
  terminal.sign_in();
  CHECK(terminal.desk.typed("accept", terminal.now).frames.empty());
  CHECK(terminal.desk.typed("reply Hello", terminal.now).frames.empty());
  CHECK_FALSE(terminal.desk.all_answered());
  CHECK(terminal.only_frame(terminal.offer(offer_1, conversation_1)).at("type") == "accept");
  CHECK(terminal.only_frame(terminal.assign(conversation_1)).at("text") == "Hello");
}

TEST_CASE("what is typed without any hope is answered with why", "[ctl][agent]") {
  Terminal terminal;
  terminal.sign_in();
  CHECK(terminal.desk.typed("reply Hello", terminal.now).lines.empty());
  terminal.now += std::chrono::seconds(4);
  CHECK(has_line(terminal.desk.tick(terminal.now), "you hold no conversation"));
  CHECK(terminal.desk.all_answered());
}

TEST_CASE("an agent's program that is for one tenant says nothing to a daemon of another", "[ctl][agent]") {
  const auto welcomed_by = [](object frame) {
    TerminalDesk desk("token", "c-", {}, "acme");
    (void)desk.opened();
    frame.insert({{"type", "welcome"}, {"seq", 0}, {"agent", "ana"}, {"presence", "offline"}});
    auto out = desk.received(boost::json::serialize(frame), Instant{});
    CHECK(desk.ready() != out.wrong_tenant);
    return out;
  };
  CHECK_FALSE(welcomed_by({{"tenant", "acme"}}).wrong_tenant);
  const auto other = welcomed_by({{"tenant", "globex"}});
  CHECK(other.wrong_tenant);
  CHECK(has_line(other, "this daemon serves the tenant globex, not acme"));
  CHECK_FALSE(has_line(other, "signed in"));
  CHECK(has_line(welcomed_by({}), "does not say which tenant"));
}

TEST_CASE("an agent's program that is for one tenant says so in its hello, and leaves when it is refused", "[ctl][agent]") {
  const auto hello_of = [](TerminalDesk& desk) { return boost::json::parse(desk.opened().frames.at(0)).as_object(); };
  TerminalDesk any("token", "c-");
  CHECK_FALSE(hello_of(any).contains("tenant"));
  TerminalDesk desk("token", "c-", {}, "acme");
  CHECK(hello_of(desk).at("tenant") == "acme");
  const auto out = desk.received(R"({"type":"error","code":"wrong_tenant","message":"this daemon serves the tenant globex, not acme"})", Instant{});
  CHECK(out.wrong_tenant);
  CHECK(has_line(out, "this daemon serves the tenant globex, not acme"));
  CHECK(out.frames.empty());
  CHECK_FALSE(desk.ready());
}

TEST_CASE("a command without an answer is said again after a reconnect, under its first id", "[ctl][agent]") {
  Terminal terminal;
  terminal.sign_in();
  (void)terminal.assign(conversation_1);
  const auto first = terminal.typed("reply Once only");
  terminal.desk.lost();
  CHECK_FALSE(terminal.desk.ready());
  CHECK(terminal.only_frame(terminal.desk.opened()).at("type") == "hello");
  const auto again = terminal.only_frame(
      terminal.receive({{"type", "welcome"}, {"seq", 0}, {"agent", "ana"}, {"presence", "available"},
                        {"conversations", {conversation(conversation_1)}}}));
  CHECK(again == first);
  terminal.sequence = 1;
  (void)terminal.receive({{"type", "ok"}, {"id", first.at("id")}});
  CHECK(terminal.desk.all_answered());
}

TEST_CASE("a degraded daemon gets the same command again a little later; a refusal is final", "[ctl][agent]") {
  Terminal terminal;
  terminal.sign_in();
  const auto first = terminal.typed("available");
  (void)terminal.receive({{"type", "error"}, {"id", "c-1"}, {"code", "degraded"}, {"message", "no"}});
  CHECK(terminal.desk.tick(terminal.now).frames.empty());
  terminal.now += std::chrono::seconds(3);
  CHECK(terminal.only_frame(terminal.desk.tick(terminal.now)) == first);
  const auto refused = terminal.receive({{"type", "error"}, {"id", "c-1"}, {"code", "wrong_state"}, {"message", "no"}});
  CHECK(has_line(refused, "refused (wrong_state): available"));
  CHECK(terminal.desk.all_answered());
}

TEST_CASE("a lost frame leads to a new hello", "[ctl][agent]") {
  Terminal terminal;
  terminal.sign_in();
  const auto out = terminal.receive({{"type", "presence"}, {"seq", 7}, {"state", "away"}});
  CHECK(terminal.only_frame(out).at("type") == "hello");
}

TEST_CASE("delivery ticks, closes and countdowns are shown", "[ctl][agent]") {
  Terminal terminal;
  terminal.sign_in();
  (void)terminal.assign(conversation_1);
  const auto delivery = [&](const char* state) {
    return terminal.receive({{"type", "delivery"}, {"conversation", conversation_1}, {"state", state}});
  };
  CHECK(has_line(delivery("sent"), "✓ sent"));
  CHECK(has_line(delivery("read"), "✓✓ read"));
  CHECK(has_line(delivery("failed"), "✗ failed"));
  (void)terminal.offer(offer_2, conversation_2);
  CHECK(terminal.desk.tick(terminal.now).lines.empty());
  terminal.now += std::chrono::seconds(21);
  CHECK(has_line(terminal.desk.tick(terminal.now), "#2 goes to somebody else in 9 s"));
  CHECK(terminal.desk.tick(terminal.now).lines.empty());
  const auto closed = terminal.receive({{"type", "closed"}, {"conversation", conversation_1}, {"reason", "closed"},
                                        {"wrap_up_until", "2026-11-21T19:02:00.000Z"}});
  CHECK(has_line(closed, "wrap up, then: done"));
  CHECK(terminal.typed("done").at("conversation") == value(conversation_1));
  (void)terminal.receive({{"type", "closed"}, {"conversation", conversation_1}, {"reason", "wrapped_up"}});
  terminal.now += std::chrono::seconds(30);
  CHECK(terminal.desk.typed("reply more", terminal.now).frames.empty());
}

TEST_CASE("no frame of a daemon, however odd, upsets the terminal", "[ctl][agent]") {
  Terminal terminal;
  terminal.sign_in();
  for (const auto* odd : {"", "[]", "null", "{", R"({"type":5})", R"({"type":"offer"})", R"({"type":"assigned","conversation":3})",
                          R"({"type":"message"})", R"({"type":"welcome","offers":{},"conversations":[1,null]})",
                          R"({"type":"history","messages":[[]]})", R"({"type":"delivery"})", R"({"type":"error"})",
                          R"({"type":"closed"})", R"({"type":"offer_revoked"})", R"({"type":"future"})"})
    (void)terminal.desk.received(odd, terminal.now);
  // It still works.
  CHECK_FALSE(terminal.typed("available").empty());
}

TEST_CASE("the terminal says whether a sender was verified and nothing where nobody looked", "[ctl][agent][security-S13]") {
  Terminal terminal;
  terminal.sign_in();
  const auto head = [&](boost::json::value found) {
    object message{{"kind", "from_customer"}, {"author_name", "Ana"}, {"text", "Hello"}};
    if (!found.is_null()) message["verification"] = std::move(found);
    const auto out = terminal.receive({{"type", "message"}, {"conversation", conversation_1}, {"message", std::move(message)}});
    for (const auto& line : out.lines)
      if (line.find("Ana") != std::string::npos) return line.substr(line.find("Ana"));
    return std::string();
  };
  CHECK(head({{"result", "pass"}, {"method", "dkim"}, {"domain", "ex.org"}}) == "Ana (verified: dkim, ex.org)");
  CHECK(head({{"result", "fail"}, {"method", "dmarc"}, {"domain", "ex.org"}}) == "Ana (UNVERIFIED SENDER: failed dmarc, ex.org)");
  CHECK(head({{"result", "unknown"}, {"method", nullptr}, {"domain", "ex.org"}}) == "Ana (unverified sender)");
  CHECK(head(nullptr) == "Ana");
}

TEST_CASE("the terminal says who wrote a message and that somebody new would get the reply", "[ctl][agent]") {
  Terminal terminal;
  terminal.sign_in();
  auto about = conversation(conversation_1);
  CHECK_FALSE(has_line(terminal.receive({{"type", "assigned"}, {"conversation", about}}), "NEW SENDER"));
  about["new_sender"] = true;
  CHECK(has_line(terminal.receive({{"type", "assigned"}, {"conversation", about}}), "Zo\u00eb <zoe@ex.org> (NEW SENDER)"));
  const auto out = terminal.receive({{"type", "message"}, {"conversation", conversation_1},
                                     {"message", {{"kind", "from_customer"}, {"author_name", "Zo\u00eb"}, {"automated", "bulk"}, {"text", "hi"},
                                                  {"from", {{{"kind", "email"}, {"value", "list@ex.net"}}}}}}});
  CHECK(has_line(out, "Zo\u00eb <list@ex.net> (automatic: bulk)"));
}

TEST_CASE("an escape sequence of a customer does not reach the terminal", "[ctl][agent]") {
  Terminal terminal;
  terminal.sign_in();
  const auto out = terminal.receive({{"type", "message"}, {"conversation", conversation_1},
                                     {"message", {{"kind", "from_customer"}, {"author_name", "\x1b]0;x\x07"},
                                                  {"text", "\x1b[31mred"}}}});
  for (const auto& line : out.lines) CHECK(line.find('\x1b') == std::string::npos);
}

TEST_CASE("an address of a daemon is read with and without its parts", "[ctl][agent]") {
  const auto plain = parse_agent_address("http://127.0.0.1:8080");
  REQUIRE(plain);
  CHECK(plain->host == "127.0.0.1");
  CHECK(plain->port == "8080");
  CHECK(plain->path == "/v1/agent");
  const auto six = parse_agent_address("ws://[::1]:9/desk/agent");
  REQUIRE(six);
  CHECK(six->host == "::1");
  CHECK(six->path == "/desk/agent");
  CHECK_FALSE(six->tls);
  for (const auto* with_tls : {"https://desk.example", "wss://desk.example/v1/agent"}) {
    const auto safe = parse_agent_address(with_tls);
    REQUIRE(safe);
    CHECK(safe->tls);
    CHECK(safe->host == "desk.example");
    CHECK(safe->port == "443");
    CHECK(safe->path == "/v1/agent");
  }
  for (const auto* bad : {"", "127.0.0.1:8080", "https//x", "ftp://x", "http", "http://", "http://h:", "http://h:http", "http://[::1"}) {
    INFO(bad);
    CHECK_FALSE(parse_agent_address(bad));
  }
}

TEST_CASE("a file is attached to the next reply alone", "[ctl][agent]") {
  Terminal terminal;
  terminal.desk = TerminalDesk("token", "c-", [](const std::string& path) -> usher::message::Result<value> {
    if (path == "/none") return usher::message::fail(usher::message::Fault::not_found, "/none: No such file");
    return value(object{{"name", path.substr(1)}, {"proof", "p"}});
  });
  terminal.sign_in();
  (void)terminal.assign(conversation_1);
  CHECK(has_line(terminal.desk.typed("attach /none", terminal.now), "not attached: /none: No such file"));
  CHECK(has_line(terminal.desk.typed("attach /plan.pdf", terminal.now), "attached to the next reply in #1: plan.pdf"));
  CHECK(has_line(terminal.desk.typed("attach /my photo.png", terminal.now), "my photo.png"));
  CHECK_FALSE(terminal.typed("note for colleagues").contains("attachments"));
  const auto reply = terminal.typed("reply Here they are");
  REQUIRE(reply.at("attachments").as_array().size() == 2);
  CHECK(reply.at("attachments").at(1) == value(object{{"name", "my photo.png"}, {"proof", "p"}}));
  CHECK_FALSE(terminal.typed("reply And nothing more").contains("attachments"));
  (void)terminal.desk.typed("attach /plan.pdf", terminal.now);
  (void)terminal.desk.typed("attach -", terminal.now);
  CHECK_FALSE(terminal.typed("reply Without").contains("attachments"));
}

TEST_CASE("a file goes to the conversation it was attached in and stays when the reply is refused", "[ctl][agent]") {
  Terminal terminal;
  terminal.desk = TerminalDesk("token", "c-", [](const std::string& path) { return value(object{{"name", path.substr(1)}}); });
  terminal.sign_in();
  (void)terminal.assign(conversation_1);
  (void)terminal.desk.typed("attach /for-1.pdf", terminal.now);
  (void)terminal.assign(conversation_2);  // In hand now, without a word of the agent's.
  CHECK_FALSE(terminal.typed("reply To the second").contains("attachments"));
  (void)terminal.desk.typed("use 1", terminal.now);
  CHECK(has_line(terminal.desk.typed("attach", terminal.now), "attached in #1: for-1.pdf"));
  const auto reply = terminal.typed("reply To the first");
  REQUIRE(reply.at("attachments").as_array().size() == 1);
  (void)terminal.desk.typed("attach /more.pdf", terminal.now);
  const auto refused = terminal.receive({{"type", "error"}, {"id", reply.at("id")}, {"code", "too_large"}, {"message", "no"}});
  CHECK(has_line(refused, "attached to the next reply in #1 again"));
  const auto again = terminal.typed("reply Once more");
  REQUIRE(again.at("attachments").as_array().size() == 2);
  CHECK(again.at("attachments").at(0).at("name") == "for-1.pdf");

  (void)terminal.desk.typed("attach /for-1.pdf", terminal.now);
  (void)terminal.receive({{"type", "released"}, {"conversation", conversation_1}, {"reason", "transferred"}});
  (void)terminal.assign(conversation_1);  // Another time, perhaps about something else.
  CHECK_FALSE(terminal.typed("reply Back again").contains("attachments"));
}

TEST_CASE("a file is called by what its name says where its bytes alone say less", "[ctl][agent]") {
  const std::string zip("PK\3\4 and so on", 14);
  const std::string word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
  const auto kept = [&](std::string_view name) { return usher::connectors::type_of_file(type_by_name(name), zip); };
  CHECK(kept("Offer v1.2.DOCX") == word);
  CHECK(kept("numbers.xlsx") == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
  CHECK(kept("old.ods") == "application/vnd.oasis.opendocument.spreadsheet");
  CHECK(kept("all.zip") == "application/zip");
  CHECK(kept("picture.png") == "application/zip");
  CHECK(type_by_name("docx") == "application/octet-stream");
  CHECK(type_by_name("a.") == "application/octet-stream");
  CHECK(type_by_name("notes.txt") == "text/plain");
}

TEST_CASE("files are uploaded beside the door of agents", "[ctl][agent]") {
  CHECK(upload_url(parse_agent_address("http://127.0.0.1:8080").value(), "a b.pdf") == "http://127.0.0.1:8080/v1/blobs?name=a%20b.pdf");
  CHECK(upload_url(parse_agent_address("wss://[::1]/usher/v1/agent").value(), "a") == "https://[::1]:443/usher/v1/blobs?name=a");
}
