// Access tokens: how they are asked for, how long they are kept, and what is said when there is none.
#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

#include "connectors/access_tokens.hpp"
#include "routing/message/limits.hpp"
#include "tests/connectors/loopback_server.hpp"
#include "tests/journal/fake_clock.hpp"
#include "tests/journal/show_result.hpp"

using namespace usher::connectors;
using namespace usher::connectors::testing;

namespace {

std::string json(const std::string& body, int status = 200) {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

email::TokenGrant grant_of(const LoopbackServer& server) { return {server.url("/token"), "client", "s&cret", "", "https://outlook.office365.com/.default"}; }

// Gives t1, t2 ..., each for an hour.
struct Counting {
  std::atomic<int> asked{0};
  LoopbackServer server{[this](const Got&) { return json(R"({"access_token":"t)" + std::to_string(++asked) + R"(","token_type":"Bearer","expires_in":3600})"); }};
};

}  // namespace

TEST_CASE("a token is asked for as the grant says and kept until shortly before its end", "[tokens]") {
  Counting counting;
  usher::testing::FakeClock clock;
  AccessTokens tokens(clock);
  auto grant = grant_of(counting.server);
  CHECK(tokens.token(grant, false).value() == "t1");
  CHECK(tokens.token(grant, false).value() == "t1");
  clock.pass(3'290'000);
  CHECK(tokens.token(grant, false).value() == "t1");
  clock.pass(20'000);
  CHECK(tokens.token(grant, false).value() == "t2");
  grant.refresh_token = "r/1";
  CHECK(tokens.token(grant, false).value() == "t3");
  const auto got = counting.server.so_far();
  REQUIRE(got.size() == 3);
  CHECK(got[0].method == "POST");
  CHECK(got[0].headers.at("content-type") == "application/x-www-form-urlencoded");
  CHECK(got[0].body == "grant_type=client_credentials&client_id=client&client_secret=s%26cret&scope=https%3A%2F%2Foutlook.office365.com%2F.default");
  CHECK(got[2].body.starts_with("grant_type=refresh_token&refresh_token=r%2F1&client_id=client&"));
}

TEST_CASE("a token that a server refused is fetched anew but not in a hot loop", "[tokens]") {
  Counting counting;
  usher::testing::FakeClock clock;
  AccessTokens tokens(clock);
  const auto grant = grant_of(counting.server);
  CHECK(tokens.token(grant, false).value() == "t1");
  CHECK(tokens.token(grant, true).value() == "t1");  // Fetched a moment ago.
  clock.pass(10'000);
  CHECK(tokens.token(grant, true).value() == "t2");
  CHECK(tokens.token(grant, true).value() == "t2");
  CHECK(counting.asked == 2);
}

TEST_CASE("those who need one token at once wait for one fetch", "[tokens]") {
  Counting counting;
  usher::testing::FakeClock clock;
  AccessTokens tokens(clock);
  const auto grant = grant_of(counting.server);
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 16; ++i)
    threads.emplace_back([&, fresh = i % 2 == 0] {
      const auto token = tokens.token(grant, fresh);
      if (token && *token == "t1") ++good;
    });
  for (auto& thread : threads) thread.join();
  CHECK(good == 16);
  CHECK(counting.asked == 1);
}

TEST_CASE("those who waited for a slow refusal get it and ask nobody again", "[tokens]") {
  usher::testing::FakeClock clock;
  std::atomic<int> asked{0};
  LoopbackServer server([&](const Got&) {
    ++asked;
    clock.pass(14'000);  // Longer than the pause between two fetches.
    return json("{}", 503);
  });
  AccessTokens tokens(clock);
  const auto grant = grant_of(server);
  std::vector<std::thread> threads;
  std::atomic<int> refused{0};
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      if (!tokens.token(grant, false)) ++refused;
    });
  for (auto& thread : threads) thread.join();
  CHECK(refused == 8);
  CHECK(asked == 1);
}

TEST_CASE("a stop ends the wait for a token for who fetches it and for who waits for that", "[tokens]") {
  std::atomic<bool> came{false}, go_on{false};
  LoopbackServer server([&](const Got&) {
    came = true;
    came.notify_all();
    go_on.wait(false);
    return json(R"({"access_token":"t1","expires_in":3600})");
  });
  usher::testing::FakeClock clock;
  AccessTokens tokens(clock);
  const auto grant = grant_of(server);
  std::stop_source stop;
  std::atomic<int> ended{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      if (!tokens.token(grant, false, stop.get_token())) ++ended;
    });
  came.wait(false);
  stop.request_stop();
  for (auto& thread : threads) thread.join();
  CHECK(ended == 3);
  CHECK_FALSE(tokens.token(grant, false, stop.get_token()));
  CHECK(server.connections() == 1);
  go_on = true;
  go_on.notify_all();
  CHECK(tokens.token(grant, false).value() == "t1");  // Nothing is held against the server.
}

