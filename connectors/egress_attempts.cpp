// Egress: what is done with one reply: its turn, its text, its way out, and the record of what became of it.
#include <algorithm>

#include "connectors/catalog.hpp"
#include "connectors/egress_carrier.hpp"
#include "connectors/email/charset.hpp"
#include "routing/message/wire.hpp"

namespace usher::connectors {

namespace {

// A receiver that hangs may not hold up all the others.
constexpr std::size_t one_connector_max = limits::webhooks_in_flight_max / 2;
constexpr Milliseconds unconfigured_pause{60'000};
constexpr Milliseconds missing_pause{5'000};
// A file that was not there at any look for so long is gone for good: folders that machines share are back within minutes.
constexpr Milliseconds file_missing_max{600'000};
constexpr std::size_t files_missing_remembered = 4096;
// A record with more is refused by the router, and the reply would neither be tried again nor fail. With room for the few
// words that the engine puts before it.
constexpr std::size_t detail_bytes_max = limits::short_field_bytes_max - 64;

}  // namespace

// A mailbox takes so many mails at a time, and so many a minute: the others wait, or are put off.
bool Egress::Carrier::has_turn(EgressAttempt& attempt, EgressQueue& queue) {
  std::size_t& waiting = queue.by_connector[attempt.request.connector];
  auto turn = mails.turn(attempt.request.connector, attempt.request.attempt, {waiting, queue.in_all});
  if (turn.now) return true;
  if (turn.put_off) {
    attempt.verdict = std::move(turn.put_off);
    report(attempt);
    return false;
  }
  ++waiting;
  ++queue.in_all;
  const Milliseconds at = ports.clock.steady() + turn.wait;
  if (turn.wait > Milliseconds{0} && (!turn_at || at < *turn_at)) turn_at = at;
  return false;
}

// The router holds back by itself what it writes once it knows.
bool Egress::Carrier::would_overtake(const EgressAttempt& attempt) const {
  const auto found = put_off.find(attempt.request.conversation);
  const auto cause = cause_of(attempt.effect);
  return found != put_off.end() && attempt.request.reply != found->second.first && cause && *cause < found->second.second;
}

void Egress::Carrier::start_ready() {
  std::set<ConversationId> busy;
  std::map<ConnectorId, std::size_t> in_flight;
  EgressQueue queue;
  turn_at.reset();
  for (const EgressAttempt& one : window)
    if (one.stage == EgressStage::in_flight) ++in_flight[one.request.connector];
  for (EgressAttempt& one : window) {
    if (one.stage == EgressStage::done) continue;
    const bool first = busy.insert(one.request.conversation).second;
    if (!first || one.stage != EgressStage::ready || ports.clock.steady() < one.not_before) continue;
    if (one.verdict) {
      report(one);
      continue;
    }
    if (would_overtake(one)) {
      one.verdict = Verdict{DeliveryState::deferred, "an earlier reply of the conversation has not left yet", {}};
      report(one);
      continue;
    }
    const auto instance = std::find_if(instances.begin(), instances.end(), [&](const Instance& i) { return i.id == one.request.connector; });
    const Connector* connector = instance == instances.end() ? nullptr : find_connector(instance->type);
    if (connector == nullptr) {
      one.verdict = Verdict{DeliveryState::deferred, "the connector is not configured", unconfigured_pause, "not_configured"};
      report(one);
      continue;
    }
    if (client.in_flight() >= limits::webhooks_in_flight_max || in_flight[one.request.connector] >= one_connector_max) continue;
    if (!has_turn(one, queue)) continue;
    attempt(one, queue, *instance, *connector);
    if (one.stage == EgressStage::in_flight) ++in_flight[one.request.connector];
  }
}

void Egress::Carrier::attempt(EgressAttempt& attempt, EgressQueue& queue, const Instance& instance, const Connector& connector) {
  const auto failed = [&](std::string why) {
    attempt.verdict = Verdict{DeliveryState::failed, std::move(why), {}, "unrenderable"};
    report(attempt);
  };
  auto body = ports.state.body(partition, attempt.request.in_reply_to);
  if (!body) {
    attempt.not_before = ports.clock.steady() + egress_retry_pause;
    return hold(body.error());
  }
  if (!body->has_value()) {  // Erased, or on its way back into a store that was lost: the last attempt will tell.
    attempt.verdict = Verdict{DeliveryState::deferred, "the message it answers is not kept at this moment", missing_pause, "text_missing"};
    return report(attempt);
  }
  auto message = decode_message((*body)->json);
  if (!message) return failed("the message it answers cannot be read");

  const SendRequest& request = attempt.request;
  Outbound outbound{request.reply,      request.conversation, request.attempt, request.author_name, request.text,
                    request.written_at, std::move(*message),  {},              {},                  ports.public_url};
  outbound.attachments = request.attachments;
  if (auto verdict = add_files(outbound, instance, connector)) {
    attempt.verdict = std::move(verdict);
    return report(attempt);
  }
  auto rendered = connector.render(instance, outbound, ports.clock.wall());
  if (!rendered) return failed(rendered.error().detail);
  if (auto* post = std::get_if<HttpPost>(&*rendered)) {
    attempt.stage = EgressStage::in_flight;
    client.start(static_cast<std::uint64_t>(attempt.offset), std::move(*post));
    return;
  }
  if (auto* mail = std::get_if<MailPost>(&*rendered)) {
    // Only what is rendered shows that a connector sends mail, so the first one had its turn before anybody asked the lane.
    if (!mails.knows(request.connector)) {
      mails.meet(request.connector, mail->account);
      if (!has_turn(attempt, queue)) return;
    }
    attempt.stage = EgressStage::in_flight;
    mails.start(request.connector, static_cast<std::uint64_t>(attempt.offset), request.attempt, std::move(*mail));
    return;
  }
  attempt.verdict = Verdict{DeliveryState::sent, "kept for the customer", {}};
  report(attempt);
}

// A verdict: the reply cannot leave with its files, and never leaves without them.
std::optional<Verdict> Egress::Carrier::add_files(Outbound& outbound, const Instance& instance, const Connector& connector) {
  if (outbound.attachments.empty()) return std::nullopt;
  if (connector.files_out == FilesOut::none) return Verdict{DeliveryState::failed, "this channel carries no files", {}, "unrenderable"};
  for (const Attachment& one : outbound.attachments) {
    // Read as well where others fetch it later: "sent" is said only of a file that can be had.
    auto bytes = ports.blobs != nullptr ? ports.blobs->get(instance.tenant, one.sha256) : fail(Fault::unavailable, "there is no folder of files");
    if (!bytes) return without_file(outbound.reply, one, bytes.error().fault);
    if (connector.files_out == FilesOut::inside) outbound.files.push_back(File{one.name, one.type, std::move(*bytes), one.sha256});
  }
  files_missing.erase(outbound.reply);
  return std::nullopt;
}

// Attempts are no measure of how long a file is gone: most of them may have failed for other reasons.
Verdict Egress::Carrier::without_file(const MessageId& reply, const Attachment& file, Fault fault) {
  Verdict waits{DeliveryState::deferred, "the file " + file.name + " cannot be read at this moment", missing_pause, "file_missing"};
  if (fault != Fault::not_found) {
    files_missing.erase(reply);  // Of a folder that is away nobody knows what is in it; the last attempt will tell.
    return waits;
  }
  const Milliseconds now = ports.clock.steady();
  if (files_missing.size() == files_missing_remembered && !files_missing.contains(reply))
    files_missing.erase(std::min_element(files_missing.begin(), files_missing.end(), [](const auto& a, const auto& b) { return a.second < b.second; }));
  if (now - files_missing.try_emplace(reply, now).first->second < file_missing_max) return waits;
  files_missing.erase(reply);
  return Verdict{DeliveryState::failed, "the file " + file.name + " is not there any more", {}, "file_missing"};
}

void Egress::Carrier::report(EgressAttempt& attempt) {
  const Verdict& verdict = *attempt.verdict;
  if (!verdict.kind.empty()) counts.last_error = verdict.kind;
  const Record record =
      DeliveryReported{attempt.request.reply, attempt.request.attempt, verdict.state,
                       std::string(email::cut_utf8(email::to_utf8(verdict.detail, "utf-8"), detail_bytes_max)), verdict.retry_after};
  attempt.stage = EgressStage::reporting;
  const Offset offset = attempt.offset;
  journal::Entry entry{attempt.effect + std::string(egress_report_suffix), std::string(record_type(record)), encode(record)};
  ports.journal.append(journal::Stream::inbound, partition, std::move(entry),
                       [notes = notes, offset](Result<journal::Appended> appended) {
                         notes->leave([&](EgressNotes& left) { left.reported.emplace_back(offset, appended ? std::optional(appended->offset) : std::nullopt); });
                       });
}

}  // namespace usher::connectors
