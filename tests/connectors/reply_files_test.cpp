// Files of replies that are not where they should be: nobody is told that such a reply was sent.
#include <catch2/catch.hpp>

#include "tests/connectors/egress_desk.hpp"

using namespace usher::connectors;
using namespace usher::connectors::testing;

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
