// What agents say: checked, then appended to the journal as records; the engine decides and answers. Only history and
// ping are answered here, since they change nothing. On the loop's thread.
#include <boost/json/array.hpp>

#include <limits>
#include <utility>

#include "daemon/agent_files.hpp"
#include "daemon/agent_tokens.hpp"
#include "daemon/desk_gateway_commands.hpp"
#include "daemon/desk_gateway_desk.hpp"
#include "routing/message/limits.hpp"

namespace usher::daemon {

namespace json = boost::json;

namespace {

constexpr int refusals_in_a_row_max = 1'000;
constexpr int close_policy = 1008;

std::optional<std::uint32_t> sequence_of(const json::value& value) {
  if (value.is_int64() && value.get_int64() >= 0 && value.get_int64() <= std::numeric_limits<std::uint32_t>::max())
    return static_cast<std::uint32_t>(value.get_int64());
  return std::nullopt;
}

std::string_view file_code(Fault fault) {
  if (fault == Fault::conflict) return "no_files";
  if (fault == Fault::not_found) return "unknown_file";
  // To be said again under the same id: it may be a repeat of what is journaled already.
  if (fault == Fault::unavailable) return "degraded";
  return fault == Fault::too_large ? "too_large" : "bad_request";
}

}  // namespace

void DeskGateway::Desk::refuse(const Session& session, const std::string& type, const std::string& id,
                               std::string_view code, std::string_view sentence) {
  ports.metrics.command(type, std::string(code));
  write(session, error_json(id, code, sentence.empty() ? code_sentence(code) : sentence));
}

void DeskGateway::Desk::heard(const Session& session, std::string_view text) {
  if (!session->rate.take(ports.clock.steady())) {
    if (++session->refused_in_a_row > refusals_in_a_row_max)
      return session->link->close(close_policy, "too many frames");
    // The id is worth the parsing: the client must know which command to send again.
    const auto frame = read_frame(text);
    return refuse(session, "any", frame ? text_field(*frame, "id", command_id_bytes_max).value_or("") : "",
                  "rate_limited", {});
  }
  session->refused_in_a_row = 0;
  const auto frame = read_frame(text);
  if (!frame) return refuse(session, "any", "", "bad_request", "a frame is a JSON object");
  const auto id = text_field(*frame, "id", command_id_bytes_max);
  if (!id) return refuse(session, "any", "", "bad_request", "id: a text of at most 128 bytes");
  const auto type = text_field(*frame, "type", 64);
  if (!type || type->empty()) return refuse(session, "any", *id, "bad_request", "type: missing");
  if (*type == "hello") return hello(session, *frame);
  if (*type == "ping") {
    json::object pong{{"type", "pong"}};
    if (!id->empty()) pong["id"] = *id;
    return write(session, std::move(pong));
  }
  if (!session->agent) return refuse(session, "any", *id, "hello_required", {});
  if (*type == "history") return history(session, *id, *frame);
  command(session, *type, *id, *frame);
}

void DeskGateway::Desk::hello(const Session& session, const json::object& frame) {
  const auto* version = frame.if_contains("v");
  if (version != nullptr && *version != 1) return refuse(session, "hello", "", "bad_request", "v: 1 is spoken here");
  const auto token = text_field(frame, "token", limits::short_field_bytes_max);
  const auto agent = token && !token->empty() ? ports.tokens.who(*token) : std::nullopt;
  // One socket is one agent's: another one signs in on a socket of its own. So is one key.
  const auto bound = session->link->only_agent();
  if (!agent || (session->agent && session->agent != agent) || (bound && bound != agent)) {
    refuse(session, "hello", "", "unauthorised", {});
    return session->link->close(close_unauthorised, "unauthorised");
  }
  // Before it is a record: a session of hers that is at work here would end for one that was never meant to be here.
  const auto tenant = text_field(frame, "tenant", limits::short_field_bytes_max);
  if (!tenant) return refuse(session, "hello", "", "bad_request", "tenant: a text");
  if (!tenant->empty() && *tenant != options.tenant.text()) {
    refuse(session, "hello", "", "wrong_tenant", "this daemon serves the tenant " + options.tenant.text() + ", not " + *tenant);
    return session->link->close(close_unauthorised, "wrong tenant");
  }
  session->agent = *agent;
  session->token = *token;
  ask_for_welcome(session);
}

// Also how a session whose numbering shows a gap gets the whole truth anew (rule A1).
void DeskGateway::Desk::ask_for_welcome(const Session& session) {
  const bool first = !session->welcomed;
  session->next_number.reset();
  append(SessionOpened{*session->agent, session->id, options.gateway}, "opened/" + session->id.text(),
         [self = shared_from_this(), session, first](bool taken) {
           if (taken) return;
           session->welcome_failed = true;
           if (!first) return;
           self->refuse(session, "hello", "", "degraded", {});
           session->welcome_failed = false;
           session->link->close(close_try_later, "nothing can be written now");
         });
}

void DeskGateway::Desk::command(const Session& session, const std::string& type, const std::string& id,
                                const json::object& frame) {
  auto read = read_command(type, frame);
  if (const auto* problem = std::get_if<FrameProblem>(&read)) {
    const bool known = problem->code != "unknown_type";
    return refuse(session, known ? type : "unknown", id, problem->code, problem->sentence);
  }
  if (id.empty()) return refuse(session, type, "", "bad_request", "id: every command has one");
  auto* reply = std::get_if<Reply>(&std::get<Command>(read));
  if (const auto* list = frame.if_contains("attachments"); reply != nullptr && list != nullptr)
    if (const auto wrong = attach(session, *list, *reply)) return refuse(session, type, id, file_code(wrong->fault), wrong->detail);
  CommandIssued record{*session->agent, session->id, CommandId(id), std::move(std::get<Command>(read))};
  append(std::move(record), session->agent->text() + '/' + id,
         [self = shared_from_this(), session, type, id](bool taken) {
           if (taken)
             self->ports.metrics.command(type, "appended");
           else
             self->refuse(session, type, id, "degraded", {});
         });
}

// What is wrong with a reply's files, if anything is: known before it is in the journal, so that no reply goes out without
// what it speaks of. Whether the conversation is this agent's is the engine's to say.
std::optional<Error> DeskGateway::Desk::attach(const Session& session, const json::value& list, Reply& reply) const {
  if (list.is_null() || (list.is_array() && list.get_array().empty())) return std::nullopt;
  const auto held = session->held.find(reply.conversation);
  if (held != session->held.end() && !ports.carries_files(held->second)) return fail(Fault::conflict, std::string(code_sentence("no_files")));
  if (ports.files == nullptr) return fail(Fault::not_found, std::string(code_sentence("unknown_file")));
  auto files = ports.files->named(*session->agent, list);
  if (!files) return files.error();
  reply.attachments = std::move(*files);
  return std::nullopt;
}

void DeskGateway::Desk::history(const Session& session, const std::string& id, const json::object& frame) {
  const auto text = text_field(frame, "conversation", limits::short_field_bytes_max);
  if (!text || text->empty()) return refuse(session, "history", id, "bad_request", "conversation: an id is needed");
  const auto conversation = ConversationId::parse(*text);
  if (!conversation) return refuse(session, "history", id, "unknown_conversation", {});
  bool allowed = session->held.contains(*conversation);
  for (const auto& [offer, offered] : session->offers) allowed = allowed || offered == *conversation;
  if (!allowed) return refuse(session, "history", id, "not_assigned", {});

  std::optional<std::uint32_t> before = std::numeric_limits<std::uint32_t>::max();
  if (const auto* given = frame.if_contains("before"); given != nullptr && !given->is_null()) {
    before = sequence_of(*given);
    if (const auto message =
            given->is_string() ? MessageId::parse(std::string_view(given->get_string())) : std::nullopt) {
      const auto body = bodies.one(*message);
      if (body && body->conversation == *conversation) before = body->sequence;
    }
  }
  if (!before) return refuse(session, "history", id, "bad_request", "before: the id or sequence of a message of it");
  const auto read = bodies.newest(*conversation, *before);
  if (!read) return refuse(session, "history", id, "degraded", {});
  json::array messages;
  for (const auto& body : *read) messages.push_back(message_json(body));
  json::object answer{{"type", "history"}, {"conversation", *text}, {"messages", std::move(messages)}};
  if (!id.empty()) answer["id"] = id;
  write(session, std::move(answer));
}

}  // namespace usher::daemon
