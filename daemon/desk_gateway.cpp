// Sessions of agents: begun, looked after, ended; see desk_gateway.hpp. What is said in them is in desk_gateway_inbound
// and desk_gateway_outbound.
#include "daemon/desk_gateway.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <utility>

#include "daemon/agent_tokens.hpp"
#include "daemon/desk_gateway_desk.hpp"
#include "daemon/http_wire.hpp"
#include "daemon/problem_json.hpp"
#include "routing/message/wire.hpp"

namespace usher::daemon {

namespace {

constexpr std::size_t frames_waiting_max = 100'000;

std::string random_name() {
  std::array<std::uint64_t, 2> bits{};
  RAND_bytes(reinterpret_cast<unsigned char*>(bits.data()), sizeof bits);
  return MessageId{bits[0], bits[1]}.text();
}

std::string origin_part(const std::string& url) {
  const auto host = url.find("://");
  return host == std::string::npos ? std::string{} : url.substr(0, url.find('/', host + 3));
}

}  // namespace

DeskGateway::Desk::Desk(DeskOptions chosen, Ports given)
    : options(std::move(chosen)), ports(given), bodies(given.reader, options.partition), timer(given.loop.context()) {}

void DeskGateway::Desk::append(Record record, std::string id, std::function<void(bool)> then) {
  journal::Entry entry{std::move(id), std::string(record_type(record)), encode(record)};
  const auto began = std::chrono::steady_clock::now();
  ports.journal.append(
      journal::Stream::inbound, options.partition, std::move(entry),
      [self = shared_from_this(), began, then = std::move(then)](const Result<journal::Appended>& appended) {
        const bool taken = appended.has_value();
        self->ports.metrics.append(std::chrono::steady_clock::now() - began, taken);
        // A success that nobody waits for costs no trip to the loop.
        if (then) self->ports.loop.post([self, then, taken] { then(taken); });
      });
}

void DeskGateway::Desk::adopt(std::shared_ptr<AgentSession> link) {
  if (stopping) return link->cut();
  auto session = std::make_shared<DeskSession>(SessionId(random_name()), options.commands_per_second);
  session->link = std::move(link);
  session->hello_until = ports.clock.steady() + options.hello_within;
  sessions.emplace(session->id, session);
  count = sessions.size();
  ports.metrics.sessions(static_cast<std::int64_t>(sessions.size()));
  // The events hold the session and it holds the link; the link lets go of the events when it ends.
  AgentSessionEvents events;
  events.opened = [] {};
  events.text = [self = shared_from_this(), session](std::string_view text) { self->heard(session, text); };
  events.closed = [self = shared_from_this(), session](int code) { self->ended(session, code); };
  session->link->start(std::move(events));
}

void DeskGateway::Desk::sweep() {
  if (gone) return;
  const auto now = ports.clock.steady();
  std::vector<Session> all;
  for (const auto& [id, session] : sessions) all.push_back(session);
  for (const auto& session : all) {
    if (!session->agent && now >= session->hello_until)
      session->link->close(close_no_hello, "no hello");
    else
      check_token(session);
    if (std::exchange(session->welcome_failed, false)) ask_for_welcome(session);
  }
  for (auto& record : std::exchange(unreported, {})) report_closed(std::move(record));
  timer.expires_after(options.sweep_every);
  timer.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) self->sweep();
  });
}

void DeskGateway::Desk::check_token(const Session& session) {
  if (!session->agent || ports.tokens.who(session->token) == session->agent) return;
  session->link->close(close_unauthorised, "token revoked");
}

void DeskGateway::Desk::check_tokens(const AgentId* agent) {
  std::vector<Session> all;
  for (const auto& [id, session] : sessions)
    if (agent == nullptr || session->agent == *agent) all.push_back(session);
  for (const auto& session : all) check_token(session);
}

void DeskGateway::Desk::ended(const Session& session, int code) {
  if (sessions.erase(session->id) == 0) return;
  count = sessions.size();
  ports.metrics.sessions(static_cast<std::int64_t>(sessions.size()));
  ports.metrics.session_closed(code);
  if (session->agent && !session->ended_by_engine) report_closed({*session->agent, session->id});
  if (!sessions.empty()) return;
  const std::lock_guard lock(mutex);
  emptied.notify_all();
}

