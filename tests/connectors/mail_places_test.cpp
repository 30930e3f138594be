// How mails share the places there are: their turns, their pace, and servers that hold them up.
#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>

#include "routing/message/limits.hpp"
#include "tests/connectors/egress_desk.hpp"
#include "tests/connectors/loopback_server.hpp"

using namespace usher::connectors;
using namespace usher::connectors::testing;

TEST_CASE("a mailbox sends no faster than its provider takes and no more at a time", "[egress]") {
  EgressDesk desk;
  std::atomic<int> now{0}, most{0};
  SmtpServer server({}, [&](std::string_view stage, const SmtpGot&) -> std::optional<std::string> {
    if (stage == "EHLO") return std::nullopt;
    if (stage == "MAIL") {
      const int here = ++now;
      for (int seen = most; here > seen && !most.compare_exchange_weak(seen, here);) {}
    }
    if (stage == "dot") --now;
    return std::nullopt;
  });
  desk.mail_to(server);
  desk.start();
  for (std::uint64_t i = 1; i <= 35; ++i) desk.write_mail(i);
  CHECK(desk.wait_for(30).size() == 30);
  desk.egress->use(desk.instances());
  CHECK(server.wait_for(30).size() == 30);
  CHECK(server.connections() == 30);
  desk.clock.pass(10'000);  // Five more.
  desk.egress->use(desk.instances());
  for (const auto& report : desk.wait_for(35)) CHECK(report.state == DeliveryState::sent);
  CHECK(server.connections() == 35);
  CHECK(most <= 2);
}

TEST_CASE("more mailboxes than mails may be under way take turns", "[egress]") {
  EgressDesk desk;
  std::atomic<bool> hangs{true};
  std::vector<std::unique_ptr<SmtpServer>> servers;
  for (std::uint64_t i = 1; i <= limits::mails_in_flight_max + 4; ++i) {
    servers.push_back(std::make_unique<SmtpServer>(SmtpHabits{}, [&](std::string_view stage, const SmtpGot&) {
      if (stage == "DATA") hangs.wait(true);
      return std::optional<std::string>();
    }));
    desk.mail_to(*servers.back());
    desk.add_mailbox(i);
  }
  desk.start();
  for (std::uint64_t i = 1; i <= servers.size(); ++i) desk.write(i, i, 1, ("mail-" + std::to_string(i)).c_str());
  const auto connected = [&] { return std::count_if(servers.begin(), servers.end(), [](const auto& server) { return server->connections() > 0; }); };
  await([&] { return connected() == limits::mails_in_flight_max && desk.egress->status().pending == servers.size(); });
  hangs = false;
  hangs.notify_all();
  for (const auto& report : desk.wait_for(servers.size())) CHECK(report.state == DeliveryState::sent);
}

TEST_CASE("a mail server that hangs leaves room for other channels", "[egress]") {
  EgressDesk desk;
  SmtpServer server({}, [](std::string_view stage, const SmtpGot&) { return stage == "MAIL" ? std::optional(SmtpServer::hang) : std::nullopt; });
  LoopbackServer web([](const Got&) { return LoopbackServer::status(204); });
  desk.mail_to(server);
  desk.hook(web.url());
  desk.start();
  for (std::uint64_t i = 1; i <= 300; ++i) desk.write_mail(i);
  desk.write(1000, 1000);
  web.wait_for(1);
  std::size_t put_off = 0;
  await([&] {
    put_off = 0;
    for (const auto& report : desk.reports())
      if (report.detail == "more replies are waiting than the mail server takes (30 a minute)") ++put_off;
    return put_off == 300 - 2 - limits::mails_waiting_max;
  });
  CHECK(server.connections() == 2);
}

TEST_CASE("a mail whose end is never answered is given up before a customer has many copies", "[egress][rule-E5]") {
  EgressDesk desk;
  SmtpServer server({}, [](std::string_view stage, const SmtpGot&) { return stage == "dot" ? std::optional<std::string>("") : std::nullopt; });
  desk.mail_to(server);
  desk.start();
  for (int attempt = 1; attempt <= limits::mail_unknown_max; ++attempt) {
    desk.write_mail(1, attempt);
    const auto report = desk.wait_for(static_cast<std::size_t>(attempt)).back();
    CHECK(report.state == (attempt < limits::mail_unknown_max ? DeliveryState::deferred : DeliveryState::failed));
    if (attempt == limits::mail_unknown_max) CHECK(report.detail.starts_with("it may have arrived: "));
    desk.clock.pass(30'000);
  }
  desk.write_mail(2);  // Each reply by itself.
  CHECK(desk.wait_for(limits::mail_unknown_max + 1).back().state == DeliveryState::deferred);
  CHECK(server.connections() == limits::mail_unknown_max + 1);
}

TEST_CASE("a mail server that is silent after the text is left alone and holds nobody up", "[egress]") {
  EgressDesk desk;
  SmtpServer server({}, [](std::string_view stage, const SmtpGot&) { return stage == "dot" ? std::optional(SmtpServer::hang) : std::nullopt; });
  desk.mail_to(server);
  MailHooks hooks;
  hooks.times.after_dot = usher::message::Milliseconds{200};
  desk.start(true, std::move(hooks));
  for (std::uint64_t i = 1; i <= 20; ++i) desk.write_mail(i);
  const auto reports = desk.wait_for(20);
  const auto unknown = [](const auto& report) { return report.detail.find("so it is sent once more") != std::string::npos; };
  CHECK(std::count_if(reports.begin(), reports.end(), unknown) == server.connections());
  CHECK(server.connections() == 2);  // As many as go at a time.
  for (const auto& report : reports) CHECK(report.state == DeliveryState::deferred);
}

TEST_CASE("mailboxes of one server that hangs take half of the places for mails and the others send", "[egress]") {
  EgressDesk desk;
  SmtpServer hanging({}, [](std::string_view stage, const SmtpGot&) { return stage == "MAIL" ? std::optional(SmtpServer::hang) : std::nullopt; });
  SmtpServer good;
  desk.mail_to(hanging);
  for (std::uint64_t i = 1; i <= 6; ++i) desk.add_mailbox(i);
  desk.mail_to(good);
  desk.start();
  for (std::uint64_t i = 1; i <= 12; ++i) desk.write(i, i, 1, ("mail-" + std::to_string(i % 6 + 1)).c_str());
  await([&] { return hanging.connections() == limits::mails_in_flight_max / 2; });
  desk.write_mail(100);
  CHECK(desk.only().state == DeliveryState::sent);
  CHECK(hanging.connections() == limits::mails_in_flight_max / 2);
}

TEST_CASE("three mail servers that hang leave a place for a fourth", "[egress]") {
  EgressDesk desk;
  const auto hang = [](std::string_view stage, const SmtpGot&) { return stage == "MAIL" ? std::optional(SmtpServer::hang) : std::nullopt; };
  std::vector<std::unique_ptr<SmtpServer>> hanging;
  for (std::uint64_t server = 0; server < 3; ++server) {
    hanging.push_back(std::make_unique<SmtpServer>(SmtpHabits{}, hang));
    desk.mail_to(*hanging.back());
    for (std::uint64_t i = 1; i <= 4; ++i) desk.add_mailbox(server * 4 + i);
  }
  SmtpServer good;
  desk.mail_to(good);
  desk.start();
  std::size_t number = 0;
  for (std::uint64_t server = 0; server < 3; ++server) {
    // Two to each of its mailboxes: as many as there are places in all.
    for (std::uint64_t i = 0; i < limits::mails_in_flight_max; ++i, ++number)
      desk.write(number + 1, number + 1, 1, ("mail-" + std::to_string(server * 4 + i % 4 + 1)).c_str());
    await([&] {
      return hanging[server]->connections() == std::array{4, 2, 1}[server] && desk.egress->status().pending == (server + 1) * limits::mails_in_flight_max;
    });
  }
  desk.write_mail(100);
  desk.write_mail(101);
  for (const auto& report : desk.wait_for(2)) CHECK(report.state == DeliveryState::sent);
  CHECK(hanging[0]->connections() == 4);
  CHECK(hanging[1]->connections() == 2);
  CHECK(hanging[2]->connections() == 1);
}

TEST_CASE("many mailboxes that hang together leave room for other channels and for mailboxes that do not", "[egress]") {
  EgressDesk desk;
  SmtpServer hanging({}, [](std::string_view stage, const SmtpGot&) { return stage == "MAIL" ? std::optional(SmtpServer::hang) : std::nullopt; });
  SmtpServer good;
  LoopbackServer web([](const Got&) { return LoopbackServer::status(204); });
  desk.mail_to(hanging);
  for (std::uint64_t i = 1; i <= 5; ++i) desk.add_mailbox(i);
  desk.mail_to(good);
  desk.hook(web.url());
  desk.start();
  for (std::uint64_t i = 1; i <= 300; ++i) desk.write(i, i, 1, ("mail-" + std::to_string(i % 5 + 1)).c_str());
  desk.write(1000, 1000);
  web.wait_for(1);
  desk.write_mail(1001);
  const std::size_t put_off = 300 - limits::mails_waiting_in_all_max - limits::mails_in_flight_max / 2;
  await([&] { return desk.reports().size() == put_off + 2; });
  std::size_t sent = 0;
  for (const auto& report : desk.reports()) {
    if (report.state == DeliveryState::sent) ++sent;
    else CHECK(report.detail == "more replies are waiting than the mail servers take");
  }
  CHECK(sent == 2);
}
