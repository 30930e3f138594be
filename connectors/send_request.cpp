// SendRequest: reading what the router wrote.
#include "connectors/send_request.hpp"

#include <boost/json.hpp>

#include "connectors/json_input.hpp"
#include "routing/message/wire.hpp"

namespace usher::connectors {

namespace {

template <class Id>
Result<void> read_id(const boost::json::object& object, std::string_view name, Id& out) {
  auto text = line_member(object, name);
  if (!text) return text.error();
  const auto id = Id::parse(*text);
  if (!id) return fail(Fault::malformed, std::string(name) + ": is no id");
  out = *id;
  return {};
}

Result<void> read_texts(const boost::json::object& object, SendRequest& request) {
  auto connector = line_member(object, "connector");
  if (!connector) return connector.error();
  if (connector->empty()) return fail(Fault::malformed, "connector: missing");
  request.connector = ConnectorId(std::move(*connector));
  // As they are: an agent's text was checked when it was taken, and refusing it here would lose it.
  const auto read = [&](const char* name, std::string& out) {
    const auto* value = object.if_contains(name);
    if (value != nullptr && value->is_string()) out.assign(value->get_string().data(), value->get_string().size());
    return value != nullptr && value->is_string();
  };
  read("author_name", request.author_name);
  if (!read("text", request.text)) return fail(Fault::malformed, "text: missing");
  return {};
}

Result<void> read_numbers(const boost::json::object& object, SendRequest& request) {
  auto written = line_member(object, "written_at");
  if (!written) return written.error();
  const auto at = parse_rfc3339(*written);
  if (!at) return fail(Fault::malformed, "written_at: is no time");
  request.written_at = *at;
  const auto* attempt = object.if_contains("attempt");
  if (attempt == nullptr) return {};
  if (!attempt->is_int64() || attempt->get_int64() < 1 || attempt->get_int64() > 1'000'000)
    return fail(Fault::malformed, "attempt: is no number of an attempt");
  request.attempt = static_cast<int>(attempt->get_int64());
  return {};
}

}  // namespace

Result<SendRequest> decode_send_request(std::string_view json) {
  auto object = parse_own_object(json);
  if (!object) return object.error();
  SendRequest request;
  auto read = read_id(*object, "reply", request.reply);
  if (read) read = read_id(*object, "conversation", request.conversation);
  if (read) read = read_id(*object, "in_reply_to", request.in_reply_to);
  if (read) read = read_texts(*object, request);
  if (read) read = read_numbers(*object, request);
  if (!read) return read.error();
  if (!object->contains("attachments")) return request;  // As most are.
  auto attachments = decode_reply_attachments(json);
  if (!attachments) return attachments.error();
  request.attachments = std::move(*attachments);
  return request;
}

}  // namespace usher::connectors
