// Real and broken mail of others, against what others make of it. Without the corpora only the tests with mails of our own
// run, which say so.
#include <catch2/catch.hpp>

#include <algorithm>
#include <boost/json.hpp>
#include <map>

#include "connectors/email/mail_kind.hpp"
#include "connectors/email/mime_reader.hpp"
#include "connectors/email/reply_text.hpp"
#include "routing/message/wire.hpp"
#include "tests/connectors/email/corpus.hpp"
#include "tests/journal/show_result.hpp"

using namespace usher::connectors::email;
using namespace usher::connectors::email::testing;
namespace json = boost::json;
using usher::message::Automated;
using usher::message::Identity;
using usher::message::Message;

namespace {

bool absent(std::size_t count) {
  if (count == 0) WARN("the corpora are not here: only mails of our own are tested");
  return count == 0;
}

json::value values_of(const std::vector<Identity>& identities) {
  json::array out;
  for (const auto& one : identities)
    if (one.kind == "email") out.push_back(json::string(one.value));
  return out;
}

json::value texts_of(const std::vector<std::string>& texts) {
  json::array out;
  for (const auto& one : texts) out.push_back(json::string(one));
  return out;
}

json::value text_or_null(const std::string& text) { return text.empty() ? json::value(nullptr) : json::value(text); }

json::value attachments_of(const Message& message, bool all) {
  json::array out;
  for (const auto& one : message.attachments)
    if (all || !one.inline_part) out.push_back(json::array{json::string(one.name), json::string(one.sha256.substr(0, 16)), one.size});
  return out;
}

json::object fields_of(const Message& message, bool all_files) {
  json::object out;
  out["subject"] = folded(message.subject);
  out["from"] = values_of(message.from.identities);
  out["to"] = values_of(message.to);
  out["cc"] = values_of(message.cc);
  out["message_id"] = message.provider_message_id.starts_with("content:") ? json::value(nullptr) : json::value(message.provider_message_id);
  out["in_reply_to"] = text_or_null(message.thread.in_reply_to.empty() ? "" : message.thread.in_reply_to.front());
  out["date"] = message.sent_at ? json::value(unix_ms(*message.sent_at) / 1000) : json::value(nullptr);
  out["leaf_types"] = texts_of(message.parts);
  out["text"] = folded(message.text);
  out["attachments"] = attachments_of(message, all_files);
  return out;
}

// The first of several ids where one field holds more; lists of addresses in lower case.
json::value comparable(std::string_view field, const json::value& value) {
  if (value.is_null() && field == "subject") return json::string();
  if (value.is_string() && (field == "subject" || field == "text")) return json::string(folded(value.as_string()));
  if (value.is_string() && field == "in_reply_to") return json::string(std::string_view(value.as_string()).substr(0, value.as_string().find('>')));
  if (!value.is_array() || (field != "from" && field != "to" && field != "cc")) return value;
  json::array out;
  for (const auto& one : value.as_array()) {
    std::string lower(one.as_string());
    for (char& c : lower)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    out.push_back(json::string(lower));
  }
  return out;
}

bool same(const json::value& left, const json::value& right) { return json::serialize(left) == json::serialize(right); }

}  // namespace

TEST_CASE("mails of the corpus read as two of three other parsers read them", "[corpus]") {
  const auto all = samples("email");
  if (absent(all.size())) return;
  Score every, plain, ids;
  for (const auto& sample : all) {
    const Message message = message_of(sample.bytes);
    const auto carried = usher::message::decode_message(usher::message::encode(message));
    INFO(sample.file);
    REQUIRE(carried);
    CHECK(*carried == message);
    const auto got = fields_of(message, true), got_plain = fields_of(message, false);
    for (const auto& [name, value] : sample.expected.at("expect").as_object()) {
      const std::string field(name);
      if (field == "text" && value.is_null()) continue;
      const json::value wanted = comparable(field, value);
      const std::string what = sample.file + " " + field + ": " + json::serialize(got.at(field)).substr(0, 400) + " instead of " + json::serialize(wanted).substr(0, 400);
      every.ask(same(got.at(field), wanted), what);
      plain.ask(same(got_plain.at(field), wanted), what);
      if (field == "message_id" || field == "in_reply_to" || field == "from") ids.ask(same(got.at(field), wanted), what);
    }
  }
  every.show("email, every field");
  plain.show("email, files shown inline left out");
  ids.show("email, ids and senders");
  CHECK(every.share() >= 0.98);
  CHECK(plain.share() >= 0.98);
  CHECK(ids.agreed == ids.asked);
}

