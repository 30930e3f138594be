// Sessions over the ROUTER, the loop's side; see zmq_agents_session.hpp.
#include "daemon/zmq_agents_session.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace usher::daemon {

namespace limits = message::limits;

void ZmqOutbox::put(ZmqWish wish) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = wishes_.empty();
    wishes_.push_back(std::move(wish));
  }
  if (first) wake_up_.wake();
}

std::vector<ZmqWish> ZmqOutbox::take() {
  wake_up_.calm();
  const std::lock_guard lock(mutex_);
  return std::exchange(wishes_, {});
}

void ZmqSession::start(AgentSessionEvents events) {
  events_ = std::move(events);
  events_.opened();
}

void ZmqSession::send(std::string text) {
  if (closing_) return;
  const auto frames = ++backlog_.frames;
  const auto bytes = backlog_.bytes += text.size();
  if (frames > limits::session_send_queue_max || bytes > limits::session_send_bytes_max)
    return close(close_too_slow, "too slow");
  outbox_->hold(text.size());
  outbox_->put({ZmqWish::Kind::say, peer_, std::move(text), 0});
}

void ZmqSession::close(int code, const std::string& reason) {
  if (std::exchange(closing_, true)) return;
  outbox_->put({ZmqWish::Kind::close, peer_, session_closed_frame(code, reason), code});
}

void ZmqSession::cut() {
  closing_ = true;
  outbox_->put({ZmqWish::Kind::forget, peer_, {}, 0});
  ended(close_vanished);
}

void ZmqSession::heard(std::string_view text) {
  if (!closing_ && events_.text) events_.text(text);
}

void ZmqSession::ended(int code) {
  if (std::exchange(ended_, true)) return;
  closing_ = true;
  const auto events = std::exchange(events_, {});
  if (events.closed) events.closed(code);
}

std::string session_closed_frame(int code, const std::string& reason) {
  return boost::json::serialize(boost::json::object{{"type", "session_closed"}, {"code", code}, {"reason", reason}});
}

}  // namespace usher::daemon
