// Dead letters: records that could not be applied, listed with their reason, shown with their bytes, and put back into
// the inbound journal when an operator says so (rule X1). On a worker's thread, since the journal is read.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <charconv>
#include <limits>

#include "connectors/signature.hpp"
#include "daemon/ops_routes_parts.hpp"
#include "routing/message/wire.hpp"

namespace usher::daemon {

namespace json = boost::json;

namespace {

constexpr std::int64_t page_default = 100;
constexpr std::int64_t page_max = 1'000;

std::string text_of(const json::object& object, std::string_view name) {
  const auto* found = object.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string{};
}

struct Letter {
  Offset offset = offset_none;
  Instant at;
  Offset original = offset_none;
  std::string reason, id, type, bytes;
  std::size_t size = 0;  // Of the record's value; `bytes` is its beginning when that was too large for a letter.
  bool readable = false;
};

Letter read_letter(const journal::Stored& stored) {
  Letter letter;
  letter.offset = stored.offset;
  letter.at = stored.appended_at;
  boost::system::error_code error;
  const auto value = json::parse(stored.entry.value, error);
  if (error || !value.is_object()) return letter;
  const auto& object = value.get_object();
  letter.reason = text_of(object, "reason");
  letter.id = text_of(object, "id");
  letter.type = text_of(object, "type");
  if (const auto* offset = object.if_contains("offset"); offset != nullptr && offset->is_int64())
    letter.original = offset->get_int64();
  const auto bytes = connectors::decode_base64(text_of(object, "value_base64"));
  letter.readable = bytes.has_value();
  letter.bytes = bytes.value_or("");
  letter.size = letter.bytes.size();
  if (const auto* size = object.if_contains("value_bytes"); size != nullptr && size->is_int64() && size->get_int64() > 0)
    letter.size = static_cast<std::size_t>(size->get_int64());
  return letter;
}

json::object letter_json(const Letter& letter) {
  return {{"offset", letter.offset},
          {"at", format_rfc3339(letter.at)},
          {"record_offset", letter.original},
          {"id", letter.id},
          {"type", letter.type},
          {"reason", letter.reason},
          {"bytes", letter.size}};
}

Response list_letters(HttpServices& services, Offset from, std::size_t limit) {
  const auto bounds = services.journal.bounds(journal::Stream::dead_letters, services.partition);
  if (!bounds) return problem(bounds.error());
  const auto read =
      services.journal.read(journal::Stream::dead_letters, services.partition, std::max(from, bounds->first), limit);
  if (!read) return problem(read.error());
  json::array list;
  for (const auto& stored : *read) list.push_back(letter_json(read_letter(stored)));
  return json_response(200, json::serialize(json::object{{"dead_letters", std::move(list)}}));
}

// The letter at exactly this offset.
Result<Letter> find_letter(HttpServices& services, Offset offset) {
  const auto read = services.journal.read(journal::Stream::dead_letters, services.partition, offset, 1);
  if (!read) return read.error();
  if (read->empty() || read->front().offset != offset) return fail(Fault::not_found, "There is no such dead letter.");
  return read_letter(read->front());
}

std::optional<Offset> offset_of(const std::string& text) {
  Offset offset = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
  if (error != std::errc{} || end != text.data() + text.size() || offset < 0) return std::nullopt;
  return offset;
}

Response show_letter(HttpServices& services, Offset offset) {
  const auto letter = find_letter(services, offset);
  if (!letter) return problem(letter.error());
  auto body = letter_json(*letter);
  if (valid_utf8(letter->bytes))
    body["value"] = letter->bytes;
  else
    body["value_base64"] = connectors::base64(letter->bytes);
  return json_response(200, json::serialize(body));
}

// What the letter has no room for is in the journal, for as long as that keeps it.
Result<void> complete(HttpServices& services, Letter& letter) {
  if (letter.bytes.size() >= letter.size) return {};
  const auto read = services.journal.read(journal::Stream::inbound, services.partition, letter.original, 1);
  if (!read && read.error().fault != Fault::not_found) return read.error();
  letter.readable = read && !read->empty() && read->front().offset == letter.original &&
                    read->front().entry.value.size() == letter.size && read->front().entry.value.starts_with(letter.bytes);
  if (letter.readable) letter.bytes = read->front().entry.value;
  return {};
}

void requeue(HttpServices& services, Offset offset, const Responder& respond) {
  auto letter = find_letter(services, offset);
  if (!letter) return respond(problem(letter.error()));
  if (const auto done = complete(services, *letter); !done) return respond(problem(done.error()));
  if (!letter->readable) return respond(problem(409, "The dead letter does not hold the record's bytes."));
  services.journal.append(journal::Stream::inbound, services.partition, {letter->id, letter->type, letter->bytes},
                          [respond, offset](const Result<journal::Appended>& appended) {
                            if (!appended) return respond(problem(appended.error()));
                            const json::object body{{"requeued", offset}, {"offset", appended->offset}};
                            respond(json_response(200, json::serialize(body)));
                          });
}

}  // namespace

void add_dead_letter_routes(RouteTable& table, HttpServices& services) {
  table.add(
      "GET", "/v1/dead-letters", 0, guarded(services, [&services](const Request& request, const Responder& respond) {
        const auto after = query_number(request, "after", offset_none, std::numeric_limits<std::int64_t>::max() - 1);
        const auto limit = query_number(request, "limit", page_default, page_max);
        if (!after || !limit) return respond(problem(400, "after and limit are whole numbers."));
        on_worker(services, respond, [&services, from = *after + 1, most = static_cast<std::size_t>(*limit)] {
          return list_letters(services, from, most);
        });
      }));
  table.add("GET", "/v1/dead-letters/{offset}", 0,
            guarded(services, [&services](const Request& request, const Responder& respond) {
              const auto offset = offset_of(request.arguments.front());
              if (!offset) return respond(problem(404, "There is no such dead letter."));
              on_worker(services, respond, [&services, at = *offset] { return show_letter(services, at); });
            }));
  const auto again = [&services](const Request& request, const Responder& respond) {
    const auto offset = offset_of(request.arguments.front());
    if (!offset) return respond(problem(404, "There is no such dead letter."));
    const bool taken = services.workers.take([&services, respond, at = *offset] { requeue(services, at, respond); });
    if (!taken) respond(problem(fail(Fault::overloaded, "Too many requests at once.")));
  };
  table.add("POST", "/v1/dead-letters/{offset}/requeue", 1024, guarded(services, again));
}

}  // namespace usher::daemon