TEST_CASE("bounces and reports of the corpus are told from mail", "[corpus]") {
  const auto all = samples("bounces");
  if (absent(all.size())) return;
  const std::map<std::string, Automated> classes{{"bounce", Automated::bounce}, {"feedback-report", Automated::feedback_report}, {"delivery-report", Automated::delivery_report}};
  Score kinds, recipients, ids, statuses;
  for (const auto& sample : all) {
    const MailKind kind = classify_mail(read_mail(sample.bytes));
    const std::string wanted(sample.expected.at("class").as_string());
    const auto found = classes.find(wanted);
    if (found == classes.end()) {
      INFO(sample.file);
      CHECK(kind.automated != Automated::bounce);
      continue;
    }
    const std::string got = kind.automated ? std::to_string(static_cast<int>(*kind.automated)) : "mail";
    kinds.ask(kind.automated == found->second, sample.file + ": " + got + " instead of " + wanted);
    for (const auto& result : sample.expected.at("results").as_array()) {
      const auto& fields = result.as_object();
      const std::string address(fields.at("recipient").as_string());
      if (address.ends_with(".invalid")) continue;
      std::string listed;
      const ReportedRecipient* one = nullptr;
      for (const auto& recipient : kind.recipients) {
        listed += recipient.address + " ";
        if (recipient.address == comparable("to", json::array{json::string(address)}).at(0).as_string()) one = &recipient;
      }
      recipients.ask(one != nullptr, sample.file + ": recipients " + listed + "instead of " + address);
      const std::string status(fields.contains("status") ? std::string(fields.at("status").as_string()) : "");
      if (one != nullptr && !status.empty() && status.find(".0.9") == std::string::npos) statuses.ask(one->status == status, sample.file + ": status " + one->status + " instead of " + status);
      if (!fields.contains("messageid")) continue;
      const std::string id(fields.at("messageid").as_string());
      const bool named = std::find(kind.original_ids.begin(), kind.original_ids.end(), id) != kind.original_ids.end();
      ids.ask(id.empty() || named, sample.file + ": does not name " + id);
    }
  }
  kinds.show("bounces, kinds");
  recipients.show("bounces, recipients");
  statuses.show("bounces, statuses");
  ids.show("bounces, ids of the original");
  CHECK(kinds.share() >= 0.989);
  CHECK(recipients.share() >= 0.95);
  CHECK(ids.share() >= 0.95);
}

TEST_CASE("ordinary mails of the corpora are no bounces", "[corpus]") {
  std::size_t count = 0;
  for (const auto& sample : samples("email")) {
    const Mail mail = read_mail(sample.bytes);
    const bool reports = std::any_of(mail.parts.begin(), mail.parts.end(), [](const std::string& type) { return type == "message/delivery-status"; });
    INFO(sample.file);
    if (!reports) CHECK(classify_mail(mail).automated != Automated::bounce);
    ++count;
  }
  for (const auto& reply : replies()) {
    INFO(reply.file);
    CHECK(classify_mail(read_mail("From: ana@example.org\nSubject: Re: order\n\n" + reply.text)).automated == std::nullopt);
    ++count;
  }
  absent(count);
}

TEST_CASE("replies of the corpus lose what they quote and keep what they say", "[corpus]") {
  const auto all = replies();
  if (absent(all.size())) return;
  Score score;
  for (const auto& reply : all) {
    const std::string got = new_text(reply.text);
    score.ask(folded(got) == folded(reply.kept), reply.file + ":\n<<<" + got + ">>>\n<<<" + reply.kept + ">>>");
    INFO(reply.file);
    if (!folded(reply.kept).empty()) CHECK(!folded(got).empty());
  }
  score.show("email-replies");
  CHECK(score.share() >= 58.0 / 64.0);
}
