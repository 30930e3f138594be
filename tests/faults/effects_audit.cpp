// See effects_audit.hpp.
#include "tests/faults/effects_audit.hpp"

#include <set>

#include "routing/router/effect_json.hpp"
#include "tests/faults/read_stream.hpp"

namespace usher::faults {
namespace {

std::string named(journal::Stream stream, const std::string& id) {
  return std::string(journal::stream_name(stream)) + " effect " + id;
}

}  // namespace

Result<void> EffectsAudit::read_streams() {
  for (const auto stream : {journal::Stream::outbound, journal::Stream::events, journal::Stream::dead_letters}) {
    auto done = read_stream(journal_, stream, [&](const journal::Stored& record) -> Result<void> {
      out_.emplace(Place{stream, record.entry.id}, Content{offset_none, record.entry.type, record.entry.value});
      return {};
    });
    if (!done) return done;
  }
  return {};
}

// As the router writes them (routing/router/router.cpp); a reply's text is the one that is stored.
Result<void> EffectsAudit::expect_of(const engine::Step& step, const journal::Stored& record, Instant now) {
  for (std::size_t index = 0; index < step.effects.size(); ++index) {
    const auto id = std::to_string(audited_partition) + "/" + std::to_string(record.offset) + "/" + std::to_string(index);
    const auto keep = [&](journal::Stream stream, std::string type, std::string value) {
      expected_[{stream, id}] = {record.offset, std::move(type), std::move(value)};
    };
    if (const auto* happened = std::get_if<engine::Happened>(&step.effects[index])) {
      keep(journal::Stream::events, happened->type, router::event_json(*happened, now));
    } else if (const auto* dead = std::get_if<engine::DeadLettered>(&step.effects[index])) {
      keep(journal::Stream::dead_letters, "usher.dead-letter.v1", router::dead_letter_json(dead->reason, record));
    } else {
      const auto& wanted = std::get<engine::ReplyWanted>(step.effects[index]);
      const auto body = store_.body(audited_partition, wanted.reply);
      if (!body) return body.error();
      const auto written = *body ? router::read_body((*body)->json) : Result<router::Written>(fail(Fault::not_found, ""));
      keep(journal::Stream::outbound, "usher.message.send.requested.v1",
           written ? router::outbound_json(wanted, *written) : std::string());
    }
  }
  return {};
}

std::vector<std::string> EffectsAudit::contradictions() const {
  std::vector<std::string> found;
  for (const auto& [place, content] : out_) {
    const auto expected = expected_.find(place);
    if (expected == expected_.end()) found.push_back(named(place.first, place.second) + " is out, and no record causes it");
    else if (!expected->second.fits(content))
      found.push_back(named(place.first, place.second) + " is not what the fold makes of its record");
  }
  return found;
}

std::vector<std::string> EffectsAudit::missing(const state::Loaded& stored) const {
  std::set<Place> waiting;
  for (const auto& entry : stored.outbox) waiting.insert({entry.stream, entry.entry.id});
  std::vector<std::string> found;
  for (const auto& [place, content] : expected_) {
    if (content.offset > stored.meta.position.offset || out_.contains(place) || waiting.contains(place)) continue;
    found.push_back(named(place.first, place.second) + " never went out");
  }
  return found;
}

}  // namespace usher::faults
