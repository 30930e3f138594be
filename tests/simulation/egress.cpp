// Egress: takes replies from the outbound stream, from its durable mark on, and reports what became of each attempt. It may
// die between sending and reporting, so it sends some twice, and reports some twice.
#include <boost/json.hpp>

#include "tests/simulation/world.hpp"

namespace usher::simulation {

void World::egress_acts() {
  const auto records = journal_.read(journal::Stream::outbound, 0, outbound_next_, 4);
  if (!records) return;
  for (const auto& record : *records) {
    const auto json = boost::json::parse(record.entry.value).as_object();
    DeliveryReported report;
    report.reply = MessageId::parse(std::string(json.at("reply").as_string())).value();
    report.attempt = static_cast<int>(json.at("attempt").as_int64());
    const auto outcome = pick(10);
    report.state = outcome < 2 ? DeliveryState::deferred : outcome == 2 ? DeliveryState::failed : DeliveryState::sent;
    if (calm_) report.state = DeliveryState::sent;
    const auto next = record.offset + 1;
    append(report, [this, next](bool good) { if (good) outbound_next_ = std::max(outbound_next_, next); });
    if (chance(10)) append(report);
  }
}

}  // namespace usher::simulation
