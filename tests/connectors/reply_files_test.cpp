// Files of replies that are not where they should be: what is said, and when it is given up.
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "tests/connectors/egress_desk.hpp"

using namespace usher::connectors;
using namespace usher::connectors::testing;

namespace {

constexpr int minute = 60'000;

}  // namespace

TEST_CASE("a reply whose file nobody could fetch is not called sent", "[egress]") {
  for (const std::string connector : {"contact", "shop"}) {  // By private link and in the outbox.
    INFO(connector);
    EgressDesk desk;
    desk.attach("here.pdf", "%PDF-1");
    desk.attach("plan.pdf", "%PDF-2", false);
    desk.start();
    desk.write(1, 1, 1, connector.c_str());
    const auto waits = desk.only();
    CHECK(waits.state == DeliveryState::deferred);
    CHECK(waits.detail == "the file plan.pdf cannot be read at this moment");
    REQUIRE(desk.blobs.put(TenantId("acme"), sha256_hex("%PDF-2"), "%PDF-2"));
    desk.write(1, 1, 2, connector.c_str());
    CHECK(desk.wait_for(2)[1].state == DeliveryState::sent);
  }
}

TEST_CASE("a reply whose file is gone for good fails after ten minutes and names the file", "[egress]") {
  for (const std::string connector : {"contact", "support-mail"}) {
    INFO(connector);
    EgressDesk desk;
    SmtpServer server;
    desk.mail_to(server);
    desk.attach("plan.pdf", "%PDF-1", false);
    desk.start();
    desk.write(1, 1, 1, connector.c_str());
    CHECK(desk.wait_for(1)[0].state == DeliveryState::deferred);
    desk.clock.pass(10 * minute - 1);
    desk.write(1, 1, 2, connector.c_str());
    CHECK(desk.wait_for(2)[1].state == DeliveryState::deferred);
    // Another reply, tried for days for other reasons, waits out its own ten minutes.
    desk.write(2, 2, 100, connector.c_str());
    CHECK(desk.wait_for(3)[2].state == DeliveryState::deferred);
    desk.clock.pass(1);
    desk.write(1, 1, 3, connector.c_str());
    const auto gone = desk.wait_for(4)[3];
    CHECK(gone.state == DeliveryState::failed);
    CHECK(gone.detail == "the file plan.pdf is not there any more");
    desk.write(2, 2, 101, connector.c_str());
    CHECK(desk.wait_for(5)[4].state == DeliveryState::deferred);
    CHECK(server.connections() == 0);
  }
}

TEST_CASE("a file that is there and cannot be read is waited for", "[egress]") {
  EgressDesk desk;
  const std::string name = sha256_hex("%PDF-1");
  desk.attach("plan.pdf", "%PDF-1");
  const auto path = desk.folder.path() / "acme" / name.substr(0, 2) / name;
  const auto look = [&](int attempt) {
    desk.write(1, 1, attempt, "contact");
    return desk.wait_for(static_cast<std::size_t>(attempt)).back();
  };
  const auto damage = [&] { std::ofstream(path) << "%PDF-?"; };
  damage();
  desk.start();
  CHECK(look(1).state == DeliveryState::deferred);
  desk.clock.pass(11 * minute);
  CHECK(look(2).detail == "the file plan.pdf cannot be read at this moment");
  // Ten minutes are those without a break: a folder that comes and goes is none that lost the file.
  std::filesystem::remove(path);
  CHECK(look(3).state == DeliveryState::deferred);
  damage();
  CHECK(look(4).state == DeliveryState::deferred);
  std::filesystem::remove(path);
  desk.clock.pass(11 * minute);
  CHECK(look(5).state == DeliveryState::deferred);
}
