// Egress: replies leave once an attempt, are reported, and the cursor follows; against a real server on loopback.
#include <catch2/catch.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "connectors/standard_webhooks.hpp"
#include "routing/message/limits.hpp"
#include "tests/connectors/egress_desk.hpp"
#include "tests/connectors/loopback_server.hpp"

using namespace usher::connectors;
using namespace usher::connectors::testing;
using usher::journal::Applied;

TEST_CASE("a reply is posted once, signed, and reported as sent before the cursor moves", "[egress]") {
  EgressDesk desk;
  LoopbackServer server([](const Got&) { return LoopbackServer::status(204); });
  desk.hook(server.url("/hook?x=1"));
  desk.start();
  desk.write(1);
  const auto report = desk.only();
  CHECK(report == DeliveryReported{MessageId{7, 1}, 1, DeliveryState::sent, "HTTP 204", Milliseconds{0}});
  const auto got = server.wait_for(1);
  CHECK(got[0].method == "POST");
  CHECK(got[0].path == "/hook?x=1");
  CHECK(got[0].headers.at("webhook-id") == MessageId(MessageId{7, 1}).text());
  CHECK(verify_standard_webhook(sample_secret, got[0].headers.at("webhook-id"), got[0].headers.at("webhook-timestamp"), got[0].headers.at("webhook-signature"), got[0].body, desk.clock.wall()));
  CHECK(boost::json::parse(got[0].body).at("data").at("text").as_string() == "answer 1");
  desk.egress.reset();
  CHECK(desk.cursor() == 1);
  CHECK(server.so_far().size() == 1);
}

TEST_CASE("each answer of a receiver has its outcome", "[egress]") {
  struct Case { int status; DeliveryState state; };
  const Case cases[] = {{200, DeliveryState::sent}, {202, DeliveryState::sent}, {299, DeliveryState::sent}, {301, DeliveryState::failed}, {400, DeliveryState::failed},
                        {401, DeliveryState::failed}, {404, DeliveryState::failed}, {408, DeliveryState::deferred}, {409, DeliveryState::deferred}, {410, DeliveryState::failed},
                        {425, DeliveryState::deferred}, {429, DeliveryState::deferred}, {500, DeliveryState::deferred}, {503, DeliveryState::deferred}, {599, DeliveryState::deferred}};
  EgressDesk desk;
  LoopbackServer server([&](const Got& got) {
    const std::string text(boost::json::parse(got.body).at("data").at("text").as_string());
    return LoopbackServer::status(cases[std::stoul(text.substr(7))].status);
  });
  desk.hook(server.url());
  desk.start();
  for (std::uint64_t i = 0; i < std::size(cases); ++i) desk.write(i, 100 + i);
  for (const auto& report : desk.wait_for(std::size(cases))) {
    const Case& expected = cases[report.reply.low];
    INFO(expected.status);
    CHECK(report.state == expected.state);
    CHECK(report.detail == "HTTP " + std::to_string(expected.status));
  }
}

TEST_CASE("a receiver that asks for time is given it", "[egress]") {
  EgressDesk desk;
  LoopbackServer server([](const Got& got) {
    const bool first = got.body.find("answer 1\"") != std::string::npos;
    return LoopbackServer::status(503, first ? "Retry-After: 120\r\n" : "Retry-After: 999999\r\n");
  });
  desk.hook(server.url());
  desk.start();
  desk.write(1);
  CHECK(desk.wait_for(1)[0].retry_after == std::chrono::seconds(120));
  desk.write(2, 2);
  CHECK(desk.wait_for(2)[1].retry_after == limits::retry_longest);
}

TEST_CASE("a redirect is not followed", "[egress]") {
  EgressDesk desk;
  LoopbackServer target([](const Got&) { return LoopbackServer::status(200); });
  LoopbackServer server([&](const Got&) { return LoopbackServer::status(307, "Location: " + target.url() + "\r\n"); });
  desk.hook(server.url());
  desk.start();
  desk.write(1);
  CHECK(desk.only().state == DeliveryState::failed);
  CHECK(target.connections() == 0);
}

