// Egress after a crash: what was reported is found before anything is sent.
#include <catch2/catch.hpp>

#include <atomic>

#include "tests/connectors/egress_desk.hpp"
#include "tests/connectors/loopback_server.hpp"

using namespace usher::connectors;
using namespace usher::connectors::testing;

namespace {

// The first reply hangs, those after it are reported, and the process ends.
struct Crashed {
  EgressDesk desk;
  std::atomic<bool> hangs{true};
  SmtpServer server{{}, [this](std::string_view stage, const SmtpGot& got) -> std::optional<std::string> {
    return stage == "DATA" && got.number == 1 && hangs ? std::optional(SmtpServer::hang) : std::nullopt;
  }};

  void happen() {
    desk.mail_to(server);
    desk.start();
    desk.write_mail(1);
    await([&] { return server.connections() == 1; });
    for (std::uint64_t i = 2; i <= 6; ++i) desk.write_mail(i);
    desk.wait_for(5);
    desk.egress.reset();
    hangs = false;
  }
  // Arrivals of others.
  void arrivals(int count) {
    for (int i = 0; i < count; ++i) desk.journal.append(Stream::inbound, 0, {"m" + std::to_string(i), "usher.tick.v1", "{}"}, [](const auto&) {});
  }
  void go_on() {
    desk.start();
    desk.write_mail(7);
    await([&] { return desk.egress->status().cursor == 7; });
  }
};

}  // namespace

TEST_CASE("what was reported is not sent again however much has arrived since", "[egress][rule-E5]") {
  Crashed crashed;
  crashed.happen();
  crashed.arrivals(20'000);
  crashed.go_on();
  CHECK(crashed.server.connections() == 8);  // The one that hung, five, it again, and the new one.
}

TEST_CASE("reports are looked for from the record that caused the oldest reply at the cursor", "[egress][rule-E5]") {
  Crashed crashed;
  crashed.arrivals(3'000);
  crashed.desk.cause = 2'999;
  crashed.desk.mail_to(crashed.server);
  crashed.desk.start();
  crashed.desk.write_mail(1);
  await([&] { return crashed.server.connections() == 1; });
  for (std::uint64_t i = 2; i <= 6; ++i) crashed.desk.write_mail(i);
  crashed.server.wait_for(5);
  await([&] { return crashed.desk.journal.bounds(Stream::inbound, 0)->end == 3'005; });
  crashed.desk.egress.reset();
  crashed.hangs = false;
  crashed.desk.journal.erase_before(Stream::inbound, 0, 2'000);  // What is older is not needed.
  crashed.go_on();
  CHECK(crashed.server.connections() == 8);
}

TEST_CASE("a journal that cannot be read at the start is asked again before anything is sent", "[egress][rule-E5]") {
  for (int failures = 1; failures <= 4; ++failures) {
    INFO(failures);
    Crashed crashed;
    crashed.happen();
    crashed.desk.journal.fail_next_reads(failures);
    crashed.desk.start();
    await([&] {
      crashed.desk.clock.pass(1'000);
      crashed.desk.egress->use(crashed.desk.instances());  // Wakes it.
      return crashed.desk.egress->status().cursor == 6;
    });
    CHECK(crashed.server.connections() == 7);
  }
}
