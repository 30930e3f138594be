// See effect_json.hpp.
#include "routing/router/effect_json.hpp"

#include <array>

#include "routing/message/limits.hpp"
#include "routing/message/wire.hpp"
#include "routing/message/wire_attachments.hpp"
#include "routing/message/wire_json.hpp"

namespace usher::router {
namespace {

using wire::Writer;

static_assert(dead_letter_bytes_max / 3 * 4 + 16 * limits::short_field_bytes_max < limits::record_bytes_max,
              "a dead letter fits one record, with its headers escaped");

constexpr std::array<std::string_view, 4> urgencies{"low", "normal", "high", "critical"};

std::string base64(std::string_view bytes) {
  static constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto at = [&](std::size_t k) { return k < bytes.size() ? static_cast<unsigned char>(bytes[k]) : 0U; };
    const unsigned group = (at(i) << 16) | (at(i + 1) << 8) | at(i + 2);
    for (unsigned k = 0; k < 4; ++k)
      out += i + k <= bytes.size() ? alphabet[(group >> (18 - 6 * k)) & 63] : '=';
  }
  return out;
}

// A requeue appends the same record again; what is no header of ours here cannot be, and says so.
std::string as_text(const std::string& header) {
  if (header.size() > limits::short_field_bytes_max) return "(too long)";
  return valid_utf8(header) ? header : "(not UTF-8)";
}

void write_candidate(Writer& writer, const engine::Candidate& one) {
  writer.begin_object();
  writer.name("agent", one.agent);
  writer.number("load_permille", one.load_permille);
  writer.number("proficiency", one.proficiency);
  writer.number("idle_ms", one.idle_ms);
  writer.end_object();
}

void write_why(Writer& writer, const engine::Why& why) {
  writer.begin_object();
  writer.text("policy", why.policy);
  writer.number("waited_ms", why.waited_ms);
  writer.number("order_key", why.order_key);
  writer.flag("preferred", why.preferred);
  writer.key("winner");
  write_candidate(writer, why.winner);
  writer.list("runners_up", why.runners_up, [&](const auto& one) { write_candidate(writer, one); });
  writer.key("excluded");
  writer.begin_object();
  for (const auto& [reason, count] : why.excluded) writer.number(reason, count);
  writer.end_object();
  writer.end_object();
}

}  // namespace

std::string body_json(const Written& written) {
  Writer writer(written.text.size() + 256);
  writer.begin_object();
  writer.number("v", 1);
  writer.text("kind", written.note ? "note" : "reply");
  writer.id("id", written.id);
  writer.id("conversation", written.conversation);
  writer.name("author", written.author);
  writer.text("author_name", written.author_name);
  writer.text("text", written.text);
  writer.time("written_at", written.written_at);
  if (!written.attachments.empty()) wire::write_attachments(writer, written.attachments);
  writer.end_object();
  return writer.take();
}

Result<Written> read_body(std::string_view json) {
  wire::Document document;
  const auto root = document.parse(json);
  if (!root) return root.error();
  static constexpr std::array<std::string_view, 2> kinds{"reply", "note"};
  const wire::Place place{nullptr, "body", std::nullopt};
  wire::Problem problem;
  wire::Reader reader(**root, place, problem);
  Written written;
  reader.version();
  written.note = reader.choice("kind", kinds, wire::Need::required) == std::size_t{1};
  reader.id("id", written.id);
  reader.id("conversation", written.conversation);
  reader.name("author", written.author);
  reader.text("author_name", written.author_name);
  reader.text("text", written.text, wire::long_text);
  reader.time("written_at", written.written_at);
  wire::read_reply_attachments(reader, written.attachments);
  if (problem.found()) return problem.error();
  return written;
}

std::string outbound_json(const engine::ReplyWanted& wanted, const Written& written) {
  Writer writer(written.text.size() + 512);
  writer.begin_object();
  writer.number("v", 1);
  writer.id("reply", wanted.reply);
  writer.id("conversation", wanted.conversation);
  writer.name("connector", wanted.connector);
  writer.text("channel", wanted.channel);
  writer.id("in_reply_to", wanted.in_reply_to);
  writer.name("author", wanted.author);
  writer.text("author_name", written.author_name);
  writer.number("attempt", wanted.attempt);
  writer.text("text", written.text);
  writer.time("written_at", written.written_at);
  if (!written.attachments.empty()) wire::write_attachments(writer, written.attachments);
  writer.end_object();
  return writer.take();
}

std::string event_json(const engine::Happened& happened, Instant at) {
  const auto& c = happened.conversation;
  Writer writer(768);
  writer.begin_object();
  writer.number("v", 1);
  writer.time("at", at);
  writer.key("conversation");
  writer.begin_object();
  writer.id("id", c.id);
  writer.name("connector", c.connector);
  writer.text("channel", c.channel);
  writer.name("queue", c.queue);
  writer.text("urgency", urgencies.at(static_cast<std::size_t>(c.urgency)));
  writer.list("requirements", c.requirements, [&](const Requirement& one) {
    writer.begin_object();
    writer.name("skill", one.skill);
    writer.number("level", one.level_min);
    writer.end_object();
  });
  writer.text("state", engine::state_name(c.state));
  writer.optional_name("agent", c.agent);
  writer.time("opened_at", c.opened_at);
  writer.time("waiting_since", c.waiting_since);
  writer.number("messages", c.messages);
  if (c.flood != engine::Flood::none) writer.text("flood", engine::flood_name(c.flood));
  writer.end_object();
  if (happened.why) {
    writer.key("why");
    write_why(writer, *happened.why);
  }
  writer.text("detail", happened.detail);
  writer.end_object();
  return writer.take();
}

std::string dead_letter_json(const std::string& reason, const journal::Stored& record) {
  const auto kept = std::string_view(record.entry.value).substr(0, dead_letter_bytes_max);
  Writer writer(kept.size() * 4 / 3 + 512);
  writer.begin_object();
  writer.number("v", 1);
  writer.text("reason", reason);
  writer.number("offset", record.offset);
  writer.time("appended_at", record.appended_at);
  writer.text("id", as_text(record.entry.id));
  writer.text("type", as_text(record.entry.type));
  writer.text("value_base64", base64(kept));
  if (kept.size() < record.entry.value.size()) writer.number("value_bytes", static_cast<std::int64_t>(record.entry.value.size()));
  writer.end_object();
  return writer.take();
}

}  // namespace usher::router