TEST_CASE("a receiver that is not there, or hangs up, is tried again later", "[egress]") {
  EgressDesk desk;
  std::string url;
  { LoopbackServer gone([](const Got&) { return LoopbackServer::status(200); }); url = gone.url(); }
  desk.hook(url);
  desk.start();
  desk.write(1);
  CHECK(desk.wait_for(1)[0].state == DeliveryState::deferred);
  LoopbackServer rude([](const Got&) { return std::string(); });
  desk.hook(rude.url());
  desk.egress->use(desk.instances());
  desk.write(2);
  CHECK(desk.wait_for(2)[1].state == DeliveryState::deferred);
  LoopbackServer nonsense([](const Got&) { return std::string("SMTP ready\r\n\r\n"); });
  desk.hook(nonsense.url());
  desk.egress->use(desk.instances());
  desk.write(3);
  CHECK(desk.wait_for(3)[2].state == DeliveryState::deferred);
}

TEST_CASE("a long answer is cut off and its status counts", "[egress]") {
  EgressDesk desk;
  LoopbackServer server([](const Got&) { return "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + std::string(200'000, 'x'); });
  desk.hook(server.url());
  desk.start();
  desk.write(1);
  CHECK(desk.only().state == DeliveryState::sent);
}

TEST_CASE("a webhook may not lead into a private network unless the operator says so", "[egress]") {
  EgressDesk desk;
  LoopbackServer server([](const Got&) { return LoopbackServer::status(200); });
  const std::string port = server.url().substr(16);
  desk.start(false);
  std::size_t count = 0;
  for (const std::string& url : {"http://127.0.0.1" + port, "http://localhost" + port, "http://[::1]" + port, "http://2130706433" + port, "http://0x7f.1" + port, "http://[::ffff:127.0.0.1]" + port}) {
    INFO(url);
    desk.hook(url);
    desk.egress->use(desk.instances());
    ++count;
    desk.write(count, count);
    const auto report = desk.wait_for(count).back();
    CHECK(report.state == DeliveryState::failed);
    CHECK(report.detail == "the webhook's address is not on the public internet");
  }
  CHECK(server.connections() == 0);
}

TEST_CASE("only http and https are spoken", "[egress]") {
  EgressDesk desk;
  desk.hook("file:///etc/passwd");
  desk.start();
  desk.write(1);
  CHECK(desk.only().state == DeliveryState::deferred);
}

TEST_CASE("a reply that the customer fetches is sent as soon as it is there", "[egress]") {
  EgressDesk desk;
  desk.start();
  desk.write(1, 1, 1, "contact");
  CHECK(desk.only().state == DeliveryState::sent);
}

TEST_CASE("E2: an effect that stands in the stream twice is attempted once, also after a restart", "[egress][rule-E2]") {
  EgressDesk desk;
  desk.start();
  desk.write(1);
  desk.write(1);
  desk.write(2);
  CHECK(desk.wait_for(2).size() == 2);
  desk.egress.reset();
  desk.start();
  desk.write(2);
  desk.write(3);
  const auto all = desk.wait_for(3);
  REQUIRE(all.size() == 3);
  CHECK(all[2].reply == MessageId{7, 3});
}

TEST_CASE("a reply without its connector, or without what it answers, is reported", "[egress]") {
  EgressDesk desk;
  desk.start();
  desk.write(1, 1, 3, "removed");
  const auto first = desk.wait_for(1)[0];
  CHECK(first.state == DeliveryState::deferred);
  CHECK(first.attempt == 3);
  desk.egress.reset();
  desk.bodies.messages.clear();
  desk.start();
  desk.write(2);
  // It may be on its way back into a store that was lost: the engine's last attempt decides.
  CHECK(desk.wait_for(2)[1].state == DeliveryState::deferred);
  desk.egress.reset();
  for (auto& message : desk.bodies.messages) message.second = "{";
  desk.bodies.messages.emplace(question(http_connector).id, "not a message");
  desk.start();
  desk.write(3);
  CHECK(desk.wait_for(3)[2].state == DeliveryState::failed);
}

TEST_CASE("records that are no requests are passed over, and the rest goes on", "[egress]") {
  EgressDesk desk;
  LoopbackServer server([](const Got&) { return LoopbackServer::status(200); });
  desk.hook(server.url());
  desk.start();
  desk.put("{", "0/1/0");
  desk.put(R"({"reply":"x"})", "0/2/0");
  desk.put("{}", "0/3/0", "usher.something.else.v9");
  desk.write(4);
  CHECK(desk.only().reply == MessageId{7, 4});
  desk.egress.reset();
  CHECK(desk.cursor() == 4);
}

TEST_CASE("replies of one conversation arrive in order, those of others do not wait for them", "[egress]") {
  EgressDesk desk;
  std::mutex mutex;
  std::condition_variable opened;
  bool open = false;
  LoopbackServer server([&](const Got& got) {
    if (got.body.find("answer 1\"") != std::string::npos) {
      std::unique_lock lock(mutex);
      opened.wait_for(lock, std::chrono::seconds(20), [&] { return open; });
    }
    return LoopbackServer::status(200);
  });
  desk.hook(server.url());
  desk.start();
  desk.write(1, 1);
  desk.write(2, 1);
  for (std::uint64_t other = 3; other < 9; ++other) desk.write(other, other);
  const auto others = desk.wait_for(6);
  for (const auto& report : others) CHECK(report.reply.low >= 3);
  CHECK(desk.cursor() == 0);  // The first is still out.
  {
    const std::lock_guard lock(mutex);
    open = true;
  }
  opened.notify_all();
  const auto all = desk.wait_for(8);
  CHECK(all[6].reply.low == 1);
  CHECK(all[7].reply.low == 2);
  desk.egress.reset();
  CHECK(desk.cursor() == 8);
}

TEST_CASE("a reply that was written before anybody knew does not overtake the one that is put off", "[egress]") {
  EgressDesk desk;
  std::mutex mutex;
  std::vector<std::string> posted;
  LoopbackServer server([&](const Got& got) {
    const std::lock_guard lock(mutex);
    posted.push_back(got.body.substr(got.body.find("answer "), 8));
    const bool first = posted.back() == "answer 1" && std::count(posted.begin(), posted.end(), "answer 1") == 1;
    return LoopbackServer::status(first ? 503 : 200);
  });
  desk.hook(server.url());
  // The agent's commands, of which the first four effects come.
  desk.journal.append(Stream::inbound, 0, {"command", "t", "v"}, [](const auto&) {});
  desk.start();
  desk.write(1, 1);
  desk.write(2, 1);
  desk.write(3, 1);
  desk.write(4, 9);  // Of another conversation.
  const auto all = desk.wait_for(5);
  REQUIRE(all.size() == 4);
  for (const auto& report : all) CHECK(report.state == (report.reply.low == 4 ? DeliveryState::sent : DeliveryState::deferred));
  // What the router writes once it knows is its own order, and so is the next attempt.
  desk.cause = desk.journal.bounds(Stream::inbound, 0)->end;
  desk.write(1, 1, 2);
  desk.write(2, 1, 2);
  const auto later = desk.wait_for(7);
  CHECK(later.back().state == DeliveryState::sent);
  const std::lock_guard lock(mutex);
  std::erase(posted, "answer 4");
  CHECK(posted == std::vector<std::string>{"answer 1", "answer 1", "answer 2"});
}

TEST_CASE("a receiver that hangs does not hold up the others", "[egress]") {
  EgressDesk desk;
  std::mutex mutex;
  std::condition_variable opened;
  bool open = false;
  LoopbackServer server([&](const Got&) {
    std::unique_lock lock(mutex);
    opened.wait_for(lock, std::chrono::seconds(20), [&] { return open; });
    return LoopbackServer::status(200);
  });
  desk.hook(server.url());
  desk.start();
  for (std::uint64_t i = 0; i < 40; ++i) desk.write(i, i);
  desk.write(99, 99, 1, "contact");
  CHECK(desk.wait_for(1)[0].reply.low == 99);
  {
    const std::lock_guard lock(mutex);
    open = true;
  }
  opened.notify_all();
  CHECK(desk.wait_for(41).size() == 41);
}

TEST_CASE("a start without a cursor begins at the end, a restart where the last one stopped", "[egress]") {
  EgressDesk desk;
  desk.write(1, 1, 1, "contact");
  desk.start();
  CHECK(desk.cursor() == 1);
  desk.egress.reset();
  desk.write(2, 1, 1, "contact");
  desk.start();
  CHECK(desk.only().reply.low == 2);
  desk.egress.reset();
  CHECK(desk.cursor() == 2);
  CHECK(desk.reports().size() == 1);
}

TEST_CASE("a report that cannot be appended is appended later, and the reply is not sent again", "[egress]") {
  EgressDesk desk;
  LoopbackServer server([&](const Got&) {
    desk.journal.fail_next_appends(1, Applied::no);
    return LoopbackServer::status(200);
  });
  desk.hook(server.url());
  desk.start();
  desk.write(1);
  desk.wait_in_spite_of_failures();
  CHECK(desk.only().state == DeliveryState::sent);
  desk.egress.reset();
  CHECK(desk.cursor() == 1);
  CHECK(server.so_far().size() == 1);
}

TEST_CASE("a state that is away holds the reply until it is back", "[egress]") {
  EgressDesk desk;
  LoopbackServer server([](const Got&) { return LoopbackServer::status(200); });
  desk.hook(server.url());
  desk.bodies.failures = 1;
  desk.start();
  desk.write(1);
  desk.wait_in_spite_of_failures();
  CHECK(desk.only().state == DeliveryState::sent);
  CHECK(server.so_far().size() == 1);
}

TEST_CASE("retention that overtakes the cursor is said, and the rest goes on", "[egress]") {
  EgressDesk desk;
  desk.start();
  desk.egress.reset();
  for (std::uint64_t i = 0; i < 5; ++i) desk.write(i, i, 1, "contact");
  desk.journal.erase_before(Stream::outbound, 0, 3);
  desk.start();
  CHECK(desk.wait_for(2)[0].reply.low == 3);
  CHECK(desk.egress->status().erased_before == 3);
}

TEST_CASE("the end breaks off what hangs, in moments, and it is sent again after a restart with the same id", "[egress]") {
  EgressDesk desk;
  std::mutex mutex;
  std::condition_variable opened;
  bool open = false;
  LoopbackServer server([&](const Got&) {
    std::unique_lock lock(mutex);
    opened.wait_for(lock, std::chrono::seconds(20), [&] { return open; });
    return LoopbackServer::status(200);
  });
  desk.hook(server.url());
  desk.start();
  desk.write(1);
  server.wait_for(1);
  std::atomic<bool> ended = false;
  std::thread passing([&] {
    while (!ended) {
      desk.clock.pass(1);
      std::this_thread::yield();
    }
  });
  desk.egress.reset();
  ended = true;
  passing.join();
  CHECK(desk.cursor() == 0);
  {
    const std::lock_guard lock(mutex);
    open = true;
  }
  opened.notify_all();
  desk.start();
  CHECK(desk.only().state == DeliveryState::sent);
  const auto got = server.so_far();
  REQUIRE(got.size() == 2);
  CHECK(got[0].headers.at("webhook-id") == got[1].headers.at("webhook-id"));
}