void DeskGateway::Desk::report_closed(SessionClosed record) {
  append(record, "closed/" + record.session.text(), [self = shared_from_this(), record](bool taken) {
    // Until the engine knows, it would offer work to nobody. After a restart GatewayLost says it.
    if (!taken && !self->stopping) self->unreported.push_back(record);
  });
}

void DeskGateway::Desk::close_all() {
  stopping = true;
  std::vector<Session> all;
  for (const auto& [id, session] : sessions) all.push_back(session);
  for (const auto& session : all) session->link->close(close_restart, "service restart");
}

DeskGateway::DeskGateway(DeskOptions options, Ports ports) : desk_(std::make_shared<Desk>(std::move(options), ports)) {
  ports.loop.post([desk = desk_] { desk->sweep(); });
  ports.tokens.on_revoked([weak = std::weak_ptr(desk_)](const AgentId& agent) {
    if (const auto desk = weak.lock()) desk->ports.loop.post([desk, agent] { desk->check_tokens(&agent); });
  });
}

DeskGateway::~DeskGateway() {
  desk_->ports.loop.run([desk = desk_] {
    desk->stopping = true;
    desk->gone = true;
    desk->timer.cancel();
    const auto all = desk->sessions;
    for (const auto& [id, session] : all) session->link->cut();
  });
}

void DeskGateway::announce(std::function<void(Result<void>)> done) {
  const Record record = GatewayLost{desk_->options.gateway};
  journal::Entry entry{"lost/" + random_name(), std::string(record_type(record)), encode(record)};
  desk_->ports.journal.append(journal::Stream::inbound, desk_->options.partition, std::move(entry),
                              [done = std::move(done)](const Result<journal::Appended>& appended) {
                                if (appended)
                                  done({});
                                else
                                  done(appended.error());
                              });
}

std::optional<Response> DeskGateway::check(const Request& request) const {
  const auto& origin = request.header("origin");
  const auto& listed = desk_->options.origins;
  const bool known = origin.empty() || origin == origin_part(desk_->options.public_url) ||
                     std::ranges::find(listed, origin) != listed.end();
  // RFC 6455 10.2: any page may try to open a WebSocket; only the desk's own may get one.
  if (!known) return problem(403, "This origin may not open agents' sessions.");
  const auto& protocols = request.header("sec-websocket-protocol");
  if (!protocols.empty() && !has_word(protocols, "usher.agent.v1"))
    return problem(400, "The subprotocol is usher.agent.v1.");
  if (desk_->count >= limits::http_connections_max) return problem(503, "There are too many sessions.");
  return std::nullopt;
}

void DeskGateway::adopt(Upgrade upgrade) {
  desk_->adopt(make_agent_session(std::move(upgrade), desk_->options.idle_max));
}

void DeskGateway::adopt(std::shared_ptr<AgentSession> link) { desk_->adopt(std::move(link)); }

void DeskGateway::send(const engine::AgentFrame& frame) {
  if (frame.gateway != desk_->options.gateway) return;
  // Dropping makes a gap in the session's numbers, and a gap a fresh welcome (rule A1).
  if (desk_->undelivered.fetch_add(1) >= frames_waiting_max) {
    desk_->undelivered.fetch_sub(1);
    return;
  }
  desk_->ports.loop.post([desk = desk_, frame] {
    desk->undelivered.fetch_sub(1);
    desk->deliver(frame);
  });
}

void DeskGateway::service(bool degraded) {
  desk_->ports.loop.post([desk = desk_, degraded] { desk->tell_service(degraded); });
}

void DeskGateway::frames_lost() {
  desk_->ports.loop.post([desk = desk_] { desk->welcome_all_anew(); });
}

void DeskGateway::stop(Milliseconds within) {
  desk_->ports.loop.run([desk = desk_] { desk->close_all(); });
  std::unique_lock lock(desk_->mutex);
  desk_->emptied.wait_for(lock, within, [this] { return desk_->count == 0; });
}

std::size_t DeskGateway::sessions() const { return desk_->count; }

}  // namespace usher::daemon