TEST_CASE("why there is no token is said in words and without a secret", "[tokens]") {
  struct Case { std::string answer; Fault fault; const char* detail; };
  const Case cases[] = {
      {json(R"({"error":"invalid_grant","error_description":"AADSTS70008 s&cret"})", 400), Fault::unauthorised,
       "the token server refuses: invalid_grant: the refresh token has ended or was withdrawn; sign in again"},
      {json(R"({"error":"invalid_client"})", 401), Fault::unauthorised,
       "the token server refuses: invalid_client: client_id or client_secret is wrong, or the application may not do this"},
      {json(R"({"error":"s&cret S"})", 400), Fault::unauthorised, "the token server refuses: HTTP 400"},
      {json("<html>", 503), Fault::unavailable, "the token server refuses: HTTP 503"},
      {json(R"({"error":"temporarily_unavailable"})", 400), Fault::unavailable, "the token server refuses: temporarily_unavailable"},
      {json("[]"), Fault::unavailable, "the token server answered with what is no JSON object"},
      {json(R"({"access_token":""})"), Fault::unavailable, "the token server answered without a usable access_token"},
      {json(R"({"access_token":"a\r\nRSET"})"), Fault::unavailable, "the token server answered without a usable access_token"},
      {json(std::string(100'000, ' ') + R"({"access_token":"a"})"), Fault::unavailable, nullptr},
      {"", Fault::unavailable, nullptr},
      {json("", 302), Fault::unauthorised, "the token server refuses: HTTP 302"},
  };
  for (const Case& one : cases) {
    INFO(one.answer.substr(0, 200));
    LoopbackServer server([&](const Got&) { return one.answer; });
    usher::testing::FakeClock clock;
    AccessTokens tokens(clock);
    const auto token = tokens.token(grant_of(server), false);
    REQUIRE_FALSE(token);
    CHECK(token.error().fault == one.fault);
    if (one.detail != nullptr) CHECK(token.error().detail == one.detail);
    CHECK(token.error().detail.find("s&cret") == std::string::npos);
    // Not asked again at once, and the same answer.
    CHECK(tokens.token(grant_of(server), true).error().detail == token.error().detail);
    CHECK(server.connections() == 1);
  }
}

TEST_CASE("a token that is still good outlives a token server that is away", "[tokens]") {
  std::atomic<bool> away{false};
  LoopbackServer server([&](const Got&) { return away ? json("{}", 503) : json(R"({"access_token":"t1","expires_in":"3600"})"); });
  usher::testing::FakeClock clock;
  AccessTokens tokens(clock);
  const auto grant = grant_of(server);
  CHECK(tokens.token(grant, false).value() == "t1");
  away = true;
  clock.pass(3'400'000);
  CHECK(tokens.token(grant, false).value() == "t1");
  clock.pass(300'000);
  CHECK(tokens.token(grant, false).error().fault == Fault::unavailable);
  away = false;
  clock.pass(10'000);
  CHECK(tokens.token(grant, false).value() == "t1");
}

TEST_CASE("a refresh token that was replaced is used and the configured one is what remains", "[tokens]") {
  std::vector<std::string> seen;
  LoopbackServer server([&](const Got& got) {
    seen.push_back(got.body.substr(got.body.find("refresh_token=") + 14, 2));
    const std::string& used = got.body;
    if (used.find("refresh_token=r2") != std::string::npos && seen.size() > 2) return json(R"({"error":"invalid_grant"})", 400);
    return json(R"({"access_token":"t)" + std::to_string(seen.size()) + R"(","expires_in":60,"refresh_token":"r2"})");
  });
  usher::testing::FakeClock clock;
  AccessTokens tokens(clock);
  auto grant = grant_of(server);
  grant.refresh_token = "r1";
  CHECK(tokens.token(grant, false).value() == "t1");
  clock.pass(60'000);
  CHECK(tokens.token(grant, false).value() == "t2");
  clock.pass(60'000);
  CHECK(tokens.token(grant, false).value() == "t4");
  CHECK(seen == std::vector<std::string>{"r1", "r2", "r2", "r1"});
}

TEST_CASE("secrets are never sent in the clear beyond this machine", "[tokens]") {
  usher::testing::FakeClock clock;
  AccessTokens tokens(clock);
  const auto token = tokens.token({"http://192.0.2.1/token", "client", "s", "", ""}, false);
  REQUIRE_FALSE(token);
  CHECK(token.error().detail == "the token server's address must be https: secrets are sent to it");
}
